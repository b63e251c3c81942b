"""A judge for targets: what is rendered must hand the executor what the built-in targets do.

A target renders every spec of ``specs``, and those of ``pipelines`` with several jobs. Each
rendering is rehearsed, with a program in the executor's place that writes down its arguments. They
have to be those of the built-in targets in the same event, in whatever order the jobs are.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.rehearsing.rehearse import Stage
    from ci_kaniko.spec.spec import Spec

Words = list[str]
EVENTS = ("default-branch", "branch=release/1", "tag=v1.2.3", "pull-request=7")
_GIVEN = {
    "env.ACCOUNT": "123456789012",
    "env.CHANNEL": "stable_1.2",
    "env.EDITION": "c",
    "env.IMAGE": "registry.example.com:5000/team/app",
    "env.MIRROR": "mirror.example.com:5000",
    "env.REGION": "eu-west-1",
}
_ENOUGH = 12
"""Faults that are told: a target that is wrong everywhere is wrong in one way."""


class Fault(NamedTuple):
    """A run that differs from what the spec asks for."""

    spec: str
    event: str
    message: str

    def __str__(self) -> str:
        return f"{self.spec}, {self.event}: {self.message}"


def judge(target: str, *, refuses: Mapping[str, Iterable[str]] | None = None) -> list[Fault]:
    """What is wrong with a target; nothing, when each run hands the executor what it should.

    ``refuses`` are the specs that the target cannot render, by the id of the rule that says why:
    each of them must be refused by it, and no other one. Raises UnknownTargetError for a target
    that is not installed, CannotRehearse for one without a runner, MissingProgram without a shell.
    """
    from ci_kaniko.rehearsing.execution import runner_of
    from ci_kaniko.targets.registry import target as find_target

    runner_of(find_target(target))
    reasons = {name: rule for rule, names in (refuses or {}).items() for name in names}
    faults: list[Fault] = []
    for name, spec in _specs():
        faults += _judged(name, spec, target, reasons.pop(name, ""))
        if len(faults) >= _ENOUGH:
            return faults[:_ENOUGH]
    return [*faults, *(Fault(name, "rendering", "is no spec of ours") for name in reasons)]


def _specs() -> Iterator[tuple[str, Spec]]:
    """Each spec by its name."""
    from ci_kaniko.spec.loading import loads

    for kind in ("specs", "pipelines"):
        folder = os.path.join(os.path.dirname(__file__), kind)
        for file in sorted(os.listdir(folder)):
            with open(os.path.join(folder, file), encoding="utf-8") as opened:
                yield file.removesuffix(".yaml"), loads(opened.read(), file)


def _judged(name: str, spec: Spec, target: str, reason: str) -> Iterator[Fault]:
    """What is wrong with one spec, which is refused for a reason, if there is one."""
    from ci_kaniko.problems.problem import SpecError

    seen = set()
    for event in EVENTS:
        try:
            found = _staged(spec, target, event)
        except SpecError as error:
            first = next((each for each in error.problems if each.severity == "error"), None)
            if reason not in {each.rule for each in error.problems} and first:
                yield Fault(name, "rendering", first.message)
            return
        if reason:
            yield Fault(name, "rendering", f"is not refused: {reason}")
            return
        other = _other(spec, target, event)
        if other is None or other.text in seen or not _starts(found):
            continue  # nobody else renders it, nothing is different, or this event starts nothing
        seen.add(other.text)
        yield from (Fault(name, event, each) for each in _compared(found, other))


def _starts(stage: Stage) -> bool:
    from ci_kaniko.previewing.starts import start_of

    return any(start_of(plan, stage.chosen, stage.occasion).starts for plan in stage.plans)


def _staged(spec: Spec, target: str, event: str) -> Stage:
    from ci_kaniko.rehearsing.rehearse import staged

    return staged(spec, target, event, given=_GIVEN)


def _other(spec: Spec, target: str, event: str) -> Stage | None:
    """The spec on a target that is built in: first one whose file has the values of the event."""
    from ci_kaniko.kaniko.systems import SYSTEMS
    from ci_kaniko.problems.problem import SpecError

    for system in sorted(SYSTEMS.values(), key=lambda each: not each.needs_values):
        try:
            if system.name != target:
                return _staged(spec, system.name, event)
        except SpecError:
            continue
    return None


def _compared(staged: Stage, other: Stage) -> Iterator[str]:
    expected, _ = _arguments(other)
    if not expected:
        return  # the event starts nothing there
    calls, said = _arguments(staged)
    if len(calls) != len(expected):
        wanted = "" if len(expected) == 1 else f" instead of {len(expected)}"
        yield f"the executor ran {len(calls)} times{wanted}: {said.strip()}"
        return
    for ours, theirs in _paired(calls, expected):
        build = f" where {_told_by(theirs)}" if len(expected) > 1 else ""
        mine, wanted_words = Counter(ours), Counter(theirs)
        yield from (f"{each} is missing{build}" for each in (wanted_words - mine).elements())
        yield from (f"{each} is too much{build}" for each in (mine - wanted_words).elements())
        if mine == wanted_words and ours != theirs:
            yield f"the arguments are in another order{build}"


def _paired(calls: list[list[str]], expected: list[list[str]]) -> Iterator[tuple[Words, Words]]:
    """The calls of the same builds: first those that are equal, then the most alike."""
    left = [*calls]
    for theirs in sorted(expected, key=lambda each: each not in calls):
        wanted = Counter(theirs)
        alike = [((Counter(each) & wanted).total(), -len(each)) for each in left]
        yield left.pop(alike.index(max(alike))), theirs


def _told_by(words: Words) -> str:
    """The argument that tells a build from others: what it pushes, or what it is made of."""
    destinations = (word for word in words if word.startswith("--destination="))
    return next(destinations, words[0])


def _arguments(stage: Stage) -> tuple[list[list[str]], str]:
    """The arguments of each call of the executor, and what the jobs say of errors."""
    from ci_kaniko.rehearsing.comparable import normalise

    done = [job.recorded for job in stage.play().jobs if job.recorded is not None]
    calls = [normalise(each) for each in done for _ in range(each.calls)]
    return calls, "".join(each.stderr for each in done)
