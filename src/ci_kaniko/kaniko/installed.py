"""Targets that other distributions install, by the entry point ``ci_kaniko.targets``.

Nobody looks for them unless a name is met that is not built in.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

GROUP = "ci_kaniko.targets"


@cache
def installed_names() -> tuple[str, ...]:
    """The names of all of them."""
    return tuple(sorted({item.name for item in entry_points(group=GROUP)}))


@cache
def installed(name: str) -> Any:
    """The Target of that name; None when nobody installed one. Raises BrokenTargetError."""
    for item in entry_points(group=GROUP, name=name):
        try:
            return item.load()
        except Exception as error:
            from ci_kaniko.problems.problem import BrokenTargetError

            source = f" of {item.dist.name} {item.dist.version}" if item.dist else ""
            why = f"{type(error).__name__}: {error}"
            raise BrokenTargetError(f'target "{name}"{source} cannot be loaded: {why}') from error
    return None
