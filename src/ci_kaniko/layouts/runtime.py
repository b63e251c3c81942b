"""What compiled templates run on: importing Jinja would cost more than filling them.

Only what the layouts use is here, and it does what Jinja does. Whatever else a template asks for
raises Unsupported, and then Jinja fills it.
"""

from __future__ import annotations

from types import SimpleNamespace

from ci_kaniko.layouts.bundled import FILTERS
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, NoReturn
from ci_kaniko.text.yaml import margined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_METHODS = frozenset(dir(dict))


class Unsupported(Exception):
    """Something that is left to Jinja: a name without a value, a filter that is not here."""


def _undefined(*_: Any, **__: Any) -> NoReturn:
    raise Unsupported


missing = object()
str_join = "".join
Undefined = TemplateRuntimeError = _undefined


def internalcode(function: Any) -> Any:
    """Jinja hides such a function in tracebacks."""
    return function


class LoopContext:
    """A loop that knows where it is."""

    def __init__(self, items: Iterable[Any], *_: Any) -> None:
        self._items = items
        self.first = True

    def __iter__(self) -> Iterator[tuple[Any, LoopContext]]:
        for item in self._items:
            yield item, self
            self.first = False


class Macro:
    """A piece of a template that is called by its name."""

    def __init__(self, _: Any, body: Any, __: str, names: Sequence[str], *options: bool) -> None:
        self._body, self._names = body, names
        if any(options):
            raise Unsupported

    def __call__(self, *given: Any) -> str:
        """The text, for the values of all its names. Raises Unsupported for fewer."""
        if len(given) != len(self._names):
            raise Unsupported
        return str(self._body(*given))


class Context:
    """The view that a template is filled with, and the macros that it defines."""

    eval_ctx = SimpleNamespace(autoescape=False)

    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()

    def resolve_or_missing(self, name: str) -> Any:
        """What a name stands for."""
        return self._view.get(name, missing)

    def call(self, function: Any, *given: Any, _loop_vars: Any = None, **named: Any) -> Any:
        """What a function gives."""
        return function(*given, **named)


class environment:  # noqa: N801 - Jinja's name
    """What all templates share."""

    undefined = _undefined
    concat = "".join
    filters: Mapping[str, Callable[..., Any]] = {
        **FILTERS,
        "length": len,
        "upper": str.upper,
        "indent": lambda text, width, _first: margined(text, " " * width),
    }
    tests: Mapping[str, Callable[[Any], bool]] = {
        "boolean": lambda value: value is True or value is False,
        "mapping": lambda value: isinstance(value, dict),
        "none": lambda value: value is None,
        "string": lambda value: isinstance(value, str),
    }

    @staticmethod
    def getattr(owner: Any, name: str) -> Any:
        """An attribute, or else an item."""
        if type(owner) is dict and name in owner and name not in _METHODS:
            return owner[name]
        try:
            return getattr(owner, name)
        except AttributeError:
            return environment.getitem(owner, name)

    @staticmethod
    def getitem(owner: Any, key: Any) -> Any:
        """An item. Raises Unsupported where there is none."""
        try:
            return owner[key]
        except (AttributeError, TypeError, LookupError):
            raise Unsupported from None
