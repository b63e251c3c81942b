"""Where the time of a command goes: what its imports take, package by package, and its work."""

from __future__ import annotations

import pstats
import re
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from measuring import PYTHON, spread

if TYPE_CHECKING:
    from pathlib import Path

    from measuring import Job, Machine

START = "Python's own start"
WORK = "the work itself"
OURS = "ci_kaniko"
_PACKAGES = {
    "annotated_types": "pydantic",
    "jinja2": "Jinja2",
    "markupsafe": "Jinja2",
    "pydantic": "pydantic",
    "pydantic_core": "pydantic",
    "ruamel": "ruamel.yaml",
    "runpy": START,
    "typer": "Typer",
    "yaml": "PyYAML",
    "ci_kaniko.spec.build": "`ci_kaniko.spec.build`: pydantic builds the models",
    "ci_kaniko": OURS,
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| ( *)(\S+)")


def shares(machine: Machine, job: Job, rounds: int) -> dict[str, float]:
    """The part of the whole that each takes: the median of so many runs, largest first."""
    found = [_once(machine, job) for _ in range(rounds)]
    names = dict.fromkeys(name for each in found for name in each)
    middle = {name: spread([each.get(name, 0.0) for each in found]).median for name in names}
    whole = sum(middle.values())
    ordered = sorted(middle.items(), key=lambda item: -item[1])
    return {name: value / whole for name, value in ordered}


def _once(machine: Machine, job: Job) -> dict[str, float]:
    unit = machine.seconds(machine.bare).wall
    words = ("-X", "importtime", *job.argv[1:])
    traced = replace(job, argv=(PYTHON, *words))
    if traced.before:
        traced.before()
    start = time.perf_counter()
    done = subprocess.run(
        traced.argv,
        cwd=traced.folder,
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    whole = time.perf_counter() - start
    imports = owners(done.stderr)
    work = max(0.0, whole - unit - sum(imports.values()))
    return {**imports, START: unit + imports.get(START, 0.0), WORK: work}


def owners(trace: str) -> dict[str, float]:
    """Seconds of importing by package; a module of Python's own counts for whoever asked first.

    ``-X importtime`` names a module after those that it imports, each indented by two more.
    """
    taken: dict[str, float] = {}
    above: list[str | None] = []
    started = False
    for own, indent, module in reversed(_LINE.findall(trace)):
        depth = len(indent) // 2
        asked = above[depth - 1] if 0 < depth <= len(above) else None
        owner = _package(module) or asked
        above[depth:] = [owner]
        started = started or module == "site"
        if owner and not started:
            taken[owner] = taken.get(owner, 0.0) + int(own) / 1e6
    return taken


def _package(module: str) -> str | None:
    for name in (".".join(module.split(".")[:2]), module.partition(".")[0]):
        if name in _PACKAGES:
            return _PACKAGES[name]
    return None


_PROFILED = """
import cProfile, sys
import ci_kaniko
first, spec, stats = sys.argv[1:]
ci_kaniko.render(ci_kaniko.load(first), "gitlab")
profile = cProfile.Profile()
profile.runcall(lambda: ci_kaniko.render(ci_kaniko.load(spec), "gitlab"))
profile.dump_stats(stats)
"""
"""One image first, so that nothing is left to import."""


def modules(machine: Machine, first: Path, spec: Path) -> dict[str, float]:
    """The part of rendering a spec for GitLab that each module takes itself, largest first.

    What is built into Python, or into a package, counts for the module that called it.
    """
    stats = machine.scratch / "stats"
    argv = [PYTHON, "-c", _PROFILED, str(first), str(spec), str(stats)]
    subprocess.run(argv, cwd=machine.scratch, env=machine.environment, check=True)
    found: dict[str, float] = {}
    timed: Any = pstats.Stats(str(stats))
    for (file, _, _), (_, _, own, _, callers) in timed.stats.items():
        if file == "~":
            shared = [(_module(caller[0]), cost[2]) for caller, cost in callers.items()]
        else:
            shared = [(_module(file), own)]
        for name, cost in shared:
            found[name] = found.get(name, 0.0) + cost
    whole = sum(found.values())
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return {name: cost / whole for name, cost in ordered}


def _module(file: str) -> str:
    """What a reader calls the module of a file."""
    path = file.replace("\\", "/")
    if "/ci_kaniko/" in path:
        inside = path.rpartition("/ci_kaniko/")[2].removesuffix(".py").replace("/", ".")
        return f"`ci_kaniko.{inside}`"
    if "/site-packages/" in path:
        package = path.rpartition("/site-packages/")[2].partition("/")[0].removesuffix(".py")
        return _PACKAGES.get(package, f"`{package}`")
    if path == "<template>":
        return "Jinja2"
    return "Python's library"
