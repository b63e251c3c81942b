"""Regular expressions that are compiled when they are first used: most of them never are."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any, cast


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` makes of it, as soon as something is matched.

    >>> pattern("[0-9]+").fullmatch("12")[0]
    '12'
    """
    return cast("re.Pattern[str]", _Pattern(text, flags))


def import_at_ease(module: str) -> None:
    """Import a module whose patterns, too, are compiled when they are first used.

    This is for a process that has one thread: meanwhile every pattern is such a one.
    """
    if module in sys.modules:
        return
    known = re.compile
    re.compile = pattern  # type: ignore[assignment]
    try:
        import_module(module)
    finally:
        re.compile = known


class _Pattern:
    def __init__(self, text: str, flags: int) -> None:
        self.pattern = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """What the compiled pattern has, which is kept: it is looked up once."""
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)
        return found
