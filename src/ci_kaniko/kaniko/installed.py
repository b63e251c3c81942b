"""Targets that other distributions install, by the entry point ``ci_kaniko.targets``.

Nobody looks for them unless a name is met that is not built in.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ci_kaniko.quick.choice import need_pydantic

GROUP = "ci_kaniko.targets"


@cache
def _found() -> dict[str, EntryPoint]:
    """The first of each name; looking for them reads what every distribution says of itself."""
    found: dict[str, EntryPoint] = {}
    for item in entry_points(group=GROUP):
        found.setdefault(item.name, item)
    return dict(sorted(found.items()))


def installed_names() -> tuple[str, ...]:
    """The names of all of them."""
    return tuple(_found())


@cache
def installed(name: str) -> Any:
    """The Target of that name; None when nobody installed one. Raises BrokenTargetError.

    It may declare models, with pydantic. Raises NeedsPydantic.
    """
    item = _found().get(name)
    if item is None:
        return None
    need_pydantic()
    try:
        return item.load()
    except Exception as error:
        from ci_kaniko.problems.problem import BrokenTargetError

        source = f" of {item.dist.name} {item.dist.version}" if item.dist else ""
        why = f"{type(error).__name__}: {error}"
        raise BrokenTargetError(f'target "{name}"{source} cannot be loaded: {why}') from error
