"""The command ``pin``: digests beside the tags of specs, and the commits of actions."""

from __future__ import annotations

from ci_kaniko.cli.shared import Done, Misuse, check_format, paths_of, report_all, say, watched
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.pinning.files import Pinnable
    from ci_kaniko.problems.problem import Problem


def pin(specs: Sequence[str] = (), *, check: bool = False, form: str = "text") -> None:
    """Write the digest of each tag and the commit of an action into specs, or say which miss.

    Raises Done for a spec with errors, a registry that does not tell, and with ``check`` for a tag
    without a digest; raises Misuse for standard input.
    """
    check_format(form)
    if "-" in specs:
        raise Misuse("pin rewrites a file; standard input is none")
    from ci_kaniko.pinning.files import missing

    files, problems = _read(paths_of(specs))
    if check:
        problems += [problem for file in files for problem in missing(file)]
    if check or problems:
        report_all(problems, form)
    if problems:
        raise Done(1)
    done = [file.path for file in files if not file.found]
    fine = "every image has its digest, every action its commit"
    if form == "text" and done:
        say("\n".join(f"{path}: {fine}" for path in done))
    _write([file for file in files if file.found])


def _read(paths: Sequence[str]) -> tuple[list[Pinnable], list[Problem]]:
    from ci_kaniko.pinning.files import read
    from ci_kaniko.problems.problem import SpecError

    files: list[Pinnable] = []
    problems: list[Problem] = []
    for path in watched(paths, "reading"):
        try:
            files.append(read(path))
        except SpecError as error:
            problems += error.problems
    return files, problems


def _write(files: Sequence[Pinnable]) -> None:
    """Ask for what is missing, then write it. Raises Done when it cannot be written."""
    if not files:
        return
    from ci_kaniko.pinning.files import pins_of, put, resolved
    from ci_kaniko.problems.problem import CannotPin

    try:
        known = resolved(files, lambda names: watched(names, "asking for"))
    except CannotPin as error:
        say(f"{error}; nothing was changed", err=True)
        raise Done(1) from None
    failed = False
    for file in files:
        try:
            put(file, known)
        except CannotPin as error:
            say(f"{file.path}: {error}", err=True)
            failed = True
            continue
        for item in pins_of(file, known):
            say(f"{item.path}: {item.where}: {item.name} is {item.pin}")
    if failed:
        raise Done(1)
    whose = "the spec" if len(files) == 1 else "the specs"
    say(f"ci-kaniko sync brings the files of {whose} up to date")
