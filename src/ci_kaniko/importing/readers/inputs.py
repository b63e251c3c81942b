"""Inputs, which GitLab and GitHub have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.ticked import mapping, sequence, string
from ci_kaniko.spec.rules.texts import INPUT_TEXTS

if TYPE_CHECKING:
    from ci_kaniko.importing.ticked import Map

_MOST = 500
"""The characters of a text that may stand in many places."""


def name_of(written: str) -> str:
    """The name of an input as a spec writes it."""
    return written.replace("-", "_").lower()


def unsaid(inputs: Map) -> dict[str, str]:
    """The defaults that no input of a spec holds: it has them instead of the inputs."""
    given = {name: mapping(value).peek("default") for name, value in inputs.items()}
    holds = INPUT_TEXTS["string"].fullmatch
    return {name: text for name, text in given.items() if not holds(text) and len(text) < _MOST}


def read_input(value: Any) -> dict[str, Any]:
    """An input as a spec has it; what it does not say is what the spec means anyway."""
    entry = mapping(value)
    found: dict[str, Any] = {}
    kind = entry.string("type")
    if kind in {"number", "boolean"}:
        found["type"] = kind
    if "default" in entry:
        found["default"] = string(entry["default"])
    if "options" in entry:
        found["options"] = [string(item) for item in sequence(entry["options"])]
    if description := " ".join(entry.string("description").split()):
        found["description"] = description
    return found
