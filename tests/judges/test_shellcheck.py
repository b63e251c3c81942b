"""The scripts of every snapshot pass shellcheck, and ask for nothing twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.cases import snapshots
from harness.scripts import scripts
from harness.validators import RENDERED, found, not_told

SCRIPTED = [target for target in RENDERED if target != "kubernetes"]


def test_scripts_pass() -> None:
    with ThreadPoolExecutor(2) as pool:
        every = pool.map(lambda target: found(target, "shellcheck", in_broken=False), RENDERED)
        assert dict(zip(RENDERED, every, strict=True)) == {target: [] for target in RENDERED}


def test_a_broken_script_is_found() -> None:
    assert [line for target in RENDERED for line in not_told(target, "shellcheck")] == []


@pytest.mark.parametrize("target", SCRIPTED)
def test_every_snapshot_has_a_script_to_check(target: str) -> None:
    assert not [path.name for path in snapshots(target) if not scripts(target, path)]


_GUARD = re.compile(r' *: "\$\{(\w+):\?')


def _asked_again(script: str) -> list[str]:
    """The variables that a run must have, and has asked for before; ``token`` is set anew."""
    asked: list[tuple[int, str]] = []
    again = []
    for line in filter(None, script.splitlines()):
        depth = len(line) - len(line.lstrip())
        asked = [one for one in asked if one[0] <= depth]
        if guard := _GUARD.match(line):
            name = guard[1]
            again += [name] if name in {other for _, other in asked} else []
            asked.append((depth, name))
        elif line.strip().startswith("token="):
            asked = [one for one in asked if one[1] != "token"]
        elif line.strip() in {"else", ";;"} or line.endswith(")"):
            asked = [one for one in asked if one[0] < depth + 2]
    return again


@pytest.mark.parametrize("target", SCRIPTED)
def test_a_script_asks_once_whether_a_secret_is_there(target: str) -> None:
    read = {path.name: scripts(target, path) for path in snapshots(target)}
    found = {name: [_asked_again(each) for each in listed] for name, listed in read.items()}
    assert {name: listed for name, listed in found.items() if any(listed)} == {}
    assert any(_GUARD.match(line) for line in read["one-secret.yml"][0].splitlines())
