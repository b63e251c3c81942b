"""The patterns of shells and of grep and sed, as Python's regular expressions and as globs."""

from __future__ import annotations

import functools
import re
import warnings

CLASSES = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "space": "\\s",
    "upper": "A-Z",
    "punct": "!-/:-@\\[-`{-~",
    "xdigit": "0-9A-Fa-f",
}
"""What the classes of POSIX hold, between brackets of Python's."""
_CLASS = re.compile(r"\[:(\w+):\]")
_SPECIAL = re.compile(r"[\\*?\[]")
_UP_TO = re.compile(r"\[\^([^]\\]*)\][*+](?=\)?(.))")
_MAX_NESTED = 12
_MAX_STEPS = 10_000_000


def _tokens(negation: str) -> re.Pattern[str]:
    """The parts of a pattern: what is escaped, a set of characters, or another character."""
    character = r"(?:\[:\w+:\]|[^]])"
    inside = rf"\]{character}*|{character}+"
    bracket = rf"\[(?:(?P<out>{negation})|(?!{negation}))(?P<set>{inside})\]"
    return re.compile(rf"\\(?P<escaped>.)|{bracket}|.", re.DOTALL)


_OF_SHELL, _OF_REGEX = _tokens("[!^]"), _tokens(r"\^")
_WILD = {"*": ".*", "?": "."}


@functools.lru_cache(maxsize=512)
def shell_regex(pattern: str) -> str:
    r"""The regular expression of a shell's pattern, unanchored.

    >>> shell_regex("v*.[!a-z]?\\*")
    'v.*\\.[^a-z].\\*'
    """

    def part(found: re.Match[str]) -> str:
        plain = re.escape(found["escaped"] or found[0])
        return _set(found) if found["set"] else _WILD.get(found[0], plain)

    return _OF_SHELL.sub(part, pattern)


def _set(found: re.Match[str]) -> str:
    """A bracket expression as Python writes it."""
    body = _CLASS.sub(lambda named: f"\0{named[1]}\0", found["set"])
    body = body.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("^", "\\^")
    body = re.sub("\0(\\w+)\0", lambda named: CLASSES.get(named[1], ""), body)
    return f"[{'^' if found['out'] else ''}{body}]"


def matches(pattern: str, text: str) -> bool:
    """Whether a shell's pattern matches a whole text."""
    try:
        return re.fullmatch(affordable(shell_regex(pattern), text), text, re.DOTALL) is not None
    except re.error:
        return False


def affordable(expression: str, text: str) -> str:
    """An expression of Python that is tried on a text in bounded time. Raises re.error."""
    power, nested = _cost(expression)
    if (nested and len(text) > _MAX_NESTED) or len(text) ** power > _MAX_STEPS:
        raise re.error("it could take for ever")
    _check(expression)
    return expression


@functools.lru_cache(maxsize=512)
def _check(expression: str) -> None:
    """Raise re.error for no expression, and for what Python warns of: a set within a set."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            re.compile(expression)
        except FutureWarning as warning:
            raise re.error(str(warning)) from None


@functools.lru_cache(maxsize=512)
def _cost(expression: str) -> tuple[int, bool]:
    """The power of a text's length that a search may cost, and whether repeats are nested."""
    plain = _UP_TO.sub(
        lambda found: found[0] if found[2] not in found[1] else "", expression.replace("{0,1}", "?")
    )
    plain = re.sub(r"\\.", "e", plain, flags=re.DOTALL)
    plain = re.sub(r"\[\^?\]?[^]]*\]", "s", plain)
    nested = re.search(r"[*+}?][^()]*\)+[*+{]|\|[^()]*\)+[*+{]", plain) is not None
    return len(re.findall(r"[*+{]", plain)) + (not expression.startswith(("^", r"\A"))), nested


def unescaped(pattern: str) -> str | None:
    """The one text that a pattern without wildcards matches; None for other patterns."""
    plain = re.sub(r"\\(.)", "", pattern, flags=re.DOTALL)
    return None if _SPECIAL.search(plain) else re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def portable_glob(pattern: str) -> str | None:
    """A shell's pattern as a portable glob, if its only wildcard is ``*``.

    >>> portable_glob("release/*"), portable_glob("v[0-9]*")
    ('release/**', None)
    """
    out = ""
    for token in re.findall(r"\\.|.", pattern, re.DOTALL):
        if token in ("?", "[", "\\*"):
            return None
        out += "**" if token == "*" else token[-1]
    return re.sub(r"\*{3,}", "**", out)


@functools.lru_cache(maxsize=256)
def python_regex(expression: str, *, extended: bool) -> str:
    r"""A POSIX regular expression as Python writes it.

    >>> python_regex(r"\(a\)\{0,1\}[^@/]*+", extended=False)
    '(a){0,1}[^@/]*\\+'
    """

    def part(found: re.Match[str]) -> str:
        if found["set"]:
            return _set(found)
        escaped = found["escaped"]
        character = escaped or found[0]
        if character in "(){}|+?":
            return character if (escaped is None) == extended else f"\\{character}"
        if escaped is not None and (character in "ntwWsSbB" or character.isdigit()):
            return found[0]
        begins = character == "*" and expression[: found.start()] in ("", "^")
        return re.escape(character) if escaped or character == "[" or begins else character

    return _OF_REGEX.sub(part, expression)
