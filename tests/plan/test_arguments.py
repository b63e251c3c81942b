"""Usual command lines are read without Typer, and mean what they mean to Typer."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from ci_kaniko.cli import arguments, commands

if TYPE_CHECKING:
    from collections.abc import Callable


def action(place: str) -> tuple[Any, str]:
    """The module of an action, and its name there."""
    module, _, name = place.partition(":")
    return import_module(f"ci_kaniko.cli.{module}"), name


GROUP: Any = typer.main.get_command(commands.app)


def test_the_same_commands_are_declared() -> None:
    assert {*arguments.COMMANDS} == {*GROUP.commands}


@pytest.mark.parametrize("name", sorted(arguments.COMMANDS))
def test_the_same_options_are_declared(name: str) -> None:
    command = arguments.COMMANDS[name]
    kinds: dict[str, set[str]] = {"values": set(), "lists": set(), "switches": set()}
    for option in GROUP.commands[name].params:
        if option.param_type_name != "option" or option.name == "help":
            continue
        kind = "switches" if option.is_flag else "lists" if option.multiple else "values"
        kinds[kind] |= {*option.opts}
    assert {key: {*getattr(command, key)} for key in kinds} == kinds
    given = [item for item in GROUP.commands[name].params if item.param_type_name == "argument"]
    assert [item.name for item in given] == [command.argument] * bool(command.argument)
    assert [item.nargs == -1 for item in given] == [command.many] * bool(command.argument)
    assert not command.required or given[0].required


@pytest.mark.parametrize("name", sorted(arguments.COMMANDS))
def test_an_action_takes_what_is_read(name: str) -> None:
    command = arguments.COMMANDS[name]
    known = inspect.signature(getattr(*action(command.action))).parameters
    read = {*command.values.values(), *command.lists.values(), *command.switches.values()}
    assert read | {command.argument} - {""} == {*known}


LINES = (
    "render gitlab",
    "render gitlab -f a.yaml --set tag=v1 --set=branch=x --only a,b --only=c --strict",
    "render kubernetes --spec=- --output x.yml --changed-since HEAD~1 --format json",
    "validate",
    "validate gitlab github --spec a --spec b --format=github",
    "sync --force --no-cache --exit-code -f a -f b gitlab",
    "check gitlab -f - --strict",
    "init --stdout",
    "setup agola --format json",
    "import a.yml b.yml --from gitlab --to=agola -o x --set tag=v1",
    "targets",
    "schema",
)


@pytest.mark.parametrize("line", LINES)
def test_typer_reads_the_same(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def recording(action: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(action)

        def record(*args: Any, **kwargs: Any) -> None:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            calls.append({key: tuple_of(item) for key, item in bound.arguments.items()})

        return record

    asked = arguments.read(line.split())
    assert asked is not None
    place, given = asked
    module, name = action(place)
    monkeypatch.setattr(module, name, recording(getattr(module, name)))
    assert CliRunner().invoke(commands.app, line.split()).exit_code == 0
    arguments.act(place, **given)
    assert calls[0] == calls[1]


def tuple_of(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    "line",
    [
        *("", "--help", "rendr gitlab", "render", "render a b", "render --help", "render -fx a"),
        *("render gitlab --nope", "render gitlab -f", "init x", "check --strict=yes", "check --"),
        "import --to gitlab",
    ],
)
def test_everything_else_is_left_to_typer(line: str) -> None:
    assert arguments.read(line.split()) is None
