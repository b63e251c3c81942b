"""The conditions of pipelines as guards: GitLab's rules, ``if`` of Buildkite and of Jenkins."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import Text, literal, only_var
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES, TooComplexError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKENS = re.compile(
    r"\s*(?:(?P<op>&&|\|\||==|!=|=~|!~|!(?!=)|\(|\))"
    r"|(?P<string>\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*')"
    r"|(?P<regex>/(?:\\.|[^/\\])+/[a-z]*)"
    r"|(?P<word>\$?\{?[A-Za-z_][\w.*-]*\}?|-?\d+))"
)


class BadExpression(Exception):
    """A condition that is not understood."""


class Operand(NamedTuple):
    """One side of a comparison: a text, or a regular expression."""

    text: Text
    regex: str = ""
    null: bool = False


class Expressions:
    """Conditions of one job, all of the same language; ``known`` is what a file compares with."""

    def __init__(
        self,
        operand: Callable[[str], Operand],
        known: Mapping[str, Text] = MappingProxyType({}),
        conditions: Conditions | None = None,
    ) -> None:
        self.conditions = conditions or Conditions()
        self.guards = self.conditions.guards
        self._operand = operand
        self._known = known
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._line = 0

    def guard(self, text: str, line: int) -> int:
        """A condition as a guard; one that is not understood is an unknown test."""
        self._line = line
        if self.conditions.exhausted:
            return self.conditions.unknown(text.strip(), line)
        try:
            self._tokens = list(tokens(text))
            self._at = 0
            found = self._either()
        except TooComplexError:
            self.conditions.give_up()
            return self.conditions.unknown(text.strip(), line)
        except (BadExpression, IndexError, RecursionError):
            return self.conditions.unknown(text.strip(), line)
        whole = self._at == len(self._tokens)
        return found if whole else self.conditions.unknown(text.strip(), line)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _either(self) -> int:
        found = self._both()
        while self._peek() == "||":
            self._take()
            found = self.guards.either(found, self._both())
        return found

    def _both(self) -> int:
        found = self._unary()
        while self._peek() == "&&":
            self._take()
            found = self.guards.both(found, self._unary())
        return found

    def _unary(self) -> int:
        if self._peek() == "!":
            self._take()
            return self.guards.negate(self._unary())
        if self._peek() == "(":
            self._take()
            found = self._either()
            if self._take()[1] != ")":
                raise BadExpression
            return found
        return self._comparison()

    def _comparison(self) -> int:
        kind, word = self._take()
        if self._peek() == "(" and kind == "word":
            raise BadExpression  # a function
        left = self._value(kind, word)
        operator = self._peek()
        if operator not in {"==", "!=", "=~", "!~"}:
            return self._truth(left)
        self._take()
        right = self._value(*self._take())
        if var := only_var(right.text):
            right = right._replace(text=self._known.get(var.name, right.text))
        found = self._compared(left, right, matches=operator in {"=~", "!~"})
        return self.guards.negate(found) if operator.startswith("!") else found

    def _value(self, kind: str, word: str) -> Operand:
        if kind == "regex":
            return Operand((), regex=word)
        if kind == "string":
            inner = word[1:-1]
            text = inner.replace("''", "'") if word[0] == "'" else re.sub(r"\\(.)", r"\1", inner)
            return Operand((text,) if text else ())
        return self._operand(word)

    def _truth(self, value: Operand) -> int:
        if value.null:
            return NO
        if value.text in (("true",), ("always",)):
            return YES
        if value.text == ("false",):
            return NO
        return self.conditions.filled(value.text, self._line)

    def _compared(self, left: Operand, right: Operand, *, matches: bool) -> int:
        if matches:
            written = right.regex or literal(right.text) or ""
            if not written.startswith("/"):
                raise BadExpression
            body, _, flags = written[1:].rpartition("/")
            if flags.strip("i"):
                raise BadExpression
            body = f"(?i){body}" if "i" in flags else body
            return self.conditions.regex(left.text, body.replace("\\/", "/"), self._line)
        if left.null or right.null:
            other = right.text if left.null else left.text
            return self.guards.negate(self.conditions.filled(other, self._line))
        return self.conditions.equal(left.text, right.text, self._line)


def tokens(text: str) -> list[tuple[str, str]]:
    """The words of an expression, each with its kind. Raises BadExpression."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        token = _TOKENS.match(text, at)
        if not token or not token.group().strip():
            raise BadExpression
        at = token.end()
        kind = token.lastgroup or ""
        found.append((kind, token[kind]))
    return found
