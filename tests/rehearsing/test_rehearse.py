"""``ci-kaniko rehearse``: rendered files run as their platforms would, and what is said of that."""

from __future__ import annotations

import itertools
import json
import random
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.previewing.events import occasions
from ci_kaniko.previewing.runs import runs
from ci_kaniko.rehearsing import rehearse, sandbox, shells, standins
from ci_kaniko.rehearsing.text import lines
from harness import execution, expectation, tools
from harness.foretold import does_as_foretold
from harness.repository import Repository
from harness.runs import SHELLS, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ci_kaniko.previewing.runs import Run
    from ci_kaniko.rehearsing.rehearse import Ran, Rehearsal

SPEC = """\
default_branch: main
destinations: ['quay.io/acme/shop:${ref.tag}']
registries: {quay.io: {username: bot, password: QUAY_TOKEN}}
build_args: {CHANNEL: '${env.CHANNEL}'}
"""
INPUT = "inputs: {version: {description: v}}\ngitlab: {form: component}\n" + SPEC.replace(
    "${ref.tag}", "${input.version}"
)
MANY = 500 if settings().max_examples >= 2000 else 10
"""Random specs in each batch: 2,000 in all with the profile for long runs."""
EVENTS = (
    *("default-branch", "branch=release/1", "branch=feature/x", "tag=v1.2.3", "tag=v2.0.0-rc.1"),
    *("tag=v1.3.0+b.1", "pull-request=7", "fork=8", "schedule", "manual"),
)
"""Events that a random spec is rehearsed in."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.write("ci-kaniko.yaml", SPEC)
    return made


def played(text: str, target: str, event: str, **given: str) -> Rehearsal:
    return execution.rehearse(ci_kaniko.loads(text), target, event, given=given)


# -- what a preview says is what a rehearsal does ---------------------------------------------

WHENS = (
    *("always", "default-branch", "pull-request", "version", "release", {"branch": "release/*"}),
    *({"tag": ["v*", "!v*-*"]}, ["default-branch", {"tag": "v*"}]),
)
TRIGGERS = (
    None,
    {"branches": ["main"]},
    {"branches": ["**"], "tags": ["v*"], "pull_requests": True},
    {"branches": ["main", "release/*"], "tags": ["v*", "!v2*"], "pull_requests": True},
    {"tags": ["v*"]},
    {"branches": ["main"], "schedules": ["0 3 * * 1"], "manual": True},
)
TAGS = (
    "1",
    "${commit.short}",
    "${ref.tag}",
    "${tag:-none}",
    "${branch:-none}",
    "${version:-dev}",
    "x-${ref.slug}",
)


def image(draw: random.Random, name: str) -> dict[str, Any]:
    destinations: list[Any] = [
        {"image": f"{draw.choice(['quay.io', 'ghcr.io'])}/acme/{name}:{tag}", "when": when}
        for tag, when in zip(
            draw.sample(TAGS, draw.randint(1, 3)), draw.choices(WHENS, k=3), strict=False
        )
        if "branch" not in tag
    ]
    data: dict[str, Any] = {"context": name}
    data["destinations"] = destinations or [f"quay.io/acme/{name}:1"]
    if started := draw.choice(TRIGGERS):
        data["triggers"] = started
    if draw.random() < 0.3:
        data["cache"] = {"repo": f"quay.io/acme/{name}/cache"}
    if draw.random() < 0.2:
        data["platforms"] = ["linux/amd64", "linux/arm64"]
        data["destinations"] = data["destinations"][:1]
    if draw.random() < 0.3:
        data["digest"] = True
    if draw.random() < 0.3:
        data["push"] = draw.choice(["always", "never", "auto"])
    return data


def spec_of(draw: random.Random) -> str:
    names = ["api", "web"][: draw.randint(1, 2)]
    images = {name: image(draw, name) for name in names}
    login = {"username": "bot", "password": "QUAY_TOKEN"}
    data = {
        "default_branch": "main",
        "registries": {
            "quay.io": draw.choice([login, {"docker_config": "regcred"}]),
            "ghcr.io": {"username": {"secret": "GHCR_USER"}, "password": "GHCR_TOKEN"},
        },
        "build_args": {"REF": "${ref.name}", "SHA": "${commit.sha}"},
    }
    return json.dumps(data | ({"images": images} if len(names) > 1 else images["api"]))


def said(spec: ci_kaniko.Spec, target: str, event: str) -> dict[tuple[str, str], Run]:
    """The runs that build, by the folder of their context and their platform."""
    (occasion,) = occasions(spec, [event])
    chosen = ci_kaniko.available_targets()[target]
    planned = chosen.planned(spec)
    known = expectation.known(target, standins.event_of(occasion, spec, planned.plans))
    found = runs(planned, chosen, occasion, known)
    return {(run.image or "api", run.platform): run for run in found if run.job.startswith("build")}


def did(jobs: tuple[Ran, ...]) -> Iterator[tuple[tuple[str, str], Ran]]:
    """The jobs in which the executor ran, by what it was told."""
    for job in jobs:
        if job.recorded is not None and job.recorded.calls:
            words = [word.partition("=") for word in job.recorded.argv or ()]
            told = {name: value for name, _, value in words}
            folder = told.get("--context-sub-path") or told["--context"].rpartition("/")[2]
            yield (folder, told.get("--custom-platform", "")), job


HOSTS = {"quay.io": True, "r.example.com:5000": True} | dict.fromkeys(
    ("", "no host", "quay.io/x", "-x", "hub.docker.com", "https://quay.io"), False
)
BY_HOST = {
    "a destination": "destinations: ['${env.HOST}/acme/shop:1']\n",
    "a cache": "destinations: [ghcr.io/acme/shop:1]\ncache: {repo: '${env.HOST}/acme/cache'}\n",
    "a base image": "destinations: [ghcr.io/acme/shop:1]\n",
}
LOGINS = """\
default_branch: main
registries:
  ${env.HOST}: {username: bot, password: HOST_TOKEN}
  ghcr.io: {username: bot, password: GHCR_TOKEN}
"""


@pytest.mark.parametrize("use", BY_HOST)
def test_a_host_that_is_none_is_foreseen(use: str) -> None:
    spec = ci_kaniko.loads(LOGINS + BY_HOST[use])
    for host, good in HOSTS.items():
        values = {"env.HOST": host}
        found = ci_kaniko.preview(spec, "gitlab", ["default-branch"], values=values)
        (run,) = (outcome.run for answer in found.answers for outcome in answer.outcomes)
        assert bool(run.empty or run.unfit) != good, (use, host, run)
        with tools.skipping():
            done = ci_kaniko.rehearse(spec, "gitlab", values=values)
        assert [job.status for job in done.jobs] == ["passed" if good else "failed"], (use, host)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
def test_another_pipeline_starts_what_it_may(target: str) -> None:
    text = "destinations: ['quay.io/acme/shop:1']\nregistries: {quay.io: anonymous}\n"
    done = played(f"{text}triggers: {{pipelines: true}}\n", target, "pipeline")
    assert [job.status for job in done.jobs] == ["passed"]


def test_the_registry_of_the_platform_is_the_one_that_its_token_opens() -> None:
    text = "destinations: ['registry.gitlab.com/acme/shop:1', '${registry.image}:2']\n"
    done = played(
        f"{text}registries: {{registry.gitlab.com: ci-token}}\n", "gitlab", "default-branch"
    )
    (job,) = done.jobs
    assert (job.status, job.hosts) == ("passed", ("registry.gitlab.com",))


@pytest.mark.parametrize("batch", range(4))
def test_a_rehearsal_does_what_a_preview_says(batch: int) -> None:
    """Random specs on random targets in random events."""
    compared = 0
    for number in range(MANY):
        draw = random.Random(f"{batch} {number}")  # noqa: S311 - the same specs in every run
        text, target, event = spec_of(draw), draw.choice(TARGETS), draw.choice(EVENTS)
        try:
            spec = ci_kaniko.loads(text)
            foretold = said(spec, target, event)
            done = played(text, target, event)
        except (ci_kaniko.SpecError, ci_kaniko.CannotRehearse):
            continue
        compared += 1
        ran = dict(did(done.jobs))
        failed = {job.name for job in done.jobs if job.status == "failed"}
        unfit = any(run.unfit for run in foretold.values() if run.starts)
        assert bool(failed) == unfit or event.startswith("fork"), (text, target, event)
        assert not done.leaks
        for key, run in foretold.items():
            assert run.starts == (key in ran) or bool(failed), (text, target, event, key)
            if key in ran and (recorded := ran[key].recorded):
                does_as_foretold(recorded, run)
    assert compared > MANY // 4


# -- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_each_call_and_who_is_logged_in(
    repository: Repository, shell: str
) -> None:
    if shell not in shells.shells():
        pytest.skip(f"{shell} is not installed")
    words = ("gitlab", "--event", "tag=v1.2.3", "--shell", shell, "--set", "env.CHANNEL=stable")
    done = repository.run("rehearse", *words)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"tag v1.2.3 on gitlab, in {shell}\n\nbuild-image: passed\n")
    for line in ("--build-arg=CHANNEL=stable", "--destination=quay.io/acme/shop:v1.2.3", "quay.io"):
        assert f"\n    {line}\n" in done.out
    assert done.out.endswith(
        "no secret is in what the jobs print, in arguments or in what they hand over\n"
    )


def test_programs_run_where_those_in_memory_may_not(repository: Repository) -> None:
    """As in most containers, whose memory holds files that nobody can start."""
    script = 'mount -t tmpfs -o noexec none /dev/shm && exec "$@"'
    prefix = (tools.program("unshare"), "-rm", *tools.shell(), "-c", script, "sh")
    # The folder of this test may be hidden by that, too.
    words = ("rehearse", "buildkite", "-f", "-", "--set", "env.CHANNEL=stable")
    done = repository.start(*words, prefix=prefix, environment={"TMPDIR": ""}, input=SPEC.encode())
    if "unshare failed" in done.err or "mount:" in done.err:
        pytest.skip("no file system can be mounted here")
    assert (done.code, done.err) == (0, "")
    assert "build-image: passed\n" in done.out


@pytest.mark.parametrize(
    ("host", "login", "given", "told"),
    [
        ("${registry.host}", "ci-token", {}, "registry.example.com"),
        ("${env.HOST}", "{username: a, password: B}", {"env.HOST": "quay.io"}, "quay.io"),
        ("${env.HOST}", "{username: a, password: B}", {}, "value-of-host.example.com"),
        ("reg.${env.ZONE}:${env.PORT}", "{username: a, password: B}", {}, "reg.1:1"),
        ("${env.ZONE}.io", "{username: a, password: B}", {"env.ZONE": "quay"}, "quay.io"),
        ("${input.host}", "{username: a, password: B}", {"input.host": "docker.io"}, "docker.io"),
    ],
)
def test_a_host_that_only_a_run_knows_is_named(
    host: str, login: str, given: dict[str, str], told: str
) -> None:
    text = f"destinations: ['{host}/acme/x:1']\nregistries: {{'{host}': {login}}}\n"
    text += "default_branch: main\ngitlab: {form: component}\ninputs: {host: {}}\n"
    text = text if "input" in host else text.partition("gitlab:")[0]
    assert [job.hosts for job in played(text, "gitlab", "default-branch", **given).jobs] == [
        (told,)
    ]


def test_json_and_what_is_kept(repository: Repository) -> None:
    if not shells.shells():
        pytest.skip("a shell is not installed")
    done = repository.run("rehearse", "github", "--format", "json", "--keep", "kept")
    found = json.loads(done.out)
    (job,) = found["jobs"]
    assert (job["status"], job["exit_status"], job["hosts"]) == ("passed", 0, ["quay.io"])
    assert "--destination=quay.io/acme/shop:main" in job["arguments"]
    assert repository.text("kept/rendered.yml").endswith("\n")
    assert json.loads(repository.text("kept/rehearsal.json")) == found
    again = repository.run("rehearse", "github", "--keep", "kept")
    assert (again.code, again.out) == (2, "")
    assert "--keep wants a new or empty folder, and kept is neither" in " ".join(again.err.split())


BUILDER = """\
#!/bin/sh
for word; do case $word in --context=dir://*) cd "${word#--context=dir://}" ;; esac; done
cat Dockerfile src/main.go
echo "$GREETING"
env | grep -o '^GITHUB_SHA'
[ "$(cat /proc/net/dev | grep -c :)" -le 1 ] && echo no network
exit 3
"""


def test_another_program_builds_the_repository(repository: Repository) -> None:
    if not shells.shells():
        pytest.skip("a shell is not installed")
    repository.write("Dockerfile", "FROM scratch\n")
    repository.write("src/main.go", "package main\n")
    repository.write("builder", BUILDER).chmod(0o755)
    blanks = "env: {GREETING: 'hello  world'}\n"
    repository.write("ci-kaniko.yaml", SPEC + blanks)
    for target in ("gitlab", "github"):
        done = repository.run("rehearse", target, "--executor", "builder")
        assert done.code == 1
        assert ": failed with exit status 3\n" in done.out
        assert "    FROM scratch\n    package main\n    hello  world\n" in done.out
        assert "    no network\n" in done.out or not sandbox.ISOLATED
    # A container has no variables but those that it is started with.
    assert "    GITHUB_SHA\n" not in done.out
    done = repository.run("rehearse", "gitlab", "--executor", "nobody")
    assert '--executor wants a program, and "nobody" is none' in " ".join(done.err.split())


def test_buildah_builds_the_same_image_by_each_target(
    repository: Repository, tmp_path: Path
) -> None:
    """Labels, build arguments and names reach the image as the executor was told them."""
    tools.shell()
    tools.program("buildah")
    repository.write("Dockerfile", "FROM scratch AS one\nARG CHANNEL\nLABEL channel=$CHANNEL\n")
    awkward = "labels: {a: 'b \"c\" $d'}\ntarget: one\ndigest: true\noptions: {insecure: true}\n"
    repository.write("ci-kaniko.yaml", SPEC + awkward)
    if not sandbox.ISOLATED:
        done = repository.run("rehearse", "gitlab", "--executor", "buildah")
        assert "needs a root directory of its own" in " ".join(done.err.split())
        return
    for target in ("gitlab", "github"):
        kept = tmp_path / f"kept-{target}"
        words = ("--executor", "buildah", "--keep", str(kept), "--set", "env.CHANNEL=it's $5")
        done = repository.run("rehearse", target, "--event", "tag=v1.2.3", *words)
        assert done.code == 0, done.out
        (image,) = kept.glob("*/kaniko/image.tar")
        names, digest, config = _image_of(image)
        assert config["Labels"] == {"a": 'b "c" $d', "channel": "it's $5"} | {
            name: text for name, text in config["Labels"].items() if name.startswith("io.buildah.")
        }
        assert names == ["quay.io/acme/shop:v1.2.3"]
        assert digest in done.out
        assert "    buildah builds without --insecure\n" in done.out


def _image_of(path: Path) -> tuple[list[str], str, dict[str, Any]]:
    """The names, the digest and the config of an image in an archive."""
    with tarfile.open(path) as archive:

        def read(name: str) -> dict[str, Any]:
            file = archive.extractfile(name)
            assert file
            found: dict[str, Any] = json.load(file)
            return found

        (entry,) = read("index.json")["manifests"]
        manifest = read(f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}")
        config = read(f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}")
    notes = entry.get("annotations", {})
    return [*notes.values()], entry["digest"], config["config"]


def test_nothing_is_written_outside_of_it(repository: Repository) -> None:
    if not shells.shells():
        pytest.skip("a shell is not installed")
    before = repository.stamps()
    assert repository.run("rehearse", "buildkite").code == 0
    assert repository.stamps() == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("gitlub",), 2, 'did you mean "gitlab"?'),
        (("agola", "--event", "schedule"), 2, "agola has no such event: a schedule"),
        (("gitlab", "--event", "push"), 2, 'did you mean "default-branch"?'),
        (("gitlab", "--shell", "zsh"), 2, '"zsh" is not one of: busybox, dash, bash'),
        (("gitlab", "--format", "yaml"), 2, '"yaml" is not one of: text, json'),
        (("gitlab", "--set", "tag=v1"), 2, "--set tag=VALUE has no effect"),
        (("gitlab", "--set", "env.NONE=x"), 2, "--set env.NONE=VALUE has no effect"),
        (
            ("gitlab", "-f", "other.yaml", "--executor", "ci-kaniko.yaml"),
            2,
            "--executor wants a program",
        ),
        (
            ("gitlab", "-f", "other.yaml", "--executor", "/bin/sh"),
            2,
            "--executor stands in the place of kaniko's, and buildah builds here",
        ),
        (("gitlab", "--executor", "no"), 2, '--executor wants a program, and "no" is none'),
        (("gitlab", "--engine", "--shell", "bash"), 2, "an --engine has its own shell"),
        (("gitlab", "-f", "wrong.yaml"), 1, "unknown-key"),
        (
            ("gitlab", "-f", "input.yaml", "--set", "input.version=$"),
            1,
            'GitLab refuses "$" for the input version',
        ),
        (("gitlab", "-f", "input.yaml"), 2, "no default: --set input.version=VALUE"),
        (("gitlab", "-f", "names.yaml"), 1, "illegal environment variable name"),
    ],
)
def test_a_wrong_call(
    repository: Repository, words: tuple[str, ...], code: int, message: str
) -> None:
    tools.shell()
    repository.write("wrong.yaml", SPEC + "lables: {}\n")
    repository.write("input.yaml", INPUT)
    repository.write("other.yaml", f"{SPEC}gitlab: {{builder: buildah}}\n")
    repository.write("names.yaml", f"{SPEC}gitlab: {{extra: {{variables: {{a=b: c}}}}}}\n")
    done = repository.run("rehearse", *words)
    assert (done.code, done.out) == (code, "")
    assert message in " ".join(done.err.split())


def test_a_tool_of_ones_own_is_known_by_what_it_does_and_pulled_with_its_login() -> None:
    """Whatever its image is called; GitHub alone is told in the file how it is pulled."""
    tool, git = "mirror.example.com/acme/join:1", "mirror.example.com/acme/clone:1"
    text = SPEC.replace("registries: {", "registries: {mirror.example.com: READER, ").replace(
        "READER", "{username: reader, password: MIRROR_PASSWORD}"
    )
    text += f"platforms: [linux/amd64, linux/arm64]\ntools: {{regctl: {tool}, git: {git}}}\n"
    text += "labels: {created: '${commit.timestamp}'}\n"
    inside = "github: {mode: container}\n"
    for more in ("", inside):
        done = played(text + more, "github", "default-branch")
        first, *_, join = [job.recorded for job in done.jobs]
        assert not done.failed
        assert first
        assert join
        assert join.joined
        login = ("reader", standins.secret("MIRROR_PASSWORD"))
        assert join.pulls == {tool: login}
        assert first.pulls.get(git) == (login if more else None)


def test_an_event_that_starts_nothing_says_so() -> None:
    said = [*lines(played(SPEC, "gitlab", "branch=feature/x"))]
    assert said[2] == "this event starts no job"


def test_a_job_that_stops_fails_and_says_why() -> None:
    done = played(SPEC.replace("${ref.tag}", "${tag}"), "gitlab", "default-branch")
    assert done.failed
    assert any("CI_COMMIT_TAG: is empty" in line for line in lines(done))


def test_commands_that_prepare_are_not_run() -> None:
    text = SPEC + (
        "prepare: {image: 'docker.io/library/node:22', commands: ['touch /ran; exit 9'], "
        "artifacts: [dist/app.js]}\n"
    )
    done = played(text, "gitlab", "default-branch")
    assert not done.failed
    assert any(line.endswith("dist/app.js") for line in lines(done))


def test_a_secret_that_a_job_shows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever shows it: here the template of somebody who wanted to see it."""
    value = standins.secret("QUAY_TOKEN")

    def shown(spec: ci_kaniko.Spec, target: str, values: Mapping[str, str] | None) -> str:
        return rendering.render(spec, target, values).replace(
            "unset KANIKO_NO_PUSH", "printf '%s' \"$QUAY_TOKEN\" | base64 | tr -d '\\n'", 1
        )

    monkeypatch.setattr(rehearse, "render", shown)
    done = played(SPEC, "gitlab", "default-branch")
    assert "QUAY_TOKEN" in {leak.secret for leak in done.leaks}, value
    assert done.failed


# -- somebody else's engine ---------------------------------------------------------------------


def specs_for(target: str, event: str) -> Iterator[str]:
    """Random specs that a target renders, and that push or build something in an event."""
    for number in itertools.count():
        text = spec_of(random.Random(f"engine {number}"))  # noqa: S311 - the same in every run
        try:
            if any(run.starts for run in said(ci_kaniko.loads(text), target, event).values()):
                rendering.render(ci_kaniko.loads(text), target)
                yield text
        except ci_kaniko.SpecError:
            continue


def comparable(words: Sequence[str]) -> list[str]:
    """Arguments without what an engine has of its own: its commit."""
    found = [re.sub("[0-9a-f]{40}", "SHA", word) for word in words]
    return sorted(re.sub(r"(?<=[:=])[0-9a-f]{8}\b", "SHORT", word) for word in found)


@pytest.mark.parametrize("target", ["gitlab", "github"])
def test_engines_agree(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs that gitlab-ci-local and act run are those of a rehearsal: of random specs."""
    monkeypatch.setenv("PATH", tools.SEARCH)
    for event in ("default-branch", "tag=v1.2.3", "pull-request=7"):
        text = next(specs_for(target, event))
        with tools.skipping():
            done = rehearse.by_engine(ci_kaniko.loads(text), target, event)
        jobs = [job.recorded for job in played(text, target, event).jobs if job.recorded]
        ours = [comparable(got.argv or ()) for got in jobs if got.calls]
        assert done.status == 0, (text, done.printed)
        assert sorted(map(comparable, done.calls)) == sorted(ours), (text, target, event)
        assert len(done.joins) == sum(len(got.joined) for got in jobs)
