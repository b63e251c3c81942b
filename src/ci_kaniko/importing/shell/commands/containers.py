"""What a container that ``docker run`` starts is given: variables and mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal, split_text, starts_with, without_head
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, pure

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.reader import Reader


def values_of(options: tuple[Item, ...] | list[Item], name: str) -> list[tuple[int, Text]]:
    """Everything that an option was given."""
    head = f"{name}="
    return [
        (item.guard, without_head(item.text, head))
        for item in options
        if starts_with(item.text, head)
    ]


def environment(reader: Reader, options: tuple[Item, ...]) -> dict[str, Value]:
    """The variables that a container is given."""
    found: dict[str, Value] = {}
    for guard, text in values_of(options, "--env"):
        name, *rest = split_text(text, "=", 1)
        key = literal(name)
        if key:
            value = pure(rest[0]) if rest else reader.value(key)
            found[key] = reader.values.choose(guard, value, found.get(key, EMPTY))
    return found


def mounts(options: tuple[Item, ...]) -> list[tuple[Text, Text]]:
    """Where a container sees what: outside, inside."""
    found: list[tuple[Text, Text]] = []
    for _, text in values_of(options, "--volume"):
        outside, *inside = split_text(text, ":")
        if inside:
            found.append((outside, inside[0]))
    for _, text in values_of(options, "--mount"):
        fields: dict[str, Text] = {}
        for piece in split_text(text, ","):
            name, *rest = split_text(piece, "=", 1)
            fields[literal(name) or ""] = rest[0] if rest else ()
        source = fields.get("source", fields.get("src", ()))
        target = fields.get("target", fields.get("dst", fields.get("destination", ())))
        if source and target:
            found.append((source, target))
    return found
