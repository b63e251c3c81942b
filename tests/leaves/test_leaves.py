"""Law 8: change any leaf of any spec, and each target does something else or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.quick.declaring import Field
from ci_kaniko.spec.fields import Present  # noqa: TC001 - pydantic reads the annotation
from ci_kaniko.spec.spec import Spec
from harness.leaves import (
    GROUNDS,
    LOGIN_WORLDS,
    WORLDS,
    Walk,
    field_of,
    leaves,
    most_modes,
    mutations,
    read_world,
    told,
    walked,
    world,
)
from harness.runs import TARGETS

if TYPE_CHECKING:
    import pytest

    from harness.leaves import Path

FORBIDDEN = {
    *(("context_login", "aws", key) for key in ("access_key_id", "secret_access_key", "role")),
    *(("context_login", "google", key) for key in ("provider", "service_account")),
    ("rules", "*", "locked"),
}
"""Leaves that a model shares with another one, and no spec can have here; and the lock, which other
files hear: see tests/spec_images/test_bases.py."""


def without_target(field: Path) -> Path:
    """A login is read alike for every target, and for all of them at once."""
    return field[:2] + field[3:] if field[0] == "registries" else field


def test_nothing_is_silent(request: pytest.FixtureRequest) -> None:
    """What no mode has heard after that is tried in the others."""
    worlds = {name: read_world(text) for name, text in LOGIN_WORLDS.items() if "google" in name}
    worlds |= {name: world(name) for name in WORLDS if name != GROUNDS[1]}
    walk = walked(worlds, thorough=request.config.getoption("--every-mode"))
    fields = {field_of(leaf.path) for leaf in leaves()}
    fields = {without_target(field) for field in fields if field[0] not in ("images", "outputs")}
    left = fields - {*map(without_target, walk.heard)} - FORBIDDEN
    for mutation in mutations(GROUNDS[0], world(GROUNDS[0])):
        if without_target(field_of(mutation.path)) in left:
            for turn in range(most_modes()):
                walk.try_one(mutation, turn)
    assert told(walk.silent) == ""
    assert fields - {*map(without_target, walk.heard)} == FORBIDDEN
    assert walk.trials > 2_000


class _More(Spec):
    nothing: Present | None = Field(
        default=None, description="A field that nothing reads.", examples=["x"]
    )


def test_a_field_that_nothing_reads_is_found() -> None:
    """The walk is over the model: nobody has to list a new field."""
    walk = Walk(_More)
    for mutation in mutations(GROUNDS[0], world(GROUNDS[0]), _More):
        if mutation.path == ("nothing",):
            walk.try_one(mutation, mutation.turn)
    assert {silence.target for silence in walk.silent} == {*TARGETS}
    assert "nothing = 'x'" in told(walk.silent)
