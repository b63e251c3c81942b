"""What the jobs of a pipeline are called, and where they run."""

from __future__ import annotations

from ci_kaniko.plan.platforms import DEFAULT
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.pipeline import Image, Job, Named, Preparation
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.syntax.variables import Template


T = TypeVar("T")


def runner(job: Job, given: Mapping[str, T], known: Mapping[str, T]) -> T | None:
    """Where a job of one platform runs: what the spec says, else what the platform offers.

    None for what runs anywhere, and for a platform that neither of them knows.
    """
    if not job.platform or (job.platform == DEFAULT and not job.suffix):
        return given.get(job.platform)
    return given.get(job.platform, known.get(job.platform))


def no_runner(job: Job, where: Where, target: str, example: str) -> Finding:
    """A platform for which nobody knows a runner."""
    return Finding(
        "missing-runner",
        where,
        f"{target} has no runner for {job.platform} that ci-kaniko knows",
        f"under {target}: {example}",
    )


def job_name(given: Template | None, image: Image, single: str = "build-image") -> str:
    """The name of an image's last job: the native one when the spec gives it."""
    if given is not None:
        return given
    return f"build-{image.word}" if image.word else single


def preparation_name(preparation: Preparation, given: Template | None = None) -> str:
    """The name of the job that prepares: made of that of the first image's job, and as unique.

    ``given`` is the native name of that job when the spec gives it.
    """
    return name_before("prepare", preparation.name, given)


def name_before(start: str, word: str, given: Template | None) -> str:
    """The name of a job that comes before the one of an image, whose native name is ``given``."""
    if given and given != "build-":
        return given.prefixed(f"{start}-", instead_of="build-")
    return f"{start}-{word}" if word and not given else start


def duplicate_names(named: Iterable[Named], section: str, field: str) -> Iterator[Finding]:
    """Jobs that would have one name: those of different images, or with different duties."""
    seen: dict[str, Named] = {}
    for each in sorted(named, key=lambda each: not each.duty):
        first, build = seen.setdefault(each.name, each), each.image.build
        given = getattr(getattr(build, section), field) is not None
        where = build.at((section, field) if given else ())
        otherwise = f"call the image otherwise, or give it {section}: {{{field}: NAME}}"
        if first.duty != each.duty:
            yield Finding(
                "duplicate-job",
                where,
                f"the job that {first.duty} has the same {each.what}, {quoted(each.name)}",
                f"such as build-{each.name}" if given else otherwise,
            )
        elif first.image is not each.image:
            yield Finding(
                "duplicate-job",
                where,
                f"{quoted(first.image.name)} and {quoted(each.image.name)} have the same "
                f"{each.what}, {quoted(each.name)}",
                f"each needs its own, such as {field}: build-${{image.name}}"
                if given
                else otherwise,
            )


def too_many_needs(images: Iterable[Image], limit: int, target: str) -> Iterator[Finding]:
    """Images that wait for more jobs than a platform allows."""
    for image in images:
        if len(image.needs) > limit:
            yield Finding(
                "too-many-needs",
                image.build.at(("needs",)),
                f"{quoted(image.name)} needs {len(image.needs)} images, "
                f"and {target} lets a job wait for {limit}",
                "an image that waits for some of them can stand between",
            )
