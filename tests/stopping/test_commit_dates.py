"""When the commit was made: on GitLab in the zone of whoever committed, elsewhere as git says."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.recorded import File, Handed
from ci_kaniko.rehearsing.rehearse import staged
from harness import tools
from harness.cases import ROOT
from harness.execution import run
from harness.repository import Repository, git

if TYPE_CHECKING:
    from pathlib import Path

    from ci_kaniko.kaniko.systems import TargetName

TIMES = {
    "2026-01-02T03:04:05Z": "20260102030405",
    "2026-01-02T03:04:05+00:00": "20260102030405",
    "2026-01-01T23:30:00-05:30": "20260102050000",
    "2026-01-01T00:30:00+09:00": "20251231153000",
}
SPEC = 'push: never\nbuild_args: {DATE: "${commit.date}"}\n'


@pytest.mark.parametrize("shell", tools.shells())
def test_a_date_is_in_utc(shell: str) -> None:
    pipeline = yaml11.load(ci_kaniko.render(ci_kaniko.loads(SPEC), "gitlab"))
    (script,) = pipeline["build-image"]["script"]
    lines = [line for line in script.splitlines() if not line.startswith(("chmod", "mkdir"))]
    head = "\n".join(lines[: next(i for i, line in enumerate(lines) if "/kaniko/executor" in line)])
    for time, date in TIMES.items():
        environment = {"PATH": "/usr/bin:/bin", "CI_COMMIT_TIMESTAMP": time, "CI_PROJECT_DIR": "/"}
        done = subprocess.run(
            [*tools.shell(shell), "-c", f'{head}\nprintf %s "$commit_date"'],
            env=environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        assert done.stdout == date


def test_the_upload_says_on_buildkite_what_a_job_cannot_know(tmp_path: Path) -> None:
    """The line of the page, in a checkout; what it gives reaches the executor."""
    page = (ROOT / "docs" / "reusable.md").read_text("utf-8")
    (command,) = re.findall(r"INPUT_DESCRIBED=\$\((git describe .*?)\)`", page)
    folder = committed(tmp_path)
    git(folder, "tag", "v1.2.3")
    done = subprocess.run(
        [*tools.shell(), "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "v1.2.3\n"
    spec = ci_kaniko.loads(
        "default_branch: main\ndestinations: ['ghcr.io/acme/shop:${input.described}']\n"
        "registries: {ghcr.io: {username: bot, password: TOKEN}}\n"
        "inputs: {described: {description: by git}}\n"
        "buildkite: {form: steps, key: 'shop-${input.described}'}\n"
    )
    values = {"input.described": done.stdout.strip()}
    (job, *_) = ci_kaniko.rehearse(spec, "buildkite", values=values).jobs
    assert job.recorded
    assert "--destination=ghcr.io/acme/shop:v1.2.3" in (job.recorded.argv or ())


def committed(tmp_path: Path) -> Path:
    """A checkout of somebody else, whose commit was made east of here."""
    folder = Repository(tmp_path).folder
    git(folder, "init", "-q")
    dates = {"GIT_COMMITTER_DATE": "2026-01-02T05:04:05+02:00", "PATH": os.environ["PATH"]}
    command = "git -c user.name=a -c user.email=a@b commit -qm a --allow-empty"
    subprocess.run([*tools.shell(), "-c", command], cwd=folder, env=dates, check=True)
    return folder


REVISIONS: dict[TargetName, str] = {
    "github": "GITHUB_SHA",
    "buildkite": "BUILDKITE_COMMIT",
    "agola": "AGOLA_GIT_COMMITSHA",
}


@pytest.mark.parametrize("target", REVISIONS)
def test_git_tells_when_the_commit_was_made(target: TargetName, tmp_path: Path) -> None:
    """The rendered command in a real repository; on Buildkite it may be that of somebody else."""
    folder = committed(tmp_path)
    spec = ci_kaniko.loads(f"default_branch: main\n{SPEC}")
    text = ci_kaniko.render(spec, target).replace("$$", "$")
    (command,) = re.findall(r"TZ=UTC git [^>)\n]+", text)
    if target == "buildkite" and os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 4711, 4711)
    environment = {"PATH": os.environ["PATH"], REVISIONS[target]: "HEAD", "HOME": str(tmp_path)}

    def told(name: str) -> tuple[bool, bytes]:
        words = [*tools.shell(), "-c", f"set -eu; {REVISIONS[target]}={name}; {command}"]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=False)
        return not done.returncode, done.stdout

    assert told("HEAD") == (True, b"2026-01-02T03:04:05Z\n")
    assert told("0" * 40) == (False, b"")


def test_git_fetches_the_commit_for_jobs_without_git(tmp_path: Path) -> None:
    """The rendered script in a real repository, by the path that stands for a server."""
    folder = committed(tmp_path)
    spec = ci_kaniko.loads(f"default_branch: main\n{SPEC}github: {{mode: container}}\n")
    jobs = yaml11.load(ci_kaniko.render(spec, "github"))["jobs"]
    (step,) = jobs["image-commit-time"]["steps"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_SERVER_URL": f"file://{folder.parent}",
        "GITHUB_REPOSITORY": folder.name,
        "GITHUB_SHA": git(folder, "rev-parse", "HEAD"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }

    def told() -> bool:
        words = [*tools.shell(), "-ec", step["run"]]
        return not subprocess.run(
            words, env=environment, capture_output=True, check=False
        ).returncode

    assert told()
    assert (tmp_path / "output").read_text() == "timestamp=2026-01-02T03:04:05Z\n"
    environment |= {"GITHUB_SHA": "0" * 40, "RUNNER_TEMP": str(tmp_path / "other")}
    assert not told()


@pytest.mark.parametrize("target", ["agola", "buildkite"])
@pytest.mark.parametrize("told", [None, "", "2026-01-02", "*"])
@tools.skipping()
def test_a_build_that_is_not_told_when_stops(target: str, told: str | None) -> None:
    """It says so, and builds nothing; a job that reads nothing fails by itself."""
    spec = ci_kaniko.loads(f"default_branch: main\n{SPEC}")
    stage = staged(spec, target, "default-branch")
    first, build = [step.name for step in stage.runner.steps(stage.text, stage.event, {})]
    files = {"src/Dockerfile": File("")}
    if told is not None:
        files["commit/timestamp"] = File(told)
    outputs = {f"{first}:timestamp": told} if told else {}
    handed = Handed(artifacts={first: files}, outputs={first: outputs})
    request = replace(stage.request(build), handed=handed)
    got = run(request)
    assert (got.status, got.calls) == (1, 0)
    assert "ci-kaniko: nobody has told when the commit was made" in got.stderr
    assert run(replace(stage.request(first), failing=("git",))).status == 3
