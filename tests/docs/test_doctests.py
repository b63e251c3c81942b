"""The examples in docstrings, where there are some."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import ci_kaniko

SOURCE = Path(ci_kaniko.__path__[0])
MODULES = [
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


WRITING = {"ci_kaniko.spec.origins", "ci_kaniko.spec.writing"}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in WRITING])
def test_examples(name: str) -> None:
    examples_hold(name)


@pytest.mark.parametrize("name", sorted(WRITING))
def test_examples_of_what_is_written(name: str) -> None:
    examples_hold(name)


def examples_hold(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted
    assert not done.failed
