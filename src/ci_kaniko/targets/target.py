"""What a target is."""

from __future__ import annotations

from importlib import import_module

from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, Literal
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ci_kaniko.kaniko.systems import System
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.pipeline import Named, Pipeline
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.shell.dialect import Dialect
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.model import Section
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.setup import Setup


class Rendering(NamedTuple):
    """What a target makes of a spec: the view for its template, or what is in the way."""

    view: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def later(place: str) -> Callable[..., Any]:
    """The function or class at ``module:name``, imported when it is called."""

    def call(*arguments: Any, **options: Any) -> Any:
        module, _, name = place.partition(":")
        return getattr(import_module(module), name)(*arguments, **options)

    return call


def found_at(place: str) -> Callable[[], Any]:
    """What asks for the object at ``module:name``, which is imported then."""
    module, _, name = place.partition(":")
    return lambda: getattr(import_module(module), name)


class Shape(NamedTuple):
    """Where the entries of ours stand in a file with ``mode: merge``.

    An entry is called a ``noun``. All of them stand below ``key``, or at the top without one, and
    the keys ``names`` tell one from another. A document with the key ``header`` may stand before
    theirs. The entry ``stages`` lists the stages.
    """

    noun: str
    kind: Literal["mapping", "sequence", "documents"]
    key: str = ""
    names: tuple[str, ...] = ()
    header: str = ""
    stages: str = ""

    @property
    def whole(self) -> str:
        """What the entries are collected in."""
        nouns = f"{self.noun}s"
        return f"a mapping of {nouns}" if self.kind == "mapping" else f"a list of {nouns}"


class Init(NamedTuple):
    """How ``init`` finds a platform, and where a first spec puts its file.

    - ``seen`` are files and folders that show that a repository uses the platform; so does a remote
      whose host matches ``hosts``.
    - ``home`` is the host of repositories whose own registry needs no login in the spec.
    - ``outputs`` are names for a new file, and ``numbered`` begins further ones. Without any, no
      file is committed.
    - ``pipelines`` are the names of the one file that the platform reads first. One that reads all
      files of a ``folder`` has none to merge into, which ``no_merge`` tells the user.
    - ``uses`` tells the user how a ``{pipeline}`` takes in a new ``{output}``.
    - ``section`` makes a part of the spec out of the text of a pipeline, for a file beside that
      one or ``merged`` into it.
    - ``folded_by`` is the attribute of git by which reviews fold a generated file.
    - ``steps`` come after the usual next steps.
    """

    seen: tuple[str, ...] = ()
    hosts: str = ""
    home: str = ""
    outputs: tuple[str, ...] = ()
    numbered: str = ""
    pipelines: tuple[str, ...] = ()
    folder: str = ""
    no_merge: str = ""
    uses: str = ""
    section: Callable[..., str] = lambda *_, **__: ""
    folded_by: str = ""
    steps: tuple[str, ...] = ()


class Runner(NamedTuple):
    """How a rehearsal runs what is rendered for a target; see ``ci_kaniko.rehearsing.running``.

    - ``steps`` are the jobs that an event starts, for a text, the event and the values of inputs;
      ``run`` runs one of them in its sandbox.
    - ``runs_in`` is the shell of its scripts.
    - ``without`` are the sources from which the platform has no events.
    - ``has_files`` says that a job gets a ready docker config as the path of a file.
    - ``engine`` is somebody else's program that runs the same file.
    """

    steps: Callable[..., Any]
    run: Callable[..., Any]
    runs_in: str = "busybox"
    without: tuple[str, ...] = ()
    has_files: bool = False
    engine: Callable[[], Any] | None = None


PARTS = ("schedules", "manual", "pipelines", "paths", "needs")
"""Parts of a spec that are refused unless a target says that it ``hears`` them."""


class Target(NamedTuple):
    """A CI system that a spec is rendered for, and what the commands know of it.

    What is rendered:

    - ``prepare`` turns a spec and the values that are known into the view of ``template``, which
      lies in ``folder`` for a target that is not built in.
    - ``verify`` reads the parsed output, of a ``stream`` the list of its documents, and yields a
      sentence for each part that is not what was planned.
    - ``refuses`` yields what the platform will not take of a text, whatever template it is from.
    - ``nothing`` is the text of a pipeline without images, for a spec and a reason.
    - ``names`` are those that no two files of a repository may share; a spec changes them by the
      key ``field`` of its section.
    - ``mounts`` are folders that a job mounts, so the executor skips them in the image.

    What the platform can do:

    - ``builders`` are the programs that can build in its jobs.
    - ``hears`` are those of ``PARTS`` that ``prepare`` gives their effect or refuses by itself; the
      others are refused.
    - ``fetches`` says whether the executor itself fetches the repository of a build.
    - ``pulls_with`` says whether a job can pull the image that it runs in with a login.
    - ``built_before`` says, for a plan, a source branch and whether that is a fork's, whether a
      pull request starts nothing because the push to that branch has built the same.
    - ``runs_in_forks`` says that the pull request of a fork runs in the fork's own repository.
    - ``sees_source`` says whether a job knows what has started its run, beside the ref.

    What the commands ask:

    - ``settings`` is the model of its section of the spec, for a target that is not built in.
    - ``shape`` is what ``mode: merge`` puts entries into, and ``merged`` makes the spec for that,
      of the spec and the text of the file.
    - ``started_now`` are the fields of a build that change where a pipeline is rendered when it
      runs.
    - ``setup`` makes the words of ``ci-kaniko setup``, ``init`` is for ``init``, ``dialect`` names
      its variables in the table of what works where, and ``runner`` is for ``rehearse``.
    """

    system: System
    summary: str
    output: str
    template: str
    prepare: Callable[[Spec, Mapping[str, str]], Rendering]
    verify: Callable[[Any, dict[str, Any]], Any]
    stream: bool = False
    mounts: Callable[[Build], tuple[str, ...]] = lambda _: ()
    names: Callable[[Spec], Iterable[Named]] = lambda _: ()
    field: str = ""
    settings: type[Section] | None = None
    folder: str = ""
    setup: Callable[[], Setup] = later("ci_kaniko.targets.setup:Setup")
    init: Init = Init()
    shape: Shape | None = None
    pulls_with: Callable[[Plan, HostLogin], bool] = lambda *_: False
    merged: Callable[[Spec, str], Spec] = lambda spec, _: spec
    fetches: Callable[[Build], bool] = lambda _: False
    built_before: Callable[[Plan, str, bool], bool] = lambda *_: False
    runs_in_forks: bool = False
    sees_source: Callable[[Build], bool] = lambda _: True
    started_now: Callable[[Build], dict[str, Any]] = lambda _: {}
    nothing: Callable[[Spec, str], str] = lambda *_: ""
    refuses: Callable[[Spec, str], Iterable[Finding]] = lambda *_: ()
    dialect: Callable[[], Dialect] | None = None
    hears: tuple[str, ...] = ()
    builders: tuple[str, ...] = (KANIKO,)
    runner: Runner | None = None

    def planned(self, spec: Spec) -> Pipeline:
        """The jobs that a spec asks for here."""
        from ci_kaniko.plan.pipeline import pipeline

        return pipeline(spec, self.name, directory_is_git=self.fetches)

    def rendering(self, spec: Spec, values: Mapping[str, str]) -> Rendering:
        """What ``prepare`` makes of a spec, unless it does not hear some of it."""
        if found := [*self._unbuilt(spec)]:
            return Rendering({}, tuple(found))
        made = self.prepare(spec, values)
        if {*PARTS} <= {*self.hears}:
            return made
        from ci_kaniko.problems.finding import unique

        found = unique(self._unheard(spec))
        return Rendering({}, (*found, *made.findings)) if found else made

    def _unbuilt(self, spec: Spec) -> Iterator[Finding]:
        """Builders that the target cannot run, and what those cannot do that it can."""
        asked = {build.built_by(self.name) for build in spec.builds}
        if asked == {KANIKO}:
            return
        from ci_kaniko.builders.registry import builder_of
        from ci_kaniko.problems.finding import Finding

        for build in spec.builds:
            name = build.built_by(self.name)
            if name not in self.builders:
                own = getattr(build, self.name).builder
                where = (self.name, "builder") if own else ("builder",)
                message = f"{self.name} has no job for {name}"
                hint = f"{self.name}: {{builder: {self.builders[0]}}} keeps that one here"
                yield Finding("impossible-builder", build.at(where), message, hint)
        if asked <= {*self.builders}:
            yield from self.planned(spec).check(lambda plan: builder_of(plan).refused(plan))

    def _unheard(self, spec: Spec) -> Iterator[Finding]:
        from ci_kaniko.problems.finding import Finding

        for build in spec.builds:
            for part in PARTS:
                of_triggers = part != "needs"
                holder = build.triggers if of_triggers else build
                if part not in self.hears and getattr(holder, part, None):
                    yield Finding(
                        "impossible-trigger",
                        build.at(("triggers", part) if of_triggers else (part,)),
                        f"{self.name} does not know what {part}: asks for",
                        "remove it; whoever made the target may teach it",
                    )

    @property
    def name(self) -> str:
        """What users call it."""
        return self.system.name

    @property
    def needs_values(self) -> bool:
        """Whether it must know variables when it is rendered."""
        return self.system.needs_values
