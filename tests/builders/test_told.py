"""Law 1 for builders: whatever builds, the plan that kaniko is told reaches it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import ci_kaniko
from ci_kaniko.kaniko.hosts import ecr_region, is_acr, is_google
from ci_kaniko.problems.problem import CannotRehearse, SpecError
from harness.cases import CASES, PIPELINE_CASES
from harness.execution import rehearse
from harness.runs import in_parallel, text_of
from harness.told import EVENTS, OTHERS, READ, TARGETS, Told, built, by_kaniko

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.rehearsing.rehearse import Rehearsal

GIVEN = {"env.CHANNEL": "stable_1.2", "env.MIRROR": "mirror.example.com:5000", "env.EDITION": "c"}


def without(told: Told) -> Told:
    """Without what one builder needs for itself."""
    own = ("SOURCE_DATE_EPOCH=0",)
    return told._replace(arguments=tuple(each for each in told.arguments if each not in own))


def read(case: str, name: str) -> ci_kaniko.Spec | None:
    """A spec of the suite, built by another builder."""
    text = text_of(case)
    try:
        return ci_kaniko.loads(f"{text}\nbuilder: {name}\n", f"{case}.yaml")
    except SpecError:
        return None


def pairs() -> Iterator[tuple[str, str, str, str]]:
    """Each spec with each builder, on one target after the other, in one event after the other."""
    for number, case in enumerate((*CASES, *PIPELINE_CASES)):
        for turn, name in enumerate(OTHERS if case in CASES else OTHERS[number % 2 :][:1]):
            target = TARGETS[(number + turn) % len(TARGETS)]
            yield case, name, target, EVENTS[(number // len(TARGETS)) % len(EVENTS)]


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
    in_parallel(functools.partial(compare, pair, told) for pair in pairs())
    assert sum(told) > 120
    assert told.count(0) < sum(told)


def compare(pair: tuple[str, str, str, str], told: list[int]) -> None:
    """Compare a run with that of kaniko, and note how many jobs that were; 0 for a refused spec."""
    case, name, target, event = pair
    spec = read(case, name)
    ours = played(spec, target, event) if spec else None
    if ours is None:
        told.append(0)
        return
    theirs = played(ci_kaniko.loads(text_of(case), f"{case}.yaml"), target, event)
    assert theirs is not None
    assert not ours.failed, (*pair, ours.jobs)
    mine, kaniko = built(ours), built(theirs)
    assert [job.name for job in mine] == [job.name for job in kaniko], pair
    for one, other in zip(mine, kaniko, strict=True):
        assert one.recorded
        assert other.recorded
        found, wanted = READ[name](one.recorded), by_kaniko(other.recorded)
        assert without(found) == wanted, pair
        more = [host for host in one.hosts if host not in other.hosts]
        assert [*one.hosts] == [*other.hosts, *more], pair
        assert all(map(by_a_helper, more)), pair
        assert one.recorded.config_mode in {None, 0o600, other.recorded.config_mode}
        told.append(1)
