"""The images and the action that a spec runs, and which of them are pinned."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.kaniko.executors import DISTRIBUTIONS
from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.executor import SUFFIXES, has_own_tag, version_of
from ci_kaniko.spec.extra import raw_images
from ci_kaniko.spec.outputs import named_targets
from ci_kaniko.spec.pulled import DEFAULTS, mirrored, tools_of
from ci_kaniko.spec.tools import is_pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, SpecFields


class Running(NamedTuple):
    """An image or an action that a job runs.

    - ``where`` is the place in the spec that names it, or could.
    - ``name`` is the name that is pulled, without a digest that the spec has elsewhere.
    - ``written`` is the text before the digest.
    - ``is_raw`` says that a native key of ``extra`` holds it, so no mirror replaces it.
    """

    where: Where
    name: str
    written: str
    is_pinned: bool
    is_action: bool = False
    is_raw: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the text says which image it is, before any run."""
        return not self.is_raw or "$" not in self.name

    @property
    def missing(self) -> str:
        """What pins it."""
        return "commit" if self.is_action else "digest"

    def pinned(self, pin: str) -> str:
        """What stands there with its pin."""
        if self.is_action:
            action, _, version = self.written.rpartition("@")
            return f"{action}@{pin} # {version}"
        return f"{self.written}@{pin}"


def running(spec: SpecFields) -> list[Running]:
    """The images of executor, tools, preparations and native keys, and one's own action.

    Each place once.
    """
    targets = _used_targets(spec)
    found = {item.where: item for build in spec.builds for item in _of(build, targets)}
    return list(found.values())


def unpinned(spec: SpecFields) -> list[Running]:
    """Those of them that run by a tag or a version that is known."""
    return [item for item in running(spec) if not item.is_pinned and item.is_known]


def _used_targets(spec: SpecFields) -> list[str]:
    """The targets that the spec has files for; without any all of them."""
    return named_targets(spec.outputs) or [*known_names()]


def some_targets(spec: SpecFields, tool: str) -> list[str]:
    """The targets that run a tool where not all do and no output says which of them count."""
    if named_targets(spec.outputs):
        return []
    known = [*known_names()]
    running = [name for name in known if any(tool in tools_of(b, [name]) for b in spec.builds)]
    return running if running != known else []


def _of(build: Build, targets: list[str]) -> Iterator[Running]:
    if KANIKO in map(build.built_by, targets):
        yield from _executor(build)
    run = tools_of(build, targets)
    for tool, default in DEFAULTS.items():
        given = getattr(build.tools, tool)
        if given or tool in run:
            yield _image(build, ("tools", tool), given or default)
    action = build.tools.checkout
    if action:
        yield Running(("tools", "checkout"), action, action, is_pinned(action), is_action=True)
    if build.prepare:
        yield _image(build, build.at(("prepare", "image")), build.prepare.image)
    for name in targets:
        for where, image in raw_images(getattr(getattr(build, name), "extra", {})):
            place = build.at((name, "extra", *where))
            yield Running(place, image, image, "@" in image, is_raw=True)


def _image(build: Build, where: Where, image: str) -> Running:
    return Running(where, mirrored(image, build), image, "@" in image)


def _executor(build: Build) -> Iterator[Running]:
    executor = build.executor
    if has_own_tag(executor):
        yield _image(build, build.at(("executor", "image")), executor.image or "")
        return
    repository = mirrored(executor.image or DISTRIBUTIONS[executor.distribution].image or "", build)
    for variant, suffix in SUFFIXES.items():
        if repository:
            where = build.at(("executor", "digests", variant))
            tag = f"{version_of(executor)}{suffix}"
            has_digest = getattr(executor.digests, variant) is not None
            yield Running(where, f"{repository}:{tag}", tag, has_digest)
