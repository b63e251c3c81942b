"""The fewest texts that say everything which all of them say: most share most of their lines."""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping

_PLAIN = re.compile(r"'[^'$`\\\"]*'|(?<![\w$])(?:--?[\w-]+=)?[\w./:@-]*[./:@][\w./:@-]*")
"""A quoted text without anything that could be more, or a path, a name of an image, an option."""
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]*\b")
_SET = re.compile(r"(?:^|[\s;(])(\w+)=")
_USED = re.compile(r"\$\{?(\w+)")
_USER = re.compile(r"(?<=[' ])[a-z+-]+(?= \"\$)")
_GIVEN = re.compile(r"\w+=(?=text|V\b)")


def covering(said: Mapping[str, Collection[Hashable]]) -> list[str]:
    """Texts in which is all that is said in any of them; of many that serve, short ones."""
    left = {each for one in said.values() for each in one}
    chosen = []
    worth = [(-len({*said[text]}) / len(text), text) for text in sorted(said)]
    heapq.heapify(worth)
    while left:
        _, text = heapq.heappop(worth)
        now = -len(left.intersection(said[text])) / len(text)
        if worth and now > worth[0][0]:
            heapq.heappush(worth, (now, text))
            continue
        chosen.append(text)
        left.difference_update(said[text])
    return chosen


def in_yaml(text: str) -> set[str]:
    """The lines of a file, but for those of scripts, without what the words are."""
    return {_worded(line.strip()) for line in _outside_scripts(text)}


def laid_out(text: str) -> set[tuple[str, str, bool]]:
    """The same with the line before, how far each is indented, and whether it is a long one."""
    lines = [*_outside_scripts(text)]
    shapes = [*map(_worded, lines)]
    long = (len(line) > 80 for line in lines)
    return {*zip(["", *shapes], shapes, long, strict=False)}


def _worded(line: str) -> str:
    return re.sub(r"[\w./${}@-]{3,}", "word", line)


def _outside_scripts(text: str) -> Iterator[str]:
    inside = -1
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        if 0 <= inside < depth or (inside >= 0 and not line):
            continue
        inside = depth if re.search(r"[|>][+-]?$", line) else -1
        yield line


def in_shell(script: str) -> set[tuple[str, bool, bool]]:
    """The lines of a script without names and plain texts; whether variables are set and used."""
    lines = (line.strip() for line in script.splitlines())
    found = {(shape(line), False, False) for line in lines if not line.startswith("#")}
    set_here, used = {*_SET.findall(script)}, {*_USED.findall(script)}
    return found | {
        (name if name.islower() else "V", name in set_here, name in used)
        for name in set_here | used
    }


def shape(line: str) -> str:
    """A line of a script without names and plain texts."""
    words = _VARIABLE.sub("V", _PLAIN.sub("text", line))
    return _GIVEN.sub("", _USER.sub("text", words))


def fewest(said: Mapping[str, Collection[Hashable]]) -> list[str]:
    """The fewest names, or nearly so, that say all that any of them says."""
    left = {each for one in said.values() for each in one}
    chosen: list[str] = []
    while left:
        best = max(said, key=lambda name: len(left.intersection(said[name])))
        chosen.append(best)
        left.difference_update(said[best])
    return chosen
