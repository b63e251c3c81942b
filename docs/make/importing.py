"""What import reads, tells and leaves: made from the pipelines of its tests and from its tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ci_kaniko.importing.readers.accounting import IGNORED
from ci_kaniko.importing.readers.github.catalogue import known_actions
from ci_kaniko.importing.shell.uses import IGNORED as COMMANDS
from ci_kaniko.importing.shell.uses import IGNORED_VARIABLES as VARIABLES
from make.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2] / "tests"
_CORPUS = TESTS / "importing" / "corpus"
_END = ".facts.yaml"
_PLATFORMS = {
    "gitlab": "GitLab",
    "github": "GitHub",
    "buildkite": "Buildkite",
    "agola": "Agola",
    "kubernetes": "Kubernetes",
    "tekton": "Tekton",
    "jenkins": "Jenkins",
    "shell": "Shell",
}
_WORDS = (
    re.compile(r"\s*(?:- )*[\"']?([a-z][\w.-]*)[\"']?:(?:\s|$)"),
    re.compile(r"(--[a-z][\w-]*)"),
    re.compile(r"\s*(?:- )?(?:sh )?[\"']?([a-z][\w.-]*)[ (]"),
)
"""A key, a flag, or the first word of a command."""


def constructs() -> str:
    """What stands in the lines of the corpus, by where an import has to say it."""
    found: dict[str, dict[str, dict[str, None]]] = {name: {} for name in _PLATFORMS}
    for path in sorted(_CORPUS.rglob(f"*{_END}")):
        platform = path.relative_to(_CORPUS).parts[0]
        for must, construct in _of_file(path):
            found[platform].setdefault(must, {}).setdefault(construct)
    rows = []
    for platform, name in _PLATFORMS.items():
        read = found[platform].get("spec", {})
        either = {word: None for word in found[platform].get("either", {}) if word not in read}
        told = found[platform].get("report", {})
        rows.append([name, *(", ".join(map(code, sorted(cell))) for cell in (read, either, told))])
    return table(("", "in the spec", "in the spec or named", "named in the report"), rows)


def _of_file(path: Path) -> Iterator[tuple[str, str]]:
    facts: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    root = path.parent / facts.get("root", ".")
    file = path.with_name(path.name.removesuffix(_END))
    for fact in facts["facts"]:
        lines = (root / fact["in"] if "in" in fact else file).read_text(encoding="utf-8")
        line = lines.splitlines()[fact["line"] - 1]
        key, flag, command = _WORDS
        match = key.match(line) or flag.search(line) or command.match(line)
        if match:
            yield fact["must"], match[1]


def ignored() -> str:
    """The keys and commands that mean nothing for a build, with the reasons."""
    rows = [
        [kind, code(key), why]
        for kind, keys in sorted(IGNORED.items())
        for key, why in keys.items()
    ]
    rows += [["script", code(name), why] for name, why in sorted(COMMANDS.items())]
    rows += [["script", code(f"${name}"), f"is {why}"] for name, why in sorted(VARIABLES.items())]
    return table(("in a", "key or command", "which"), rows)


_DOES = {
    "executor": "runs the executor: its inputs are read as arguments",
    "builds": "builds: its inputs are read as arguments of `docker build`, or of `buildah build`",
    "pushes": "pushes what the job has built: its inputs are read as arguments of `buildah push`",
    "checkout": "is read as `checkout:`, or told",
    "login": "is read as a login",
    "cloud": "is read as the login of a cloud",
    "metadata": "is read as destinations with `when:`, and labels",
    "prepares": "is told: it prepares files or tools",
    "emulates": "is left out where the build is for the runner's processor, or for several",
    "wraps": "is told: it builds without kaniko",
    "nothing": "is left out",
}


def actions() -> str:
    """The actions of GitHub's workflows that import knows, and what becomes of each."""
    rows = []
    for name, action in known_actions().items():
        because = f", for {action.because}" if action.does == "nothing" else ""
        rows.append([code(name), f"{_DOES[action.does]}{because}"])
    return table(("action", "which"), rows)


def rules(kind: str) -> str:
    """The rules of the reports that the tests know, each with its first message."""
    found: dict[str, str] = {}
    for path in sorted((TESTS / "imports").rglob("*.report.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(rf"{kind} ([a-z0-9-]+) \S*: (.*)", line)
            if match:
                found.setdefault(match[1], match[2])
    return table(("rule", "such as"), [[code(rule), _safe(found[rule])] for rule in sorted(found)])


def _safe(text: str) -> str:
    return text.replace("<", "&lt;")
