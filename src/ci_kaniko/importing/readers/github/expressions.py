"""GitHub's expressions: what one is worth, and where one holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, join, literal, only_var, spell, split_text
from ci_kaniko.importing.readers.grammar import Node, NotUnderstood, guard_of, parsed
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.values import EMPTY, Value, plain, pure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.importing.shell.values import Values

EXPRESSION = re.compile(r"\$\{\{((?:'[^']*'|[^'])*?)\}\}", re.DOTALL)

_NO_STATUS = {"failure": NO, "cancelled": NO, "always": YES, "success": YES}
_REFS = {"github.ref", "GITHUB_REF"}


class Expressions:
    """Expressions under the conditions of one script; ``look`` tells what a name is worth."""

    def __init__(self, values: Values, look: Callable[[str], Value | None]) -> None:
        self.values = values
        self.conditions = values.conditions
        self.guards = values.conditions.guards
        self._look = look
        self._line = 0

    # -- texts and conditions -----------------------------------------------------------------

    def template(self, text: str, line: int = 0) -> Value:
        """A text of the workflow in which expressions stand."""
        found: list[Value] = []
        at = 0
        for match in EXPRESSION.finditer(text):
            found += [plain(text[at : match.start()]), self.value(match[1], line)]
            at = match.end()
        return self.values.concat([*found, plain(text[at:])])

    def value(self, text: str, line: int = 0) -> Value:
        """What an expression is worth; one that is not understood stands for itself."""
        self._line = line
        try:
            return self._value(parsed(text))
        except NotUnderstood:
            return pure((Var(text.strip()),))

    def guard(self, text: str, line: int) -> int:
        """Where a condition holds; one that is not understood is an unknown test."""
        self._line = line
        return guard_of(self.conditions, bare_condition(text), line, self._guard)

    # -- values -------------------------------------------------------------------------------

    def _value(self, node: Node) -> Value:
        if node.kind == "text":
            return plain(node.parts[0])
        if node.kind in {"true", "false"}:
            return plain(node.kind)
        if node.kind == "null":
            return EMPTY
        if node.kind == "name":
            found = self._look(node.parts[0])
            return pure((Var(node.parts[0]),)) if found is None else found
        if node.kind == "regex":
            raise NotUnderstood
        if node.kind == "or":
            return self._first(node)
        if node.kind == "and":
            return self._last(node)
        if node.kind == "call" and node.parts[0] == "format":
            return self._format(node.parts[1])
        if node.kind == "call" and node.parts[0] not in {*_NO_STATUS, *_TESTS}:
            return pure((Var(node.text),))
        return self.values.choose(self._guard(node), plain("true"), plain("false"))

    def _first(self, node: Node) -> Value:
        """``a || b``: the first that is something."""
        *heads, last = node.parts
        if last.kind == "text" and not last.parts[0] and len(heads) == 1:
            kept = heads[0].parts[-1] if heads[0].kind == "and" else None
            if kept is not None and kept.kind == "name" and kept.parts[0].startswith("secrets."):
                # Where a secret is not needed it is kept away; the spec's own job does the same.
                return self._value(kept)
        found: list[tuple[int, Text]] = []
        rest = YES
        for head in heads:
            value = self._value(head)
            var = only_var(value[0][1]) if len(value) == 1 else None
            if (
                var
                and not (var.changes or var.default)
                and rest == YES
                and last.kind == "text"
                and last.parts[0]
                and len(heads) == 1
                and head.kind == "name"
            ):
                return pure((Var(var.name, last.parts[0], (), var.portable),))
            true = self._truth(value)
            found += [(self._all(rest, true, guard), text) for guard, text in value]
            rest = self.guards.minus(rest, true)
        found += [(self.guards.both(rest, guard), text) for guard, text in self._value(last)]
        return self.values.gather(found)

    def _last(self, node: Node) -> Value:
        """``a && b``: the last, or the first that is nothing."""
        found: list[tuple[int, Text]] = []
        rest = YES
        *heads, last = node.parts
        for head in heads:
            guard = self._guard(head)
            found.append((self.guards.minus(rest, guard), ("false",)))
            rest = self.guards.both(rest, guard)
        found += [(self.guards.both(rest, guard), text) for guard, text in self._value(last)]
        return self.values.gather(found)

    def _all(self, *guards: int) -> int:
        whole = YES
        for guard in guards:
            whole = self.guards.both(whole, guard)
        return whole

    def _format(self, arguments: tuple[Node, ...]) -> Value:
        shape = literal(self._value(arguments[0])[0][1]) if arguments else None
        if shape is None:
            raise NotUnderstood
        parts: list[Value] = []
        at = 0
        for match in re.finditer(r"\{\{|\}\}|\{(\d+)\}", shape):
            parts.append(plain(shape[at : match.start()]))
            at = match.end()
            if match[1] is None:
                parts.append(plain(match.group()[0]))
            elif int(match[1]) + 1 < len(arguments):
                parts.append(self._value(arguments[int(match[1]) + 1]))
            else:
                raise NotUnderstood
        return self.values.concat([*parts, plain(shape[at:])])

    # -- conditions ---------------------------------------------------------------------------

    def _guard(self, node: Node) -> int:
        if node.kind in {"and", "or"}:
            join_ = self.guards.both if node.kind == "and" else self.guards.either
            whole = self._guard(node.parts[0])
            for part in node.parts[1:]:
                whole = join_(whole, self._guard(part))
            return whole
        if node.kind == "not":
            return self.guards.negate(self._guard(node.parts[0]))
        if node.kind == "compare":
            return self._compare(*node.parts, text=node.text)
        if node.kind == "call" and node.parts[0] in _NO_STATUS:
            return _NO_STATUS[node.parts[0]]
        if node.kind == "call" and node.parts[0] in _TESTS and len(node.parts[1]) == 2:
            return self._test(node)
        if node.kind == "call" and node.parts[0] != "format":
            return self.conditions.unknown(node.text, self._line)
        return self._truth(self._value(node))

    def _truth(self, value: Value) -> int:
        return self.values.test(value, self._is_something)

    def _is_something(self, text: Text) -> int:
        return NO if text == ("false",) else self.conditions.filled(text, self._line)

    def _compare(self, operator: str, left: Node, right: Node, *, text: str) -> int:
        if operator not in {"==", "!="}:
            return self.conditions.unknown(text, self._line)
        kinds = {left.kind, right.kind}
        if kinds & {"true", "false"} and not kinds <= {"true", "false", "text", "name"}:
            wanted, other = (left, right) if left.kind in {"true", "false"} else (right, left)
            found = self._guard(other)
            found = found if wanted.kind == "true" else self.guards.negate(found)
        else:
            found = self.values.test_both(
                self._value(left),
                self._value(right),
                lambda one, other: self.conditions.equal(one, other, self._line),
            )
        return self.guards.negate(found) if operator == "!=" else found

    def _test(self, node: Node) -> int:
        name, (whole, part) = node.parts
        listed = _listed(whole) if name == "contains" else None
        if listed is not None:
            wanted = self._value(part)
            return self._any(
                self.values.test(wanted, lambda text, one=item: self._equal(text, one))  # type: ignore[misc]
                for item in listed
            )
        needle = literal(self._value(part)[0][1])
        if needle is None:
            return self.conditions.unknown(node.text, self._line)
        return self.values.test(self._value(whole), lambda text: self._holds(name, text, needle))

    def _equal(self, text: Text, item: str) -> int:
        return self.conditions.equal(text, (item,), self._line)

    def _any(self, guards: Any) -> int:
        found = NO
        for guard in guards:
            found = self.guards.either(found, guard)
        return found

    def _holds(self, name: str, text: Text, part: str) -> int:
        line, glob = self._line, self.conditions.glob
        var = only_var(text)
        is_ref = var is not None and var.name in _REFS and not var.changes
        if name == "contains" and is_ref and part in {"refs/heads/", "refs/tags/"}:
            return glob(text, f"{part}**", line)
        if any(character in part for character in "*?[]!"):
            return self.conditions.unknown(f"{name}({spell(text)}, '{part}')", line)
        if name == "startsWith":
            return glob(text, f"{part}**", line)
        end = "" if name == "endsWith" else "**"
        shapes = [f"**{part}{end}"]
        if not is_ref or _in_folder(part):
            return glob(text, shapes[0], line)
        if part.startswith("/"):
            shapes.append(f"{part[1:]}{end}")
        kinds = [(Var(kind, portable=True),) for kind in ("branch", "tag")]
        return self._any(glob(kind, shape, line) for kind in kinds for shape in shapes)


def _in_folder(part: str) -> bool:
    """Whether a part of a full ref may begin in its folder, which is no part of a name."""
    head, slash, _ = part.removeprefix("/").partition("/")
    return part in _FOLDERS or bool(head and slash and f"{head}/" in _FOLDERS)


_FOLDERS = "refs/heads/ refs/tags/ refs/pull/"
_TESTS = {"startsWith", "endsWith", "contains"}


def _listed(node: Node) -> list[str] | None:
    """The items of ``fromJSON('[...]')``."""
    if node.kind != "call" or node.parts[0] != "fromJSON" or len(node.parts[1]) != 1:
        return None
    inner = node.parts[1][0]
    try:
        found = json.loads(inner.parts[0]) if inner.kind == "text" else None
    except ValueError:
        return None
    return [str(item) for item in found] if isinstance(found, list) else None


def bare_condition(text: str) -> str:
    """A condition without the ``${{ }}`` that may stand around it."""
    whole = EXPRESSION.fullmatch(text.strip())
    return (whole[1] if whole else text).strip()


def lines_of(value: Value) -> list[Value]:
    """A value with one text, cut into its lines; others stay whole."""
    if len(value) != 1:
        return [value]
    return [pure(row) for row in map(stripped_text, split_text(value[0][1], "\n")) if row]


def stripped_text(text: Text) -> Text:
    """A text without the blanks around it."""
    parts = list(text)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return join(parts)
