"""What is wrong with a spec: in itself, for its targets, and in its checkout."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import NAMES, known_names
from ci_kaniko.problems.problem import SpecError, in_file_order
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.discovery import root_of
from ci_kaniko.spec.loading import warnings
from ci_kaniko.spec.outputs import named_targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.source.source import Source
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.spec import Spec


_NOTHING: dict[str, str] = {}


class Asked(NamedTuple):
    """What specs are checked for: ``targets``, with ``values``, and the images of ``only``.

    ``repository`` is the checkout of a spec that was not read from a file. Without it such a spec
    is not compared with a checkout.
    """

    targets: Sequence[str] = ()
    values: Mapping[str, str] = _NOTHING
    only: Sequence[str] = ()
    repository: str | None = None

    def root(self, source: Source | None) -> str | None:
        """The checkout of a spec."""
        return root_of(source.path) if source and source.place else self.repository


class Verdict(NamedTuple):
    """The problems of a spec; ``spec`` is None when it cannot be read.

    ``targets`` are those that it was checked for. Where neither the spec nor the caller names one,
    ``tried`` has the problems for each.
    """

    spec: Spec | None
    problems: list[Problem]
    targets: Sequence[str] = ()
    tried: Mapping[str, Sequence[Problem]] | None = None


def check(spec: Spec | SpecError, asked: Asked) -> Verdict:
    """What is wrong with a spec, or with what could be read of it.

    Raises SelectionError for images that it does not have.
    """
    if isinstance(spec, SpecError):
        return Verdict(None, in_file_order([*spec.problems, *_around(spec, asked)]))
    found = warnings(spec)
    chosen = _chosen(spec, asked)
    part = _part(spec, asked)
    found += [] if asked.targets else _sections(part, chosen, asked)
    if not chosen:
        tried = {name: _refused_unasked(part, name, asked) for name in known_names()}
        possible = [name for name, problems in tried.items() if not problems]
        found += [*_beside(spec, possible, part, asked), *_everywhere(tried)]
        return Verdict(spec, in_file_order(found), tried=tried)
    found += _beside(spec, chosen, part, asked)
    from ci_kaniko.targets.files import in_files

    for target in chosen:
        for _, whole in [(None, part)] if asked.only else in_files(spec, target):
            found += _refused(whole, target, asked)
    return Verdict(spec, in_file_order(found), chosen)


def between(verdicts: Sequence[Verdict], targets: Sequence[str] = ()) -> list[Problem]:
    """What the files of specs take from one another."""
    specs = [verdict.spec for verdict in verdicts if verdict.spec]
    if len(specs) < 2 and not any(len(files) > 1 for spec in specs for _, files in spec.outputs):
        return []
    from ci_kaniko.syncing.compare import clashes

    return clashes([(spec, spec.repository) for spec in specs], targets)


def _part(spec: Spec, asked: Asked) -> Spec:
    if not asked.only:
        return spec
    from ci_kaniko.project.changes import only_images

    return only_images(spec, asked.only)


def _chosen(spec: SpecFields, asked: Asked) -> Sequence[str]:
    return asked.targets or named_targets(spec.outputs)


def _refused(spec: Spec, target: str, asked: Asked) -> Sequence[Problem]:
    """What is wrong for a target."""
    from ci_kaniko.rendering import known_values, render

    try:
        render(spec, target, known_values(target, asked.values, asked.root(spec.source)))
    except SpecError as error:
        return error.problems
    return ()


def _refused_unasked(spec: Spec, target: str, asked: Asked) -> Sequence[Problem]:
    """What is wrong for a target that nobody named: it gets values only when it takes some."""
    from ci_kaniko.targets.registry import target as find_target

    values = asked.values if find_target(target).needs_values else {}
    return _refused(spec, target, asked._replace(values=values))


def _sections(spec: Spec, chosen: Sequence[str], asked: Asked) -> list[Problem]:
    """What is wrong with the sections of other targets: whoever writes one means its target."""
    found: list[Problem] = []
    for name in known_names():
        used = any(getattr(getattr(build, name), "extra", None) for build in spec.builds)
        if name not in chosen and used:
            place = f"{name}.extra"
            found += [one for one in _refused_unasked(spec, name, asked) if place in one.where]
    return found


def _everywhere(tried: Mapping[str, Sequence[Problem]]) -> list[Problem]:
    """What no target takes."""
    first, *others = tried.values()
    places = [{(p.rule, p.where, p.line, p.column) for p in problems} for problems in others]
    return [
        problem
        for problem in first
        if all((problem.rule, problem.where, problem.line, problem.column) in p for p in places)
    ]


def _beside(spec: Spec, targets: Sequence[str], part: Spec, asked: Asked) -> list[Problem]:
    """What only the files of the repository tell."""
    root = asked.root(spec.source)
    if root is None:
        return []
    from ci_kaniko.project.base_images import base_images
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.project.shared_logins import shared_logins
    from ci_kaniko.project.surroundings import surroundings
    from ci_kaniko.project.unused_hosts import unused_hosts
    from ci_kaniko.project.unused_logins import push_only_logins, unused_logins
    from ci_kaniko.spec.placing import placed
    from ci_kaniko.spec.policy import applied
    from ci_kaniko.syncing.places import misplaced

    dockerfiles = Dockerfiles(root)
    only = [build.name for build in part.builds]
    found = [*unused_logins(spec, dockerfiles), *unused_hosts(spec, dockerfiles)]
    found += push_only_logins(spec, dockerfiles, targets, only)
    found += shared_logins(spec, targets, only)
    found += surroundings(spec, dockerfiles, targets, only)
    found += base_images(spec, dockerfiles, only)
    if spec.images:
        from ci_kaniko.previewing.unpushed import unpushed_images

        found += unpushed_images(spec, dockerfiles, targets, only)
    found += misplaced(spec, root, targets)
    return placed(applied(found, spec.rules), spec.source)


def _around(error: SpecError, asked: Asked) -> list[Problem]:
    """What the files of the repository tell of the parts of a spec that could be read."""
    from ci_kaniko.spec.placing import InvalidSpec

    if not isinstance(error, InvalidSpec) or error.rest is None or error.rest.source is None:
        return []
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.project.surroundings import surroundings
    from ci_kaniko.spec.placing import placed
    from ci_kaniko.spec.policy import applied

    rest, source = error.rest, error.rest.source
    root = asked.root(source)
    if root is None:
        return []
    names = {name.strip() for listed in asked.only for name in listed.split(",")}
    matter = [build.name for build in rest.builds if not names or build.name in names]
    chosen = _chosen(rest, asked) or NAMES
    dockerfiles = Dockerfiles(root)
    found = surroundings(rest, dockerfiles, chosen, matter, error.damaged)
    return placed(applied(found, rest.rules), source)
