"""Records that are declared and that behave as named tuples and data classes."""

from __future__ import annotations

import collections
from operator import attrgetter

from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self

_make = tuple.__new__
_getter = vars(collections)["_tuplegetter"]


_MANY = 50
"""After so many records of a kind, a function that Python compiles for it has paid off."""


class _OfTuples(type):
    def __new__(cls, name: str, bases: tuple[type, ...], own: dict[str, Any]) -> Any:
        slots = {} if "__slots__" in own else {"__slots__": ()}
        made: Any = super().__new__(cls, name, bases, {**own, **slots})
        if bases and bases[0] is globals().get("NamedTuple"):
            made._fields = tuple(made.__annotations__)
            made._field_defaults = {name: own[name] for name in made._fields if name in own}
            for index, field in enumerate(made._fields):
                setattr(made, field, _getter(index, None))
        return made


class NamedTuple(tuple[Any, ...], metaclass=_OfTuples):
    """A tuple whose items have names."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()
    _field_defaults: Mapping[str, Any] = {}
    _made = 0

    def __new__(cls, *given: Any, **named: Any) -> Self:
        """The record of some values. Raises TypeError for too many, or too few."""
        if named or len(given) != len(cls._fields):
            cls._made += 1
            if cls._made == _MANY:
                made_by_python: Any = collections.namedtuple  # noqa: PYI024
                like: Any = cls
                defaults = cls._field_defaults.values()
                like.__new__ = made_by_python(cls.__name__, cls._fields, defaults=defaults).__new__
            given = tuple(_completed(cls._fields, given, named, cls._field_defaults))
        return _make(cls, given)

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        return _make(cls, values)

    def _replace(self, **changes: Any) -> Self:
        made = _make(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"no fields: {', '.join(changes)}")
        return made

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return _spelled(self, zip(self._fields, self, strict=True))


def _completed(
    fields: tuple[str, ...],
    given: tuple[Any, ...],
    named: dict[str, Any],
    defaults: Mapping[str, Any],
) -> list[Any]:
    """A value for each field. Raises TypeError where there is none, or one too many."""
    values = [*given]
    for name in fields[len(given) :]:
        if name in named:
            values.append(named.pop(name))
        elif name in defaults:
            values.append(defaults[name])
        else:
            raise TypeError(f"no value for {name}")
    if named or len(given) > len(fields):
        raise TypeError(f"too many values: {', '.join(named)}")
    return values


def _spelled(record: Any, fields: Iterable[tuple[str, Any]]) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in fields)
    return f"{type(record).__qualname__}({values})"


class _Field:
    def __init__(self, options: dict[str, Any]) -> None:
        self.default = options.get("default", self)
        self.factory = options.get("default_factory")
        self.compare = options.get("compare", True)


def field(**options: Any) -> Any:
    """The default of a field, what makes it, and whether records that differ in it are equal."""
    return _Field(options)


def dataclass(kind: Any = None, /, *, frozen: bool = False, kw_only: bool = False) -> Any:
    """Give a class what makes, compares and shows records of its annotations."""
    if kind is None:
        return lambda kind: dataclass(kind, frozen=frozen, kw_only=kw_only)
    own = {
        name: vars(kind).get(name, _Field({}))
        for name, text in kind.__annotations__.items()
        if "ClassVar" not in str(text)
    }
    fields = {
        **getattr(kind, "__record__", {}),
        **{
            name: given if isinstance(given, _Field) else _Field({"default": given})
            for name, given in own.items()
        },
    }
    for name, each in fields.items():
        if each.default is not each:
            setattr(kind, name, each.default)
        elif name in vars(kind):
            delattr(kind, name)
    kind.__record__ = fields
    compared = tuple(name for name, each in fields.items() if each.compare)
    for name, method in _methods(
        tuple(fields), fields, compared, frozen=frozen, kw_only=kw_only
    ).items():
        if name not in vars(kind) or name == "__hash__":
            setattr(kind, name, method)
    return kind


def _methods(
    names: tuple[str, ...],
    fields: Mapping[str, _Field],
    compared: tuple[str, ...],
    *,
    frozen: bool,
    kw_only: bool,
) -> dict[str, Any]:
    defaults = {name: each.default for name, each in fields.items() if each.default is not each}
    factories = {name: each.factory for name, each in fields.items() if each.factory}
    told = attrgetter(*compared)

    def _init(self: Any, *given: Any, **named: Any) -> None:
        if kw_only and given:
            raise TypeError("values are given by name")
        for name, make in factories.items():
            if name not in named and name not in names[: len(given)]:
                named[name] = make()
        self.__dict__.update(zip(names, _completed(names, given, named, defaults), strict=True))

    def _equal(self: Any, other: object) -> Any:
        return told(self) == told(other) if type(other) is type(self) else NotImplemented

    def _refuse(self: Any, name: str, value: Any = None) -> None:
        raise AttributeError(f"cannot change {name}")

    methods: dict[str, Any] = {
        "__init__": _init,
        "__eq__": _equal,
        "__repr__": lambda self: _spelled(self, self.__dict__.items()),
        "__hash__": None,
    }
    if frozen:
        methods["__hash__"] = lambda self: hash(told(self))
        methods["__setattr__"] = methods["__delattr__"] = _refuse
    return methods


def replace(record: Any, /, **changes: Any) -> Any:
    """A record like another one with other values."""
    return type(record)(
        **{**{name: getattr(record, name) for name in record.__record__}, **changes}
    )
