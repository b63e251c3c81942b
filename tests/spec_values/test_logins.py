"""Each way to log in on each target: the table of docs/matrix.md, executed cell by cell."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing.logins import lookup
from ci_kaniko.rehearsing.triggers import github_steps
from ci_kaniko.requirements import requirements, setup_json, setup_text
from harness import expectation, expected_logins
from harness.checks import (
    NEVER_STARTED,
    all_secrets,
    check,
    kept_secret,
    left_behind,
    stopped,
)
from harness.events import DEFAULT_BRANCH, EVENTS
from harness.expectation import Run
from harness.runs import RENDERED, SHELLS, execute, read, render, spec_of, values_for
from make.matrix import INPUTS, LOGINS, TITLES, input_outcome, login_outcome, login_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded

PULL_REQUEST = next(event for event in EVENTS if event.pull_request and not event.fork)
FORK = next(event for event in EVENTS if event.fork)
CELLS = [(kind, column) for kind in LOGINS for column in TITLES]
NEEDED = [(title, column) for title in INPUTS for column in TITLES]

IMPOSSIBLE = {
    ("ci-token", "agola"): "foreign-ci-token",
    ("ci-token", "kubernetes"): "foreign-ci-token",
    **{
        (kind, column): "impossible-login"
        for kind in LOGINS
        for column in ("agola", "github-container")
        if kind.endswith(("{role: ARN}}", "service_account: …}}", "client_id: …}}"))
    },
}
POSSIBLE = [cell for cell in CELLS if cell not in IMPOSSIBLE]
IN_EVERY_RUN = {
    # Kaniko finds GitLab's own login by itself.
    ("ci-token", "gitlab"),
    *(("{username: TEXT, password: NAME, pull: true}", column) for column in TITLES),
}
"""The cells whose credentials reach the executor although nothing is pushed."""


def columned(text: str, column: str) -> tuple[str, str]:
    """The spec of a column of the table, and the target that it is for."""
    target, _, mode = column.partition("-")
    return (f"{text}\ngithub: {{mode: {mode}}}" if mode else text), target


def number(kind: str, column: str) -> int:
    return CELLS.index((kind, column))


def ran(text: str, column: str, event: Event, shell: str = "dash") -> tuple[Recorded, Run]:
    spec, target = columned(text, column)
    wanted = Run(expectation.read(spec), target, event)
    rendered = rendering.render(ci_kaniko.loads(spec), target, values_for(target, event))
    return execute(wanted, rendered, shell), wanted


def test_what_is_refused_is_refused_for_its_reason() -> None:
    refused = {
        (kind, column): problem.rule
        for kind, column in CELLS
        if (problem := login_outcome(kind, column)) is not None
    }
    assert refused == IMPOSSIBLE
    problems = [login_outcome(*cell) for cell in IMPOSSIBLE]
    assert all(problem is not None and problem.hint for problem in problems)


@pytest.mark.parametrize(("kind", "column"), POSSIBLE)
def test_a_login_is_there_when_the_executor_starts(kind: str, column: str) -> None:
    shell = SHELLS[number(kind, column) % len(SHELLS)]
    check(*ran(login_spec(kind, column), column, DEFAULT_BRANCH, shell))


@pytest.mark.parametrize(("kind", "column"), POSSIBLE)
def test_a_run_that_does_not_push_has_no_credentials(kind: str, column: str) -> None:
    got, wanted = ran(login_spec(kind, column), column, PULL_REQUEST)
    check(got, wanted)
    assert ((kind, column) in IN_EVERY_RUN) == bool([*credentials(got, wanted)])


def credentials(got: Recorded, wanted: Run) -> Iterator[str]:
    """What opens a registry, the plain variables of the job aside."""
    for host, login in expected_logins.all_logins(wanted).items():
        if lookup(got, host):
            yield host
        texts = [expected_logins.secret(name) for name in login.secrets] + [login.password]
        places = {path: item.text for path, item in got.inputs.items()}
        places |= {name: text for name, text in got.env.items() if name in login.environment}
        yield from (
            place for place, found in places.items() for text in texts if text and text in found
        )


@pytest.mark.parametrize(("kind", "column"), POSSIBLE)
def test_a_fork_is_built_without(kind: str, column: str) -> None:
    check(*ran(login_spec(kind, column), column, FORK))


@pytest.mark.parametrize(("kind", "column"), POSSIBLE)
def test_a_missing_secret_is_named_in_the_first_lines(kind: str, column: str) -> None:
    text, target = columned(login_spec(kind, column), column)
    wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
    rendered = rendering.render(ci_kaniko.loads(text), target, values_for(target, DEFAULT_BRANCH))
    for name in expected_logins.secrets_needed(wanted):
        fed = expected_logins.fed(wanted).without(name)
        got = execute(wanted, rendered, "busybox", fed=fed)
        stopped(got, [name])
        assert got.stderr.count("\n") == 1
        assert got.status == NEVER_STARTED or "et" in got.stderr
        kept_secret(got, wanted)
        assert not left_behind(got)


@pytest.mark.parametrize(("title", "column"), NEEDED)
def test_what_every_build_gets(title: str, column: str) -> None:
    assert input_outcome(title, column) is None
    text = f"default_branch: main\npush: never\n{INPUTS[title]}"
    for event in (DEFAULT_BRANCH, PULL_REQUEST, FORK):
        check(*ran(text, column, event))


@pytest.mark.parametrize(("title", "column"), NEEDED)
def test_a_build_stops_without_what_it_needs(title: str, column: str) -> None:
    text, target = columned(f"default_branch: main\npush: never\n{INPUTS[title]}", column)
    wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
    rendered = rendering.render(ci_kaniko.loads(text), target, values_for(target, DEFAULT_BRANCH))
    for name in expected_logins.secrets_needed(wanted):
        got = execute(wanted, rendered, "dash", fed=expected_logins.fed(wanted).without(name))
        stopped(got, [name])
        kept_secret(got, wanted)


@pytest.mark.parametrize("server", ["gitlab.com:443", "gitlab.example.com:8443", "gitlab.lan:80"])
def test_the_port_of_the_dependency_proxy(server: str) -> None:
    """Images name the host without the port of https; kaniko looks it up as they name it."""
    text = "push: never\ngitlab: {dependency_proxy: true}"
    spec, target = columned(text, "gitlab")
    wanted = Run(expectation.read(spec), target, DEFAULT_BRANCH)
    rendered = rendering.render(ci_kaniko.loads(spec), target)
    got = execute(wanted, rendered, "dash", extra_env={"CI_DEPENDENCY_PROXY_SERVER": server})
    assert lookup(got, server.removesuffix(":443")) == ("gitlab-ci-token", "glcbt-job")
    assert got.config == {
        "auths": {
            server.removesuffix(":443"): {
                "auth": base64.b64encode(b"gitlab-ci-token:glcbt-job").decode()
            }
        }
    }


def test_hosts_that_differ_in_a_dot_alone_are_told_apart() -> None:
    """What a run does not push to is not opened, and its secret is not asked for."""
    text = """\
triggers: {branches: [main, dev], tags: ["v*"]}
destinations:
  - {image: "a-b.example.com/acme/shop:1", when: {branch: main}}
  - {image: "a-b.example.com/acme/shop:2", when: {tag: "v*"}}
  - {image: "a.b.example.com/acme/shop:1", when: {branch: dev}}
  - {image: "a.b.example.com/acme/shop:2", when: {tag: "v*"}}
registries:
  a-b.example.com: {username: acme, password: TOKEN}
  a.b.example.com: {username: acme, password: OTHER_TOKEN}
"""
    got, wanted = ran(text, "gitlab", DEFAULT_BRANCH)
    check(got, wanted)
    assert lookup(got, "a-b.example.com")
    assert not lookup(got, "a.b.example.com")


def test_a_dependency_proxy_that_is_off_stops_the_job() -> None:
    text = "push: never\ngitlab: {dependency_proxy: true}"
    wanted = Run(expectation.read(text), "gitlab", DEFAULT_BRANCH)
    rendered = ci_kaniko.render(ci_kaniko.loads(text), "gitlab")
    got = execute(wanted, rendered, "dash", extra_env={"CI_DEPENDENCY_PROXY_PASSWORD": ""})
    stopped(got, ["the dependency proxy is off"])


def test_the_token_of_gitlab_goes_to_its_own_registry_alone() -> None:
    text = "destinations: [HOST/acme/shop:1]\nregistries: {HOST: ci-token}\n"
    check(*ran(text.replace("HOST", "registry.example.com"), "gitlab", DEFAULT_BRANCH))
    got, _ = ran(text.replace("HOST", "registry.gitlab.com"), "gitlab", DEFAULT_BRANCH)
    stopped(got, ["registry.gitlab.com is not the registry of this GitLab"])


def test_github_answers_without_a_token() -> None:
    """A run without the permission, or an answer that holds nothing, never starts the executor."""
    kind = "{aws: {role: ARN}}"
    text = ci_kaniko.render(ci_kaniko.loads(login_spec(kind, "github")), "github")
    wanted = Run(expectation.read(login_spec(kind, "github")), "github", DEFAULT_BRANCH)
    for shell in SHELLS:
        unasked = text.replace("id-token: write #", "id-token: none #")
        stopped(execute(wanted, unasked, shell), ["id-token: write"])
        wrong = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "another"}
        got = execute(wanted, text, shell, extra_env=wrong)
        assert (got.status != 0, got.calls) == (True, 0)


def test_the_token_of_a_request_never_stands_in_an_argument() -> None:
    for kind in ("{aws: {role: ARN}}", "{azure: {tenant_id: …, client_id: …}}"):
        got, _ = ran(login_spec(kind, "github"), "github", DEFAULT_BRANCH)
        words = "\n".join(got.curl)
        assert "request-rehearsal" not in words
        assert "eyJ." not in words
        masked = [line for line in got.stdout.splitlines() if line.startswith("::add-mask::")]
        assert len(masked) >= 3


@pytest.mark.parametrize("kind", ["{aws: ambient}", "{google: ambient}"])
def test_a_machine_that_has_no_keys_to_give_is_not_waited_for(kind: str) -> None:
    """Off the cloud nobody is at its address: one attempt of seconds, where others try anew."""
    got, _ = ran(f"{login_spec(kind, 'gitlab')}\nbuilder: buildah", "gitlab", DEFAULT_BRANCH)
    calls = [call.split("\n") for call in "\n".join(got.curl).split("--fail\n") if call]
    near = [call for call in calls if any("//169.254." in w or "//metadata." in w for w in call)]
    assert near
    for call in calls:
        assert ("--connect-timeout" in call, "--retry" in call) == (call in near, call not in near)


def test_two_clouds_and_a_context_share_one_client() -> None:
    """Two registries of AWS and a bucket: the keys once, the region of the bucket."""
    hosts = [
        f"123456789012.dkr.ecr.{region}.amazonaws.com" for region in ("eu-west-1", "us-east-2")
    ]
    text = (
        "context: s3://acme-sources/shop.tar.gz\n"
        "context_login: {aws: {access_key_id: ID, secret_access_key: KEY}, region: us-west-2}\n"
        f"destinations: [{hosts[0]}/shop:1, {hosts[1]}/shop:1]\nregistries:\n"
    )
    text += "".join(
        f"  {h}: {{aws: {{access_key_id: ID, secret_access_key: KEY}}}}\n" for h in hosts
    )
    spec = ci_kaniko.loads(f"default_branch: main\n{text}")
    for target in ("gitlab", "github", "agola", "buildkite", "kubernetes"):
        rendered = ci_kaniko.render(spec, target, values_for(target, DEFAULT_BRANCH))
        wanted = Run(expectation.read(text), target, DEFAULT_BRANCH)
        fed = expected_logins.Fed(
            {name: expected_logins.secret(name) for name in ("ID", "KEY")}, {}
        )
        got = execute(wanted, rendered, "dash", fed=fed)
        assert got.status == 0, got.stderr
        assert got.env["AWS_REGION"] == "us-west-2"
        assert got.env["AWS_ACCESS_KEY_ID"] == expected_logins.secret("ID")
        jobs = 2 if target == "agola" else 1  # pull requests have a task of their own
        assert rendered.count("us-west-2") == jobs


@pytest.mark.parametrize("column", TITLES)
def test_the_clients_of_two_clouds_each_find_their_keys(column: str) -> None:
    hosts = {
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com": (
            "{aws: {access_key_id: ECR_ID, secret_access_key: ECR_KEY}}"
        ),
        "europe-docker.pkg.dev": "{google: {key_file: GOOGLE_KEY}}",
    }
    text = "".join(f"  {host}: {login}\n" for host, login in hosts.items())
    images = ", ".join(f"{host}/acme/images/shop:1" for host in hosts)
    text = f"default_branch: main\ndestinations: [{images}]\nregistries:\n{text}"
    got, wanted = ran(text, column, DEFAULT_BRANCH)
    check(got, wanted)
    assert got.env["AWS_ACCESS_KEY_ID"] == expected_logins.secret("ECR_ID")
    assert "GOOGLE_APPLICATION_CREDENTIALS" in got.env


def test_a_pull_login_of_the_ci_may_push_too() -> None:
    """`pull: true` adds runs, it takes nothing away: the token still needs to write."""
    text = (
        "destinations: ['ghcr.io/acme/shop:1']\nregistries: {ghcr.io: {use: ci-token, pull: true}}"
    )
    rendered = ci_kaniko.render(ci_kaniko.loads(text), "github")
    assert "packages: write # to push to the registry" in rendered
    pulled = "push: never\nregistries: {ghcr.io: ci-token}"
    assert "packages: read # to pull" in ci_kaniko.render(ci_kaniko.loads(pulled), "github")


def test_buildkite_own_store_gives_every_kind() -> None:
    for kind in LOGINS:
        text = f"{login_spec(kind, 'buildkite')}\nbuildkite: {{secrets: buildkite}}"
        spec = ci_kaniko.loads(text)
        wanted = Run(expectation.read(text), "buildkite", DEFAULT_BRANCH)
        check(execute(wanted, ci_kaniko.render(spec, "buildkite"), "dash"), wanted)
        request = replace(wanted, event=PULL_REQUEST)
        check(execute(request, ci_kaniko.render(spec, "buildkite"), "dash"), request)


def test_an_identity_document_is_the_one_that_google_describes() -> None:
    kind = "{google: {provider: …, service_account: …}}"
    for column in ("gitlab", "github", "buildkite", "kubernetes"):
        got, _ = ran(login_spec(kind, column), column, DEFAULT_BRANCH)
        document = json.loads(got.credentials["GOOGLE_APPLICATION_CREDENTIALS"])
        assert document["type"] == "external_account"
        assert document["audience"].startswith("//iam.googleapis.com/projects/")
        assert document["credential_source"].keys() == {"file"}
        assert got.inputs[document["credential_source"]["file"]].text


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_no_file_and_no_list_holds_a_secret(case: str, target: str) -> None:
    """Nothing that is written down holds a value, its base64, or its form in JSON."""
    wanted = Run(read(case), target, DEFAULT_BRANCH)
    found = requirements(spec_of(case), target)
    texts = (render(case, target, DEFAULT_BRANCH), setup_text(found, target), setup_json(found))
    for secret in all_secrets(wanted):
        assert not any(secret in text for text in texts)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "kubernetes"])
def test_a_role_is_taken_only_by_the_runs_that_push_there(target: str) -> None:
    """Conditions on every destination: another branch takes no role, and the right one does."""
    hosts = [f"123456789012.dkr.ecr.{name}.amazonaws.com" for name in ("eu-west-1", "us-east-2")]
    role = "arn:aws:iam::123456789012:role/image-push"
    text = (
        "default_branch: main\ntriggers: {branches: ['**'], tags: ['**']}\n"
        f"destinations:\n  - {{image: {hosts[0]}/shop:main, when: default-branch}}\n"
        f"  - {{image: {hosts[1]}/shop:tag, when: {{tag: '**'}}}}\n"
        "  - {image: quay.io/acme/shop:1, when: {branch: 'feature/**'}}\nregistries:\n"
        + "".join(f"  {host}: {{aws: {{role: '{role}'}}}}\n" for host in hosts)
        + "  quay.io: anonymous\n"
    )
    for event in EVENTS:
        if not event.pull_request:
            check(*ran(text, target, event))


def test_the_default_branch_and_all_others_are_any_branch() -> None:
    """Nobody is asked first which of the two a branch is, where the login is for both."""
    text = (
        "default_branch: main\ntriggers: {branches: ['**'], tags: ['**']}\ndestinations:\n"
        "  - {image: ghcr.io/acme/shop:1, when: default-branch}\n"
        "  - {image: ghcr.io/acme/shop:2, when: other-branch}\n"
        "registries: {ghcr.io: {username: bot, password: GHCR_TOKEN}}\n"
    )
    assert "id: pushes" not in rendering.render(ci_kaniko.loads(text), "github")
    for event in [event for event in EVENTS if event.tag or event.branch][1:]:
        check(*ran(text, "github", event))


# -- the images that the platform pulls -----------------------------------------------------------

ANY = {"github", "github-container", "agola"}
PULLING = {
    "a text": ("{username: reader, password: MIRROR_PASSWORD}", ANY),
    "a secret user": ("{username: {secret: MIRROR_USER}, password: MIRROR_PASSWORD}", ANY),
    "an expression": ('{username: "it\'s ${{ x }}", password: MIRROR_PASSWORD}', ANY),
    "a ready config": ("{docker_config: MIRROR_CONFIG}", {"github"}),
    "a cloud": ("{aws: {access_key_id: KEY_ID, secret_access_key: KEY}}", set[str]()),
    "the CI's own": (
        "{default: {username: reader, password: MIRROR_PASSWORD}, github: ci-token}",
        {"github", "github-container", "agola"},
    ),
}
PULL_HOSTS = {"a cloud": "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "the CI's own": "ghcr.io"}


@pytest.mark.parametrize("column", sorted(ANY))
@pytest.mark.parametrize("event", [DEFAULT_BRANCH, PULL_REQUEST], ids=lambda event: event.name)
@pytest.mark.parametrize("kind", PULLING)
def test_a_mirror_is_pulled_with_its_login(kind: str, event: Event, column: str) -> None:
    """Of every run; the login of a host that is pushed to as well is for runs that push."""
    login, columns = PULLING[kind]
    host = PULL_HOSTS.get(kind, "mirror.example.com")
    prepare = f'prepare: {{image: {host}/acme/go:1.26, commands: ["true"], artifacts: [a]}}'
    registries = f"registries: {{quay.io: anonymous, {host}: {login}}}"
    for pushed in ("quay.io", host):
        text, target = columned(
            "\n".join(
                [
                    "default_branch: main",
                    f"destinations: ['{pushed}/acme/shop:1']",
                    f"executor: {{image: {host}/oss/kaniko}}",
                    registries,
                    *[prepare] * (column == "github"),
                ]
            ),
            column,
        )
        wanted = Run(expectation.read(text), target, event)
        rendered = rendering.render(ci_kaniko.loads(text), target)
        got = execute(wanted, rendered, "dash")
        check(got, wanted)
        assert target != "github" or github_steps(rendered, event)
        assert len(got.pulls) == 1 + (column == "github")
        given = column in columns and pushed != host
        assert {found is not None for found in got.pulls.values()} == {given}
