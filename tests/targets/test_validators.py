"""Every snapshot passes what reads such files outside of this project."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import pytest

from harness.cases import BROKEN, SNAPSHOTS, snapshots
from harness.scripts import scripts
from harness.validators import VALIDATORS

if TYPE_CHECKING:
    from pathlib import Path

RENDERED = sorted(path.name for path in SNAPSHOTS.iterdir() if path.is_dir())
EVERY = [(target, name) for target, validators in VALIDATORS.items() for name in validators]


STOPS = {"gitlab-ci-local"}
"""What reads all files as one pipeline as long as there is nothing to find."""


def broken(target: str, validator: str) -> list[Path]:
    """Files of which the first line says what has to be found in them."""
    return sorted((BROKEN / target).glob(f"{validator}.*.yml"))


@functools.cache
def found(target: str, validator: str, *, in_broken: bool) -> list[str]:
    """What is found in snapshots, or in broken files; the tool starts once for both."""
    check, files = VALIDATORS[target][validator], broken(target, validator)
    assert files
    if validator in STOPS or target not in RENDERED:
        return check(files if in_broken else snapshots(target))
    names = tuple(f"{path.name}:" for path in files)
    return [
        line for line in _found_in_all(target, validator) if line.startswith(names) == in_broken
    ]


@functools.cache
def _found_in_all(target: str, validator: str) -> list[str]:
    files = [*snapshots(target), *broken(target, validator)]
    assert len({path.name for path in files}) == len(files)
    return VALIDATORS[target][validator](files)


@pytest.mark.parametrize(
    ("target", "validator"), [(target, name) for target, name in EVERY if target in RENDERED]
)
def test_snapshots_pass(target: str, validator: str) -> None:
    assert snapshots(target)
    assert not found(target, validator, in_broken=False)


@pytest.mark.parametrize(("target", "validator"), EVERY)
def test_a_broken_file_is_found(target: str, validator: str) -> None:
    lines = found(target, validator, in_broken=True)
    for path in broken(target, validator):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        expected = first.removeprefix("# finds: ")
        assert expected != first
        mine = [line for line in lines if line.startswith(path.name)]
        assert any(re.search(expected, line) for line in mine), (path.name, mine)


@pytest.mark.parametrize("target", [target for target in RENDERED if target != "kubernetes"])
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


@pytest.mark.parametrize("target", [target for target in RENDERED if target != "kubernetes"])
def test_a_script_asks_once_whether_a_secret_is_there(target: str) -> None:
    read = {path.name: scripts(target, path) for path in snapshots(target)}
    found = {name: [_asked_again(each) for each in listed] for name, listed in read.items()}
    assert {name: listed for name, listed in found.items() if any(listed)} == {}
    assert any(_GUARD.match(line) for line in read["one-secret.yml"][0].splitlines())
