"""Which rendered entry goes where an old one is, and which is new."""

from __future__ import annotations

from ci_kaniko.quick.records import NamedTuple


class Arrangement(NamedTuple):
    """Where the wanted names go.

    ``places`` has the number of the old entry that each replaces, ``follows`` the number of the
    one behind which a new entry goes: -1 for before the first.
    """

    places: dict[str, int]
    follows: dict[str, int]


def arrange(present: list[str], wanted: list[str], *, ordered: bool) -> Arrangement:
    """Match the names of a file with those that are rendered.

    What has the same name stays where it is. A name that is gone gives its place to a new one
    between the same neighbours. With ``ordered`` the file ends up in the order of ``wanted``,
    which matters when entries share anchors.

    >>> arrange(["base", "api"], ["base", "shop", "web"], ordered=False).places
    {'base': 0, 'shop': 1}
    """
    old = {name: number for number, name in enumerate(present)}
    kept = [old[name] for name in wanted if name in old]
    in_order = kept == sorted(kept)
    if ordered and not in_order:
        kept = []
    places = {name: old[name] for name in wanted if old.get(name) in kept}
    free = sorted(set(range(len(present))).difference(kept))
    if in_order or ordered:
        _fill_gaps(wanted, places, free, len(present))
    if not ordered:
        rest = [name for name in wanted if name not in places]
        places.update(zip(rest, free, strict=False))
    follows, last = {}, -1
    for name in wanted:
        last = places.get(name, last)
        if name not in places:
            follows[name] = last
    return Arrangement(places, follows)


def _fill_gaps(wanted: list[str], places: dict[str, int], free: list[int], end: int) -> None:
    """Put new names between the neighbours that they have in ``wanted``."""
    limits, limit = {}, end
    for name in reversed(wanted):
        limit = limits[name] = places.get(name, limit)
    after = -1
    for name in wanted:
        if name not in places:
            number = next((n for n in free if after < n < limits[name]), None)
            if number is None:
                continue
            free.remove(number)
            places[name] = number
        after = places[name]
