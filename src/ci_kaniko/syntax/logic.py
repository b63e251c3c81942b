"""The grammar that the conditions of all platforms share: ``||``, ``&&``, ``!``, comparisons.

A caller says what names and texts mean, and which of these signs its platform has.
"""

from __future__ import annotations

import re

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKENS = re.compile(
    r"\s*(?:(?P<op>&&|\|\||==|!=|=~|!~|<=|>=|[<>!(),\[\]])"
    r"|(?P<string>'(?:''|[^'])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<regex>/(?:\\.|[^/\\])+/[a-z]*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>\$?\{?[A-Za-z_][\w-]*(?:\.(?:[\w-]+|\*))*\}?))"
)
_COMPARED = {"==", "!=", "<", ">", "<=", ">=", "=~", "!~"}
_MAX_DEPTH = 40


class NotLogic(Exception):
    """No condition, or one that is nested too deeply."""


class Node(NamedTuple):
    """A part of a condition: its kind, what it is made of, and how it is written.

    A ``text`` may be a number, which is written without quotes.
    """

    kind: str
    parts: tuple[Any, ...]
    text: str


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int, int]] = []
        self.at = self.depth = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            token = _TOKENS.match(text, at)
            if not token:
                raise NotLogic
            kind = token.lastgroup or ""
            self.tokens.append((kind, token[kind], token.start(kind), token.end()))
            at = token.end()

    def whole(self) -> Node:
        """The whole text as one tree. Raises NotLogic."""
        node = self.either()
        if self.at < len(self.tokens):
            raise NotLogic
        return node

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str, int, int]:
        """The next token, where it is the wanted one. Raises NotLogic."""
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise NotLogic
        self.at += 1
        return self.tokens[self.at - 1]

    def made(self, kind: str, parts: tuple[Any, ...], start: int) -> Node:
        first = self.tokens[start][2]
        return Node(kind, parts, self.text[first : self.tokens[self.at - 1][3]])

    def either(self) -> Node:
        return self.chain("||", "or", self.both)

    def both(self) -> Node:
        return self.chain("&&", "and", self.compared)

    def chain(self, operator: str, kind: str, inner: Callable[[], Node]) -> Node:
        start = self.at
        parts = [inner()]
        while self.peek() == operator:
            self.take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else self.made(kind, tuple(parts), start)

    def compared(self) -> Node:
        start = self.at
        left = self.unary()
        if self.peek() in _COMPARED:
            operator = self.take()[1]
            return self.made("compare", (operator, left, self.unary()), start)
        return left

    def unary(self) -> Node:
        """A negation, or what it negates. Raises NotLogic."""
        start = self.at
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise NotLogic
        if self.peek() == "!":
            self.take()
            node = self.made("not", (self.unary(),), start)
        elif self.peek() == "(":
            self.take()
            node = self.either()
            self.take(")")
        else:
            node = self.primary()
        self.depth -= 1
        return node

    def primary(self) -> Node:
        """A literal, a call, a name or what stands in brackets. Raises NotLogic."""
        start = self.at
        kind, word, _, _ = self.take()
        if kind == "string":
            return self.made("text", (_unquoted(word),), start)
        if kind in {"number", "regex"}:
            return self.made("text" if kind == "number" else kind, (word,), start)
        if kind != "word":
            raise NotLogic
        if self.peek() == "(":
            return self.made("call", (word, self.arguments()), start)
        if word in {"true", "false", "null"}:
            return self.made(word, (), start)
        while self.peek() == "[":
            self.take()
            key = self.either()
            self.take("]")
            word = f"{word}.{key.parts[0]}" if key.kind == "text" else f"{word}[{key.text}]"
        return self.made("name", (word,), start)

    def arguments(self) -> tuple[Node, ...]:
        """The arguments of a call. Raises NotLogic."""
        found = []
        self.take("(")
        while self.peek() != ")":
            found.append(self.either())
            if self.peek() == ",":
                self.take()
            elif self.peek() != ")":
                raise NotLogic
        self.take(")")
        return tuple(found)


def parsed(text: str) -> Node:
    """The parts of an expression. Raises NotLogic."""
    return _Parser(text).whole()


def _unquoted(word: str) -> str:
    inner = word[1:-1]
    return inner.replace("''", "'") if word[0] == "'" else re.sub(r"\\(.)", r"\1", inner)
