"""Buildkite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.reader import CERTAIN, NO, Reader
from ci_kaniko.importing.ticked import Map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


_KEYS = {"plugins", "command", "commands"}


def looks_like(original: Original) -> int:
    """Whether a file has a list of steps, or is one."""
    for root in original.roots:
        items = root if isinstance(root, list) else ()
        if any(isinstance(item, Map) and _KEYS & item.keys() for item in items):
            return CERTAIN
        if isinstance(root, Map) and isinstance(root.get("steps"), list):
            return CERTAIN
    return NO


def read(original: Original) -> Iterator[Draft]:
    """The jobs that may run the executor."""
    from ci_kaniko.importing.readers.buildkite.steps import jobs

    return jobs(original)


READER = Reader("buildkite", looks_like, read, places=(".buildkite/*.yml", ".buildkite/*.yaml"))
