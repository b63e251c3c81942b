"""ci-kaniko: one build spec, native CI configuration that builds and pushes it with kaniko.

>>> import ci_kaniko
>>> spec = ci_kaniko.loads("destinations: ['${registry.image}:${commit.short}']")
>>> "kaniko" in ci_kaniko.render(spec, "gitlab")
True
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: typing itself would cost half of a start

if TYPE_CHECKING:
    from ci_kaniko.problems.problem import CiKanikoError, Problem, SpecError
    from ci_kaniko.rendering import render
    from ci_kaniko.spec.loading import load, loads
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.spec.writing import dump
    from ci_kaniko.targets.registry import available_targets

__version__ = "0.1.0"

__all__ = [
    "CiKanikoError",
    "Problem",
    "Spec",
    "SpecError",
    "available_targets",
    "dump",
    "load",
    "loads",
    "render",
]

_HOMES = {
    "CiKanikoError": "problems.problem",
    "Problem": "problems.problem",
    "Spec": "spec.spec",
    "SpecError": "problems.problem",
    "available_targets": "targets.registry",
    "dump": "spec.writing",
    "load": "spec.loading",
    "loads": "spec.loading",
    "render": "rendering",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: importing ci_kaniko costs nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ci_kaniko' has no attribute '{name}'")
    from importlib import import_module

    value: object = getattr(import_module(f"ci_kaniko.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
