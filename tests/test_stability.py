"""What docs/stability.md promises, as a list whose changes are read before they are merged."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import ci_kaniko
from ci_kaniko.cli.arguments import COMMANDS
from ci_kaniko.problems.catalogue import faults, rules
from ci_kaniko.problems.problem import Problem
from ci_kaniko.rehearsing.yaml11 import load

if TYPE_CHECKING:
    import pytest

LIST = Path(__file__).with_name("promised.yaml")
HEAD = "# What is promised. Made by: pytest --update-snapshots tests/test_stability.py\n"
SPEC = """\
default_branch: main
destinations: ["ghcr.io/acme/shop:1.0"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
"""


def promised() -> dict[str, Any]:
    spec = ci_kaniko.loads(SPEC)
    return {
        "names": {name: _shape(getattr(ci_kaniko, name)) for name in ci_kaniko.__all__},
        "rules": sorted(rules()),
        "faults": sorted(faults().faults),
        "options": {name: _options(name) for name in COMMANDS},
        "json": {
            "problem": _keys(Problem(rule="a", message="b", line=1, column=1).to_dict()),
            "setup": _keys(ci_kaniko.setup(spec, "gitlab")[0].to_dict()),
            "preview": _keys(ci_kaniko.preview(spec, ["gitlab", "kubernetes"]).to_dict()),
        },
    }


def _shape(value: Any) -> Any:
    """A function's signature, the fields of what comes back, a model's fields."""
    if inspect.isfunction(value):
        return str(inspect.signature(value)).replace("'", "")
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    fields: Any = getattr(value, "model_fields", None) or getattr(value, "_fields", ())
    return [str(field) for field in fields] or "exists"


def _options(name: str) -> list[str]:
    command = COMMANDS[name]
    return sorted([*command.values, *command.lists, *command.switches])


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_keys(value[0])] if value else []
    return "str" if isinstance(value, str) else type(value).__name__


def _written(part: str, value: Any) -> str:
    """A part of the list: a rule on each line, or a change would move its neighbours."""
    style = False if part in {"rules", "faults"} else None
    return yaml.safe_dump({part: value}, sort_keys=False, width=100, default_flow_style=style)


def test_what_is_promised_is_kept(request: pytest.FixtureRequest) -> None:
    found = promised()
    if request.config.getoption("--update-snapshots"):
        LIST.write_text(HEAD + "".join(_written(*item) for item in found.items()), encoding="utf-8")
    assert load(LIST.read_text(encoding="utf-8")) == found, "read docs/stability.md first"
