"""Strict POSIX shell text that busybox ash, dash and bash read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

_SAFE = pattern(r"[A-Za-z0-9_@%+=:,./-]+")
_LATER_LAYERS = pattern(r"(?<=\\)(?=\$)|(?<=\$)(?=[$(\[{])|(?<=\{)(?=\{)")
# bash takes <( and >( for a process substitution, even in the default of a quoted ${x:-...}.
_DOUBLE_QUOTED = pattern(r"(?:[A-Za-z0-9_@%+=:,./ #;()*?~&|-]|[<>](?!\())*")


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
