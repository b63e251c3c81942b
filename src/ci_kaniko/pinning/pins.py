"""The text of a spec with digests for the images that it runs, and commits for its actions.

A text is spliced: nothing of it changes but the pins, and what comes out is read again and compared
with what it should say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ci_kaniko.problems.problem import CannotPin
from ci_kaniko.source.nodes import Mapping, Node, Scalar, Sequence
from ci_kaniko.source.reading import parse
from ci_kaniko.source.source import Lines
from ci_kaniko.spec.loading import loads

if TYPE_CHECKING:
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.source.source import Source


def with_pins(text: str, path: str, pins: dict[Where, str]) -> str:
    """The text of a spec with what stands at some places. Raises CannotPin, SpecError."""
    for where, value in pins.items():
        text = _put(parse(text, path), where, value)
    _check(text, path, pins)
    return text


def _check(text: str, path: str, pins: dict[Where, str]) -> None:
    source = parse(text, path)
    for where, value in pins.items():
        node = source.locate(where).node
        if not isinstance(node, Scalar) or node.text != value:
            raise CannotPin(_by_hand(where, value))
    loads(text, path)


def _put(source: Source, where: Where, value: str) -> str:
    node: Node = source.root
    for depth, step in enumerate(where):
        inner = _below(node, step)
        if inner is None or (isinstance(inner, Scalar) and not inner.text and inner.plain):
            return _inserted(source, node, where[depth:], value, where)
        node = inner
    if not isinstance(node, Scalar):
        raise CannotPin(_by_hand(where, value))
    start, end = _span(source, node)
    quote = source.text[start] if source.text[start] in "\"'" else ""
    entry = f"{quote}{value}{quote}" if quote else _scalar(value)
    return source.text[:start] + entry + source.text[end:]


def _below(node: Node, step: str | int) -> Node | None:
    if isinstance(node, Sequence) and isinstance(step, int):
        return node.items[step]
    return node.get(str(step)) if isinstance(node, Mapping) else None


def _inserted(source: Source, node: Node, rest: Where, value: str, where: Where) -> str:
    """The text with keys more: in braces before the closing one, else below the last line."""
    text = source.text
    if not isinstance(node, Mapping) or node.get(str(rest[0])) is not None:
        raise CannotPin(_by_hand(where, value))
    start, end = _span(source, node)
    first = node.items[0][0] if node.items else node
    if text[start : start + 1] == "{":
        quoted = text[_span(source, first)[0]] == '"' or source.path.endswith(".json")
        entry = _flow(rest, value, quoted=quoted)
        body = text[start : end - 1].rstrip()
        comma = "" if body.endswith((",", "{")) else ","
        return f"{body and text[:start] + body}{comma} {entry}{text[end - 1 :]}"
    indent = " " * (first.column - 1)
    newline = "\r\n" if "\r\n" in text else "\n"
    last = max(_span(source, item)[1] for _, item in node.items)
    line_end = text.find("\n", max(last - 1, 0))
    at = len(text) if line_end < 0 else line_end + 1
    key, *deeper = (str(step) for step in rest)
    entry = f"{key}: {_flow(tuple(deeper), value, quoted=False, braces=True)}"
    before = "" if at == 0 or text[at - 1] == "\n" else newline
    return f"{text[:at]}{before}{indent}{entry}{newline}{text[at:]}"


def _flow(rest: Where, value: str, *, quoted: bool, braces: bool = False) -> str:
    """Keys within keys, and a value, on one line."""
    if not rest:
        return json.dumps(value) if quoted else _scalar(value)
    key, deeper = str(rest[0]), rest[1:]
    name = json.dumps(key) if quoted else key
    entry = f"{name}: {_flow(deeper, value, quoted=quoted, braces=True)}"
    return f"{{{entry}}}" if braces else entry


def _scalar(value: str) -> str:
    """A value without quotes, unless YAML would read a comment in it."""
    return f'"{value}"' if " #" in value else value


def _span(source: Source, node: Node) -> tuple[int, int]:
    lines = Lines(source.text)
    return lines.offset(node.line, node.column), lines.offset(node.end_line, node.end_column)


def _by_hand(where: Where, value: str) -> str:
    entry = _flow(where, value, quoted=False)
    return f"this spec is not written so that pin could change it; write it by hand: {entry}"
