"""Variables of a target that knows them when it renders, and what follows from given values."""

from __future__ import annotations

from typing import Any

import pytest

import ci_kaniko
from ci_kaniko.plan.values import Source, Values, check_values, unfit_hosts, unfit_values
from ci_kaniko.spec.prepare import Input
from ci_kaniko.syntax.references import Reference
from ci_kaniko.syntax.variables import Ref

SHA = "0123456789abcdef0123456789abcdef01234567"
URL = "https://git.example.com/Acme/Team/Shop"
TAG = {"tag": "v1.2.3-rc.1"}

KNOWN: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a commit": ({"commit.sha": SHA}, {"commit.sha": SHA, "commit.short": SHA[:8]}),
    "times": (
        {
            "commit.timestamp": "2026-01-02T03:04:05+02:00",
            "build.timestamp": "2026-01-02T03:04:05Z",
        },
        {"commit.date": "20260102010405", "build.date": "20260102030405"},
    ),
    "a branch": (
        {"branch": "Feature/Ü_1.2"},
        {
            "branch": "Feature/Ü_1.2",
            "tag": "",
            "pull_request.number": "",
            "version": "",
            "ref.name": "Feature/Ü_1.2",
            "ref.tag": "Feature--_1.2",
            "ref.slug": "feature---1-2",
            "ref.version": "Feature--_1.2",
            "version.minor": "",
            "version.major": "",
        },
    ),
    "a tag": (
        {**TAG, "branch": "main"},
        {
            "branch": "",
            "tag": "v1.2.3-rc.1",
            "ref.name": "v1.2.3-rc.1",
            "version": "1.2.3-rc.1",
            "version.minor": "1.2",
            "version.major": "1",
            "ref.version": "1.2.3-rc.1",
            "ref.tag": "v1.2.3-rc.1",
            "ref.slug": "v1-2-3-rc-1",
        },
    ),
    "a request": (
        {**TAG, "branch": "main", "pull_request.number": "7"},
        {
            "branch": "",
            "tag": "",
            "pull_request.number": "7",
            "ref.name": "pr-7",
            "version": "",
            "ref.version": "pr-7",
        },
    ),
    "a long branch": (
        {"branch": ".-" + "x" * 62 + "-" + "y" * 99},
        {"ref.tag": ("x" * 62 + "-" + "y" * 99)[:128], "ref.slug": "x" * 61},
    ),
    "a repository": (
        {"repository.url": URL},
        {
            "repository.path": "Acme/Team/Shop",
            "repository.owner": "Acme/Team",
            "repository.name": "Shop",
        },
    ),
    "a path": (
        {"repository.url": URL, "repository.path": "a/b"},
        {"repository.path": "a/b", "repository.owner": "a", "repository.name": "b"},
    ),
}


@pytest.mark.parametrize(("given", "expected"), KNOWN.values(), ids=KNOWN)
def test_what_follows_from_what_is_given(given: dict[str, str], expected: dict[str, str]) -> None:
    known = Values(given, None)
    assert {name: known.get(name) for name in expected} == expected
    assert not known.missing


MISSING = {
    "branch": "branch",
    "tag": "branch",
    "version.major": "branch",
    "ref.tag": "branch",
    "ref.version": "branch",
    "commit.short": "commit.sha",
    "commit.date": "commit.timestamp",
    "repository.name": "repository.path",
    "default_branch": "default_branch",
    "env.X": "env.X",
    "input.x": "input.x",
}


@pytest.mark.parametrize(("name", "missing"), MISSING.items())
def test_what_is_missing_is_noted_by_the_name_of_what_to_give(name: str, missing: str) -> None:
    known = Values({}, None)
    assert known.replace(Ref(name, "x-y")) == "x-y"
    assert not known.missing
    known.replace(Ref(name))
    assert [*known.missing] == [missing]


def test_an_empty_value_takes_the_default_and_is_missing_in_a_reference() -> None:
    known = Values({"branch": "main"}, "trunk")
    assert known.replace(Ref("tag")) == ""
    assert known.replace(Ref("tag", "dev"), is_reference=True) == "dev"
    assert known.replace(Ref("default_branch")) == "trunk"
    assert not known.missing
    known.replace(Ref("tag"), is_reference=True)
    assert [*known.missing] == ["tag"]


def test_only_a_reference_lowers_a_repository() -> None:
    names = ("repository.path", "registry.image", "branch", "env.NAME")
    known = Values({**dict.fromkeys(names, "Acme/X"), "repository.url": URL}, None)
    assert [known.replace(Ref(name)) for name in names] == ["Acme/X"] * 4
    lowered = [known.replace(Ref(name), is_reference=True) for name in names]
    assert lowered == ["acme/x", "acme/x", "Acme/X", "Acme/X"]
    assert known.replace(Ref("repository.owner", "d"), is_reference=True) == "acme"


def test_a_value_is_cut_to_what_stands_beside_it_in_a_tag() -> None:
    known = Values({"branch": "b" * 200, "env.A": "a" * 120, "env.B": "b" * 200}, None)
    plain = Ref("ref.tag")._replace(beside=("x" * 20,))
    assert known.replace(plain) == "b" * 108
    assert known.replace(plain._replace(default="dev")) == "b" * 108
    assert known.replace(plain._replace(beside=("1234", Ref("env.A")))) == "b" * 4
    assert known.replace(plain._replace(beside=(Ref("env.B"),), default="dev")) == "dev"
    assert known.replace(Ref("branch")) == known.replace(Ref("env.B")) == "b" * 200


SOURCES = {
    "branch": ("github.com", {"branch": "main"}, "refs/heads/main"),
    "tag": ("github.com", {"tag": "v1"}, "refs/tags/v1"),
    "request on GitHub": ("github.com", {"pull_request.number": "7"}, "refs/pull/7/head"),
    "request on GitLab": ("gitlab.com", {"pull_request.number": "7"}, "refs/merge-requests/7/head"),
}


@pytest.mark.parametrize(("host", "given", "ref"), SOURCES.values(), ids=SOURCES)
def test_the_source_is_a_commit_with_a_ref_that_leads_to_it(
    host: str, given: dict[str, str], ref: str
) -> None:
    url = {"repository.url": f"https://{host}/acme/shop.git", "commit.sha": SHA}
    known = Values({**url, **given}, None)
    assert known.source() == Source(f"{host}/acme/shop.git", ref, SHA)
    assert not known.missing


def test_all_that_a_source_lacks_is_noted() -> None:
    known = Values({}, None)
    known.source()
    assert {*known.missing} == {"repository.url", "commit.sha", "branch"}


HOSTS = {
    "quay.io": True,
    "registry.example.com:5000": True,
    "docker.io": True,
    "registry.hub.docker.com": False,
    "acme": False,
    "a b": False,
}


@pytest.mark.parametrize(("host", "fits"), HOSTS.items())
def test_a_registry_of_a_value_is_a_host(host: str, fits: bool) -> None:  # noqa: FBT001
    known = Values({"env.REGISTRY": host}, None)
    registry = Reference("${env.REGISTRY}/acme/shop").registry
    assert [*unfit_hosts(registry, known)] == ([] if fits else [("env.REGISTRY", host)])
    assert not [*unfit_hosts(("acme",), known)]


def test_a_value_fits_where_it_stands_in_a_reference() -> None:
    reference = Reference("ghcr.io/acme/${env.NAME}:${tag}-${env.KIND}")
    fits = {"env.NAME": "a/b-c.d", "tag": "V1_2.3", "env.KIND": "x"}
    assert not [*unfit_values(reference, Values(fits, None))]
    for name, text in (
        *(("env.NAME", text) for text in ("A", "-a", "a:b", ".a")),
        *(("tag", text) for text in ("v1/2", "-v1", ".1", "a b")),
    ):
        found = [*unfit_values(reference, Values({**fits, name: text}, None))]
        assert found == [(name, text)], text


GIVEN: dict[str, tuple[dict[str, str], list[str], str]] = {
    "nothing wrong": ({"branch": "main", "env.A": "x", "input.mode": "fast"}, [], ""),
    "an unknown name": ({"comit.sha": SHA}, ["unknown-value"], 'did you mean "commit.sha"?'),
    "an unknown input": ({"input.mod": "x"}, ["unknown-value"], 'did you mean "input.mode"?'),
    "no input": ({"input.zzzzzz": "x"}, ["unknown-value"], "inputs: at the top"),
    "no variable": ({"env.a-b": "x"}, ["unknown-value"], ""),
    "a control character": ({"branch": "a\x07"}, ["bad-character"], ""),
    "no commit": ({"commit.sha": "abc"}, ["bad-value"], "expected 40 hexadecimal digits"),
    "no time": ({"build.timestamp": "today"}, ["bad-value"], "expected a time such as"),
    "no day": ({"commit.timestamp": "2026-02-30T00:00:00Z"}, ["bad-value"], "expected a time"),
    "no choice": ({"input.mode": "slow"}, ["bad-value"], "expected one of: fast, full"),
    "no switch": ({"input.debug": "maybe"}, ["bad-value"], "expected a boolean: "),
    "an empty request": ({"pull_request.number": ""}, [], ""),
    "two": ({"commit.sha": "x", "nothing.known": "y"}, ["bad-value", "unknown-value"], ""),
}


@pytest.mark.parametrize(("given", "rules", "hint"), GIVEN.values(), ids=GIVEN)
def test_given_values_are_what_their_names_say(
    given: dict[str, str], rules: list[str], hint: str
) -> None:
    inputs: Any = {
        "mode": Input(options=("fast", "full"), default="fast"),
        "debug": Input(type="boolean", default="false"),
    }
    found = [*check_values(given, inputs)]
    assert [finding.rule for finding in found] == rules
    assert not hint or (found[0].hint or "").startswith(hint)


def test_an_image_has_a_version_by_its_own_prefix() -> None:
    spec = ci_kaniko.loads(
        "images: {a: {tag_prefix: a/, push: never}, b: {push: never}}\ndefault_branch: main\n"
    )
    whole = Values({"tag": "a/v1.2.3"}, None)
    own = {name: whole.of(image) for name, image in spec.images.items()}
    assert {name: known.get("version") for name, known in own.items()} == {"a": "1.2.3", "b": ""}
    own["a"].get("commit.sha")
    assert [*whole.missing] == ["commit.sha"]
