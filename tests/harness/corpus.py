"""The pipelines of tests/importing/corpus, imported, and the facts that an expert reads in them."""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any

import yaml

from ci_kaniko import SpecError, available_targets, import_files, loads, rendering
from ci_kaniko.importing.report import report_text
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import values
from harness.cases import ROOT
from harness.events import DEFAULT_BRANCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CORPUS = ROOT / "tests" / "importing" / "corpus"
_END = ".facts.yaml"
NAMES = sorted(str(path.relative_to(CORPUS))[: -len(_END)] for path in CORPUS.rglob(f"*{_END}"))


class Pipeline:
    """One file of the corpus with its facts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.facts: dict[str, Any] = yaml11.load((CORPUS / f"{name}{_END}").read_text())
        folder = (CORPUS / name).parent
        self.root = (folder / self.facts.get("root", ".")).resolve()
        self.file = os.path.relpath(CORPUS / name, self.root)
        self.others = [str(entry) for entry in self.facts.get("with", [])]
        given = self.facts.get("args", [])
        self.source = given[1] if given else None

    @functools.cached_property
    def result(self) -> tuple[str, str]:
        """The spec and the report; a refused file has no spec."""
        before = os.getcwd()
        os.chdir(self.root)
        try:
            made = import_files([self.file, *self.others], self.source)
            spec, report = made.spec_text, report_text(made.report)
        except SpecError as refused:
            spec, report = "", str(refused)
        finally:
            os.chdir(before)
        report = report.replace(f"{self.file}:", "@:")
        for entry in self.others:
            report = report.replace(f"{entry}:", "@with:")
        return spec, report

    def missed(self) -> Iterator[str]:
        """What does not hold: facts by line and words, what never should be, a rule of render."""
        spec, report = self.result
        texts = {"spec": [_searched(spec)], "report": [report]}
        texts["either"] = texts["spec"] + texts["report"]
        for fact in self.facts["facts"]:
            where = texts[fact["must"]]
            if not all(_is_found(pattern, fact["line"], where) for pattern in fact["find"]):
                yield f"{fact['line']}: {fact['says']}"
        for pattern in self.facts.get("never", ()):
            if re.search(pattern, texts["spec"][0], re.MULTILINE):
                yield f"never {pattern}"
        yield from self._refused()

    def _refused(self) -> Iterator[str]:
        target = self.name.partition("/")[0]
        if not self.result[0]:
            yield "refused"
        elif target in available_targets():
            given = None
            if target == "kubernetes":  # what a run of a CI would know, --set gives
                asked = re.findall(r"\$\{(env\.\w+)", self.result[0])
                given = {**values(DEFAULT_BRANCH), **dict.fromkeys(asked, "value")}
            try:
                rendering.render(loads(self.result[0]), target, given)
            except SpecError as refused:
                yield from sorted({f"render {problem.rule}" for problem in refused.problems})


def _is_found(pattern: str, line: int, texts: list[str]) -> bool:
    near = "|".join(str(number) for number in range(max(1, line - 1), line + 2))
    pattern = pattern.replace("{line}", str(line)).replace("{near}", f"(?:{near})")
    return any(re.search(pattern, text, re.MULTILINE) for text in texts)


def _searched(spec: str) -> str:
    loaded = yaml.load(spec, Loader=yaml.BaseLoader) or {}  # noqa: S506 - all of it as text
    lines = list(_flat(loaded, ""))
    for name in loaded.get("images") or {}:
        lines += [line.replace("${image.name}", name) for line in lines if "${image.name}" in line]
    return "\n".join([spec, *lines])


def _flat(value: Any, path: str) -> Iterator[str]:
    if value in ({}, []):
        yield f"{path}: {value}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                words = " ".join(f"{key}={inner[key]}" for key in sorted(inner))
                yield f"{path}: {{{words}}}"
            yield from _flat(inner, path)
    else:
        yield f"{path}: {value}"


@functools.cache
def pipeline(name: str) -> Pipeline:
    return Pipeline(name)


def pending_path() -> Path:
    return CORPUS.parent / "pending.yaml"
