"""What people type, the hint they get, and that following it helps."""

from __future__ import annotations

import re

import pytest

import ci_kaniko
from ci_kaniko import Problem, SpecError
from ci_kaniko.spec.build import SpecFields
from ci_kaniko.spec.loading import warnings

_PUSHED = "destinations: [{image: ghcr.io/acme/shop:1, when: %s}]\n"
_LOGIN = "{username: NAME, password: NAME_OF_A_SECRET}"
_GITHUB = f"ghcr.io: {{default: {_LOGIN}, github: ci-token}}"

TYPED = {
    "branch": (_PUSHED % "main", "{branch: main}", _PUSHED % "{branch: main}"),
    "default branch": (_PUSHED % "main", "default-branch", _PUSHED % "default-branch"),
    "no-break spaces": (
        "push: never\nregistries:\n\u00a0\u00a0ghcr.io: anonymous\n",
        "ordinary blanks",
        "push: never\nregistries:\n  ghcr.io: anonymous\n",
    ),
    "no push": ("no-push: true", "push: never", "push: never"),
    "push": (f"push: yes\n{_PUSHED % 'always'}", '"auto"', f"push: auto\n{_PUSHED % 'always'}"),
    "no push, by a switch": ("push: false", '"never"', "push: never"),
    "cache": (
        "push: never\ncache: true",
        "{repo: ghcr.io/acme/shop/cache}",
        "push: never\ncache: {repo: ghcr.io/acme/shop/cache}",
    ),
    "manual": (
        "push: never\ngitlab: {when: manual}",
        "triggers: {manual: true}",
        "push: never\ntriggers: {manual: true}",
    ),
    "native key": (
        "push: never\ngitlab: {coverage: /x/}",
        "extra: {coverage: ...}",
        "push: never\ngitlab: {extra: {coverage: /x/}}",
    ),
    "own registry": (
        "push: never\nregistries: {$CI_REGISTRY: {username: a, password: A_TOKEN}}",
        "${registry.host}: ci-token",
        "push: never\nregistries:\n  ${registry.host}: ci-token",
    ),
    "compose": (
        "push: never\nservices: {api: {context: api}}",
        '"images"',
        "push: never\nimages: {api: {context: api}}",
    ),
}


@pytest.mark.parametrize("typed", TYPED)
def test_following_a_hint_helps(typed: str) -> None:
    text, hint, mended = TYPED[typed]
    with pytest.raises(SpecError) as raised:
        ci_kaniko.loads(text)
    assert any(hint in problem.hint for problem in raised.value.problems)
    ci_kaniko.loads(mended)


def test_a_missing_login_is_added_beside_one_that_works() -> None:
    text = "destinations: [ghcr.io/acme/shop:1]\n"
    works = ci_kaniko.render(ci_kaniko.loads(text), "github")
    with pytest.raises(SpecError) as raised:
        ci_kaniko.render(ci_kaniko.loads(text), "gitlab")
    assert _GITHUB in raised.value.problems[0].hint
    mended = ci_kaniko.loads(f"{text}registries:\n  {_GITHUB}\n")
    assert ci_kaniko.render(mended, "github") == works
    assert "NAME_OF_A_SECRET" in ci_kaniko.render(mended, "gitlab")


def test_keys_for_other_readers_change_nothing() -> None:
    text = "push: never\nlabels: &l {a: b}\n"
    plain = ci_kaniko.loads(text)
    noted = ci_kaniko.loads(f"$schema: x\nversion: 3\nx-common: {{contxt: 1}}\n{text}")
    assert noted == plain
    with pytest.raises(SpecError):
        ci_kaniko.loads("push: never\nimages: {a: {x-b: 1}}")


def test_what_starts_only_its_runs_is_never_empty_there() -> None:
    """Nothing is warned of a variable that each run that pushes has."""
    spec = "default_branch: main\npush: always\nregistries: {ghcr.io: {username: a, password: T}}\n"
    for name, triggers in {
        "pull_request.number": "{pull_requests: true}",
        "tag": "{tags: ['v*']}",
    }.items():
        text = f"{spec}destinations: ['ghcr.io/acme/shop:${{{name}}}']\n"
        for said, warned in ((f"triggers: {triggers}\n", False), ("", True)):
            found = {problem.rule for problem in warnings(ci_kaniko.loads(text + said))}
            assert ("empty-variable" in found) == warned, (name, said)


MAPPINGS = [
    name
    for name, field in SpecFields.model_fields.items()
    if isinstance((field.examples or [None])[0], dict)
]


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_list_where_a_mapping_belongs_is_told_how_a_line_looks(name: str) -> None:
    text = f"push: never\n{name}: "
    (problem,) = problems(f"{text}[a]\n")
    assert (problem.rule, problem.where) == ("wrong-type", name)
    line = re.fullmatch(
        r"lines such as (?:(\w+: \.\.\.).*|(.+))|such as .*|.*labels: oci", problem.hint
    )
    assert line, problem.hint
    if line[2]:
        assert not [each for each in problems(f"{text}{{{line[2]}}}\n") if each.where == name]


def problems(text: str) -> list[Problem]:
    try:
        ci_kaniko.loads(text)
    except SpecError as error:
        return [*error.problems]
    return []
