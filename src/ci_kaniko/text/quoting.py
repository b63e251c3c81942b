"""Strict POSIX shell text that busybox ash, dash and bash read alike."""

from __future__ import annotations

import re

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SAFE = pattern(r"[A-Za-z0-9_@%+=:,./-]+")
_LATER_LAYERS = pattern(r"(?<=\\)(?=\$)|(?<=\$)(?=[$(\[{])|(?<=\{)(?=\{)")
# bash takes <( and >( for a process substitution, even in the default of a quoted ${x:-...}.
_DOUBLE_QUOTED = pattern(r"(?:[A-Za-z0-9_@%+=:,./ #;()*?~&|-]|[<>](?!\())*")

TO_LOWER = "tr '[:upper:]' '[:lower:]'"
TO_UPPER = "tr '[:lower:]' '[:upper:]'"


def quote(text: str) -> str:
    r"""``text`` as one shell word.

    Single quotes; where a later layer (Buildkite's upload, the kubelet, GitHub's and GitLab's
    expressions) would see something in ``\$``, ``$$``, ``$(``, ``$[``, ``${`` or ``{{``, the quotes
    are closed and opened again between the two characters.

    >>> print(quote("plain-1.0"), quote("it's $5"), quote("${{ x }}"))
    plain-1.0 'it'\''s $5' '$''{''{ x }}'
    """
    if _SAFE.fullmatch(text):
        return text
    pieces = (_LATER_LAYERS.sub("''", piece) for piece in text.split("'"))
    return "'" + r"'\''".join(pieces) + "'"


def can_be_double_quoted(text: str) -> bool:
    """Whether ``text`` means itself between double quotes, on every layer."""
    return _DOUBLE_QUOTED.fullmatch(text) is not None


def continued(head: str, words: Iterable[str]) -> list[str]:
    r"""A command with one word per line: ``head \``, ``  word \`` and so on."""
    words = list(words)
    if len(words) < 2:
        return [" ".join([head, *words])]
    lines = [head, *(f"  {word}" for word in words)]
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def indented(lines: Iterable[str]) -> list[str]:
    """``lines`` two columns to the right; the inner lines of a quoted word must not move."""
    return [f"  {line}" for line in lines]


_PIECES = pattern(
    r"""\\.|(?<!\S)\#[^\n]*|(?:'[^']*')+|"(?:\\.|[^"\\])*"|[^\\'"\n\#]+|.""", re.DOTALL | re.VERBOSE
)
_GOES_ON = pattern(r"[ \t})]|(?:then|do|else|elif|fi|done|esac)\b")
_UNCLOSED = pattern(r"\A(?:'[^']*')*?'[^'\n][^']*\n[^']*'(?=')")
_DOUBTS = {
    "SC1003": pattern(r"\\'"),
    "SC1078": _UNCLOSED,
    "SC1079": _UNCLOSED,
    "SC1112": pattern("[\u2018\u2019]"),
    "SC2016": pattern(r"\$[{(0-9A-Za-z_]|`[^`']+`"),
}
"""What shellcheck says about a text in single quotes, and when."""


def annotated(script: str) -> str:
    r"""A script that tells shellcheck which statements mean what their quotes hold.

    >>> print(annotated("set -eu\necho 'a $b'\n"), end="")
    set -eu
    # shellcheck disable=SC2016
    echo 'a $b'
    """
    statements: list[tuple[str, set[str]]] = []
    goes_on = False
    for command, doubts in _commands(script):
        if statements and (goes_on or _GOES_ON.match(command)):
            before, known = statements.pop()
            statements.append((before + command, known | doubts))
        else:
            statements.append((command, doubts))
        goes_on = command.rstrip().endswith(("|", "&&"))
    lines = (
        f"# shellcheck disable={','.join(sorted(doubts))}\n{text}" if doubts else text
        for text, doubts in statements
    )
    return "".join(lines)


def _commands(script: str) -> Iterator[tuple[str, set[str]]]:
    """Lines with those that belong to them, and what is doubtful about their quotes."""
    command, doubts = "", set[str]()
    for piece in _PIECES.findall(script):
        command += piece
        if piece[0] == "'":
            doubts |= {code for code, found in _DOUBTS.items() if found.search(piece)}
        elif piece == "\n":
            # Their arguments may be scripts of their own, so shellcheck does not doubt them.
            takes_script = command.lstrip().startswith(("docker ", "trap "))
            yield command, doubts - {"SC2016"} if takes_script else doubts
            command, doubts = "", set()
