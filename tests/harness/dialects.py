"""A platform that tells its jobs only what a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.shell.dialect import Cell, PlainDialect
from ci_kaniko.targets.gitlab.dialect import DIALECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.plan.model import Plan


class Telling(PlainDialect):
    """It has the place of GitLab, whose plans it is given."""

    target = "gitlab"
    site = DIALECT.site
    tests: Mapping[str, str] = {}
    secret_hint = ""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells

    def cell(self, name: str, plan: Plan) -> Cell | None:
        return self._cells.get(name)
