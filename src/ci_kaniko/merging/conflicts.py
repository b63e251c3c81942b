"""What forbids to merge: every conflict names the lines that cannot both stay."""

from __future__ import annotations

from ci_kaniko.merging.entries import label_of, marker, named, nested_names
from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import SpecError, in_file_order
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.merging.entries import Collection, Entry
    from ci_kaniko.merging.syntax import Node
    from ci_kaniko.problems.problem import Problem


def refuse_conflicts(current: Collection, rendered: Collection) -> None:
    """Raise SpecError with everything that stands between a file and what is rendered."""
    if current.value and current.value.flow and rendered.entries:
        raise SpecError([_flow(current, current.value)])
    problems = [
        *_markers(current),
        *_names(current, rendered),
        *_anchors(current, rendered),
        *_inputs(current, rendered),
        *_open_ends(current, rendered),
    ]
    if problems:
        raise SpecError(in_file_order(problems))


def _flow(current: Collection, node: Node) -> Problem:
    noun = current.shape.noun
    first, last = current.syntax.line_of(node), current.syntax.places.line_of(node.end)
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    message = f"ci-kaniko cannot add a {noun} to what stands between brackets on {lines}"
    opening = "{" if node.kind == "mapping" else "["
    hint = f'write each {noun} on lines of its own, without the "{opening}"'
    return current.syntax.problem_at(node, message, hint)


def _markers(current: Collection) -> Iterator[Problem]:
    """Markers that stand above something else, and those that stand there twice."""
    syntax, noun = current.syntax, current.shape.noun
    seen: dict[str, Entry] = {}
    for entry in current.own:
        line = syntax.line_of(entry.node)
        if entry.label != label_of(entry.name):
            what = quoted(entry.name) if entry.name else "one without a name"
            at = syntax.text.index("#", entry.core)
            message = f"this marks the {noun} {quoted(entry.label)}, but line {line} has {what}"
            hint = f"remove the marker, or give the {noun} that name again"
            yield syntax.problem(message, at, hint, len("# ci-kaniko: " + entry.label))
        elif first := seen.get(entry.name):
            above = syntax.line_of(first.node)
            message = (
                f"the {noun} {quoted(entry.name)} of ci-kaniko is here twice, first on line {above}"
            )
            yield syntax.problem_at(entry.node, message, "remove one of the two")
        else:
            seen[entry.name] = entry


def _names(current: Collection, rendered: Collection) -> Iterator[Problem]:
    """The author's entries that have a name of ours."""
    syntax, noun = current.syntax, current.shape.noun
    ours = {entry.name: entry.value for entry in rendered.entries if not rendered.is_stages(entry)}
    own = {entry.name: entry for entry in current.own}
    below = syntax.places.line_of(max(0, current.tail - 1))
    for name, node, hint in _taken(current, ours):
        here = f"the {noun} {quoted(name)} is written by hand"
        if name in own:
            line = syntax.line_of(own[name].node)
            message = f"{here}, and ci-kaniko has its own on line {line}"
            yield syntax.problem_at(node, message, "rename or remove this one")
        else:
            message = f"{here}, and ci-kaniko would write its own below line {below}"
            yield syntax.problem_at(node, message, hint)


def _taken(current: Collection, ours: dict[str, Node]) -> Iterator[tuple[str, Node, str]]:
    """The names that are taken, by what, and what can be done."""
    for entry in current.foreign:
        if entry.name in ours and _is_same_kind(entry.value, ours[entry.name]):
            lines = quoted(marker(entry.name, 0))
            if current.shape.kind == "documents":
                lines = f'"---" and {lines}'
            hint = f"rename one of them, or write {lines} above to hand it over"
            yield entry.name, entry.node, hint
    if current.shape.kind != "documents":
        for name, node in nested_names(current):
            if name in ours:
                yield name, node, "rename one of them"


def _is_same_kind(value: Node, ours: Node) -> bool:
    """Whether two manifests are of one kind, which their names must tell apart."""
    theirs, our = value.real.get("kind"), ours.get("kind")
    return not our or bool(theirs and theirs.real.text == our.text)


def _anchors(current: Collection, rendered: Collection) -> Iterator[Problem]:
    """Anchors and aliases that cross the border between the author's text and ours."""
    if current.shape.kind == "documents":
        return
    syntax = current.syntax
    ours = {node.anchor for node in named(rendered) if node.anchor}
    inside = {number for entry in current.own for number in range(entry.first, entry.last)}
    for node in named(current):
        if node.first in inside:
            continue
        target = node.target
        if target and target.first in inside:
            message = (
                f"*{node.anchor} names an anchor on line {syntax.line_of(target)}, "
                f"which is ci-kaniko's and may go at any time"
            )
            hint = f"move &{node.anchor} to a text of your own"
            yield syntax.problem_at(node, message, hint)
        elif node.anchor in ours:
            sign = "*" if node.kind == "alias" else "&"
            message = f"ci-kaniko has an anchor of that name, too: {sign}{node.anchor}"
            if line := _line_of_anchor(current, node.anchor, inside):
                message += f" (line {line})"
            yield syntax.problem_at(node, message, "give it another name")


def _line_of_anchor(current: Collection, name: str | None, inside: set[int]) -> int | None:
    """Where our entries have an anchor in the file, if they do."""
    lines = (
        current.syntax.line_of(node)
        for node in named(current)
        if node.anchor == name and node.kind != "alias" and node.first in inside
    )
    return next(lines, None)


_INPUTS = (("spec", "inputs"), ("on", "workflow_call", "inputs"))
"""Where GitLab and GitHub have the inputs that jobs read."""


def _inputs(current: Collection, rendered: Collection) -> Iterator[Problem]:
    """Inputs that our jobs read and that the file does not declare."""
    for path in _INPUTS:
        known = _keys(current, path)
        missing = [name for name in _keys(rendered, path) if name not in known]
        if missing:
            names = ", ".join(map(quoted, missing))
            message = f"ci-kaniko's jobs read inputs that this file does not declare: {names}"
            hint = f"declare them under {'.'.join(path)}"
            yield current.syntax.problem(message, 0, hint)


def _keys(current: Collection, path: tuple[str, ...]) -> list[str]:
    """The keys of a mapping of the file."""
    names: list[str] = []
    for document in current.syntax.documents:
        node: Node | None = document.root
        for key in path:
            value = node.get(key) if node else None
            node = value.real if value else None
        names += [key.real.text for key, _ in node.pairs] if node else []
    return names


def _open_ends(current: Collection, rendered: Collection) -> Iterator[Problem]:
    """Entries of ours that would take in the blank lines that stand behind them."""
    for entry in rendered.entries:
        block = rendered.syntax.places.block_to(entry.end)
        if block and block.takes_blanks:
            message = f"{quoted(entry.name)} ends in a text that ends in blank lines"
            hint = "the text of a job in a shared file cannot: remove them in the spec"
            yield current.syntax.problem(message, 0, hint)
