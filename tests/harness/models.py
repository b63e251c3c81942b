"""The tree of the spec's models: every field, and where a value of it stands in a spec."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.quick.declaring import ValidationError
from ci_kaniko.quick.hints import get_args
from ci_kaniko.spec.build import NamedImage
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo

_CONTEXTS: dict[str, dict[str, Any]] = {
    "context_sub_path": {"context": "git://github.com/acme/shop.git#refs/heads/main"},
    "context_login": {"context": "s3://acme-sources/shop.tar.gz"},
    "images": {"destinations": ["ghcr.io/acme/${image.name}:1.0"]},
}
"""What fields of the spec go with."""
SMALLEST = {"destinations": ["ghcr.io/acme/shop:1.0"]}


class Field(NamedTuple):
    """One field of one model.

    ``alone`` makes the smallest mapping of the model that holds a value of it, ``place`` a spec.
    """

    model: type[Model]
    name: str
    info: FieldInfo
    alone: Callable[[Any], dict[str, Any]]
    place: Callable[[Any], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"


def every_field() -> list[Field]:
    """Every field of every model, each model once; of an image, what a spec has not."""
    return list(_below(Spec, lambda value: {**SMALLEST, **value}, {}))


def _below(
    model: type[Model], place: Callable[[Any], dict[str, Any]], seen: dict[type[Model], None]
) -> Iterator[Field]:
    if model in seen:
        return
    seen[model] = None
    for name, info in model.model_fields.items():
        if model is NamedImage and name in Spec.model_fields:
            continue
        found = _field(model, name, info, place)
        yield found
        inner = model_in(info.annotation)
        if inner:
            yield from _below(inner, _wrapped(found), seen)


def _field(
    model: type[Model], name: str, info: FieldInfo, place: Callable[[Any], dict[str, Any]]
) -> Field:
    beside = _company(model, name)

    def alone(value: Any) -> dict[str, Any]:
        return {**beside, name: value}

    return Field(model, name, info, alone, lambda value: place(alone(value)))


def _company(model: type[Model], name: str) -> dict[str, Any]:
    """What has to stand beside a field: the fewest examples of other fields that will do."""
    if model is Spec:
        return _CONTEXTS.get(name, {})
    examples = {key: info.examples[0] for key, info in model.model_fields.items() if info.examples}
    for size in range(4):
        for keys in combinations([key for key in examples if key != name], size):
            company = {key: examples[key] for key in keys}
            try:
                model.model_validate({**company, name: examples.get(name)})
            except ValidationError:
                continue
            return company
    return {}


def _wrapped(field: Field) -> Callable[[Any], dict[str, Any]]:
    shape = str(field.info.annotation)
    if "tuple[" in shape:
        return lambda value: field.place([value])
    if "dict[" in shape:
        key = next(iter(field.info.examples[0])) if field.info.examples else "ghcr.io"
        return lambda value: field.place({key: value})
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
