"""Every snapshot passes what reads such files outside of this project."""

from __future__ import annotations

import re

import pytest

from harness.cases import BROKEN, SNAPSHOTS, snapshots
from harness.scripts import scripts
from harness.validators import VALIDATORS

RENDERED = sorted(path.name for path in SNAPSHOTS.iterdir() if path.is_dir())
EVERY = [(target, name) for target, validators in VALIDATORS.items() for name in validators]


@pytest.mark.parametrize(
    ("target", "validator"), [(target, name) for target, name in EVERY if target in RENDERED]
)
def test_snapshots_pass(target: str, validator: str) -> None:
    files = snapshots(target)
    assert files
    assert not VALIDATORS[target][validator](files)


@pytest.mark.parametrize(("target", "validator"), EVERY)
def test_a_broken_file_is_found(target: str, validator: str) -> None:
    """The first line of a broken file says what has to be found in it."""
    files = sorted((BROKEN / target).glob(f"{validator}.*.yml"))
    assert files
    found = VALIDATORS[target][validator](files)
    for path in files:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        expected = first.removeprefix("# finds: ")
        assert expected != first
        mine = [line for line in found if line.startswith(path.name)]
        assert any(re.search(expected, line) for line in mine), (path.name, mine)


@pytest.mark.parametrize("target", [target for target in RENDERED if target != "kubernetes"])
def test_every_snapshot_has_a_script_to_check(target: str) -> None:
    assert not [path.name for path in snapshots(target) if not scripts(target, path)]
