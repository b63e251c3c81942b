"""What is wrong in pipelines that run kaniko, as people have them: no spec is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_kaniko.importing.originals import File, Original, opened
from ci_kaniko.importing.pipelines import check_source, jobs_of
from ci_kaniko.importing.readers.platforms import check_look, pipelines_in
from ci_kaniko.importing.report import Report
from ci_kaniko.importing.translate.joining import merged
from ci_kaniko.problems.catalogue import Fault, faults
from ci_kaniko.problems.problem import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


_UNREAD = "bad-shell"
"""A script that names a builder and cannot be read: it may call one."""


@dataclass(frozen=True)
class Linted:
    """The faults of some files, by file and line, and the files in which nothing runs kaniko."""

    problems: tuple[Problem, ...]
    without: tuple[str, ...] = ()


def lint_all(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str | bytes]],
    source: str | None = None,
    watched: Callable[[list[str]], Iterable[str]] = iter,
) -> Linted:
    """The faults of some files, or of texts with their names; what cannot be read is one.

    A folder stands for the pipelines of a repository. ``watched`` gets the paths that are looked
    at, and yields each when it is its turn. Raises UnknownTargetError for a ``source`` that is
    none.
    """
    check_source(source)
    known = faults().faults
    found: dict[Problem, None] = {}
    without: list[str] = []
    folders: dict[str, list[str]] = {}
    files = list(_opened(paths_or_texts, source, folders, found))
    for _, file in zip(watched([file.path for file in files]), files, strict=True):
        report = Report(daemons=False)
        original = Original(file, files, report)
        try:
            called = jobs_of(original, source)
            if not called:
                check_look(original, source)
        except SpecError as error:
            if _is_no_pipeline(file, error):
                without.append(file.path)
            else:
                found.update(dict.fromkeys(error.problems))
            continue
        if called:
            merged(called, report)
        problems = [each for each in _problems(report, known) if called or each.rule == _UNREAD]
        found.update(dict.fromkeys(problems))
        if not called and not problems:
            without.append(file.path)
    ordered = sorted(found, key=lambda problem: (problem.path, problem.line or 0, problem.rule))
    return Linted(tuple(ordered), tuple(_told(without, folders)))


def _opened(
    paths_or_texts: Sequence[str | os.PathLike[str] | tuple[str, str | bytes]],
    source: str | None,
    folders: dict[str, list[str]],
    found: dict[Problem, None],
) -> Iterator[File]:
    """The files to look at; what is in ``folders`` is noted there, what cannot be read is found."""
    for item in paths_or_texts:
        folder = "" if isinstance(item, tuple) or not os.path.isdir(item) else os.fspath(item)
        inside = pipelines_in(folder, source) if folder else [item]
        if folder:
            folders[folder] = [str(path) for path in inside]
        for each in inside:
            try:
                yield opened(each)
            except SpecError as error:
                found.update(dict.fromkeys(error.problems))


def _told(without: list[str], folders: dict[str, list[str]]) -> list[str]:
    """Of a folder, that nothing in it runs kaniko; not each file that lies where pipelines do."""
    inside = {path for paths in folders.values() for path in paths}
    empty = [folder for folder, paths in folders.items() if {*paths} <= {*without}]
    return [*(path for path in without if path not in inside), *empty]


def _is_no_pipeline(file: File, error: SpecError) -> bool:
    """Whether a file is of no platform, and has not the word in it."""
    strange = {problem.rule for problem in error.problems} == {"unknown-platform"}
    return strange and "kaniko" not in file.text.lower()


def _problems(report: Report, known: dict[str, Fault]) -> Iterator[Problem]:
    for entry in report.entries:
        fault = known.get(entry.rule)
        if fault is not None:
            yield Problem(
                rule=entry.rule,
                message=entry.message,
                hint=fault.fix,
                severity=fault.severity,
                path=entry.path,
                line=entry.line or None,
                column=1 if entry.line else None,
            )
