"""What a builder is: a program that makes the image of a plan."""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.plan.model import Argument
from ci_kaniko.quick.hints import TYPE_CHECKING, Protocol
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan, Push
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import Build
    from ci_kaniko.syntax.variables import Parts


class Words(Protocol):
    """How a script writes texts as words of its shell."""

    def argument(self, argument: Argument) -> str:
        """One argument as a word."""

    def arguments(self, arguments: Iterable[Argument]) -> list[str]:
        """Each argument as a word."""

    def text(self, parts: Parts, *, is_reference: bool = False) -> str:
        """A text as a word."""


class Call(NamedTuple):
    """How a script calls a builder.

    ``given`` are the words that say where to push, with what stands before them: none where nothing
    is pushed, and ``"$@"`` where only the run knows. ``command`` makes lines of a program and its
    words. ``digest`` is a word: the file that the digest is written to.
    """

    plan: Plan
    words: Words
    given: list[str]
    command: Callable[[str, list[str]], list[str]]
    digest: str

    @property
    def is_open(self) -> bool:
        """Whether only the run knows what is pushed."""
        return self.given == ['"$@"']


class Contained(NamedTuple):
    """A call in a container of its own, for a job that runs outside of the builder's image.

    - ``before`` are lines of the job.
    - ``script`` runs in the container, and ``words`` are its arguments.
    - ``passed`` are variables for the container. So are ``secrets``; the last word of the value of
      each is made of a secret.
    - ``digest_in`` makes a line that reads the digest out of the file that gets what the script
      writes to descriptor 3.
    """

    before: list[str]
    words: list[str]
    script: list[str]
    passed: tuple[str, ...] = ()
    digest_in: Callable[[str], str] = "cat {}".format
    secrets: tuple[str, ...] = ()


def in_folder(folder: str, name: str) -> str:
    """A file in a folder as a word of a script."""
    path = f"{folder}/{name}"
    return f'"{path}"' if "$" in folder else quote(path)


def context_of(plan: Plan) -> Parts:
    """What the executor would be told of the context."""
    return next(item.value or () for item in plan.arguments if item.name == "context")


def archives(plan: Plan) -> Iterator[tuple[str, Parts]]:
    """The files that a build leaves an image in: the flag of kaniko, and where."""
    for item in plan.arguments:
        if item.name in {"tar-path", "oci-layout-path"}:
            yield item.name, item.value or ()


class Builder:
    """A program that builds, the image that holds it, and how a plan is told to it.

    - ``program`` is what a script calls.
    - ``home`` is its folder for config.json, certificates and the like: what /kaniko is for kaniko.
    - ``user`` is the number of the user that runs it, ``account`` that user's name in the image.
    - ``shell`` is the shell of the image.
    - ``settings`` is the folder of the files that say how it reaches registries.
    - ``carried`` are the flags of kaniko that it can do, and how.
    - ``unset`` are variables that would change what it does, ``env`` those that it needs, and
      ``container`` is one that says where it runs.
    - ``confined`` says that it runs under the usual profiles of seccomp and AppArmor.
    - ``scratch`` is a folder that must be a volume.
    - ``takes_arguments`` says that one call of the image's own entrypoint does it all.
    """

    name: str
    program: str
    home: str
    user: int = 0
    account: str = "root"
    shell: str = "/bin/sh"
    settings: str = ""
    carried: Mapping[str, str] = MappingProxyType({})
    unset: tuple[str, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})
    container: str = ""
    confined: bool = False
    scratch: str = ""
    takes_arguments: bool = False

    def image(self, build: Build, *, with_shell: bool) -> str:
        """The image to run; ``with_shell`` where it is not for its entrypoint alone."""
        return mirrored(getattr(build.tools, self.name) or BUILDER_IMAGES[self.name], build)

    def impossible_image(self, plan: Plan, *, with_shell: bool) -> Iterator[Finding]:
        """What is wrong with the image that would run."""
        yield from ()

    def refused(self, plan: Plan) -> Iterator[Finding]:
        """What it cannot do of a plan."""
        yield from ()

    def first(self, plan: Plan) -> tuple[Argument, ...]:
        """The arguments that are collected before the destinations."""
        return ()

    def destination(self, push: Push) -> Argument:
        """A destination among the words that are collected."""
        return Argument("", push.reference.parts, is_reference=True)

    def last(self, plan: Plan) -> tuple[Argument, ...]:
        """The arguments that are collected after them."""
        return ()

    def nothing(self, plan: Plan) -> tuple[Argument, ...]:
        """The arguments of a run that pushes nothing."""
        return ()

    def prepared(self, plan: Plan, settings: str, certificates: str) -> list[str]:
        """Lines that write its settings to a folder; the certificates lie in the other."""
        return []

    def lines(self, call: Call) -> list[str]:
        """The lines that build and push."""
        raise NotImplementedError

    def contained(self, call: Call) -> Contained:
        """The same where the script of the job runs outside of its image."""
        raise NotImplementedError

    def path(self, path: str) -> str:
        """Where a path of kaniko's folder lies in its own."""
        below = path.removeprefix("/kaniko")
        return self.home + below if below != path else path
