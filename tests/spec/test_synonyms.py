"""Words that people write for a key of the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci_kaniko.spec import synonyms
from ci_kaniko.spec.build import Build, NamedImage, SpecFields
from ci_kaniko.spec.context import Checkout, Git
from ci_kaniko.spec.destinations import Cache
from ci_kaniko.spec.executor import Executor
from ci_kaniko.spec.logins import Login
from ci_kaniko.spec.prepare import Input, Prepare
from ci_kaniko.spec.triggers import Triggers

if TYPE_CHECKING:
    from ci_kaniko.spec.model import Model

TABLES: dict[str, tuple[dict[str, tuple[str, ...]], type[Model]]] = {
    "BUILD": (synonyms.BUILD, Build),
    "SPEC": (synonyms.SPEC, SpecFields),
    "IMAGE": (synonyms.IMAGE, NamedImage),
    "LOGIN": (synonyms.LOGIN, Login),
    "GIT": (synonyms.GIT, Git),
    "PREPARE": (synonyms.PREPARE, Prepare),
    "INPUT": (synonyms.INPUT, Input),
    "CACHE": (synonyms.CACHE, Cache),
    "CHECKOUT": (synonyms.CHECKOUT, Checkout),
    "EXECUTOR": (synonyms.EXECUTOR, Executor),
    "TRIGGERS": (synonyms.TRIGGERS, Triggers),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_synonym_stands_for_one_field_and_is_none(name: str) -> None:
    table, model = TABLES[name]
    words = [word for group in table.values() for word in group]
    assert table.keys() <= model.model_fields.keys()
    assert not model.model_fields.keys() & set(words)
    assert len(words) == len(set(words))
