"""The command ``validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.cli.shared import (
    Done,
    check_format,
    check_target,
    fails,
    only_images,
    paths_of,
    read_spec,
    say,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.problems.problem import Problem, SpecError
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.spec import Spec


def validate(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    strict: bool = False,
    form: str = "text",
) -> None:
    """Check specs, and that targets can be rendered from them. Raises Done for problems."""
    check_format(form)
    for target in targets:
        check_target(target)
    from ci_kaniko.cli.report import report
    from ci_kaniko.problems.problem import in_file_order

    problems: list[Problem] = []
    fine: list[str] = []
    failed = False
    read: list[tuple[Spec, str]] = []
    for path in paths_of(specs):
        spec, found, lines = _validated(path, targets, settings, only)
        found = in_file_order(found)
        problems += found
        if fails(found, strict=strict):
            failed = True
        else:
            fine += lines
        if spec:
            read.append((spec, spec.repository))
    if len(read) > 1 or any(len(files) > 1 for spec, _ in read for _, files in spec.outputs):
        from ci_kaniko.syncing.compare import clashes

        found = clashes(read, targets)
        problems += found
        if found:
            failed, fine = True, []
    if problems or form == "json":
        say(report(problems, form), err=form == "text")
    if form == "text":
        for line in fine:
            say(line)
    if failed:
        raise Done(1)


def _validated(
    path: str, targets: Sequence[str], settings: Sequence[str], only: Sequence[str]
) -> tuple[Spec | None, list[Problem], list[str]]:
    """A spec, what is wrong with it, and what is said when that is no error."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.placing import name_of

    try:
        spec, problems = read_spec(path)
    except SpecError as error:
        return None, [*error.problems, *_around(error, targets, only)], []
    chosen = _chosen(spec, targets)
    part = only_images(spec, only)
    problems += [] if targets else _sections(part, chosen, settings)
    if not chosen:
        found, lines, possible = _tried(part, settings)
        problems += [*_beside(spec, possible, part), *found]
        return spec, problems, [f"{name_of(spec.source)}: fine", *lines]
    problems += _beside(spec, chosen, part)
    from ci_kaniko.targets.files import in_files

    for target in chosen:
        for _, whole in [(None, part)] if only else in_files(spec, target):
            try:
                text_of(whole, target, settings)
            except SpecError as error:
                problems += error.problems
    return spec, problems, [f"{name_of(spec.source)}: fine for {', '.join(chosen)}"]


def _chosen(spec: SpecFields, targets: Sequence[str]) -> Sequence[str]:
    return targets or [name for name, paths in spec.outputs if paths]


def _sections(spec: Spec, chosen: Sequence[str], settings: Sequence[str]) -> list[Problem]:
    """What is wrong with the sections of other targets: whoever writes one means its target."""
    from ci_kaniko.kaniko.systems import known_names
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.targets.registry import target

    found: list[Problem] = []
    for name in known_names():
        used = any(getattr(getattr(build, name), "extra", None) for build in spec.builds)
        if name in chosen or not used:
            continue
        try:
            text_of(spec, name, settings if target(name).needs_values else ())
        except SpecError as error:
            place = f"{name}.extra"
            found += [one for one in error.problems if place in one.where]
    return found


def _tried(spec: Spec, settings: Sequence[str]) -> tuple[list[Problem], list[str], list[str]]:
    """What no target takes, a line on each, and those that are fine: nobody has named any.

    Values that only some targets take are given to these.
    """
    from ci_kaniko.kaniko.systems import known_names
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.targets.registry import target

    refused: dict[str, Sequence[Problem]] = {}
    for name in known_names():
        try:
            text_of(spec, name, settings if target(name).needs_values else ())
        except SpecError as error:
            refused[name] = error.problems
        else:
            refused[name] = ()
    first, *others = refused.values()
    places = [{(p.rule, p.where, p.line, p.column) for p in problems} for problems in others]
    everywhere = [
        problem
        for problem in first
        if all((problem.rule, problem.where, problem.line, problem.column) in p for p in places)
    ]
    lines = ["no target was named, here or under outputs:, so all were tried:"]
    for name, problems in refused.items():
        said = [str(problem) for problem in problems] or ["fine"]
        more = f" (and {len(said) - 1} more: ci-kaniko validate {name})" if len(said) > 1 else ""
        lines.append(f"  {name:<{max(map(len, refused))}}  {said[0]}{more}")
    return everywhere, lines, [name for name, problems in refused.items() if not problems]


def _beside(spec: Spec, targets: Sequence[str], part: Spec) -> list[Problem]:
    """What only the files of the repository tell."""
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.project.surroundings import surroundings
    from ci_kaniko.project.unused_logins import push_only_logins, unused_logins
    from ci_kaniko.spec.placing import placed

    dockerfiles = Dockerfiles(spec.repository)
    only = [build.name for build in part.builds]
    found = [*unused_logins(spec, dockerfiles), *push_only_logins(spec, targets, only)]
    found += surroundings(spec, dockerfiles, targets, only)
    return placed(found, spec.source)


def _around(error: SpecError, targets: Sequence[str], only: Sequence[str]) -> list[Problem]:
    """What the files of the repository tell of the parts of a spec that could be read."""
    from ci_kaniko.spec.placing import InvalidSpec

    if not isinstance(error, InvalidSpec) or error.rest is None or error.rest.source is None:
        return []
    from ci_kaniko.kaniko.systems import NAMES
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.project.surroundings import surroundings
    from ci_kaniko.repository.discovery import root_of
    from ci_kaniko.spec.placing import placed

    rest, source = error.rest, error.rest.source
    names = {name.strip() for listed in only for name in listed.split(",")}
    matter = [build.name for build in rest.builds if not names or build.name in names]
    chosen = _chosen(rest, targets) or NAMES
    dockerfiles = Dockerfiles(root_of(source.path))
    return placed(surroundings(rest, dockerfiles, chosen, matter, error.damaged), source)
