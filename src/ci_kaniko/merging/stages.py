"""GitLab's list of stages: what ci-kaniko's jobs need is added, nothing is ever removed."""

from __future__ import annotations

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.yaml import flow, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ci_kaniko.merging.entries import Collection, Entry
    from ci_kaniko.merging.syntax import Node
    from ci_kaniko.problems.problem import Problem

ALWAYS = (".pre", ".post")
DEFAULTS = ("build", "test", "deploy")
"""The stages of a file that lists none; those of ALWAYS are there in any case."""

_FALLBACK = "test"


class Insertion(NamedTuple):
    """A text that goes into a file at ``offset``."""

    offset: int
    text: str


def missing_stages(current: Collection, rendered: Collection) -> list[str]:
    """The stages that the file has to get. Raises SpecError when it cannot."""
    needed = _needed(rendered)
    entry = current.stages
    if entry is None:
        missing = [stage for stage in needed if stage not in (*ALWAYS, *DEFAULTS)]
        problem = _unknown_list(current, missing) if missing else None
    else:
        known = set(ALWAYS)
        is_whole = _collect(entry.value, known)
        missing = [stage for stage in needed if stage not in known]
        problem = (
            _fixed_list(current, entry, needed, missing, is_whole=is_whole) if missing else None
        )
    if problem:
        raise SpecError([problem])
    return missing


def _needed(rendered: Collection) -> dict[str, str]:
    """The stages of the rendered jobs; a job without one stands for the stage that it gets."""
    jobs = _jobs(rendered)
    needed: dict[str, str] = {}
    for name, job in jobs.items():
        if not name.startswith("."):
            stage = _stage(job, jobs)
            needed.setdefault(stage or _FALLBACK, "" if stage else name)
    return needed


def _jobs(collection: Collection) -> dict[str, Node]:
    return {e.name: e.value.real for e in collection.entries if not collection.is_stages(e)}


def _stage(job: Node, jobs: dict[str, Node]) -> str:
    """The stage of a job, its own or that of what it extends; empty when there is none."""
    pending, seen = [job], set()
    while pending:
        node = pending.pop(0)
        if stage := node.get("stage"):
            return stage.real.text
        extends = node.get("extends")
        bases = extends.real.children or [extends.real] if extends else []
        for name in (base.text for base in bases):
            if name in jobs and name not in seen:
                seen.add(name)
                pending.append(jobs[name])
    return ""


def _collect(node: Node, known: set[str]) -> bool:
    """Add the stages of a list to ``known``; whether they all stand in this file."""
    pending = [node.real]
    is_whole = True
    while pending:
        item = pending.pop()
        if item.kind == "sequence" and item.tag is None:
            pending += [child.real for child in item.children]
        elif item.kind == "scalar" and item.tag is None:
            known.add(item.text)
        else:
            is_whole = False
    return is_whole


def _unknown_list(current: Collection, missing: list[str]) -> Problem | None:
    """Why a list of stages cannot be added to a file that has none of its own."""
    for entry in current.entries:
        if entry.name in {"include", "<<"}:
            names = ", ".join(map(quoted, missing))
            message = f"ci-kaniko's jobs need the stage {names}, and what this includes"
            hint = f"write a list of all stages into this file, {names} among them"
            message += " may have a list of stages"
            return current.syntax.problem_at(entry.node, message, hint)
    return None


def _fixed_list(
    current: Collection, entry: Entry, needed: dict[str, str], missing: list[str], *, is_whole: bool
) -> Problem | None:
    """Why a list cannot get the stages that are missing."""
    value, syntax = entry.value, current.syntax
    names = ", ".join(map(quoted, missing))
    if job := needed.get(_FALLBACK) if _FALLBACK in missing else "":
        message = f"{quoted(job)} has no stage, and this list has no {quoted(_FALLBACK)} for it"
        hint = "set gitlab.stage in the spec to one of the stages of this list"
        return syntax.problem_at(entry.node, message, hint)
    hint = f"write {names} into the list"
    if value.kind != "sequence" or value.tag is not None or not is_whole:
        message = f"ci-kaniko cannot tell whether the stage {names} is in this list"
        return syntax.problem_at(value, message, hint)
    if alias := _alias_of(current, value):
        line = syntax.line_of(alias)
        message = f"the stage {names} would get into what line {line} has from here, too"
        return syntax.problem_at(value, message, hint)
    return None


def _alias_of(current: Collection, node: Node) -> Node | None:
    pending = [document.root for document in current.documents]
    while pending:
        other = pending.pop()
        if other.target is node:
            return other
        pending += other.children
    return None


def place_of(current: Collection, rendered: Collection, stages: Sequence[Iterable[str]]) -> int:
    """Where in a list new stages go: a job of the file that needs one of ours comes later.

    Each entry of the list is the stages that it holds. Where nothing needs them it is the end.
    """
    ours, jobs = _jobs(rendered), _jobs(current)
    waiting = {
        _stage(job, jobs) or _FALLBACK
        for name, job in jobs.items()
        if name not in ours and not _waits_for(job).isdisjoint(ours)
    }
    places = (n for n, held in enumerate(stages) if not waiting.isdisjoint(held))
    return next(places, len(stages))


def _waits_for(job: Node) -> set[str]:
    """The jobs that a job needs, in both words that GitLab has for it."""
    found = set()
    for key in ("needs", "dependencies"):
        listed = job.get(key)
        for item in listed.real.children if listed else ():
            named = item.real.get("job") or item
            found.add(named.real.text)
    return found


def addition(
    current: Collection, rendered: Collection, missing: list[str], line_end: str
) -> Insertion:
    """What adds stages to the file's own list."""
    assert current.stages is not None
    node, places = current.stages.value, current.syntax.places
    place = place_of(current, rendered, [held_by(child) for child in node.children])
    before = node.children[place - 1] if place else None
    if node.flow:
        text = flow(missing)[1:-1]
        if before:
            return Insertion(before.end, f", {text}")
        opening = current.syntax.text.index("[", node.offset)
        return Insertion(opening + 1, f"{text}, " if node.children else text)
    column = places.column("-", node.offset)
    lines = [f"{' ' * column}- {scalar(stage)}{line_end}" for stage in missing]
    if before:
        at = places.line_after(before.end)
    else:
        at = places.line_start(places.head("-", column, node.children[0].offset))
    return Insertion(at, "".join(lines))


def held_by(item: Node) -> set[str]:
    """The stages of an entry of a list, which may be a list itself."""
    known: set[str] = set()
    _collect(item, known)
    return known


def new_list(current: Collection, rendered: Collection, missing: Sequence[str]) -> str:
    """The list of a file that has none, as it would be rendered."""
    place = place_of(current, rendered, [[stage] for stage in DEFAULTS])
    listed = (*DEFAULTS[:place], *missing, *DEFAULTS[place:])
    return "stages:\n" + "".join(f"  - {scalar(stage)}\n" for stage in listed)


def is_needed(current: Collection) -> bool:
    """Whether something in the file may need more than GitLab's own stages."""
    usual = {*ALWAYS, *DEFAULTS}
    for entry in current.foreign:
        if entry.name in {"include", "<<"}:
            return True
        stage = entry.value.real.get("stage")
        if stage and stage.real.text not in usual:
            return True
    return False
