"""What ``Spec(...)`` takes, for type checkers: a TypedDict for each model, made from the schema."""

from __future__ import annotations

import re
from typing import Any

from ci_kaniko.spec.schema import own_schema

_HEAD = '''\
"""What a spec may say in Python, for type checkers. Made by: python3 docs/make."""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.spec.model import Model
'''


def typed_text() -> str:
    """The module: a class for each model, and for each mapping within one."""
    document = own_schema()
    definitions = document.pop("$defs")
    classes: dict[str, str] = {}
    for name, part in {**definitions, "Spec": document}.items():
        long = [each for each in part.get("anyOf", [part]) if "properties" in each]
        for each in long:
            _define(name, each, classes, definitions)
    blocks = "".join(f"\n\n{text}" for text in classes.values())
    exported = "".join(f'    "{name}",\n' for name in sorted(classes))
    return f"{_HEAD}\n__all__ = [\n{exported}]\n{blocks}"


def _define(name: str, part: dict[str, Any], classes: dict[str, str], known: dict[str, Any]) -> str:
    """The name of the class of a mapping."""
    lines = [f"class {name}Dict(TypedDict, total=False):"]
    about = part.get("description") or f"What stands in {_spaced(name)}."
    lines += [f'    """{about.splitlines()[0]}"""', ""]
    for key, item in part["properties"].items():
        inner = f"{name}{key.title().replace('_', '')}"
        kinds = [*dict.fromkeys([*_types(inner, item, classes, known), "None"])]
        line = f"    {key}: {' | '.join(kinds)}"
        if len(line) > 100:
            rest = "".join(f"\n        | {kind}" for kind in kinds[1:])
            line = f"    {key}: (\n        {kinds[0]}{rest}\n    )"
        lines.append(line)
    classes[f"{name}Dict"] = "\n".join(lines) + "\n"
    return f"{name}Dict"


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _types(
    name: str, part: dict[str, Any], classes: dict[str, str], known: dict[str, Any]
) -> list[str]:
    """What Python's values of a part of the schema are."""
    if "$ref" in part:
        model = part["$ref"].rpartition("/")[2]
        choices = known[model].get("anyOf", [known[model]])
        short = [
            kind
            for each in choices
            if "properties" not in each
            for kind in _types(model, each, classes, known)
        ]
        return [*short, f"{model}Dict", "Model"]
    if "anyOf" in part:
        shown = {"examples": part.get("examples", [])}
        parts = [{**shown, **each} for each in part["anyOf"]]
        return [kind for each in parts for kind in _types(name, each, classes, known)]
    if "properties" in part:
        return [_define(name, part, classes, known)]
    if "enum" in part:
        found = [each for each in part["enum"] if isinstance(each, str | bool)]
        words = ", ".join(f'"{word}"' if isinstance(word, str) else str(word) for word in found)
        return [f"Literal[{words}]"]
    kind = part.get("type")
    if kind == "array":
        inner = _types(name, part["items"], classes, known) if "items" in part else ["Any"]
        return [f"Sequence[{' | '.join(dict.fromkeys(inner))}]"]
    if kind == "object":
        values = part.get("additionalProperties")
        inner = _types(name, values, classes, known) if isinstance(values, dict) else ["Any"]
        mappings = [each for each in part.get("examples", []) if isinstance(each, dict)]
        switches = any(item is True for each in mappings for item in each.values())
        switch = ["bool"] if inner == ["str"] and switches else []
        return [f"Mapping[str, {' | '.join(dict.fromkeys([*inner, *switch, 'None']))}]"]
    if isinstance(kind, list):
        return ["str"]
    return [{"string": "str", "boolean": "bool", "integer": "int"}.get(str(kind), "Any")]
