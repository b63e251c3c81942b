"""What the jobs of GitLab CI are called, and the variables that they hand over."""

from __future__ import annotations

import re

from ci_kaniko.plan.jobs import job_name, preparation_name
from ci_kaniko.plan.pipeline import PREPARES, Named, prepared_by
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.variables import inputs_in, parts_of
from ci_kaniko.targets.gitlab.dialect import is_included, pasted
from ci_kaniko.targets.shared import with_defaults
from ci_kaniko.text.quoting import TO_UPPER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.shell.words import Words
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
    """The variable that later jobs read: as unique among them as the job's name.

    A job in whose name inputs stand finds out about it: see ``digest_lines``.
    """
    if _digest_is_given(image):
        return "${variable}_DIGEST"
    text = with_defaults(image.build.gitlab.job or "", image.build).removeprefix("build-")
    name = re.sub("[^A-Za-z0-9]+", "_", text).strip("_") or image.word or "image"
    return re.sub("^(?=[0-9])", "_", re.sub("[.-]", "_", name).upper()) + "_DIGEST"


def digest_lines(image: Image, words: Words) -> list[str]:
    """What makes the name of that variable in a script, where inputs stand in it."""
    if not _digest_is_given(image):
        return []
    first, *rest = parts_of(image.build.gitlab.job or "")
    word = words.text((first.removeprefix("build-") if isinstance(first, str) else first, *rest))
    legal = f"{TO_UPPER} | tr -cs A-Z0-9 _ | sed 's/^_*//; s/_*$//; s/^[0-9]/_&/'"
    return [f"variable=$(printf %s {word} | {legal})"]


def _digest_is_given(image: Image) -> bool:
    return is_included(image.build) and bool(inputs_in(image.build.gitlab.job or ""))
