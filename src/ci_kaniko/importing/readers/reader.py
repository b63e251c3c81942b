"""What a reader of pipelines is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original

CERTAIN, LIKELY, NO = 2, 1, 0
"""How much a file looks like one of a platform."""


class Reader(NamedTuple):
    """What reads the files of one platform: their jobs that may run the executor.

    ``places`` are patterns of where they usually lie in a repository.
    """

    name: str
    looks_like: Callable[[Original], int]
    read: Callable[[Original], Iterable[Draft]]
    is_yaml: bool = True
    places: tuple[str, ...] = ()
