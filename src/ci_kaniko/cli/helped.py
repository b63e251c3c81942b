"""What ``--help`` prints, as a build has written it down: Typer takes far longer to work it out."""

import os
import sys

from ci_kaniko.quick.built import built

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MODULE = "help"
_WIDTH = 80
"""The width that Typer fills; help is narrower only in a terminal that is."""


def help_for(words: list[str]) -> str | None:
    """What is printed for a command line that ends in ``--help``; None when Typer has to say it."""
    known = None if len(words) > 2 or _columns() < _WIDTH else built(MODULE, made_of())
    return known["texts"].get(" ".join(words[:-1])) if known else None


def made_of(*makers: str) -> str:
    """What texts about the commands depend on: the modules that make them, too."""
    folder, text = os.path.dirname(os.path.abspath(__file__)), ""
    for name in ("commands.py", *makers):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text += file.read()
    return text


def texts() -> "Mapping[str, str]":
    """What Typer says, by the name of the command."""
    import typer

    from ci_kaniko.cli.commands import app

    group: Any = typer.main.get_command(app)
    options: Any = {"resilient_parsing": True, "terminal_width": _WIDTH - 2}
    outer = group.make_context("ci-kaniko", [], **options)
    found = {"": outer.get_help()}
    for name, command in group.commands.items():
        found[name] = command.make_context(name, [], parent=outer, **options).get_help()
    return found


def _columns() -> int:
    """How wide the terminal is, as ``shutil`` finds out."""
    try:
        if columns := int(os.environ.get("COLUMNS", "0")):
            return columns
        screen = sys.__stdout__
        return (screen and os.get_terminal_size(screen.fileno()).columns) or _WIDTH
    except (ValueError, OSError):
        return _WIDTH
