"""The commands, as Typer runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotation
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ci_kaniko import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.problems import Problem
    from ci_kaniko.spec import Spec
    from ci_kaniko.sync import Output

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
    loaded = _load(spec, form, strict=strict)
    chosen = targets or [name for name, paths in loaded.outputs if paths]
    problems: list[Problem] = []
    from ci_kaniko.problems import SpecError

    for target in chosen:
        try:
            _text(loaded, target, settings)
        except SpecError as error:
            problems += error.problems
    if problems:
        _fail(problems, form)
    if form == "json":
        typer.echo("[]")
    else:
        typer.echo(f"{_name(loaded)}: fine" + (f" for {', '.join(chosen)}" if chosen else ""))


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
) -> None:
    """Write the outputs that are out of date."""
    _check_format(form)
    from ci_kaniko.sync import foreign, write_outputs

    compared = list(_compared(specs, targets, form, strict=strict))
    strangers = [problem for _, outputs, _ in compared for problem in foreign(outputs)]
    if strangers and not force:
        _fail(strangers, form)
    for spec, outputs, root in compared:
        for output in write_outputs(outputs, root):
            verb = "created" if output.current is None else "updated"
            typer.echo(f"{verb} {output.path} for {output.target}", err=True)
        _remember(spec, targets, root)


@app.command()
def check(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Only these outputs.")
    ] = None,
    specs: SpecsOption = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Do not use what earlier runs verified.")
    ] = False,
) -> None:
    """Compare the outputs with the spec; print a diff and exit 1 when they differ."""
    _check_format(form)
    from ci_kaniko.sync import drift

    problems: list[Problem] = []
    for spec, outputs, root in _compared(specs, targets, form, strict=strict):
        found = drift(outputs, _name(spec))
        problems += found
        if form == "text":
            _show_drift(found, [output for output in outputs if not output.in_sync])
        if not found and not no_cache:
            _remember(spec, targets, root)
    if form != "text" and (problems or form == "json"):
        from ci_kaniko.reports import report

        typer.echo(report(problems, form))
    if problems:
        raise typer.Exit(1)


@app.command()
def init(
    *,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print it instead.")] = False,
) -> None:
    """Write a first spec for this repository, with comments."""
    from ci_kaniko.discovery import FILE_NAMES, find
    from ci_kaniko.files import write
    from ci_kaniko.starter import starter
    from ci_kaniko.sync import root_of

    root = root_of(FILE_NAMES[0])
    text = starter(root)
    if stdout:
        _print(text)
        return
    existing = find()
    if existing is not None:
        typer.echo(f"{existing}: there is a spec already; --stdout prints a new one", err=True)
        raise typer.Exit(1)
    path = os.path.join(root, FILE_NAMES[0])
    write(path, text)
    typer.echo(f"wrote {os.path.relpath(path)}", err=True)


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


def _load(path: str | None, form: str, *, strict: bool) -> Spec:
    from ci_kaniko import loading
    from ci_kaniko.problems import SpecError

    try:
        if path == "-":
            loaded = loading.loads(sys.stdin.buffer.read(), "<stdin>")
        else:
            loaded = loading.load(path or _find())
    except SpecError as error:
        _fail(error.problems, form)
    warnings = loading.warnings(loaded)
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
    specs: list[str] | None, targets: list[str] | None, form: str, *, strict: bool
) -> Iterator[tuple[Spec, list[Output], str]]:
    """Each spec with its outputs and its repository; all are read before the first is used."""
    from ci_kaniko.problems import SpecError
    from ci_kaniko.sync import compare, root_of

    for target in targets or ():
        _check_target(target)
    compared = []
    paths: list[str | None] = [*specs] if specs else [None]
    for path in paths:
        spec = _load(path, form, strict=strict)
        root = root_of(_name(spec))
        try:
            compared.append((spec, compare(spec, root, targets or ()), root))
        except SpecError as error:
            _fail(error.problems, form)
    yield from compared


def _remember(spec: Spec, targets: list[str] | None, root: str) -> None:
    from ci_kaniko import memory
    from ci_kaniko.files import inside
    from ci_kaniko.loading import warnings

    if memory.enabled() and not warnings(spec):
        outputs = [
            (target, inside(root, path))
            for target, paths in spec.outputs
            for path in paths
            if not targets or target in targets
        ]
        memory.remember(_name(spec), tuple(targets or ()), outputs)


def _show_drift(problems: Sequence[Problem], outputs: Sequence[Output]) -> None:
    from ci_kaniko.sync import diff

    colours = {"+": typer.colors.GREEN, "-": typer.colors.RED, "@": typer.colors.CYAN}
    for problem, output in zip(problems, outputs, strict=True):
        typer.echo(str(problem), err=True)
        for line in diff(output):
            colour = colours.get(line[:1]) if sys.stdout.isatty() else None
            typer.echo(typer.style(line, fg=colour) if colour else line)
        typer.echo(f"hint: {problem.hint}", err=True)


def _settings(settings: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f'--set wants NAME=VALUE, not "{setting}"')
        values[name] = value
    return values


def _show(problems: Sequence[Problem], form: str) -> None:
    from ci_kaniko.reports import report

    if problems:
        typer.echo(report(problems, form), err=True)


def _fail(problems: Sequence[Problem], form: str) -> NoReturn:
    _show(problems, form)
    raise typer.Exit(1)


def _print(text: str) -> None:
    """Bytes, so that the output is UTF-8 with LF on every system."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
