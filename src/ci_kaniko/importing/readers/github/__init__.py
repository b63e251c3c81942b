"""GitHub Actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.reader import CERTAIN, NO, Reader
from ci_kaniko.importing.ticked import Map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


def looks_like(original: Original) -> int:
    """Whether a file is a workflow or an action."""
    for root in original.mappings:
        jobs, runs = root.get("jobs"), root.get("runs")
        workflow = isinstance(jobs, Map) and ("on" in root or "steps" not in root)
        if workflow or (isinstance(runs, Map) and "using" in runs):
            return CERTAIN
    return NO


def read(original: Original) -> Iterator[Draft]:
    """The jobs that may run the executor."""
    from ci_kaniko.importing.readers.github.workflow import jobs

    return jobs(original)


READER = Reader(
    "github",
    looks_like,
    read,
    places=(".github/workflows/*.yml", ".github/workflows/*.yaml"),
)
