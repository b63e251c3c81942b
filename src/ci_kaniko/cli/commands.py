"""The command line, as Typer reads and explains it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from ci_kaniko import __version__
from ci_kaniko.cli.arguments import act
from ci_kaniko.cli.shared import Done, Misuse
from ci_kaniko.text.site import page

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(
    name="ci-kaniko",
    help="Render one build spec as the native configuration of your CI, which builds and pushes "
    "the image with kaniko.",
    epilog=f"Begin with: ci-kaniko init. See {page('')}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def argument_word(item: Any) -> str:
    """How a command line shows an argument, in help and on the page of commands."""
    return str(item.metavar or item.name.upper())


class _Command(TyperCommand):
    """A command that refuses a word with nothing in it, and a second value where there is one.

    Its help shows arguments as they are declared: releases of Typer put marks of their own around.
    """

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the line that help begins with."""
        arguments = (item for item in self.params if item.param_type_name == "argument")
        return ["[OPTIONS]", *map(argument_word, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what help says of arguments and options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            rows = [
                (argument_word(item) if kind == "argument" else record[0], record[1])
                for item in self.get_params(ctx)
                if item.param_type_name == kind and (record := item.get_help_record(ctx))
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def get_short_help_str(self, limit: int = 0) -> str:
        """What the list of commands says: a whole sentence, on two lines where it needs them."""
        return (self.help or "").partition("\n")[0]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises BadParameter for an option that is given twice, and for an empty word."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        values, _, order = self.make_parser(ctx).parse_args(args=[*args])
        given: list[Any] = [*order]
        for item in {id(item): item for item in given}.values():
            value = values.get(item.name)
            words = value if isinstance(value, list | tuple) else (value,)
            if "" in words:
                message = "it is empty; a variable that is not set leaves nothing"
                raise typer.BadParameter(message, ctx, item)
            is_option = item.param_type_name == "option"
            if is_option and not item.multiple and not item.is_flag and given.count(item) > 1:
                raise typer.BadParameter("it is given twice, and takes one value", ctx, item)
        return super().parse_args(ctx, args)


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
        "--spec",
        "-f",
        metavar="PATH",
        help="A spec, a folder that has one, or a pattern of them in quotes, such as 'repos/*'; "
        "- reads standard input; may be repeated. Default: as for render.",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write this file, atomically, and its folders; - is standard output.",
    ),
]
FilesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="Pipelines, manifests or shell scripts; - reads standard input."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PLATFORM",
        help="Whose files these are: gitlab, github, buildkite, agola, kubernetes, shell, tekton "
        "or jenkins; default: as they look.",
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
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME,...",
        help="Only these of several images; may be repeated. They do not wait for others that "
        "they need.",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]
FormatOption = Annotated[
    str,
    typer.Option("--format", metavar="text|concise|json|github", help="How problems are printed."),
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Do not use what earlier runs verified.")
]


@contextmanager
def _told() -> Iterator[None]:
    """Exit codes and errors of an action in Typer's words."""
    try:
        yield
    except Done as done:
        raise typer.Exit(done.code) from None
    except Misuse as error:
        raise typer.BadParameter(str(error)) from error


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"ci-kaniko {__version__}")
        raise typer.Exit


@app.command(cls=_Command)
def render(
    target: Annotated[str, typer.Argument(help="gitlab, github, buildkite, agola or kubernetes.")],
    spec: SpecOption = None,
    output: OutputOption = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--changed-since",
            metavar="REVISION",
            help="Only images that have changed since REVISION, and those that need them; "
            "--only chooses among these.",
        ),
    ] = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
) -> None:
    """Print the native configuration of a target."""
    with _told():
        act(
            "render:render",
            target,
            spec,
            output,
            settings or (),
            only or (),
            since,
            strict=strict,
            form=form,
        )


@app.command(cls=_Command)
def validate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="What to render; default: the targets under outputs:, or all when there are none.",
        ),
    ] = None,
    specs: SpecsOption = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    *,
    strict: StrictOption = False,
    form: FormatOption = "text",
) -> None:
    """Check specs, and that targets can be rendered from them."""
    with _told():
        act(
            "validate:validate",
            targets or (),
            specs or (),
            settings or (),
            only or (),
            strict=strict,
            form=form,
        )


@app.command(cls=_Command)
def preview(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="What to preview; default: as for validate. Of several it says what differs.",
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="EVENT",
            help="Only this event: default-branch, branch=NAME, tag=NAME, pull-request=NUMBER, "
            "fork=NUMBER, schedule, manual or pipeline; may be repeated.",
        ),
    ] = None,
    spec: SpecOption = None,
    only: OnlyOption = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REVISION",
            help="Only what differs from the spec at this commit.",
        ),
    ] = None,
    builder: Annotated[
        str | None,
        typer.Option(
            "--builder",
            metavar="kaniko|buildkit|buildah",
            help="As if this program built every image: what it needs, and what it refuses.",
        ),
    ] = None,
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json|markdown", help="How it is printed.")
    ] = "text",
) -> None:
    """Say what happens on each event: jobs, pushes, logins, caches; nothing is run."""
    with _told():
        chosen = (targets or (), spec, events or (), only or (), against, builder)
        act("preview:preview", *chosen, form=form)


@app.command(cls=_Command)
def rehearse(
    target: Annotated[str, typer.Argument(help="gitlab, github, buildkite, agola or kubernetes.")],
    event: Annotated[
        str, typer.Option("--event", metavar="EVENT", help="What happens; written as for preview.")
    ] = "default-branch",
    spec: SpecOption = None,
    shell: Annotated[
        str,
        typer.Option(
            "--shell", metavar="busybox|dash|bash", help="Default: as the platform has it."
        ),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Value of an env.NAME or input.NAME that the spec reads; may be repeated.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", metavar="FOLDER", help="Keep the rendered file and what each job left."
        ),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            metavar="PROGRAM|buildah",
            help="Build with this program and the recorded arguments, in a copy of the repository.",
        ),
    ] = None,
    *,
    engine: Annotated[
        bool,
        typer.Option(
            "--engine",
            help="Let gitlab-ci-local or act run the file, where that is installed.",
        ),
    ] = False,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json", help="How it is printed.")
    ] = "text",
) -> None:
    """Run what is rendered for an event here, without network, and print what each job does."""
    with _told():
        act(
            "rehearse:rehearse",
            target,
            spec,
            event,
            shell,
            settings or (),
            keep,
            executor,
            engine=engine,
            form=form,
        )


@app.command(cls=_Command)
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
    with _told():
        act(
            "outputs:sync",
            targets or (),
            specs or (),
            force=force,
            strict=strict,
            form=form,
            no_cache=no_cache,
            exit_code=exit_code,
        )


@app.command(cls=_Command)
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
    with _told():
        act(
            "outputs:check", targets or (), specs or (), strict=strict, form=form, no_cache=no_cache
        )


@app.command(name="import", cls=_Command)
def import_(
    files: FilesArgument,
    source: FromOption = None,
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="TARGET", help="Print this target's configuration instead."),
    ] = None,
    output: OutputOption = None,
    settings: SetOption = None,
) -> None:
    """Print the spec of a pipeline that builds images, and report what became of each part."""
    with _told():
        act("first_steps:import_pipelines", files, source, target, output, settings or ())


@app.command(cls=_Command)
def lint(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Pipelines, manifests or shell scripts; a folder stands for the pipelines of a "
            "repository, - reads standard input.",
        ),
    ],
    source: FromOption = None,
    *,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="text|concise|json|github|sarif|codequality",
            help="How problems are printed; sarif is for code scanning, codequality for GitLab's "
            "reports.",
        ),
    ] = "text",
) -> None:
    """Say what is wrong in pipelines that run kaniko; no spec is needed. Exit 1 for errors."""
    with _told():
        act("lint:lint", files, source, form=form)


@app.command(cls=_Command)
def init(
    targets: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="For this target; may be repeated. Default: what the repository uses.",
        ),
    ] = None,
    image: Annotated[
        str,
        typer.Option(
            "--image",
            metavar="NAME",
            help="What to push, without a tag: ghcr.io/acme/shop. Default: after git's remote.",
        ),
    ] = "",
    *,
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Put the jobs into the existing pipelines."),
    ] = False,
    builder: Annotated[
        str,
        typer.Option("--builder", metavar="NAME", help="What builds: kaniko, buildkit or buildah."),
    ] = "kaniko",
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the spec, and write nothing.")
    ] = False,
) -> None:
    """Write a first spec for this repository, with comments, and say what comes next."""
    with _told():
        act("first_steps:init", targets or (), image, merge=merge, builder=builder, stdout=stdout)


@app.command(cls=_Command)
def setup(
    target: Annotated[str, typer.Argument(help="gitlab, github, buildkite, agola or kubernetes.")],
    spec: SpecOption = None,
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json", help="For people or for machines.")
    ] = "text",
) -> None:
    """List what must exist on a platform before the first run."""
    with _told():
        act("first_steps:setup", target, spec, form=form)


@app.command(cls=_Command)
def show(
    spec: SpecOption = None,
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json", help="For people or for machines.")
    ] = "text",
) -> None:
    """Print the spec with all that it extends, and where each value was written."""
    with _told():
        act("show:show", spec, form=form)


@app.command(cls=_Command)
def pin(
    specs: SpecsOption = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Fail when a digest or commit is missing; ask nobody.")
    ] = False,
    form: FormatOption = "text",
) -> None:
    """Ask registries for the digests of executor, tools and preparations; write them into specs.

    A git server is asked for the commit of the action that checks out. Logins are those of docker's
    own client (docker login), proxies those of the environment.
    """
    with _told():
        act("pin:pin", specs or (), check=check, form=form)


@app.command(cls=_Command)
def targets() -> None:
    """List the targets and where their configuration usually lies."""
    with _told():
        act("knowledge:list_targets")


@app.command(cls=_Command)
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    with _told():
        act("knowledge:print_schema")


@app.command(cls=_Command)
def explain(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RULE]...",
            help="The word in brackets at the end of a problem; without one all are listed.",
        ),
    ] = None,
) -> None:
    """Say what a rule is about, with an example, its message and the fix."""
    with _told():
        act("knowledge:explain", names or ())


@app.command(cls=_Command)
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a script by which a shell completes commands, options and their words.

    bash reads it from ~/.local/share/bash-completion/completions/ci-kaniko, zsh from _ci-kaniko in
    a folder of its fpath, fish from ~/.config/fish/completions/ci-kaniko.fish.
    """
    with _told():
        act("knowledge:print_completion", shell)


def misuse(command: str, message: str) -> NoReturn:
    """Say that a command was called in a wrong way, as Typer says it."""
    group: Any = typer.main.get_command(app)
    outer = group.make_context("ci-kaniko", [command], resilient_parsing=True)
    inner = group.get_command(outer, command).make_context(
        command, [], parent=outer, resilient_parsing=True
    )
    typer.BadParameter(message, ctx=inner).show()
    sys.exit(2)
