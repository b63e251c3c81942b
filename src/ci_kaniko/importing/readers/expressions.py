"""The conditions of pipelines as guards, in the grammar that all platforms share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Text, Var, literal, only_var
from ci_kaniko.importing.shell.guards import NO
from ci_kaniko.importing.shell.values import EMPTY, Value, Values, plain, pure
from ci_kaniko.syntax.logic import Node, NotLogic, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.importing.shell.conditions import Conditions


_MAY_BE_FALSE = ("build.", "github.", "inputs.", "matrix.")
"""How names begin that may be no text: that of any other is something whatever it says."""


def values_of(conditions: Conditions) -> Values:
    """Values under some conditions, where no script is read."""
    return Values(conditions, lambda: Output("an expression"))


class Expressions:
    """Conditions of one job, all of the same language.

    ``look`` tells what a name is worth, and ``known`` what a file compares with.
    """

    def __init__(
        self,
        look: Callable[[str], Value | None],
        values: Values,
        known: Mapping[str, Text] = MappingProxyType({}),
    ) -> None:
        self.values = values
        self.conditions = self.values.conditions
        self.guards = self.conditions.guards
        self._look = look
        self._known = known
        self.line = 0

    def guard(self, text: str, line: int) -> int:
        """Where a condition holds; one that is not understood is an unknown test."""
        self.line = line
        self.conditions.guards.budget.spend(len(text) // 2)
        try:
            return self.holds(parsed(text.strip()))
        except NotLogic:
            return self.conditions.unknown(text.strip(), line)

    def holds(self, node: Node) -> int:
        """Where a part of a condition holds. Raises NotLogic."""
        if node.kind in {"and", "or"}:
            joined = self.guards.all if node.kind == "and" else self.guards.any
            return joined(map(self.holds, node.parts))
        if node.kind == "not":
            return self.guards.negate(self.holds(node.parts[0]))
        if node.kind == "name" and not node.parts[0].startswith(_MAY_BE_FALSE):
            return self.values.test(self.worth(node), self._filled)
        if node.kind != "compare":
            return self.truth(self.worth(node))
        operator, left, right = node.parts
        found = self.compared(left, right, operator)
        if found is None:
            return self.conditions.unknown(node.text, self.line)
        return self.guards.negate(found) if operator.startswith("!") else found

    def worth(self, node: Node) -> Value:
        """What a part of an expression is worth. Raises NotLogic."""
        if node.kind in {"true", "false"}:
            return plain(node.kind)
        if node.kind == "null":
            return EMPTY
        if node.kind == "name":
            found = self._look(node.parts[0])
            return pure((Var(node.parts[0]),)) if found is None else found
        if node.kind != "text":
            raise NotLogic
        return plain(node.parts[0])

    def truth(self, value: Value) -> int:
        """Where a value is something."""
        return self.values.test(
            value,
            lambda text: NO if text == ("false",) else self._filled(text),
        )

    def _filled(self, text: Text) -> int:
        return self.conditions.filled(text, self.line)

    def compared(self, left: Node, right: Node, operator: str) -> int | None:
        """Where two sides are alike; None where nobody can tell. Raises NotLogic."""
        if operator in {"=~", "!~"}:
            return self._found(self.worth(left), right)
        if operator not in {"==", "!="}:
            return None
        return self.compared_texts(self.worth(left), self._right(right))

    def compared_texts(self, left: Value, right: Value) -> int:
        """Where two values are the same text."""
        return self.values.test_both(
            left, right, lambda one, other: self.conditions.equal(one, other, self.line)
        )

    def _right(self, node: Node) -> Value:
        value = self.worth(node)
        var = only_var(value[0][1]) if len(value) == 1 else None
        return pure(self._known[var.name]) if var and var.name in self._known else value

    def _found(self, value: Value, right: Node) -> int:
        """Where a regular expression is found. Raises NotLogic."""
        written = right.text if right.kind == "regex" else literal(self._right(right)[0][1]) or ""
        body, _, flags = written[1:].rpartition("/")
        if not written.startswith("/") or flags.strip("i"):
            raise NotLogic
        body = ("(?i)" if flags else "") + body.replace("\\/", "/")
        return self.values.test(value, lambda text: self.conditions.regex(text, body, self.line))
