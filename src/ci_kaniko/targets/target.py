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
    """What a file consists of, for ``mode: merge``: entries, and what else stands in it.

    ``key`` holds the entries, ``names`` name one of them. ``header`` is a key of a document that
    may stand before the one with the entries; ``stages`` is an entry that lists the stages.
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


class Start(NamedTuple):
    """How ``init`` knows a platform, and where a first spec puts its file.

    A file or folder of ``seen`` shows that a repository uses it, or a remote whose host is one of
    the pattern ``hosts``; on ``home`` its own registry takes an image without a login of the spec.
    ``outputs`` are names for a new file, ``numbered`` is the beginning of more; without any, no
    file is committed. ``pipelines`` are the names of the one file that the platform reads first,
    ``folder`` is where it reads all of them, so that nothing is merged: ``no_merge`` says so.

    ``uses`` says how a ``{pipeline}`` gets to know a new ``{output}``, and ``section`` makes what
    the spec says of the text of a pipeline: beside it, or ``merged`` into it. ``folded_by`` is the
    attribute of git by which its reviews fold a generated file. ``steps`` are what comes next,
    besides the usual.
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
    """How a rehearsal runs what is rendered here, as ``ci_kaniko.rehearsing.running`` words it.

    ``steps`` are the jobs that an event starts, of a text, the event and the values of inputs.
    ``run`` runs one in its sandbox. ``runs_in`` is the shell of its scripts. The platform has no
    events from the sources ``without``. ``has_files`` says that it gives a job a ready docker
    config as the path of a file, and ``engine`` is a program of others that runs the same file.
    """

    steps: Callable[..., Any]
    run: Callable[..., Any]
    runs_in: str = "busybox"
    without: tuple[str, ...] = ()
    has_files: bool = False
    engine: Callable[[], Any] | None = None


PARTS = ("schedules", "manual", "pipelines", "paths", "needs")
"""What a target gives its effect only if it says so."""


class Target(NamedTuple):
    """A CI system that a spec is rendered for, and all that is told of it anywhere.

    ``prepare`` turns a spec and render-time values into the template's view. ``verify`` reads
    the parsed output and yields a sentence for each part that is not what was planned; of a
    ``stream`` it gets the list of its documents. ``mounts`` are folders that the job of a build
    has for itself, where the executor looks for no file of the image. ``names`` are those that
    a spec's file shares with no other file of the repository, and ``field`` gives others.

    ``hears`` are the triggers beyond pushes and requests, and ``needs``, that ``prepare`` gives
    their effect or refuses by itself; the others of ``PARTS`` are refused.

    ``builders`` are those that its jobs can run.

    ``settings`` is the model of its section of the spec, for a target that is not built in, and
    ``folder`` is where its template lies then. ``setup`` makes the words of ``ci-kaniko setup``,
    ``start`` is for ``init``. ``shape`` is what ``mode: merge`` puts entries into; ``merged`` is
    what a spec says in such a file, whose text it gets. ``pulls_with`` says whether the file can
    hand a login on, for the images that a job runs in. ``fetches`` says whether the executor itself
    fetches the repository of a build, and ``built_before`` whether the run of a pull request is
    left out because the push to its branch, or to that of a fork, makes the same. With
    ``runs_in_forks`` the request of a fork runs in the fork's own repository. ``sees_source`` says
    whether a job of a build sees what has started its run, beside the ref. ``started_now``
    is a build in a pipeline that is rendered when it runs, and ``nothing`` the text of one without
    images, for a spec and a reason. ``refuses`` looks at a text as the platform will, whatever
    template it is from. ``dialect`` names its variables in the table of what works where, and
    ``runner`` lets ``ci-kaniko rehearse`` run its files.
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
    start: Start = Start()
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
