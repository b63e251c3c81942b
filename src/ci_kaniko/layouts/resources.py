"""Where the templates are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable


def templates() -> Traversable:
    """The bundled templates: package data when installed, the top-level folder in a checkout."""
    packaged = files("ci_kaniko") / "templates"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "templates"
