"""The rooms of the package: what each takes from the others, and what must not stand in one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

from ci_kaniko.kaniko.systems import NAMES
from make.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

ROOMS = {
    "quick": "What a command does without while it can: made by the build, or smaller.",
    "text": "What may be written, how it is quoted and shown, the mark of a file of ours.",
    "problems": "What is said: a finding, a problem with its place, the list of all rules.",
    "kaniko": "Facts about the executor, its flags, its distributions and the registries.",
    "repository": "Files to find and to write, and the commit of a checkout.",
    "layouts": "The templates, and how they are filled.",
    "syntax": "The small languages inside a spec: variables, references, conditions, globs.",
    "source": "YAML with places: from the text of a spec to a tree.",
    "spec": "The model, what a value may be, and the rules.",
    "plan": "What will run, with every decision about kaniko taken.",
    "builders": "The programs that can build: their images, and how a plan is told to each.",
    "shell": "The one script that logs in, builds and hands over.",
    "targets": "What each platform makes of a plan.",
    "merging": "Entries of ours in a file that is somebody else's.",
    "importing": "From a pipeline to a spec.",
    "rendering": "From a spec to the text of one target.",
    "requirements": "What a platform must hold before a rendering works there.",
    "syncing": "What is committed, compared with what would be rendered.",
    "project": "A repository as its user sees it: what changed, a first spec, the Dockerfiles.",
    "previewing": "What each event builds, pushes and logs in to, as the plan says it.",
    "rehearsing": "A rendered job run here as its platform would, with a recorder as executor.",
    "pinning": "The digests behind the tags of a spec, as registries tell them.",
    "checking": "What is wrong with a spec, for its targets and in its checkout.",
    "api": "The commands for programs: what the package offers.",
    "testing": "Our judge, for the authors of targets.",
    "cli": "The command line.",
}
"""Each room takes only from those before it."""


def read_sources() -> dict[str, str]:
    """The text of each module by its path below ``src``."""
    return {
        str(path.relative_to(ROOT / "src")): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "src" / "ci_kaniko").rglob("*.py"))
    }


def read_tables() -> dict[str, str]:
    """The text of each table and each template that is no target's own, by its path."""
    package = ROOT / "src" / "ci_kaniko"
    paths = [path for path in package.rglob("*") if path.suffix in {".yaml", ".json", ".toml"}]
    tables = {str(path.relative_to(ROOT / "src")): path for path in sorted(paths)}
    templates = [path for path in ROOT.glob("templates/*") if path.name.split(".")[0] not in NAMES]
    found = tables | {f"templates/{path.name}": path for path in sorted(templates)}
    return {name: path.read_text(encoding="utf-8") for name, path in found.items()}


@cache
def tree_of(text: str) -> ast.Module:
    """A module's syntax, which each of the questions below walks."""
    return ast.parse(text)


@cache
def nodes_of(text: str) -> tuple[ast.AST, ...]:
    """Every part of a module, in the order of ``ast.walk``, which takes longer than to look."""
    return tuple(ast.walk(tree_of(text)))


class Import(NamedTuple):
    """One name that one module takes from another."""

    module: str
    line: int
    source: str
    name: str


def module_of(path: str) -> str:
    """The dotted name of a module."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def imports(sources: dict[str, str]) -> Iterator[Import]:
    """Every import inside the package, those for typing and those inside functions too."""
    modules = {module_of(path) for path in sources}
    for path, text in sources.items():
        for node in nodes_of(text):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ci_kaniko"):
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    source = inner if inner in modules else str(node.module)
                    yield Import(module_of(path), node.lineno, source, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.startswith("ci_kaniko"):
                        yield Import(module_of(path), node.lineno, alias.name, "")


def room_of(module: str) -> str:
    """The room of a module; the package itself is none."""
    return [*module.split("."), ""][1]


def upward(sources: dict[str, str]) -> list[str]:
    """Imports of a room that stands later, or of one that nobody knows."""
    found, order = [], list(ROOMS)
    for each in imports(sources):
        here, there = room_of(each.module), room_of(each.source)
        if here in {"", "__main__", there} or not there:
            continue
        if {here, there} - {*ROOMS} or order.index(here) < order.index(there):
            found.append(f"{each.module}:{each.line} imports {each.source}")
    return found


def circles(sources: dict[str, str]) -> list[list[str]]:
    """Modules that import one another, in whatever way."""
    arrows: dict[str, set[str]] = {module_of(path): set() for path in sources}
    for each in imports(sources):
        if each.source != each.module and room_of(each.module):
            arrows[each.module].add(each.source)
    open_ = dict(arrows)
    while leaves := {module for module, ends in open_.items() if not ends & open_.keys()}:
        open_ = {module: ends for module, ends in open_.items() if module not in leaves}
    while starts := open_.keys() - {end for ends in open_.values() for end in ends}:
        open_ = {module: ends for module, ends in open_.items() if module not in starts}
    return [[module, *sorted(ends & open_.keys())] for module, ends in sorted(open_.items())]


def _taken(text: str, package: str) -> Iterator[tuple[str, str, str]]:
    """What a module takes from a package: from which module, its name there and its name here."""
    for node in nodes_of(text):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(package):
            for alias in node.names:
                yield str(node.module), alias.name, alias.asname or alias.name


def foreign_privates(sources: dict[str, str]) -> list[str]:
    """Private names that another module imports or reaches into."""
    found = [
        f"{each.module}:{each.line} takes {each.source}.{each.name}"
        for each in imports(sources)
        if each.name.startswith("_") and not each.name.startswith("__")
    ]
    modules = {module_of(path) for path in sources}
    for path, text in sources.items():
        taken = {
            here
            for source, name, here in _taken(text, "ci_kaniko")
            if f"{source}.{name}" in modules
        }
        found += [
            f"{path}:{node.lineno} takes {node.value.id}.{node.attr}"
            for node in nodes_of(text)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in taken
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
        ]
    return found


READERS = {"parse", "parse_globs", "parse_when", "Context", "Dockerfile", "Layout"}
READERS |= {"Reference", "Repository", "Template"}
"""What makes a value of a text: fields call it once, and what is downstream has the value."""
_READING = ("syntax", "importing", "spec", "repository")
READS_TEXT = {
    "ci_kaniko.plan.values": "it reads the values that a command line gives",
    "ci_kaniko.pinning.registry": "it reads addresses that a registry answers with",
    "ci_kaniko.project.starter": "it reads what a user types and what git says, before any spec",
    "ci_kaniko.spec.rules.executor": "an image that runs is no reference, and a rule refuses one",
    "ci_kaniko.spec.rules.options": "a mirror with a scheme is what it refuses",
    "ci_kaniko.rehearsing.comparable": "it looks at what the executor was told",
    "ci_kaniko.rehearsing.events": "it makes addresses of a platform, not of a spec",
    "ci_kaniko.rehearsing.executor": "it looks where the executor would, for what it was told",
    "ci_kaniko.rehearsing.recording": "it looks where the executor would, for what it was told",
}


def _asks_for_a_scheme(node: ast.AST) -> bool:
    """Whether a text is compared with how an address begins."""
    if isinstance(node, ast.Compare):
        asked: list[ast.expr] = [node.left] if isinstance(node.ops[0], ast.In | ast.NotIn) else []
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        methods = {"startswith", "partition", "rpartition", "removeprefix", "split"}
        asked = list(node.args) if node.func.attr in methods else []
    else:
        return False
    constants = [
        each.value for part in asked for each in ast.walk(part) if isinstance(each, ast.Constant)
    ]
    return any(text == "oci:" or "://" in str(text) for text in constants)


def second_readings(sources: dict[str, str]) -> list[str]:
    """Calls that read a text again, and questions that its value has answered."""
    found = []
    for path, text in sources.items():
        module = module_of(path)
        rules = module.startswith("ci_kaniko.spec.rules.")
        if (room_of(module) in _READING and not rules) or module in READS_TEXT:
            continue
        readers = {here for _, name, here in _taken(text, "ci_kaniko.syntax") if name in READERS}
        found += [
            f"{path}:{node.lineno} reads a text again"
            for node in nodes_of(text)
            if (isinstance(node, ast.Call) and ast.unparse(node.func) in readers)
            or (isinstance(node, ast.expr) and _asks_for_a_scheme(node))
        ]
    return found


CALLED_BY_OTHERS = {
    "get_source": "Jinja asks a loader for it",
    "collect_usage_pieces": "Typer's help does",
    "format_options": "Typer's help does",
    "get_short_help_str": "Typer's help does",
}
_PLAIN = {"property", "staticmethod", "classmethod", "cache", "cached_property", "contextmanager"}


def _registered(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator takes a definition to where it is used."""
    return any(ast.unparse(each) not in _PLAIN for each in node.decorator_list)


def definitions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions, classes, constants and methods that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not _registered(node):
            yield node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not _registered(inner):
                    yield inner.name, inner.lineno
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.lineno
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.lineno


def dead(sources: dict[str, str], readers: list[str]) -> list[str]:
    """Definitions whose name stands nowhere else in what users run or read.

    What is decorated is known to its decorator; a name that is put together, as in
    ``getattr(self, f"_run_{kind}")``, is known by its beginning.
    """
    counts: dict[str, int] = {}
    for text in [*sources.values(), *readers]:
        for word in re.findall(r"\w+", text):
            counts[word] = counts.get(word, 0) + 1
    made = tuple(set(re.findall(r"getattr\(\w+, f\"(\w{3,})\{", "\n".join(sources.values()))))
    return [
        f"{path}:{line} defines {name}"
        for path, text in sources.items()
        for name, line in definitions(tree_of(text))
        if counts[name] == 1 and not name.startswith(("__", *made)) and name not in CALLED_BY_OTHERS
    ]


PROCESSES = {"ci_kaniko.rehearsing.launcher"}
"""Modules that run as processes of their own."""
_LOUD = {"print", "input", "exit", "sys.exit", "os.chdir", "warnings.warn"}
_STREAMS = {"sys.stdout", "sys.stderr", "sys.stdin", "sys.argv"}
_LAST = {name.rpartition(".")[2] for name in _LOUD | _STREAMS}


def loud(sources: dict[str, str]) -> list[str]:
    """Where another room than the command line speaks, ends the process or changes its state."""
    return [
        f"{path}:{node.lineno} uses {ast.unparse(node)}"
        for path, text in sources.items()
        if room_of(module_of(path)) != "cli" and module_of(path) not in PROCESSES
        for node in nodes_of(text)
        if isinstance(node, ast.Attribute | ast.Name)
        and (node.id if isinstance(node, ast.Name) else node.attr) in _LAST
        and ast.unparse(node) in _LOUD | _STREAMS
    ]


_OPTION = re.compile(
    r"(?<![\w-])--(only|changed-since|set|against|spec|keep|stdout|merge|engine|event|strict)(?![\w-])"
    r"|^--(force|from|image|check|target|shell)(?![\w-])"
)


def rebound(sources: dict[str, str]) -> list[str]:
    """Where ``:=`` in a comprehension takes a name of its function: the last value outlives it."""
    found = []
    for path, text in sources.items():
        nodes = nodes_of(text) if ":=" in text else ()
        for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
            walked = [*ast.walk(function)]
            inside = {
                id(node)
                for each in walked
                if isinstance(each, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
                for node in ast.walk(each)
            }
            stored = [
                node for node in walked if isinstance(node, ast.Name | ast.arg) and _binds(node)
            ]
            own = {_name(node) for node in stored if id(node) not in inside}
            found += [
                f"{path}:{node.lineno} binds {node.target.id} again"
                for node in walked
                if isinstance(node, ast.NamedExpr) and id(node) in inside and node.target.id in own
            ]
    return found


def _binds(node: ast.Name | ast.arg) -> bool:
    return isinstance(node, ast.arg) or isinstance(node.ctx, ast.Store)


def _name(node: ast.Name | ast.arg) -> str:
    return node.arg if isinstance(node, ast.arg) else node.id


def optional(sources: dict[str, str]) -> list[str]:
    """Where another room than the command line speaks of an option: programs have none.

    A command line that is told in full is one for anybody.
    """
    return [
        f"{path}:{node.lineno} speaks of {ast.unparse(node)}"
        for path, text in sources.items()
        if room_of(module_of(path)) != "cli" and "--" in text
        for node in _sentences(tree_of(text))
        if " " in (said := _said(node)) and _OPTION.search(said) and "ci-kaniko " not in said
    ]


def _sentences(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The texts of a module, with a blank in them, that are no docstrings."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            yield node
        else:
            yield from _sentences(node)


def _said(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


def names_of(sources: dict[str, str], words: set[str]) -> list[str]:
    """Where one of some words is a text of its own, and so a question or an answer."""
    return [
        f"{path}:{node.lineno}"
        for path, text in sources.items()
        for node in nodes_of(text)
        if isinstance(node, ast.Constant) and node.value in words
    ]


def names_in_tables(tables: dict[str, str], words: set[str]) -> list[str]:
    """Where a table has one of some words as a key or a value, and a template as a key."""
    return [
        f"{path}:{number}"
        for path, text in tables.items()
        for number, word in (_words(text) if path.endswith(_TEMPLATE) else _entries(text))
        if word in words
    ]


_TEMPLATE = ".j2"


def _entries(text: str) -> Iterator[tuple[int, str]]:
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.ScalarEvent) and event.start_mark:
            yield event.start_mark.line + 1, event.value


def _words(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        yield from ((number, word) for word in re.findall(r"(?<![./\w-])[a-z]+(?=:)", line))


def arrows(sources: dict[str, str]) -> dict[str, set[str]]:
    """The rooms that each room takes from."""
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for each in imports(sources):
        here, there = room_of(each.module), room_of(each.source)
        if here != there and here in found and there in found:
            found[here].add(there)
    return found


def drawing() -> str:
    """The rooms with the arrows that no others imply, and a table of all of them."""
    ends = arrows(read_sources())
    below: dict[str, set[str]] = {}
    for room in ROOMS:
        below[room] = ends[room].union(*(below[other] for other in ends[room]))
    lines = ["```mermaid", "flowchart BT"]
    for room in ROOMS:
        implied: set[str] = set().union(*(below[other] for other in ends[room]))
        lines += [f"  {room} --> {other}" for other in ROOMS if other in ends[room] - implied]
    listed = {room: ", ".join(other for other in ROOMS if other in ends[room]) for room in ROOMS}
    rows = [(code(room), ROOMS[room], listed[room]) for room in ROOMS]
    return "\n".join([*lines, "```"]) + "\n\n" + table(("Room", "Holds", "Takes from"), rows)
