"""What of a user's text may be shown: no credential, nothing that a terminal obeys."""

from __future__ import annotations

from ci_kaniko.patterns import pattern

MASK = "*"

_TOKEN = pattern(
    r"""(?x)
      gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
    | gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent)-[A-Za-z0-9_-]{16,}
    | dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}
    | (?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])
    | AIza[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_-]{20,}
    | xox[abprs]-[A-Za-z0-9-]{10,}
    | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{40,}
    | bk(?:ua|ct|at|ai|pt)_[A-Za-z0-9]{20,}
    | hvs\.[A-Za-z0-9_-]{20,} | sk_live_[A-Za-z0-9]{16,}
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]+)?
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY.*
    """
)
_LOGIN_IN_URL = pattern(r"(?<=://)[^/@\s]+(?=@)")
_PASSWORD = pattern(
    r"""(?ix) (?:pas+w(?:or)?[dt] | passphrase | pwd | token | _key | client_secret | ["']auth)
    ["']?[ \t]* : (?:[ \t]+|(?=["']))"""
)
_NAME = pattern(r"(?:[A-Za-z_][A-Za-z0-9_]*|ci-token|[|>][-+0-9]*|)(?=[ \t]*(?:[,}\]]|[ \t]#|$))")
_QUOTED = pattern(r"""(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")(?=[ \t]*(?:[,}\]]|[ \t]#|$))""")
_FLOW_END = pattern(r"[,}\]]")
_CONTROL = pattern(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


def has_token(text: str) -> bool:
    """Whether something in ``text`` has the shape of a credential."""
    return _TOKEN.search(text) is not None


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
    for form in (_TOKEN, _LOGIN_IN_URL):
        text = form.sub(lambda found: MASK * len(found.group()), text)
    return text


def printable(text: str) -> str:
    """Without control characters, line breaks and changes of direction."""
    return text if text.isprintable() else _CONTROL.sub("\ufffd", text)


def _hide_passwords(text: str) -> str:
    """Hide what follows ``password:`` unless it can be the name of a secret."""
    pieces: list[str] = []
    at = depth = 0
    for found in _PASSWORD.finditer(text):
        start = found.end()
        if start < at:
            continue
        before = text[at:start]
        depth += sum(map(before.count, "[{")) - sum(map(before.count, "]}"))
        end = start if _NAME.match(text, start) else _end_of_value(text, start, in_flow=depth > 0)
        pieces += [before, MASK * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])


def _end_of_value(text: str, start: int, *, in_flow: bool) -> int:
    if found := _QUOTED.match(text, start):
        return found.end()
    closed = _FLOW_END.search(text, start + 1) if in_flow else None
    return closed.start() if closed else len(text)
