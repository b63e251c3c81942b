"""``ci-kaniko preview``: what each event does, for people and for programs.

That it is what a rendered file does is held where the pipelines run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.previewing.events import KINDS, UnknownEvent, occasions
from ci_kaniko.previewing.preview import preview
from ci_kaniko.previewing.text import WIDTH, lines, markdown
from harness.execution import rehearse
from harness.repository import Repository, git

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
default_branch: main
destinations:
  - ghcr.io/acme/shop:${commit.short}
  - {image: 'ghcr.io/acme/shop:latest', when: default-branch}
  - {image: 'docker.io/acme/shop:${version}', when: version}
registries:
  ghcr.io:
    default: {username: acme-bot, password: GHCR_TOKEN}
    github: ci-token
  docker.io: {username: {secret: HUB_USER}, password: HUB_TOKEN}
cache: {repo: ghcr.io/acme/shop/cache}
triggers: {branches: [main, 'release/*'], tags: ['v*'], pull_requests: true}
build_secrets: {npm: NPM_TOKEN}
"""
SEVERAL = """\
default_branch: main
registries: {quay.io: {username: bot, password: QUAY_TOKEN}}
images:
  base:
    destinations: ['quay.io/acme/base:1']
    triggers: {branches: [main], tags: ['v*'], paths: ['base/**'], schedules: ['0 3 * * 1']}
    digest: true
  web:
    destinations: [{image: 'quay.io/acme/web:${tag}', when: {tag: 'v*'}}]
    platforms: [linux/amd64, linux/arm64]
    prepare: {image: 'docker.io/library/node:22', commands: [npm ci], artifacts: [dist]}
    triggers: {branches: ['**'], tags: ['v*'], pull_requests: true}
"""
EVERYWHERE = """\
push to main, the default branch
  build                     triggers.branches: main
    pushes      ghcr.io/acme/shop:${commit.short}
                ghcr.io/acme/shop:latest
    logs in to  ghcr.io as acme-bot with GHCR_TOKEN
    secrets     NPM_TOKEN
    cache       ghcr.io/acme/shop/cache, read and written
    on github
      logs in to  ghcr.io with ci-token
"""
TOGETHER = """\
push to main, the default branch
  prepare web               triggers.branches: **
  build base                triggers.branches: main, if base/** changed
    pushes      quay.io/acme/base:1
    logs in to  quay.io as bot with QUAY_TOKEN
    hands over  digest
  build linux/amd64 web     triggers.branches: **
    after       prepare web
    platform    linux/amd64
    pushes      nothing: no destination is for this event
  build linux/arm64 web     triggers.branches: **
    after       prepare web
    platform    linux/arm64
    pushes      nothing: no destination is for this event
  join web                  does not start: no destination is for this event
"""


def said(text: str, event: str, *targets: str) -> str:
    """What is printed of one event, below the line that names the spec."""
    return "\n".join([*lines(preview(ci_kaniko.loads(text), targets, [event]))][2:]) + "\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path, git="")
    made.write("ci-kaniko.yaml", SPEC)
    return made


def test_what_holds_everywhere_and_what_differs() -> None:
    assert said(SPEC, "default-branch", "gitlab", "github", "buildkite", "kubernetes") == EVERYWHERE
    assert "on " not in said(SPEC, "default-branch", "github")


def test_the_targets_of_outputs_are_those_that_count() -> None:
    """As for the other commands; all of them where the spec names no file."""
    spec = "push: never\ndefault_branch: main\n"
    assert {*preview(ci_kaniko.loads(spec)).targets} == {*ci_kaniko.available_targets()}
    outputs = "outputs: {github: .github/workflows/image.yml, agola: .agola/config.yml}\n"
    assert preview(ci_kaniko.loads(spec + outputs)).targets == ("github", "agola")
    assert preview(ci_kaniko.loads(spec + outputs), ["gitlab"]).targets == ("gitlab",)


def test_several_images_and_platforms() -> None:
    assert said(SEVERAL, "default-branch", "gitlab", "github") == TOGETHER


@pytest.mark.parametrize(
    ("event", "part"),
    [
        ("branch=feature/y", "starts nothing: triggers.branches does not match"),
        ("branch=release/1", "triggers.branches: release/*"),
        ("tag=v2.0.0-rc.1", "docker.io/acme/shop:2.0.0-rc.1"),
        ("tag=nightly", "starts nothing: triggers.tags does not match"),
        ("pull-request=7", "nothing: a pull request, and push is auto"),
        ("pull-request=7", "ghcr.io/acme/shop/cache, read\n"),
        ("fork=7", "gitlab and github: pull requests of forks get no secrets"),
        ("schedule", "starts nothing: triggers.schedules is not set"),
        ("manual", "starts nothing: triggers.manual is not set"),
        ("pipeline", "starts nothing: triggers.pipelines is not set"),
    ],
)
def test_events(event: str, part: str) -> None:
    assert part in said(SPEC, event, "gitlab", "github")


def test_a_platform_that_leaves_a_run_out_says_why() -> None:
    text = said(SEVERAL, "pull-request", "gitlab", "buildkite", "kubernetes")
    assert "does not start: the push to feature/x has built it" in text


@pytest.mark.parametrize("branches", ["main", "'**'"])
def test_a_request_of_a_fork_that_runs_in_the_fork(branches: str) -> None:
    text = "destinations: ['ghcr.io/acme/shop:1']\ndefault_branch: main\n"
    text += "registries: {ghcr.io: {username: a, password: TOKEN}}\n"
    text += f"triggers: {{branches: {branches}, pull_requests: true, repository: acme/shop}}\n"
    assert "in the fork, which is not triggers.repository" in said(text, "fork", "gitlab")
    assert "starts nothing" not in said(text, "fork", "github")
    assert [*rehearse(ci_kaniko.loads(text), "gitlab", "fork=7").jobs] == []


@pytest.mark.parametrize("event", ["schedule", "manual", "pipeline", "branch=feature/y"])
@pytest.mark.parametrize("branches", ["main", "feature/*"])
def test_a_child_asks_for_the_ref_whatever_has_started_its_parent(
    event: str, branches: str
) -> None:
    text = "destinations: ['ghcr.io/acme/shop:1']\ndefault_branch: main\n"
    text += "registries: {ghcr.io: {username: a, password: TOKEN}}\n"
    text += f"triggers: {{branches: '{branches}'}}\ngitlab: {{form: child}}\n"
    starts = (branches == "main") != event.startswith("branch")
    assert ("starts nothing" not in said(text, event, "gitlab")) == starts
    assert bool(rehearse(ci_kaniko.loads(text), "gitlab", event).jobs) == starts


def test_a_job_that_stops_for_want_of_a_value() -> None:
    text = "destinations: ['${registry.image}:${tag}']\ntriggers: {branches: [main]}\n"
    assert "${tag} is empty here, and the job needs it" in said(text, "default-branch", "gitlab")
    text = "push: never\ncontext: 'git://a.io/b/c.git#${branch}'\n"
    assert "${branch} is empty here, and the job needs it" in said(text, "tag=v1", "gitlab")
    assert "needs it" not in said(text, "default-branch", "gitlab")


def test_the_registry_of_the_ci_is_named_and_a_reason_is_told_once() -> None:
    text = "destinations: ['${registry.image}:1', '${registry.image}:2']\n"
    found = preview(ci_kaniko.loads(text), events=["tag=v1"])
    assert "    logs in to  ${registry.host} with ci-token" in [*lines(found)]
    assert len(found.refused["agola"]) > 1
    for shown in ("\n".join(lines(found)), markdown(found)):
        assert shown.count("cannot be known on agola") == 1


def test_a_registry_that_only_a_run_knows_is_shown_as_it_is_written() -> None:
    for host in ("${env.HOST}", "${env.ID}.dkr.ecr.${env.REGION}.amazonaws.com"):
        text = f"destinations: ['{host}/shop:1']\nregistries: {{'{host}': anonymous}}\n"
        text = text.replace("/shop", "/acme/shop").replace("anonymous", "{docker_config: CONF}")
        assert f"logs in to  {host}" in said(text, "default-branch", "gitlab")


def test_a_job_that_stops_for_a_value_that_no_image_can_have() -> None:
    text = SPEC.replace("${version}", "${tag}").replace("when: version", "when: {tag: 'v*'}")
    stops = "no image reference can hold the value of ${tag}"
    assert stops in said(text, "tag=v1.0+b", "gitlab", "github", "buildkite")
    assert "stops" not in said(text, "tag=v1.0-b", "gitlab")
    other = text.replace("{tag: 'v*'}", "{tag: 'w*'}")
    assert "stops" not in said(other, "tag=v1.0+b", "gitlab")


def test_the_usual_events_are_those_that_the_globs_are_about() -> None:
    words = [each.word for each in occasions(ci_kaniko.loads(SPEC))]
    assert words == [
        *("default-branch", "branch=feature/x", "branch=release/x", "tag=v1.2.3"),
        *("tag=v1.3.0-rc.1", "pull-request=12", "fork=12", "schedule", "manual"),
    ]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("push", '"push" is no event; did you mean "default-branch"?'),
        ("merge-request", '"merge-request" is no event; did you mean "pull-request"?'),
        ("tga=v1", '"tga" is no event; did you mean "tag"?'),
        ("deploy", f'"deploy" is no event; known: {", ".join(KINDS)}'),
        ("tag=", '"tag=" names nothing: write tag=NAME, or tag'),
        ("schedule=x", '"schedule=x": schedule takes no name'),
        ("branch=a b", '"a b" is no name of a branch: git refuses it'),
        ("branch=-a", '"-a" is no name of a branch: git refuses it'),
        ("tag=v*", '"v*" is no name of a tag: git refuses it'),
        ("tag=v1\n", '"v1\ufffd" is no name of a tag: git refuses it'),
        ("fork=x", '"x" is no number of a pull request: fork=12'),
    ],
)
def test_unknown_events(word: str, message: str) -> None:
    with pytest.raises(UnknownEvent) as error:
        occasions(ci_kaniko.loads(SPEC), [word])
    assert str(error.value) == message


@pytest.mark.parametrize("text", [SPEC, SEVERAL])
def test_lines_are_for_80_columns(text: str) -> None:
    assert all(len(line) <= WIDTH for line in lines(preview(ci_kaniko.loads(text))))


def test_a_target_that_refuses_the_spec_is_named_and_the_others_are_shown() -> None:
    spec = ci_kaniko.loads(SEVERAL)
    found = preview(spec)
    assert "agola" in found.refused
    assert "agola" not in found.targets
    assert "not on agola" in [*lines(found)]
    with pytest.raises(ci_kaniko.SpecError):
        preview(spec, ["agola"])


def test_tables_for_comments() -> None:
    table = markdown(preview(ci_kaniko.loads(SPEC), ["gitlab", "github"], ["default-branch"]))
    *_, rule, row = table.splitlines()
    assert rule == "| --- | --- | --- | --- | --- |"
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "push to main, the default branch",
        "build",
        "`ghcr.io/acme/shop:${commit.short}`<br>`ghcr.io/acme/shop:latest`",
        "ghcr.io as acme-bot with GHCR_TOKEN<br>on github: ghcr.io with ci-token",
        "ghcr.io/acme/shop/cache, read and written",
    ]


CHOSEN = """
default_branch: main
inputs: {chosen: {type: platforms, default: linux/amd64}}
platforms: [linux/amd64, linux/arm64]
destinations: ["ghcr.io/acme/shop:1.0"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
gitlab: {form: component}
"""


def test_jobs_that_only_some_targets_have() -> None:
    """An input that chooses platforms makes a job for each in a form that takes it."""
    found = preview(ci_kaniko.loads(CHOSEN), ["gitlab", "buildkite", "github"], ["default-branch"])
    (answer,) = found.answers
    names = ["build linux/amd64", "build linux/arm64", "join", "build"]
    assert [outcome.run.name for outcome in answer.outcomes] == names
    starting = [
        {target: outcome.differs.get(target, outcome.run).starts for target in found.targets}
        for outcome in answer.outcomes
    ]
    on_gitlab = {"gitlab": True, "buildkite": False, "github": False}
    nowhere = dict.fromkeys(on_gitlab, False)
    assert starting == [on_gitlab, nowhere, on_gitlab, {k: not v for k, v in on_gitlab.items()}]
    assert "does not start: the input chosen is linux/amd64" in "\n".join(lines(found))
    *_, first, _, last, _ = markdown(found).splitlines()
    absent = "does not start: there is no such job<br>on gitlab: "
    assert f"{absent}ghcr.io/acme/shop:${{commit.sha}}-amd64 | on gitlab: ghcr.io as" in first
    assert f"{absent}ghcr.io/acme/shop:1.0 | on gitlab: ghcr.io as acme-bot" in last


def test_json(repository: Repository) -> None:
    done = repository.run("preview", "--format", "json", "--event", "tag=v1.0.0")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    assert found["targets"] == [*ci_kaniko.available_targets()]
    (event,) = found["events"]
    (job,) = event["jobs"]
    assert job["destinations"][-1] == "docker.io/acme/shop:1.0.0"
    assert job["logins"][-1] == {
        "host": "docker.io",
        "how": "as HUB_USER with HUB_TOKEN",
        "secrets": ["HUB_USER", "HUB_TOKEN"],
    }
    assert [*job["differs"]["github"]] == ["logins"]


def test_against_an_earlier_commit(repository: Repository) -> None:
    git(repository.folder, "init", "-q")
    git(repository.folder, "add", "-A")
    git(repository.folder, "commit", "-q", "-m", "one")
    assert repository.run("preview", "--against", "HEAD").err == (
        "nothing that an event does differs from HEAD\n"
    )
    repository.write("ci-kaniko.yaml", SPEC.replace("when: version", "when: release"))
    done = repository.run("preview", "gitlab", "--against", "HEAD")
    assert done.out == (
        "tag v1.3.0-rc.1\n"
        "  build                     triggers.tags: v*\n"
        "    pushes      ghcr.io/acme/shop:${commit.short}\n"
        "-               docker.io/acme/shop:1.3.0-rc.1\n"
        "    logs in to  ghcr.io as acme-bot with GHCR_TOKEN\n"
        "-               docker.io as HUB_USER with HUB_TOKEN\n"
        "    secrets     NPM_TOKEN\n"
        "    cache       ghcr.io/acme/shop/cache, read and written\n"
    )
    changed = json.loads(
        repository.run("preview", "gitlab", "--against", "HEAD", "--format", "json").out
    )
    (change,) = changed["changes"]
    assert (change["event"], change["job"]) == ("tag=v1.3.0-rc.1", "build")
    done = repository.run("preview", "--against", "HEAD", "--format", "markdown")
    assert done.out.startswith("```diff\ntag v1.3.0-rc.1\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--against", "nobody"), 'git knows no commit "nobody" here; is it fetched?'),
        (("--against", "HEAD~1"), '"HEAD~1" has no "ci-kaniko.yaml"'),
        (("--event", "push"), 'did you mean "default-branch"?'),
        (("gitlub",), 'did you mean "gitlab"?'),
        (("--format", "yaml"), '"yaml" is not one of: text, json, markdown'),
    ],
)
def test_a_wrong_call(repository: Repository, arguments: tuple[str, ...], message: str) -> None:
    git(repository.folder, "init", "-q")
    git(repository.folder, "commit", "-q", "--allow-empty", "-m", "none")
    git(repository.folder, "add", "-A")
    git(repository.folder, "commit", "-q", "-m", "one")
    done = repository.run("preview", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())


def test_secrets_are_names(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHCR_TOKEN", "s3cret-value")
    for form in ("text", "json", "markdown"):
        done = repository.run("preview", "--format", form)
        assert done.code == 0
        assert "s3cret-value" not in done.out + done.err
