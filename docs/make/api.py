"""What docs/api.md says of the public names, read from their syntax trees."""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_origin

import ci_kaniko
from ci_kaniko.problems.problem import CiKanikoError
from ci_kaniko.spec.model import Model
from make.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORDER = (
    *("load", "loads", "dump", "show", "render", "check", "diff", "sync", "init", "pin"),
    *("preview", "rehearse", "setup", "import_files", "lint", "available_targets"),
    "checkout_values",
)
_RESULTS = (
    *("Problem", "Change", "Shown", "Starter", "Pin", "Requirement", "Preview", "Answer"),
    *("Occasion", "Outcome", "Run", "LoginUse", "Rehearsal", "Ran", "Leak", "Linted"),
    *("Imported", "Entry"),
)


def functions() -> str:
    """Each function with its signature, what it does, and its example."""
    return "\n\n".join(_function(name) for name in _ORDER)


def results() -> str:
    """What functions return, field by field."""
    return "\n\n".join(_class(name) for name in _RESULTS)


def errors() -> str:
    """The errors and what they say."""
    found = {
        name: value
        for name in ci_kaniko.__all__
        if isinstance(value := getattr(ci_kaniko, name), type) and issubclass(value, CiKanikoError)
    }
    return table(("error", "meaning"), [[code(n), _about(v)] for n, v in found.items()])


def models() -> str:
    """The models of a spec, with their places in its reference."""
    found = [
        name
        for name in ci_kaniko.__all__
        if isinstance(value := getattr(ci_kaniko, name), type) and issubclass(value, Model)
    ]
    return "\n".join(
        textwrap.wrap(
            ", ".join(f"[{name}](spec.md#{name.lower()})" for name in found) + ".",
            width=100,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def aliases() -> str:
    """What the types of arguments stand for."""
    tree = _tree("ci_kaniko.api")
    found = [
        (node.target.id, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
        if ast.unparse(node.annotation) == "TypeAlias"
    ]
    rows = [[code(name), code(ast.unparse(value).replace("'", ""))] for name, value in found]
    return table(("type", "is"), rows)


def undocumented() -> set[str]:
    """Public names that no part of the page is about."""
    parts = (*_ORDER, *_RESULTS, "SpecDict", "Target", "TargetName")
    text = f"{errors()}{models()}"
    return {name for name in ci_kaniko.__all__ if name not in parts and name not in text}


def _tree(module: str) -> ast.Module:
    file: Any = import_module(module).__file__
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def _node(name: str) -> ast.FunctionDef | ast.ClassDef:
    value = getattr(ci_kaniko, name)
    return next(
        node
        for node in _tree(value.__module__).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    )


def _function(name: str) -> str:
    node = _node(name)
    assert isinstance(node, ast.FunctionDef)
    assert node.returns is not None
    given = [*_arguments(node.args)]
    line = f"{name}({', '.join(given)}) -> {ast.unparse(node.returns)}"
    if len(line) > 88:
        parts = [f"    {part}," for part in given]
        line = "\n".join([f"{name}(", *parts, f") -> {ast.unparse(node.returns)}"])
    about, example = _split(ast.get_docstring(node) or "")
    shown = f"\n\n```pycon\n{example}\n```" if example else ""
    return f"### {name}\n\n```python\n{line}\n```\n\n{about}{shown}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    plain: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    for argument, default in zip(given.args, [*plain, *given.defaults], strict=True):
        yield _argument(argument, default)
    if given.kwonlyargs:
        yield "*"
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(argument, default)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + (f" = {ast.unparse(default)}" if default else "")


def _split(text: str) -> tuple[str, str]:
    """A docstring as Markdown, and the example at its end."""
    about, _, example = text.partition("\n>>> ")
    return _markdown(about.rstrip()), f">>> {example}".rstrip() if example else ""


def _markdown(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _about(value: Any) -> str:
    return _markdown(str(value.__doc__).partition("\n\n")[0].replace("\n", " "))


def _words(node: ast.expr, owner: str) -> dict[str, Any]:
    """The names in a type that stand for a choice of words, with that choice."""
    room = vars(import_module(getattr(ci_kaniko, owner).__module__))
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return {name: room[name] for name in names if get_origin(room.get(name)) is Literal}


def _is_public(node: ast.expr, owner: str) -> bool:
    """Whether a type is made of names that a program can import."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    known = {*ci_kaniko.__all__, *dir(builtins), "Any", "Mapping", *_words(node, owner)}
    return names <= known


def _type(node: ast.expr, owner: str) -> str:
    """A type in words that need no import."""
    text = ast.unparse(node)
    for name, words in _words(node, owner).items():
        text = re.sub(rf"\b{name}\b", str(words).removeprefix("typing."), text)
    return text


def _class(name: str) -> str:
    node = _node(name)
    rows = [
        [code(each.target.id), code(_type(each.annotation, name))]
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        if _is_public(each.annotation, name)
    ]
    methods = [
        each
        for each in node.body
        if isinstance(each, ast.FunctionDef) and (each.name[0] != "_" or each.name == "__str__")
        if each.returns is None or _is_public(each.returns, name)
    ]
    for each in methods:
        called = "" if any(ast.unparse(d) == "property" for d in each.decorator_list) else "()"
        shown = f"str({name.lower()})" if each.name == "__str__" else f"{each.name}{called}"
        assert each.returns is not None
        rows.append([code(shown), code(ast.unparse(each.returns))])
    about = _markdown(ast.get_docstring(node) or "")
    return f"### {name}\n\n{about}\n\n{table(('field', 'type'), rows)}"
