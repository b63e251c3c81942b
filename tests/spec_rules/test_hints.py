"""A hint works: when a spec says what it says, its problem is gone and no error is new."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.spec.build import SpecFields
from ci_kaniko.spec.native.keys import KNOWN
from ci_kaniko.spec.native.owned import OWNED
from harness import hints, models
from harness.bad_specs import Case, explained, problems_of, written
from harness.runs import TARGETS

if TYPE_CHECKING:
    from ci_kaniko import Problem

CASES = [*written(), *explained()]
EXEMPT = {
    ("bad-input-platforms", "such as linux/amd64,linux/arm64"): "an image has others, as is told",
    ("conflicting-options", "keep one of the two"): "git.branch is the other, not this",
    ("foreign-ci-token-kubernetes", "under registries: ghcr.io: {default: {username: NAME, "): (
        "without the error a manifest is made, which needs a commit"
    ),
    ("missing-login-images", "under registries: add ghcr.io: "): "the image itself takes it away",
    ("out-of-range", "at most 22"): "gzip has fewer levels than the field, and says so",
    ("separate-runs", "agola: {run: NAME} at the top is for all images"): "theirs have to go",
    ("unknown-variable", "letters, digits and _, such as ${env.CHANNEL}"): "a part of an image",
    ("written-secret", "git: {token: NAME} opens a private repository"): (
        "the first half is for people: what is before the @ is cut off"
    ),
}
"""Hints that a program takes at their word too much: the case, how the hint begins, and why."""


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_hint_that_is_followed_helps(case: Case) -> None:
    problems = problems_of(case)
    before = {(problem.rule, problem.message) for problem in problems}
    for problem in problems:
        for way in hints.ways(problem):
            if any(case.name == name and way.words.startswith(start) for name, start in EXEMPT):
                continue
            mended = way.applied(case.data.decode("utf-8-sig"), problem)
            left = problems_of(case._replace(data=mended.encode()))
            assert not [one for one in left if is_same(one, problem)], (way.words, mended)
            new = [one for one in left if (one.rule, one.message) not in before]
            assert not [str(one) for one in new if one.severity == "error"], (way.words, mended)


def is_same(one: Problem, other: Problem) -> bool:
    return (one.rule, one.where, one.message) == (other.rule, other.where, other.message)


def test_each_form_and_exemption_is_needed() -> None:
    said = [
        (case.name, way) for case in CASES for one in problems_of(case) for way in hints.ways(one)
    ]
    assert {way.form for _, way in said} == {*hints.FORMS}
    for name, start in EXEMPT:
        assert any(name == case and way.words.startswith(start) for case, way in said), start


USER = {"username": "acme-bot", "password": "A_TOKEN"}
HOSTS = {
    "ghcr.io": "ghcr.io/acme/shop:1.0",
    "quay.io": "quay.io/acme/shop:1.0",
    "registry.gitlab.com": "registry.gitlab.com/acme/shop:1.0",
    "packages.buildkite.com": "packages.buildkite.com/acme/images/shop:1.0",
    "${registry.host}": "${registry.image}:1.0",
}
ENTRIES: tuple[Any, ...] = (
    *(None, "ci-token", USER, {"default": "ci-token", "agola": USER}),
    *(
        {"gitlab": "ci-token"},
        {"github": "ci-token"},
        {"github": USER},
        {"kubernetes": "anonymous"},
    ),
)
OF_LOGINS = {"missing-login", "foreign-ci-token", "several-package-registries"}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("is_pushed_to", [True, False])
def test_a_hint_changes_no_login_of_another_target(host: str, *, is_pushed_to: bool) -> None:
    """What it says is for the target that asked: the others log in as they did."""
    said = 0
    for entry in ENTRIES:
        pushed = HOSTS[host] if is_pushed_to else "registry.example.com/acme/shop:1.0"
        registries = {} if is_pushed_to else {"registry.example.com": USER}
        if entry is not None:
            registries[host] = entry
        text = json.dumps({"destinations": [pushed], "registries": registries})
        before = {target: logins(text, target) for target in TARGETS}
        for target in TARGETS:
            for problem in before[target].problems:
                for way in hints.ways(problem):
                    mended = way.applied(text, problem)
                    after = {other: logins(mended, other) for other in TARGETS}
                    assert not after[target].problems, (target, text, way.words)
                    for other in {*TARGETS} - {target}:
                        kept = before[other].problems or before[other] == after[other]
                        assert kept, (target, other, text, way.words)
                    said += 1
    assert said > 1


class Logins(NamedTuple):
    """What a target logs in with, and what is wrong with that."""

    found: tuple[Any, ...]
    problems: tuple[Problem, ...]


@functools.cache
def logins(text: str, target: Any) -> Logins:
    spec = ci_kaniko.loads(text)
    values = {"registry.host": "r.example.com", "registry.image": "r.example.com/acme"}
    given = values if target == "kubernetes" else None
    plan = resolve(spec, target)
    problems = [one for one in ci_kaniko.check(spec, target, values=given) if one.rule in OF_LOGINS]
    return Logins(tuple((one.host, one.login) for one in plan.logins), tuple(problems))


NATIVE_RULES = {"unknown-key", "unknown-native-key", "owned-key"}
DECIDED = re.compile(
    r"(?:use|remove it:|known here:|known:|did you mean \"\w+\"\?|\w+: at the top says).*"
)
"""What people do about it: a field of another shape, or nothing."""


@pytest.mark.parametrize("section", KNOWN)
def test_a_key_of_a_platform_finds_its_place(section: str) -> None:
    """The hint of a key below a section names a place where the key is known."""
    wrong = {"bogus", "when", *(key[:-1] for key in KNOWN[section])}
    for key in (*KNOWN[section], *OWNED[section], *sorted(wrong)):
        case = Case("", f"push: never\n{section}: {{{key}: x}}\n".encode(), section, {})
        for _ in range(3):
            found = [one for one in problems_of(case) if one.rule in NATIVE_RULES]
            said = [way for one in found for way in hints.ways(one)]
            if not said:
                assert all(DECIDED.fullmatch(one.hint) for one in found), (key, found)
                break
            way = next((one for one in said if "extra" in one.words), said[0])
            case = case._replace(data=way.applied(case.data.decode(), found[0]).encode())
        else:
            pytest.fail(f"{key}: each hint leads to another one")


@pytest.mark.parametrize("section", KNOWN)
def test_no_value_of_a_key_of_a_platform_is_a_bug(section: str) -> None:
    """It is written as it is, or refused."""
    head = "push: never\ndefault_branch: main\n"
    for key in KNOWN[section]:
        for value in ("x", "[[x]]", "{x: y}", "1"):
            problems_of(
                Case("", f"{head}{section}: {{extra: {{{key}: {value}}}}}".encode(), section, {})
            )


def test_what_is_said_of_a_key_of_ours_names_fields() -> None:
    for hint in (hint for owned in OWNED.values() for hint in owned.values()):
        for section, field in re.findall(r"(\w+)\.(\w+)", hint):
            annotation: Any = SpecFields.model_fields[section].annotation
            model = getattr(annotation, "__origin__", annotation)
            assert field in model.model_fields, hint
        if (word := re.fullmatch(r"use (\w+)(?:$|:.*)", hint)) and word[1] != "the":
            assert word[1] in SpecFields.model_fields, hint


def misspelt(name: str) -> set[str]:
    """How a field is called by somebody who nearly knows it."""
    one = name.removesuffix("s")
    start, two, rest = name[:2], name[2:4], name[4:]
    slip = {start + two[1] + rest, start + two[::-1] + rest} if rest else set()
    camel = re.sub(r"_(.)", lambda match: match[1].upper(), name)
    return {
        one,
        f"{one}s",
        name.replace("_", "-"),
        name.replace("_", ""),
        camel,
        *(slip if len(name) > 4 else ()),
    }


def test_a_key_that_is_nearly_right_is_told_the_right_one() -> None:
    meant: dict[type[Any], dict[str, str]] = {}
    firsts: dict[type[Any], models.Field] = {}
    for field in models.every_field():
        wrong = sorted(misspelt(field.name) - field.model.model_fields.keys())
        meant.setdefault(field.model, {}).update(dict.fromkeys(wrong, field.name))
        firsts.setdefault(field.model, field)
    del meant[ci_kaniko.Spec]["image"]  # which is a destination
    for model, words in meant.items():
        first = firsts[model]
        whole = json.dumps(first.place("?"))
        alone = len(model.model_fields) == 1  # then the message has it, with its value
        for at in range(0, 0 if alone else len(words), 60):
            some = [*words][at : at + 60]
            text = whole.replace(
                f'"{first.name}": "?"', ", ".join(f'"{each}": "x"' for each in some)
            )
            problems = problems_of(Case("", text.encode(), "gitlab", {}))
            unknown = [one for one in problems if one.rule == "unknown-key"]
            said = {one.message.split('"')[1]: one.hint for one in unknown}
            missed = {
                word: said.get(word)
                for word in some
                if not re.search(rf"\b{words[word]}\b", said.get(word, ""))
            }
            assert not missed, model
