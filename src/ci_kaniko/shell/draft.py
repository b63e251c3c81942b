"""What the parts of a script share while it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_kaniko.shell.dialect import Cell

if TYPE_CHECKING:
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.shell.dialect import Dialect, Site


@dataclass
class Draft:
    """What a script is for, and what it turns out to need.

    ``environment`` is what the job must pass to it, and ``definitions`` are blocks of lines that
    set its variables, each once.
    """

    plan: Plan
    dialect: Dialect
    site: Site
    environment: dict[str, str] = field(default_factory=dict)
    definitions: dict[tuple[str, ...], None] = field(default_factory=dict)

    def define(self, *lines: str) -> None:
        """Put lines before the body, unless they are there."""
        self.definitions[lines] = None

    def variable(self, name: str, value: str) -> Cell:
        """A variable of the script that holds a value."""
        self.define(f"{name}={value}")
        return Cell(name)
