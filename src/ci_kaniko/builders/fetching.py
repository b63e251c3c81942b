"""Contexts that a script puts into a folder, for builders that do not fetch them."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.contexts import without_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.builders.builder import Words
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


def unpacking(words: Words, context: Parts, folder: str) -> Fetching:
    """An archive of the checkout; its files are those of whoever unpacks it."""
    return Fetching(
        [words.text(without_scheme(context))],
        lambda given: [f"mkdir -p {folder}", f"tar -xzof {given[0]} -C {folder}"],
        folder,
    )
