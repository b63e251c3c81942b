"""The models of a spec in Python: built when they are first used, and copied."""

from __future__ import annotations

import copy
import json
import os
import pickle
from typing import Any

import pytest

import ci_kaniko
from ci_kaniko.layouts import bundled, jinja
from ci_kaniko.spec.build import NamedImage
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.options import Options
from ci_kaniko.spec.spec import Spec
from ci_kaniko.text.patterns import pattern
from harness import forked

TWO = "push: never\ndefault_branch: main\nimages: {api: {context: a}, web: {context: b}}\n"

FIRST_USES = {
    "dump": "Spec(push='never').model_dump()",
    "dump as JSON": "Spec(push='never').model_dump_json()",
    "dump of a section": "executor.Executor().model_dump()",
    "a section": "context.Git(depth=1)",
    "schema": "Spec.model_json_schema()",
    "schema of a section": "outputs.Outputs.model_json_schema()",
    "JSON": """Spec.model_validate_json('{"push": "never", "checkout": {"depth": 1}}')""",
    "repr": "repr(Spec(push='never').git)",
}


@pytest.mark.parametrize("use", FIRST_USES)
def test_models_are_built_by_whatever_uses_them_first(use: str) -> None:
    names = "from ci_kaniko import Spec\nfrom ci_kaniko.spec import context, executor, outputs"
    models = "Spec, context.Git, executor.Executor, outputs.Outputs"
    unused = f"assert not any(model.__pydantic_complete__ for model in ({models}))"
    code = f"{names}\n{unused}\nassert {FIRST_USES[use]}"
    done = forked.run(code=code, environment=os.environ)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_dump_can_be_read_again() -> None:
    spec = ci_kaniko.loads(
        "destinations: ['ghcr.io/acme/shop:1.0']\ncheckout: {depth: 1}\n"
        "registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}\n"
    )
    dumped = json.loads(spec.model_dump_json(exclude_unset=True))
    assert dumped["checkout"] == {"depth": 1}
    assert dumped["registries"] == {
        "ghcr.io": {"default": {"username": "acme-bot", "password": "GHCR_TOKEN"}}
    }
    assert spec.model_dump(include={"checkout": {"depth"}}) == {"checkout": {"depth": 1}}
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec  # noqa: S301


def changeable(part: Any) -> dict[int, Any]:
    """The lists and mappings inside of a model, by what tells them apart."""
    found = {id(part): part} if isinstance(part, dict | list | set) else {}
    inner = vars(part).values() if isinstance(part, Model) else part
    inner = inner.values() if isinstance(inner, dict) else inner
    if isinstance(part, Model | dict | list | tuple):
        for each in inner:
            found |= changeable(each)
    return found


def test_no_two_specs_share_what_can_be_changed() -> None:
    """A model cannot be changed, the mappings in it can: those of defaults as well."""
    one = ci_kaniko.loads(TWO)
    others = {"read": ci_kaniko.loads(TWO), "copied": copy.deepcopy(one)}
    others["copied by the model"] = one.model_copy(deep=True)
    assert len(changeable(one)) > 20
    for how, other in others.items():
        shared = changeable(one).keys() & changeable(other).keys()
        assert not [changeable(one)[each] for each in shared], how
        assert other == one


def test_forward_references_of_a_subclass_are_found() -> None:
    class Owned(Spec):
        owner: Owner | None = None

    class Owner(Model):
        name: str

    assert Owned.model_rebuild()
    assert Owned(push="never", owner=Owner(name="me")).owner == Owner(name="me")


@pytest.mark.parametrize("name", ["api", "web"])
def test_the_rules_are_asked_about_a_changed_image(name: str) -> None:
    spec = ci_kaniko.loads(TWO)
    changed = spec.images[name].model_copy(update={"extra_args": ("--destination=x",)})
    spec = spec.model_copy(update={"images": {**spec.images, name: changed}})
    with pytest.raises(ci_kaniko.SpecError) as error:
        ci_kaniko.render(spec, "gitlab")
    assert {problem.rule for problem in error.value.problems} == {"owned-argument"}
    assert isinstance(changed, NamedImage)


class Times(Options):
    """Options with a default of their own."""

    snapshot_mode: str | None = "time"


@pytest.mark.parametrize(
    "options",
    [
        Times(),
        Options(snapshot_mode="time"),
        Options().model_copy(update={"snapshot_mode": "time"}),
        Options.model_construct(_fields_set=set(), snapshot_mode="time"),
    ],
)
def test_an_option_is_passed_however_it_was_given(options: Any) -> None:
    text = ci_kaniko.render(ci_kaniko.Spec(push="never", options=options), "gitlab")
    assert "--snapshot-mode=time" in text


def test_patterns_can_be_copied() -> None:
    kept = pickle.dumps(pattern("a+"))
    for other in (copy.copy(pattern("a+")), pickle.loads(kept)):  # noqa: S301
        assert other.fullmatch("aaa")


def test_compiled_templates_know_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = jinja.compiled()
    assert [*before] == sorted(before)
    monkeypatch.setitem(bundled.SETTINGS, "trim_blocks", 0)
    jinja._environment.cache_clear()
    try:
        after = jinja.compiled()
    finally:
        monkeypatch.undo()
        jinja._environment.cache_clear()
    assert before["gitlab"].splitlines()[-1] != after["gitlab"].splitlines()[-1]
