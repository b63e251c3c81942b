"""Native keys that a spec adds to what is rendered."""

from __future__ import annotations

from ci_kaniko.problems.finding import Refused, raise_all
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import Reads
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_native, wrong_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where


def _parse_extra(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type(value, "a mapping of native keys")
    raise_all(list(_native_refusals(value, ())))
    parsed: dict[str, Any] = as_native(value)
    return parsed


def _native_refusals(value: Any, at: Where) -> Iterator[Refused]:
    """What is wrong with the texts and keys of a raw native value."""
    pending = [(value, at)]
    while pending:
        item, place = pending.pop()
        if isinstance(item, dict):
            for key in item:
                yield from _native_refusal(str(key), (*place, str(key)), on_key=True)
            pending += [(child, (*place, str(key))) for key, child in item.items()]
        elif isinstance(item, list | tuple):
            pending += [(child, (*place, index)) for index, child in enumerate(item)]
        elif isinstance(item, str):
            yield from _native_refusal(item, place)


def _native_refusal(text: str, at: Where, *, on_key: bool = False) -> Iterator[Refused]:
    try:
        grammar.check_text(text, newlines=not on_key)
    except Refused as refused:
        refused.at, refused.on_key = at, on_key
        yield refused


Extra = Annotated[dict[str, Any], Reads(_parse_extra, {"type": "object"}, "native")]


_IMAGE_KEYS = ("image", "container")
_NAMES = ("name", "image", "reference")
"""What names the image in a mapping that stands for one."""
_FREE = {"annotations", "env", "environment", "labels", "matrix", "outputs", "variables"}
"""Below them stand names that users choose."""


def raw_images(value: Any, at: Where = ()) -> Iterator[tuple[Where, str]]:
    """The images that native keys name, wherever a platform has such a key: of a job, a service."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from raw_images(item, (*at, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            here = (*at, str(key))
            if key in _IMAGE_KEYS:
                yield from _named(item, here)
            elif key == "services" and isinstance(item, list | tuple):
                for index, each in enumerate(item):
                    yield from _named(each, (*here, index))
            elif key not in _FREE:
                yield from raw_images(item, here)


def _named(value: Any, at: Where) -> Iterator[tuple[Where, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        name = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
        if name is not None:
            yield (*at, name), value[name]
