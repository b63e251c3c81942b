"""Nothing is silent: a pipeline in which one thing is changed makes another spec or report.

``silent.yaml`` lists what may change unheard, with the reason, and what still does: ``pending``
must shrink, and this file with ``--every-mode --update-snapshots -n0`` takes out what is heard now.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from ci_kaniko import SpecError, import_files
from ci_kaniko.importing.readers.accounting import IGNORED
from ci_kaniko.rehearsing import yaml11
from harness.cases import ROOT
from harness.corpus import NAMES, pipeline
from harness.perturbation import Change, Place, changes

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT = Path(__file__).with_name("silent.yaml")
IMPORTS = ROOT / "tests" / "imports"
SAMPLE = 2
"""How many changes of a pipeline an ordinary run tries; ``--every-mode`` tries all."""
_WHOLE = {"not-carried", "other-job", "after-script", "service", "cache-outside"}
_WHOLE |= {"extra-volume-mounts", "include"}
"""The rules that report a key with everything below it."""
_ITEMS = {"service", "docker-in-docker", "agent-hook", "earlier-step", "later-step"}
"""Those that report a whole item, by the line of one of its keys."""

_PARTS = {
    "Agola file": "",
    "Agola task": r"runs\[\]\.tasks\[\]\.",
    "Agola run": r"runs\[\]\.tasks\[\]\.steps\[\]\.(?:run\.)?",
    "Kubernetes object": r"(?:items\[\]\.)?",
    "Kubernetes container": r"(?:.*\.)?(?:initC|c)ontainers\[\]\.",
    "Kubernetes secretKeyRef": r".*\.secretKeyRef\.",
    "Tekton step": r".*\.steps\[\]\.",
    "Tekton parameter": r".*\.params\[\]\.",
    "Tekton workspace": r".*\.workspaces\[\]\.",
    "Buildkite step": r"(?:.*\.)?steps\[\]\.",
    "GitHub workflow": "",
    "GitHub job": r"(?:jobs\.[^.]+|runs)\.",
    "GitHub checkout": r"jobs\.[^.]+\.steps\[\]\.with\.",
    "GitHub upload": r"jobs\.[^.]+\.steps\[\]\.with\.",
    "GitHub input": r"on\.workflow_(?:call|dispatch)\.inputs\.[^.]+\.",
    "GitHub step": r"jobs\.[^.]+\.steps\[\]\.",
}
"""Where the parts of a file stand whose keys ``IGNORED`` passes over."""


class Original(NamedTuple):
    name: str
    root: Path
    file: str
    others: tuple[str, ...] = ()
    source: str | None = None

    @property
    def platform(self) -> str:
        first, _, rest = self.name.partition("/")
        return first if first not in {"pipelines", "seeds"} else re.split(r"\W", rest)[0].lower()

    @property
    def text(self) -> str:
        return (self.root / self.file).read_text(encoding="utf-8")

    def end_of(self, place: Place) -> int:
        """The line behind an item of a list."""
        rows = self.text.split("\n")
        indent = len(rows[place.line - 1]) - len(rows[place.line - 1].lstrip(" "))
        for number, row in enumerate(rows[place.line :], place.line + 1):
            if row.strip() and len(row) - len(row.lstrip(" ")) <= indent:
                return number
        return len(rows) + 1

    def between(self, line: int, change: Change) -> str:
        """The lines from one on to a change behind it; of an earlier one, the whole text."""
        rows = self.text.split("\n")
        at = change.above[-1].line
        return "\n".join(rows[line - 1 : at] if line <= at else ["", "---"])


class Told(NamedTuple):
    spec: str
    report: tuple[tuple[str, ...], ...]
    entries: tuple[Any, ...] = ()


def _originals() -> Iterator[Original]:
    for name in NAMES:
        made = pipeline(name)
        yield Original(name, made.root, made.file, tuple(made.others), made.source)
    for path in sorted([*(IMPORTS / "pipelines").iterdir(), *(IMPORTS / "seeds").iterdir()]):
        name = str(path.relative_to(IMPORTS))
        if path.is_dir() and (path / ".gitlab-ci.yml").exists():
            yield Original(name, path, ".gitlab-ci.yml")
        elif path.is_file() and not path.name.endswith((".spec.yaml", ".report.txt", "hook.sh")):
            yield Original(name, path.parent, path.name)


ORIGINALS = {original.name: original for original in _originals()}


def _told(original: Original, text: str) -> Told:
    before = os.getcwd()
    os.chdir(original.root)
    try:
        made = import_files([(original.file, text), *original.others], original.source)
    except SpecError as refused:
        return Told(re.sub(r":\d+(:\d+)?:", ":", str(refused)), ())
    finally:
        os.chdir(before)
    report = sorted(
        (entry.kind, entry.rule, re.sub(r"\bline \d+", "line", entry.message), entry.advice)
        for entry in made.report
    )
    return Told(made.spec_text, tuple(report), made.report)


@functools.cache
def _lists() -> dict[str, Any]:
    lists: dict[str, Any] = yaml11.load(SILENT.read_text(encoding="utf-8"))
    return lists


def _is_ignored(original: Original, where: str) -> bool:
    manifests = original.platform in {"kubernetes", "tekton", "buildkite"}
    for kind, keys in IGNORED.items():
        of = kind.partition(" ")[0].lower()
        if of != original.platform and not (of == "kubernetes" and manifests):
            continue
        if re.fullmatch(rf"{_PARTS[kind]}(?:{'|'.join(keys)})(?:[.\[].*)?", where):
            return True
    return False


def _may_be_silent(original: Original, change: Change) -> bool:
    where = re.sub(r"\[\d+\]", "[]", change.where)
    if _is_ignored(original, where):
        return True
    for given in _lists()["allowed"]:
        if not fnmatch.fnmatchcase(original.platform, given.get("platform", "*")):
            continue
        if not fnmatch.fnmatchcase(original.name, given.get("file", "*")):
            continue
        if all(
            any(look(pattern, text) for pattern in given.get(part, (".*",)))
            for part, look, text in (
                ("where", re.fullmatch, where),
                ("command", re.search, change.command),
                ("what", re.fullmatch, change.what),
            )
        ):
            return True
    return False


def _is_named_as_a_whole(original: Original, told: Told, change: Change) -> bool:
    """Whether the report names what holds the change, or the command that lacks a word."""
    holders = change.above[:-1] if change.what == "removed" else change.above
    word = change.command if change.what.startswith("without ") else ""
    for entry in told.entries:
        if entry.kind == "carried" or entry.path != original.file:
            continue
        if entry.rule == "other-object" and "\n---" not in original.between(entry.line, change):
            return True
        if word and entry.kind == "left" and entry.line == change.above[-1].line:
            if word.split()[0] in entry.message and "executor" not in word:
                return True
        elif entry.rule in _ITEMS and change.what == "added":
            items = [place for place in holders if place.path.endswith("]")]
            if any(entry.line in range(item.line, original.end_of(item)) for item in items):
                return True
        elif entry.rule in _WHOLE:
            key = re.split(r" \(| is not", entry.message)[0]
            for path, line in holders:
                name = path.rpartition(".")[2]
                if line == entry.line and (path.endswith(key) or name in entry.message):
                    return True
    return False


def _is_below(where: str, top: str) -> bool:
    return where == top or (where.startswith(top) and where[len(top)] in ".[/")


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_change_is_heard(name: str, request: pytest.FixtureRequest) -> None:
    original = ORIGINALS[name]
    told = _told(original, original.text)
    pending: list[str] = _lists()["pending"].get(name, [])
    every = request.config.getoption("--every-mode")
    of_yaml = original.platform not in {"shell", "jenkins", "jenkinsfile"}
    is_yaml = of_yaml and not original.file.endswith((".sh", ".groovy"))
    sample = 0 if every else SAMPLE
    tried = changes(original.text, is_yaml=is_yaml, sample=sample, first=len(name) % 7)
    silent = [
        change
        for change in tried
        if not _may_be_silent(original, change)
        and not _is_named_as_a_whole(original, told, change)
        and _told(original, change.text)[:2] == told[:2]
    ]
    if every and request.config.getoption("--update-snapshots"):
        pending = [top for top in pending if any(_is_below(one.where, top) for one in silent)]
        _lists()["pending"][name] = pending
        SILENT.write_text(yaml.safe_dump(_lists(), sort_keys=False, width=100), encoding="utf-8")
    new = [one for one in silent if not any(_is_below(one.where, top) for top in pending)]
    assert not [one.id for one in new]
    if every:
        heard = [top for top in pending if not any(_is_below(one.where, top) for one in silent)]
        assert not heard, "heard now: take them out of silent.yaml"


def test_the_lists_are_of_pipelines_that_are_there() -> None:
    assert set(_PARTS) == set(IGNORED)
    assert set(_lists()["pending"]) <= set(ORIGINALS)
    assert all(given["reason"] for given in _lists()["allowed"])
