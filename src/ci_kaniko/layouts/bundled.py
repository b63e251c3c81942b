"""The templates that come with ci-kaniko, and how they are written."""

from __future__ import annotations

import os

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.text import yaml as yamltext

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS: dict[str, Any] = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<%=",
    "variable_end_string": "%>",
    "comment_start_string": "<%#",
    "comment_end_string": "%>",
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": False,
}

FILTERS: dict[str, Callable[..., Any]] = {
    "scalar": yamltext.scalar,
    "single": yamltext.single,
    "flow": yamltext.flow,
    "literal": yamltext.literal,
    "block": yamltext.block,
}
"""What the layouts have beside the filters of Jinja."""


def bundled() -> str:
    """The bundled templates: package data when installed, the top-level folder in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    packaged = os.path.join(package, "templates")
    return packaged if os.path.isdir(packaged) else os.path.join(package, "../../templates")


def module_of(template: str) -> str:
    """The name of a compiled template."""
    return template.partition(".")[0]


def made_of(template: str) -> tuple[str, str]:
    """What the compiled form of a template depends on."""
    with open(os.path.join(bundled(), template), encoding="utf-8") as file:
        return repr(SETTINGS), file.read()
