"""The examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import ci_kaniko

MODULES = [
    module.name
    for module in pkgutil.walk_packages(ci_kaniko.__path__, "ci_kaniko.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["ci_kaniko", *MODULES])
def test_examples(name: str) -> None:
    assert not doctest.testmod(importlib.import_module(name)).failed
