"""What a target is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci_kaniko.plan.pipeline import Named
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec


class Rendering(NamedTuple):
    """What a target makes of a spec: the view for its template, or what is in the way."""

    view: dict[str, Any]
    findings: tuple[Finding, ...] = ()


class Target(NamedTuple):
    """A CI system that a spec is rendered for.

    ``prepare`` turns a spec and render-time values into the template's view. ``verify`` reads
    the parsed output and yields a sentence for each part that is not what was planned; of a
    ``stream`` it gets the list of its documents. ``mounts`` are folders that the job of a build
    has for itself, where the executor looks for no file of the image. ``names`` are those that
    a spec's file shares with no other file of the repository, and ``field`` gives others.
    """

    name: str
    summary: str
    output: str
    template: str
    prepare: Callable[[Spec, Mapping[str, str]], Rendering]
    verify: Callable[[Any, dict[str, Any]], Any]
    needs_values: bool = False
    stream: bool = False
    mounts: Callable[[Build], tuple[str, ...]] = lambda _: ()
    names: Callable[[Spec], Iterable[Named]] = lambda _: ()
    field: str = ""
