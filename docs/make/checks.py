"""Which functions report each rule, read from their syntax trees.

``ci_kaniko/problems/checks.yaml`` holds what is found here, for ``ci-kaniko explain``.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from make.rooms import nodes_of, read_sources, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_POSITIONS = {
    "Finding": 0,
    "Refused": 0,
    "Unreadable": 0,
    "_error": 1,
    "_fatal": 0,
    "_problem": 0,
    "_refuse": 1,
    "_refuse_byte": 3,
    "_report": 0,
    "problem": 0,
    "refuse": 0,
}
"""What is given the id of a rule, and where among its arguments."""
_ALWAYS = {"no_effect": "no-effect"}
"""What reports one rule whatever it is given, for those that call it."""
_SIGNS = {"rule", *_POSITIONS, *_ALWAYS}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HEAD = "# Who reports each rule. Made by: python3 docs/make\n"


def checks_text() -> str:
    """The file: for each rule the functions that report it."""
    lines = (
        f"{rule}:\n" + "".join(f"  - {place}\n" for place in places)
        for rule, places in checks(read_sources()).items()
    )
    return _HEAD + "".join(lines)


def checks(sources: dict[str, str]) -> dict[str, list[str]]:
    r"""The places, ``module:function``, that report each rule; docs/import.md has those of imports.

    >>> checks({"ci_kaniko/spec/a.py": "def look():\n    yield Finding('odd', (), 'no')"})
    {'odd': ['spec.a:look']}
    """
    found: dict[str, dict[str, None]] = {}
    for path, text in sources.items():
        module = path.removeprefix("ci_kaniko/").removesuffix(".py").replace("/", ".")
        if module.startswith("importing.") or not any(sign in text for sign in _SIGNS):
            continue
        for name, part in _definitions(tree_of(text)):
            for rule in _reported(part):
                if _ALWAYS.get(name) != rule:
                    found.setdefault(rule, {}).setdefault(f"{module}:{name}")
    return {rule: [*places] for rule, places in sorted(found.items())}


def warned(sources: dict[str, str]) -> set[str]:
    """The rules that somebody reports as a warning, or as bad as a spec says.

    >>> source = "Finding('odd', (), 'no', severity='warning'); severity_of(rules, 'old')"
    >>> sorted(warned({"a.py": source}))
    ['odd', 'old']
    """
    calls = [
        node for text in sources.values() for node in nodes_of(text) if isinstance(node, ast.Call)
    ]
    reported = {
        rule
        for call in calls
        if any(key.arg == "severity" and _text(key.value) == "warning" for key in call.keywords)
        for rule in map(_text, _rules(call))
        if rule
    }
    asked = {_text(call.args[1]) for call in calls if getattr(call.func, "id", "") == "severity_of"}
    return reported | {rule for rule in asked if rule}


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions and methods by their names, and what stands in none of them."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                name = getattr(inner, "name", "")
                yield f"{node.name}.{name}" if name else node.name, inner
        else:
            yield getattr(node, "name", "") or "(module)", node


def _reported(part: ast.AST) -> Iterator[str]:
    for node in ast.walk(part):
        yield from (text for text in map(_text, _rules(node)) if text and _ID.fullmatch(text))


def _rules(node: ast.AST) -> list[ast.expr]:
    """The expressions that stand where the id of a rule is expected."""
    if isinstance(node, ast.Assign):
        names = {getattr(target, "id", getattr(target, "attr", "")) for target in node.targets}
        return _leaves(node.value) if "rule" in names else []
    if not isinstance(node, ast.Call):
        return []
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
    if name in _ALWAYS:
        given.append(ast.Constant(_ALWAYS[name]))
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
