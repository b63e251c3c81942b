"""Whole pipelines on GitHub: which jobs there are, when each runs, and what it refuses."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import ci_kaniko
from ci_kaniko.rehearsing import triggers, yaml11
from ci_kaniko.rehearsing.triggers import Result
from ci_kaniko.syntax.globs import matches
from harness import tools
from harness.events import (
    DEFAULT_BRANCH,
    FEATURE_BRANCH,
    FORK_PULL_REQUEST,
    MANUAL,
    MERGE_GROUP,
    PULL_REQUEST,
    SCHEDULE,
    TAG,
    TARGET_OF_A_REQUEST,
)
from harness.pipelines import looked, stays
from harness.repository import git

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event

SHARED = """
default_branch: main
context: services/${image.name}
destinations: ['ghcr.io/acme/${image.name}:${commit.short}']
"""
ONE = "default_branch: main\ndestinations: ['ghcr.io/acme/shop:${commit.short}']\n"
PLATFORMS = "platforms: [linux/amd64, linux/arm64]\n"
PREPARE = """
prepare:
  image: docker.io/library/golang:1.26
  commands: {commands}
  artifacts: bin
"""


def rendered(text: str) -> str:
    return ci_kaniko.render(ci_kaniko.loads(text), "github")


def workflow(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml11.load(rendered(text))
    return document


def jobs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = workflow(text)["jobs"]
    return found


def script(job: Mapping[str, Any]) -> str:
    text: str = job["steps"][-1]["run"]
    return text


def problems(text: str) -> list[ci_kaniko.Problem]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendered(text)
    return list(error.value.problems)


def refused(text: str) -> set[str]:
    return {problem.rule for problem in problems(text)}


# -- what is not used leaves no trace -----------------------------------------------------------


def test_one_platform_leaves_no_trace() -> None:
    assert rendered(ONE + "platforms: [linux/amd64]\n") == rendered(ONE)


def test_another_platform_alone_gets_its_runner_and_no_join() -> None:
    (name, job), *others = jobs(ONE + "platforms: [linux/arm64]\n").items()
    assert (name, others) == ("image", [])
    assert job["runs-on"] == "ubuntu-24.04-arm"
    assert "--custom-platform=linux/arm64" in script(job)
    assert "outputs" not in job


def test_inputs_with_defaults_are_texts_in_a_workflow() -> None:
    text = ONE + "build_args: {A: '${input.a}'}\ninputs: {a: {default: x}}\n"
    assert "inputs" not in rendered(text)
    assert "--build-arg=A=x" in rendered(text)


# -- many images --------------------------------------------------------------------------------


def test_an_image_waits_for_what_it_needs() -> None:
    found = jobs(SHARED + "images: {web: {needs: [api, db.x]}, api: {needs: db.x}, db.x: {}}")
    assert list(found) == ["build-db-x", "build-api", "build-web"]
    assert found["build-web"]["needs"] == ["build-api", "build-db-x"]
    assert found["build-api"]["needs"] == "build-db-x"
    assert "needs" not in found["build-db-x"]
    assert not any("if" in job for job in found.values())


def test_a_job_keeps_its_own_name_and_mode() -> None:
    found = jobs(
        SHARED + "images: {api: {github: {job: the_api, extra: {name: The API}}},"
        " web: {needs: api, github: {mode: container, runs_on: [self-hosted, acme-k8s]}}}"
    )
    assert found["the_api"]["name"] == "The API"
    assert found["build-web"]["needs"] == "the_api"
    assert found["build-web"]["runs-on"] == ["self-hosted", "acme-k8s"]
    assert found["build-web"]["container"]["image"].endswith("-debug")
    assert "container" not in found["the_api"]


def test_the_default_branch_by_its_role_among_others() -> None:
    text = SHARED.replace("default_branch: main", "")
    found = workflow(text + "images: {api: {}, web: {triggers: {branches: [main]}}}")
    assert found["on"] == {"push": None, "pull_request": None, "merge_group": None}
    default = "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
    assert found["jobs"]["build-api"]["if"] == (
        f"(github.event_name == 'push' && ({default} || startsWith(github.ref, 'refs/tags/')))"
        " || github.event_name == 'pull_request' || github.event_name == 'merge_group'"
    )
    pushed = "github.event_name == 'push'"
    assert found["jobs"]["build-web"]["if"] == f"{pushed} && github.ref == 'refs/heads/main'"


TRIGGERS: dict[str, dict[str, dict[str, Any]]] = {
    "same": {name: {"branches": ["main", "release/*"], "tags": ["v*"]} for name in "ab"},
    "subset": {
        "a": {"branches": ["main"]},
        "b": {"branches": ["main", "release/*"], "tags": ["v*"], "pull_requests": True},
    },
    "disjoint": {
        "a": {"branches": ["main"], "tags": ["v*", "it's"]},
        "b": {"branches": ["release/*", "**/hot"], "tags": ["r/*", "**-rc"]},
        "c": {"pull_requests": True},
    },
    "refs-of-other-events": {
        "a": {"branches": ["main"], "schedules": ["0 3 * * 1"]},
        "b": {"tags": ["v*"], "schedules": ["0 3 * * 1", "0 4 * * 1"], "manual": True},
        "c": {"branches": ["**"], "tags": ["**"]},
    },
    "clock": {
        "a": {"schedules": ["0 3 * * 1"]},
        "b": {"schedules": ["0 4 * * 1"]},
        "c": {"schedules": ["0 4 * * 1", "0 3 * * 1"]},
    },
    "flat": {"a": {"branches": ["*"], "tags": ["v*"]}, "b": {"branches": ["**"], "tags": ["**"]}},
    "suffix": {"a": {"tags": ["**-rc"]}, "b": {"tags": ["v**"]}},
    "by-role": {"a": {"branches": ["main"], "tags": ["v**"]}, "b": {}},
    "by-role-and-less": {"a": {"tags": ["**"]}, "b": {}},
}
BRANCHES = ("main", "Main", "release/1", "release/1/2", "feature/x", "a/hot", "maintenance")
TAGS = ("v1", "V1", "v1/2", "r/1", "it's", "1-rc", "v1-rc")
EVENTS = (
    *(replace(DEFAULT_BRANCH, branch=branch) for branch in BRANCHES),
    *(replace(TAG, tag=tag) for tag in TAGS),
    *(FORK_PULL_REQUEST, PULL_REQUEST, SCHEDULE, replace(SCHEDULE, schedule="0 4 * * 1"), MANUAL),
)


def several(each: Mapping[str, Any], shared: str = SHARED) -> str:
    images = {name: {"triggers": given} if given else {} for name, given in each.items()}
    return shared + yaml.safe_dump({"images": images})


def is_started(given: Mapping[str, Any], event: Event) -> bool:
    given = given or {"branches": ["main"], "tags": ["**"], "pull_requests": True}
    if event.source == "schedule":
        return event.schedule in given.get("schedules", ())
    if event.source != "push":
        return bool(given.get("pull_requests" if event.pull_request else "manual"))
    globs = given.get("tags" if event.tag else "branches", ())
    return any(matches(glob, event.tag or event.branch) for glob in globs)


def played(text: str, event: Event, ends: Mapping[str, Result] | None = None) -> dict[str, str]:
    """How each job ended; those without an entry in ``ends`` pass when they start, or leave."""

    def perform(step: triggers.Step) -> Result:
        if step.name == "changes" and step.name not in (ends or {}):
            return looked(text, event)
        return (ends or {}).get(step.name, Result("passed"))

    results = triggers.play(triggers.github_steps(text, event), perform)
    statuses = {name: result.status for name, result in results.items()}
    passed = [name for name, status in statuses.items() if status == "passed"]
    left = [name for name in passed if name != "changes" and not stays("github", text, event, name)]
    return {**statuses, **dict.fromkeys(left, "left")}


@pytest.mark.parametrize("default", ["default_branch: main", ""])
@pytest.mark.parametrize("name", TRIGGERS)
def test_each_image_has_its_own_events(name: str, default: str) -> None:
    each = TRIGGERS[name]
    text = rendered(several(each, SHARED.replace("default_branch: main", default)))
    for event in EVENTS:
        results = played(text, event)
        started = {image for image in each if results.get(f"build-{image}") == "passed"}
        assert started == {i for i, given in each.items() if is_started(given, event)}, event


@pytest.mark.parametrize(
    ("one", "other", "asked"),
    [
        ("release/*", "release/**", "first"),
        ("release/*/x", "release/1/2/x", "first"),
        ("a*b", "ab/b", "first"),
        ("a**b", "ab**", "first"),
        ("main", "Main", "inside"),
        ("main", "M*", "inside"),
        ("main", "m**n", "inside"),
        ("main", "main*", ""),
        ("main", "**n/x", ""),
        ("1.0", "**", ""),
        ("1.**", "**", ""),
        ("v**", "V1", "inside"),
        ("v**", "v1.*", ""),
        ("v1**", "v*", ""),
        ("**-rc", "v*-RC", "inside"),
        ("**-rc", "v*-rc", ""),
        ("**", "Main", ""),
    ],
)
def test_what_conditions_cannot_tell_is_asked(one: str, other: str, asked: str) -> None:
    """By a job before, or by the script where only the case is open."""
    found = jobs(several({"a": {"tags": [one]}, "b": {"tags": [other]}}))
    assert (found["build-a"].get("needs") == "changes") == (asked == "first")
    assert ("does not start this job" in script(found["build-a"])) == (asked == "inside")
    if asked == "first":
        assert found["changes"]["permissions"] == {}
        assert [step["env"] for step in found["changes"]["steps"] if "env" in step] == []


def test_tags_alone_need_no_look_at_paths() -> None:
    """Whatever their paths are: a tag has no changed files."""
    found = workflow(
        several(
            {
                "a": {"branches": ["main"], "paths": ["a/**"]},
                "b": {"tags": ["v*"], "paths": ["b/**"]},
                "c": {"manual": True},
            }
        )
    )
    assert list(found["jobs"]) == ["build-a", "build-b", "build-c"]
    assert found["on"]["push"]["paths"] == ["a/**"]


NEEDS = """
images:
  base: {triggers: {branches: [main]}}
  api: {needs: base, triggers: {tags: ["**"]}}
  web: {needs: api, triggers: {branches: [main], tags: ["**"]}}
  all: {needs: [web, api], triggers: {branches: [main], tags: ["**"]}}
"""


def test_what_is_skipped_holds_nobody_back() -> None:
    text = rendered(SHARED + NEEDS)
    assert played(text, TAG) == {
        "build-base": "skipped",
        "build-api": "passed",
        "build-web": "passed",
        "build-all": "passed",
    }
    assert played(text, DEFAULT_BRANCH)["build-all"] == "passed"


def test_what_fails_holds_everybody_back() -> None:
    text = rendered(SHARED + NEEDS)
    failed = Result("failed")
    ended = played(text, DEFAULT_BRANCH, {"build-base": failed})
    assert ended == {
        "build-base": "failed",
        "build-api": "skipped",
        "build-web": "skipped",
        "build-all": "skipped",
    }
    assert played(text, TAG, {"build-api": failed})["build-all"] == "skipped"


def test_same_conditions_need_no_status() -> None:
    text = SHARED + "triggers: {branches: ['**'], pull_requests: true}\n"
    found = jobs(text + "images: {api: {}, web: {needs: api}}")
    assert found["build-web"]["if"] == found["build-api"]["if"]
    assert "failure" not in found["build-web"]["if"]


# -- paths --------------------------------------------------------------------------------------


def test_paths_that_all_images_have_are_github_s_own() -> None:
    text = SHARED + "triggers: {branches: [main], tags: [v1], pull_requests: true, paths: [a/**]}\n"
    found = workflow(text + "images: {api: {}, web: {}}")
    assert found["on"] == {
        "push": {"branches": ["main"], "tags": ["v1"], "paths": ["a/**"]},
        "pull_request": {"paths": ["a/**"]},
        "merge_group": None,
    }
    assert list(found["jobs"]) == ["build-api", "build-web"]


def test_tags_alone_are_not_asked_for_paths() -> None:
    found = workflow(ONE + "triggers: {tags: [v1], pull_requests: true, paths: ['+a/**']}\n")
    assert found["on"] == {
        "push": {"tags": ["v1"]},
        "pull_request": {"paths": [r"\+a/**"]},
        "merge_group": None,
    }


def test_paths_with_every_ref_name_every_ref() -> None:
    found = workflow(ONE + "triggers: {branches: ['**'], tags: ['**'], paths: [a]}\n")
    assert found["on"] == {"push": {"branches": ["**"], "tags": ["**"], "paths": ["a"]}}


WATCHED = """
triggers: {branches: ["**"], tags: ["**"], pull_requests: true, schedules: ["0 3 * * 1"]}
images:
  api: {triggers: {paths: ["services/api/**", "libs/*.go"]}}
  web: {needs: api, triggers: {paths: ["services/web/**", "**/it's-(x)+.md"]}}
  2fa: {triggers: {paths: ["2fa*", "2f a/**/c"]}}
  all: {needs: web}
"""


def test_paths_that_differ_are_looked_at_first() -> None:
    found = jobs(SHARED + WATCHED)
    assert next(iter(found)) == "changes"
    changes = found["changes"]
    assert changes["permissions"] == {"contents": "read"}
    assert changes["outputs"] == {
        name: f"${{{{ steps.changes.outputs.{name} }}}}" for name in ("api", "web", "_2fa")
    }
    assert changes["steps"][0]["with"] == {
        "fetch-depth": 0,
        "filter": "blob:none",
        "persist-credentials": False,
    }
    assert found["build-2fa"]["needs"] == "changes"
    assert found["build-2fa"]["if"] == "needs.changes.outputs._2fa == 'true'"
    assert found["build-web"]["needs"] == ["changes", "build-api"]
    assert found["build-web"]["if"] == (
        "${{ !failure() && !cancelled() && needs.changes.outputs.web == 'true' }}"
    )
    # What all of these have in common is asked once.
    assert "github.event_name != 'pull_request'" in changes["if"]
    assert "needs.changes" not in found["build-all"]["if"]


def test_jobs_follow_what_was_looked_at() -> None:
    text = rendered(SHARED + WATCHED)
    looked = Result("passed", {"api": "false", "web": "true", "_2fa": "false"})
    ended = played(text, FEATURE_BRANCH, {"changes": looked})
    assert ended == {
        "changes": "passed",
        "build-api": "skipped",
        "build-2fa": "skipped",
        "build-web": "passed",
        "build-all": "passed",
    }
    ended = played(text, FEATURE_BRANCH, {"changes": Result("failed")})
    assert {*ended.values()} == {"failed", "skipped"}
    # This request's branch was built when it was pushed.
    assert {*played(text, PULL_REQUEST).values()} == {"skipped"}


class Repository:
    """A git repository, and the script of the first job run in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        return git(self.path, *words)

    def commit(self, *files: str) -> str:
        for name in files:
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{file.read_text() if file.exists() else ''}x\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def look(self, event: str, ref: str, base: str, head: str = "") -> set[str]:
        """The images that have changed; what a wrong answer would be is checked in passing."""
        step = jobs(SHARED + WATCHED)["changes"]["steps"][-1]
        assert step["env"].keys() == {"BASE", "HEAD"}
        temporary = self.path / ".git"
        output = temporary / "output"
        output.write_text("")
        # The runner has more than git and grep, and a locale.
        done = subprocess.run(
            [tools.program("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.path,
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "HOME": str(temporary),
                "GITHUB_EVENT_NAME": event,
                "GITHUB_REF": ref,
                "BASE": base,
                "HEAD": head or self.git("rev-parse", "HEAD"),
                "GITHUB_OUTPUT": str(output),
                "RUNNER_TEMP": str(temporary),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found = dict(line.split("=") for line in output.read_text().splitlines())
        assert list(found) == ["api", "web", "_2fa"]
        assert {*found.values()} <= {"true", "false"}
        return {name for name, changed in found.items() if changed == "true"}


ALL = {"api", "web", "_2fa"}
MAIN = "refs/heads/main"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_push_is_compared_with_the_one_before(repository: Repository) -> None:
    first = repository.commit("README.md")
    second = repository.commit("services/api/deep/main.go")
    third = repository.commit("services/web/.hidden", "libs/a/b.go", "x/services/api/y")
    assert repository.look("push", MAIN, second) == {"web"}
    assert repository.look("push", MAIN, first) == {"api", "web"}
    assert repository.look("push", MAIN, first, second) == {"api"}
    assert repository.look("push", MAIN, third) == set()


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("services/api/ü", {"api"}),
        ("services/api/a b\"c'd\\e\nf", {"api"}),
        ("services/apis/x", set()),
        ("libs/x.go", {"api"}),
        ("libs/a/x.go", set()),
        ("libs/xgo", set()),
        ("docs/it's-(x)+.md", {"web"}),
        ("x\nlibs/x.go", set()),
        ("it's-(x)+.md", {"web"}),
        ("xit's-(x)+.md", set()),
        ("2fa.txt", {"_2fa"}),
        ("2f a/b/c", {"_2fa"}),
        ("2f a/c", {"_2fa"}),
        ("2fa/x", set()),
    ],
)
def test_whole_names_are_matched(repository: Repository, name: str, changed: set[str]) -> None:
    before = repository.commit("README.md")
    repository.commit(name)
    assert repository.look("push", MAIN, before) == changed


def test_files_that_went_or_moved_count(repository: Repository) -> None:
    before = repository.commit("services/api/a", "services/web/b")
    repository.git("mv", "services/api/a", "moved")
    repository.git("rm", "--quiet", "services/web/b")
    repository.commit()
    assert repository.look("push", MAIN, before) == {"api", "web"}


def test_a_request_is_compared_with_where_it_began(repository: Repository) -> None:
    repository.commit("README.md")
    repository.git("checkout", "--quiet", "-b", "topic")
    head = repository.commit("services/web/x")
    repository.git("checkout", "--quiet", "main")
    base = repository.commit("services/api/x")
    repository.git("merge", "--quiet", "--message", "x", head)
    assert repository.look("pull_request", "refs/pull/1/merge", base, head) == {"web"}


def test_a_force_push_is_compared_by_what_differs(repository: Repository) -> None:
    start = repository.commit("README.md")
    before = repository.commit("services/api/x")
    repository.git("reset", "--quiet", "--hard", start)
    repository.commit("services/web/x")
    assert repository.look("push", MAIN, before) == {"api", "web"}


@pytest.mark.parametrize(
    ("event", "ref", "base"),
    [
        ("push", "refs/heads/new", "0" * 40),
        ("push", "refs/heads/rewritten", "1" * 40),
        ("push", "refs/heads/odd", ""),
        ("push", "refs/tags/v1", "HEAD"),
        ("schedule", MAIN, ""),
        ("workflow_dispatch", MAIN, ""),
        ("pull_request", "refs/pull/1/merge", "1" * 40),
    ],
)
def test_without_a_base_everything_has_changed(
    repository: Repository, event: str, ref: str, base: str
) -> None:
    repository.commit("README.md")
    assert repository.look(event, ref, base) == ALL


# -- prepare ------------------------------------------------------------------------------------

STUBS = {
    "docker": 'while [ "$1" != docker.io/library/golang:1.26 ]; do case $1 in OWNER=*)'
    ' export "$1" ;; esac; echo "$1" >> "$LOG"; shift; done\nshift\nexec "$INNER" "$@"\n',
    "id": 'case "$*" in -u) echo "$USERID" ;; -g) echo 7 ;; esac\n',
    "chown": 'echo "chown $*" >> "$LOG"\n',
}


def prepare(path: Path, commands: str, shell: str, user: int = 0) -> tuple[int, list[str]]:
    """Run the step with stubs; the log has docker's words and the changes of ownership."""
    step, last = jobs(ONE + PREPARE.format(commands=commands))["image"]["steps"][1:]
    assert last["name"] == "Run kaniko"
    assert "env" not in step
    bin_folder = path / "bin"
    bin_folder.mkdir()
    for name, text in STUBS.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}")
        (bin_folder / name).chmod(0o755)
    inner = bin_folder / "sh"
    inner.write_text(f'#!/bin/sh\nexec {" ".join(tools.shell(shell))} "$@"\n')
    inner.chmod(0o755)
    log, workspace = path / "log", path / "work"
    workspace.mkdir()
    done = subprocess.run(
        [tools.program("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=workspace,
        env={
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "GITHUB_WORKSPACE": str(workspace),
            "LOG": str(log),
            "INNER": str(inner),
            "USERID": str(user),
            "CI": "true",
            "GITHUB_REF_NAME": "a b",
        },
        check=False,
    )
    return done.returncode, log.read_text().splitlines()


@pytest.mark.parametrize("shell", tools.shells())
def test_commands_run_and_the_runner_gets_its_files_back(tmp_path: Path, shell: str) -> None:
    commands = (
        r"""["mkdir bin; A='it''s ${{ x }} $$'", 'printf %s "$A" > bin/a', "cat <<'E'\n$\n E\nE"]"""
    )
    status, log = prepare(tmp_path, commands, shell)
    assert status == 0
    assert (tmp_path / "work/bin/a").read_text() == "its ${{ x }} $$"
    workspace = tmp_path / "work"
    assert log[:3] == ["run", "--rm", "--name"]
    passed = [name for word, name in pairwise(log) if word == "--env"]
    assert {"CI", "GITHUB_SHA", "GITHUB_REF_NAME", "OWNER=0:7"} <= {*passed}
    # These lead to files that are not in the container.
    assert not {"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_WORKSPACE"} & {*passed}
    assert log[log.index("--volume") :] == [
        *("--volume", f"{workspace}:/workspace", "--workdir", "/workspace", "--entrypoint", "sh"),
        *("chown -R 0:0 .", "chown -R 0:7 ."),
    ]


@pytest.mark.parametrize("shell", tools.shells())
def test_a_failing_command_ends_the_step(tmp_path: Path, shell: str) -> None:
    status, log = prepare(tmp_path, "['(exit 42)', 'touch after']", shell)
    assert status == 42
    assert log[-1] == "chown -R 0:7 ."
    assert not (tmp_path / "work/after").exists()


def test_an_image_with_a_user_of_its_own_changes_no_owner(tmp_path: Path) -> None:
    status, log = prepare(tmp_path, "['touch after']", "dash", user=1000)
    assert status == 0
    assert not [line for line in log if line.startswith("chown")]


def test_preparing_needs_docker() -> None:
    found = problems(ONE + PREPARE.format(commands="[make]") + "github: {mode: container}")
    assert [(problem.rule, problem.hint) for problem in found] == [
        ("impossible-prepare", "github: {mode: docker} has it")
    ]


def test_a_checkout_in_the_image_of_alpine_needs_a_runner_of_amd64() -> None:
    mode = "builder: buildkit\ngithub: {mode: container, %s}\n"
    for runner in ("ubuntu-24.04", "Acme-Charm"):
        jobs(ONE + mode % f"runs_on: [{runner}]")
    jobs(ONE + PLATFORMS + "context: git://example.com/shop.git\n" + mode % "")
    for text in (
        PLATFORMS + mode % "",
        mode % "runs_on: ubuntu-24.04-arm",
        "platforms: [linux/arm/v7]\n" + mode % "platform_runs_on: {linux/arm/v7: [own, ARM64]}",
    ):
        assert refused(ONE + text) == {"impossible-builder"}


def test_each_platform_is_prepared_by_itself() -> None:
    found = jobs(ONE + PLATFORMS + PREPARE.format(commands="[make]"))
    prepared = {
        name: [step.get("name") for step in job["steps"]][-2:] for name, job in found.items()
    }
    assert prepared == {
        "image-amd64": ["Prepare the build", "Run kaniko"],
        "image-arm64": ["Prepare the build", "Run kaniko"],
        "image": ["Join the platforms"],
    }


# -- platforms ----------------------------------------------------------------------------------


def test_platforms_are_built_apart_and_joined() -> None:
    found = jobs(ONE + PLATFORMS + "github: {runs_on: ubuntu-26.04}\n")
    assert {name: job["runs-on"] for name, job in found.items()} == {
        "image-amd64": "ubuntu-24.04",
        "image-arm64": "ubuntu-24.04-arm",
        "image": "ubuntu-26.04",
    }
    join = found["image"]
    assert join["needs"] == ["image-amd64", "image-arm64"]
    assert join["if"] == "needs.image-amd64.outputs.digest != ''"
    assert join["permissions"] == {"packages": "write"}
    assert "outputs" not in join
    (step,) = join["steps"]
    assert "id" not in step
    assert step["env"]["DIGEST_ARM64"] == "${{ needs.image-arm64.outputs.digest }}"
    assert "--user 0" in step["run"]
    assert '--volume "$config:/kaniko/.docker:ro"' in step["run"]
    for name in ("image-amd64", "image-arm64"):
        assert found[name]["outputs"] == {"digest": "${{ steps.kaniko.outputs.digest }}"}
        assert found[name]["permissions"] == {"contents": "read", "packages": "write"}


def test_a_join_follows_what_was_pushed() -> None:
    text = rendered(ONE + PLATFORMS)
    pushed = {name: Result("passed", {"digest": "x"}) for name in ("image-amd64", "image-arm64")}
    assert played(text, DEFAULT_BRANCH, pushed)["image"] == "passed"
    assert played(text, PULL_REQUEST)["image"] == "skipped"
    ended = played(text, DEFAULT_BRANCH, {**pushed, "image-arm64": Result("failed")})
    assert ended["image"] == "skipped"


def test_a_join_that_is_always_needed_has_no_condition() -> None:
    found = jobs(ONE + PLATFORMS + "triggers: {branches: [main]}\n")
    assert "if" not in found["image"]


def test_others_wait_for_the_joined_image() -> None:
    text = SHARED + PLATFORMS + "images: {api: {}, web: {needs: api, platforms: null}}"
    found = jobs(text)
    assert found["build-web"]["needs"] == "build-api"
    assert found["build-web"]["if"] == "${{ !failure() && !cancelled() }}"
    assert played(rendered(text), PULL_REQUEST)["build-web"] == "passed"
    ended = played(rendered(text), PULL_REQUEST, {"build-api-arm64": Result("failed")})
    assert ended["build-web"] == "skipped"


def test_others_wait_for_every_platform_when_nothing_is_pushed() -> None:
    found = jobs(SHARED + PLATFORMS + "push: never\nimages: {api: {}, web: {needs: api}}")
    assert found["build-web-arm64"]["needs"] == ["build-api-amd64", "build-api-arm64"]
    assert "build-api" not in found
    assert not any("outputs" in job for job in found.values())


def test_a_join_inside_its_image() -> None:
    found = jobs(
        ONE + PLATFORMS + "digest: true\ngithub: {mode: container, platform_runs_on:"
        " {linux/amd64: acme-amd64, linux/arm64: [self-hosted, acme-arm64]}}\n"
    )
    assert found["image-arm64"]["runs-on"] == ["self-hosted", "acme-arm64"]
    assert found["image-amd64"]["runs-on"] == "acme-amd64"
    assert "/kaniko/digest" in script(found["image-amd64"])
    join = found["image"]
    assert join["container"]["options"] == "--user 0"
    assert join["container"]["image"].startswith("ghcr.io/regclient/regctl:")
    assert join["steps"][0]["shell"] == "sh"
    assert "docker run" not in script(join)
    assert "GIT_PASSWORD" not in script(join)


def test_a_tool_in_githubs_registry_is_pulled_with_what_may_read_it() -> None:
    found = jobs(
        PLATFORMS + "destinations: [quay.io/acme/a:1]\nlabels: {a: '${commit.date}'}\n"
        "registries: {quay.io: anonymous, ghcr.io: ci-token}\ngithub: {mode: container}\n"
        "tools: {git: ghcr.io/acme/git:1, regctl: ghcr.io/acme/regctl:1}\n"
    )
    for name in ("image-commit-time", "image"):
        assert found[name]["permissions"]["packages"] == "read"
        assert found[name]["container"]["credentials"]["password"] == "${{ secrets.GITHUB_TOKEN }}"


def test_clouds_reach_the_join_by_name() -> None:
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    keys = "{aws: {access_key_id: ECR_ID, secret_access_key: ECR_KEY}}"
    spec = f"destinations: ['{host}/acme/a:1']\nregistries: {{{host}: {keys}}}\n"
    join = script(jobs(spec + PLATFORMS)["image"])
    assert "--env AWS_SECRET_ACCESS_KEY \\" in join
    assert 'config=$(mktemp -d "$RUNNER_TEMP/kaniko.XXXXXX")' in join
    assert '"ecr-login"' in join


# -- digests ------------------------------------------------------------------------------------


def test_a_digest_is_an_output_of_its_job() -> None:
    found = jobs(ONE + "digest: true\n")["image"]
    assert found["outputs"] == {"digest": "${{ steps.kaniko.outputs.digest }}"}
    assert found["steps"][-1]["id"] == "kaniko"


def test_an_output_is_not_called_like_the_digest() -> None:
    assert refused(ONE + "digest: true\noptions: {tar_path: ./digest}\n") == {"duplicate-output"}


def test_a_join_hands_over_the_list() -> None:
    join = jobs(ONE + PLATFORMS + "digest: true\n")["image"]
    assert join["outputs"] == {"digest": "${{ steps.join.outputs.digest }}"}
    assert script(join).endswith('echo "digest=$digest" >> "$GITHUB_OUTPUT"\n')


# -- workflows that others call -----------------------------------------------------------------

CALLED = """
default_branch: main
github: {form: reusable}
destinations: ["registry.example.com/acme/${image.name}:${input.channel}"]
registries:
  registry.example.com: {username: {secret: ACME_USER}, password: ACME_TOKEN}
  docker.io: {username: acme, password: HUB_TOKEN}
build_secrets: {npm: NPM_TOKEN}
build_args: {LEVEL: "${input.level}", DEBUG: "${input.debug}", NAME: "${input.name}"}
triggers: {branches: [main], pull_requests: true}
inputs:
  channel: {default: dev, options: [dev, "a b"], description: The channel}
  level: {type: number, default: "-0.5"}
  debug: {type: boolean, default: "true"}
  name: {}
digest: true
images: {api: {}, web.x: {needs: api}}
"""


def test_a_workflow_for_others_to_call() -> None:
    found = workflow(CALLED)
    assert found["on"] == {
        "workflow_call": {
            "inputs": {
                "channel": {
                    "description": "The channel (dev, a b)",
                    "type": "string",
                    "default": "dev",
                },
                "level": {"type": "number", "default": -0.5},
                "debug": {"type": "boolean", "default": True},
                "name": {"type": "string", "required": True},
            },
            "secrets": {
                name: {"description": description, "required": required}
                for name, description, required in (
                    ("ACME_USER", "User name for registry.example.com", False),
                    ("ACME_TOKEN", "Password or token for registry.example.com", False),
                    ("HUB_TOKEN", "Password or token for docker.io", True),
                    ("NPM_TOKEN", "Build secret npm", True),
                )
            },
            "outputs": {
                f"{name}-digest": {
                    "description": f"Digest of {image}; empty when nothing was pushed",
                    "value": f"${{{{ jobs.build-{name}.outputs.digest }}}}",
                }
                for name, image in (("api", "api"), ("web-x", "web.x"))
            },
        }
    }
    assert "concurrency" not in found
    assert found["permissions"] == {}
    assert list(found["jobs"]) == ["build-api", "build-web-x"]
    for event in (DEFAULT_BRANCH, FORK_PULL_REQUEST, MERGE_GROUP):
        assert {*played(rendered(CALLED), event).values()} == {"passed"}
    for event in (TAG, MANUAL, SCHEDULE, TARGET_OF_A_REQUEST):
        assert {*played(rendered(CALLED), event).values()} == {"skipped"}
    step = found["jobs"]["build-api"]["steps"][-1]
    assert step["env"]["INPUT_LEVEL"] == "${{ inputs.level }}"
    assert "${{" not in step["run"]


def test_a_called_workflow_may_be_called_for_a_request() -> None:
    found = script(jobs(CALLED)["build-api"])
    assert 'if [ "$GITHUB_EVENT_NAME" = pull_request ]' in found
    assert jobs(CALLED + "push: always\n") != jobs(CALLED)


def test_secrets_of_an_environment_are_not_asked_of_the_caller() -> None:
    text = CALLED.replace("form: reusable", "form: reusable, environment: production")
    secrets = workflow(text)["on"]["workflow_call"]["secrets"]
    assert {each["required"] for each in secrets.values()} == {False}


def test_what_a_caller_must_hand_over_does_not_push() -> None:
    """Whatever starts the caller: a merge group pushes nothing, even with ``push: always``."""
    secrets = workflow(CALLED + "push: always\n")["on"]["workflow_call"]["secrets"]
    required = {name for name, each in secrets.items() if each["required"]}
    assert required == {"HUB_TOKEN", "NPM_TOKEN"}


def test_a_workflow_that_takes_nothing() -> None:
    assert workflow("push: never\ngithub: {form: reusable}")["on"] == {"workflow_call": None}


@pytest.mark.parametrize("shell", tools.shells())
@pytest.mark.parametrize(("given", "status"), [("dev", 0), ("a b", 0), ("prod", 1), ("", 1)])
def test_options_are_checked(shell: str, given: str, status: int) -> None:
    text = script(jobs(CALLED)["build-api"])
    start = text.index("case $INPUT_CHANNEL in")
    check = "set -eu\n" + text[start : text.index("esac\n", start) + 5]
    done = subprocess.run(
        [*tools.shell(shell), "-c", check],
        env={"PATH": os.environ["PATH"], "INPUT_CHANNEL": given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert ("channel is one of: dev, a b" in done.stderr) == bool(status)


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("duplicate-job", SHARED + "github: {job: x}\nimages: {a: {}, b: {}}"),
        (
            "duplicate-job",
            SHARED + "images: {a: {platforms: [linux/amd64, linux/arm64]}, a-arm64: {}}",
        ),
        (
            "duplicate-job",
            SHARED + "triggers: {branches: [main]}\n"
            "images: {a: {github: {job: changes}, triggers: {paths: [x]}}, b: {}}",
        ),
        ("several-forms", SHARED + "images: {a: {github: {form: reusable}}, b: {}}"),
        ("several-workflows", SHARED + "images: {a: {github: {workflow: x}}, b: {}}"),
        ("missing-runner", ONE + "platforms: [linux/amd64, linux/s390x]\n"),
        ("missing-runner", ONE + "platforms: linux/arm/v7\n"),
        ("github-job-id", ONE + PLATFORMS + f"github: {{job: {'a' * 99}}}\n"),
        ("owned-key", SHARED + "github: {extra: {needs: x}}\nimages: {a: {}, b: {}}"),
        ("owned-key", ONE + PLATFORMS + "github: {extra: {strategy: {}}}\n"),
        ("owned-key", ONE + "digest: true\ngithub: {extra: {outputs: {}}}\n"),
        (
            "bad-input",
            ONE + "github: {form: reusable}\ninputs: {a: {type: number, default: 1.10}}\n",
        ),
        (
            "bad-input",
            ONE + "github: {form: reusable}\ninputs: {a: {description: 'x ${{ y }}'}}\n",
        ),
    ],
)
def test_what_github_cannot_hold_is_refused(rule: str, text: str) -> None:
    assert refused(text) == {rule}


def test_a_name_that_a_job_with_a_duty_has_is_told() -> None:
    paths = "images: {a: {github: {job: changes}, triggers: {paths: [x]}}, b: {}}"
    with pytest.raises(ci_kaniko.SpecError, match='has the same job id, "changes"'):
        rendered(SHARED + "triggers: {branches: [main]}\n" + paths)


def test_a_job_that_is_put_into_a_workflow_waits_for_others_of_it() -> None:
    """In a file of its own nobody is there to wait for, and GitHub would refuse the whole file."""
    text = ONE + "github: {extra: {needs: %s}}\n"
    merged = text + "outputs: {github: {path: .github/workflows/ci.yml, mode: merge}}\n"
    for written, wanted in (("test", "test"), ("[lint, test]", ["lint", "test"])):
        (job,) = yaml11.load(rendered(merged % written))["jobs"].values()
        assert job["needs"] == wanted
        assert refused(text % written) == {"owned-key"}
    assert refused(merged % "{a: b}") == {"wrong-type"}


# -- sizes --------------------------------------------------------------------------------------


def many(count: int, more: str = "") -> str:
    return SHARED + more + yaml.safe_dump({"images": {f"service-{n}": {} for n in range(count)}})


@pytest.mark.parametrize("count", [1, 3, 250])
def test_many_images(count: int) -> None:
    text = rendered(many(count))
    assert len(text.encode()) < 500_000
    assert len(re.findall(r"^  build-service-\d+:$", text, re.MULTILINE)) == count


def test_a_file_that_github_would_not_read_is_refused() -> None:
    (problem,) = problems(many(300, "labels: {text: " + "x" * 1000 + "}\n"))
    assert problem.rule == "too-large"
    assert problem.hint
    assert "only: [NAME" in problem.hint


def test_what_starts_pipelines_is_no_pull_request() -> None:
    text = "destinations: ['ghcr.io/a/b:1']\ndefault_branch: main\n"
    text += "registries: {ghcr.io: {username: a, password: TOKEN}}\n"
    rendered = ci_kaniko.render(ci_kaniko.loads(text + "triggers: {pipelines: true}\n"), "github")
    assert "pull_request" not in rendered
    assert "TOKEN: ${{ secrets.TOKEN }}" in rendered
