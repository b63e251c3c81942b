"""What the jobs of GitLab CI are called, and the variables that they hand over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.plan.jobs import job_name, preparation_name
from ci_kaniko.plan.pipeline import PREPARES, Named, prepared_by
from ci_kaniko.syntax.variables import with_inputs
from ci_kaniko.targets.gitlab.dialect import is_included, pasted
from ci_kaniko.targets.shared import with_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.spec.build import Build


def native(build: Build, text: str) -> str:
    """A name or a setting as the file has it."""
    return pasted(text) if is_included(build) else with_defaults(text, build)


def job_of(image: Image) -> str:
    """The name of the job that ends an image."""
    return native(image.build, job_name(image.build.gitlab.job, image))


def _all_names(image: Image) -> list[str]:
    named = [name for name, _ in named_jobs(image)]
    return [*named, job_of(image)] if image.join else named


def job_names(pipeline: Pipeline) -> Iterator[Named]:
    """The names of all jobs of a pipeline."""
    for image in pipeline.images:
        yield from (Named(image, name, "job") for name in _all_names(image))
    for preparation in pipeline.preparations:
        name = preparation_of(preparation, pipeline.images)
        yield Named(prepared_by(preparation, pipeline.images), name, "job", PREPARES)


def preparation_of(preparation: Preparation, images: Iterable[Image]) -> str:
    """The name of a job that prepares."""
    build = prepared_by(preparation, images).build
    return native(build, preparation_name(preparation, build.gitlab.job))


def named_jobs(image: Image) -> Iterator[tuple[str, Job]]:
    """The jobs that run the executor, by name."""
    for job in image.jobs:
        yield f"{job_of(image)}-{job.suffix}" if job.suffix else job_of(image), job


def digest_name(image: Image) -> str:
    """The variable that later jobs read: as unique among them as the job's name."""
    given = with_inputs(image.build.gitlab.job or "", lambda _: "").removeprefix("build-")
    name = re.sub("[^A-Za-z0-9]+", "_", given).strip("_") or image.word or "image"
    return re.sub("^(?=[0-9])", "_", re.sub("[.-]", "_", name).upper()) + "_DIGEST"
