"""What a person sees who waits: a line that counts, and that is gone in the end."""

from __future__ import annotations

import os
import sys
import time

from ci_kaniko.quick.hints import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_Item = TypeVar("_Item")
_PATIENCE = 1.0
_PACE = 0.1
_ERASE = "\r\x1b[K"


def watched(items: Sequence[_Item], verb: str) -> Iterator[_Item]:
    """Each item, counted on a terminal once it takes longer than a second."""
    if len(items) < 2 or not _somebody_waits():
        yield from items
        return
    due = time.monotonic() + _PATIENCE
    shown = False
    try:
        for number, item in enumerate(items, 1):
            now = time.monotonic()
            if now >= due:
                due, shown = now + _PACE, True
                _show(f"{verb} {number} of {len(items)}: {item}")
            yield item
    finally:
        if shown:
            _show("")


def _somebody_waits() -> bool:
    """Whether standard error is a terminal that can erase a line, and this is no CI."""
    settings = os.environ
    plain = settings.get("TERM") == "dumb" or settings.get("CI")
    return not plain and sys.stderr is not None and sys.stderr.isatty()


def _show(text: str) -> None:
    from ci_kaniko.text.display import printable

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        columns = 80
    print(_ERASE + printable(text)[: columns - 1], end="", file=sys.stderr, flush=True)
