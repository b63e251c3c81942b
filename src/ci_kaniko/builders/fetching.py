"""Contexts that a script puts into a folder, for builders that do not fetch them."""

from __future__ import annotations

from ci_kaniko.builders.builder import context_of
from ci_kaniko.plan.model import ARCHIVE, STORED
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.contexts import without_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.builders.builder import Builder, Words
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.syntax.variables import Parts


class Fetching(NamedTuple):
    """Words of a job's script, and what makes lines of them that fill a folder."""

    words: list[str]
    made: Callable[[list[str]], list[str]]
    folder: str

    def lines(self) -> list[str]:
        """Those of the job's own script."""
        return self.made(self.words)

    def contained(self) -> list[str]:
        """Those of a script that is given the words before all others."""
        count = len(self.words)
        given = [f'"${number}"' for number in range(1, count + 1)]
        return [*self.made(given), f"shift {count}" if count > 1 else "shift"]


def archive_of(plan: Plan, builder: Builder) -> Parts:
    """The archive that is the context: one of the checkout, or what a script has fetched."""
    if plan.fetches_store:
        return (f"{builder.path(STORED)}/{ARCHIVE}",)
    return without_scheme(context_of(plan)) if plan.spec.context.is_archive else ()


def unpacking(words: Words, archive: Parts, folder: str) -> Fetching:
    """An archive; its files are those of whoever unpacks it."""
    return Fetching(
        [words.text(archive)],
        lambda given: [f"mkdir -p {folder}", f"tar -xzof {given[0]} -C {folder}"],
        folder,
    )
