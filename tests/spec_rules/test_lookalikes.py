"""A word that is wrong by a character that nobody sees: the hint names it and its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import ci_kaniko

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = """\
push: auto
destinations:
  - {image: "quay.io/acme/${image.name}:one", when: default-branch}
  - {image: "acme/${image.name}:two", when: {tag: v1}}
registries: {quay.io: {username: {secret: QUAY_USER}, password: QUAY_TOKEN}, docker.io: anonymous}
options: {snapshot_mode: redo, reproducible: true, push_retry: 3}
mirrors: {quay.io: mirror.example.com}
cache: {repo: quay.io/acme/cache, ttl: 168h, copy_layers: true}
executor: {distribution: osscontainertools, version: v1.28.3}
platforms: [linux/amd64, linux/arm64/v8]
triggers:
  pull_requests: true
  branches: [main]
  tags: [v1]
rules: {unused-login: error, frozen-image: off}
build_secrets: {npm: NPM_TOKEN}
certificates: {quay.io: ACME_CA}
checkout: {submodules: recursive, depth: 5}
gitlab: {interruptible: true, dependency_proxy: true}
github: {mode: container}
kubernetes: {kind: Job}
inputs: {edition: {type: boolean, default: true}}
images:
  api: {needs: [web], target: "${input.edition}"}
  web: {digest: false}
"""
FREE = {"v1", "main", "mirror.example.com"}
"""Any branch, tag or host may be called so, or nearly so."""
UNSEEN = "\u00a0\u200b\u00ad\u2011\u0435"
WORD = re.compile(r"[A-Za-z0-9][\w./-]*(?::(?=\w)[\w./-]+)?")
BLANK = re.compile(r"(?<=[:,]) ")


def changed() -> Iterator[tuple[str, int, int, str]]:
    """The spec with one character that is not what it looks like, and where that is."""
    for number, line in enumerate(SPEC.splitlines(), 1):
        words = [match for match in WORD.finditer(line) if match.group() not in FREE]
        for index, match in enumerate(words):
            at = (match.start() + match.end()) // 2
            # A letter of a secret's name is not told: it might be one of a secret.
            usable = UNSEEN[:-1] if match.group().isupper() else UNSEEN
            odd = usable[(number + index) % len(usable)]
            yield _with(number, line[:at] + odd + line[at:]), number, at + 1, odd
        for match in BLANK.finditer(line):
            at = match.start()
            yield _with(number, f"{line[:at]}\u00a0{line[at + 1 :]}"), number, at + 1, "\u00a0"


def _with(number: int, line: str) -> str:
    lines = SPEC.splitlines()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


def test_the_hint_names_a_character_that_nobody_sees() -> None:
    ci_kaniko.loads(SPEC)
    silent = []
    for text, line, column, odd in changed():
        with pytest.raises(ci_kaniko.SpecError) as error:
            ci_kaniko.loads(text)
        code = f"U+{ord(odd):04X}"
        told = [
            problem
            for problem in error.value.problems
            if f"({code}) in column {column}" in problem.hint
            or (code in problem.message and problem.column == column)
            or (code in problem.hint and problem.rule == "unknown-variable")
        ]
        if not any(line == problem.line or f"of line {line}" in problem.hint for problem in told):
            silent.append((text.splitlines()[line - 1], error.value.problems[0]))
    assert silent == []
