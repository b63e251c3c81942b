"""A small stand-in for ``typing``, of which a command needs little at run time."""

from __future__ import annotations

from types import GenericAlias, UnionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Anything

Any = NoReturn = object


class Annotated:
    """A type, and what is to be known of it."""

    def __init__(self, kind: Anything, *metadata: Anything) -> None:
        self.__origin__, self.__metadata__ = kind, metadata
        self.__args__ = (kind,)

    def __repr__(self) -> str:
        return f"Annotated[{self.__origin__!r}]"

    def __class_getitem__(cls, items: tuple[Anything, ...]) -> Annotated:
        return cls(*items)

    def __getitem__(self, kind: Anything) -> Annotated:
        """The same for another type, where this is a variable."""
        return Annotated(kind, *self.__metadata__)

    def __or__(self, other: Anything) -> GenericAlias:
        return GenericAlias(UnionType, (self, type(other) if other is None else other))


class Protocol:
    """What a class is like."""


class _Listing:
    """A hint that only ever is asked what stands in its brackets."""

    def __class_getitem__(cls, items: Anything) -> GenericAlias:
        return GenericAlias(cls, items)


class Literal(_Listing):
    """Some values."""


class ClassVar(_Listing):
    """What belongs to a class."""


class TypeVar:
    """A type that is not known yet."""

    def __init__(self, name: str, **_: Anything) -> None:
        self.__name__ = name


def cast(kind: Anything, value: Anything) -> Anything:
    """A value as it is."""
    return value


def get_origin(kind: Anything) -> Anything:
    """What stands before the brackets of a type."""
    if isinstance(kind, Annotated):
        return Annotated
    return UnionType if isinstance(kind, UnionType) else getattr(kind, "__origin__", None)


def get_args(kind: Anything) -> Anything:
    """What stands in the brackets of a type."""
    if isinstance(kind, Annotated):
        return (kind.__origin__, *kind.__metadata__)
    return getattr(kind, "__args__", ())
