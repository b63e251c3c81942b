"""Texts and variables as words of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.shell.dialect import Cell


LOWERED = {"repository.path": "repository", "repository.owner": "owner", "repository.name": "name"}


def braced(name: str, follows: str) -> str:
    joined = follows.isascii() and (follows.isalnum() or follows == "_")
    return f"${{{name}}}" if joined else f"${name}"


def double_quoted(cell: Cell) -> str:
    return cell.text or f"${cell.name}"
