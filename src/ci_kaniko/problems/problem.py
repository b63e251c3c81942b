"""What can be wrong with a spec, and how it is said."""

from __future__ import annotations

import math
import re

from ci_kaniko.quick.hints import TYPE_CHECKING, Any, Literal
from ci_kaniko.quick.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Severity = Literal["error", "warning"]

_EXCERPT_WIDTH = 160


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with a spec.

    ``line`` and ``column`` count from 1 and are None for a spec that was built in Python;
    ``where`` then still names the place (``destinations[0]``). ``excerpt`` is the source line,
    ``width`` the number of characters to underline from ``column`` on.
    """

    rule: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    path: str = "<spec>"
    where: str = ""
    line: int | None = None
    column: int | None = None
    excerpt: str = field(default="", compare=False)
    width: int = field(default=1, compare=False)

    def __str__(self) -> str:
        """One line, ``path:line:column: message [rule]``, for grep and problem matchers."""
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        where = f"{self.where}: " if self.where and not self.line else ""
        warning = "warning: " if self.severity == "warning" else ""
        return f"{place}: {warning}{where}{self.message} [{self.rule}]"

    def to_dict(self) -> dict[str, Any]:
        """What ``--format json`` prints of it."""
        fields = ("path", "line", "column", "where", "severity", "rule", "message", "hint")
        return {field: getattr(self, field) for field in fields}

    def explain(self, also: Sequence[Problem] = ()) -> str:
        """The one-line form, then the source line, a caret and the hint.

        ``also`` are problems that say the same of other places, or of other files.
        """
        lines = [str(self)]
        if self.line and self.column and self.excerpt:
            excerpt, column = _window(self.excerpt, self.column)
            width = max(1, min(self.width, len(excerpt) - column + 1))
            margin = " " * len(str(self.line))
            marked = excerpt[column - 1 : column - 1 + width]
            lines.append(f"  {self.line} | {excerpt}")
            lines.append(
                f"  {margin} | {_blank(excerpt[: column - 1])}{'^' * max(1, _columns(marked))}"
            )
            if self.hint:
                lines.append(f"  {margin} = hint: {self.hint}")
        elif self.hint:
            lines.append(f"  hint: {self.hint}")
        margin = " " * (len(str(self.line)) + 2) if self.line else " "
        here = [f"{one.line}:{one.column}" for one in also if one.path == self.path]
        if here:
            lines.append(f"{margin} = also at {listed(here, 'places')}")
        others = {one.path: one for one in also if one.path != self.path}
        if others:
            named = [f"{one.path}:{one.line}" if one.line else one.path for one in others.values()]
            count = f"{len(others)} more {'file' if len(others) == 1 else 'files'}"
            lines.append(f"{margin} = the same in {count}: {listed(named, 'files')}")
        return "\n".join(lines)


def listed(words: Sequence[str], what: str) -> str:
    """Words as a sentence has them, the first of many.

    >>> listed(["a", "b", "c"], "files"), listed(["a"] * 9, "files")
    ('a, b and c', 'a, a, a, a, a, a and 3 more files')
    """
    words = [*words]
    if len(words) > 8:
        words[6:] = [f"{len(words) - 6} more {what}"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _window(text: str, column: int) -> tuple[str, int]:
    """Cut a very long source line to the part around ``column``."""
    if len(text) <= _EXCERPT_WIDTH:
        return text, column
    start = max(0, column - _EXCERPT_WIDTH // 4)
    end = start + _EXCERPT_WIDTH
    head = "..." if start else ""
    tail = "..." if end < len(text) else ""
    return f"{head}{text[start:end]}{tail}", column - start + len(head)


def _blank(text: str) -> str:
    return "".join("\t" if piece == "\t" else " " * _columns(piece) for piece in text)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(1 + (east_asian_width(c) in "WF") - (combining(c) > 0) for c in text)


class CiKanikoError(Exception):
    """The base of every error that ci-kaniko raises on purpose."""


class SpecError(CiKanikoError):
    """A spec cannot be loaded or rendered; ``problems`` says why, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(problem.explain() for problem in self.problems))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        """What another process gets of it: the problems, whatever else a subclass knows."""
        return SpecError, (self.problems,)


class UnknownTargetError(CiKanikoError):
    """A target that does not exist was asked for."""


class SelectionError(CiKanikoError):
    """Images or changes that were asked for and cannot be found; the message says what to do."""


class CannotRehearse(CiKanikoError):
    """A rehearsal lacks something, or does not know it; the message says what."""


class CannotPin(CiKanikoError):
    """A digest or a commit cannot be had, or not be written; the message says why."""


class BrokenTargetError(CiKanikoError):
    """A target that another distribution installs cannot be loaded."""


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by file and position, each once; what has no position comes last in its file.

    What is reached through several aliases is one problem.
    """
    far = 1 << 60
    unique: dict[Problem, Problem] = {}
    for problem in problems:
        unique.setdefault(replace(problem, where="") if problem.line else problem, problem)
    return sorted(
        unique.values(),
        key=lambda problem: (problem.path, problem.line or far, problem.column or far),
    )


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was meant to be, or None when none is like it."""
    from difflib import get_close_matches

    lowered, words = word.lower(), {other.lower(): other for other in known}
    longer = [other for other in words if len(other) > 2 and lowered.startswith(other)]
    close = get_close_matches(lowered, words, n=3, cutoff=0.6)
    matches = [other for other in close if _is_like(lowered, other)] or longer
    return words[matches[0]] if matches else None


def meant(word: str, known: Collection[str], otherwise: str = "") -> str:
    """What is said of an unknown word: the one that was meant, or those that there are.

    A character that nobody sees is told first, for then both words look the same.

    >>> meant("gitlub", ["gitlab", "github"]), meant("x", ["gitlab", "github"])
    ('did you mean "gitlab"?', 'known: gitlab, github')
    """
    from ci_kaniko.text.lookalikes import odd_character

    if odd := odd_character(word):
        return odd.instead(f"at position {odd.at + 1}")
    close = suggest(word, known)
    return f'did you mean "{close}"?' if close else otherwise or f"known: {', '.join(known)}"


def _is_like(word: str, other: str) -> bool:
    """Whether a slip, another ending or a part left out makes one word of the other.

    >>> _is_like("brnaches", "branches"), _is_like("registry", "registries")
    (True, True)
    >>> _is_like("image", "stage"), _is_like("retry", "push_retry")
    (False, True)
    """
    shorter, longest = sorted((word, other), key=len)
    enough = math.ceil(0.6 * len(longest))
    if word[:enough] == other[:enough] or shorter in re.split(r"[._-]", longest):
        return True
    return _slips(word, other) <= max(1, round(len(shorter) / 4))


def _slips(word: str, other: str) -> int:
    """How many letters are left out, added, mistaken or swapped with their neighbour."""
    before: list[int] = []
    row: list[int] = [*range(len(other) + 1)]
    for i, letter in enumerate(word):
        last, before, row = before, row, [i + 1]
        for j, wanted in enumerate(other):
            least = min(before[j] + (letter != wanted), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == other[j - 1] and wanted == word[i - 1]:
                least = min(least, last[j - 1] + 1)
            row.append(least)
    return row[-1]
