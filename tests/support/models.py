"""The tree of the spec's models: every field, and where a value of it stands in a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from ci_kaniko.fields import Model
from ci_kaniko.spec import Git, Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

PARTNERS: dict[str, dict[str, Any]] = {
    "username": {"password": "GHCR_TOKEN"},
    "password": {"username": "acme-bot"},
    "context_sub_path": {"context": "git://github.com/acme/shop.git#refs/heads/main"},
    "value": {"key": "dedicated"},
    "effect": {"key": "dedicated"},
}
"""What has to stand beside a field that is not complete alone."""


_SMALLEST = {"destinations": ["ghcr.io/acme/shop:1.0"]}


class Field(NamedTuple):
    """One field of one model; ``place`` makes the smallest spec that holds a value of it."""

    model: type[Model]
    name: str
    info: FieldInfo
    place: Callable[[Any], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"


def every_field() -> list[Field]:
    """Every field of every model, each model once."""
    return list(_below(Spec, lambda value: {**_SMALLEST, **value}, {}))


def _below(
    model: type[Model], place: Callable[[Any], dict[str, Any]], seen: dict[type[Model], None]
) -> Iterator[Field]:
    if model in seen:
        return
    seen[model] = None
    for name, info in model.model_fields.items():
        found = Field(model, name, info, _placed(model, name, place))
        yield found
        inner = model_in(info.annotation)
        if inner:
            yield from _below(inner, _wrapped(found), seen)


def _placed(
    model: type[Model], name: str, place: Callable[[Any], dict[str, Any]]
) -> Callable[[Any], dict[str, Any]]:
    needed = {
        other: info.examples[0]
        for other, info in model.model_fields.items()
        if info.is_required() and info.examples
    }
    beside = {**needed, **(PARTNERS.get(name, {}) if model is not Git else {})}
    return lambda value: place({**beside, name: value})


def _wrapped(field: Field) -> Callable[[Any], dict[str, Any]]:
    shape = str(field.info.annotation)
    if "tuple[" in shape:
        return lambda value: field.place([value])
    if "dict[" in shape:
        return lambda value: field.place({"ghcr.io": value})
    return field.place


def model_in(annotation: Any) -> type[Model] | None:
    """The model inside ``Model | None``, ``tuple[Model, ...]`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    for argument in get_args(annotation):
        found = model_in(argument)
        if found:
            return found
    return None
