"""Agola."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.reader import CERTAIN, NO, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


def looks_like(original: Original) -> int:
    """Whether a file has a list of runs."""
    return CERTAIN if any(isinstance(root.get("runs"), list) for root in original.mappings) else NO


def read(original: Original) -> Iterator[Draft]:
    """The jobs that may run the executor."""
    from ci_kaniko.importing.readers.agola.tasks import jobs

    return jobs(original)


READER = Reader("agola", looks_like, read, places=(".agola/config.yml",))
