"""Which builder a plan is for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import Plan


@cache
def builder(name: str) -> Builder:
    """The builder of a name; its module is loaded when it is asked for."""
    found: Builder = import_module(f"ci_kaniko.builders.{name}").BUILDER
    return found


def builder_of(plan: Plan) -> Builder:
    """What builds a plan."""
    return builder(plan.spec.built_by(plan.target))
