"""Inputs, which GitLab and GitHub have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.ticked import ignore, mapping, sequence, string
from ci_kaniko.spec.rules.texts import INPUT_TEXTS

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.report import Voice
    from ci_kaniko.importing.ticked import Map

_MOST = 500
"""The characters of a text that may stand in many places."""


def name_of(written: str) -> str:
    """The name of an input as a spec writes it."""
    return written.replace("-", "_").lower()


def unsaid(value: Any) -> str:
    """The default of an input where no input of a spec can hold it; the spec has it instead."""
    default = mapping(value).peek("default")
    is_held = INPUT_TEXTS["string"].fullmatch(default) or len(default) > _MOST
    return "" if is_held else default


def tell_unsaid(voice: Voice | Job, name: str, entry: Map) -> str:
    """Say of such an input that it is gone; what it is worth."""
    shown = " ".join(unsaid(entry).split())
    voice.tell("input", entry.line, name, shown)
    ignore(entry)
    return unsaid(entry)


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
    if description := entry.string("description"):
        found["description"] = description
    return found
