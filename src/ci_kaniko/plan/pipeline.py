"""From a spec to the jobs of a pipeline: one plan per job, in an order in which each can run."""

from __future__ import annotations

import re

from ci_kaniko.plan.inputs import chosen
from ci_kaniko.plan.logins import several_cloud_logins
from ci_kaniko.plan.model import is_reusable
from ci_kaniko.plan.platforms import DEFAULT, alone_on, is_staged, joining, on_platform, slug
from ci_kaniko.plan.resolve import resolve, started_by
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.told import once_for_images
from ci_kaniko.syntax.grammar import file_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan, Started
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Prepare
    from ci_kaniko.spec.spec import Spec


class Job(NamedTuple):
    """One run of the executor: an image, or one platform of it.

    ``suffix`` ends the job's name; the only job of an image has none. ``platform`` is empty when
    the spec names none, or when it is the one that runners have anyway. With ``requests`` the job
    is for pull requests only, and another one for the runs that push: see ``apart``.
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

    ``name`` is made of the name of the first of these images. ``started`` has the events of each.
    """

    name: str
    prepare: Prepare
    started: tuple[Started, ...]


class Image(NamedTuple):
    """An image of a pipeline: its jobs, the ``join`` of its platforms, and what it waits for.

    ``name`` is empty for the only image of a spec; names are made of ``word`` then, where the
    repository has other specs. ``needs`` are images of this pipeline.
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
    def chooser(self) -> str:
        """The input by which callers choose among its platforms; empty without one."""
        return self.jobs[0].plan.chooser

    @property
    def tells_time(self) -> bool:
        """Whether a job of it says when the commit was made."""
        return any(plan.tells_time for plan in self.plans)

    @property
    def hands_over(self) -> bool:
        """Whether later jobs get the digest of the image."""
        return self.build.digest

    def findings(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Findings about a plan of this image, at their places in the spec."""
        return (item._replace(where=self.build.at(item.where)) for item in findings)


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
    def plans(self) -> list[Plan]:
        """The plans of all its jobs."""
        return [plan for image in self.images for plan in image.plans]

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
        return once_for_images(found, len(self.images))


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

    if not is_reusable(build, target):
        build = chosen(build)

    join = None
    if is_staged(build):
        jobs = tuple(
            Job(planned(on_platform(build, platform)), slug(platform), platform)
            for platform in build.platforms
        )
        if build.push != "never":
            whole = planned(joining(build))
            # What joins has helpers of its own, whatever builds.
            logins = tuple(login._replace(helped=True) for login in whole.logins)
            join = whole._replace(
                arguments=(),
                pushed_arguments=(),
                outputs=(),
                logins=logins,
                findings=(*whole.findings, *several_cloud_logins(logins)),
            )
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
    groups: dict[Prepare, list[Build]] = {}
    for build in builds:
        if build.prepare is not None:
            groups.setdefault(build.prepare, []).append(build)
    found: dict[str, Preparation] = {}
    for prepare, members in groups.items():
        started = tuple(dict.fromkeys(started_by(build) for build in members))
        shared = Preparation(words[members[0].name], prepare, started)
        found |= {build.name: shared for build in members}
    return found


WORKFLOW = "image"


def workflow_name(spec: Spec) -> str:
    """What GitHub calls the workflow of all images: as the spec says, else as a file is called."""
    given = spec.builds[0].github.workflow
    names = {build.name for build in spec.builds}
    files = [file for file in spec.outputs.github if file.mode == "own"]
    paths = [file.path for file in files if not file.only or set(file.only) == names]
    return given or (file_stem(paths[0]) if len(paths) == 1 else _word_of(spec) or WORKFLOW)


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
READS_TIME = "reads the time of the commit"
