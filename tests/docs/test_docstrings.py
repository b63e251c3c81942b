"""Docstrings name what their function raises."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from make import rooms

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = rooms.read_sources()


def raised(function: ast.FunctionDef, makers: dict[str, str]) -> Iterator[str]:
    """The exceptions that a function raises in itself; of a variable, nothing but that it does."""
    inside: list[ast.AST] = [*function.body]
    while inside:
        node = inside.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        inside += ast.iter_child_nodes(node)
        if isinstance(node, ast.Raise) and node.exc is not None:
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(made).rpartition(".")[2]
            if name != "NotImplementedError":  # what a class leaves to those that are made of it
                yield makers.get(name, name if name[0].isupper() else "")


def silent(sources: dict[str, str]) -> list[str]:
    """Public functions whose docstring keeps quiet about what they raise."""
    functions = [
        (path, node)
        for path, text in sources.items()
        for node in rooms.nodes_of(text)
        if isinstance(node, ast.FunctionDef)
    ]
    makers = {
        node.name: ast.unparse(node.returns)
        for _, node in functions
        if node.returns is not None and isinstance(node.returns, ast.Name)
    }
    bases = {
        node.name: [ast.unparse(base) for base in node.bases]
        for text in sources.values()
        for node in rooms.nodes_of(text)
        if isinstance(node, ast.ClassDef)
    }
    return [
        f"{path}:{node.lineno} {node.name} raises {name}"
        for path, node in functions
        if "raise" in sources[path] and not node.name.startswith("_")
        for name in sorted({*raised(node, makers)})
        if "Raise" not in (about := ast.get_docstring(node) or "")
        or not any(each in about for each in (name, *bases.get(name, ())))
    ]


def test_docstrings_name_what_is_raised() -> None:
    assert silent(SOURCES) == []


@pytest.mark.parametrize("name", ["load", "loads", "render"])
def test_the_library_names_the_error_of_a_wrong_spec(name: str) -> None:
    assert "Raises SpecError" in str(getattr(ci_kaniko, name).__doc__)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("def f():\n    raise A\n", 1),
        ('def f():\n    """Raises A."""\n    raise A("b") from c\n', 0),
        ('def f():\n    """Raises A."""\n    if x:\n        raise a.B\n', 1),
        ('def f():\n    """Raises A."""\n    raise _a()\ndef _a() -> A: ...\n', 0),
        ('def f():\n    """Raises B."""\n    raise _a()\ndef _a() -> A: ...\n', 1),
        ('class B(A): ...\ndef f():\n    """Raises A."""\n    raise B\n', 0),
        ("def _f():\n    raise A\n", 0),
        ("def f():\n    def g():\n        raise A\n", 1),
        ("def f():\n    raise\n", 0),
    ],
)
def test_the_gate_tells_a_silent_function(text: str, count: int) -> None:
    assert len(silent({"a.py": text})) == count
