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


@functools.lru_cache(maxsize=512)
def shell_regex(pattern: str) -> str:
    r"""The regular expression of a shell's pattern, unanchored.

    >>> shell_regex("v*.[!a-z]?\\*")
    'v.*\\.[^a-z].\\*'
    """
    out = ""
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            out += ".*"
        elif character == "?":
            out += "."
        elif character == "\\" and at < len(pattern):
            out += re.escape(pattern[at])
            at += 1
        elif character == "[":
            found, at = _bracket(pattern, at)
            out += found
        else:
            out += re.escape(character)
    return out


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """A bracket expression from behind its ``[``; a lone ``[`` is itself."""
    end = at + (pattern[at : at + 1] in ("!", "^"))
    end += pattern[end : end + 1] == "]"
    while end < len(pattern) and pattern[end] != "]":
        if pattern.startswith("[:", end):
            end = pattern.find(":]", end) + 1 or len(pattern)
        end += 1
    if end >= len(pattern):
        return r"\[", at
    body = pattern[at:end]
    negated = body[:1] in ("!", "^")
    body = body[1:] if negated else body
    body = _CLASS.sub(lambda found: f"\0{found[1]}\0", body)
    body = body.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("^", "\\^")
    body = re.sub("\0(\\w+)\0", lambda found: CLASSES.get(found[1], ""), body)
    return f"[{'^' if negated else ''}{body}]", end + 1


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
        lambda found: found[0] if found[2] not in found[1] else "",
        expression.replace("{0,1}", "?"),
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
    out = ""
    at = 0
    while at < len(expression):
        character = expression[at]
        at += 1
        if character == "[":
            found, at = _bracket(expression, at)
            out += found
        elif character == "\\" and at < len(expression):
            out += _escaped(expression[at], extended=extended)
            at += 1
        elif character in "(){}|+?" and not extended:
            out += "\\" + character
        elif character == "*" and out in ("", "^"):
            out += "\\*"
        else:
            out += character
    return out


def _escaped(character: str, *, extended: bool) -> str:
    if character in "(){}|+?":
        return "\\" + character if extended else character
    if character in "nt":
        return "\\" + character
    if character in "wWsSbB" or character.isdigit():
        return "\\" + character
    return re.escape(character)
