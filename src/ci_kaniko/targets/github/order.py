"""What the jobs of a workflow wait for, and when they are skipped."""

from __future__ import annotations

from ci_kaniko.plan.pipeline import WORKFLOW, workflow_name
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import replace
from ci_kaniko.targets.github.events import all_of
from ci_kaniko.targets.github.jobs import (
    asking_for_time,
    building,
    job_id,
    jobs_of_others,
    joining,
    labels,
    last_ids,
    timing,
    told,
)
from ci_kaniko.targets.github.model import Job, Permission, Step
from ci_kaniko.targets.shared import is_chosen
from ci_kaniko.text.quoting import annotated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.plan.pipeline import Job as Plans
    from ci_kaniko.targets.github.changes import Changes, Guard

CHANGES = "changes"
"""The id of the job that looks at paths and refs."""


def jobs(pipeline: Pipeline, changes: Changes) -> list[Job]:
    """All jobs, each after those that it waits for.

    Required status checks know a job by its name alone, whatever workflow it stands in.
    """
    workflow = workflow_name(pipeline.spec)
    is_guest = pipeline.images[0].build.github.form != "workflow"
    suffix = "" if is_guest or workflow == WORKFLOW else f" ({workflow})"
    return [
        replace(
            job,
            name=f"{job.name}{suffix}",
            steps=[replace(step, run=annotated(step.run)) for step in job.steps],
        )
        for job in _Workflow(pipeline, changes).jobs()
    ]


class _Workflow:
    """What the jobs of one file know of each other.

    ``skipping`` are the conditions by which an image, or one that it waits for, may be left out.
    """

    def __init__(self, pipeline: Pipeline, changes: Changes) -> None:
        self.pipeline = pipeline
        self.images = {image.name: image for image in pipeline.images}
        self.changes = changes
        self.watched = changes.outputs
        self.conditions = {name: each.test for name, each in changes.conditions.items()}
        self.first = self._condition_of_watching()
        self.skipping: dict[str, set[str]] = {}

    def jobs(self) -> Iterator[Job]:
        if self.watched:
            yield self._watching()
        asking = asking_for_time(self.pipeline.images)
        if asking:
            yield self._timing(asking)
        for image in self.pipeline.images:
            needs = [name for each in image.needs for name in last_ids(self.images[each])]
            if image.name in self.watched:
                needs.insert(0, CHANGES)
            needs += jobs_of_others(image)
            condition, may_be_skipped = self._condition(image)
            guard = self.changes.guards.get(image.name)
            for job in image.jobs:
                built = building(image, job)
                steps = [_guarded(step, guard) for step in built.steps] if guard else built.steps
                mine = _also(condition, _is_chosen(image, job))
                self.skipping[image.name].add(mine)
                waiting = replace(built, needs=tuple(needs), condition=mine, steps=steps)
                yield told(waiting, job.plan, asking)
            if image.join:
                always = image.join.pushes_always and not guard
                condition = _after(image, always=always, status=may_be_skipped)
                self.skipping[image.name].add(condition)
                joined = replace(joining(image, image.join), condition=condition)
                yield told(joined, image.join, asking)

    def _timing(self, asking: list[Image]) -> Job:
        """It runs where any of those that ask for it may: a job that is skipped tells nothing."""
        several = {self.conditions[image.name] for image in asking}
        condition = several.pop() if len(several) == 1 else ""
        return replace(timing(asking[0]), condition=condition)

    def _condition_of_watching(self) -> str:
        """What all images have in common that are looked for."""
        several = {self.conditions[name] for name in self.watched}
        return several.pop() if len(several) == 1 else ""

    def _place_of_watching(self) -> str:
        several = {self.changes.conditions[name].place for name in self.watched}
        return several.pop() if len(several) == 1 else ""

    def _condition(self, image: Image) -> tuple[str, bool]:
        """An image's ``if:``, and whether something before it may be skipped."""
        tests = [self.conditions[image.name]]
        if image.name in self.watched:
            looked_at = f"needs.{CHANGES}.outputs.{self.watched[image.name]} == 'true'"
            tests = [looked_at] if self.first else [*tests, looked_at]
        own = all_of(tests)
        before = {test for each in image.needs for test in self.skipping[each]}
        may_be_skipped = bool(before - {"", own})
        self.skipping[image.name] = before | {own}
        if not may_be_skipped:
            return own, False
        return _regardless(tests), True

    def _watching(self) -> Job:
        plan = self.pipeline.images[0].plan
        section = plan.spec.github
        outputs = dict.fromkeys(self.watched.values())
        paths = bool(self.changes.paths)
        compare = (
            "Compare with what was there before" if paths else "Compare the ref letter by letter"
        )
        return Job(
            id=CHANGES,
            name="Look at what changed" if paths else "Look at what was pushed",
            runs_on=labels(plan),
            timeout_minutes=min(section.timeout_minutes, 10),
            permissions=[Permission("contents", "read", "to compare commits")] * paths,
            condition=self.first or self._place_of_watching(),
            checkout={"fetch-depth": 0, "filter": "blob:none"} if paths else None,
            outputs={name: f"${{{{ steps.{CHANGES}.outputs.{name} }}}}" for name in outputs},
            steps=[
                Step(
                    compare,
                    self.changes.script,
                    id=CHANGES,
                    env=self.changes.environment,
                )
            ],
        )


def _regardless(tests: list[str]) -> str:
    """Tests for a job that runs after others that were skipped, but not after failed ones."""
    return f"${{{{ {all_of(['!failure()', '!cancelled()', *tests])} }}}}"


def _is_chosen(image: Image, job: Plans) -> str:
    """A test that a caller chooses the platform of a job; nothing where all are built."""
    if not image.chooser:
        return ""
    given = f"format(',{{0}},', inputs.{image.chooser})"
    tests = {name: f"contains({given}, ',{name},')" for name in image.build.platforms}
    return is_chosen(job.platform, tests)


def _also(condition: str, test: str) -> str:
    """A condition that asks for something more."""
    if not test:
        return condition
    inner = condition.removeprefix("${{ ").removesuffix(" }}")
    return f"${{{{ {all_of([inner, test])} }}}}" if inner != condition else all_of([inner, test])


def _guarded(step: Step, guard: Guard) -> Step:
    """A step that ends at once for a ref that starts no such job."""
    opening, _, rest = step.run.partition("\n")
    run = f"{opening}\n{guard.text}{rest}"
    return replace(step, run=run, env={**guard.environment, **step.env})


def _after(image: Image, *, always: bool, status: bool) -> str:
    """A join's ``if:``: there is nothing to join when nothing was pushed."""
    pushing = [f"needs.{job_id(image, job)}.outputs.digest != ''" for job in image.jobs]
    if image.chooser:
        return _regardless([" || ".join(pushing)])
    pushed = pushing[0]
    if status:
        return _regardless([pushed])
    return "" if always else pushed
