"""Regular expressions that are compiled when they are first used: most of them never are."""

from __future__ import annotations

import re
import sys
from _thread import RLock  # what threading has, too, and takes long to import
from importlib import import_module

from ci_kaniko.quick.hints import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types import ModuleType


_EASE = RLock()


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` makes of it, as soon as something is matched.

    >>> pattern("[0-9]+").fullmatch("12")[0]
    '12'
    """
    return cast("re.Pattern[str]", _Pattern(text, flags))


def import_at_ease(module: str) -> None:
    """Import a module with less than it asks for.

    Its patterns, too, are compiled when they are first used. And for ``datetime`` it gets what the
    interpreter has built in: before Python 3.12 that module also holds all of it once more, in
    Python, which takes longer to load than what uses it here.

    This is for a process that has one thread: meanwhile every pattern and date is such a one.
    """
    with _EASE:
        if module not in sys.modules:
            _import_at_ease(module)


def _import_at_ease(module: str) -> None:
    known, dates = re.compile, sys.modules.get("datetime") or _built_in_dates()
    re.compile = pattern  # type: ignore[assignment]
    sys.modules.update({"datetime": dates} if dates else {})
    try:
        import_module(module)
    finally:
        re.compile = known
        if dates and dates.__name__ != "datetime":
            del sys.modules["datetime"]


def _built_in_dates() -> ModuleType | None:
    try:
        return import_module("_datetime")
    except ImportError:  # an interpreter that is not CPython
        return None


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
