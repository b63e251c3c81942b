"""The commands, as Typer runs them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotation
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ci_kaniko import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.problems import Problem
    from ci_kaniko.spec import Spec
    from ci_kaniko.sync import Compared, Output

app = typer.Typer(
    name="ci-kaniko",
    help="One build spec, native CI configuration that builds and pushes it with kaniko.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

SpecOption = Annotated[
    str | None,
    typer.Option(
        "--spec",
        "-f",
        metavar="PATH",
        help="The spec; - reads standard input. Default: ci-kaniko.yaml, .yml or .json, "
        "looked for upward from here.",
    ),
]
SpecsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--spec", "-f", metavar="PATH", help="A spec; may be repeated. Default: as for render."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A variable's value, for targets that must know it now: --set tag=v1.2.3.",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="text|json|github", help="How problems are printed.")
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Do not use what earlier runs verified.")
]


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"ci-kaniko {__version__}")
        raise typer.Exit


@app.command()
def render(
    target: Annotated[str, typer.Argument(help="gitlab, github, buildkite, agola or kubernetes.")],
    spec: SpecOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write this file, atomically."),
    ] = None,
    settings: SetOption = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
) -> None:
    """Print the native configuration of a target."""
    _check_format(form)
    _check_target(target)
    loaded = _load(spec, form, strict=strict)
    text = _render(loaded, target, settings, form)
    if output is None:
        _print(text)
    else:
        from ci_kaniko.files import write

        write(os.path.realpath(output), text)


@app.command()
def validate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...", help="Also check these; default: those under outputs:."
        ),
    ] = None,
    spec: SpecOption = None,
    settings: SetOption = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
) -> None:
    """Check a spec, and that targets can be rendered from it."""
    _check_format(form)
    for target in targets or ():
        _check_target(target)
    from ci_kaniko.problems import SpecError, in_file_order
    from ci_kaniko.reports import report

    problems: list[Problem] = []
    fine = ""
    try:
        loaded, problems = _read(spec)
        problems += _unused_logins(loaded)
        chosen = targets or [name for name, paths in loaded.outputs if paths]
        fine = f"{_name(loaded)}: fine" + (f" for {', '.join(chosen)}" if chosen else "")
        for target in chosen:
            try:
                _text(loaded, target, settings)
            except SpecError as error:
                problems += error.problems
    except SpecError as error:
        problems += error.problems
    problems = in_file_order(problems)
    failed = strict or any(problem.severity == "error" for problem in problems)
    if problems or form == "json":
        typer.echo(report(problems, form), err=form == "text")
    if problems and failed:
        raise typer.Exit(1)
    if form == "text":
        typer.echo(fine)


@app.command()
def sync(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Only these outputs.")
    ] = None,
    specs: SpecsOption = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that ci-kaniko did not write.")
    ] = False,
    strict: StrictOption = False,
    form: FormatOption = "text",
    no_cache: NoCacheOption = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when something was written.")
    ] = False,
) -> None:
    """Write the outputs that are out of date."""
    _check_format(form)
    from ci_kaniko.sync import foreign, write_outputs

    compared, problems = _compared(specs, targets)
    if not force:
        problems += [problem for each in compared for problem in foreign(each.outputs)]
    _report(problems, form)
    if _failed(problems, strict=strict):
        raise typer.Exit(1)
    changed = False
    for each in compared:
        for output in write_outputs(each.outputs):
            changed = True
            verb = "created" if output.current is None else "updated"
            typer.echo(f"{verb} {output.path} for {output.target}", err=True)
    if not problems and not no_cache:
        _remember(compared, targets)
    if changed and exit_code:
        raise typer.Exit(1)


@app.command()
def check(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Only these outputs.")
    ] = None,
    specs: SpecsOption = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
    no_cache: NoCacheOption = False,
) -> None:
    """Compare the outputs with the spec; print a diff and exit 1 when they differ."""
    _check_format(form)
    from ci_kaniko.sync import drift

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
        raise typer.Exit(1)
    if not problems and not no_cache:
        _remember(compared, targets)


@app.command()
def init(
    *,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print it instead.")] = False,
) -> None:
    """Write a first spec for this repository, with comments."""
    from ci_kaniko.discovery import FILE_NAMES, find, root_of
    from ci_kaniko.files import write
    from ci_kaniko.starter import starter

    root = root_of(FILE_NAMES[0])
    text = starter(root)
    if stdout:
        _print(text)
        return
    paths = [os.path.relpath(os.path.join(root, name)) for name in FILE_NAMES]
    existing = find() or next(filter(os.path.lexists, paths), None)
    if existing is not None:
        typer.echo(f"{existing}: there is a spec already; --stdout prints a new one", err=True)
        raise typer.Exit(1)
    write(paths[0], text)
    typer.echo(f"wrote {paths[0]}", err=True)


@app.command()
def setup(
    target: Annotated[str, typer.Argument(help="gitlab, github, buildkite, agola or kubernetes.")],
    spec: SpecOption = None,
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json", help="For people or for machines.")
    ] = "text",
) -> None:
    """List what must exist on a platform before the first run."""
    from ci_kaniko.problems import SpecError
    from ci_kaniko.setup import requirements, setup_json, setup_text

    if form not in {"text", "json"}:
        raise typer.BadParameter(f'"{form}" is not one of: text, json')
    _check_target(target)
    loaded = _load(spec, "text", strict=False)
    try:
        found = requirements(loaded, target)
    except SpecError as error:
        _fail(error.problems, "text")
    _print(setup_json(found) if form == "json" else setup_text(found, target))


@app.command()
def targets() -> None:
    """List the targets and where their configuration usually lies."""
    from ci_kaniko.targets import available_targets

    rows = [(item.name, item.output, item.summary) for item in available_targets().values()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, path, summary in rows:
        typer.echo(f"{name:<{widths[0]}}  {path:<{widths[1]}}  {summary}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    from ci_kaniko.schema import schema_text

    _print(schema_text())


def _check_format(form: str) -> None:
    from ci_kaniko.reports import FORMATS

    if form not in FORMATS:
        raise typer.BadParameter(f'"{form}" is not one of: {", ".join(FORMATS)}')


def _check_target(name: str) -> None:
    from ci_kaniko.problems import UnknownTargetError
    from ci_kaniko.targets import target

    try:
        target(name)
    except UnknownTargetError as error:
        raise typer.BadParameter(str(error)) from error


def _read(path: str | None) -> tuple[Spec, list[Problem]]:
    """A spec and its warnings. Raises SpecError."""
    from ci_kaniko import loading

    if path == "-":
        from ci_kaniko.nodes import MAX_BYTES

        loaded = loading.loads(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")
    else:
        loaded = loading.load(path or _find())
    return loaded, loading.warnings(loaded)


def _unused_logins(spec: Spec) -> list[Problem]:
    """What only the Dockerfile of the repository tells."""
    if spec.source is None or spec.source.path == "<stdin>":
        return []
    from ci_kaniko.discovery import root_of
    from ci_kaniko.hosts import unused_logins
    from ci_kaniko.loading import placed

    return placed(unused_logins(spec, root_of(spec.source.path)), spec.source)


def _load(path: str | None, form: str, *, strict: bool) -> Spec:
    from ci_kaniko.problems import SpecError

    try:
        loaded, warnings = _read(path)
    except SpecError as error:
        _fail(error.problems, form)
    if warnings and strict:
        _fail(warnings, form)
    _show(warnings, form)
    return loaded


def _find() -> str:
    from ci_kaniko.discovery import FILE_NAMES, find

    found = find()
    if found is None:
        raise typer.BadParameter(
            f"no {FILE_NAMES[0]} here or above, up to the repository's root; name one with --spec"
        )
    return found


def _name(spec: Spec) -> str:
    return spec.source.path if spec.source else "<spec>"


def _text(spec: Spec, target: str, settings: list[str] | None) -> str:
    from ci_kaniko.rendering import render as render_text
    from ci_kaniko.targets import target as find_target

    given = _settings(settings or [])
    if find_target(target).needs_values:
        from ci_kaniko.checkout import values

        found = values()
        event = {"branch", "tag", "pull_request.number"}
        if event & given.keys():
            found = {name: value for name, value in found.items() if name not in event}
        given = {**found, **given}
    return render_text(spec, target, given)


def _render(spec: Spec, target: str, settings: list[str] | None, form: str) -> str:
    from ci_kaniko.problems import SpecError

    try:
        return _text(spec, target, settings)
    except SpecError as error:
        _fail(error.problems, form)


def _compared(
    specs: list[str] | None, targets: list[str] | None
) -> tuple[list[Compared], list[Problem]]:
    """Each spec with its outputs, and everything that is wrong; nothing is written meanwhile."""
    from ci_kaniko.discovery import root_of
    from ci_kaniko.problems import SpecError
    from ci_kaniko.sync import clashes, compare

    for target in targets or ():
        _check_target(target)
    compared: list[Compared] = []
    problems: list[Problem] = []
    paths = {os.path.realpath(path): path for path in specs or [_find()]}
    for path in paths.values():
        try:
            spec, warnings = _read(path)
        except SpecError as error:
            problems += error.problems
        else:
            compared.append(compare(spec, root_of(path), targets or ()))
            problems += [*warnings, *compared[-1].problems]
    return compared, problems + clashes(compared)


def _failed(problems: Sequence[Problem], *, strict: bool) -> bool:
    return any(strict or problem.severity == "error" for problem in problems)


def _option(compared: Compared) -> str:
    """How to name a spec on the command line."""
    from shlex import quote

    return f" -f {quote(_name(compared.spec))}"


def _remember(compared: Sequence[Compared], targets: list[str] | None) -> None:
    """Note that these outputs agree with their specs, and nothing is left to say about them."""
    from ci_kaniko import memory

    if not memory.enabled():
        return
    for each in compared:
        source = each.spec.source
        if source and source.path != "<stdin>":
            outputs = [(output.target, output.path, _bytes(output)) for output in each.outputs]
            memory.remember(source.path, tuple(targets or ()), source.text.encode(), outputs)


def _bytes(output: Output) -> bytes:
    """What the file holds: what was read, or what was written because it differed."""
    text = output.current if output.in_sync else None
    return (output.expected if text is None else text).encode("utf-8", "surrogateescape")


def _show_drift(drifted: Sequence[tuple[Problem, Output]]) -> None:
    from ci_kaniko.sync import diff

    colours = {"+": typer.colors.GREEN, "-": typer.colors.RED, "@": typer.colors.CYAN}
    coloured = bool(drifted) and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for problem, output in drifted:
        typer.echo(str(problem), err=True)
        for line in diff(output):
            colour = colours.get(line[:1]) if coloured else None
            _print(f"{typer.style(line, fg=colour) if colour else line}\n")
        typer.echo(f"hint: {problem.hint}", err=True)


def _settings(settings: list[str]) -> dict[str, str]:
    from ci_kaniko.findings import quoted

    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"--set wants NAME=VALUE, not {quoted(setting)}")
        values[name] = value
    return values


def _show(problems: Sequence[Problem], form: str) -> None:
    from ci_kaniko.reports import report

    if problems:
        typer.echo(report(problems, form), err=True)


def _report(problems: Sequence[Problem], form: str) -> None:
    """What a command has found: for machines on standard output, and JSON always."""
    from ci_kaniko.reports import report

    if problems or form == "json":
        typer.echo(report(problems, form), err=form == "text")


def _fail(problems: Sequence[Problem], form: str) -> NoReturn:
    _show(problems, form)
    raise typer.Exit(1)


def _print(text: str) -> None:
    """Bytes, so that the output is UTF-8 with LF on every system."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed", "<stdout>")
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
