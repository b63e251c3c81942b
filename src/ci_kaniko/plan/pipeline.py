"""From a spec to the jobs of a pipeline: one plan per job, in an order in which each can run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ci_kaniko.plan.platforms import DEFAULT, alone_on, is_staged, joining, on_platform, slug
from ci_kaniko.plan.resolve import Plan, Started, resolve, started_by
from ci_kaniko.problems.finding import Finding, quoted, told_once
from ci_kaniko.syntax.grammar import file_stem
from ci_kaniko.syntax.variables import INPUT_PREFIX, Ref, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, OutputFile, Prepare, Spec


class Job(NamedTuple):
    """One run of the executor: an image, or one platform of it.

    ``suffix`` is what its name ends with, empty for the only job of an image. ``platform`` is
    empty when the spec names none, or when it is the one that runners have anyway. With
    ``requests`` another job is for the runs that push: see ``apart``.
    """

    plan: Plan
    suffix: str = ""
    platform: str = ""
    requests: bool = False

    @property
    def ending(self) -> str:
        """What its name ends with, after the image's."""
        return "-".join(filter(None, [self.suffix, "pull-request" * self.requests]))


class Preparation(NamedTuple):
    """Commands that run before images are built: once for all images that ask for the same.

    ``name`` is what names have of the first image that it is for. ``started`` are the events of
    each of its images.
    """

    name: str
    prepare: Prepare
    started: tuple[Started, ...]


class Image(NamedTuple):
    """An image of a pipeline: its jobs, what joins them, and what must be finished before.

    ``name`` is empty for the only image of a spec; ``word`` is what its names are made of where
    another spec has them, too. ``needs`` are images of this pipeline.
    """

    name: str
    word: str
    build: Build
    jobs: tuple[Job, ...]
    join: Plan | None
    preparation: Preparation | None
    needs: tuple[str, ...]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans of all its jobs."""
        return (*(job.plan for job in self.jobs), *((self.join,) if self.join else ()))

    @property
    def plan(self) -> Plan:
        """The plan that stands for the image: of its join, or of its only job."""
        return self.join or self.jobs[0].plan

    @property
    def hands_over(self) -> bool:
        """Whether later jobs get the digest of the image."""
        return self.build.digest

    def findings(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """Findings about a plan of this image, at their places in the spec."""
        return (item._replace(where=self.build.at(item.where)) for item in found)


def apart(image: Image) -> Image:
    """An image whose pull requests are built by jobs of their own, without what pushes need."""
    several = [(job, *job.plan.apart()) for job in image.jobs]
    jobs = [job._replace(plan=plan) for job, plan, _ in several]
    jobs += [job._replace(plan=plan, requests=True) for job, _, plan in several if plan]
    return image._replace(jobs=tuple(jobs))


def met(job: Job, needed: Image) -> tuple[Job, ...]:
    """The jobs of an image that run in the events of a job which waits for it."""
    if job.plan.started.may_be_request and not job.requests:
        return needed.jobs
    found = tuple(other for other in needed.jobs if other.requests == job.requests)
    return found or needed.jobs


class Pipeline(NamedTuple):
    """All images of a spec on a target, each after what it needs."""

    target: str
    spec: Spec
    images: tuple[Image, ...]
    preparations: tuple[Preparation, ...]

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the plans; what several images share is said once."""
        return self.check(lambda plan: plan.findings)

    def check(self, look: Callable[[Plan], Iterable[Finding]]) -> list[Finding]:
        """What ``look`` finds in each plan, at its place in the spec, each place once."""
        found = (
            (image.build, item)
            for image in self.images
            for plan in image.plans
            for item in look(plan)
        )
        return told_once(found, len(self.images))

    @property
    def started(self) -> tuple[Started, ...]:
        """What starts the jobs: one entry for each set of events that differs."""
        return tuple(dict.fromkeys(image.plan.started for image in self.images))


def pipeline(
    spec: Spec, target: str, *, directory_is_git: Callable[[Build], bool] = lambda _: False
) -> Pipeline:
    """The jobs that a spec asks for on a target; what is wrong is in the plans' ``findings``."""
    builds = _in_order(spec)
    words = {build.name: build.name or _word_of(spec) for build in builds}
    preparations = _preparations(builds, words)
    images = tuple(
        _image(build, words[build.name], target, preparations, in_git=directory_is_git(build))
        for build in builds
    )
    used = dict.fromkeys(preparations[build.name] for build in builds if build.prepare)
    return Pipeline(target, spec, images, tuple(used))


_LONGEST_WORD = 40


def _word_of(spec: Spec) -> str:
    """What tells the only image of a spec from those of other specs: its folder, or its file.

    Nothing where a repository has its one spec.
    """
    from ci_kaniko.repository.discovery import FILE_NAMES

    *folders, name = ((spec.source and spec.source.place) or FILE_NAMES[0]).split("/")
    if name not in FILE_NAMES:
        folders = [file_stem(name)]
    word = re.sub("[^a-z0-9_-]+", "-", folders[-1].lower()) if folders else ""
    return word[:_LONGEST_WORD].strip("-_")


def _image(
    build: Build, word: str, target: str, preparations: dict[str, Preparation], *, in_git: bool
) -> Image:
    def planned(part: Build) -> Plan:
        return resolve(part, target, directory_is_git=in_git)

    join = None
    if is_staged(build):
        jobs = tuple(
            Job(planned(on_platform(build, platform)), slug(platform), platform)
            for platform in build.platforms
        )
        if build.push != "never":
            whole = planned(joining(build))
            join = whole._replace(arguments=(), pushed_arguments=(), outputs=())
    elif build.platforms == (DEFAULT,):
        jobs = (Job(planned(build), platform=DEFAULT),)
    elif build.platforms:
        jobs = (Job(planned(alone_on(build)), platform=build.platforms[0]),)
    else:
        jobs = (Job(planned(build)),)
    return Image(build.name, word, build, jobs, join, preparations.get(build.name), _needs(build))


def _needs(build: Build) -> tuple[str, ...]:
    return tuple(dict.fromkeys(getattr(build, "needs", ())))


def _in_order(spec: Spec) -> list[Build]:
    """The images as written, but each after those that it needs."""
    ordered: dict[str, Build] = {}
    for build in spec.builds:
        pending = [(build, iter(_needs(build)))]
        while pending:
            current, needs = pending[-1]
            missing = next((name for name in needs if name not in ordered), None)
            if missing is None:
                pending.pop()
                ordered.setdefault(current.name, current)
            else:
                needed = spec.images[missing]
                pending.append((needed, iter(_needs(needed))))
    return list(ordered.values())


def _preparations(builds: list[Build], words: Mapping[str, str]) -> dict[str, Preparation]:
    """What prepares each image; images that ask for the same share it."""
    groups: list[tuple[Prepare, list[Build]]] = []
    for build in builds:
        if build.prepare is None:
            continue
        for prepare, members in groups:
            if prepare == build.prepare:
                members.append(build)
                break
        else:
            groups.append((build.prepare, [build]))
    found: dict[str, Preparation] = {}
    for prepare, members in groups:
        started = tuple(dict.fromkeys(started_by(build) for build in members))
        shared = Preparation(words[members[0].name], prepare, started)
        found |= {build.name: shared for build in members}
    return found


T = TypeVar("T")
AnyBuild = TypeVar("AnyBuild", bound="Build")


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


def job_name(given: str | None, image: Image, single: str = "build-image") -> str:
    """The name of an image's last job: the native one when the spec gives it."""
    if given is not None:
        return given
    return f"build-{image.word}" if image.word else single


WORKFLOW = "image"


def workflow_name(spec: Spec) -> str:
    """What GitHub calls the workflow of all images: as the spec says, else as a file is called."""
    given = spec.builds[0].github.workflow
    names = {build.name for build in spec.builds}
    files = [file for file in spec.outputs.github if file.mode == "own"]
    paths = [file.path for file in files if not file.only or set(file.only) == names]
    return given or (file_stem(paths[0]) if len(paths) == 1 else _word_of(spec) or WORKFLOW)


def preparation_name(preparation: Preparation, given: str | None = None) -> str:
    """The name of the job that prepares: like that of the first image's job, as unique as that.

    ``given`` is the native name of that job when the spec gives it.
    """
    name = given.removeprefix("build-") if given else preparation.name
    return f"prepare-{name}" if name else "prepare"


def prepared_by(preparation: Preparation, images: Iterable[Image]) -> Image:
    """The first image that is prepared so: its settings count."""
    return next(image for image in images if image.preparation == preparation)


class Named(NamedTuple):
    """A name that a platform knows a job by.

    ``what`` is the word for such a name. ``duty`` says what the job does when it builds no image.
    """

    image: Image
    name: str
    what: str
    duty: str = ""


PREPARES = "prepares an image"


def duplicate_names(named: Iterable[Named], section: str, field: str) -> Iterator[Finding]:
    """Jobs that would get one name: of different images, or of different duties."""
    seen: dict[str, Named] = {}
    for each in sorted(named, key=lambda each: not each.duty):
        first = seen.setdefault(each.name, each)
        if first.duty != each.duty:
            yield Finding(
                "duplicate-job",
                each.image.build.at((section, field)),
                f"the job that {first.duty} has the same {each.what}, {quoted(each.name)}",
                f"such as build-{each.name}",
            )
        elif first.image is not each.image:
            yield Finding(
                "duplicate-job",
                each.image.build.at((section, field)),
                f"{quoted(first.image.name)} and {quoted(each.image.name)} have the same "
                f"{each.what}, {quoted(each.name)}",
                f"each needs its own, such as {field}: build-${{image.name}}",
            )


def unknown_inputs(plan: Plan, field: str) -> Iterator[Finding]:
    """Inputs in a native name that nobody gives this form, and that have no default."""
    name = getattr(getattr(plan.spec, plan.target), field)
    for part in parse(name or ""):
        if isinstance(part, Ref) and not plan.reusable:
            given = plan.spec.inputs[part.name.removeprefix(INPUT_PREFIX)]
            if given.default is None:
                yield Finding(
                    "target-variable",
                    (plan.target, field),
                    f"nobody gives this form inputs, and ${{{part.name}}} has no default",
                    "give the input a default",
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


def select(spec: Spec, names: Collection[str]) -> Spec:
    """The spec with only some of its images; what they need outside of these is not waited for."""
    images = {
        name: image.model_copy(
            update={"needs": tuple(needed for needed in image.needs if needed in names)}
        )
        for name, image in spec.images.items()
        if name in names
    }
    # The other files name images that are left out.
    kept = {
        target: tuple(file for file in files if set(file.only) == set(images))
        for target, files in spec.outputs
    }
    outputs = spec.outputs.model_copy(update=kept)
    return spec.model_copy(update={"images": images, "outputs": outputs})


def with_section(spec: Spec, target: str, update: Callable[[Any], dict[str, Any]]) -> Spec:
    """The spec with other settings of a target: ``update`` makes them of each image's section."""

    def changed(build: AnyBuild) -> AnyBuild:
        section = getattr(build, target)
        return build.model_copy(update={target: section.model_copy(update=update(section))})

    if not spec.images:
        return changed(spec)
    images = {name: changed(image) for name, image in spec.images.items()}
    return spec.model_copy(update={"images": images})


def in_file(spec: Spec, target: str, file: OutputFile) -> Spec:
    """What a spec says for one of its files: its images, in the form that it takes."""
    if file.only:
        spec = select(spec, file.only)
    if file.mode == "merge" and target == "github":
        spec = with_section(spec, target, lambda _: {"form": "jobs"})
    return spec


def in_files(spec: Spec, target: str) -> list[tuple[str | None, Spec]]:
    """The path of each file of a target and what is in it; all in one when none is named."""
    files = getattr(spec.outputs, target)
    return [(file.path, in_file(spec, target, file)) for file in files] or [(None, spec)]
