"""What the parts of a script share while it is written."""

from __future__ import annotations

from contextlib import contextmanager

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.shell.dialect import Dialect, Site


class Draft:
    """A script while it is written, for its parts: what it is for, and what they need.

    ``environment`` is what the job must pass to the script. ``definitions`` are blocks of lines
    that set variables; each stands once, before the rest. ``passed`` is what a run has done for
    certain where the next lines stand, so lines are made in the order in which they run.
    """

    def __init__(self, plan: Plan, dialect: Dialect, site: Site) -> None:
        self.plan = plan
        self.dialect = dialect
        self.site = site
        self.environment: dict[str, str] = {}
        self.definitions: dict[tuple[str, ...], None] = {}
        self.passed: set[str] = set()

    def define(self, *lines: str) -> None:
        """Put lines before the body, unless they are there."""
        self.definitions[lines] = None

    def once(self, done: str) -> bool:
        """Whether a run that gets here has not done something yet; from here on it has."""
        is_new = done not in self.passed
        self.passed.add(done)
        return is_new

    @contextmanager
    def branch(self) -> Iterator[None]:
        """For lines that only some runs pass: the others have not done what these do."""
        before = {*self.passed}
        yield
        self.passed = before

    def variable(self, name: str, value: str) -> Cell:
        """A variable of the script that holds a value."""
        self.define(f"{name}={value}")
        return Cell(name)
