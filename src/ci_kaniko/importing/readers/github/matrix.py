"""The cells of a matrix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.matrices import MAX_CELLS, combined
from ci_kaniko.importing.ticked import Map, mapping, maps, native, peek, sequence

if TYPE_CHECKING:
    from collections.abc import Iterator


def cells_of(matrix: Map) -> list[dict[str, str]]:
    """The cells of a matrix; one without values where there is none."""
    names = [name for name in matrix if name not in {"include", "exclude"}]
    lists = {name: [dict(_flat(item, name)) for item in sequence(matrix[name])] for name in names}
    rows = combined(lists) if names else []
    cells = [{key: value for part in row.values() for key, value in part.items()} for row in rows]
    excluded = [_row(item) for item in matrix.sequence("exclude")]
    cells = [cell for cell in cells if not any(row.items() <= cell.items() for row in excluded)]
    original = [dict(cell) for cell in cells]
    for item in matrix.sequence("include"):
        row = _row(item)
        fitting = [
            cell
            for cell, first in zip(cells, original, strict=False)
            if all(first.get(key, value) == value for key, value in row.items())
        ]
        for cell in fitting:
            cell.update(row)
        if not fitting and len(cells) <= MAX_CELLS:
            cells.append(row)
    return cells or [{}]


def take_named(matrix: Map, text: str) -> None:
    """Tick what of a matrix a job speaks of: the rest makes more of the same jobs."""
    named = {*re.findall(r"\bmatrix\.([\w-]+)", text)}
    whole = re.search(r"\bmatrix[\[)]", text) is not None
    for holder in (matrix, *maps(matrix.get("include")), *maps(matrix.get("exclude"))):
        for name, value in holder.items():
            if whole or name in named:
                native(value)


def _row(item: Any) -> dict[str, str]:
    return {
        key: value for name, inner in mapping(item).items() for key, value in _flat(inner, name)
    }


def _flat(item: Any, name: str) -> Iterator[tuple[str, str]]:
    """A value by its name, one of a mapping by ``name.key``."""
    if isinstance(item, Map):
        for key, inner in item.items():
            yield from _flat(inner, f"{name}.{key}")
    else:
        yield name, peek(item)
