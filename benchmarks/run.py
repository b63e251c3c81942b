"""Measure ci-kaniko and its peers, and write docs/performance.md and docs/performance.svg.

``python benchmarks/run.py`` with the interpreter that ci-kaniko is installed for. Peers come from
their registries into ``benchmarks/.peers``. Needs only the standard library, and POSIX.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import textwrap
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import ours
import peers
import plot
from measuring import LONG, Failed, Machine, Timing, spread
from page import Results, page
from shares import modules, shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from measuring import Job

ROOT = Path(__file__).parents[1]
QUICK = Path(__file__).parent / ".quick"
_COLD = (*(goal.job for goal in ours.GOALS), "shim")
_ALWAYS_TRACED = {"render", "gitlab-1000"}


def main() -> None:
    options = _options()
    sizes = ours.SIZES[:3] if options.quick else ours.SIZES
    rounds = 2 if options.quick and options.rounds is None else options.rounds or 9
    output = options.output or (QUICK if options.quick else ROOT / "docs")
    with tempfile.TemporaryDirectory(prefix="ci-kaniko-") as scratch:
        machine = Machine(Path(scratch), _install(Path(scratch, "installed")))
        results = measure(machine, rounds, sizes, with_peers=not options.no_peers)
    output.mkdir(parents=True, exist_ok=True)
    lines = {**_lines(results.scaling, "ci-kaniko, "), **_lines(results.peers, "")}
    mine = {name: line for name, line in lines.items() if name.startswith("ci-kaniko")}
    others = {name: line for name, line in lines.items() if name not in mine}
    (output / "performance.svg").write_text(plot.plot(mine, others), encoding="utf-8")
    (output / "performance.md").write_text(_wrapped(page(results)), encoding="utf-8")
    print(f"wrote performance.md and performance.svg in {output}", file=sys.stderr)


def _wrapped(text: str) -> str:
    """A page whose lines are as long as those of the others; tables stay as they are."""
    lines: list[str] = []
    for line in text.split("\n"):
        if len(line) <= 100 or "|" in line:
            lines.append(line)
        else:
            indent = "  " if line.startswith("- ") else ""
            lines += textwrap.wrap(line, 98, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(lines)


def _install(folder: Path) -> Path:
    """The checkout as it is now, as users install it: who edits it meanwhile does no harm."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, str(ROOT)], check=True)
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="how often everything runs; 9 by default")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two rounds, up to 100 images where it scales, written into benchmarks/.quick",
    )
    parser.add_argument("--no-peers", action="store_true", help="measure ci-kaniko alone")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write; docs")
    return parser.parse_args()


def measure(machine: Machine, rounds: int, sizes: tuple[int, ...], *, with_peers: bool) -> Results:
    """Prepare every job, run all of them in turn, and say which could not be measured."""
    refused: dict[tuple[str, int], str] = {}
    reach = ours.reach(machine)
    scaling = ours.scaling(machine, tuple(sorted({*sizes, 100, 1000})))
    reach |= {f"gitlab-{count}": scaling["gitlab", count] for count in (100, 1000)}
    wanted = {
        (target, count): job
        for (target, count), job in scaling.items()
        if count in sizes and (target, count) not in {("gitlab", 100), ("gitlab", 1000)}
    }
    others, versions = _peer_jobs(machine, sizes, refused) if with_peers else ({}, {})
    floors = ours.floors(machine)
    _prove(machine, reach)
    _prove(machine, floors)
    _drop(machine, wanted, refused)
    long = _drop(machine, others, refused)

    cold = {name: reach[name] for name in _COLD if name in reach} | {"bare": machine.bare}
    jobs: dict[str, Job] = {
        **{f"reach {name}": job for name, job in reach.items()},
        **{f"cold {name}": job for name, job in cold.items()},
        **{f"floor {name}": job for name, job in floors.items()},
        **{f"scaling {target} {count}": job for (target, count), job in wanted.items()},
        **{f"peer {name} {count}": job for (name, count), job in others.items()},
    }
    ratios = machine.ratios(
        jobs,
        rounds,
        cold=[f"cold {name}" for name in cold],
        seldom=[f"peer {name} {count}" for name, count in long],
    )
    found = {name: spread([value.wall for value in values]) for name, values in ratios.items()}
    slow, fast = ratios["reach gitlab-1000"], ratios["reach gitlab-100"]
    rows = {key: f"scaling {key[0]} {key[1]}" for key in wanted}
    rows |= {("gitlab", count): f"reach gitlab-{count}" for count in (100, 1000) if count in sizes}
    memory_runs = min(rounds, 3)
    return Results(
        rounds=rounds,
        memory_runs=memory_runs,
        versions=_versions(),
        ours={name: found[f"reach {name}"] for name in reach},
        processor={
            name: spread([value.processor for value in values]).median
            for name, values in ratios.items()
        },
        cold={name: found[f"cold {name}"] for name in cold},
        growth=spread([(one / other).wall for one, other in zip(slow, fast, strict=True)]),
        peaks=_peaks(machine, reach, memory_runs),
        floors={name: found[f"floor {name}"] for name in floors},
        scaling={key: _both(ratios[rows[key]]) for key in scaling if key in rows},
        peers={key: _both(ratios[f"peer {key[0]} {key[1]}"]) for key in others},
        refused=refused,
        peer_versions=versions,
        shares={
            goal.what: shares(machine, reach[goal.job], memory_runs)
            for goal in ours.GOALS
            if goal.job in _ALWAYS_TRACED or found[f"reach {goal.job}"].median > goal.aim
        },
        modules=modules(
            machine, *(machine.scratch / f"images-{n}/ci-kaniko.yaml" for n in (1, 1000))
        ),
    )


def _both(timings: list[Timing]) -> Timing:
    """The medians by the clock and on the processor."""
    walls, processors = zip(*timings, strict=True)
    return Timing(spread(walls).median, spread(processors).median)


def _peer_jobs(
    machine: Machine, sizes: tuple[int, ...], refused: dict[tuple[str, int], str]
) -> tuple[dict[tuple[str, int], Job], dict[str, str]]:
    jobs, versions = {}, {}
    pipelines = {count: ours.pipeline(machine, count) for count in sizes}
    for peer in peers.PEERS:
        try:
            peers.install(peer)
            versions[peer.name] = peers.version(peer)
            for count in sizes:
                folder = machine.scratch / f"{peer.name}-{count}"
                folder.mkdir()
                jobs[peer.name, count] = peer.make(folder, count, pipelines[count])
        except (Failed, OSError) as error:
            refused[peer.name, 0] = str(error)
    return jobs, versions


def _prove(machine: Machine, jobs: Mapping[str, Job]) -> None:
    """Ours have to work: run each once."""
    for name, job in jobs.items():
        try:
            machine.prove(job)
        except Failed as failed:
            raise SystemExit(f"{name}: {failed}") from None


def _drop(
    machine: Machine, jobs: dict[tuple[str, int], Job], refused: dict[tuple[str, int], str]
) -> list[tuple[str, int]]:
    """What a platform, or a peer, does not do is left out and said; those that take long."""
    long = []
    for key, job in list(jobs.items()):
        try:
            if machine.prove(job) > LONG:
                long.append(key)
        except (Failed, OSError) as failed:
            refused[key] = str(failed)
            del jobs[key]
    return long


def _peaks(machine: Machine, reach: Mapping[str, Job], runs: int) -> dict[str, float]:
    rows = {
        "`python -c pass`": machine.bare,
        "`check`, one output, seen before": reach["check"],
        "`check`, 1,000 images, five outputs, seen before": reach["check-1000"],
        "`render gitlab`, one image": reach["render"],
        "`sync` of five targets": reach["sync"],
        "`render gitlab`, 100 images": reach["gitlab-100"],
        ours.PEAK.what: reach["gitlab-1000"],
    }
    return {
        what: spread([machine.peak(job) for _ in range(runs)]).median for what, job in rows.items()
    }


def _versions() -> dict[str, str]:
    found = {platform.python_implementation(): platform.python_version()}
    return found | {name: metadata.version(name) for name in ours.PACKAGES}


def _lines(found: Mapping[tuple[str, int], Timing], prefix: str) -> dict[str, dict[int, float]]:
    lines: dict[str, dict[int, float]] = {}
    for (name, count), value in found.items():
        lines.setdefault(f"{prefix}{name}", {})[count] = value.processor
    return lines


if __name__ == "__main__":
    main()
