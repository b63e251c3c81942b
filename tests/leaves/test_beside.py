"""Law 8 beside all else: in logins, in two images that say nearly everything, and for builders."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.spec.options import Options
from harness.leaves import (
    ABSENT,
    GROUNDS,
    LOGIN_WORLDS,
    Mutation,
    Walk,
    at,
    ground,
    leaves,
    read_world,
    told,
    turned,
    values,
    walked,
    world,
)
from harness.runs import TARGETS

if TYPE_CHECKING:
    import pytest


def test_no_login_is_silent_and_nothing_beside_all_else(request: pytest.FixtureRequest) -> None:
    """Each login by itself, and two images that say nearly everything."""
    worlds = {name: read_world(text) for name, text in LOGIN_WORLDS.items() if "google" not in name}
    worlds[GROUNDS[1]] = world(GROUNDS[1])
    walk = walked(worlds, thorough=request.config.getoption("--every-mode"))
    assert told(walk.silent) == ""
    assert walk.trials > 800


def test_no_builder_is_silent() -> None:
    """What only kaniko has is refused for the others, and all else reaches them.

    Two targets in turn hear the first value, and of options others another one: how a builder is
    called is the same on each.
    """
    plain = {"options", "executor", "tools"}
    for builder in BUILDERS[1:]:
        walk = Walk()
        base = {**world(GROUNDS[0]), "builder": builder, "cache": {"repo": "ghcr.io/acme/cache"}}
        for turn, leaf in enumerate(leaves()):
            if leaf.path[0] in ("outputs", "images"):
                continue
            now = at(base, leaf.path)
            there = base if now is not ABSENT or leaf.path[0] in plain else ground(base, leaf)
            changed = (each for each in values(leaf, now) if str(each) != str(now))
            many = 2 if leaf.path[0] == "options" or leaf.path[0] in TARGETS else 1
            for number, value in enumerate(islice(changed, many)):
                mutation = Mutation(f"{builder} {leaf.path[0]}", there, leaf.path, value)
                asked = turned(mutation, turn + 2 * number)[:2]
                walk.try_one(mutation, mutation.turn, asked)
        assert told(walk.silent) == ""
        assert walk.trials > 300
        heard = {field for field in walk.heard if field[0] == "options"}
        assert len(heard) == len(Options.model_fields)
