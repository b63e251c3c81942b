"""The JSON Schema of a spec, for editors, made from the model."""

from __future__ import annotations

import json

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from ci_kaniko.quick.hints import Any
from ci_kaniko.spec.build import IGNORED, TOP_ONLY
from ci_kaniko.spec.fields import TEXT
from ci_kaniko.spec.spec import Spec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:ci-kaniko:spec"

_BY_NAME = ("properties", "$defs", "patternProperties")
_DATA = ("examples", "enum", "required")
_IGNORED = {"description": "For other readers of the file; ci-kaniko does not read it."}
_NULL = {"type": "null"}


class _InOrder(GenerateJsonSchema):
    """Fields and keys stay in the order of the model."""

    def sort(
        self,
        value: JsonSchemaValue,
        parent_key: str | None = None,
    ) -> JsonSchemaValue:
        return value


def own_schema() -> dict[str, Any]:
    """The schema of the models, each as it is: an image says what its model says."""
    found: dict[str, Any] = _cleaned(Spec.model_json_schema(schema_generator=_InOrder))
    return found


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec."""
    cleaned = own_schema()
    definitions = cleaned.pop("$defs")
    head = {"$schema": DRAFT, "$id": ID, "title": "ci-kaniko"}
    document = {**head, **cleaned, "patternProperties": {IGNORED: _IGNORED}, "$defs": definitions}
    _add_images(document)
    return document


def schema_text() -> str:
    """The schema as the file that editors read."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _cleaned(value: Any) -> Any:
    """A schema without the traces of Python: titles, null, and defaults that say nothing."""
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if not isinstance(value, dict):
        return value
    cleaned: dict[str, Any] = {}
    for key, item in value.items():
        if key in _BY_NAME:
            cleaned[key] = {name: _cleaned(inner) for name, inner in item.items()}
        elif key in _DATA or (key == "default" and _tells(item)):
            cleaned[key] = item
        elif key not in {"title", "default"}:
            cleaned[key] = _cleaned(item)
    merged = _flattened(_as_yaml_reads(cleaned))
    first = {"description": merged["description"]} if "description" in merged else {}
    return {**first, **merged}


def _add_images(document: dict[str, Any]) -> None:
    """Let an image leave out, and take away with null, what the top says for all images."""
    definitions = document["$defs"]
    variants: dict[str, Any] = {}
    image = definitions["NamedImage"]
    needs = image["properties"]["needs"]
    needs = {**needs, "anyOf": [*needs["anyOf"], _NULL]}
    inherited = {
        name: {
            "description": item["description"],
            **_removable(item, f"#/properties/{name}", definitions, variants),
        }
        for name, item in document["properties"].items()
        if name not in TOP_ONLY
    }
    definitions["NamedImage"] = {**image, "properties": {**inherited, "needs": needs}}
    definitions |= variants
    images = document["properties"]["images"]
    images["additionalProperties"] = {"anyOf": [images["additionalProperties"], _NULL]}


def _removable(
    part: dict[str, Any], place: str, known: dict[str, Any], variants: dict[str, Any]
) -> dict[str, Any]:
    """What may stand in an image where ``part``, at ``place``, stands at the top."""
    given = _partial(part, place, known, variants)
    return {"anyOf": [*(given["anyOf"] if set(given) == {"anyOf"} else [given]), _NULL]}


def _partial(
    part: dict[str, Any], place: str, known: dict[str, Any], variants: dict[str, Any]
) -> dict[str, Any]:
    """``part`` without required keys, as it may be completed by what is inherited."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        variant = f"{name}OfImage"
        if variant not in variants:
            variants[variant] = {}
            variants[variant] = _partial(known[name], f"#/$defs/{name}", known, variants)
        return {"$ref": f"#/$defs/{variant}"}
    if "anyOf" in part:
        choices = enumerate(part["anyOf"])
        found = [_partial(item, f"{place}/anyOf/{n}", known, variants) for n, item in choices]
        return {"anyOf": found}
    inner = part.get("additionalProperties")
    if isinstance(inner, dict):
        items = _removable(inner, f"{place}/additionalProperties", known, variants)
        return {"type": "object", "additionalProperties": items}
    if "properties" not in part:
        return {"$ref": place}
    properties = {
        name: _removable(item, f"{place}/properties/{name}", known, variants)
        for name, item in part["properties"].items()
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _as_yaml_reads(part: dict[str, Any]) -> dict[str, Any]:
    """Room for the texts that a YAML reader takes for numbers or booleans, such as ``1.10``."""
    if part.get("type") != "string":
        return part
    words = part.get("enum")
    if words is None:
        return {**part, **TEXT}
    numbers = [int(word) for word in words if word.isdigit()]
    return {**part, "type": ["string", "integer"], "enum": [*words, *numbers]} if numbers else part


def _tells(default: Any) -> bool:
    """Whether a default is worth showing: not absence, and not a whole model."""
    return default is not None and not isinstance(default, dict) and default not in ([], ())


def _flattened(part: dict[str, Any]) -> dict[str, Any]:
    """One flat list of alternatives, without null; a single one needs no list."""
    choices: list[dict[str, Any]] = []
    for choice in part.get("anyOf", ()):
        choices += choice["anyOf"] if set(choice) == {"anyOf"} else [choice]
    choices = [choice for choice in choices if choice != {"type": "null"}]
    if len(choices) > 1:
        return {**part, "anyOf": choices}
    rest = {key: item for key, item in part.items() if key != "anyOf"}
    return {**(choices[0] if choices else {}), **rest}
