"""From a spec to text: prepare the view, fill the template, read the result back."""

from __future__ import annotations

from functools import cache, lru_cache

from ci_kaniko.problems.problem import CiKanikoError, Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.targets.header import header
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    rendering = chosen.rendering(spec, values or {})
    if rendering.findings:
        raise SpecError(placed(rendering.findings, spec.source))
    text = _text(spec, chosen, rendering.view)
    if findings := [*chosen.refuses(spec, text)]:
        raise SpecError(placed(findings, spec.source))
    return text


def known_values(target: str, given: Mapping[str, str], folder: str | None) -> dict[str, str]:
    """What is known when a spec is rendered: what was ``given``, and what a checkout knows.

    Only a target that needs values takes those of a checkout. Raises UnknownTargetError.
    """
    if folder is None or not find_target(target).needs_values:
        return dict(given)
    from datetime import datetime, timezone

    from ci_kaniko.repository.checkout import values

    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {"build.timestamp": now, **values(folder)}
    event = {"branch", "tag", "pull_request.number"}
    if event & given.keys():
        found = {name: value for name, value in found.items() if name not in event}
    return {**found, **given}


def _text(spec: Spec, chosen: Target, view: dict[str, Any]) -> str:
    """The text of a view, by our template or that of the repository; both are read back."""
    given = {**view, "header": header(spec)}
    if spec.templates is not None:
        from ci_kaniko.targets.templates import own_template

        if own := own_template(spec, chosen):
            return own.fill(given, lambda text: _complaints(text, chosen, view))
    from ci_kaniko.layouts.fill import fill

    text = fill(chosen.template, given, chosen.folder)
    for complaint in _complaints(text, chosen, view):
        raise RenderingError(complaint)
    return text


def _unused_values(spec: Spec, target: str) -> Problem:
    from ci_kaniko.spec.placing import name_of

    return Problem(
        rule="unused-value",
        path=name_of(spec.source),
        message=f"{target} knows its variables when a job runs, so no value is taken for them",
        hint="only a Kubernetes manifest holds values",
    )


@cache
def _reader() -> Any:
    """What PyYAML reads with, and what it knows of texts that stand there a thousand times."""
    from ci_kaniko.text.pyyaml import ScalarNode, loader

    base: Any = loader()
    of_text, of_many = "tag:yaml.org,2002:str", ScalarNode
    plain = base("")
    known = lru_cache(maxsize=4096)(plain.resolve)

    class Reader(base):  # type: ignore[misc]
        """No tag depends on a path, so nobody follows one: this does nothing, and at once."""

        ascend_resolver = descend_resolver = "".format

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is of_many:
                return known(kind, value, implicit) if implicit[0] else of_text
            return known(kind, None, implicit)

        def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
            if node.tag == of_text and type(node) is of_many:
                return node.value
            return super().construct_object(node, deep)

    return Reader


def _documents(text: str) -> Iterator[Any]:
    reader = _reader()(text)
    while reader.check_data():
        yield reader.get_data()


def _complaints(text: str, chosen: Target, view: dict[str, Any]) -> Iterator[str]:
    """What a text says that was not planned, or does not say."""
    from ci_kaniko.text.pyyaml import YAMLError

    try:
        documents = [*_documents(text)]
    except YAMLError as error:
        yield f"the rendered text is not YAML: {' '.join(str(error).split())}"
        return
    if not chosen.stream and len(documents) != 1:
        yield f"the rendered text holds {len(documents)} documents"
        return
    yield from chosen.verify(documents if chosen.stream else documents[0], view)
