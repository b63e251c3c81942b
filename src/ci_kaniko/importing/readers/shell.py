"""Plain shell scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Var
from ci_kaniko.importing.jobs import Facts, Job, Root
from ci_kaniko.importing.readers.scripts import Piece, read_pieces
from ci_kaniko.importing.signs import are_mentioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original

_ROOTS = (Var("PWD"), Output("pwd"), Var("WORKSPACE"), Output("git rev-parse --show-toplevel"))
_FACTS = Facts(
    "shell", tuple(Root((each,)) for each in _ROOTS), plain_secrets=True, called=True, goes_on=True
)


def jobs(original: Original) -> Iterator[Job]:
    if not are_mentioned(original.text):
        return
    job = Job(_FACTS, "", original, 1)
    job.calls = read_pieces(job, [Piece(original.text, 1)]).calls
    job.has_shell = False
    yield job
