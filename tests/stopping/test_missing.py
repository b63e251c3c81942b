"""A job stops before it builds: without a secret, a host or a tag that it needs."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.rehearsing.logins import lookup
from harness import expectation, expected_logins
from harness.checks import NEVER_STARTED, kept_secret, left_behind, reached, stopped
from harness.covering import shape
from harness.events import DEFAULT_BRANCH, TAG
from harness.expectation import Run
from harness.runs import (
    RENDERED,
    SHELLS,
    TARGETS,
    execute,
    in_parallel,
    read,
    render,
    rendering,
    started,
)

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event


WHERE = {
    "gitlab": "Settings > CI/CD > Variables",
    "github": "Settings > Secrets and variables > Actions",
    "kubernetes": "ecret",
    "buildkite": "Secret",
}
RUN_BY_A_SHELL = tuple(target for target in TARGETS if target != "kubernetes")


def any_shell(number: int) -> str:
    return SHELLS[number % len(SHELLS)]


def said_of(name: str, text: str) -> frozenset[str]:
    """The lines that name a secret, without what is its own in them."""
    lines = (line.strip() for line in text.splitlines() if name in line)
    return frozenset(shape(line.replace(name, "NAME")) for line in lines)


@functools.cache
def unlike() -> set[tuple[str, str, str]]:
    """The secrets of which no case before says the same on that target in such an event."""
    found: dict[object, tuple[str, str, str]] = {}
    for case, target in RENDERED:
        for name, event in first_needed(case, target).items():
            said = said_of(name, render(case, target, event))
            found.setdefault((target, event.pull_request, said), (case, target, name))
    return {*found.values()}


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_a_missing_secret_stops_a_run_that_needs_it(case: str, target: str) -> None:
    """Each that a script or a manifest speaks of in its own way."""

    def job(name: str, event: Event, shell: str) -> None:
        wanted = Run(read(case), target, event)
        fed = expected_logins.fed(wanted).without(name)
        got = execute(wanted, render(case, target, event), shell, fed=fed)
        stopped(got, [name])
        assert WHERE.get(target, "settings") in got.stderr or got.status == NEVER_STARTED
        kept_secret(got, wanted)
        assert not left_behind(got)

    in_parallel(
        functools.partial(job, name, event, any_shell(number))
        for number, (name, event) in enumerate(first_needed(case, target).items(), len(case))
        if (case, target, name) in unlike()
    )


def first_needed(case: str, target: str) -> dict[str, Event]:
    """Every secret, with an event whose run needs it."""
    found: dict[str, Event] = {}
    for event in started(case):
        for name in expected_logins.secrets_needed(Run(read(case), target, event)):
            found.setdefault(name, event)
    return found


def test_every_secret_is_needed_by_some_run() -> None:
    for case, target in RENDERED:
        fed = expected_logins.fed(Run(read(case), target, started(case)[0]))
        assert first_needed(case, target).keys() == fed.secrets.keys() | fed.docker_configs.keys()


@pytest.mark.parametrize("target", [target for target in RUN_BY_A_SHELL if target != "buildkite"])
def test_an_empty_secret_is_a_missing_one(target: str) -> None:
    wanted = Run(read("push-always"), target, DEFAULT_BRANCH)
    fed = expected_logins.Fed({"QUAY_PASSWORD": ""}, {})
    for shell in SHELLS:
        stopped(execute(wanted, render("push-always", target), shell, fed=fed), ["QUAY_PASSWORD"])


@pytest.mark.parametrize("host", ["registry.gitlab.com", "registry.example.com"])
def test_gitlab_sends_its_token_to_its_own_registry_only(host: str) -> None:
    spec = "destinations: ['registry.gitlab.com/acme/shop:1']"
    text = ci_kaniko.render(ci_kaniko.loads(spec), "gitlab")
    wanted = Run(expectation.read(spec), "gitlab", DEFAULT_BRANCH)
    for shell in SHELLS:
        got = execute(wanted, text, shell, extra_env={"CI_REGISTRY": host})
        if host == "registry.gitlab.com":
            reached(got, wanted)
            assert lookup(got, host) == ("gitlab-ci-token", "glcbt-job")
        else:
            stopped(got, ["registry.gitlab.com"])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("branch", ["ü", "日本"])
def test_a_reference_never_loses_its_tag(target: str, branch: str) -> None:
    """`ref.tag` of such a branch is empty, and `app:` would be some other tag."""
    event = replace(DEFAULT_BRANCH, branch=branch, default_branch=branch)
    spec = (
        f"default_branch: {branch}\n"
        "destinations: ['quay.io/acme/shop:${ref.tag}']\n"
        "registries: {quay.io: anonymous}\n"
    )
    text = rendering(ci_kaniko.loads(spec), target, event)
    if isinstance(text, ci_kaniko.SpecError):
        return
    wanted = Run(expectation.read(spec), target, event)
    for shell in SHELLS:
        stopped(execute(wanted, text, shell), ["ref.tag", "ref_tag"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_git_tag_that_no_image_can_have_stops_the_job(target: str) -> None:
    """Only `ref.tag` is made safe; `tag` is what it is."""
    event = replace(TAG, tag="v1.2.3+build/4")
    spec = (
        "default_branch: main\n"
        "destinations: [{image: 'quay.io/acme/shop:${tag}', when: {tag: '**'}}]\n"
        "registries: {quay.io: anonymous}\n"
    )
    text = rendering(ci_kaniko.loads(spec), target, event)
    if isinstance(text, ci_kaniko.SpecError):
        assert "v1.2.3+build/4" in str(text)
        return
    wanted = Run(expectation.read(spec), target, event)
    for shell in SHELLS:
        stopped(execute(wanted, text, shell), ["v1.2.3+build/4"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_context_is_not_that_of_another_commit(target: str) -> None:
    """Without a branch it would be the default one's, pushed under this run's name."""
    for place, fits in (("${branch}", False), ("${branch:-main}", True)):
        spec = f"default_branch: main\npush: always\ncontext: git://a.io/b/c.git#{place}\n"
        spec += "destinations: [quay.io/acme/shop:1]\nregistries: {quay.io: anonymous}\n"
        text = rendering(ci_kaniko.loads(spec), target, TAG)
        if isinstance(text, ci_kaniko.SpecError):
            assert "they are not known: branch" in str(text)
            assert not fits
            continue
        got = execute(
            Run(expectation.read(spec), target, TAG), text, any_shell(TARGETS.index(target))
        )
        if fits:
            assert "--context=git://a.io/b/c.git#main" in (got.argv or ())
        else:
            stopped(got, ["is empty, but the context needs it"])


HOSTS = ("docker.io", "index.docker.io", "registry.example.com:5000", "localhost:5000", "xn--a.io")
NO_HOSTS = (
    "acme",
    "Ghcr.io",
    "https://ghcr.io",
    "ghcr.io/acme",
    "hub.docker.com",
    "a..b",
    "a.b\nc.d",
)
HOST = (
    "default_branch: main\n"
    "destinations: ['${env.MIRROR}/acme/shop:1']\n"
    "cache: {repo: '${env.MIRROR}/acme/cache'}\n"
    "registries: {'${env.MIRROR}': {username: acme, password: MIRROR_PASSWORD}}\n"
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_of_the_run_gets_its_login(
    target: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of Docker Hub's names it is, kaniko finds the login under its key."""
    monkeypatch.setitem(expectation.RUN_TIME, "MIRROR", host)
    text = rendering(ci_kaniko.loads(HOST), target, DEFAULT_BRANCH)
    assert isinstance(text, str)
    wanted = Run(expectation.read(HOST), target, DEFAULT_BRANCH)
    got = execute(wanted, text, any_shell([*HOSTS].index(host) + TARGETS.index(target)))
    assert f"--destination={host}/acme/shop:1" in (got.argv or ())
    assert lookup(got, host) == ("acme", expected_logins.secret("MIRROR_PASSWORD"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("cache", ["cache", "x-cache"])
def test_a_host_of_the_run_that_is_none_stops_the_job(
    target: str, host: str, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a dot or a port kaniko would read it as somebody's name on Docker Hub."""
    monkeypatch.setitem(expectation.RUN_TIME, "MIRROR", host)
    spec = HOST.replace("cache:", f"{cache}:")
    text = rendering(ci_kaniko.loads(spec), target, DEFAULT_BRANCH)
    if isinstance(text, ci_kaniko.SpecError):
        assert {problem.rule for problem in text.problems} <= {"bad-value", "bad-character"}
        return
    assert target != "kubernetes"
    wanted = Run(expectation.read(spec), target, DEFAULT_BRANCH)
    shell = any_shell(NO_HOSTS.index(host) + TARGETS.index(target) + (cache == "cache"))
    stopped(execute(wanted, text, shell), ["env.MIRROR"])
