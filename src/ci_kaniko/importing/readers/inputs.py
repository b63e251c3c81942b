"""Inputs, which GitLab and GitHub have alike."""

from __future__ import annotations

from typing import Any

from ci_kaniko.importing.ticked import mapping, sequence, string


def name_of(written: str) -> str:
    """The name of an input as a spec writes it."""
    return written.replace("-", "_").lower()


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
