"""What a job waits for: the images that it needs, whose failures hold it back."""

from __future__ import annotations

import pytest

from ci_kaniko.rehearsing.triggers import Result, before
from harness import pipelines
from harness.execution import steps_of
from harness.pipelines import Given, native_name, play_with
from harness.runs import (
    INPUTS,
    PIPELINES_RENDERED,
    TARGETS,
    read_pipeline,
    refused,
    render,
)


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
