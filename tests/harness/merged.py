"""Files of people with entries of ours: what is rendered into them, and what must hold then."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import hypothesis
import yaml

from ci_kaniko import loads, rendering
from ci_kaniko.merging import merge
from harness.cases import ROOT
from harness.nodes import plain

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FOLDER = ROOT / "tests" / "merge"
TARGETS = ("gitlab", "github", "buildkite", "agola", "kubernetes")
FILES = [path for target in TARGETS for path in sorted((FOLDER / target).glob("*.yml"))]
CONFLICTS = sorted((FOLDER / "conflicts").glob("*.yml"))
IS_LONG = hypothesis.settings().max_examples > 1000

NAMES = [f"{path.parent.name}-{path.stem}" for path in FILES]

# -- what is rendered ---------------------------------------------------------------------------

SPEC = """\
default_branch: main
registries:
  ghcr.io:
    default: {username: acme-bot, password: GHCR_TOKEN}
    kubernetes: {docker_config: regcred}
triggers: {branches: [main]}
agola: {run: RUN}
"""
VALUES = {
    "branch": "main",
    "commit.sha": "0123456789abcdef0123456789abcdef01234567",
    "repository.url": "https://git.example.com/acme/shop",
}


@cache
def rendered(target: str, *images: str, mode: str = "fast", more: str = "") -> str:
    """What is rendered for images of these names; ``more`` are lines of the spec."""
    lines = [SPEC.replace("RUN", f"build-{images[0]}"), more, "images:\n"]
    for name in images:
        where = f'context: services/{name}, build_args: {{MODE: "{mode}"}}'
        lines.append(f"  {name}: {{{where}, destinations: ['ghcr.io/acme/{name}:1']}}\n")
    return rendering.render(
        loads("".join(lines)), target, VALUES if target == "kubernetes" else None
    )


def one(target: str) -> str:
    return rendered(target, "api")


def read(path: Path) -> str:
    return path.read_bytes().decode()


def target_of(path: Path) -> str:
    return path.parent.name


# -- what must hold, found out without ci-kaniko ------------------------------------------------

ENTRY = {
    "gitlab": r"(?m)^\S.*:$",
    "github": r"(?m)(?<=\n)  \S.*:$",
    "buildkite": r"(?m)^  - ",
    "agola": r"(?m)^  - ",
    "kubernetes": r"(?m)^apiVersion: ",
}


def entries(target: str, text: str) -> dict[str, list[str]]:
    """The lines of each rendered entry by its name; rendered text is regular."""
    body = text.partition("jobs:\n")[2] if target == "github" else text
    starts = [found.start() for found in re.finditer(ENTRY[target], "\n" + body)]
    pieces = [("\n" + body)[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    lines = [piece.strip("\n").removesuffix("\n---").split("\n") for piece in pieces]
    named = {name_in(target, each): each for each in lines}
    return {name: each for name, each in named.items() if name != "stages"}


def name_in(target: str, lines: list[str]) -> str:
    if target in {"gitlab", "github"}:
        return lines[0].strip().removesuffix(":")
    key = {"buildkite": "key", "agola": "- name", "kubernetes": "generateName"}[target]
    return next(line.partition(": ")[2] for line in lines if line.strip().startswith(f"{key}:"))


def without_ours(target: str, text: str, ours: dict[str, list[str]], spared: int = 0) -> str:
    """A merged text without our lines, which are cut out by nothing but their number.

    The empty lines above are ours, too, but for so many of the first.
    """
    lines = re.split("(?<=\n)", text)
    kept: list[str] = []
    left = {f"# ci-kaniko: {name}": body for name, body in ours.items()}
    above = "---" if target == "kubernetes" else ""
    while lines:
        line = lines[0].lstrip("\ufeff ").rstrip("\r\n")
        if line in left and is_ours(lines, left[line]):
            is_spared = len(ours) - len(left) < spared
            if kept and kept[-1].rstrip("\r\n") == above and not is_spared:
                kept.pop()
            kept += ["\ufeff"] if lines[0].startswith("\ufeff") else []
            del lines[: len(left.pop(line)) + 1]
        else:
            kept.append(lines.pop(0))
    assert not left, "entries are missing"
    return "".join(kept)


def is_ours(lines: list[str], body: list[str]) -> bool:
    """Whether what was rendered stands below a marker, which else is a look-alike."""
    return [line.strip() for line in lines[1:3]] == [line.strip() for line in body[:2]]


def said(target: str, text: str, names: Collection[str]) -> tuple[Any, dict[str, Any]]:
    """What a file says: without the entries of these names, and these."""
    documents = [plain(node) for node in yaml.compose_all(text, Loader=yaml.CSafeLoader)]
    if target == "kubernetes":
        mine = {name: item for item in documents if (name := name_of(item)) in names}
        return [item for item in documents if name_of(item) not in names], mine
    key = {"github": "jobs", "buildkite": "steps", "agola": "runs"}.get(target, "")
    body = documents[-1] if documents else {}
    entries = body[key] if key and isinstance(body, dict) else body
    if isinstance(entries, list):
        mine = {name: item for item in entries if (name := name_of(item)) in names}
        rest: Any = [item for item in entries if name_of(item) not in names]
    else:
        mine = {name: value for name, value in (entries or {}).items() if name in names}
        rest = {name: value for name, value in (entries or {}).items() if name not in names}
    others = {name: value for name, value in body.items() if name != key} if key in body else ()
    return (documents[:-1] if target == "gitlab" else [], others, rest or None), mine


def name_of(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    if item.get("kind") == "Pod":
        return str(item["metadata"].get("generateName"))
    return str(item.get("key", item.get("name")))


def expect_merged(target: str, before: str, text: str, wanted: str) -> None:
    """The author's bytes and values are as before, and ours are as rendered."""
    ours = entries(target, wanted)
    assert merge(text, wanted, target, "ci.yml") == text
    rests = [without_ours(target, text, ours, spared) for spared in (0, 1)]
    assert any(same_but_for_end(rest, before) for rest in rests)
    rest, mine = said(target, text, ours)
    assert rest == said(target, before, ())[0]
    expected = said(target, wanted, ours)[1]
    assert mine == expected or (
        not text.endswith("\n") and without_ends(mine) == without_ends(expected)
    )


def without_ends(value: Any) -> Any:
    """A value whose texts have no line end at their end."""
    if isinstance(value, dict):
        return {key: without_ends(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_ends(item) for item in value]
    return value.removesuffix("\n") if value else value


def same_but_for_end(text: str, before: str) -> bool:
    """Whether texts are the same; a file without a last line end can have one inside then."""
    return text == before or (not before.endswith("\n") and text.rstrip("\r\n") == before)
