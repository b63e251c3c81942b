"""What a job waits for: images that others need, what is prepared, and platforms before a join."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing.recorded import Handed
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.triggers import Result, before
from harness import expectation, pipelines
from harness.execution import run, steps_of
from harness.pipelines import Given, Ran, ended, fed, native_name, run_pipeline, shell_for
from harness.runs import (
    INPUTS,
    PIPELINES_RENDERED,
    TARGETS,
    in_its_store,
    read_pipeline,
    refused,
    render,
)

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

WITH_PLATFORMS = [
    (case, target)
    for case, target in PIPELINES_RENDERED
    if any(image.is_staged for image in read_pipeline(case).images.values())
]
WITH_PREPARE = [
    (case, target) for case, target in PIPELINES_RENDERED if read_pipeline(case).preparations()
]


@pytest.mark.parametrize(("case", "target"), WITH_PREPARE)
def test_commands_run_at_the_root_and_stop_at_the_first_that_fails(case: str, target: str) -> None:
    event = pipelines.events(case)[0]
    ran = pipelines.ran(case, target, event, shell_for(case, target, event))
    called = [line for got in ran.recorded.values() for line in got.tools if "git" not in line]
    places = {line.rpartition(" in ")[2] for line in called}
    assert len(places) <= 1
    first = called[0].split(" ")[0] if called else "none"
    broken = play_with(case, target, event, Given(failing_tools=[first]))
    for job in read_pipeline(case).jobs:
        got = ended(broken, job, target)
        prepared_by_it = first in " ".join((job.image.prepare or {"commands": ""})["commands"])
        if prepared_by_it:
            assert got is None or (got.status and not got.calls and not got.joined)
        elif not job.joins and not job.image.needs:
            assert got, job.name
            assert got.calls == 1


def play_with(case: str, target: str, event: Event, given: Given) -> Ran:
    text = render(case, target, event)
    shell = shell_for(case, target, event)
    return run_pipeline(target, text, read_pipeline(case), event, shell, given)


@pytest.mark.parametrize(("case", "target"), PIPELINES_RENDERED)
def test_an_image_waits_for_those_that_it_needs(case: str, target: str) -> None:
    pipeline = read_pipeline(case)
    for event in pipelines.events(case):
        found = steps_of(target, render(case, target, event), event, INPUTS.get(case, {}))
        here = {step.name for step in found}
        for job in pipeline.jobs:
            for other in pipeline.jobs:
                both = {native_name(job, target), native_name(other, target)} <= here
                if both and other.image.name in job.image.needs:
                    earlier = before(found, native_name(job, target))
                    assert native_name(other, target) in earlier, (job.name, other.name)


FAILURES = {
    ("three-images-in-order", "base"): {"api", "web"},
    ("three-images-in-order", "api"): {"web"},
    ("two-images", "api"): set[str](),
    ("everything", "api"): {"web"},
}
"""An image that fails, and those that are not built then."""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("case", "image"), FAILURES)
def test_a_failed_image_holds_back_who_needs_it(case: str, image: str, target: str) -> None:
    if refused(case, target):
        return
    jobs = read_pipeline(case).jobs
    failing = [job for job in jobs if job.image.name == image and not job.joins][-1]
    event = pipelines.events(case)[0]
    ran = play_with(case, target, event, Given(failing_jobs=[native_name(failing, target)]))
    held_back = FAILURES[case, image]
    for job in jobs:
        result = ran.results.get(native_name(job, target), Result("skipped")).status
        if job == failing:
            assert result == "failed"
        elif job.image.name in held_back or (job.joins and job.image.name == image):
            assert result == "skipped", job.name
        else:
            assert result == "passed", job.name


@pytest.mark.parametrize(("case", "target"), WITH_PLATFORMS)
def test_a_missing_digest_stops_the_join(case: str, target: str) -> None:
    """And nothing is joined from less than all platforms."""
    event = pipelines.events(case)[0]
    text, shell = render(case, target, event), shell_for(case, target, event)
    for job in read_pipeline(case).jobs:
        if job.joins and expectation.images(job.run(target, event)):
            ran = pipelines.ran(case, target, event, shell)
            outputs = {name: got.outputs for name, got in ran.recorded.items()}
            artifacts = {name: got.artifacts for name, got in ran.recorded.items()}
            lost = native_name(replace(job, joins=False, platform=job.image.platforms[-1]), target)
            del outputs[lost]
            kept = {path: file for path, file in artifacts[lost].items() if "digest" not in path}
            got = run(
                Request(
                    target,
                    text,
                    event,
                    **in_its_store(fed(read_pipeline(case), target, event), target),
                    shell=shell,
                    job=native_name(job, target),
                    handed=Handed(artifacts={**artifacts, lost: kept}, outputs=outputs),
                )
            )
            assert got.status
            assert not got.joined
            assert f"the job of {job.image.platforms[-1]} has pushed nothing" in got.stderr
