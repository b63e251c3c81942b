"""What a spec does in each event: on one target, or on all with what differs."""

from __future__ import annotations

from collections import Counter

from ci_kaniko.plan.values import check_values
from ci_kaniko.previewing.events import occasions
from ci_kaniko.previewing.runs import Run, runs
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.loading import errors
from ci_kaniko.spec.outputs import named_targets
from ci_kaniko.spec.placing import name_of, placed
from ci_kaniko.targets.registry import available_targets, target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.pipeline import Pipeline
    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.target import Target


VERSION = 1
"""Of the format for programs; fields may be added to it."""


class Outcome(NamedTuple):
    """A job in one event: as most targets run it, and what differs on each of the others."""

    run: Run
    differs: Mapping[str, Run]


class Answer(NamedTuple):
    """What an event does: each job in its order, with what is said of it on some target."""

    occasion: Occasion
    outcomes: tuple[Outcome, ...]
    notes: Mapping[str, str]

    @property
    def starts(self) -> bool:
        """Whether the event starts a job anywhere."""
        return any(
            run.starts
            for outcome in self.outcomes
            for run in (outcome.run, *outcome.differs.values())
        )


class Preview(NamedTuple):
    """A spec in several events, on the targets that can render it.

    ``refused`` are the problems of the others.
    """

    spec: str
    targets: tuple[str, ...]
    answers: tuple[Answer, ...]
    refused: Mapping[str, tuple[Problem, ...]]

    def to_dict(self) -> dict[str, Any]:
        """What ``ci-kaniko preview --format json`` prints."""
        return {
            "version": VERSION,
            "spec": self.spec,
            "targets": [*self.targets],
            "events": [_event(answer) for answer in self.answers],
            "refused": {
                target: [{"rule": p.rule, "where": p.where, "message": p.message} for p in problems]
                for target, problems in self.refused.items()
            },
        }


def _event(answer: Answer) -> dict[str, Any]:
    return {
        "event": answer.occasion.word,
        "title": answer.occasion.title,
        "jobs": [_job(outcome) for outcome in answer.outcomes],
        "notes": {**answer.notes},
    }


def _job(outcome: Outcome) -> dict[str, Any]:
    """What differs on a target holds only the fields that do."""
    usual = outcome.run.to_dict()
    differs = {
        target: {name: value for name, value in run.to_dict().items() if value != usual[name]}
        for target, run in outcome.differs.items()
    }
    return {**usual, "differs": differs}


def preview(
    spec: Spec,
    targets: Iterable[str] = (),
    events: Iterable[str] = (),
    values: Mapping[str, str] | None = None,
) -> Preview:
    r"""What happens on each event: jobs, pushes, logins, caches.

    ``targets`` are names; by default those of its ``outputs``, or all without outputs. ``events``
    are written as for ``--event``, such as ``tag=v1.2.3``. ``values`` are portable variables that
    the event does not tell.

    Raises SpecError when no target can render the spec or a variable cannot have its value,
    UnknownTargetError, and UnknownEvent.

    >>> from ci_kaniko import loads
    >>> spec = loads("destinations: ['${registry.image}:${ref.tag}']")
    >>> preview(spec, ["gitlab"], ["tag=v2.0.0"]).answers[0].outcomes[0].run.destinations
    ('${registry.image}:v2.0.0',)
    """
    if wrong := errors(spec):
        raise SpecError(wrong)
    if findings := [*check_values(values or {}, spec.inputs)]:
        raise SpecError(placed(findings, spec.source))
    asked = occasions(spec, events)
    names = [*targets] or named_targets(spec.outputs)
    chosen = [target(name) for name in names] or [*available_targets().values()]
    refused = {each.name: tuple(problems) for each in chosen if (problems := _refused(spec, each))}
    kept = [each for each in chosen if each.name not in refused]
    if not kept:
        raise SpecError(next(iter(refused.values())))
    planned = [each.planned(spec) for each in kept]
    answers = tuple(_answer(kept, planned, occasion, values or {}) for occasion in asked)
    return Preview(name_of(spec.source), tuple(t.name for t in kept), answers, refused)


def _refused(spec: Spec, chosen: Target) -> list[Problem]:
    """What is in the way; what a manifest still has to be told is not."""
    findings = chosen.rendering(spec, {}).findings
    return placed([item for item in findings if item.rule != "missing-value"], spec.source)


def _answer(
    chosen: list[Target],
    planned: list[Pipeline],
    occasion: Occasion,
    values: Mapping[str, str],
) -> Answer:
    each = [*zip(chosen, planned, strict=True)]
    found = [
        {(run.image, run.job): run for run in runs(pipeline, target, occasion, values)}
        for target, pipeline in each
    ]
    # An input that chooses platforms makes jobs in the forms that callers give it to, only.
    jobs = dict.fromkeys(job for of_target in found for job in of_target)
    outcomes = tuple(
        _outcome(chosen, [of_target.get(job, _absent(*job)) for of_target in found]) for job in jobs
    )
    return Answer(occasion, outcomes, dict(_fork_notes(each)) if occasion.fork else {})


_NO_JOB = "there is no such job"


def _absent(image: str, job: str) -> Run:
    """What a target makes of a job that only others have."""
    return Run(image, job, (), starts=False, why=_NO_JOB)


def _outcome(chosen: list[Target], several: Iterable[Run]) -> Outcome:
    """What most targets do, and the rest.

    Nothing starts a manifest, so it is compared with what else a run does, where there is one.
    """
    by_target = dict(zip(chosen, several, strict=True))
    voters = [run for each, run in by_target.items() if not each.needs_values]
    counted = Counter(map(_said, voters or by_target.values()))
    common = counted.most_common(1)[0][0]
    alike = [run for run in voters or by_target.values() if _said(run) == common]
    first = next((run for run in alike if run.why != _NO_JOB), alike[0])
    differs = {
        each.name: run
        for each, run in by_target.items()
        if (_said(run) != common if not each.needs_values else not _alike(run, first))
    }
    return Outcome(first, differs)


def _said(run: Run) -> Run:
    """A run without the reason, which each platform may have of its own."""
    return run._replace(why="") if run.starts else _absent(run.image, run.job)


def _alike(created: Run, started: Run) -> bool:
    """Whether a manifest does what a run does, if there is one."""
    return not started.starts or _said(created) == _said(started._replace(when_changed=()))


def _fork_notes(planned: Iterable[tuple[Target, Pipeline]]) -> Iterator[tuple[str, str]]:
    """What each platform does with pull requests of forks."""
    for each, found in planned:
        plans = [plan for plan in found.plans if plan.started.pull_requests and plan.secrets]
        for requirement in each.setup().forks(plans) if plans else ():
            yield each.name, requirement.purpose
