"""What of a user's text may be shown: no credential, nothing that a terminal obeys."""

from __future__ import annotations

import re
from functools import cache

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.patterns import pattern
from ci_kaniko.text.token_shapes import HEADS, SHAPES, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "*"

_TAIL = r"[A-Za-z0-9_.~+/=-]*"
_LONG_WORD = pattern(rf"[^\x00-*,;<>?@\[-^`{{-}}\x7f]{{{SHORTEST}}}")
_KEY = "-----BEGIN "
"""Every credential but a key is one long word: most texts have none, and are passed quickly."""

_BODY = pattern(r"[A-Za-z0-9+/]{60,}={0,2}")
_SHORTEST_BODY = 60
_MANY = 10
_LOGIN_IN_URL = pattern(r"(?<=://)[^/@\s]+(?=@)")
_PASSWORD = pattern(
    r"""(?ix) (?:pas+w(?:or)?[dt] | passphrase | pwd | token | _key | client_secret | ["']auth)
    ["']?[ \t]* : (?:[ \t]+|(?=["']))"""
)
_PASSWORD_WORDS = ("pas", "pwd", "token", "_key", "client_secret", "auth")
"""One of them is in whatever that finds: a long line is read quickly."""

_NAME = pattern(
    r"""(?x)(?:
      [A-Za-z_][A-Za-z0-9_]*
    | ["']?\$(?:[A-Z][A-Z0-9_]* | \{(?:env\.)?[A-Z][A-Z0-9_]*\} | \{\{[ ]*secrets\.\w+[ ]*\}\})["']?
    | ci-token | [|>][-+0-9]* |
    )(?=[ \t]*(?:[,}\]]|[ \t]\#|$))"""
)
_QUOTED = pattern(r"""(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")(?=[ \t]*(?:[,}\]]|[ \t]#|$))""")
_FLOW_END = pattern(r"[,}\]]")
_CONTROL = pattern(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


_STARTS: dict[str, list[str]] = {}
"""How credentials begin, by the last character of that: most texts have few of these."""
for _start in SHAPES:
    _STARTS.setdefault(_start[-1], []).append(_start)


_ENDS = frozenset(tuple(start[-3:]) for start in SHAPES)
_FEW = 200
"""A text of so few characters is quickly looked through for the ends of all such beginnings."""


def has_token(text: str) -> bool:
    """Whether something in ``text`` has the shape of a credential."""
    return any(shape.search(text) for shape in _shapes_in(text))


def _shapes_in(text: str) -> list[re.Pattern[str]]:
    """The shapes whose beginning is in ``text``: most texts have none."""
    if not (_LONG_WORD.search(text) or _KEY in text):
        return []
    if len(text) <= _FEW and _ENDS.isdisjoint(zip(text, text[1:], text[2:], strict=False)):
        return []
    possible = [starts for last, starts in _STARTS.items() if last in text]
    found = {start for starts in possible for start in starts if start in text}
    return [_shape(start) for start in SHAPES if start in found] if found else []


@cache
def _shape(start: str) -> re.Pattern[str]:
    """A credential with all that hangs on to it."""
    before = HEADS.get(start, "(?<![A-Za-z0-9_-])" if start.isalnum() else "")
    return re.compile(f"{before}{re.escape(start)}{SHAPES[start]}{_TAIL}")


def has_login(text: str) -> bool:
    """Whether ``text`` holds a URL with a user name or token in it."""
    return _LOGIN_IN_URL.search(text) is not None


def shown(text: str, limit: int = 400) -> str:
    """A sentence or a word as it may be shown."""
    hidden = printable(hide(text))
    return hidden if len(hidden) <= limit else f"{hidden[: limit - 3]}..."


def shown_line(text: str) -> str:
    """A line of a spec as it may be shown; every character keeps its column."""
    return printable(hide(_hide_passwords(text)))


def hide(text: str) -> str:
    """``text`` with ``*`` for every character of a credential."""
    for form in (*_shapes_in(text), _LOGIN_IN_URL):
        text = form.sub(_stars, text)
    return _BODY.sub(_stars_for_a_key, text) if len(text) >= _SHORTEST_BODY else text


def _stars(found: re.Match[str]) -> str:
    return MASK * len(found.group())


def _stars_for_a_key(found: re.Match[str]) -> str:
    """A line of a key in base64 has letters of both cases and digits, unlike a hash or a path."""
    text = found.group()
    upper, lower = sum(map(str.isupper, text)), sum(map(str.islower, text))
    digits = any(map(str.isdigit, text))
    return _stars(found) if min(upper, lower) >= _MANY and digits else text


def listed(names: Iterable[str], joined: str = "and") -> str:
    """Several names as a sentence has them.

    >>> listed(["api", "web", "worker"])
    'api, web and worker'
    """
    *others, last = names
    return f"{', '.join(others)} {joined} {last}" if others else last


def printable(text: str) -> str:
    """Without control characters, line breaks and changes of direction."""
    return text if text.isprintable() else _CONTROL.sub("\ufffd", text)


def _hide_passwords(text: str) -> str:
    """Hide what follows ``password:`` unless it can be the name of a secret."""
    folded = text.casefold()
    if not any(word in folded for word in _PASSWORD_WORDS):
        return text
    pieces: list[str] = []
    at = depth = 0
    for match in _PASSWORD.finditer(text):
        start = match.end()
        if start < at:
            continue
        before = text[at:start]
        depth += sum(map(before.count, "[{")) - sum(map(before.count, "]}"))
        end = start if _NAME.match(text, start) else _end_of_value(text, start, in_flow=depth > 0)
        pieces += [before, MASK * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])


def _end_of_value(text: str, start: int, *, in_flow: bool) -> int:
    if match := _QUOTED.match(text, start):
        return match.end()
    closed = _FLOW_END.search(text, start + 1) if in_flow else None
    return closed.start() if closed else len(text)
