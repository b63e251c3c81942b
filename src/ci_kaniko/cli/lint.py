"""The command ``lint``: what is wrong in pipelines that people have."""

from __future__ import annotations

from ci_kaniko.cli.report import FORMATS
from ci_kaniko.cli.shared import (
    Done,
    check_source,
    check_word,
    fails,
    say,
    standard_input,
    watched,
)
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def lint(files: Sequence[str], source: str | None = None, *, form: str = "text") -> None:
    """Say what is wrong in pipelines. Raises Done for errors, Misuse for an unknown word."""
    from ci_kaniko.cli import scanning
    from ci_kaniko.cli.report import report
    from ci_kaniko.importing.linting import lint_all

    check_word(form, (*FORMATS, *scanning.FORMATS))
    check_source(source)
    given = [("<stdin>", standard_input()) if file == "-" else file for file in files]
    found = lint_all(given, source, lambda paths: watched(paths, "reading"))
    for path in found.without:
        say(f"{path}: no job here calls kaniko, BuildKit or Buildah in a script", err=True)
    if form in scanning.FORMATS:
        say(scanning.report(found.problems, form))
    elif found.problems or form == "json":
        say(report(found.problems, form), err=form == "text")
    if fails(found.problems, strict=False):
        raise Done(1)
