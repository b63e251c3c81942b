"""Plain shell scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Var
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.report import Report


def shell_jobs(path: str, text: str, report: Report) -> Iterator[Job]:
    """A script as one job."""
    if not mentions_executor(text):
        return
    job = Job("shell", "", path, 1, report, plain_secrets=True)
    job.roots = [Root((Var("PWD"),)), Root((Output("pwd"),)), Root((Var("WORKSPACE"),))]
    job.roots += [Root((Output("git rev-parse --show-toplevel"),))]
    job.calls = read_pieces(job, [Piece(text, 1)]).calls
    job.has_shell = False
    yield job
