"""Other people's actions, as ``actions.yaml`` tells them, and those of the repository itself."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.importing.ticked import Map, native, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.importing.originals import Original


_FORGE = re.compile("^https?://[^/]+/")


class Action(NamedTuple):
    """One action: its name, what it does, why that is of no use, and what its inputs become."""

    name: str
    does: str
    because: str
    inputs: Mapping[str, str]


def bare_name(uses: str) -> str:
    """An action as GitHub names it: other forges may write where theirs comes from."""
    return _FORGE.sub("", uses)


@functools.cache
def known_actions() -> dict[str, Action]:
    """The actions of ``actions.yaml`` by their names."""
    text = files(__package__).joinpath("actions.yaml").read_text(encoding="utf-8")
    found = native(read_yaml(text, "actions.yaml").roots[0])
    return {
        name: Action(name, entry["does"], entry.get("because", ""), entry.get("inputs", {}))
        for name, entry in found.items()
    }


def composite_action(uses: str, original: Original, line: int) -> Map | None:
    """A composite action of the repository that holds a file; one that is missing is told."""
    names = ("action.yml", "action.yaml") if uses.startswith("./") else ()
    files = [original.find(f"{uses.rstrip('/')}/{name}") for name in names]
    for root in (root for file in files if file for root in file.mappings):
        if root.mapping("runs").peek("using") == "composite":
            return root
    if names and not any(files):
        original.report.tell("reusable-workflow/action", original.path, line % FILE_LINES, uses)
    return None
