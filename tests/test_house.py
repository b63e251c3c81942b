"""The house: which room may take from which, and that nothing stands in it that nobody uses."""

from __future__ import annotations

import pytest

import ci_kaniko
from ci_kaniko.kaniko import systems
from ci_kaniko.layouts.jinja import compiled
from ci_kaniko.problems.catalogue import rules
from make import rooms
from make.checks import checks

SOURCES = rooms.read_sources()


def readers() -> list[str]:
    """What uses the package without being part of it."""
    places = (
        *(("docs/make", "*.py"), ("docs", "*.md"), ("templates", "*"), (".", "hatch_build.py")),
        (".", "README.md"),
    )
    paths = [path for folder, name in places for path in sorted((rooms.ROOT / folder).glob(name))]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
    return [*texts, *compiled().values()]


def test_no_arrow_runs_up() -> None:
    assert rooms.upward(SOURCES) == []


def test_no_module_stands_in_a_circle() -> None:
    assert rooms.circles(SOURCES) == []


def test_private_names_stay_at_home() -> None:
    assert rooms.foreign_privates(SOURCES) == []


def test_no_name_is_bound_twice_by_a_comprehension() -> None:
    assert rooms.rebound(SOURCES) == []


def test_every_definition_is_used() -> None:
    assert rooms.dead(SOURCES, readers()) == []


def test_only_the_command_line_speaks() -> None:
    """Programs that use the package have their own output, folder and end."""
    assert rooms.loud(SOURCES) == []


def test_only_the_command_line_speaks_of_its_options() -> None:
    """Others name a parameter, and the command line says which option that is."""
    assert rooms.optional(SOURCES) == []


def test_a_public_name_is_no_module() -> None:
    """A module that is imported takes its name in the package, whatever stood there."""
    modules = {rooms.room_of(rooms.module_of(path)) for path in SOURCES}
    assert modules & {*ci_kaniko.__all__} == set()


def test_every_room_is_there() -> None:
    there = {rooms.room_of(rooms.module_of(path)) for path in SOURCES}
    assert there - {"", "__main__"} == set(rooms.ROOMS)


NAMES_A_TARGET = {
    "ci_kaniko/kaniko/systems.py": "the list of those that are built in",
    "ci_kaniko/spec/native/": "their sections, and what these say about themselves",
    "ci_kaniko/targets/": "the targets",
    "ci_kaniko/importing/": "what is read, whatever it is rendered for",
    "ci_kaniko/rehearsing/runners/": "the platforms, as each runs a job",
    "ci_kaniko/rehearsing/told/buildkite.py": "where its repository lies",
    "ci_kaniko/testing/": "specs, as users write them",
    "ci_kaniko/problems/rules/": "what an example is rendered for",
    "ci_kaniko/spec/build.py": "an example: a queue, and an output",
    "ci_kaniko/spec/options.py": "a credential helper of the executor",
    "ci_kaniko/spec/typed.py": "what build.py and options.py say, for type checkers",
    "ci_kaniko/syntax/variables.py": "a context of expressions",
    "ci_kaniko/cli/report.py": "a format of messages",
}
"""Where the name of a target that is built in may stand, and what it is there."""


def test_nobody_else_asks_which_target_it_is() -> None:
    names = {*systems.NAMES}
    found = [*rooms.names_of(SOURCES, names), *rooms.names_in_tables(rooms.read_tables(), names)]
    assert {each for each in found if not each.startswith(tuple(NAMES_A_TARGET))} == set()
    for place in NAMES_A_TARGET:
        assert any(each.startswith(place) for each in found), f"{place} names no target any more"


NAMES_ANOTHER = {"buildkite": "kubernetes"}
"""A plugin and a queue of Buildkite's are called so."""


@pytest.mark.parametrize("name", systems.NAMES)
def test_a_target_and_a_reader_name_only_themselves(name: str) -> None:
    for wing in ("targets", "importing/readers"):
        place = f"ci_kaniko/{wing}/{name}/"
        own = {path: text for path, text in SOURCES.items() if path.startswith(place)}
        excused = NAMES_ANOTHER.get(name)
        assert rooms.names_of(own, {*systems.NAMES} - {name, excused}) == []
        assert own
        assert excused is None or rooms.names_of(own, {excused}), f"{place} names {excused} no more"


def test_every_rule_is_tied_to_its_checks() -> None:
    """What is explained is what somebody reports, and the other way round."""
    assert {rule.id: [*rule.checks] for rule in rules().values()} == checks(SOURCES)


def test_a_text_is_read_once() -> None:
    assert rooms.second_readings(SOURCES) == []
    assert rooms.READS_TEXT.keys() <= {rooms.module_of(path) for path in SOURCES}


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
    "the name of a target": ({"plan/a.py": "print(x == 'gitlab')\n"}, "plan/a.py:1"),
    "a second reading": (
        {"plan/a.py": "from ci_kaniko.syntax.variables import parse\nparse(text)\n"},
        "plan/a.py:2 reads",
    ),
    "a question for a scheme": ({"plan/a.py": 'x = "://" in context\n'}, "plan/a.py:1 reads"),
    "a question for a layout": (
        {"plan/a.py": 'x = repo.startswith(("oci:", "dir:"))\n'},
        "plan/a.py:1 reads",
    ),
    "a name bound twice": (
        {"plan/a.py": "def f(a):\n    return a, [a for x in y if (a := x)]\n"},
        "plan/a.py:2 binds a again",
    ),
    "a dead function": ({"plan/a.py": "def nobody():\n    pass\n"}, "defines nobody"),
    "a word": ({"plan/a.py": "print('hello')\n"}, "plan/a.py:1 uses print"),
    "an option": ({"plan/a.py": 'hint = f"{x}: --only names it"\n'}, "plan/a.py:1 speaks of"),
    "an end": ({"plan/a.py": "import sys\nsys.exit(1)\n"}, "plan/a.py:2 uses sys.exit"),
    "a dead method": ({"plan/a.py": "class A:\n    def no(self): A\n"}, "defines no"),
}


def test_the_gate_reads_tables_and_templates() -> None:
    tables = {
        "a.yaml": "# of gitlab\na: {gitlab: x}\nb: on gitlab\nc: |\n  gitlab:\n",
        "b.json": '{"x": ["gitlab"]}',
        "templates/c.j2": "a:\n  # gitlab: <%= path %>\n",
    }
    found = rooms.names_in_tables(tables, {"gitlab"})
    assert found == ["a.yaml:2", "b.json:1", "templates/c.j2:2"]
    read = rooms.read_tables()
    assert {"ci_kaniko/problems/checks.yaml", "templates/spec.yaml.j2"} <= {*read}
    assert not any(path.startswith("templates/gitlab") for path in read)


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
        *rooms.names_of(sources, {"gitlab"}),
        *rooms.second_readings(sources),
        *rooms.loud(sources),
        *rooms.rebound(sources),
        *rooms.optional(sources),
    ]
    assert any(told in each for each in found), found
