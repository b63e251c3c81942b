"""The page: tables of ratios, the plot, and how all of it was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measuring import FEW, LIMIT, LONG
from ours import BESIDE, GOALS, GROWTH, PEAK
from peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from measuring import Spread, Timing
    from ours import Goal

_HEAD = """\
# Performance

<!-- Made by: python benchmarks/run.py -->

A drift check that takes seconds gets removed. So start-up is measured, and what a thousand images
cost. All times are ratios: 1 is how long the same interpreter takes for `python -c pass`, measured
right before. The numbers are of one machine; `python benchmarks/run.py` makes this page for yours.
"""
_REACH = """\
`must` and `aim` are the project's own limits. Between the quartiles lies half of the rounds.
`processor` is the same ratio of the time on the processor, which a busy machine disturbs less:
`reached` goes by it. `cold` finds no bytecode at all: not ours, not that of the packages, not
Python's own."""
_FLOORS = """\
ci-kaniko stands on Typer, pydantic, PyYAML, Jinja2 and ruamel.yaml, and this is what they take to
do next to nothing. So the usual commands import none of them but the parser of PyYAML: a build
compiles the templates and writes down what `--help` prints, and specs are read by the declarations
of pydantic's models without pydantic. It stays the model of `import ci_kaniko` and of the JSON
Schema; a test reads thousands of specs both ways and compares bytes, messages and exit codes."""
_MEMORY = """\
The most memory that a process held at once, in MiB, the interpreter included."""
_SCALING = """\
`render` of each target from one spec, and the peers with as many jobs, steps or Pods. The peers
are other programs with other tasks, each with the smallest comparable job of its kind; they show
what people are used to wait for, not who is better. First comes the time on the processor, then in
brackets that by the clock."""
_SHARES = """\
`-X importtime` tells what each import takes; a module of Python's own counts for the package that
asked for it first. Tracing makes imports slower, so these are shares and no ratios."""
_MODULES = """\
The work of 1,000 images, `load` and `render` for GitLab in one process that has done one image
before. Profiled, so again shares: what each module takes itself, the largest {count}."""
_METHOD = """\
- One round runs everything once, in an order that changes from round to round. Right before each
  program a bare `python -c pass` is timed; the ratio of the two counts. A table shows the median of
  {rounds}, so what slows the machine for a while slows both alike. What takes longer than {long:g}
  seconds runs in {few}, and longer than {limit:g} not at all.
- Time is wall time, from asking for the process until it has ended. Output goes to the null device.
- Every program runs once before the clock starts, and must do what it is measured for. So files
  and bytecode are in the system's memory; only `cold` starts each run with an empty folder for
  bytecode, and fills it.
- Programs get an environment of their own: a home and a cache that are empty at first, no `CI`, no
  settings of Python. ci-kaniko runs as `python -m ci_kaniko`, installed by pip; the script that
  pip makes is a row of its own. What a run leaves behind is removed outside of the clock.
- Peak memory is what the system counted for a process, the median of {memory}.
- The spec of so many images has one line for each, and shares the rest: `${{image.name}}` in the
  context and in the destination. The five outputs of 1,000 images are one for each target; GitHub,
  Buildkite and Agola take fewer in one file, so theirs name some with `only:`.
- Peers are installed from their registries into `benchmarks/.peers`, each into a folder of its own.
"""

_MANY = 12


@dataclass
class Results:
    """Everything that was measured."""

    rounds: int
    memory_runs: int
    versions: Mapping[str, str]
    ours: Mapping[str, Spread]
    processor: Mapping[str, float]
    """What each took of the processor, by the name of its job."""
    cold: Mapping[str, Spread]
    growth: Spread
    peaks: Mapping[str, float]
    floors: Mapping[str, Spread]
    scaling: Mapping[tuple[str, int], Timing]
    peers: Mapping[tuple[str, int], Timing]
    refused: Mapping[tuple[str, int], str]
    """Why a target, or a peer, has no value for so many images; 0 is for any number."""
    peer_versions: Mapping[str, str]
    shares: Mapping[str, Mapping[str, float]]
    modules: Mapping[str, float]


def page(results: Results) -> str:
    return "\n".join(_blocks(results))


def _blocks(results: Results) -> Iterator[str]:
    yield _HEAD
    versions = [f"{name} {number}" for name, number in results.versions.items()]
    yield f"Measured with {', '.join(versions)}.\n"
    yield "## Start-up and reach\n"
    yield f"{_REACH}\n"
    heads = ("what", "must", "aim", "measured", "quartiles", "reached", "processor", "cold")
    yield table(heads, _reach_rows(results))
    yield "## What the fixed packages cost\n"
    yield f"{_FLOORS}\n"
    yield table(
        ("what", "measured", "quartiles"),
        (
            (name, _number(results.floors[name].median), _range(results.floors[name]))
            for name in results.floors
        ),
    )
    yield "## Memory\n"
    yield f"{_MEMORY}\n"
    yield table(("what", "MiB"), ((name, f"{peak:.0f}") for name, peak in results.peaks.items()))
    yield "## Where the time goes\n"
    yield f"{_SHARES}\n"
    yield table(*_shares(results.shares))
    yield _MODULES.format(count=_MANY) + "\n"
    largest = list(results.modules.items())[:_MANY]
    yield table(("module", "share"), ((name, f"{part:.0%}") for name, part in largest))
    yield "## More images\n"
    yield f"{_SCALING}\n"
    yield "![Times of a bare Python by the number of images](performance.svg)\n"
    yield table(*_scaling(results))
    yield from _notes(results)
    yield "## Method\n"
    yield (
        _METHOD.format(
            rounds=_counted(results.rounds, "round"),
            memory=_counted(results.memory_runs, "run"),
            long=LONG,
            limit=LIMIT,
            few=_counted(FEW, "round"),
        ).rstrip("\n")
        + "\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _reach_rows(results: Results) -> Iterator[list[str]]:
    for goal in GOALS:
        if goal.job in results.ours:
            measured, quartiles, *others = _measured(results, goal.job)
            verdict = _verdict(goal, results.processor[f"reach {goal.job}"])
            yield [goal.what, *_limits(goal), measured, quartiles, verdict, *others]
    growth = results.growth
    shown = [_number(growth.median), _range(growth), _verdict(GROWTH, growth.median)]
    yield [GROWTH.what, *_limits(GROWTH), *shown, "", ""]
    peak = results.peaks[PEAK.what]
    limits = [f"{limit} MiB" for limit in _limits(PEAK)]
    yield [PEAK.what, *limits, f"{peak:.0f} MiB", "", _verdict(PEAK, peak), "", ""]
    for job, what in BESIDE.items():
        if job in results.ours:
            measured, quartiles, *others = _measured(results, job)
            yield [what, "", "", measured, quartiles, "", *others]
    yield ["`python -c pass`", "", "", "1", "", "", "1", _number(results.cold["bare"].median)]


def _measured(results: Results, job: str) -> list[str]:
    found, cold = results.ours[job], results.cold.get(job)
    return [
        _number(found.median),
        _range(found),
        _number(results.processor[f"reach {job}"]),
        _number(cold.median) if cold else "",
    ]


def _limits(goal: Goal) -> list[str]:
    return [f"{goal.must:g}", f"{goal.aim:g}"]


def _verdict(goal: Goal, value: float) -> str:
    if value <= goal.aim:
        return "aim"
    return "must" if value <= goal.must else "**none**"


def _shares(shares: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[list[str]]]:
    names = dict.fromkeys(name for each in shares.values() for name in each)
    columns = sorted(names, key=lambda name: -max(each.get(name, 0) for each in shares.values()))
    rows = [
        [what, *(f"{each[name]:.0%}" if each.get(name, 0) >= 0.005 else "" for name in columns)]
        for what, each in shares.items()
    ]
    return ["what", *columns], rows


def _scaling(results: Results) -> tuple[list[str], list[list[str]]]:
    sizes = sorted({count for _, count in results.scaling})
    rows: list[list[str]] = []
    targets = dict.fromkeys(name for name, _ in results.scaling)
    for target in targets:
        cells = [_cell(results.scaling.get((target, count))) for count in sizes]
        rows.append([f"**ci-kaniko** `render {target}`", *cells])
    for peer in PEERS:
        cells = [_cell(results.peers.get((peer.name, count))) for count in sizes]
        if any(cell != "-" for cell in cells):
            version = results.peer_versions.get(peer.name, "")
            rows.append([f"{peer.name} {version} {peer.does}", *cells])
    return ["what", *(f"{count:,}" for count in sizes)], rows


def _notes(results: Results) -> Iterator[str]:
    notes = [
        f"- {name}{f', {count:,} images' if count else ''}: {clean(why)}"
        for (name, count), why in results.refused.items()
    ]
    if notes:
        yield "Without a number:\n"
        yield "\n".join(notes) + "\n"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _cell(found: Timing | None) -> str:
    return f"{_number(found.processor)} ({_number(found.wall)})" if found else "-"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 3 else f"{value:.1f}" if value < 30 else f"{value:,.0f}"


def _range(found: Spread) -> str:
    return f"{_number(found.low)} to {_number(found.high)}"


def clean(text: str) -> str:
    """A program's words without the addresses and folders of this machine."""
    text = re.sub(r"\w+://\S+", "<address>", text)
    text = re.sub(r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|dev|internal|io|local|net|org)\b", "<host>", text)
    text = re.sub(r"(?<![\w.<])/[\w.@~+-]+(?:/[\w.@~+-]*)+", "<path>", text)
    return re.sub(r"\x1b\[[\d;]*m", "", text).replace("|", r"\|")[:200]
