"""What a build leaves behind is not trusted: no digest but one that was pushed, no link."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.told import github as told
from harness import tools
from harness.events import DEFAULT_BRANCH, PULL_REQUEST
from harness.execution import run
from harness.pipelines import digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event

SPEC = """
default_branch: main
destinations: ["ghcr.io/acme/shop:1"]
registries: {ghcr.io: {username: acme, password: GHCR_TOKEN}}
digest: true
"""
OUTPUTS = "options: {image_name_with_digest_file: out/digest.txt, tar_path: image.tar}\n"
GOOD = digest_of("image")
DOCKER = """#!/bin/sh
[ "$1" = run ] || exit 0
for word; do
  case $word in *:/kaniko/output) cd "${word%:/kaniko/output}" ;; esac
done
eval "$BUILD"
"""
BUILT = (
    "mkdir -p out; echo tar > image.tar; echo named > out/digest.txt; printf %s $DIGEST > digest"
)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "agola"])
@pytest.mark.parametrize("digest", ["", "BASH_ENV=/x", f"{GOOD}0", GOOD[:-1] + "g", GOOD[7:]])
def test_only_a_digest_is_handed_over(target: str, digest: str) -> None:
    text = rendering.render(ci_kaniko.loads(SPEC), target)
    secrets = {"GHCR_TOKEN": "secret"}
    got = run(Request(target, text, DEFAULT_BRANCH, secrets=secrets, digest=digest))
    assert got.calls == 1
    assert (bool(got.status), got.outputs) == (True, {})
    got = run(Request(target, text, DEFAULT_BRANCH, secrets=secrets, digest=GOOD))
    assert (got.status, [*got.outputs.values()]) == (0, [GOOD])


@pytest.mark.parametrize("status", [0, 7])
def test_a_report_of_the_repository_is_none_of_the_job(status: int) -> None:
    text = ci_kaniko.render(ci_kaniko.loads(SPEC), "gitlab")
    files = {"digest.env": "BASH_ENV=/x\n", "Dockerfile": ""}
    got = run(Request("gitlab", text, PULL_REQUEST, files=files, executor_status=status))
    assert (got.calls, got.status, got.outputs) == (1, status, {})


class Step:
    """GitHub's step, with what a build does in its container."""

    def __init__(self, path: Path, event: Event, build: str) -> None:
        text = ci_kaniko.render(ci_kaniko.loads(SPEC + OUTPUTS), "github")
        (job,) = yaml11.load(text)["jobs"].values()
        self.path, self.work, self.output = path, path / "work", path / "output"
        for folder in (self.work, path / "temp", path / "bin"):
            folder.mkdir(exist_ok=True)
        (path / "bin/docker").write_text(DOCKER)
        (path / "bin/docker").chmod(0o755)
        self.output.write_text("")
        self.done = subprocess.run(
            [
                tools.program("bash"),
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                job["steps"][-1]["run"],
            ],
            env={
                **told.environment(event),
                "PATH": f"{path / 'bin'}:{os.environ['PATH']}",
                "GHCR_TOKEN": "secret",
                "RUNNER_TEMP": str(path / "temp"),
                "GITHUB_WORKSPACE": str(self.work),
                "GITHUB_OUTPUT": str(self.output),
                "BUILD": build,
                "DIGEST": GOOD,
            },
            capture_output=True,
            text=True,
            check=False,
        )


def test_the_named_files_come_out(tmp_path: Path) -> None:
    build = f"{BUILT}; mkdir .git; echo x > .git/config; echo x > other"
    step = Step(tmp_path, DEFAULT_BRANCH, build)
    assert step.done.returncode == 0, step.done.stderr
    assert step.output.read_text() == f"digest={GOOD}\n"
    found = {str(path.relative_to(step.work)) for path in step.work.rglob("*")}
    assert found == {"image.tar", "out", "out/digest.txt"}


def test_a_request_hands_nothing_over(tmp_path: Path) -> None:
    step = Step(tmp_path, PULL_REQUEST, BUILT)
    assert step.done.returncode == 0, step.done.stderr
    assert step.output.read_text() == ""
    assert [path.name for path in step.work.iterdir()] == ["image.tar"]


def test_what_is_printed_sets_no_output(tmp_path: Path) -> None:
    """The runner reads commands from the log until it is told to stop."""
    step = Step(tmp_path, PULL_REQUEST, f"{BUILT}; echo ::set-output name=digest::x")
    log = step.done.stdout
    assert 0 <= log.index("::stop-commands::") < log.index("::set-output")
    assert len(log.partition("::stop-commands::")[2].partition("\n")[0]) == 16


def test_links_of_the_repository_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "work/out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "work/image.tar").symlink_to(tmp_path / "precious")
    step = Step(tmp_path, DEFAULT_BRANCH, BUILT)
    assert step.done.returncode == 0, step.done.stderr
    assert (tmp_path / "precious").read_text() == "kept"
    assert not [*(tmp_path / "elsewhere").iterdir()]
    assert (step.work / "image.tar").read_text() == "tar\n"
    assert not (step.work / "image.tar").is_symlink()


@pytest.mark.parametrize("left", ["ln -sf /etc/passwd image.tar", "ln -s / x", "mkfifo fifo"])
def test_links_of_a_build_are_not_followed(tmp_path: Path, left: str) -> None:
    step = Step(tmp_path, DEFAULT_BRANCH, f"{BUILT}; {left}")
    assert step.done.returncode == 1
    assert "something else among its output files" in step.done.stderr
    assert not [*step.work.iterdir()]
    assert step.output.read_text() == ""
