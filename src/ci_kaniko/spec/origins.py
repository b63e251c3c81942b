"""A spec with all that it extends, and where each line of it was written."""

from __future__ import annotations

from ci_kaniko.problems.finding import dotted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import dataclass
from ci_kaniko.spec.bases import merged
from ci_kaniko.spec.build import check_spec, is_ignored
from ci_kaniko.spec.loading import dump, loads
from ci_kaniko.spec.writing import fits_block
from ci_kaniko.syntax.scalars import Plain
from ci_kaniko.text.display import hide
from ci_kaniko.text.patterns import pattern
from ci_kaniko.text.yaml import literal, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.source.source import Source
    from ci_kaniko.spec.spec import Spec

    Lines = Iterator[tuple[str, str]]

_WIDEST = 72
_PLAIN = pattern(r"(?!.*(?:: | #|:$))[A-Za-z0-9_./+~$(<=;^\\]([^\n]*[^\s])?|-[^\s].*")
_NUMBER = pattern(r"0|-?[1-9][0-9]{0,14}")


def _said(source: Source) -> dict[str, Any]:
    return {key: item for key, item in merged(source).items() if not is_ignored(key)}


def annotated(source: Source) -> str:
    """The text of a spec with all that it extends, a comment at each value: which file, which line.

    It makes the same spec without any other file.
    """
    lines = [*_mapping(_said(source), (), "", source)]
    widths = [len(text.partition("\n")[0]) for text, origin in lines if origin]
    column = max((width for width in widths if width <= _WIDEST), default=0)
    written = []
    for text, origin in lines:
        first, newline, rest = text.partition("\n")
        comment = f"{first:<{column}}  # {origin}" if origin else first
        written.append(hide(f"{comment}{newline}{rest}") + "\n")
    return "".join(written)


def _mapping(value: dict[str, Any], where: Where, margin: str, source: Source) -> Lines:
    for key, item in value.items():
        yield from _entry(f"{margin}{scalar(key)}:", item, (*where, key), margin, source)


def _entry(head: str, value: Any, where: Where, margin: str, source: Source) -> Lines:
    if isinstance(value, dict | list) and value:
        yield head, ""
        if isinstance(value, dict):
            yield from _mapping(value, where, f"{margin}  ", source)
        else:
            yield from _sequence(value, where, f"{margin}  ", source)
    else:
        yield f"{head} {_leaf(value, len(margin) + 2)}", _origin(where, source)


def _sequence(value: list[Any], where: Where, margin: str, source: Source) -> Lines:
    for number, item in enumerate(value):
        here = (*where, number)
        if isinstance(item, dict) and item:
            (first, origin), *rest = _mapping(item, here, f"{margin}  ", source)
            yield f"{margin}- {first.lstrip()}", origin
            yield from rest
        else:
            yield from _entry(f"{margin}-", item, here, margin, source)


def _leaf(value: Any, indent: int) -> str:
    if isinstance(value, dict | list):
        return "[]" if isinstance(value, list) else "{}"
    if isinstance(value, Plain) and _PLAIN.fullmatch(value):
        return str(value)
    if isinstance(value, str) and "\n" in value and fits_block(value):
        return literal(value, indent)
    return scalar(value)


def _origin(where: Where, source: Source) -> str:
    found = source.locate(where)
    return f"{found.source.path}:{found.node.line}"


@dataclass(frozen=True)
class Shown:
    """A spec with all that it extends: ``text`` has a comment at each value, where it was written.

    The text makes the same spec without any other file.
    """

    text: str
    spec: dict[str, Any]
    origins: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """What ``ci-kaniko show --format json`` prints."""
        return {"spec": self.spec, "origins": self.origins}


def show(spec: Spec) -> Shown:
    """A spec with all that it extends, and where each value was written.

    One that was made in Python is as ``dump`` writes it.

    >>> from ci_kaniko import Spec
    >>> print(show(Spec(push="never")).text, end="")
    push: never  # <spec>:1
    """
    check_spec(spec)
    source = spec.source or loads(dump(spec)).source
    assert source, "a spec that was read has a source"
    return shown(source)


def shown(source: Source) -> Shown:
    """What a source says with all that it extends."""
    said = _said(source)
    origins = {}
    for where in _leaves(said, ()):
        found = source.locate(where)
        place = {"line": found.node.line, "column": found.node.column}
        origins[dotted(where)] = {"path": found.source.path, **place}
    return Shown(annotated(source), _data(said), origins)


def _leaves(value: Any, where: Where) -> Iterator[Where]:
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*where, key))
    else:
        yield where


def _data(value: Any) -> Any:
    """Values as JSON has them: a number or a word that a reader of YAML would take for another."""
    if isinstance(value, dict):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_data(item) for item in value]
    if isinstance(value, Plain) and value in {"true", "false"}:
        return value == "true"
    if isinstance(value, Plain) and _NUMBER.fullmatch(value):
        return int(value)
    return hide(value) if isinstance(value, str) else value
