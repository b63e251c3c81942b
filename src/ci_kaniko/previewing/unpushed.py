"""Images that begin with another one of the spec, in runs that do not push that one before.

It speaks only where no earlier run can have pushed it: a tag that stays may be there, and so may
the commit of a tag or of a schedule, which a branch had first.
"""

from __future__ import annotations

from itertools import islice

from ci_kaniko.previewing.events import example, occasions
from ci_kaniko.previewing.starts import start_of
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.project.dockerfile import Unread, path_of
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.told import once_for_images
from ci_kaniko.syntax.conditions import holds
from ci_kaniko.syntax.globs import any_matches, is_literal, matches, split
from ci_kaniko.syntax.variables import Ref
from ci_kaniko.syntax.versions import version_of
from ci_kaniko.targets.registry import target as find_target
from ci_kaniko.text.display import listed
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.destinations import Destination
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syntax.conditions import Event
    from ci_kaniko.targets.target import Target

_ARGUMENT = pattern(r"\$(?:\{(\w+)\}|(\w+))")
_OF_JOB = ("build.date", "build.timestamp")
_OF_RUN = "build."
_OF_COMMIT = "commit."
_OF_REF = ("ref.", "version", "tag", "branch", "pull_request.")
_KINDS = {
    "pull-request": "a pull request",
    "schedule": "a schedule",
    "manual": "a manual run",
    "pipeline": "another pipeline",
}
_STAYS = "name a tag that stays, such as latest"


class _Use(NamedTuple):
    """An image of a spec that begins with what others push, as a build arg says.

    It ``waits`` where one of these is among the images that it needs, or that those need.
    """

    build: Build
    argument: str
    image: str
    pushed: tuple[tuple[Build, Destination], ...]
    waits: bool

    @property
    def pushers(self) -> str:
        """The images that push it."""
        return listed(dict.fromkeys(quoted(build.name) for build, _ in self.pushed))

    def varies(self, *beginnings: str) -> bool:
        """Whether a variable of one of these kinds stands in its name; a default may stay."""
        parts = self.pushed[0][1].image.parts
        found = [part.name for part in parts if isinstance(part, Ref) and part.default is None]
        return any(name.startswith(beginnings) for name in found)

    def finding(self, event: str, hint: str, what: str = "which it does not push") -> Finding:
        """What is wrong in an event."""
        message = f"{event} builds on {quoted(self.image)}, {what}"
        where = ("build_args", self.argument)
        return Finding("unpushed-image", where, message, hint, severity="warning")


def unpushed_images(
    spec: Spec, dockerfiles: Dockerfiles, targets: Sequence[str], only: Collection[str]
) -> Iterator[Finding]:
    """What a run of some event builds on, and no run can have pushed; of the first such event."""
    builds = [build for build in spec.builds if build.name in only]
    uses = [use for build in builds for use in _uses(build, spec, dockerfiles)]
    if not uses:
        return
    chosen = [target for target in map(find_target, targets) if not target.needs_values]
    planned = [_Planned(spec, target) for target in chosen]
    events = [occasion for occasion in occasions(spec) if not occasion.fork]
    found: list[tuple[Build, Finding]] = []
    for use in uses:
        told = (each.told(use, event) for each in planned for event in events)
        found += ((use.build, finding) for finding in islice(filter(None, told), 1))
    yield from once_for_images(found, len(only))


def _uses(build: Build, spec: Spec, dockerfiles: Dockerfiles) -> Iterator[_Use]:
    try:
        dockerfile = dockerfiles.of(build) if spec.images and build.build_args else None
    except Unread:
        return
    number = dockerfile.number(build.target) if dockerfile else None
    if dockerfile is None or number is None:
        return
    for at in sorted(dockerfile.used(number)):
        base = dockerfile.stages[at].base
        given = [one or other for one, other in _ARGUMENT.findall(base)]
        if not {*given} <= {*build.build_args}:
            continue
        image = _ARGUMENT.sub(lambda found: build.build_args[found[1] or found[2]], base)
        pushed = tuple(
            (other, item)
            for other in spec.builds
            for item in other.destinations
            if other.name != build.name and item.image == image
        )
        argument = next((name for name in given if build.build_args[name].names), "")
        if pushed and argument:
            waits = not _awaited(build.name, spec).isdisjoint(other.name for other, _ in pushed)
            yield _Use(build, argument, image, pushed, waits)


def _awaited(name: str, spec: Spec) -> set[str]:
    """The images for which one waits, and those for which they wait."""
    found: set[str] = set()
    pending = [name]
    while pending:
        more = ({*spec.images[pending.pop()].needs} & spec.images.keys()) - found
        found |= more
        pending += more
    return found


class _Planned:
    """The runs of a spec on one target."""

    def __init__(self, spec: Spec, target: Target) -> None:
        self.target = target
        self.plans = {image.name: image.plan for image in target.planned(spec).images}

    def told(self, use: _Use, occasion: Occasion) -> Finding | None:
        """What is wrong with a use in an event."""
        plan = self.plans[use.build.name]
        start = start_of(plan, self.target, occasion)
        # Without triggers the caller of a form decides on the events.
        if not start.starts or (plan.reusable and not plan.spec.triggers):
            return None
        event = occasion.event
        if use.varies(*_OF_JOB):
            return use.finding(
                _named(event), "each job has its own time; ${build.number} is the same"
            )
        if others := self._pushing(use, occasion):
            if not use.waits and use.varies(_OF_RUN, _OF_COMMIT, *_OF_REF):
                first = use.pushed[0][0].name
                hint = f"needs: [{first}] waits for it, or {_STAYS}"
                return use.finding(_named(event), hint, f"and does not wait for {use.pushers}")
            return _with_files(use, start.when_changed, others)
        if not self._is_new(use, occasion):
            return None
        if event.pull_request:
            return use.finding(_named(event), f"leave pull_requests out of triggers:, or {_STAYS}")
        return use.finding(_named(event), f"let {use.pushers} be pushed then, too, or {_STAYS}")

    def _pushing(self, use: _Use, occasion: Occasion) -> list[tuple[str, ...]]:
        """The paths of each image that the event pushes under that name."""
        starts = (
            start_of(self.plans[build.name], self.target, occasion)
            for build, item in use.pushed
            if _pushes(build, item, occasion.event)
        )
        return [start.when_changed for start in starts if start.starts]

    def _is_new(self, use: _Use, occasion: Occasion) -> bool:
        """Whether no other run can have pushed what this one does not."""
        event = occasion.event
        if use.varies(_OF_RUN) or event.source:
            return use.varies(_OF_RUN)
        if use.varies(*_OF_REF):
            triggers = [build.triggers for build, _ in use.pushed]
            at_any_time = any(each and each.starts_any_ref for each in triggers)
            return bool(event.pull_request) or not at_any_time
        if not use.varies(_OF_COMMIT) or event.tag:
            return False
        if event.pull_request:
            source = event._replace(branch=occasion.source, pull_request="")
            return not self._pushing(use, occasion._replace(event=source))
        # A branch named in full may be moved to a commit that another branch has built.
        globs = self.plans[use.build.name].started.branches
        return any(not is_literal(glob) and matches(glob, event.branch) for glob in globs)


def _named(event: Event) -> str:
    if event.source or event.pull_request:
        return _KINDS[event.source or "pull-request"]
    return f"a push of tag {event.tag}" if event.tag else f"a push to {event.branch}"


def _pushes(build: Build, item: Destination, event: Event) -> bool:
    """Whether an image that is built in an event is pushed there."""
    if build.push == "never" or (build.push == "auto" and event.pull_request):
        return False
    return holds(item.when, event._replace(version=version_of(event.tag, build.tag_prefix)))


def _with_files(use: _Use, paths: tuple[str, ...], others: list[tuple[str, ...]]) -> Finding | None:
    """A change of a file for which the image is built, and none that pushes what it needs."""
    if not all(others) or not use.varies(_OF_RUN, _OF_COMMIT):
        return None
    files = map(example, split(paths)[0]) if paths else filter(None, [path_of(use.build)])
    for file in files:
        seen = not paths or any_matches(paths, file)
        if seen and not any(any_matches(each, file) for each in others):
            wider = f"add what is missing to the paths of {use.pushers}"
            return use.finding(f"a change of {file} alone", f"{wider}, or {_STAYS}")
    return None
