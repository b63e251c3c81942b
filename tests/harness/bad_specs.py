"""The bad specs: files of ``tests/specs/bad``, and texts that no file in a repository can hold."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.problems.catalogue import rules
from ci_kaniko.spec.loading import warnings
from harness.cases import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from ci_kaniko import Problem

FOLDER = ROOT / "tests" / "specs" / "bad"


class Case(NamedTuple):
    """A bad spec and how it is rendered, if at all."""

    name: str
    data: bytes
    target: str | None
    values: dict[str, str]

    @property
    def expected(self) -> Path:
        return FOLDER / f"{self.name}.errors.txt"

    @property
    def file_name(self) -> str:
        return f"{self.name}.yaml"


def problems_of(case: Case) -> Sequence[Problem]:
    """What Python reports: the problems of an error, else the warnings."""
    return _problems_of(case.data, case.file_name, case.target, tuple(case.values.items()))


@functools.cache
def _problems_of(
    data: bytes, file_name: str, target: str, values: tuple[tuple[str, str], ...]
) -> Sequence[Problem]:
    try:
        spec = ci_kaniko.loads(data, file_name)
        if target:
            rendering.render(spec, target, dict(values))
    except ci_kaniko.SpecError as error:
        return error.problems
    return warnings(spec)


def written() -> list[Case]:
    """The cases that are files; their first comments say how they are rendered."""
    return [_case(path.stem, path.read_bytes()) for path in sorted(FOLDER.glob("*.yaml"))]


def explained() -> list[Case]:
    """The examples of rules, where a spec is all they take and no file has them with others."""
    return [
        Case(rule.id, rule.bad.encode(), rule.target, rule.values)
        for rule in rules().values()
        if not rule.situation and not rule.files and not (FOLDER / f"{rule.id}.yaml").exists()
    ]


def made() -> list[Case]:
    """The cases that are bytes, or masses of them."""
    return [_case(name, make()) for name, make in _MAKERS.items()]


def _case(name: str, data: bytes) -> Case:
    settings = re.findall(rb"(?m)^# (target|set): (.*)$", data)
    targets = [value.decode() for key, value in settings if key == b"target"]
    pairs = [value.decode().partition("=") for key, value in settings if key == b"set"]
    return Case(
        name, data, targets[0] if targets else None, {key: value for key, _, value in pairs}
    )


def _bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


def _many(images: str, number: int, target: str) -> bytes:
    """A spec of many images that is too much for a target."""
    lines = [f"  image-{n}: {images.format(n - 1)}" for n in range(2, number + 1)]
    head = f"# target: {target}\npush: never\ntriggers: {{branches: [main]}}\nimages:\n"
    return (head + "\n".join(["  image-1: {}", *lines])).encode()


_MAKERS: dict[str, Callable[[], bytes]] = {
    "empty-spec-comments": lambda: b"# nothing yet\n",
    "empty-spec-byte-order-mark": lambda: b"\xef\xbb\xbf",
    "not-text-program": lambda: b"\x7fELF\x02\x01\x01\0\0\0",
    "not-text-control-character": lambda: b"push: never\ntarget: a\x07b\n",
    "not-text-next-line": 'push: never\nbuild_args: {A: "x\u0085y"}\n'.encode,
    "not-utf8": lambda: "push: never\ntarget: café\n".encode("latin-1"),
    "not-utf8-utf16": lambda: "push: never\n".encode("utf-16"),
    "too-large": lambda: b"#" * (1024 * 1024 + 1),
    "too-deep-10-thousand": lambda: b"[" * 10_000,
    "too-deep-100-thousand": lambda: b"{a: " * 100_000,
    "too-deep-1-million": lambda: b"[" * 1_000_000,
    "too-many-nodes-billions": _bomb,
    "too-many-jobs": lambda: _many("{{}}", 501, "buildkite"),
    "too-many-needs": lambda: (
        _many("{{}}", 60, "gitlab")
        + b"\n  all:\n    needs:\n"
        + b"\n".join(b"      - image-%d" % n for n in range(1, 61))
    ),
    "yaml-syntax-windows": lambda: b"\xef\xbb\xbfpush: never\r\ntarget: a: b\r\n",
    "unknown-key-windows": lambda: b"\xef\xbb\xbfcontxt: .\r\npush: never\r\n",
}


def rules_of(text: str) -> list[str]:
    """The rules that an expected text names, in order."""
    return re.findall(
        r"^(?:\S+\.yaml|<spec>)(?::\d+:\d+)?: .* \[([a-z0-9-]+)\]$", text, re.MULTILINE
    )


def first_of_each_rule(cases: Iterable[Case]) -> list[Case]:
    """The cases in which a rule is that is in none before."""
    known: set[str] = set()
    found = []
    for case in cases:
        shown = {*rules_of(case.expected.read_text(encoding="utf-8"))}
        found += [case] if not shown or shown - known else []
        known |= shown
    return found
