"""What a container that ``docker run`` starts is given: variables and mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Word, literal, split_text, starts_with, without_head
from ci_kaniko.importing.shell.parsing import csv_fields
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, pure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    found: dict[str, Value] = {}
    for guard, text in values_of(options, "--env"):
        name, *rest = split_text(text, "=", 1)
        key = literal(name)
        if key:
            value = pure(rest[0]) if rest else reader.value(key)
            found[key] = reader.values.choose(guard, value, found.get(key, EMPTY))
    return found


def mounts(options: Iterable[Item | Word]) -> Iterator[tuple[Text, Text]]:
    """Where a container sees what: outside, inside."""
    for text in (option.text for option in options):
        if starts_with(text, "--volume="):
            outside, *inside = split_text(without_head(text, "--volume="), ":")
            if outside and inside:
                yield outside, inside[0]
        elif starts_with(text, "--mount="):
            given = dict(csv_fields(without_head(text, "--mount=")))
            source = given.get("source") or given.get("src")
            target = given.get("target") or given.get("dst") or given.get("destination")
            if source and target:
                yield source, target
