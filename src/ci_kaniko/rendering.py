"""From a spec to text: prepare the view, fill the template, read the result back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.problems.problem import CiKanikoError, Problem, SpecError
from ci_kaniko.targets.header import header
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.target import Target


class RenderingError(CiKanikoError):
    """The rendered text does not say what was planned: a bug of ci-kaniko, never of a spec."""


def render(spec: Spec, target: str, values: Mapping[str, str] | None = None) -> str:
    """The native configuration of ``target`` that builds and pushes the image of ``spec``.

    ``values`` are portable variables by name (``{"commit.sha": ...}``), for targets that must
    know them now. Raises SpecError with every problem, UnknownTargetError for another target.

    >>> from ci_kaniko import loads
    >>> print(render(loads("destinations: ['ghcr.io/acme/shop:1.0']"), "github").splitlines()[2])
    name: image
    """
    chosen = find_target(target)
    if values and not chosen.needs_values:
        raise SpecError([_unused_values(spec, target)])
    from ci_kaniko.spec.loading import errors
    from ci_kaniko.spec.placing import placed

    if problems := errors(spec):
        raise SpecError(problems)
    rendering = chosen.prepare(spec, values or {})
    if rendering.findings:
        raise SpecError(placed(rendering.findings, spec.source))
    from ci_kaniko.layouts.fill import fill

    view = rendering.view
    text = fill(chosen.template, {**view, "header": header(spec)}, chosen.folder)
    _verify(text, chosen, view)
    return text


def _unused_values(spec: Spec, target: str) -> Problem:
    from ci_kaniko.spec.placing import name_of

    return Problem(
        rule="unused-value",
        path=name_of(spec.source),
        message=f"{target} knows its variables when a job runs, so no value is taken for them",
        hint="only a Kubernetes manifest holds values",
    )


def _verify(text: str, chosen: Target, view: dict[str, Any]) -> None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(text, Loader=loader))
    except yaml.YAMLError as error:
        raise RenderingError(f"the rendered text is not YAML: {error}") from error
    if not chosen.stream and len(documents) != 1:
        raise RenderingError(f"the rendered text holds {len(documents)} documents")
    for complaint in chosen.verify(documents if chosen.stream else documents[0], view):
        raise RenderingError(complaint)
