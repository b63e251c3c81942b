"""The targets: one module each, listed here by name and loaded when asked for."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.targets.target import Target

NAMES = ("gitlab", "github", "buildkite", "agola", "kubernetes")


def available_targets() -> Mapping[str, Target]:
    """Every target by name.

    >>> sorted(available_targets())
    ['agola', 'buildkite', 'github', 'gitlab', 'kubernetes']
    """
    return MappingProxyType({name: target(name) for name in NAMES})


def target(name: str) -> Target:
    """One target. Raises UnknownTargetError with the names there are."""
    check_name(name)
    found: Target = import_module(f"ci_kaniko.targets.{name}").TARGET
    return found


def check_name(name: str) -> None:
    """Raise UnknownTargetError for what is no target, without importing those that are."""
    if name not in NAMES:
        from ci_kaniko.problems.problem import UnknownTargetError, suggest

        close = suggest(name, NAMES)
        known = f'did you mean "{close}"?' if close else f"known: {', '.join(NAMES)}"
        raise UnknownTargetError(f'unknown target "{name}"; {known}')
