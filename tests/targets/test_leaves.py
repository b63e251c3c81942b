"""Law 8: change any leaf of any spec, and each target does something else or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.spec.build import TOP_ONLY, Build
from ci_kaniko.spec.fields import Present  # noqa: TC001 - pydantic reads the annotation
from ci_kaniko.spec.loading import warnings
from ci_kaniko.spec.options import Options
from ci_kaniko.spec.spec import Spec
from ci_kaniko.spec.texts import texts_of, texts_with_variables
from ci_kaniko.syncing.compare import compare
from harness.leaves import (
    ABSENT,
    GROUNDS,
    WORLDS,
    Answer,
    Mutation,
    Walk,
    at,
    example,
    fewer,
    field_of,
    ground,
    is_exempt,
    kind_of,
    leaves,
    modes,
    mutations,
    names,
    read,
    read_world,
    values,
    world,
    written,
)
from harness.runs import TARGETS
from make.matrix import LOGINS, TITLES, login_spec

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    import pytest

    from harness.leaves import Data, Leaf, Path, Silence

FORBIDDEN = {
    *(("context_login", "aws", key) for key in ("access_key_id", "secret_access_key", "role")),
    *(("context_login", "google", key) for key in ("provider", "service_account")),
    ("rules", "*", "locked"),
}
"""Leaves that a model shares with another one, and no spec can have here; and the lock, which other
files hear: see tests/spec_images/test_bases.py."""
LOGIN_WORLDS = {
    f"{kind} on {target}": login_spec(kind, target)
    for kind in LOGINS
    for target in TITLES
    if target in TARGETS
} | {
    "google for a context": "push: never\ndefault_branch: main\n"
    "context: gs://acme/shop.tar.gz\ncontext_login: {google: ambient}\n"
}
"""Each login, as the table of what works where writes it."""


def told(silent: list[Silence]) -> str:
    left = [silence for silence in silent if not is_exempt(silence)]
    return "\n".join(map(str, left))


def without_target(field: Path) -> Path:
    """A login is read alike for every target, and for all of them at once."""
    return field[:2] + field[3:] if field[0] == "registries" else field


def walked(worlds: dict[str, Data], *, thorough: bool) -> Walk:
    """A change asks one mode of each target; with --every-mode each change asks all of them."""
    walk = Walk()
    every = [
        mutation
        for name, data in worlds.items()
        for mutation in mutations(name, data)
        if mutation.path[0] != "outputs"
    ]
    for mutation in every if thorough else fewer(every):
        for turn in range(MOST if thorough and mutation.world in WORLDS else 1):
            walk.try_one(mutation, mutation.turn + turn)
    return walk


MOST = max(len(modes(target)) for target in TARGETS)


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
            for turn in range(MOST):
                walk.try_one(mutation, turn)
    assert told(walk.silent) == ""
    assert fields - {*map(without_target, walk.heard)} == FORBIDDEN
    assert walk.trials > 3_000


def test_no_login_is_silent_and_nothing_beside_all_else(request: pytest.FixtureRequest) -> None:
    """Each login by itself, and two images that say nearly everything."""
    worlds = {name: read_world(text) for name, text in LOGIN_WORLDS.items() if "google" not in name}
    worlds[GROUNDS[1]] = world(GROUNDS[1])
    walk = walked(worlds, thorough=request.config.getoption("--every-mode"))
    assert told(walk.silent) == ""
    assert walk.trials > 1_000


def test_no_builder_is_silent() -> None:
    """What only kaniko has is refused for the others, and all else reaches them."""
    plain = {"options", "executor", "tools"}
    for builder in BUILDERS[1:]:
        walk = Walk()
        base = {**world(GROUNDS[0]), "builder": builder, "cache": {"repo": "ghcr.io/acme/cache"}}
        for leaf in leaves():
            if leaf.path[0] in ("outputs", "images"):
                continue
            now = at(base, leaf.path)
            there = base if now is not ABSENT or leaf.path[0] in plain else ground(base, leaf)
            changed = (each for each in values(leaf, now) if str(each) != str(now))
            for value in [*changed][:2]:
                mutation = Mutation(f"{builder} {leaf.path[0]}", there, leaf.path, value)
                walk.try_one(mutation, mutation.turn)
        assert told(walk.silent) == ""
        assert walk.trials > 500
        heard = {field for field in walk.heard if field[0] == "options"}
        assert len(heard) == len(Options.model_fields)


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


# -- several images ---------------------------------------------------------------------------


def shared_leaves() -> Iterator[tuple[tuple[str | int, ...], Data]]:
    """Every leaf that an image can say as well as the top, in a spec where it can stand."""
    for leaf in leaves():
        if leaf.path[0] not in TOP_ONLY:
            base = ground(world("two-images"), leaf)
            if at(base, leaf.path) is ABSENT:
                value = next(iter(values(leaf, ABSENT)), ABSENT)
                base = written(base, leaf.path, value)
            yield leaf.path, base


def test_what_every_image_replaces_is_told() -> None:
    tried = 0
    for path, data in shared_leaves():
        spec = data
        for name in data["images"]:
            spec = written(spec, ("images", name, *path[:1]), at(data, path[:1]))
        found = read(spec)
        if not isinstance(found, Answer):
            tried += 1
            assert any(names(problem, path[:1]) for problem in warnings(found)), path
    assert tried > 100


def test_what_an_image_removes_in_vain_is_told() -> None:
    data = world("two-images")
    name = next(iter(data["images"]))
    for field in Spec.model_fields:
        if field in TOP_ONLY:
            continue
        for path in ((field,), (field, "no_such_key")):
            if at(data, path) is ABSENT and (
                len(path) == 1 or isinstance(at(data, path[:1]), dict)
            ):
                found = read(written(data, ("images", name, *path), None))
                assert not isinstance(found, Answer), path
                assert any(names(problem, ("images", name, *path)) for problem in warnings(found))


# -- outputs ----------------------------------------------------------------------------------


COMMITTED = "push: never\ncontext: git://github.com/acme/shop.git#refs/heads/main\n"
"""What a file can hold whatever the commit is, a manifest too."""


def output_mutations() -> Iterator[Mutation]:
    for name, data in (("whole", read_world(COMMITTED)), ("images", world("two-images"))):
        for leaf in leaves():
            if leaf.path[0] == "outputs":
                base = ground(data, leaf)
                for value in values(leaf, at(base, leaf.path)):
                    yield Mutation(name, base, leaf.path, value)


def test_every_leaf_of_outputs_is_heard(tmp_path: pathlib.Path) -> None:
    """By the files that sync writes: which, for what, and how."""

    def files(data: Data) -> object:
        spec = read(data)
        if isinstance(spec, Answer):
            return [(problem.where, problem.message) for problem in spec.problems]
        found = compare(spec, str(tmp_path))
        return (
            [(output.path, output.expected, output.shared) for output in found.outputs],
            [(problem.where, problem.message) for problem in (*warnings(spec), *found.problems)],
        )

    heard = set()
    for mutation in output_mutations():
        now = at(mutation.base, mutation.path)
        data = written(mutation.base, mutation.path, mutation.value)
        if str(mutation.value) != str(now) and files(data) != files(mutation.base):
            heard.add(mutation.path)
    assert heard == {leaf.path for leaf in leaves() if leaf.path[0] == "outputs"}


# -- texts ------------------------------------------------------------------------------------

UNREPLACED = {("prepare", "commands"), *((target, "extra") for target in TARGETS)}
"""Texts for a shell, and native ones: there a variable of a CI has its meaning."""


def test_a_native_variable_is_told_in_every_text() -> None:
    """A section of a target may name the target's own; where nobody replaces, none."""
    for leaf in leaves():
        if leaf.path in UNREPLACED or leaf.path[0] == "images":
            continue
        data = ground(world(GROUNDS[0]), leaf)
        text = "x$BUILDKITE_COMMIT" if leaf.path[0] != "buildkite" else "x$CI_COMMIT_SHA"
        many = kind_of(leaf.model, leaf.name).many
        value = {"tuple": [text], "dict": {example_key(leaf): text}}.get(many, text)
        found = read(written(data, leaf.path, value))
        problems = found.problems if isinstance(found, Answer) else warnings(found)
        assert any(names(problem, leaf.path) for problem in problems), leaf.path


def example_key(leaf: Leaf) -> str:
    shown = example(leaf.model, leaf.name)
    return next(iter(shown)) if isinstance(shown, dict) else "x"


WITH_INPUTS = {
    *(("dockerfile",), ("target",)),
    *(("gitlab", field) for field in ("job", "stage", "tags", "platform_tags")),
    *(("github", field) for field in ("runs_on", "platform_runs_on")),
    *(("buildkite", field) for field in ("key", "queue", "agents")),
}
"""Where nothing but inputs is replaced."""


def test_variables_are_replaced_in_what_the_model_calls_templates() -> None:
    """The quick walk over them finds what the one over all texts finds."""
    told = set()
    for name in WORLDS:
        spec = read(world(name))
        for build in () if isinstance(spec, Answer) else spec.builds:
            texts = (text for field in Build.model_fields for text in texts_of(build, field, Build))
            wanted = {
                (text.where, text.text)
                for text in texts
                if text.kind == "template"
                or (
                    not text.on_key
                    and (text.where[:1] in WITH_INPUTS or text.where[:2] in WITH_INPUTS)
                )
            }
            wanted.discard((("context",), build.context))
            found = set(texts_with_variables(build))
            assert found - {(("context",), build.context)} == wanted, name
            told |= {where[0] for where, _ in found}
    assert len(told) == 8 + 5
