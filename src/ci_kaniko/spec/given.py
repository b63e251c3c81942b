"""What inputs may be where they make a path, a stage or a host."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.prepare import PLATFORMS
from ci_kaniko.syntax.grammar import is_host, is_stage
from ci_kaniko.syntax.references import DOCKER_HUB_LOOKALIKES, fits_image
from ci_kaniko.syntax.variables import inputs_in
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build
    from ci_kaniko.syntax.references import Reference

_NAME = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._+@-]+"
_PATH = pattern(rf"{_NAME}(?:/{_NAME})*")
CHOICE = "choice of platforms"
UNTAGGED = "image without a tag"
_HINTS = {
    "path": "letters, digits and . _ + @ -, joined by /, and no .. among them",
    "folder": "a folder from the root of the repository, of letters, digits and . _ + @ -, or .",
    "stage": "letters, digits, _ . and -",
    "host": "a host, such as docker.io or registry.example.com:5000",
    "image": "an image with its registry, such as ghcr.io/acme/app",
    UNTAGGED: "an image with its registry, such as ghcr.io/acme/app",
}


class Given(NamedTuple):
    """An input at a place of a build, and ``what`` it makes there.

    That is a ``path`` or a part of one, the whole ``folder`` of a context, the name of a ``stage``
    or a part of it, the ``host`` of a registry, an ``image`` with its registry and maybe a tag, or
    a choice among the platforms ``known``.
    """

    where: Where
    name: str
    what: str
    known: tuple[str, ...] = ()

    def fits(self, text: str) -> bool:
        """Whether it can be that."""
        if self.what == "host":
            return is_host(text) and text not in DOCKER_HUB_LOOKALIKES
        if self.what in {"image", UNTAGGED}:
            return fits_image(text, may_hold_tag=self.what == "image")
        if self.what == "stage":
            return is_stage(text)
        if self.what == CHOICE:
            return {*text.split(",")} <= {*self.known}
        return _PATH.fullmatch(text) is not None or (self.what == "folder" and text == ".")

    @property
    def hint(self) -> str:
        """What it may be."""
        if self.what == CHOICE:
            return f"some of {', '.join(self.known)}, with commas between them"
        return _HINTS[self.what]


def chooser(build: Build) -> str:
    """The input that chooses among the platforms of a build; empty without one."""
    several = len(build.platforms) > 1
    chosen = (name for name, item in build.inputs.items() if several and item.type == PLATFORMS)
    return next(chosen, "")


def given_in(build: Build) -> Iterator[Given]:
    """The inputs of a build that make such a thing."""
    if not build.inputs:
        return
    if name := chooser(build):
        yield Given(("platforms",), name, CHOICE, build.platforms)
    context = build.context
    for name in inputs_in(context) if context.is_directory else ():
        whole = len(context.parts) == 1
        yield Given(("context",), name, "folder" if whole else "path")
    for name in inputs_in(build.dockerfile):
        yield Given(("dockerfile",), name, "path")
    for name in inputs_in(build.target or ""):
        yield Given(("target",), name, "stage")
    images: list[tuple[Where, Reference]] = [
        (("destinations", index), item.image) for index, item in enumerate(build.destinations)
    ]
    if build.cache and build.cache.remote:
        images.append((("cache", "repo"), build.cache.remote))
    held = {image.host for _, image in images if image.held}
    hosts = [(where, image.host, _made(image)) for where, image in images]
    hosts += ((("registries", host), host, "host") for host in build.registries if host not in held)
    for where, host, what in hosts:
        for name in inputs_in(host):
            yield Given(where, name, what)


def _made(image: Reference) -> str:
    """What a variable makes that stands at the begin of an image."""
    if not image.held:
        return "host"
    return "image" if image.may_hold_tag else UNTAGGED
