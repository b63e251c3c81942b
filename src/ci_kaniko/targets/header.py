"""The first line of each rendered file."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec

_END = "; edit that and run: ci-kaniko sync"
_OF_PYTHON = "a Spec in Python; edit that and write it again"


def header(spec: Spec) -> str:
    """The first line of what is rendered: where its spec lies, and how to bring both together.

    It names the release only where the spec asks for one: an upgrade would change each file.
    A name that could end the comment is written as JSON writes it.
    """
    from ci_kaniko.repository.discovery import FILE_NAMES

    if spec.source is None:
        return f"{_mark(spec)}{_OF_PYTHON}"
    place = spec.source.place or FILE_NAMES[0]
    option = ""
    if not place.isprintable():
        from json import dumps

        place = dumps(place)
    elif place not in FILE_NAMES:
        from shlex import quote

        option = f" -f {quote(place)}"
    return f"{_mark(spec)}{place}{_END}{option}"


def _mark(spec: Spec) -> str:
    from ci_kaniko import __version__
    from ci_kaniko.text.marks import mark

    return mark(__version__ if spec.requires else "")


def spec_of(text: str) -> str:
    """Where the spec of a rendered file lies, by its first line; empty when that does not say."""
    from ci_kaniko.text.marks import after_mark

    rest = after_mark(text.partition("\n")[0])
    if rest is None or rest == _OF_PYTHON:
        return ""
    place = rest.partition(_END)[0]
    if not place.startswith('"'):
        return place
    from json import JSONDecodeError, loads

    try:
        return str(loads(place))
    except JSONDecodeError:
        return place
