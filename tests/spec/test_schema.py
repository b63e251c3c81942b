"""The JSON Schema: it takes what the loader takes, refuses other structures, and explains."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.spec.schema import schema
from ci_kaniko.spec.spec import Spec
from ci_kaniko.syntax.scalars import Plain
from harness.cases import CASES, PIPELINE_CASES, ROOT, SPECS, spec_path
from harness.models import SMALLEST, every_field, model_in
from harness.yaml12 import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.models import Field

FIELDS = every_field()
SCHEMA = schema()
DRAFT: Any = importlib.import_module("jsonschema").Draft202012Validator
VALIDATOR = DRAFT(SCHEMA)
VARIANTS = {name for name in SCHEMA["$defs"] if name.endswith("OfImage")}

WRONG_STRUCTURES = {
    "a list": "- context: .",
    "a text": "context",
    "an unknown key": "contexts: .",
    "an unknown key below": "cache: {repo: ghcr.io/acme/shop/cache, size: 3}",
    "an unknown target": "outputs: {jenkins: Jenkinsfile}",
    "a number for a mapping": "cache: 3",
    "a text for a mapping": "gitlab: build",
    "a text for a list": "destinations: ghcr.io/acme/shop:1.0",
    "a map of destinations": "destinations: {image: ghcr.io/acme/shop:1.0}",
    "a destination without an image": "destinations: [{when: always}]",
    "a condition of two kinds": "destinations: [{image: ghcr.io/a/b:1, when: {branch: a, tag: b}}]",
    "an unknown condition": "destinations: [{image: ghcr.io/a/b:1, when: nightly}]",
    "a word that push does not know": "push: sometimes",
    "a quoted boolean": "triggers: {pull_requests: 'true'}",
    "a boolean that is a word": "triggers: {pull_requests: yes}",
    "a quoted number": "options: {push_retry: '3'}",
    "a number out of bounds": "options: {push_retry: 1000}",
    "a list of build args": "build_args: [A=1]",
    "a list as a build arg": "build_args: {A: [1]}",
    "a password without a user": "registries: {ghcr.io: {password: TOKEN}}",
    "a login of two kinds": "registries: {ghcr.io: {docker_config: a, google: ambient}}",
    "an unknown login word": "registries: {ghcr.io: docker}",
    "an unknown target of a login": "registries: {ghcr.io: {jenkins: ci-token}}",
    "an empty login": "registries: {ghcr.io: {}}",
    "an unknown way into AWS": "registries: {ghcr.io: {aws: {key: NAME}}}",
    "an unknown distribution": "executor: {distribution: moby}",
    "an unknown option": "options: {squash: true}",
    "raw keys that are a list": "gitlab: {extra: [a]}",
    "a list of images": "push: never\nimages: [api, web]",
    "an image that is a text": "push: never\nimages: {api: services/api}",
    "an unknown key of an image": "push: never\nimages: {api: {contexts: .}}",
    "a default branch of one image": "push: never\nimages: {api: {default_branch: main}}",
    "inputs of one image": "push: never\nimages: {api: {inputs: {channel: {default: dev}}}}",
    "images of an image": "push: never\nimages: {api: {images: {web: {}}}}",
    "null in a map at the top": "push: never\nbuild_args: {A: null}",
    "an output without a path": "push: never\noutputs: {gitlab: [{only: [api]}]}",
    "commands without an image": "push: never\nprepare: {commands: [make], artifacts: [bin]}",
    "an unknown form": "push: never\ngitlab: {form: library}",
    "an unknown type of an input": "push: never\ninputs: {channel: {type: date}}",
}
REMOVED = {
    "a whole entry": "images: {api: null, web: {}}",
    "a text": "context: services\nimages: {api: {context: null}}",
    "a list": "images: {api: {extra_args: null, platforms: null}}",
    "a mapping": "images: {api: {cache: null, triggers: null, gitlab: null}}",
    "one of a mapping": "build_args: {A: '1'}\nimages: {api: {build_args: {A: null, B: '2'}}}",
    "a login": "registries: {ghcr.io: anonymous}\nimages: {api: {registries: {ghcr.io: null}}}",
    "a key that another needs": (
        "cache: {repo: ghcr.io/acme/cache}\nimages: {api: {cache: {ttl: 24h}}}"
    ),
    "a key of a mapping": (
        "triggers: {branches: [main], tags: ['v*']}\nimages: {api: {triggers: {tags: null}}}"
    ),
    "a part of a login": (
        "registries: {ghcr.io: {username: a, password: B}}\n"
        "images: {api: {registries: {ghcr.io: {password: C}}}}"
    ),
}
"""What null takes away from an image."""


def accepts(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


def loads(document: Any) -> bool:
    try:
        Spec.model_validate(document)
    except ci_kaniko.SpecError:
        return False
    return True


def subschemas(part: Any = SCHEMA) -> Iterator[dict[str, Any]]:
    """Every schema within the schema; what stands in examples is none."""
    yield part
    for key in ("properties", "$defs"):
        for inner in part.get(key, {}).values():
            yield from subschemas(inner)
    for key in ("anyOf", "oneOf"):
        for inner in part.get(key, ()):
            yield from subschemas(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), dict):
            yield from subschemas(part[key])


def test_it_is_a_schema() -> None:
    DRAFT.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("case", CASES)
def test_good_specs_are_accepted(case: str) -> None:
    VALIDATOR.validate(read((SPECS / f"{case}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("case", PIPELINE_CASES)
def test_specs_of_pipelines_are_accepted(case: str) -> None:
    VALIDATOR.validate(read(spec_path(case).read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", REMOVED.values(), ids=REMOVED)
def test_null_removes_what_an_image_inherits(text: str) -> None:
    VALIDATOR.validate(read(f"push: never\n{text}"))
    assert "api" in ci_kaniko.loads(f"push: never\n{text}").images


def test_the_spec_of_this_repository_is_accepted() -> None:
    VALIDATOR.validate(read((ROOT / "ci-kaniko.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", WRONG_STRUCTURES.values(), ids=WRONG_STRUCTURES)
def test_wrong_structures_are_refused_as_the_loader_refuses_them(text: str) -> None:
    assert not accepts(read(text))
    with pytest.raises(ci_kaniko.SpecError):
        ci_kaniko.loads(text)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_every_field_is_described_and_its_example_valid(field: Field) -> None:
    described = field.info.description or ""
    assert re.fullmatch(r"(?s)\S.*[.]", described), described
    assert field.info.examples
    for example in field.info.examples:
        VALIDATOR.validate(field.place(example))
        if field.name == "extends":  # only a file does
            continue
        document = field.alone(example)
        field.model.model_validate({**SMALLEST, **document} if field.model is Spec else document)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_text_that_yaml_takes_for_something_else_is_accepted(field: Field) -> None:
    """``tag: 1.10`` is a text for the loader and a number for an editor."""
    for written, guessed in {"1.5": 1.5, "386": 386, "true": True}.items():
        alike = zip(_shaped(field, Plain(written)), _shaped(field, guessed), strict=True)
        for text, other in alike:
            assert accepts(other) or not loads(text), other


def _shaped(field: Field, value: object) -> Iterator[dict[str, Any]]:
    yield field.place(value)
    yield field.place([value])
    for example in field.info.examples or ():
        for key in example if isinstance(example, dict) else ():
            yield field.place({key: value})


def test_no_python_shows() -> None:
    for part in subschemas():
        assert part is SCHEMA or "title" not in part
        assert not isinstance(part.get("default"), dict)


def test_null_stands_in_images_alone() -> None:
    definitions = {name: part for name, part in SCHEMA["$defs"].items() if "Image" not in name}
    properties = {name: part for name, part in SCHEMA["properties"].items() if name != "images"}
    parts = subschemas({**SCHEMA, "properties": properties, "$defs": definitions})
    assert {"type": "null"} not in list(parts)


def test_objects_with_fields_are_closed() -> None:
    for part in subschemas():
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False


def test_every_property_is_described() -> None:
    """In what an image may leave out, a description is that of the place it refers to."""
    definitions = {name: part for name, part in SCHEMA["$defs"].items() if name not in VARIANTS}
    for part in subschemas({**SCHEMA, "$defs": definitions}):
        for name, inner in part.get("properties", {}).items():
            assert name in {"branch", "tag"} or inner["description"], name


def test_every_model_is_in_the_schema() -> None:
    models = {model for field in FIELDS if (model := model_in(field.info.annotation))}
    wanted = {model.__name__ for model in models} - {"SecretText"}
    assert wanted == set(SCHEMA["$defs"]) - VARIANTS
