"""The preset for Renovate finds what a spec runs, and nothing else of it."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from harness.cases import CASES, PIPELINE_CASES, ROOT
from harness.runs import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PRESET = json.loads((ROOT / "renovate" / "default.json").read_text(encoding="utf-8"))
DIGEST = "sha256:" + "a" * 64


def found(text: str) -> list[tuple[str, str, str]]:
    """Name, value and digest of each dependency, as Renovate's two strategies find them."""
    return [each for manager in PRESET["customManagers"] for each in _found(manager, text)]


def _found(manager: dict[str, Any], text: str) -> Iterator[tuple[str, str, str]]:
    *outer, last = map(_python, manager["matchStrings"])
    assert not outer or manager["matchStringsStrategy"] == "recursive"
    texts = [text]
    for pattern in outer:
        texts = [match[0] for each in texts for match in pattern.finditer(each)]
    for match in (match for each in texts for match in last.finditer(each)):
        groups = match.groupdict()
        name = groups.get("depName") or manager["depNameTemplate"]
        yield name, groups["currentValue"], groups.get("currentDigest") or ""


@functools.cache
def _python(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("(?<", "(?P<"))


def wanted(text: str) -> set[tuple[str, str, str]]:
    """The images with a tag that a spec names for its jobs, and the executor's version.

    A version to which digests belong is not one: it would move without them.
    """
    images: set[str] = set()
    versions: set[tuple[str, str, str]] = set()
    for build in ci_kaniko.loads(text).builds:
        images |= {image for image in (build.tools.git, build.tools.regctl) if image}
        images |= {build.prepare.image} if build.prepare else set()
        executor = build.executor
        images |= {executor.image} if executor.image else set()
        pinned = executor.image or executor.digests.plain or executor.digests.debug
        if executor.version and not pinned and executor.distribution == KANIKO[1]:
            versions.add((KANIKO[0], executor.version, ""))
    parts = {_parts(image) for image in images}
    return {each for each in parts if each[1]} | versions


KANIKO = ("ghcr.io/osscontainertools/kaniko", "osscontainertools")


def _parts(image: str) -> tuple[str, str, str]:
    rest, _, digest = image.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}{slash}{name}", tag, digest


@pytest.mark.parametrize("case", [*CASES, *PIPELINE_CASES])
def test_every_image_of_a_spec_is_found_and_no_destination(case: str) -> None:
    assert {*found(text_of(case))} == wanted(text_of(case))


BLOCK = f"""\
# a comment
executor:
  # another
  image: registry.example.com:5000/oss/kaniko:v1.28.3-debug@{DIGEST}
tools:
  git: "docker.io/alpine/git:2.51"

  regctl: ghcr.io/regclient/regctl:v0.9.2-alpine # why
destinations:
  - image: ghcr.io/acme/shop:1.0
    when: release
images:
  api:
    prepare:
      image: golang:1.26
      commands: [make]
      artifacts: [bin]
    destinations:
      - image: ghcr.io/acme/api:2.0
  web: {{context: web, prepare: {{image: 'node:24', commands: [make], artifacts: [bin]}}}}
"""


def test_blocks_braces_and_quotes() -> None:
    assert found(BLOCK) == [
        ("registry.example.com:5000/oss/kaniko", "v1.28.3-debug", DIGEST),
        ("docker.io/alpine/git", "2.51", ""),
        ("ghcr.io/regclient/regctl", "v0.9.2-alpine", ""),
        ("golang", "1.26", ""),
        ("node", "24", ""),
    ]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("executor: {version: v1.28.3}\n", "v1.28.3"),
        ("executor: {distribution: osscontainertools, version: v1.28.3}\n", "v1.28.3"),
        ("executor:\n  distribution: osscontainertools\n  version: v1.28.3 # why\n", "v1.28.3"),
        ("executor:\n  version: v1.28.3\n\npush: never\n", "v1.28.3"),
        ("executor: {distribution: google, version: v1.24.0}\n", ""),
        ("executor: {image: mirror.example.com:5000/kaniko, version: v1.28.3}\n", ""),
        (f"executor: {{version: v1.28.3, digests: {{plain: '{DIGEST}'}}}}\n", ""),
        (f"executor:\n  version: v1.28.3\n  digests: {{plain: '{DIGEST}'}}\npush: never\n", ""),
        (f"executor:\n  digests: {{plain: '{DIGEST}'}}\n  version: v1.28.3\n", ""),
    ],
)
def test_the_version_of_the_executor(text: str, version: str) -> None:
    """Where digests belong to it, nothing moves it without them."""
    assert found(text) == ([(KANIKO[0], version, "")] if version else [])


def test_specs_are_found_by_name() -> None:
    for manager in PRESET["customManagers"]:
        (pattern,) = manager["managerFilePatterns"]
        names = ["ci-kaniko.yaml", "services/api/ci-kaniko.yml", "my-ci-kaniko.yaml", "ci-kaniko"]
        known = [name for name in names if re.search(pattern[1:-1], name)]
        assert known == names[:2]


def test_the_preset_has_the_shape_that_renovate_reads() -> None:
    """Renovate ignores a rule without a match, and RE2 knows no look-around."""
    assert PRESET.keys() == {"$schema", "description", "customManagers", "packageRules"}
    for manager in PRESET["customManagers"]:
        assert manager["customType"] == "regex"
        assert not [text for text in manager["matchStrings"] if re.search(r"\(\?<?[=!]", text)]
        names = set(_python(manager["matchStrings"][-1]).groupindex)
        assert names | {key.removesuffix("Template") for key in manager} >= {
            "currentValue",
            "datasource",
            "depName",
        }
    for rule in PRESET["packageRules"]:
        assert [key for key in rule if key.startswith("match")]
        assert rule.get("enabled") is False or rule["minimumReleaseAge"] == "7 days"
