"""The usual command lines, read without Typer: it takes longer than many a command.

Typer gets all that is not understood here: help, completion and every mistake. ``commands``
declares the same options for it, with their help.
"""

from __future__ import annotations

from importlib import import_module

from ci_kaniko.quick.hints import Any
from ci_kaniko.quick.records import NamedTuple

_NONE: dict[str, str] = {}
_SPEC = {"--spec": "spec", "-f": "spec"}
_FORMAT = {"--format": "form"}
_SETTINGS = {"--set": "settings", "--only": "only"}
_STRICT = {"--strict": "strict"}
_SPECS = {"--spec": "specs", "-f": "specs"}


class Command(NamedTuple):
    """A command: the place of its action, its argument, and its options by what they set.

    ``many`` says that the argument may be repeated, and left out unless it is ``required``.
    Without ``argument`` there is none.
    """

    action: str
    argument: str = ""
    many: bool = False
    required: bool = False
    values: dict[str, str] = _NONE
    lists: dict[str, str] = _NONE
    switches: dict[str, str] = _NONE


COMMANDS = {
    "render": Command(
        "render:render",
        "target",
        values={
            **_SPEC,
            **_FORMAT,
            "--output": "output",
            "-o": "output",
            "--changed-since": "since",
        },
        lists=_SETTINGS,
        switches=_STRICT,
    ),
    "validate": Command(
        "validate:validate",
        "targets",
        many=True,
        values=_FORMAT,
        lists={**_SPECS, **_SETTINGS},
        switches=_STRICT,
    ),
    "sync": Command(
        "outputs:sync",
        "targets",
        many=True,
        values=_FORMAT,
        lists=_SPECS,
        switches={
            **_STRICT,
            "--force": "force",
            "--no-cache": "no_cache",
            "--exit-code": "exit_code",
        },
    ),
    "check": Command(
        "outputs:check",
        "targets",
        many=True,
        values=_FORMAT,
        lists=_SPECS,
        switches={**_STRICT, "--no-cache": "no_cache"},
    ),
    "import": Command(
        "first_steps:import_pipelines",
        "files",
        many=True,
        required=True,
        values={"--from": "source", "--to": "target", "--output": "output", "-o": "output"},
        lists={"--set": "settings"},
    ),
    "lint": Command(
        "lint:lint",
        "files",
        many=True,
        required=True,
        values={"--from": "source", **_FORMAT},
    ),
    "init": Command(
        "first_steps:init",
        values={"--builder": "builder", "--image": "image"},
        lists={"--target": "targets"},
        switches={"--merge": "merge", "--stdout": "stdout"},
    ),
    "setup": Command("first_steps:setup", "target", values={**_SPEC, **_FORMAT}),
    "preview": Command(
        "preview:preview",
        "targets",
        many=True,
        values={**_SPEC, **_FORMAT, "--against": "against", "--builder": "builder"},
        lists={"--event": "events", "--only": "only"},
    ),
    "rehearse": Command(
        "rehearse:rehearse",
        "target",
        values={
            **_SPEC,
            **_FORMAT,
            "--event": "event",
            "--shell": "shell",
            "--keep": "keep",
            "--executor": "executor",
        },
        lists={"--set": "settings"},
        switches={"--engine": "engine"},
    ),
    "show": Command("show:show", values={**_SPEC, **_FORMAT}),
    "pin": Command("pin:pin", values=_FORMAT, lists=_SPECS, switches={"--check": "check"}),
    "targets": Command("knowledge:list_targets"),
    "schema": Command("knowledge:print_schema"),
    "explain": Command("knowledge:explain", "names", many=True),
    "completion": Command("knowledge:print_completion", "shell"),
}


def read(words: list[str]) -> tuple[str, dict[str, Any]] | None:
    """The action that a command line asks for, and its arguments; None leaves it to Typer.

    >>> read(["render", "gitlab", "--set=tag=v1", "-o", "x.yml"])
    ('render:render', {'settings': ['tag=v1'], 'output': 'x.yml', 'target': 'gitlab'})
    >>> read(["render", "--help"]), read(["render"])
    (None, None)
    """
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        return None
    given: dict[str, Any] = {}
    arguments: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in command.switches and not equals:
            given[command.switches[name]] = True
        elif name in command.values or name in command.lists:
            taken = value if equals else next(rest, "")
            if not taken:
                return None
            if name in command.values:
                if command.values[name] in given:
                    return None
                given[command.values[name]] = taken
            else:
                given.setdefault(command.lists[name], []).append(taken)
        elif not word or (word.startswith("-") and word != "-"):
            return None
        else:
            arguments.append(word)
    if not command.many and len(arguments) != bool(command.argument):
        return None
    if command.required and not arguments:
        return None
    if arguments:
        given[command.argument] = arguments if command.many else arguments[0]
    return command.action, given


def act(place: str, *given: Any, **options: Any) -> None:
    """Do what the function at ``module:name`` does, which is imported now.

    Raises what it raises: Done, Misuse, OSError.
    """
    module, _, name = place.partition(":")
    getattr(import_module(f"ci_kaniko.cli.{module}"), name)(*given, **options)
