"""YAML as most platforms read it; a text is parsed once, and everybody gets a copy of their own."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import yaml


def load(text: str) -> Any:
    (document,) = load_all(text) or [None]
    return document


def load_all(text: str) -> list[Any]:
    documents: list[Any] = pickle.loads(_parsed(text))  # noqa: S301 - pickled below
    return documents


@functools.lru_cache(maxsize=1000)
def _parsed(text: str) -> bytes:
    return pickle.dumps(list(yaml.load_all(text, yaml.CSafeLoader)), pickle.HIGHEST_PROTOCOL)
