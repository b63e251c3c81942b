"""Law 8 for what several images share, for the files of a spec, and for its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.spec.build import TOP_ONLY, Build
from ci_kaniko.spec.loading import warnings
from ci_kaniko.spec.spec import Spec
from ci_kaniko.spec.texts import texts_of, texts_with_variables
from ci_kaniko.syncing.compare import compare
from harness.leaves import (
    ABSENT,
    GROUNDS,
    WORLDS,
    Answer,
    Mutation,
    at,
    example,
    ground,
    kind_of,
    leaves,
    names,
    read,
    read_world,
    values,
    world,
    written,
)
from harness.runs import TARGETS

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from harness.leaves import Data, Leaf

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
