"""A script has the conditions of a spec: in a shell they hold where they hold in Python."""

from __future__ import annotations

import subprocess
from itertools import permutations

import pytest

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.plan.values import Values
from ci_kaniko.shell import tests as asking
from ci_kaniko.shell.dialect import Cell
from ci_kaniko.shell.draft import Draft
from ci_kaniko.shell.words import Words
from ci_kaniko.syntax.conditions import holds, parse_when
from harness import tools
from harness.dialects import Telling

NAMES = {
    "branch": "BRANCH",
    "tag": "TAG",
    "pull_request.number": "REQUEST",
    "default_branch": "DEFAULT",
}
EVENTS: list[dict[str, str]] = [
    {"branch": "main"},
    {"branch": "feature/x"},
    {"branch": "feature/wip-x"},
    {"tag": "v1.2.3"},
    {"tag": "v1.2.3-rc.1"},
    {"tag": "nightly"},
    {"pull_request.number": "7"},
]
CONDITIONS = [
    *("default-branch", "other-branch", "release", "version", "pull-request"),
    *({"branch": "feature/**"}, {"branch": "main"}, {"tag": "v*"}),
    {"branch": ["feature/**", "!feature/wip-*"]},
    {"tag": ["v*", "nightly"]},
]
BOTH = {"tag": ["v*", "!v*-*"]}
"""Two tests: what stands before it must not become a part of it."""
ASKED = [[one] for one in [*CONDITIONS, BOTH]]
ASKED += [[*pair] for pair in permutations(("other-branch", "version", BOTH), 2)]
ASKED += [["default-branch", {"branch": ["**", "!main"]}], ["pull-request", "version", BOTH]]


@pytest.mark.parametrize("shell", tools.shells())
def test_conditions_hold_in_a_shell_where_they_hold_in_python(shell: str) -> None:
    spec = ci_kaniko.loads(
        "push: never\ntriggers: {branches: ['**'], tags: ['**'], pull_requests: true}\n"
    )
    cells = {name: Cell(env, may_be_unset=True) for name, env in NAMES.items()}
    dialect = Telling(cells)
    draft = Draft(resolve(spec, "gitlab"), dialect, dialect.site)
    tests = asking.Tests(Words(draft), {"pull-request": '[ -n "${REQUEST:-}" ]'})
    wanted = [parse_when(asked) for asked in ASKED]
    lines = [
        line
        for number, any_of in enumerate(wanted)
        for line in tests.when(any_of, [f"echo {number}"])
    ]
    defined = [line for define in draft.definitions for line in define]
    for given in EVENTS:
        known = {**given, "default_branch": "main"}
        done = subprocess.run(
            [*tools.shell(shell), "-s"],
            input="\n".join(["set -eu", *defined, *lines]),
            env={
                "PATH": "/usr/bin:/bin",
                **{NAMES[name]: text for name, text in known.items()},
            },
            capture_output=True,
            text=True,
            check=True,
        )
        event = Values(given, "main").event
        found = [number for number, any_of in enumerate(wanted) if holds(any_of, event)]
        assert [ASKED[int(line)] for line in done.stdout.split()] == [
            ASKED[number] for number in found
        ], known
