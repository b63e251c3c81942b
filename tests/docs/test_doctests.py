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


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted
    assert not done.failed
