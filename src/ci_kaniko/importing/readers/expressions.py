"""The conditions of pipelines as guards: GitLab's rules, ``if`` of Buildkite and of Jenkins."""

from __future__ import annotations

from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import Text, literal, only_var
from ci_kaniko.importing.readers.grammar import Node, NotUnderstood, guard_of
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Operand(NamedTuple):
    """One side of a comparison: a text, or a regular expression."""

    text: Text
    regex: str = ""
    null: bool = False


class Expressions:
    """Conditions of one job, all of the same language.

    ``name`` is what a word means, and ``known`` what a file compares with.
    """

    def __init__(
        self,
        name: Callable[[str], Text],
        known: Mapping[str, Text] = MappingProxyType({}),
        conditions: Conditions | None = None,
    ) -> None:
        self.conditions = conditions or Conditions()
        self.guards = self.conditions.guards
        self._name = name
        self._known = known
        self._line = 0

    def guard(self, text: str, line: int) -> int:
        """A condition as a guard; one that is not understood is an unknown test."""
        self._line = line
        return guard_of(self.conditions, text.strip(), line, self._guard)

    def _guard(self, node: Node) -> int:
        if node.kind in {"and", "or"}:
            joined = self.guards.both if node.kind == "and" else self.guards.either
            return reduce(joined, map(self._guard, node.parts))
        if node.kind == "not":
            return self.guards.negate(self._guard(node.parts[0]))
        if node.kind != "compare":
            return self._truth(self._operand(node))
        operator, one, other = node.parts
        left, right = self._operand(one), self._operand(other)
        if var := only_var(right.text):
            right = right._replace(text=self._known.get(var.name, right.text))
        found = self._compared(left, right, operator)
        return self.guards.negate(found) if operator.startswith("!") else found

    def _operand(self, node: Node) -> Operand:
        """One side of a comparison. Raises NotUnderstood."""
        if node.kind == "text":
            return Operand((node.parts[0],) if node.parts[0] else ())
        if node.kind == "name":
            return Operand(self._name(node.text))
        if node.kind in {"true", "false"}:
            return Operand((node.kind,))
        if node.kind not in {"regex", "null"}:
            raise NotUnderstood
        return Operand((), node.text * (node.kind == "regex"), null=node.kind == "null")

    def _truth(self, value: Operand) -> int:
        if value.null or value.text == ("false",):
            return NO
        if value.text in (("true",), ("always",)):
            return YES
        return self.conditions.filled(value.text, self._line)

    def _compared(self, left: Operand, right: Operand, operator: str) -> int:
        """Whether two sides are alike. Raises NotUnderstood."""
        if operator in {"=~", "!~"}:
            written = right.regex or literal(right.text) or ""
            body, _, flags = written[1:].rpartition("/")
            if not written.startswith("/") or flags.strip("i"):
                raise NotUnderstood
            body = f"(?i){body}" if "i" in flags else body
            return self.conditions.regex(left.text, body.replace("\\/", "/"), self._line)
        if operator not in {"==", "!="}:
            raise NotUnderstood
        if left.null or right.null:
            other = right.text if left.null else left.text
            return self.guards.negate(self.conditions.filled(other, self._line))
        return self.conditions.equal(left.text, right.text, self._line)
