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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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


_TOKEN = re.compile(
    r"\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w.-]*)|(\|\||&&|==|!=|<=|>=|[!<>(),]))"
)


class _Reader:
    """Reads an expression and its value at once: operators bind as GitHub says."""

    def __init__(self, text: str, known: Known, statuses: Mapping[str, bool]) -> None:
        self.text, self.known, self.statuses = text, known, statuses
        self.rest = list(_tokens(text))

    def whole(self) -> Scalar:
        """The value of the expression. Raises Refused."""
        value = self._either()
        if self.rest:
            raise Refused(f"{self.text}: {self.rest[0]!r} is left over")
        return value

    def _either(self) -> Scalar:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value if _truth(value) else other
        return value

    def _both(self) -> Scalar:
        value = self._equal()
        while self._next("&&"):
            other = self._equal()
            value = other if _truth(value) else value
        return value

    def _equal(self) -> Scalar:
        value = self._ordered()
        while operator := self._next("==", "!="):
            value = _equal(value, self._ordered()) == (operator == "==")
        return value

    def _ordered(self) -> Scalar:
        value = self._single()
        while operator := self._next("<", "<=", ">", ">="):
            value = _ORDERS[operator](_number(value), _number(self._single()))
        return value

    def _single(self) -> Scalar:
        if self._next("!"):
            return not _truth(self._single())
        if self._next("("):
            value = self._either()
            self._expect(")")
            return value
        token = self.rest.pop(0) if self.rest else ""
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token[:1].isdigit():
            return float(token)
        if not re.match("[A-Za-z_]", token):
            raise Refused(f"{self.text}: a value is missing before {token!r}")
        return self._called(token) if self._next("(") else self._property(token)

    def _called(self, name: str) -> Scalar:
        given: list[Scalar] = []
        while not self._next(")"):
            given.append(self._either())
            if not self._next(","):
                self._expect(")")
                break
        if name in self.statuses and not given:
            return self.statuses[name]
        function = _FUNCTIONS.get(name.lower())
        if function is None or not given:
            raise Refused(f"{self.text}: {name}() is not known here")
        return function(*map(_text, given))

    def _property(self, path: str) -> Scalar:
        if path in ("true", "false"):
            return path == "true"
        if path == "null":
            return None
        value = self.known.get(path)
        if path not in self.known and not path.startswith(_OPEN):
            raise Refused(f"{self.text}: nothing is known of {path}")
        return None if value == "" and path.startswith("github.event.") else value

    def _next(self, *tokens: str) -> str:
        return self.rest.pop(0) if self.rest and self.rest[0] in tokens else ""

    def _expect(self, token: str) -> None:
        if not self._next(token):
            raise Refused(f"{self.text}: {token!r} is missing")


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise Refused(f"{text}: {text[at:].strip()!r} cannot be read")
        yield next(filter(None, found.groups()))
        at = found.end()


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


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
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
