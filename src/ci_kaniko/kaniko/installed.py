"""Targets that other distributions install, by the entry point ``ci_kaniko.targets``.

Nobody looks for them unless a name is met that is not built in.
"""

from __future__ import annotations

import os
import sys
from functools import cache

from ci_kaniko.quick.choice import need_pydantic
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "ci_kaniko.targets"


@cache
def _found() -> dict[str, EntryPoint]:
    """The first of each name; looking for them reads what every distribution says of itself."""
    found: dict[str, EntryPoint] = {}
    if all(map(_has_none, sys.path)) and not _finds_elsewhere():
        return found
    from importlib.metadata import entry_points

    for item in entry_points(group=GROUP):
        found.setdefault(item.name, item)
    return dict(sorted(found.items()))


def _has_none(folder: str) -> bool:
    """Whether no distribution of a folder has one: the module for that takes long to import.

    It stays in doubt where something else than a folder is.
    """
    try:
        names = [name for name in os.listdir(folder or ".") if name.endswith(_SAYS)]
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not folder.endswith(".egg") and not any(_names_one(folder, name) for name in names)


_SAYS = (".dist-info", ".egg-info", ".egg")


def _names_one(folder: str, name: str) -> bool:
    if name.endswith(".egg"):
        return True
    try:
        with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
            return f"[{GROUP}]".encode() in file.read()
    except OSError:
        return False


def _finds_elsewhere() -> bool:
    """Whether somebody knows distributions that are in no folder of the path."""
    finders = [each for each in sys.meta_path if hasattr(each, "find_distributions")]
    return any(each.__module__ != "_frozen_importlib_external" for each in finders)


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
