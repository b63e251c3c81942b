"""Plain shell scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Var
from ci_kaniko.importing.jobs import Draft, Facts, Root
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.report import Report

_ROOTS = (Var("PWD"), Output("pwd"), Var("WORKSPACE"), Output("git rev-parse --show-toplevel"))
FACTS = Facts("shell", tuple(Root((each,)) for each in _ROOTS), plain_secrets=True, called=True)


def shell_jobs(path: str, text: str, report: Report) -> Iterator[Draft]:
    """A script as one job."""
    if not mentions_executor(text):
        return
    job = Draft(FACTS, "", path, 1, report)
    job.calls = read_pieces(job, [Piece(text, 1)]).calls
    job.has_shell = False
    yield job
