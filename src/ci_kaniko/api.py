"""The commands as functions: what ``import ci_kaniko`` offers.

Nothing here prints, ends the process or keeps anything between two calls, and several threads may
call at once. Messages show a path as it was given.
"""

from __future__ import annotations

import os

from ci_kaniko.quick.hints import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import TypeAlias

    from ci_kaniko.importing.linting import Linted
    from ci_kaniko.importing.pipelines import Imported
    from ci_kaniko.kaniko.systems import TargetName
    from ci_kaniko.pinning.files import Pin
    from ci_kaniko.previewing.preview import Preview
    from ci_kaniko.problems.problem import Problem, SpecError
    from ci_kaniko.project.starter import Starter
    from ci_kaniko.rehearsing.rehearse import Rehearsal
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syncing.compare import Compared
    from ci_kaniko.syncing.together import Change
    from ci_kaniko.targets.requirement import Requirement
    from ci_kaniko.targets.target import Target

    StrPath: TypeAlias = str | os.PathLike[str]
    OneTarget: TypeAlias = TargetName | Target
    Targets: TypeAlias = OneTarget | Iterable[OneTarget]
    Specs: TypeAlias = Spec | StrPath | Iterable[Spec | StrPath]
    Paths: TypeAlias = StrPath | Iterable[StrPath]
    Pipelines: TypeAlias = StrPath | Iterable[StrPath | tuple[str, str]]
    Words: TypeAlias = list[str] | tuple[str, ...] | AbstractSet[str]


def render(
    spec: Spec,
    target: OneTarget,
    values: Mapping[str, str] | None = None,
    *,
    only: Words = (),
    changed_since: str | None = None,
) -> str:
    """The native configuration of ``target`` that builds and pushes the images of ``spec``.

    ``values`` are portable variables by name (``{"commit.sha": ...}``), for targets that must
    know them now; ``checkout_values`` has those of a checkout. ``only`` names some of several
    images. With ``changed_since`` there are only images that have changed since that revision, in
    a pipeline for this one run: its jobs ask no more which files changed. It builds nothing when
    no image has changed.

    Raises SpecError with every problem, UnknownTargetError, and SelectionError for an image or a
    revision that is not there.

    >>> from ci_kaniko import loads
    >>> print(render(loads("destinations: ['ghcr.io/acme/shop:1.0']"), "github").splitlines()[2])
    name: image
    """
    from ci_kaniko import rendering
    from ci_kaniko.spec.build import check_spec

    check_spec(spec)
    _check_values(values)
    _check_text("changed_since", changed_since or "")
    name, only = _name(target), _words("only", only)
    if only or changed_since is not None:
        from ci_kaniko.project.changes import Unchanged, chosen_images
        from ci_kaniko.targets.registry import check_name

        check_name(name)
        part = chosen_images(spec, name, only, changed_since)
        if isinstance(part, Unchanged):
            return part.text
        spec = part
    return rendering.render(spec, name, values)


def check(
    specs: Specs,
    targets: Targets = (),
    *,
    values: Mapping[str, str] | None = None,
    only: Words = (),
    repository: StrPath | None = None,
) -> list[Problem]:
    """What is wrong with specs, warnings included: what ``ci-kaniko validate`` says.

    Without ``targets`` a spec is checked for those of its ``outputs``; without ``outputs`` for all,
    and a problem is told only when no target can render the spec. A spec from a file is compared
    with its checkout, Dockerfiles included; one that was made in Python only with the checkout that
    ``repository`` names. ``values`` and ``only`` are as for ``render``.

    Raises UnknownTargetError, and SelectionError for an image that is not there.

    >>> from ci_kaniko import Spec
    >>> spec = Spec(push="never", build_args={"A": "$CI_COMMIT_SHA"})
    >>> [(problem.severity, problem.where) for problem in check(spec, "gitlab")]
    [('warning', 'build_args.A')]
    """
    from ci_kaniko import checking

    _check_values(values)
    names = _names(targets)
    asked = checking.Asked(names, values or {}, _words("only", only), _root(repository))
    verdicts = [checking.check(spec, asked) for spec in _read(specs)]
    found = [problem for verdict in verdicts for problem in verdict.problems]
    return found + checking.between(verdicts, names)


def diff(specs: Specs, targets: Targets = (), *, repository: StrPath | None = None) -> list[Change]:
    """The outputs of specs that differ from what they should be, as ``ci-kaniko check`` shows them.

    With ``targets`` only the outputs for these are compared. ``repository`` is the checkout for
    specs that were made in Python; by default that of the current folder.

    Raises SpecError with every problem of every spec, UnknownTargetError.
    """
    from ci_kaniko.syncing.together import changes

    return changes(_compared(specs, _names(targets), repository))


def sync(
    specs: Specs,
    targets: Targets = (),
    *,
    force: bool = False,
    repository: StrPath | None = None,
) -> list[Change]:
    """Write the outputs of specs that differ, and return them.

    A file that ci-kaniko did not write is a problem, unless ``force`` overwrites it. When anything
    is wrong with any spec, nothing is written. ``targets`` and ``repository`` are as for ``diff``.

    Raises SpecError with every problem of every spec, UnknownTargetError, and OSError for a file
    that cannot be written; the files before it have been written.
    """
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.syncing.together import in_the_way, written

    compared = _compared(specs, _names(targets), repository)
    if not force and (problems := in_the_way(compared)):
        raise SpecError(problems)
    return [*written(compared)]


def init(
    repository: StrPath = ".",
    targets: Targets = (),
    *,
    image: str = "",
    merge: bool = False,
    builder: Literal["kaniko", "buildkit", "buildah"] = "kaniko",
) -> Starter:
    """A first spec for a repository, with comments, and what comes next; nothing is written.

    ``targets`` are by default those that the repository uses. ``image`` is what to push, without a
    tag; by default it is named after git's remote. ``merge`` puts the jobs into the existing
    pipelines. ``builder`` is the program that builds.

    Raises UnknownTargetError, and CannotStart for a wish that the repository cannot meet.

    >>> from ci_kaniko import loads
    >>> loads(init(targets="gitlab", image="ghcr.io/acme/shop").text).destinations[0].image
    'ghcr.io/acme/shop:${commit.short}'
    """
    from ci_kaniko.project.starter import Wishes, starter

    _check_text("image", image)
    wishes = Wishes(tuple(_names(targets)), image, merge, builder)
    return starter(_folder("repository", repository), wishes)


def pin(specs: Paths, *, check: bool = False) -> list[Pin]:
    """Write digests of images and commits of actions into the specs that run them; return them.

    Only what has no pin yet gets one. Registries and git servers are asked, with the logins of
    docker's own client. With ``check`` nobody is asked and nothing is written: what has no pin is
    returned.

    Raises SpecError with every problem of a spec, CannotPin when a server does not tell a pin or
    the text of a spec has no place for it, and OSError for a file that cannot be written; the files
    before it have been written.
    """
    from ci_kaniko.pinning.files import pins_of, put, read, resolved

    files = [read(_spec_at(path)) for path in _paths(specs)]
    known = {} if check else resolved(files)
    for file in files:
        if known and file.found:
            put(file, known)
    return [pin for file in files for pin in pins_of(file, known)]


def rehearse(
    spec: Spec,
    target: OneTarget,
    event: str = "default-branch",
    *,
    values: Mapping[str, str] | None = None,
    shell: str = "",
    executor: StrPath | None = None,
) -> Rehearsal:
    """Run what is rendered for an event here, without network, and tell what each job did.

    ``event`` is written as for ``preview``. ``values`` are those of inputs and run-time variables
    (``{"env.CHANNEL": ...}``). ``shell`` is busybox, dash or bash; by default the platform's own.
    ``executor`` is a program, or ``"buildah"``, that builds with the recorded arguments in a copy
    of the repository; without it nothing is built.

    Raises SpecError, UnknownTargetError, UnknownEvent, and CannotRehearse, which says why nothing
    can be run here.
    """
    from ci_kaniko.rehearsing.rehearse import rehearse as play
    from ci_kaniko.spec.build import check_spec

    check_spec(spec)
    _check_text("event", event)
    _check_text("shell", shell)
    _check_values(values)
    program = None if executor is None else _path("executor", executor)
    return play(spec, _name(target), event, shell=shell, given=values, executor=program)


def setup(spec: Spec, target: OneTarget) -> list[Requirement]:
    """What must exist on a platform before the first run, in the order of a first setup.

    Raises SpecError with every problem, UnknownTargetError.

    >>> from ci_kaniko import Spec
    >>> login = {"username": "acme-bot", "password": "GHCR_TOKEN"}
    >>> spec = Spec(destinations=["ghcr.io/acme/shop:1.0"], registries={"ghcr.io": login})
    >>> [(each.kind, each.name) for each in setup(spec, "gitlab")]
    [('secret', 'GHCR_TOKEN'), ('note', ''), ('note', '')]
    """
    from ci_kaniko.requirements import requirements
    from ci_kaniko.spec.build import check_spec

    check_spec(spec)
    return requirements(spec, _name(target))


def preview(
    spec: Spec,
    targets: Targets = (),
    events: Words = (),
    *,
    values: Mapping[str, str] | None = None,
    only: Words = (),
) -> Preview:
    r"""What happens on each event: jobs, pushes, logins, caches.

    Without ``targets`` those of its ``outputs`` are previewed, and all where it has none.
    ``events`` are written as for ``--event``, such as ``tag=v1.2.3``; by default there are some
    of each kind, with branches and tags that the spec names. ``values`` are portable variables that
    the event does not tell.

    Raises SpecError when no target can render the spec or a variable cannot have its value,
    UnknownTargetError, UnknownEvent, and SelectionError for an image that is not there.

    >>> from ci_kaniko import loads
    >>> spec = loads("destinations: ['${registry.image}:${ref.tag}']")
    >>> preview(spec, "gitlab", ["tag=v2.0.0"]).answers[0].outcomes[0].run.destinations
    ('${registry.image}:v2.0.0',)
    """
    from ci_kaniko.previewing.preview import preview as look
    from ci_kaniko.spec.build import check_spec

    check_spec(spec)
    _check_values(values)
    names, events, only = _names(targets), _words("events", events), _words("only", only)
    if only:
        from ci_kaniko.project.changes import only_images

        spec = only_images(spec, only)
    return look(spec, names, events, values)


def import_files(files: Pipelines, source: str | None = None) -> Imported:
    """A spec for the images that some pipelines build, and a report of what became of each part.

    A file is a path, or a pair of its name in messages and its text. ``source`` is the platform of
    the files; by default they tell it by their look.

    Raises SpecError, and UnknownTargetError for a ``source`` that is no platform.

    >>> import_files([("ci.sh", "/kaniko/executor --destination=ghcr.io/acme/shop:1.0")]).sources
    ('shell',)
    """
    from ci_kaniko.importing.pipelines import read_all

    _check_text("source", source or "")
    return read_all(_files(files), source)


def lint(files: Pipelines, source: str | None = None) -> Linted:
    """What is wrong in pipelines that run kaniko; ``files`` and ``source`` are as for import_files.

    A folder stands for the pipelines in it, where their platforms look for them. A file that cannot
    be read is a problem as well.

    Raises UnknownTargetError for a ``source`` that is no platform.

    >>> found = lint([("ci.sh", "/kaniko/executor --destination=ghcr.io/acme/shop:1.0 --force")])
    >>> [problem.rule for problem in found.problems]
    ['no-context']
    """
    from ci_kaniko.importing.linting import lint_all

    _check_text("source", source or "")
    return lint_all(_files(files), source)


def checkout_values(folder: StrPath = ".") -> dict[str, str]:
    """The portable variables that a git checkout knows; {} outside of one."""
    from ci_kaniko.repository.checkout import values

    return values(_folder("folder", folder))


def _check_values(given: object) -> None:
    """Raises TypeError for what is no mapping of texts."""
    from collections.abc import Mapping

    if given is None:
        return
    if not isinstance(given, Mapping):
        raise TypeError(f"values is a mapping of texts, not {given!r:.80}")
    for name, value in given.items():
        _check_text(f"values[{name!r}]", value)


def _check_text(name: str, given: object) -> None:
    """Raises TypeError for what is no text."""
    if not isinstance(given, str):
        raise TypeError(f"{name} is a text, not {given!r:.80}")


def _words(name: str, given: Words) -> list[str]:
    """A list of texts: one text would be read letter by letter. Raises TypeError."""
    words: object = given
    if isinstance(words, str) or not all(isinstance(word, str) for word in given):
        raise TypeError(f"{name} is a list of texts, as in {name}=['...'], not {words!r}")
    return [*given]


def _path(name: str, given: StrPath) -> str:
    """A path as a text. Raises ValueError for an empty one, and TypeError."""
    from ci_kaniko.repository.discovery import given_path

    return given_path(name, given)


def _folder(name: str, given: StrPath) -> str:
    """A folder as a text. Raises ValueError for what is none."""
    from ci_kaniko.repository.discovery import given_folder

    return given_folder(name, given)


def _paths(given: Paths) -> list[str]:
    listed = [given] if isinstance(given, str | os.PathLike) else given
    return [_path("a file", each) for each in listed]


def _spec_at(path: str) -> str:
    from ci_kaniko.repository.discovery import spec_in

    return spec_in(path)


def _root(repository: StrPath | None) -> str | None:
    return None if repository is None else _folder("repository", repository)


def _name(target: OneTarget) -> str:
    """The name of a target. Raises TypeError for what is none, such as a list."""
    if isinstance(target, str):
        return target
    from ci_kaniko.targets.target import Target

    if not isinstance(target, Target):
        raise TypeError(f"a target is a name, as in 'gitlab', or a Target, not {target!r}")
    return target.name


def _names(targets: Targets) -> list[str]:
    """The names of targets. Raises UnknownTargetError."""
    from ci_kaniko.targets.registry import check_name
    from ci_kaniko.targets.target import Target

    listed = [targets] if isinstance(targets, str | Target) else targets
    names = [_name(each) for each in listed]
    for name in names:
        check_name(name)
    return names


def _read(specs: Specs) -> Iterator[Spec | SpecError]:
    """Each spec, or what is wrong with its file."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.loading import load
    from ci_kaniko.spec.spec import Spec

    # A spec and a target have iterators as well, so both are asked for first.
    for each in [specs] if isinstance(specs, str | os.PathLike | Spec) else specs:
        try:
            yield each if isinstance(each, Spec) else load(each)
        except SpecError as error:
            yield error


def _compared(specs: Specs, targets: list[str], repository: StrPath | None) -> list[Compared]:
    """Specs with their outputs. Raises SpecError."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.syncing.together import compare_all

    compared, problems = compare_all(_read(specs), targets, _root(repository))
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(problems)
    return compared


def _files(files: Pipelines) -> list[StrPath | tuple[str, str]]:
    """Paths, and pairs of a name and a text. Raises TypeError."""
    listed = [files] if isinstance(files, str | os.PathLike) else files
    return [_pair(each) if isinstance(each, tuple) else _path("a file", each) for each in listed]


def _pair(given: tuple[str, str]) -> tuple[str, str]:
    match given:
        case (_, str() | bytes()):
            return given
    raise TypeError(f"a file is a path, or a pair of its name and its text, not {given!r:.80}")
