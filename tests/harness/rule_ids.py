"""The rule ids that the source code can report, read from its syntax trees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ci_kaniko

SOURCE = Path(ci_kaniko.__file__).parent

_POSITIONS = {
    "Finding": 0,
    "Refused": 0,
    "_fatal": 0,
    "_problem": 0,
    "_refuse": 1,
    "_refuse_byte": 3,
    "_report": 0,
    "problem": 0,
}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def in_source() -> set[str]:
    """Every rule id that a module names; docs/import.md explains those of imports."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if "importing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found |= {text for text in map(_text, _rules(node)) if text and _ID.fullmatch(text)}
    return found


def _rules(node: ast.AST) -> list[ast.expr]:
    """The expressions that stand where a rule id is expected."""
    if isinstance(node, ast.Assign):
        names = {getattr(target, "id", getattr(target, "attr", "")) for target in node.targets}
        return _leaves(node.value) if "rule" in names else []
    if not isinstance(node, ast.Call):
        return []
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
    if name in _POSITIONS and len(node.args) > _POSITIONS[name]:
        given.append(node.args[_POSITIONS[name]])
    return [leaf for expression in given for leaf in _leaves(expression)]


def _leaves(node: ast.expr) -> list[ast.expr]:
    """Both sides of a conditional expression."""
    if isinstance(node, ast.IfExp):
        return [*_leaves(node.body), *_leaves(node.orelse)]
    return [node]


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
