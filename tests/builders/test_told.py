"""Law 1 for builders: whatever builds, the plan that kaniko is told reaches it."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import ci_kaniko
from ci_kaniko.kaniko.hosts import ecr_region, is_acr, is_google
from ci_kaniko.problems.problem import CannotRehearse, SpecError
from harness.cases import CASES, PIPELINE_CASES
from harness.covering import fewest
from harness.execution import rehearse
from harness.expectation import RUN_TIME
from harness.leaves import fields
from harness.runs import in_parallel, spec_of, text_of
from harness.told import EVENTS, OTHERS, READ, TARGETS, Told, built, by_kaniko

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.rehearsing.rehearse import Rehearsal

GIVEN = {**{f"env.{name}": text for name, text in RUN_TIME.items()}, "env.EDITION": "c"}


def without(told: Told) -> Told:
    """Without what one builder needs for itself."""
    own = ("SOURCE_DATE_EPOCH=0",)
    return told._replace(arguments=tuple(each for each in told.arguments if each not in own))


@functools.cache
def read(case: str, name: str) -> ci_kaniko.Spec | None:
    """A spec of the suite, built by another builder."""
    text = text_of(case)
    try:
        return ci_kaniko.loads(f"{text}\nbuilder: {name}\n", f"{case}.yaml")
    except SpecError:
        return None


class Turn(NamedTuple):
    """A spec that several builders build, on a target in an event."""

    case: str
    names: tuple[str, ...]
    target: str
    event: str


def turns() -> Iterator[Turn]:
    """Specs with each builder, on one target after the other, in one event after the other.

    Of those with one image the fewest in which is every field that the builder takes.
    """
    needed = {
        name: fewest({case: fields(case) for case in CASES if read(case, name)}) for name in OTHERS
    }
    each = [(case, tuple(n for n in OTHERS if case in needed[n])) for case in CASES]
    each += [(case, OTHERS[number % 2 :][:1]) for number, case in enumerate(PIPELINE_CASES)]
    for number, (case, names) in enumerate((case, names) for case, names in each if names):
        event = EVENTS[(number // len(TARGETS)) % len(EVENTS)]
        yield Turn(case, names, TARGETS[number % len(TARGETS)], event)


def played(spec: ci_kaniko.Spec, target: str, event: str) -> Rehearsal | None:
    """What a target runs; None for what it does not, or for an event that it has not."""
    said = spec.source.text if spec.source else ""
    given = {key: text for key, text in GIVEN.items() if f"${{{key}" in said}
    try:
        return rehearse(spec, target, event, given=given)
    except (SpecError, CannotRehearse):
        return None


def by_a_helper(host: str) -> bool:
    """Whether kaniko finds the login of a host in no file."""
    return bool(ecr_region(host)) or is_google(host) or is_acr(host)


def test_every_builder_is_told_the_same() -> None:
    told: list[int] = []
    in_parallel(functools.partial(compare, turn, told) for turn in turns())
    assert sum(told) > 80
    assert told.count(0) < sum(told)


def test_every_builder_is_run_everywhere() -> None:
    found = {(name, turn.target, turn.event) for turn in turns() for name in turn.names}
    assert found == {*itertools.product(OTHERS, TARGETS, EVENTS)}


def compare(turn: Turn, told: list[int]) -> None:
    """Compare runs with that of kaniko, and note how many jobs that were; 0 for a refused spec."""
    case, names, target, event = turn
    theirs: Rehearsal | None = None
    for name in names:
        spec = read(case, name)
        ours = played(spec, target, event) if spec else None
        if ours is None:
            told.append(0)
            continue
        theirs = theirs or played(spec_of(case), target, event)
        assert theirs is not None
        told += does_the_same(ours, theirs, name, turn)


def does_the_same(ours: Rehearsal, theirs: Rehearsal, name: str, turn: Turn) -> Iterator[int]:
    """One for each job that is told what kaniko is told."""
    assert not ours.failed, (name, turn, ours.jobs)
    mine, kaniko = built(ours), built(theirs)
    assert [job.name for job in mine] == [job.name for job in kaniko], (name, turn)
    for one, other in zip(mine, kaniko, strict=True):
        assert one.recorded
        assert other.recorded
        before = (
            job.recorded.curl
            for job in ours.jobs
            if job.recorded and job.name == f"{one.name}/login"
        )
        recorded = replace(one.recorded, curl=(*next(before, ()), *one.recorded.curl))
        found, wanted = READ[name](recorded), by_kaniko(other.recorded)
        assert without(found) == wanted, (name, turn)
        more = [host for host in one.hosts if host not in other.hosts]
        assert sorted(one.hosts) == sorted([*other.hosts, *more]), (name, turn)
        assert all(map(by_a_helper, more)), (name, turn)
        assert one.recorded.config_mode in {None, 0o600, other.recorded.config_mode}
        yield 1
