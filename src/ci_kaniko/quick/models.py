"""Models that are declared as those of pydantic are, and read as pydantic reads them.

Of pydantic there is what the models of a spec use. The rest raises NeedsPydantic.
"""

from __future__ import annotations

import sys
from functools import partial
from types import UnionType

from ci_kaniko.quick.choice import NeedsPydantic
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from typing_extensions import Self

    Read = Callable[[Any], Any]
    """Makes the value of a field, or raises ValueError; ValidationError for parts of it."""

_M = TypeVar("_M", bound="BaseModel")
_NONE: Any = object()
ConfigDict = dict


class ValidationError(ValueError):
    """What is wrong with the parts of a value, each as pydantic tells it."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        super().__init__()
        self._items = items

    def errors(self, **_: bool) -> list[dict[str, Any]]:
        """Kind, place, value, and with ``value_error`` the exception, in the order of reading."""
        return self._items


def _error(kind: str, value: Any, *loc: str | int, **context: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "input": value, **({"ctx": context} if context else {})}


def _told(error: ValueError, value: Any, *at: str | int) -> list[dict[str, Any]]:
    """What an exception says about a value at a place."""
    if not isinstance(error, ValidationError):
        return [_error("value_error", value, *at, error=error)]
    return [{**item, "loc": (*at, *item["loc"])} for item in error.errors()]


class FieldInfo:
    """A field: its type, its default, and what reads it."""

    metadata = ()
    annotation: Any = None

    def __init__(self, default: Any = _NONE, examples: Any = None) -> None:
        self.default = default
        self.examples = examples

    def get_default(self, **_: bool) -> Any:
        """What it is when nobody says it."""
        return self.default

    def __getattr__(self, name: str) -> Any:
        if name != "read":
            raise AttributeError(name)
        self.read = reader_of(self.annotation)
        return self.read


def Field(*, default: Any = _NONE, examples: Any = None, **_: Any) -> Any:  # noqa: N802
    """A field; the rest is about its description and how it is written."""
    return FieldInfo(default, examples)


class PrivateAttr:
    """What a model keeps that is no field."""

    def __init__(self, default: Any = None, default_factory: Any = None) -> None:
        self.make = default_factory or (lambda: default)


def model_validator(mode: str) -> Callable[[Any], Any]:
    """Marks the class method that is asked before the fields, or around them."""

    def mark(method: Any) -> Any:
        method.__func__.reads = mode
        return method

    return mark


def model_serializer(mode: str) -> Callable[[Any], Any]:
    """Marks the method that writes a model, which is left to pydantic."""
    return lambda method: method


def _left_to_pydantic(*_: Any, **__: Any) -> Any:
    raise NeedsPydantic


class BaseModel:
    """A model: the annotations of its class are its fields."""

    __slots__ = ("__dict__", "__hidden__", "model_fields_set")
    if TYPE_CHECKING:
        __hidden__: dict[str, Any]
        model_fields_set: Collection[str]
    model_fields: Mapping[str, FieldInfo] = {}
    __privates__: Mapping[str, PrivateAttr] = {}
    __before__ = __around__ = ""
    __defaults__: Mapping[str, Any] = {}
    __needed__: list[str] = []  # noqa: RUF012
    __all__: Collection[str] = frozenset()

    def __init_subclass__(cls) -> None:
        fields, privates = {**cls.model_fields}, {**cls.__privates__}
        for name, annotation in cls.__annotations__.items():
            given = vars(cls).get(name)
            if isinstance(given, PrivateAttr):
                privates[name] = given
                setattr(cls, name, property(partial(_hidden, name)))
            elif isinstance(given, FieldInfo):
                if isinstance(annotation, str):  # deferred, as in a module of few models
                    names = vars(sys.modules[cls.__module__])
                    annotation = eval(annotation, names)  # noqa: PLW2901, S307 - our own words
                given.annotation = annotation
                fields[name] = given
                delattr(cls, name)
            elif name[0] != "_" and "ClassVar" not in str(annotation):
                raise NeedsPydantic
        for name, given in [*vars(cls).items()]:
            mode = getattr(getattr(given, "__func__", None), "reads", "")
            if mode:
                setattr(cls, "__before__" if mode == "before" else "__around__", name)
        cls.model_fields, cls.__privates__ = fields, privates
        cls.__defaults__ = {name: field.default for name, field in fields.items()}
        cls.__all__ = frozenset(fields)
        cls.__needed__ = [name for name in fields if cls.__defaults__[name] is _NONE]

    def __init__(self, /, **data: Any) -> None:
        made = type(self).model_validate(data)
        _fill(self, made.__dict__, made.model_fields_set, made.__hidden__)

    @classmethod
    def hidden_at_first(cls) -> dict[str, Any]:
        """What a model keeps that is no field, when it is made."""
        return {name: each.make() for name, each in cls.__privates__.items()}

    @classmethod
    def model_validate(cls, data: Any) -> Self:
        """What data means. Raises ValidationError, and what an own validator raises."""
        return getattr(cls, cls.__around__)(data, cls._read) if cls.__around__ else cls._read(data)

    @classmethod
    def _read(cls, data: Any) -> Self:
        try:
            given = getattr(cls, cls.__before__)(data)
        except ValueError as error:
            raise ValidationError(_told(error, data)) from None
        if isinstance(given, cls):
            return given
        return _fill(object.__new__(cls), *_values(cls, given))

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """A model of values that nobody reads."""
        if values.keys() == cls.model_fields.keys():
            return _fill(object.__new__(cls), values, cls.__all__)
        made = {**cls.__defaults__, **values}
        for name in cls.__needed__:
            if name not in values:
                del made[name]
        return _fill(object.__new__(cls), made, {*values})

    @classmethod
    def model_rebuild(cls, **_: Any) -> None:
        """Nothing: a field finds out what reads it when it is first read."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values. Raises NeedsPydantic for a deep one."""
        if deep:
            raise NeedsPydantic
        values = {**self.__dict__, **(update or {})}
        said = {*self.model_fields_set, *(update or ())}
        return _fill(object.__new__(type(self)), values, said, {**self.__hidden__})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__privates__:
            raise AttributeError(name)
        self.__hidden__[name] = value

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        yield from self.__dict__.items()

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and self.__dict__ == other.__dict__
            and self.__hidden__ == other.__hidden__
        )

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__})"

    model_dump = model_dump_json = __reduce_ex__ = __copy__ = _left_to_pydantic
    model_json_schema: Any = classmethod(_left_to_pydantic)


def _hidden(name: str, model: BaseModel) -> Any:
    return model.__hidden__[name]


def _fill(model: _M, values: dict[str, Any], said: Collection[str], hidden: Any = None) -> _M:
    """A model with its values, the names of those that were said, and what it hides."""
    put = object.__setattr__
    put(model, "__dict__", values)
    put(model, "model_fields_set", said)
    put(model, "__hidden__", hidden or model.hidden_at_first())
    return model


def _values(model: type[BaseModel], data: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The values of all fields, and the names of those that were said. Raises ValidationError."""
    fields, values = model.model_fields, {**model.__defaults__}
    wrong = [_error("missing", data, name) for name in model.__needed__ if name not in data]
    for name, item in data.items():
        if name not in fields:
            wrong.append(_error("extra_forbidden", item, name))
            continue
        try:
            values[name] = fields[name].read(item)
        except ValueError as error:
            wrong += _told(error, item, name)
    if wrong:
        order = {name: place for place, name in enumerate(dict.fromkeys((*fields, *data)))}
        raise ValidationError(sorted(wrong, key=lambda item: order[item["loc"][0]]))
    return values, {*data}


def reader_of(kind: Any) -> Read:
    """What reads a type. Raises NeedsPydantic for one that no field has."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        handler = reader_of
        for each in kind.__metadata__:
            if hasattr(each, "reading"):
                handler = partial(each.reading, handler)
        return handler(kind.__origin__)
    if origin is UnionType and len(arguments) == 2 and arguments[1] is type(None):
        read = reader_of(arguments[0])
        return lambda value: None if value is None else read(value)
    if origin is tuple and arguments[1:] == (...,):
        return partial(_read_items, reader_of(arguments[0]))
    if origin is dict:
        return partial(_read_entries, *map(reader_of, arguments))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_validate
    raise NeedsPydantic


def _read_items(read: Read, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValidationError([_error("tuple_type", value)])
    wrong: list[dict[str, Any]] = []
    found = []
    for index, item in enumerate(value):
        try:
            found.append(read(item))
        except ValueError as error:
            wrong += _told(error, item, index)
    if wrong:
        raise ValidationError(wrong)
    return tuple(found)


def _read_entries(read_key: Read, read: Read, value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValidationError([_error("dict_type", value)])
    wrong: list[dict[str, Any]] = []
    found = {}
    for key, item in value.items():
        try:
            own = read_key(key)
        except ValueError as error:
            wrong += _told(error, key, key, "[key]")
        try:
            made = read(item)
        except ValueError as error:
            wrong += _told(error, item, key)
        if not wrong:
            found[own] = made
    if wrong:
        raise ValidationError(wrong)
    return found
