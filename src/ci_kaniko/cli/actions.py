"""What the commands do, without a word about how they were called.

The hot ones run without Typer: see ``cli``. A command that has failed raises Done, one that was
called in a wrong way raises Misuse.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.problems.problem import Problem, SpecError
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.sync.compare import Compared, Output


class Done(Exception):
    """The command has said what there is to say; ``code`` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Misuse(Exception):
    """The command line asks for what there is not."""


def render(
    target: str,
    spec: str | None = None,
    output: str | None = None,
    settings: Sequence[str] = (),
    only: Sequence[str] = (),
    since: str | None = None,
    *,
    strict: bool = False,
    form: str = "text",
) -> None:
    """Print the native configuration of a target, or write it to ``output``."""
    _check_format(form)
    _check_target(target)
    loaded = _load(spec, form, strict=strict)
    if since is None:
        text = _render(_only(loaded, only), target, settings, form)
    elif part := _changed(loaded, target, since, only):
        text = _render(part, target, settings, form)
    else:
        text = _nothing(loaded, target, since, only)
    _deliver(text, output)


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
    _check_format(form)
    for target in targets:
        _check_target(target)
    from ci_kaniko.cli.report import report
    from ci_kaniko.problems.problem import in_file_order

    problems: list[Problem] = []
    fine: list[str] = []
    failed = False
    read: list[tuple[Spec, str]] = []
    for path in _paths(specs):
        spec, found, lines = _validated(path, targets, settings, only)
        found = in_file_order(found)
        problems += found
        if _failed(found, strict=strict):
            failed = True
        else:
            fine += lines
        if spec:
            read.append((spec, _repository(spec)))
    if len(read) > 1 or any(len(files) > 1 for spec, _ in read for _, files in spec.outputs):
        from ci_kaniko.sync.compare import clashes

        found = clashes(read, targets)
        problems += found
        if found:
            failed, fine = True, []
    if problems or form == "json":
        _say(report(problems, form), err=form == "text")
    if form == "text":
        for line in fine:
            _say(line)
    if failed:
        raise Done(1)


def _validated(
    path: str, targets: Sequence[str], settings: Sequence[str], only: Sequence[str]
) -> tuple[Spec | None, list[Problem], list[str]]:
    """A spec, what is wrong with it, and what is said when that is no error."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.placing import name_of

    try:
        spec, problems = _read(path)
    except SpecError as error:
        return None, [*error.problems, *_around(error, targets, only)], []
    chosen = _chosen(spec, targets)
    part = _only(spec, only)
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
                _text(whole, target, settings)
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
            _text(spec, name, settings if target(name).needs_values else ())
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
            _text(spec, name, settings if target(name).needs_values else ())
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


def sync(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    *,
    force: bool = False,
    strict: bool = False,
    form: str = "text",
    no_cache: bool = False,
    exit_code: bool = False,
) -> None:
    """Write the outputs that are out of date. Raises Done when asked to fail for them."""
    _check_format(form)
    from ci_kaniko.sync.compare import foreign, write_outputs

    compared, problems = _compared(specs, targets)
    if not force:
        problems += [problem for each in compared for problem in foreign(each.outputs)]
    _report(problems, form)
    if _failed(problems, strict=strict):
        raise Done(1)
    changed = False
    for each in compared:
        for output in write_outputs(each.outputs):
            changed = True
            verb = "created" if output.current is None else "updated"
            _say(f"{verb} {output.shown} for {output.target}", err=True)
    if not problems and not no_cache:
        _remember(compared, targets)
    if changed and exit_code:
        raise Done(1)


def check(
    targets: Sequence[str] = (),
    specs: Sequence[str] = (),
    *,
    strict: bool = False,
    form: str = "text",
    no_cache: bool = False,
) -> None:
    """Compare the outputs with the spec. Raises Done after the diff when they differ."""
    _check_format(form)
    from ci_kaniko.sync.compare import drift

    compared, problems = _compared(specs, targets)
    drifted = [
        pair
        for each in compared
        for pair in drift(each, f"ci-kaniko sync{_option(each) if specs else ''}")
    ]
    if form == "text":
        _show(problems, form)
        _show_drift(drifted)
    problems += [problem for problem, _ in drifted]
    if form != "text":
        _report(problems, form)
    if _failed(problems, strict=strict):
        raise Done(1)
    if not problems and not no_cache:
        _remember(compared, targets)


def import_pipelines(
    files: Sequence[str],
    source: str | None = None,
    target: str | None = None,
    output: str | None = None,
    settings: Sequence[str] = (),
) -> None:
    """Print the spec of what some pipelines do, or what it becomes on another platform.

    Raises Misuse for a platform that is not known.
    """
    from ci_kaniko.importing.pipelines import SOURCES, read_all
    from ci_kaniko.importing.report import report_text
    from ci_kaniko.problems.problem import SpecError

    if source is not None and source not in SOURCES:
        raise Misuse(f'"{source}" is not one of: {", ".join(SOURCES)}')
    if target is not None:
        _check_target(target)
    given = [("<stdin>", _standard_input()) if file == "-" else file for file in files]
    try:
        found = read_all(given, source)
    except SpecError as error:
        _fail(error.problems, "text")
    _say(report_text(found.report), err=True)
    text = _render(found.spec, target, settings, "text") if target else found.spec_text
    _deliver(text, output)


def init(
    targets: Sequence[str] = (), image: str = "", *, merge: bool = False, stdout: bool = False
) -> None:
    """Write a first spec for this repository, with comments, and say what comes next.

    Raises Misuse for what it cannot write, and Done for a spec that is there.
    """
    for target in targets:
        _check_target(target)
    from ci_kaniko.project.starter import Wish, Wishes, starter
    from ci_kaniko.repository.discovery import FILE_NAMES, find, root_of
    from ci_kaniko.repository.files import write

    root = root_of(FILE_NAMES[0])
    try:
        text, steps = starter(root, Wishes(tuple(targets), image, merge))
    except Wish as error:
        raise Misuse(str(error)) from error
    if stdout:
        _print(text)
        return
    paths = [os.path.relpath(os.path.join(root, name)) for name in FILE_NAMES]
    existing = find() or next(filter(os.path.lexists, paths), None)
    if existing is not None:
        _say(f"{existing}: there is a spec already; --stdout prints a new one", err=True)
        raise Done(1)
    write(paths[0], text)
    _say("\n  ".join([f"wrote {paths[0]}; next:", *steps]), err=True)


def setup(target: str, spec: str | None = None, *, form: str = "text") -> None:
    """List what must exist on a platform before the first run. Raises Misuse for another format."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.setup import requirements, setup_json, setup_text

    if form not in {"text", "json"}:
        raise Misuse(f'"{form}" is not one of: text, json')
    _check_target(target)
    loaded = _load(spec, "text", strict=False)
    try:
        found = requirements(loaded, target)
    except SpecError as error:
        _fail(error.problems, "text")
    _print(setup_json(found) if form == "json" else setup_text(found, target))


def list_targets() -> None:
    """List the targets and where their configuration usually lies."""
    from ci_kaniko.targets.registry import available_targets

    rows = [(item.name, item.output, item.summary) for item in available_targets().values()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, path, summary in rows:
        _say(f"{name:<{widths[0]}}  {path:<{widths[1]}}  {summary}")


def print_schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    from ci_kaniko.kaniko.installed import installed_names
    from ci_kaniko.spec.schema import schema_text

    if names := installed_names():
        from ci_kaniko.spec.foreign import adopt

        adopt(names)
    _print(schema_text())


def explain(names: Sequence[str] = ()) -> None:
    """Print rules with an example and the fix, or all ids. Raises Misuse for an unknown one."""
    from ci_kaniko.cli.lesson import lesson, overview
    from ci_kaniko.problems.catalogue import groups, rules

    known = rules()
    for name in names:
        if name not in known:
            from ci_kaniko.problems.finding import quoted
            from ci_kaniko.problems.problem import suggest

            close = suggest(name, known)
            hint = f'did you mean "{close}"?' if close else "ci-kaniko explain lists the rules"
            raise Misuse(f"there is no rule {quoted(name)}; {hint}")
    _print("\n".join(lesson(known[name]) for name in names) or overview(groups()))


def _check_format(form: str) -> None:
    from ci_kaniko.cli.report import FORMATS

    if form not in FORMATS:
        raise Misuse(f'"{form}" is not one of: {", ".join(FORMATS)}')


def _check_target(name: str) -> None:
    from ci_kaniko.problems.problem import UnknownTargetError
    from ci_kaniko.targets.registry import check_name

    try:
        check_name(name)
    except UnknownTargetError as error:
        raise Misuse(str(error)) from error


def _read(path: str | None) -> tuple[Spec, list[Problem]]:
    """A spec and its warnings. Raises SpecError."""
    from ci_kaniko.spec import loading

    if path == "-":
        loaded = loading.loads(_standard_input(), "<stdin>")
    else:
        loaded = loading.load(path or _find())
    return loaded, loading.warnings(loaded)


def _standard_input() -> bytes:
    """What a pipe or a person says; a little more than any spec or pipeline may hold."""
    from ci_kaniko.source.reading import MAX_BYTES

    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", "<stdin>")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _paths(specs: Sequence[str]) -> list[str]:
    """Each of these specs once; the repository's own when there are none."""
    paths: dict[str, str] = {}
    for path in specs or [_find()]:
        paths.setdefault(path if path == "-" else os.path.realpath(path), path)
    return list(paths.values())


def _beside(spec: Spec, targets: Sequence[str], part: Spec) -> list[Problem]:
    """What only the files of the repository tell."""
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.project.surroundings import surroundings
    from ci_kaniko.project.unused_logins import unused_logins
    from ci_kaniko.spec.placing import placed

    dockerfiles = Dockerfiles(_repository(spec))
    only = [build.name for build in part.builds]
    found = [*unused_logins(spec, dockerfiles), *surroundings(spec, dockerfiles, targets, only)]
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


def _load(path: str | None, form: str, *, strict: bool) -> Spec:
    from ci_kaniko.problems.problem import SpecError

    try:
        loaded, warnings = _read(path)
    except SpecError as error:
        _fail(error.problems, form)
    if warnings and strict:
        _fail(warnings, form)
    _show(warnings, form)
    return loaded


def _find() -> str:
    from ci_kaniko.repository.discovery import FILE_NAMES, find

    found = find()
    if found is None:
        raise Misuse(
            f"no {FILE_NAMES[0]} here or above, up to the repository's root; name one with --spec"
        )
    return found


def _text(spec: Spec, target: str, settings: Sequence[str]) -> str:
    from ci_kaniko.rendering import render as render_text
    from ci_kaniko.targets.registry import target as find_target

    given = _settings(settings)
    if find_target(target).needs_values:
        from ci_kaniko.repository.checkout import values

        found = values()
        event = {"branch", "tag", "pull_request.number"}
        if event & given.keys():
            found = {name: value for name, value in found.items() if name not in event}
        given = {**found, **given}
    return render_text(spec, target, given)


def _only(spec: Spec, only: Sequence[str]) -> Spec:
    if not only:
        return spec
    from ci_kaniko.project import changes

    try:
        return changes.only_images(spec, only)
    except changes.CannotTell as error:
        raise Misuse(str(error)) from error


def _changed(spec: Spec, target: str, since: str, only: Sequence[str]) -> Spec | None:
    from ci_kaniko.project import changes

    try:
        return changes.changed_images(spec, target, _repository(spec), since, only)
    except changes.CannotTell as error:
        raise Misuse(str(error)) from error


def _nothing(spec: Spec, target: str, since: str, only: Sequence[str]) -> str:
    from ci_kaniko.project import changes

    why = changes.unchanged(spec, only, since)
    _say(why, err=True)
    from ci_kaniko.targets.registry import target as find_target

    return find_target(target).nothing(spec, why)


def _repository(spec: Spec) -> str:
    """The repository of a spec; a spec from standard input is one of this repository."""
    from ci_kaniko.repository.discovery import FILE_NAMES, root_of

    return root_of(spec.source.path if spec.source and spec.source.place else FILE_NAMES[0])


def _render(spec: Spec, target: str, settings: Sequence[str], form: str) -> str:
    from ci_kaniko.problems.problem import SpecError

    try:
        return _text(spec, target, settings)
    except SpecError as error:
        _fail(error.problems, form)


def _compared(specs: Sequence[str], targets: Sequence[str]) -> tuple[list[Compared], list[Problem]]:
    """Each spec with its outputs, and everything that is wrong; nothing is written meanwhile."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.sync.compare import clashes, compare

    for target in targets:
        _check_target(target)
    compared: list[Compared] = []
    problems: list[Problem] = []
    for path in _paths(specs):
        try:
            spec, warnings = _read(path)
        except SpecError as error:
            problems += error.problems
        else:
            compared.append(compare(spec, _repository(spec), targets))
            problems += [*warnings, *compared[-1].problems]
    return compared, problems + clashes([(each.spec, each.root) for each in compared], targets)


def _failed(problems: Sequence[Problem], *, strict: bool) -> bool:
    return any(strict or problem.severity == "error" for problem in problems)


def _option(compared: Compared) -> str:
    """How to name a spec on the command line."""
    from shlex import quote

    source = compared.spec.source
    return f" -f {quote(source.path) if source and source.place else '-'}"


def _remember(compared: Sequence[Compared], targets: Sequence[str]) -> None:
    """Note that these outputs agree with their specs, and nothing is left to say about them."""
    from ci_kaniko.sync import memory

    if not memory.enabled():
        return
    paths = [each.spec.source.path if each.spec.source else "" for each in compared]
    for each in compared:
        source = each.spec.source
        if source and source.place:
            outputs = [(output.target, output.path, _bytes(output)) for output in each.outputs]
            memory.remember(source.path, tuple(targets), paths, source.text.encode(), outputs)


def _bytes(output: Output) -> bytes:
    """What the file holds: what was read, or what was written because it differed."""
    text = output.current if output.in_sync else None
    return (output.expected if text is None else text).encode("utf-8", "surrogateescape")


def _show_drift(drifted: Sequence[tuple[Problem, Output]]) -> None:
    from ci_kaniko.sync.compare import diff

    colours = {"+": 32, "-": 31, "@": 36}
    coloured = bool(drifted) and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for problem, output in drifted:
        _say(str(problem), err=True)
        for line in diff(output):
            colour = colours.get(line[:1]) if coloured else None
            _print(f"\x1b[{colour}m{line}\x1b[0m\n" if colour else f"{line}\n")
        _say(f"hint: {problem.hint}", err=True)


def _settings(settings: Sequence[str]) -> dict[str, str]:
    from ci_kaniko.problems.finding import quoted

    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise Misuse(f"--set wants NAME=VALUE, not {quoted(setting)}")
        values[name] = value
    return values


def _show(problems: Sequence[Problem], form: str) -> None:
    if problems:
        from ci_kaniko.cli.report import report

        _say(report(problems, form), err=True)


def _report(problems: Sequence[Problem], form: str) -> None:
    """What a command has found: for machines on standard output, and JSON always."""
    from ci_kaniko.cli.report import report

    if problems or form == "json":
        _say(report(problems, form), err=form == "text")


def _fail(problems: Sequence[Problem], form: str) -> NoReturn:
    _show(problems, form)
    raise Done(1)


def _deliver(text: str, output: str | None) -> None:
    """Print what was made, or write it to a file and its folders."""
    if output in {None, "-"}:
        _print(text)
    else:
        from ci_kaniko.repository.files import write

        write(os.path.realpath(str(output)), text, new_folders=True)


def _print(text: str) -> None:
    """Bytes, so that the output is UTF-8 with LF on every system."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed", "<stdout>")
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _say(text: str, *, err: bool = False) -> None:
    """A line for people, or for machines on standard output."""
    if err:
        print(text, file=sys.stderr, flush=True)
    else:
        _print(f"{text}\n")
