"""What import says stands in one table: each sentence is said, with as many values as it takes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import ci_kaniko.importing
from ci_kaniko.importing.sentences import Note, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = Path(ci_kaniko.importing.__file__).parent
_SAYS = {"tell", "note", "_note", "Note", "NotPortable"}
_PLACES = {"Report": 2, "Voice": 1}
"""How many arguments of ``tell`` say where, by who is told."""


def _said() -> Iterator[tuple[str, str, int]]:
    """The calls that say a sentence: where they stand, which one, and how many values it gets."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func).rpartition(".")
            name, first = called[2], node.args[0]
            if name not in _SAYS or not isinstance(first, ast.Constant):
                continue
            if any(isinstance(argument, ast.Starred) for argument in node.args):
                continue
            if name == "Note":
                given = len(node.args[1].elts) if isinstance(node.args[1], ast.Tuple) else 0
            elif name == "tell":
                is_report = called[0].endswith("report")
                given = len(node.args) - 1 - _PLACES["Report" if is_report else "Voice"]
            else:
                given = len(node.args) - 1
            head = "not-portable/" if name == "NotPortable" else ""
            yield f"{path.name}:{node.lineno}", head + str(first.value), given


def test_each_sentence_gets_its_values() -> None:
    known = sentences()
    calls = list(_said())
    assert len(calls) > 200
    assert not [call for call in calls if call[1] not in known]
    assert not [call for call in calls if len(known[call[1]].names) != call[2]]


def test_each_sentence_is_said() -> None:
    """By its name, or by its rule where the word behind it depends on something."""
    texts = "".join(path.read_text(encoding="utf-8") for path in ROOM.rglob("*.py"))
    unsaid = [name for name in sentences() if f'"{name}"' not in texts]
    words = [name.partition("/") for name in unsaid]
    assert not [
        "".join(parts)
        for parts in words
        if f'"{parts[2]}"' not in texts or f"{parts[0]}/" not in texts
    ]


def test_a_value_stands_where_its_name_is() -> None:
    note = Note("uneven-resources", ("memory", "1Gi", "2Gi"), 3)
    assert note.message == "memory has a request of 1Gi and a limit of 2Gi"
    assert note.advice == "the spec has one value: 2Gi"
    assert Note("default-taken", ("TAG", "edge")).advice.startswith("write ${env.TAG} where")
    assert (note.kind, note.rule) == ("mended", "uneven-resources")
