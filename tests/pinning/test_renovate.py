"""The preset for Renovate finds what a spec runs, and nothing else of it."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.spec.pulled import DEFAULTS
from harness import tools
from harness.cases import CASES, PIPELINE_CASES, ROOT
from harness.runs import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRESET = json.loads((ROOT / "renovate" / "default.json").read_text(encoding="utf-8"))
DIGEST = "sha256:" + "a" * 64


def found(text: str) -> list[tuple[str, str, str]]:
    """Name, value and digest of each dependency, as Renovate's two strategies find them."""
    return [each[1:] for manager in PRESET["customManagers"] for each in _found(manager, text)]


def _found(manager: dict[str, Any], text: str) -> Iterator[tuple[str, str, str, str]]:
    """The same after the text that was matched, which Renovate looks for when it writes."""
    patterns = [*map(_python, manager["matchStrings"])]
    texts = [text]
    if manager.get("matchStringsStrategy") == "recursive":
        *outer, last = patterns
        patterns = [last]
        for pattern in outer:
            texts = [match[0] for each in texts for match in pattern.finditer(each)]
    for match in (m for last in patterns for each in texts for m in last.finditer(each)):
        groups = match.groupdict()
        name = groups.get("depName") or manager["depNameTemplate"]
        yield match[0], name, groups["currentValue"], groups.get("currentDigest") or ""


def moved(text: str) -> str:
    """A spec in which everything has moved to release 99, one after the other."""
    for manager in PRESET["customManagers"]:
        for matched, _, value, digest in _found(manager, text):
            new = matched.replace(value, re.sub("[0-9]+", "99", value, count=1))
            new = new.replace(digest, digest[:-20] + "f" * 20) if digest else new
            text = text.replace(matched, new, 1)
    return text


@functools.cache
def _python(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("(?<", "(?P<"))


def wanted(text: str) -> set[tuple[str, str, str]]:
    """The images with a tag that a spec names for its jobs, the action, and the executor."""
    images: set[str] = set()
    others: set[tuple[str, str, str]] = set()
    for build in ci_kaniko.loads(text).builds:
        images |= {image for name in DEFAULTS if (image := getattr(build.tools, name))}
        images |= {build.prepare.image} if build.prepare else set()
        executor = build.executor
        images |= {executor.image} if executor.image else set()
        if executor.image and not _parts(executor.image)[1] and not _digests(executor):
            others.add((executor.image, executor.version or "", ""))
        if not executor.image and executor.distribution == KANIKO[1]:
            pins = (executor.version, *_digests(executor))
            others |= {(KANIKO[0], *pin.partition("@")[::2]) for pin in pins if pin}
        if (action := build.tools.checkout) and " # " in action:
            name, commit, version = re.split("@| # ", action)
            others.add((name, version, commit))
    parts = {_parts(image) for image in images}
    others = {each for each in others if each[1]}
    return {each for each in parts if each[1]} | others


def _digests(executor: ci_kaniko.Executor) -> list[str]:
    return [each for each in (executor.digests.plain, executor.digests.debug) if each]


KANIKO = ("ghcr.io/osscontainertools/kaniko", "osscontainertools")


def _parts(image: str) -> tuple[str, str, str]:
    rest, _, digest = image.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}{slash}{name}", tag, digest


@pytest.mark.parametrize("case", [*CASES, *PIPELINE_CASES])
def test_every_image_of_a_spec_is_found_and_no_destination(case: str) -> None:
    """What Renovate then writes is a spec again, in which everything has moved."""
    text = text_of(case)
    assert {*found(text)} == wanted(text)
    if found(text):
        new = moved(text)
        assert {(name, digest[-20:]) for name, _, digest in found(new)} == {
            (name, digest and "f" * 20) for name, _, digest in found(text)
        }
        assert all("99" in value for _, value, _ in found(new))
        assert {*found(new)} == wanted(new)


BLOCK = f"""\
# a comment
executor:
  # another
  image: registry.example.com:5000/oss/kaniko:v1.28.3-debug@{DIGEST}
tools:
  git: "docker.io/alpine/git:2.51"

  regctl: ghcr.io/regclient/regctl:v0.9.2-alpine # why
  checkout: acme/run/checkout@{DIGEST[-40:]} # v4.1
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


def test_the_images_of_all_tools_are_found() -> None:
    block = "".join(f"  {name}: {image}\n" for name, image in DEFAULTS.items())
    assert found(f"tools:\n{block}") == [_parts(image) for image in DEFAULTS.values()]


def test_blocks_braces_and_quotes() -> None:
    assert found(BLOCK) == [
        ("registry.example.com:5000/oss/kaniko", "v1.28.3-debug", DIGEST),
        ("docker.io/alpine/git", "2.51", ""),
        ("ghcr.io/regclient/regctl", "v0.9.2-alpine", ""),
        ("golang", "1.26", ""),
        ("node", "24", ""),
        ("acme/run", "v4.1", DIGEST[-40:]),
    ]


PLAIN, DEBUG = f"v1.28.3@{DIGEST}", f"v1.28.3-debug@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("executor: {version: v1.28.3}\n", ["v1.28.3"]),
        ("executor: {distribution: osscontainertools, version: v1.28.3}\n", ["v1.28.3"]),
        ("executor:\n  distribution: osscontainertools\n  version: v1.28.3 # why\n", ["v1.28.3"]),
        ("executor:\n  version: v1.28.3\n\npush: never\n", ["v1.28.3"]),
        ("executor: {distribution: google, version: v1.24.0}\n", []),
        (f"executor: {{version: v1.28.3, digests: {{plain: '{PLAIN}'}}}}\n", ["v1.28.3", PLAIN]),
        (
            f"executor:\n  version: v1.28.3\n  digests: {{debug: {DEBUG}, plain: {PLAIN}}}\n",
            ["v1.28.3", DEBUG, PLAIN],
        ),
        (
            (
                f"executor: # a\n  digests: # b\n    plain: '{PLAIN}' # c\n    # d\n"
                f"    debug: {DEBUG}\n  version: v1.28.3\npush: never\n"
            ),
            [PLAIN, DEBUG, "v1.28.3"],
        ),
        (
            f"images:\n  a:\n    executor:\n      digests: {{plain: {PLAIN}}}\n    push: never\n",
            [PLAIN],
        ),
        (f"executor: {{digests: {{plain: {PLAIN}}}, image: mirror.example.com/kaniko}}\n", []),
        (
            f"executor:\n  digests:\n    plain: {PLAIN}\n  image: mirror.example.com/kaniko\n",
            [],
        ),
    ],
)
def test_the_version_of_the_executor_moves_with_its_digests(text: str, pins: list[str]) -> None:
    assert found(text) == [(KANIKO[0], *pin.partition("@")[::2]) for pin in pins]
    ci_kaniko.loads(moved(text if "push:" in text else f"push: never\n{text}"))


MIRROR = "mirror.example.com:5000/oss/kaniko"


@pytest.mark.parametrize(
    "text",
    [
        f"executor: {{image: {MIRROR}, version: v1.28.3}}\n",
        f"executor: {{version: 'v1.28.3', distribution: chainguard, image: \"{MIRROR}\"}}\n",
        f"executor:\n  version: v1.28.3 # why\n  # which\n  image: {MIRROR}\npush: never\n",
        f"executor: # a\n  image: '{MIRROR}'\n  distribution: google\n  version: v1.28.3\n",
        f"images:\n  a:\n    executor:\n      version: v1.28.3\n      image: {MIRROR}\n  b: {{}}\n",
        f"images:\n  a: {{executor: {{version: v1.28.3, image: {MIRROR}}}}}\n",
    ],
)
def test_the_version_of_a_mirrored_executor_moves(text: str) -> None:
    assert found(text) == [(MIRROR, "v1.28.3", "")]
    assert found(moved(text)) == [(MIRROR, "v99.28.3", "")]


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
        recursive = manager.get("matchStringsStrategy") == "recursive"
        ends = manager["matchStrings"][-1:] if recursive else manager["matchStrings"]
        names = set.intersection(*(set(_python(each).groupindex) for each in ends))
        assert names | {key.removesuffix("Template") for key in manager} >= {
            "currentValue",
            "datasource",
            "depName",
        }
    for rule in PRESET["packageRules"]:
        assert [key for key in rule if key.startswith("match")]
        assert rule.get("enabled") is False or rule["minimumReleaseAge"] == "7 days"


def test_renovate_takes_the_preset_and_not_a_misspelt_one(tmp_path: Path) -> None:
    """Its own validator, which says of each file what is wrong with it."""
    node = tools.program("node")
    program = f"{tools.module('renovate', 'renovate')}/dist/config-validator.js"
    text = json.dumps(PRESET)
    misspelt = ("matchStringsStrategy", "minimumReleaseAge", "packageRules")
    texts = {"default": text, **{key: text.replace(f'"{key}"', f'"{key}s"') for key in misspelt}}
    for name, each in texts.items():
        (tmp_path / f"{name}.json").write_text(each, encoding="utf-8")
    done = subprocess.run(
        [node, program, "--strict", "--no-global", *(f"{name}.json" for name in texts)],
        cwd=tmp_path,
        env={"PATH": tools.SEARCH, "HOME": str(tmp_path), "LOG_FORMAT": "json"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    seen = [each["msg"].split()[1] for each in said if each["msg"].startswith("Validating ")]
    assert seen == [f"{name}.json" for name in texts], done.stdout + done.stderr
    wrong = {each["file"]: json.dumps(each["errors"]) for each in said if "errors" in each}
    assert wrong.keys() == {f"{name}.json" for name in misspelt}
    assert all(f"{name}s" in wrong[f"{name}.json"] for name in misspelt)
