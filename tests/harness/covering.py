"""The fewest scripts that say everything which all of them say: most share most of their lines."""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = re.compile(r"'[^'$`\\\"]*'|(?<![\w$])(?:--?[\w-]+=)?[\w./:@-]*[./:@][\w./:@-]*")
"""A quoted text without anything that could be more, or a path, a name of an image, an option."""
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]*\b")
_SET = re.compile(r"(?:^|[\s;(])(\w+)=")
_USED = re.compile(r"\$\{?(\w+)")
_USER = re.compile(r"(?<=[' ])[a-z+-]+(?= \"\$)")
_GIVEN = re.compile(r"\w+=(?=text|V\b)")


def covering(scripts: Iterable[str]) -> frozenset[str]:
    """Scripts in which stands each line that is in any of them."""
    shapes = {script: _shapes(script) for script in sorted(scripts)}
    left = {shape for each in shapes.values() for shape in each}
    chosen = set()
    worth = [(-len(shapes[script]) / len(script), script) for script in shapes]
    heapq.heapify(worth)
    while left:
        _, script = heapq.heappop(worth)
        now = -len(shapes[script] & left) / len(script)
        if worth and now > worth[0][0]:
            heapq.heappush(worth, (now, script))
            continue
        chosen.add(script)
        left -= shapes[script]
    return frozenset(chosen)


def _shapes(script: str) -> set[tuple[str, bool, bool]]:
    """Its lines without the names and plain texts, and whether variables are set and used."""
    lines = (line.strip() for line in script.splitlines())
    found = {(_shape(line), False, False) for line in lines if not line.startswith("#")}
    set_here, used = {*_SET.findall(script)}, {*_USED.findall(script)}
    return found | {
        (name if name.islower() else "V", name in set_here, name in used)
        for name in set_here | used
    }


def _shape(line: str) -> str:
    words = _VARIABLE.sub("V", _PLAIN.sub("text", line))
    return _GIVEN.sub("", _USER.sub("text", words))
