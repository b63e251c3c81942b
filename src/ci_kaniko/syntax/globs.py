"""Globs of branches and tags: ``*`` within a path segment, ``**`` across.

One meaning, four spellings: Python, a POSIX shell, the regular expressions that RE2, JavaScript
and Go read alike, and the filters of GitHub.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.grammar import check_text
from ci_kaniko.syntax.variables import natives
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_FORBIDDEN = pattern(r"[][?{}\\~^:\s]|\.\.|@\{|//|^[/-]|/$|^\.|/\.|\.$|\.lock(?=/|$)|\*{3}")
_HINT = "* matches within a path segment and ** across, such as release/*"
_NAMED = "name the branch or tag, such as main or v*"
_PLAIN = pattern(r"[A-Za-z0-9._/+@%=,-]+")


def check_glob(text: str, default_branch: str = _NAMED) -> str:
    """Raise Refused for what no git ref can match and wildcards other than ``*`` and ``**``.

    ``default_branch`` is the hint to who writes a variable of a CI for that.
    """
    check_text(text)
    if foreign := natives(text):
        native = foreign[0]
        raise Refused(
            "native-variable",
            f"{native.written} is not replaced: a pattern is compared as it is written",
            default_branch if native.portable == "default_branch" else _NAMED,
        )
    if text.startswith("refs/"):
        before = next((each for each in ("refs/heads/", "refs/tags/") if text.startswith(each)), "")
        raise Refused(
            "bad-glob",
            f"{quoted(text)} is a ref, and what is compared is the name of the branch or tag",
            f"leave {before} out" if before else _NAMED,
        )
    found = _FORBIDDEN.search(text)
    if not text or found:
        why = f"{quoted(found.group())} cannot be in it" if found else "it is empty"
        raise Refused("bad-glob", f"{quoted(text)} is not a branch or tag pattern: {why}", _HINT)
    return text


def check_branch(text: str) -> str:
    """Raise Refused for what is not the name of one branch or tag."""
    if not is_literal(check_glob(text)):
        raise Refused("bad-branch", f"{quoted(text)} is a pattern, not one name", "such as main")
    return text


def is_literal(glob: str) -> bool:
    """Whether the glob matches exactly one ref."""
    return "*" not in glob


class Globs(tuple[str, ...]):  # noqa: SLOT001 - no tuple can have slots
    """A list of globs as it was written, which knows what it lets through."""

    settled: tuple[tuple[str, ...], tuple[str, ...]]

    def __new__(cls, globs: Iterable[str]) -> Self:
        """Settle which names are left."""
        made = super().__new__(cls, globs)
        made.settled = _settled(made)
        return made


def split(globs: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The patterns of a list, and what is taken from them; where ``!`` stands does not matter.

    Names are settled here, so something is left to be taken only from patterns with wildcards.

    >>> split(("main", "!v*-*", "v*", "wip", "!wip"))
    (('main', 'v*'), ('v*-*', 'wip'))
    >>> split(("main", "!wip"))
    (('main',), ())
    """
    return globs.settled if isinstance(globs, Globs) else _settled(tuple(globs))


@lru_cache(maxsize=256)
def _settled(listed: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    out = tuple(glob[1:] for glob in listed if is_exclusion(glob))
    plain = tuple(
        glob
        for glob in listed
        if not is_exclusion(glob)
        and not (is_literal(glob) and any(matches(other, glob) for other in out))
    )
    return plain, () if all(is_literal(glob) for glob in plain) else out


def is_exclusion(glob: str) -> bool:
    """Whether an entry of a list takes away what it matches."""
    return glob.startswith("!")


def any_matches(globs: Iterable[str], ref: str) -> bool:
    """Whether a list of globs lets a branch or tag through."""
    plain, out = split(globs)
    return any(matches(glob, ref) for glob in plain) and not any(matches(glob, ref) for glob in out)


def covers(wide: str, narrow: str) -> bool:
    """Whether all that a glob matches is seen to match another, by how both begin or end.

    >>> covers("release/**", "release/*"), covers("v*", "v1.*"), covers("v*", "v**")
    (True, True, False)
    """
    if is_literal(narrow):
        return matches(wide, narrow)
    if wide == narrow:
        return True
    stars = re.findall(r"\*+", wide)
    if len(stars) != 1:
        return False
    first, last = wide.split(stars[0])
    start, end = narrow[: narrow.index("*")], narrow[narrow.rindex("*") + 1 :]
    if not (start.startswith(first) and end.endswith(last)):
        return False
    inner = narrow[len(first) : len(narrow) - len(last)]
    return stars[0] == "**" or not ("/" in inner or "**" in inner)


def to_regex(glob: str, slash: str = "/") -> str:
    """The unanchored regular expression of a glob; ``slash`` is how a ``/`` is written."""
    escape = r"\.+*?()|[]{}^$"
    if set(glob) == {"*"}:
        return ".+" if len(glob) > 1 else f"[^{slash}]+"
    out = ""
    for piece in re.split(r"(\*+)", glob):
        if piece == "**":
            out += ".*"
        elif piece == "*":
            out += f"[^{slash}]*"
        else:
            for character in piece:
                out += slash if character == "/" else "\\" * (character in escape) + character
    return out


def matches(glob: str, ref: str) -> bool:
    """Whether a branch or tag matches; an empty one never does.

    All ways to match are followed at once: a regular expression would try one after the other.
    """
    if is_literal(glob):
        return bool(ref) and glob == ref
    first, last = glob.index("*"), glob.rindex("*")
    if not (ref.startswith(glob[:first]) and ref.endswith(glob[last + 1 :])):
        return False
    pieces = re.findall(r"\*+|[^*]", glob)
    here = _beyond_stars(pieces, {0})
    for character in ref:
        there = set()
        for at in here:
            piece = pieces[at] if at < len(pieces) else ""
            if piece == "**" or (piece == "*" and character != "/"):
                there.add(at)
            elif piece == character:
                there.add(at + 1)
        here = _beyond_stars(pieces, there)
    return bool(ref) and len(pieces) in here


def _beyond_stars(pieces: list[str], places: set[int]) -> set[int]:
    """The places with those that are reached when wildcards match nothing."""
    reached = set(places)
    for at in places:
        while at < len(pieces) and pieces[at].startswith("*"):
            at += 1  # noqa: PLW2901 - it walks on from there
            reached.add(at)
    return reached


def case_arms(glob: str) -> tuple[str, ...] | None:
    """The patterns of a shell ``case``: all but the last are arms that do nothing.

    None when ``*`` and ``**`` are mixed, which no ``case`` can say.
    """
    if is_literal(glob):
        return (_shell_word(glob),)
    stars = set(re.findall(r"\*+", glob))
    if stars == {"**"}:
        pattern = "*".join(_shell_word(piece) for piece in glob.split("**"))
        return ("''", pattern) if pattern == "*" else (pattern,)
    if stars != {"*"}:
        return None
    pattern = "*".join(_shell_word(piece) for piece in glob.split("*"))
    deeper = "/".join("*" * (glob.count("/") + 2))
    return (f"'' | {deeper}" if pattern == "*" else deeper, pattern)


def _shell_word(text: str) -> str:
    from ci_kaniko.text.quoting import quote

    return text if not text or _PLAIN.fullmatch(text) else quote(text)


def grep_pattern(globs: tuple[str, ...]) -> str:
    """One extended regular expression for ``grep -Eqx`` that matches any of the globs."""
    return "|".join(to_regex(glob) for glob in globs)


def to_github(glob: str) -> str:
    """A filter pattern of ``on:``, where ``+ ? [ ]`` are special and ``!`` excludes as here."""
    return re.sub(r"([+\[\]?])", r"\\\1", glob)


def in_order(globs: Iterable[str]) -> list[str]:
    """A list as GitHub reads it, where the last entry that matches decides."""
    plain, out = split(globs)
    return [*plain, *(f"!{glob}" for glob in out)]
