"""The house: which room may take from which, and that nothing stands in it that nobody uses."""

from __future__ import annotations

import pytest

from make import rooms

SOURCES = rooms.read_sources()
READERS = [
    path.read_text(encoding="utf-8")
    for folder, pattern in (
        *(("docs/make", "*.py"), ("docs", "*.md"), ("templates", "*"), (".", "hatch_build.py")),
        (".", "README.md"),
    )
    for path in sorted((rooms.ROOT / folder).glob(pattern))
    if path.is_file()
]


def test_no_arrow_runs_up() -> None:
    assert rooms.upward(SOURCES) == []


def test_no_module_stands_in_a_circle() -> None:
    assert rooms.circles(SOURCES) == []


def test_private_names_stay_at_home() -> None:
    assert rooms.foreign_privates(SOURCES) == []


def test_every_definition_is_used() -> None:
    assert rooms.dead(SOURCES, READERS) == []


def test_every_room_is_there() -> None:
    there = {rooms.room_of(rooms.module_of(path)) for path in SOURCES}
    assert there - {"", "__main__"} == set(rooms.ROOMS)


FAULTS = {
    "upward": ({"plan/a.py": "def f():\n    from ci_kaniko.cli import b\n"}, "imports"),
    "an unknown room": ({"attic/a.py": "from ci_kaniko.text import b\n"}, "imports"),
    "a circle": (
        {"plan/a.py": "from ci_kaniko.plan import b\n", "plan/b.py": "import ci_kaniko.plan.a\n"},
        "ci_kaniko.plan.a",
    ),
    "a circle for types": (
        {
            "plan/a.py": "if TYPE_CHECKING:\n    from ci_kaniko.plan.b import x\n",
            "plan/b.py": "from ci_kaniko.plan.a import y\n",
        },
        "ci_kaniko.plan.b",
    ),
    "a private name": ({"plan/a.py": "from ci_kaniko.plan.b import _x\n"}, "takes"),
    "a private attribute": (
        {"plan/a.py": "from ci_kaniko.plan import b\nb._x()\n", "plan/b.py": "_x = print\n"},
        "takes",
    ),
    "a dead function": ({"plan/a.py": "def nobody():\n    pass\n"}, "defines nobody"),
    "a dead method": ({"plan/a.py": "class A:\n    def no(self): A\n"}, "defines no"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_gate_tells_a_fault(name: str) -> None:
    added, told = FAULTS[name]
    sources = {
        "ci_kaniko/plan/b.py": "",
        "ci_kaniko/text/b.py": "",
        "ci_kaniko/cli/b.py": "",
        **{f"ci_kaniko/{path}": text for path, text in added.items()},
    }
    found = [
        *rooms.upward(sources),
        *(module for circle in rooms.circles(sources) for module in circle),
        *rooms.foreign_privates(sources),
        *rooms.dead(sources, []),
    ]
    assert any(told in each for each in found), found
