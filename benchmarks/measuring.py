"""Running programs in turn, so that a busy machine slows all of them alike."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

PYTHON = sys.executable
LONG, FEW, LIMIT = 10.0, 1, 60.0
"""The seconds from which on a job is not run in all rounds, in how many it is, and in none."""
_PEAK = """
import os, resource, sys
child = os.fork()
if child == 0:
    for handle in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), handle)
    os.execvp(sys.argv[1], sys.argv[1:])
os.waitpid(child, 0)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small program between: what a child starts with counts as its peak, too."""


class Failed(Exception):
    """A program did not do what it is measured for; the message is the first line of why."""


@dataclass(frozen=True)
class Job:
    """A program that is measured; ``before`` runs outside of the clock."""

    argv: tuple[str, ...]
    folder: Path
    code: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    silent: bool = True
    """Whether it may print nothing; a job that prints is wrong when it does not."""


class Spread(NamedTuple):
    """What came out of several rounds."""

    median: float
    low: float
    high: float
    """The first and third quartile: half of the rounds lie between them."""


class Timing(NamedTuple):
    """How long a program took: by the clock, and on the processor."""

    wall: float
    processor: float

    def __truediv__(self, other: Timing) -> Timing:
        return Timing(self.wall / other.wall, self.processor / other.processor)


class Machine:
    """Runs jobs in an environment of their own, without the caller's settings."""

    def __init__(self, scratch: Path, source: Path) -> None:
        self.scratch = scratch
        self.environment = {
            "HOME": str(scratch / "home"),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(source),
            "XDG_CACHE_HOME": str(scratch / "cache"),
        }
        (scratch / "home").mkdir()
        self.bare = Job((PYTHON, "-c", "pass"), scratch)

    def prove(self, job: Job) -> float:
        """Run it once, and see that it does what it should: the seconds. Raises Failed."""
        if job.before:
            job.before()
        start = time.perf_counter()
        try:
            done = subprocess.run(
                job.argv,
                cwd=job.folder,
                env=self.environment | dict(job.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"it takes longer than {LIMIT:g} seconds") from None
        if done.returncode != job.code:
            raise Failed(first_error(done.stderr.decode(errors="replace")))
        if not job.silent and not done.stdout + done.stderr:
            raise Failed("it printed nothing")
        return time.perf_counter() - start

    def seconds(self, job: Job, *, cold: bool = False) -> Timing:
        """How long a job takes, from asking for the process to its end."""
        environment = self.environment | dict(job.environment)
        if job.before:
            job.before()
        if cold:
            prefix = tempfile.mkdtemp(dir=self.scratch)
            environment["PYTHONPYCACHEPREFIX"] = prefix
        start = time.perf_counter()
        process = subprocess.Popen(
            job.argv,
            cwd=job.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if cold:
            shutil.rmtree(prefix)
        if code != job.code:
            raise Failed(f"it ended with {code}, not with {job.code}")
        return Timing(wall, used.ru_utime + used.ru_stime)

    def peak(self, job: Job) -> float:
        """The most memory that a job held at once, in MiB."""
        if job.before:
            job.before()
        done = subprocess.run(
            [PYTHON, "-I", "-S", "-c", _PEAK, *job.argv],
            cwd=job.folder,
            env=self.environment | dict(job.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        unit = 1 if sys.platform == "darwin" else 1024
        return int(done.stdout) * unit / 2**20

    def ratios(
        self,
        jobs: Mapping[str, Job],
        rounds: int,
        cold: Collection[str] = (),
        seldom: Collection[str] = (),
    ) -> dict[str, list[Timing]]:
        """How long each job takes, in times of a bare ``python -c pass`` right before it.

        Every round runs every job, in an order of its own; those of ``seldom`` only the first few.
        ``cold`` names jobs that find no bytecode; a bare Python with bytecode is the unit for
        them, too.
        """
        order = random.Random(0)  # noqa: S311 - the same order in every run of the benchmark
        found: dict[str, list[Timing]] = {name: [] for name in jobs}
        names = list(jobs)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            order.shuffle(names)
            for name in names:
                if name in seldom and number >= FEW:
                    continue
                unit = self.seconds(self.bare)
                found[name].append(self.seconds(jobs[name], cold=name in cold) / unit)
        return found


def spread(values: Sequence[float]) -> Spread:
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def first_error(text: str) -> str:
    """What a program's last words say went wrong, or how they begin."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if "error" in line.lower()]
    return "; ".join(named[:2] or lines[:1]) or "it gave no reason"


def remove(path: Path) -> None:
    """A file or a folder with what is in it, when there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
