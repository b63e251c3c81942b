"""The rendered jobs are run: what reaches the executor is what the spec asks for, everywhere."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from support import expectation, kubelet
from support.cases import CASES
from support.events import (
    DEFAULT_BRANCH,
    EVENTS,
    OTHER_EVENTS,
    TAG,
    Event,
)
from support.execution import CREDENTIAL_FILES, Recorded, lookup, normalise
from support.expectation import HUB, Login, Run
from support.runs import (
    RENDERED,
    SHELLS,
    TARGETS,
    execute,
    read,
    recorded,
    refused,
    render,
    rendering,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

WHERE = {
    "gitlab": "Settings > CI/CD > Variables",
    "github": "Settings > Secrets and variables > Actions",
    "kubernetes": "ecret",
    "buildkite": "Secret",
}
RUN_BY_A_SHELL = tuple(target for target in TARGETS if target != "kubernetes")
NEVER_STARTED = 125
OUTPUT = {"kubernetes": "/kaniko/output", "agola": "/kaniko/output"}
NAMES = tuple(event.name for event in EVENTS)


def in_parallel(jobs: Iterable[Callable[[], None]]) -> None:
    """Two runs at a time; the first failure is raised."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def shells_for(event: Event, case: str, target: str) -> tuple[str, ...]:
    """All shells where most branches are taken, another one each for the other events."""
    has_script = target != "kubernetes" or "set -eu" in render(case, target, event)
    asks_for_tags = event.name == TAG.name and re.search(r"when:|\$\{tag", text_of(case))
    if has_script and (asks_for_tags or event.name == DEFAULT_BRANCH.name):
        return SHELLS
    return (any_shell(NAMES.index(event.name) + CASES.index(case)),)


def any_shell(number: int) -> str:
    return SHELLS[number % len(SHELLS)]


def stopped(got: Recorded, names: Iterable[str]) -> None:
    assert got.status != 0
    assert got.argv is None
    assert any(name in got.stderr for name in names), got.stderr


def reached(got: Recorded, wanted: Run) -> None:
    """Exactly one call of the executor, with what the spec asks for."""
    assert (got.status, got.calls) == (0, 1), got.stderr
    assert compared(got, wanted) == expectation.arguments(wanted)
    assert [a for a in got.argv or () if a.startswith("--git=")] == expectation.git_arguments(
        wanted.spec
    )
    assert got.image == expectation.image(wanted, shell=runs_in_debug_image(got))
    assert got.umask == 0o022
    assert got.env.get("container") == container(got)
    assert "KANIKO_NO_PUSH" not in got.env
    for path in expectation.digest_files(wanted):
        assert f"{OUTPUT.get(got.target, got.workspace)}/{path}" in got.files


def runs_in_debug_image(got: Recorded) -> bool:
    if got.target == "kubernetes":
        return got.command[0] != "/kaniko/executor" or "-debug" in got.image
    return got.command[0] != "docker"


def container(got: Recorded) -> str | None:
    """How kaniko is told that it is in a container, where it does not notice."""
    if got.target == "kubernetes":
        return "kube"
    return "docker" if got.command[0] == "docker" else None


def logged_in(got: Recorded, wanted: Run) -> None:
    """Every host that is needed has the login that was fed, no other host has one."""
    needed = expectation.logins(wanted)
    for name, login in expectation.all_logins(wanted).items():
        found = lookup(got, name)
        if name in needed and login.is_cloud:
            asks_the_cloud(got, login, wanted)
        elif name in needed:
            assert found == (login.user, login.password), name
        else:
            assert found is None or is_always_there(got, login), name
            if login.kind not in {other.kind for other in needed.values()}:
                has_no_part_of(got, login, wanted)
    assert lookup(got, "other.example.com") is None
    asks_the_store(got, wanted)
    has_its_inputs(got, wanted)
    git = expectation.git_login(wanted)
    if git:
        assert (got.env["GIT_USERNAME"], got.env["GIT_PASSWORD"]) == git[:2]
    if got.config_text is not None and not mounts_config(got):
        assert got.config_mode == 0o600
        written = [login for login in needed.values() if not login.is_cloud]
        assert written or got.config == {"auths": {}}


def has_its_inputs(got: Recorded, wanted: Run) -> None:
    """Certificates, build secrets and proxies are in every run; written files are private."""
    given = expectation.always_given(wanted)
    assert {name: got.env.get(name) for name in given} == given
    wanted_files = expectation.inputs(wanted)
    folder = "/kaniko/certificates/"
    found = {path: item for path, item in got.inputs.items() if path.startswith(folder)}
    assert {path: item.text.removesuffix("\n") for path, item in found.items()} == wanted_files
    mounted = {mount.target for mount in got.mounts if mount.source.startswith(("secret", "proj"))}
    for path, item in got.inputs.items():
        if path.rpartition("/")[0] not in mounted:
            assert item.mode == 0o600, path


def asks_the_store(got: Recorded, wanted: Run) -> None:
    """The store of the context answers: its address, and a key or the file that holds it."""
    environment = expectation.context_environment(wanted.spec)
    assert {name: got.env[name] for name in environment} == environment
    secret = expectation.context_secret(wanted.spec)
    if secret:
        name, key = secret
        held = got.credentials[name] if name in CREDENTIAL_FILES else got.env[name]
        assert held.removesuffix("\n") == expectation.secret(key)


def asks_the_cloud(got: Recorded, login: Login, wanted: Run) -> None:
    """There is no entry for the host: the executor's helper finds role or key by itself."""
    assert lookup(got, login.host) is None
    environment = {**login.environment, **expectation.context_environment(wanted.spec)}
    if login.kind == "aws" and "AWS_REGION" not in expectation.context_environment(wanted.spec):
        # The client takes a registry's region from its name; this one is for the exchange.
        every = expectation.all_logins(wanted).values()
        regions = {other.environment.get("AWS_REGION") for other in every}
        assert got.env["AWS_REGION"] in regions
        del environment["AWS_REGION"]
    paths = environment.keys() & set(CREDENTIAL_FILES)
    seen = {name: got.env[name] for name in environment}
    assert seen | {name: seen[name].rpartition("/")[2] for name in paths} == environment
    for name, text in login.files.items():
        held = got.credentials[name].removesuffix("\n")
        assert text in (held, token_of(got, held))


def token_of(got: Recorded, document: str) -> str:
    """The identity to which Google's description of it leads."""
    if not document.startswith("{"):
        return ""
    source = json.loads(document)["credential_source"]["file"]
    return got.inputs[source].text


def has_no_part_of(got: Recorded, login: Login, wanted: Run) -> None:
    """A pod of Buildkite's is the same in every run; a manifest is for one run only."""
    if got.target == "buildkite" or login.kind in wanted.spec.section("context_login"):
        return
    assert not login.environment.keys() & got.env.keys()
    assert not login.files.keys() & got.credentials.keys()


def is_always_there(got: Recorded, login: Login) -> bool:
    """Kaniko finds GitLab's own login by itself; a volume of Buildkite's Pod is in every run."""
    if got.target == "gitlab":
        return login.host == got.env["CI_REGISTRY"]
    return got.target == "buildkite" and login.kind == "docker-config"


def mounts_config(got: Recorded) -> bool:
    return any(mount.source.startswith("secret:") for mount in got.mounts)


def kept_secret(got: Recorded, wanted: Run) -> None:
    """No password, nor its base64, anywhere but in the login's own place."""
    texts = {
        "arguments": "\0".join((*got.command, *got.curl, *got.agent)),
        "stdout": "\n".join(line for line in got.stdout.splitlines() if not is_mask(got, line)),
        "stderr": got.stderr,
        **{path: data.decode("utf-8", "replace") for path, data in left_behind(got).items()},
    }
    if got.command[:1] == ("docker",):
        own = {"DOCKER_AUTH_CONFIG", "GIT_PASSWORD", "AZURE_STORAGE_ACCESS_KEY"}
        own |= expectation.always_given(wanted).keys()
        for login in expectation.logins(wanted).values():
            own |= login.environment.keys()
        texts["env"] = "\0".join(value for name, value in got.env.items() if name not in own)
    for secret in all_secrets(wanted):
        for place, text in texts.items():
            assert secret not in text, place


def is_mask(got: Recorded, line: str) -> bool:
    """GitHub's runner takes such a line for itself, and hides the value from then on."""
    return got.target == "github" and line.startswith("::add-mask::")


def all_secrets(wanted: Run) -> set[str]:
    """Every secret text, and how it looks when it is encoded."""
    found = {"ghs-harness", "glcbt-job", "oidc-harness", "request-harness", "eyJ."}
    found |= {*expectation.SESSION.values()}
    for name in (n for n in expectation.fed(wanted).secrets if not n.endswith("_USER")):
        text = expectation.secret(name)
        found |= {text, encoded(text), json.dumps(text)[1:-1]}
    for login in expectation.all_logins(wanted).values():
        pair = f"{login.user}:{login.password}"
        found |= {login.password, encoded(login.password), encoded(pair)}
    git = expectation.git_login(wanted)
    found |= {git[1], encoded(git[1])} if git else set()
    found |= {
        expectation.secret(name) for name in (expectation.context_secret(wanted.spec) or ())[1:]
    }
    return found - {"", encoded(":")}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def left_behind(got: Recorded) -> dict[str, bytes]:
    """Files that are still there, logins in the container's own file system aside."""
    files = got.files if got.calls else {}
    logins = ("/kaniko/.docker/", "/kaniko/credentials/", "/kaniko/certificates/")
    return {path: data for path, data in files.items() if not path.startswith(logins)}


def cleaned_up(got: Recorded, wanted: Run) -> None:
    outputs = {path.rpartition("/")[2] for path in expectation.output_files(wanted.spec)}
    assert {path.rpartition("/")[2] for path in left_behind(got)} <= outputs


def check(got: Recorded, wanted: Run) -> None:
    needed = expectation.secrets_needed(wanted)
    if wanted.event.fork and needed:
        stopped(got, needed)
    else:
        reached(got, wanted)
        logged_in(got, wanted)
    kept_secret(got, wanted)
    cleaned_up(got, wanted)


def started(case: str) -> list[Event]:
    """The events that start the job: a script need not care for the others."""
    events = expectation.events(read(case))
    return [event for event in events if expectation.starts(read(case), event)]


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_what_reaches_the_executor(case: str, target: str) -> None:
    def job(event: Event, shell: str) -> None:
        check(recorded(case, target, event, shell), Run(read(case), target, event))

    in_parallel(
        partial(job, event, shell)
        for event in started(case)
        for shell in shells_for(event, case, target)
    )


@pytest.mark.parametrize("case", CASES)
def test_the_same_arguments_everywhere(case: str) -> None:
    """Law 1: what was recorded is compared, after the words that each platform has for itself."""
    targets = [target for target in TARGETS if refused(case, target) is None]
    for event in started(case):
        runs = [
            recorded(case, target, event, shells_for(event, case, target)[0]) for target in targets
        ]
        lists = {got.target: common(got, case) for got in runs if got.calls}
        assert len({*lists.values()}) <= 1, lists


def common(got: Recorded, case: str) -> tuple[str, ...]:
    wanted = Run(read(case), got.target, got.event)
    own = expectation.own_values(wanted)
    return tuple(anonymised(argument, own) for argument in compared(got, wanted))


def compared(got: Recorded, wanted: Run) -> list[str]:
    """The arguments; Agola's executor runs where it also fetches to, and that is no checkout."""
    if expectation.clones(wanted):
        return normalise(replace(got, workspace="/workspace"))
    return normalise(replace(got, workspace="") if expectation.is_fetched(wanted.spec) else got)


def anonymised(argument: str, own: Mapping[str, str]) -> str:
    """The longest words first: one may be part of another."""
    for name in sorted(own, key=lambda name: -len(own[name])):
        argument = argument.replace(own[name], f"<{name}>")
    return argument


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_a_failed_build_fails_the_job_with_its_status(case: str, target: str) -> None:
    number = CASES.index(case) + TARGETS.index(target)
    event, status = started(case)[0], (7, 42)[number % 2]
    wanted = Run(read(case), target, event)
    got = execute(wanted, render(case, target, event), any_shell(number), status=status)
    assert (got.status, got.calls) == (status, 1)
    assert not left_behind(got)


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_a_missing_secret_stops_a_run_that_needs_it(case: str, target: str) -> None:
    def job(name: str, event: Event, shell: str) -> None:
        wanted = Run(read(case), target, event)
        fed = expectation.fed(wanted).without(name)
        got = execute(wanted, render(case, target, event), shell, fed=fed)
        stopped(got, [name])
        assert WHERE.get(target, "settings") in got.stderr or got.status == NEVER_STARTED
        kept_secret(got, wanted)
        assert not left_behind(got)

    in_parallel(
        partial(job, name, event, any_shell(number))
        for number, (name, event) in enumerate(first_needed(case, target).items())
    )


def first_needed(case: str, target: str) -> dict[str, Event]:
    """Every secret, with an event whose run needs it."""
    found: dict[str, Event] = {}
    for event in started(case):
        for name in expectation.secrets_needed(Run(read(case), target, event)):
            found.setdefault(name, event)
    return found


def test_every_secret_is_needed_by_some_run() -> None:
    for case, target in RENDERED:
        fed = expectation.fed(Run(read(case), target, started(case)[0]))
        assert first_needed(case, target).keys() == fed.secrets.keys() | fed.docker_configs.keys()


@pytest.mark.parametrize(
    ("case", "target"), [(case, target) for case, target in RENDERED if target != "kubernetes"]
)
def test_the_environment_of_the_job_changes_nothing(case: str, target: str) -> None:
    number = CASES.index(case) + TARGETS.index(target)
    events = [event for event in started(case) if not event.fork]
    event = events[number % len(events)]
    wanted = Run(read(case), target, event)
    foreign = {"auth": encoded("somebody:else")}
    auths = {login.host: foreign for login in expectation.all_logins(wanted).values()}
    auths |= {"https://index.docker.io/v1/": foreign} if HUB in auths else {}
    extra = {"KANIKO_NO_PUSH": "true", "DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
    got = execute(wanted, render(case, target, event), any_shell(number), extra_env=extra)
    reached(got, wanted)
    logged_in(got, wanted)


@pytest.mark.parametrize("target", [target for target in RUN_BY_A_SHELL if target != "buildkite"])
def test_an_empty_secret_is_a_missing_one(target: str) -> None:
    wanted = Run(read("push-always"), target, DEFAULT_BRANCH)
    fed = expectation.Fed({"QUAY_PASSWORD": ""}, {})
    for shell in SHELLS:
        stopped(execute(wanted, render("push-always", target), shell, fed=fed), ["QUAY_PASSWORD"])


def test_gitlab_takes_a_ready_config_as_text_too() -> None:
    wanted = Run(read("docker-config"), "gitlab", DEFAULT_BRANCH)
    fed = expectation.fed(wanted)
    as_text = expectation.Fed({**fed.secrets, **fed.docker_configs}, {})
    for shell in SHELLS:
        got = execute(wanted, render("docker-config", "gitlab"), shell, fed=as_text)
        check(got, wanted)


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


@pytest.mark.parametrize("target", RUN_BY_A_SHELL)
@pytest.mark.parametrize("event", OTHER_EVENTS, ids=lambda event: event.name)
def test_scheduled_and_manual_runs(target: str, event: Event) -> None:
    spec = (
        "default_branch: main\n"
        "destinations:\n"
        f"  - {{image: 'quay.io/acme/shop:it', when: {event.source}}}\n"
        "  - {image: 'quay.io/acme/shop:main', when: default-branch}\n"
        "registries: {quay.io: {username: acme, password: QUAY_PASSWORD}}\n"
    )
    text = rendering(ci_kaniko.loads(spec), target, event)
    if isinstance(text, ci_kaniko.SpecError):
        assert "impossible-condition" in {problem.rule for problem in text.problems}
        return
    for actual in (event, DEFAULT_BRANCH):
        wanted = Run(expectation.read(spec), target, actual)
        for shell in SHELLS:
            check(execute(wanted, text, shell), wanted)


FAKE_GIT = """#!/bin/sh
printf '%s\\0' "$@" >>"$LOG"
printf '\\n' >>"$LOG"
"""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_a_clone_is_this_repository_at_this_commit(event: Event, tmp_path: Path) -> None:
    document = yaml.safe_load(render("kubernetes-clone", "kubernetes", event))
    (container,) = document["spec"]["initContainers"]
    store = {"ci-kaniko": {"GIT_TOKEN": expectation.secret("GIT_TOKEN")}}
    env = kubelet.environment(container, store)
    script = kubelet.expand(container["args"][0], env)
    (tmp_path / "git").write_text(FAKE_GIT)
    (tmp_path / "git").chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    done = subprocess.run(
        ["sh", "-c", script], env={**env, **path}, capture_output=True, check=True
    )
    calls = [line.split("\0")[:-1] for line in (tmp_path / "log").read_text().splitlines()]
    assert [call[-1] for call in calls] == [
        "/workspace",
        event.ref.replace("merge", "head"),
        event.sha,
    ]
    assert calls[1][-2] == f"{event.server}/{event.repository}.git"
    assert container["volumeMounts"][0]["mountPath"] == calls[0][-1]
    for text in (str(calls), done.stdout.decode(), done.stderr.decode()):
        assert env["GIT_PASSWORD"] not in text
