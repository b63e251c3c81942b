"""Inputs, which GitLab and GitHub have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, join
from ci_kaniko.importing.ticked import Map, mapping, native, sequence, string
from ci_kaniko.spec.rules.texts import INPUT_TEXTS

if TYPE_CHECKING:
    from collections.abc import Collection


_MOST = 500
"""The characters of a text that may stand in many places."""


def name_of(written: str) -> str:
    """The name of an input as a spec writes it."""
    return written.replace("-", "_").lower()


def input_of(var: str) -> str:
    """The input that a variable stands for, as a spec calls it; empty where it is none."""
    return name_of(var[len("inputs.") :]) if var.startswith("inputs.") else ""


_SAME_PATH = {"${%/.}", "${%/}", "${#./}"}
"""What leaves a path the one that it is."""


def with_inputs(text: Text, inputs: Collection[str]) -> Text:
    """A text in which the inputs of a spec are written as a spec writes them."""
    return join(
        f"${{input.{input_of(part.name)}}}"
        if isinstance(part, Var)
        and _SAME_PATH.issuperset(part.changes)
        and input_of(part.name) in inputs
        else part
        for part in text
    )


def unsaid(inputs: Map) -> dict[str, str]:
    """The defaults that no input of a spec holds: it has them instead of the inputs."""
    given = {name: mapping(value).peek("default") for name, value in inputs.items()}
    holds = INPUT_TEXTS["string"].fullmatch
    return {name: text for name, text in given.items() if not holds(text) and len(text) < _MOST}


_EMPTY = {"number": "0", "boolean": "false"}


def read_input(value: Any, *, may_be_empty: bool = False) -> dict[str, Any]:
    """An input as a spec has it; what it does not say is what the spec means anyway.

    Where it ``may_be_empty`` nobody has to give one without a default.
    """
    entry = mapping(value)
    found: dict[str, Any] = {}
    kind = entry.string("type")
    if kind in {"number", "boolean"}:
        found["type"] = kind
    if "default" in entry:
        found["default"] = string(entry["default"])
    elif may_be_empty and native(entry.get("required")) is not True:
        found["default"] = _EMPTY.get(kind, "")
    if "options" in entry:
        found["options"] = [string(item) for item in sequence(entry["options"])]
    if description := " ".join(entry.string("description").split()):
        found["description"] = description
    return found
