"""What is wrong in pipelines that run kaniko, as people have them: no spec is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_kaniko.importing.originals import File, Original, opened
from ci_kaniko.importing.pipelines import jobs_of
from ci_kaniko.importing.report import Report
from ci_kaniko.importing.translate.joining import merged
from ci_kaniko.problems.catalogue import faults
from ci_kaniko.problems.problem import Problem, SpecError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from ci_kaniko.problems.catalogue import Fault


@dataclass(frozen=True)
class Linted:
    """The faults of some files, by file and line, and the files in which nothing runs kaniko."""

    problems: tuple[Problem, ...]
    without: tuple[str, ...] = ()


def lint_all(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str | bytes]],
    source: str | None = None,
) -> Linted:
    """The faults of some files, or of texts with their names; what cannot be read is one."""
    known = faults().faults
    found: dict[Problem, None] = {}
    without: list[str] = []
    files: list[File] = []
    for item in paths_or_texts:
        try:
            files.append(opened(item))
        except SpecError as error:
            found.update(dict.fromkeys(error.problems))
    for file in files:
        report = Report()
        try:
            called = jobs_of(Original(file, files, report), source)
        except SpecError as error:
            if _is_no_pipeline(file, error):
                without.append(file.path)
            else:
                found.update(dict.fromkeys(error.problems))
            continue
        if not called:
            without.append(file.path)
            continue
        merged(called, report)
        found.update(dict.fromkeys(_problems(report, known)))
    ordered = sorted(found, key=lambda problem: (problem.path, problem.line or 0, problem.rule))
    return Linted(tuple(ordered), tuple(without))


def _is_no_pipeline(file: File, error: SpecError) -> bool:
    """Whether a file is of no platform, and has not the word in it."""
    strange = {problem.rule for problem in error.problems} == {"unknown-platform"}
    return strange and "kaniko" not in file.text.lower()


def _problems(report: Report, known: dict[str, Fault]) -> Iterator[Problem]:
    for entry in report.entries:
        fault = known.get(entry.rule)
        if fault is not None and entry.kind != "carried":
            yield Problem(
                rule=entry.rule,
                message=entry.message,
                hint=fault.fix,
                severity=fault.severity,
                path=entry.path,
                line=entry.line or None,
                column=1 if entry.line else None,
            )
