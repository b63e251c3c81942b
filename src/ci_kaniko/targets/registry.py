"""The targets: one module each, listed here by name and loaded when asked for."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.targets.target import Target


def available_targets() -> Mapping[str, Target]:
    """Every target by name: those that are built in, and those that others have installed.

    >>> sorted(available_targets())
    ['agola', 'buildkite', 'github', 'gitlab', 'kubernetes']
    """
    from ci_kaniko.kaniko.installed import installed_names

    return MappingProxyType(
        {name: target(name) for name in dict.fromkeys((*NAMES, *installed_names()))}
    )


def target(name: str) -> Target:
    """One target. Raises UnknownTargetError with the names there are."""
    if name in NAMES:
        found: Target = import_module(f"ci_kaniko.targets.{name}").TARGET
    else:
        from ci_kaniko.kaniko.installed import installed

        check_name(name)
        found = installed(name)
    return found


def check_name(name: str) -> None:
    """Raise UnknownTargetError for what is no target, without importing those that are built in.

    One of another distribution has its sections in specs from then on.
    """
    if name in NAMES:
        return
    from ci_kaniko.kaniko.installed import installed_names

    others = installed_names()
    if name not in others:
        from ci_kaniko.problems.problem import UnknownTargetError, meant

        raise UnknownTargetError(f'unknown target "{name}"; {meant(name, (*NAMES, *others))}')
    from ci_kaniko.spec import spec  # noqa: F401 - a model that comes later would miss the section
    from ci_kaniko.spec.foreign import adopt

    adopt([name])
