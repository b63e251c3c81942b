"""What a spec says of itself can be read again, and asks for the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.spec.spec import Spec
from harness.cases import CASES, PIPELINE_CASES, spec_path
from harness.covering import fewest
from harness.leaves import field_of, present, world

VARIANTS: dict[str, dict[str, Any]] = {
    "python": {},
    "json": {"mode": "json"},
    "by alias": {"by_alias": True},
    "without what is unset": {"exclude_unset": True},
    "without defaults": {"exclude_defaults": True},
    "without nothing": {"exclude_none": True},
    "json without what is unset": {"mode": "json", "exclude_unset": True},
    "json without defaults": {"mode": "json", "exclude_defaults": True},
    "json without nothing": {"mode": "json", "exclude_none": True},
}


def fields(case: str) -> set[object]:
    return {field_of(leaf.path) for leaf in present(world(case))}


@pytest.mark.parametrize("case", fewest({case: fields(case) for case in (*CASES, *PIPELINE_CASES)}))
def test_a_dump_gives_an_equal_spec(case: str) -> None:
    """In specs that say every field."""
    spec = ci_kaniko.load(spec_path(case))
    for name, options in VARIANTS.items():
        assert Spec(**spec.model_dump(**options)) == spec, name
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert ci_kaniko.loads(ci_kaniko.dump(spec)) == spec


def test_a_dump_is_of_plain_texts() -> None:
    spec = ci_kaniko.load(spec_path("everything"))
    assert yaml11.load(yaml.safe_dump(spec.model_dump())) == spec.model_dump(mode="json")
