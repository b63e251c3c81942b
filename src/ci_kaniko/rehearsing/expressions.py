"""The expressions of GitHub's workflows, as far as we write them.

Source: https://docs.github.com/actions/reference/workflows-and-actions/expressions. Whoever has
GitHub's own evaluator puts it here instead: see ``use``.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.syntax.logic import NotLogic, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci_kaniko.syntax.logic import Node

Known = dict[str, str | bool | None]
"""Property paths that an expression may read, such as github.ref."""

Scalar = str | bool | float | None

_EXPRESSION = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|[^'])*?)\}\}")
_STATUSES = ("success", "failure", "cancelled", "always")
_NEVER: Mapping[str, bool] = MappingProxyType({})
_OPEN = ("secrets.", "vars.", "env.", "steps.")


class Refused(NotModelled):
    """What is wrong with an expression or a workflow."""


class Value(NamedTuple):
    """What an expression is as a text, and as a condition."""

    text: str
    truth: bool


class Judge(Protocol):
    """What reads the conditions of jobs and evaluates expressions."""

    def conditions(self, workflow: str) -> Mapping[str, str]:
        """The condition of each job by its name, as GitHub completes it. Raises Refused."""

    def evaluate(self, text: str, known: Known, statuses: Mapping[str, bool]) -> Value:
        """The value of an expression. Raises Refused."""


class _Ours:
    """The judge that comes with ci-kaniko."""

    def conditions(self, workflow: str) -> Mapping[str, str]:
        jobs: Mapping[str, Mapping[str, Any]] = yaml11.load(workflow)["jobs"]
        return {name: _completed(str(job.get("if", ""))) for name, job in jobs.items()}

    def evaluate(self, text: str, known: Known, statuses: Mapping[str, bool]) -> Value:
        value = _Reader(text, known, statuses).whole()
        return Value(_text(value), _truth(value))


OURS: Judge = _Ours()
_judges = [OURS]


def use(judge: Judge) -> None:
    """Let another judge answer from now on."""
    _judges[:] = [judge]


def conditions(workflow: str) -> Mapping[str, str]:
    """The condition of each job of a workflow. Raises Refused."""
    return _judges[0].conditions(workflow)


def evaluate(text: str, known: Known, statuses: Mapping[str, bool] = _NEVER) -> Value:
    """The value of an expression; ``statuses`` are what success() and its like say.

    Raises Refused.
    """
    return _judges[0].evaluate(text, known, statuses)


def filled(text: str, known: Known) -> str:
    """A text with the values of its expressions. Raises Refused."""
    return _EXPRESSION.sub(lambda found: evaluate(found[1], known).text, text)


def expressions(text: str) -> Iterator[str]:
    """Every ``${{ expression }}`` of a text."""
    return (found[1] for found in _EXPRESSION.finditer(text))


def _completed(condition: str) -> str:
    """A condition without a status function holds only after success."""
    inner = condition.strip()
    if found := _EXPRESSION.fullmatch(inner):
        inner = found[1].strip()
    if not inner:
        return "success()"
    asks = any(re.search(rf"\b{name}\s*\(", inner, re.IGNORECASE) for name in _STATUSES)
    return inner if asks else f"success() && ({inner})"


class _Reader:
    """What the parts of an expression are worth, to GitHub."""

    def __init__(self, text: str, known: Known, statuses: Mapping[str, bool]) -> None:
        self.text, self.known, self.statuses = text, known, statuses

    def whole(self) -> Scalar:
        """The value of the expression. Raises Refused."""
        try:
            return self._value(parsed(self.text))
        except NotLogic:
            raise Refused(f"{self.text} cannot be read") from None

    def _value(self, node: Node) -> Scalar:
        """The value of a part; all of it has to be known, whatever decides. Raises Refused."""
        if node.kind in {"and", "or"}:
            left, *others = map(self._value, node.parts)
            for right in others:
                left = right if _truth(left) == (node.kind == "and") else left
            return left
        if node.kind == "not":
            return not _truth(self._value(node.parts[0]))
        if node.kind == "compare" and node.parts[0] in _COMPARED:
            operator, left, right = node.parts
            return _COMPARED[operator](self._value(left), self._value(right))
        if node.kind == "text" and node.text[0] != '"':
            found: str = node.parts[0]
            return found if node.text[0] == "'" else float(found)
        if node.kind == "call":
            return self._called(*node.parts)
        if node.kind not in {"name", "true", "false", "null"}:
            raise Refused(f"{self.text}: {node.text} is nothing to GitHub")
        return self._property(node.parts[0]) if node.kind == "name" else _WORDS[node.kind]

    def _called(self, name: str, arguments: tuple[Node, ...]) -> Scalar:
        given = [self._value(argument) for argument in arguments]
        if name in self.statuses and not given:
            return self.statuses[name]
        function = _FUNCTIONS.get(name.lower())
        if function is None or not given:
            raise Refused(f"{self.text}: {name}() is not known here")
        return function(*map(_text, given))

    def _property(self, path: str) -> Scalar:
        value = self.known.get(path)
        if path not in self.known and not path.startswith(_OPEN):
            raise Refused(f"{self.text}: nothing is known of {path}")
        return None if value == "" and path.startswith("github.event.") else value


def _truth(value: Scalar) -> bool:
    return bool(value) and not (isinstance(value, float) and math.isnan(value))


def _text(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else value


def _number(value: Scalar) -> float:
    if isinstance(value, str):
        try:
            return float(value.strip() or 0)
        except ValueError:
            return math.nan
    return float(value or 0)


def _equal(left: Scalar, right: Scalar) -> bool:
    """Texts are compared without case, and what is not of one kind as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() == right.upper()
    return (type(left) is type(right) and left == right) or _number(left) == _number(right)


_WORDS: Mapping[str, Scalar] = {"true": True, "false": False, "null": None}
_COMPARED: Mapping[str, Callable[[Scalar, Scalar], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": lambda left, right: _number(left) < _number(right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">": lambda left, right: _number(left) > _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
}


def _format(pattern: str, *given: str) -> str:
    def put(found: re.Match[str]) -> str:
        return found[0][0] if found[1] is None else given[int(found[1])]

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", put, pattern)


_FUNCTIONS: Mapping[str, Callable[..., Scalar]] = {
    "contains": lambda text, part: part.upper() in text.upper(),
    "startswith": lambda text, part: text.upper().startswith(part.upper()),
    "endswith": lambda text, part: text.upper().endswith(part.upper()),
    "format": _format,
}
