"""Cancelling on GitHub: signals to the shell of a step end the container and remove the login.

The runner sends INT, after 7.5 seconds TERM, and after 2.5 more it kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.told import github as told
from harness import tools
from harness.events import DEFAULT_BRANCH
from harness.pipelines import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEC = """
default_branch: main
destinations: ["ghcr.io/acme/shop:1"]
registries: {ghcr.io: {username: acme, password: GHCR_TOKEN}}
platforms: [linux/amd64, linux/arm64]
certificates: {ghcr.io: REGISTRY_CA}
prepare: {image: "golang:1", commands: ["touch ready; sleep 60"], artifacts: [ready]}
"""

# A container outlives the client that started it, until it is stopped by its name.
DOCKER = """#!/bin/bash
command=$1
shift
case $command in
  run)
    if [ -n "${PULL-}" ]; then
      echo "$$" > "$STATE/new"
      mv "$STATE/new" "$STATE/pulling"
      until [ -e "$STATE/pulled" ]; do sleep 0.05; done
    fi
    while [ $# != 0 ]; do
      case $1 in
        --name) name=$2 ;;
        OWNER=*) export "$1" ;;
        -ec) break ;;
      esac
      shift
    done
    if [ $# = 0 ]; then set -- -c 'exec sleep 60'; fi
    cd "$GITHUB_WORKSPACE"
    setsid sh "$@" > /dev/null 2>&1 &
    echo "$!" > "$STATE/new"
    mv "$STATE/new" "$STATE/$name"
    wait "$!" ;;
  rm | stop)
    for name; do :; done
    [ -f "$STATE/$name" ] || { echo "no such container" >&2; exit 1; }
    read -r pid < "$STATE/$name"
    if [ "$command" = stop ]; then
      kill -TERM "$pid"
      # Nobody may have asked for the status of one that has ended.
      for n in {1..100}; do
        read -r stat < "/proc/$pid/stat" && [[ $stat != *") Z"* ]] || break
        sleep 0.05
      done
    fi
    # It may not lead a group yet.
    kill -KILL -- "-$pid" "$pid" || :
    rm "$STATE/$name" ;;
esac
"""
STUBS = {"docker": DOCKER, "id": "#!/bin/sh\necho 0\n", "chown": '#!/bin/sh\necho "$*" >> "$LOG"\n'}
STEPS = {
    "build": ("image-amd64", "Run kaniko"),
    "prepare": ("image-amd64", "Prepare the build"),
    "join": ("image", "Join the platforms"),
}
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Job:
    """A step that runs on a runner of its own."""

    def __init__(self, path: Path, step: str, **more: str) -> None:
        name, title = STEPS[step]
        document = yaml11.load(ci_kaniko.render(ci_kaniko.loads(SPEC), "github"))
        steps: list[dict[str, Any]] = document["jobs"][name]["steps"]
        (found,) = (each for each in steps if each.get("name") == title)
        assert found["shell"] == "bash"
        self.temporary, self.state, self.log = path / "temp", path / "state", path / "log"
        for folder in (self.temporary, self.state, path / "bin", path / "work"):
            folder.mkdir()
        for stub, text in STUBS.items():
            (path / "bin" / stub).write_text(text)
            (path / "bin" / stub).chmod(0o755)
        (path / "script").write_text(found["run"])
        self.process = subprocess.Popen(
            [tools.program("bash"), "--noprofile", "--norc", "-eo", "pipefail", path / "script"],
            env={
                **told.environment(DEFAULT_BRANCH),
                "PATH": f"{path / 'bin'}:{os.environ['PATH']}",
                "LOG": str(self.log),
                "RUNNER_TEMP": str(self.temporary),
                "STATE": str(self.state),
                "GITHUB_WORKSPACE": str(path / "work"),
                "GHCR_TOKEN": "secret",
                "DIGEST_AMD64": digest_of("a"),
                "DIGEST_ARM64": digest_of("b"),
                "REGISTRY_CA": "certificate",
                **more,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def containers(self) -> list[int]:
        found = []
        for file in self.state.glob("kaniko.*"):
            with contextlib.suppress(FileNotFoundError):
                found.append(int(file.read_text()))
        return found

    @property
    def files(self) -> list[Path]:
        # Some may go while they are looked for, which os.walk passes over.
        walk = os.walk(self.temporary)
        return [Path(at, name) for at, folders, names in walk for name in (*folders, *names)]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Job]]:
    started: list[Job] = []

    def begin(step: str, **more: str) -> Job:
        started.append(Job(tmp_path, step, **more))
        return started[-1]

    yield begin
    for job in started:
        for group in (job.process.pid, *job.containers):
            if is_there(group):
                os.killpg(group, signal.SIGKILL)
        job.process.wait()


def is_there(process: int) -> bool:
    """Whether it runs; nobody may have asked for the status of one that has ended."""
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and ") Z" not in stat.read_text()


def wait_for(ready: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("step", STEPS)
def test_a_signal_ends_what_runs(
    start: Callable[..., Job], step: str, number: signal.Signals
) -> None:
    job = start(step)
    wait_for(lambda: job.containers)
    if step == "prepare":
        wait_for((job.temporary.parent / "work/ready").exists)
    else:
        assert {file.name for file in job.files} >= {"config.json", "ghcr.io.crt"}
    (container,) = job.containers
    os.kill(job.process.pid, number)
    wait_for(lambda: not job.files, seconds=3)
    assert job.process.wait(5) == STATUS[number]
    wait_for(lambda: not is_there(container))
    if step == "prepare":
        # The runner has its files back.
        assert job.log.read_text().splitlines() == ["-R 0:0 .", "-R 0:0 ."]


def test_a_signal_comes_before_the_container(start: Callable[..., Job]) -> None:
    job = start("build", PULL="yes")
    pulling = job.state / "pulling"
    wait_for(pulling.exists)
    client = int(pulling.read_text())
    os.kill(job.process.pid, signal.SIGINT)
    assert job.process.wait(5) == STATUS[signal.SIGINT]
    assert not job.files
    (job.state / "pulled").touch()
    wait_for(lambda: job.containers or not is_there(client))
    assert not job.containers


def test_a_second_signal_changes_nothing(start: Callable[..., Job]) -> None:
    job = start("join")
    wait_for(lambda: job.containers)
    for number in STATUS:
        os.kill(job.process.pid, number)
    assert job.process.wait(5) in STATUS.values()
    assert not job.files
    wait_for(lambda: not job.containers)
