"""From the text of a spec to a Spec, with every problem at its line and column."""

from __future__ import annotations

from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.source.reading import decode, read, read_data, survey
from ci_kaniko.spec.build import Checked, check_spec
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.placing import InvalidSpec, placed
from ci_kaniko.spec.rules.engine import check
from ci_kaniko.spec.spec import Spec

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ci_kaniko.source.source import Source


def load(path: str | os.PathLike[str]) -> Spec:
    """The spec in a file, or in a folder that has one.

    Raises SpecError with every problem of the file, in file order, and ValueError for an empty
    path.
    """
    from ci_kaniko.repository.discovery import given_path, place_of, spec_in

    name = spec_in(given_path("path", path))
    try:
        spec = loads(read(name), name)
    except InvalidSpec as invalid:
        if invalid.rest and invalid.rest.source:
            invalid.rest.source.place = place_of(name)
        raise
    if spec.source:
        spec.source.place = place_of(name)
    return spec


def loads(text: str | bytes, path: str = "<spec>") -> Spec:
    r"""The spec in a text; ``path`` is what messages call it, and where what it extends lies.

    Raises SpecError with every problem of the text, in file order, and TypeError for what is no
    text.

    >>> loads("destinations: ['ghcr.io/acme/shop:1.0']\nregistries: {ghcr.io: ci-token}").context
    '.'
    """
    if not isinstance(text, str | bytes):
        raise TypeError(f"text is that of a spec, not {text!r:.80}; load(PATH) reads a file")
    return loaded(text, path, read_data)


def loaded(text: str | bytes, path: str, read: Callable[[str], bytes]) -> Spec:
    """The spec in a text; ``read`` tells the bytes of the files that it extends.

    Raises SpecError, as ``loads`` does.
    """
    if isinstance(text, bytes):
        text = decode(text, path)
    source = survey(text, path)
    try:
        spec = Spec.model_validate(_data(source, read))
    except InvalidSpec as invalid:
        if invalid.rest is not None:
            invalid.rest._source = source  # noqa: SLF001 - a spec is told where it was written
        raise InvalidSpec(invalid.findings, invalid.rest, source) from None
    if source.problems:
        raise SpecError(source.problems)
    spec._source = source  # noqa: SLF001 - a spec is told where it was written
    return spec


def dump(spec: Spec) -> str:
    r"""The text of a spec: ``loads`` makes an equal one of it.

    >>> from ci_kaniko import Spec
    >>> print(dump(Spec(destinations=["ghcr.io/acme/shop:1.0"], context="services/shop")), end="")
    context: services/shop
    destinations:
      - ghcr.io/acme/shop:1.0
    """
    from ci_kaniko.spec.writing import short_text

    check_spec(spec)
    return short_text(spec.model_dump(mode="json", exclude_defaults=True))


def _data(source: Source, read: Callable[[str], bytes]) -> Any:
    """What a spec says, and below it what it extends. Raises SpecError."""
    if source.root.get("requires") is not None:
        from ci_kaniko.spec.releases import check_release

        check_release(source)
    if source.root.get("extends") is None:
        return to_python(source.root)
    from ci_kaniko.spec.bases import merged, with_bases
    from ci_kaniko.spec.locks import broken_locks

    with_bases(source, read)
    source.problems += broken_locks(source)
    return merged(source)


def errors(spec: Spec) -> list[Problem]:
    """What forbids rendering a spec, which ``model_copy`` may have changed."""
    return [problem for problem in warnings(spec) if problem.severity == "error"]


def warnings(spec: Spec) -> list[Problem]:
    """What is odd about a spec that can be rendered."""
    known = spec.findings
    if known is None:
        known = check(spec)
        spec._checked = Checked(spec, known)  # noqa: SLF001 - so that nobody asks the rules again
    return placed(known, spec.source)
