"""Proof that a merged file says what the author wrote and what was rendered, and nothing else."""

from __future__ import annotations

from operator import attrgetter

from ci_kaniko.merging.entries import locate, named
from ci_kaniko.merging.places import bared, is_bare
from ci_kaniko.merging.syntax import read
from ci_kaniko.problems.problem import CiKanikoError, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.merging.entries import Collection, Entry
    from ci_kaniko.targets.target import Shape


class MergingError(CiKanikoError):
    """A merged text does not say what it should: a bug of ci-kaniko, never of a file."""


def reread(text: str, path: str, shape: Shape) -> Collection:
    """The entries of a text that ci-kaniko made. Raises MergingError when it is damaged."""
    try:
        return locate(read(text, path), shape)
    except SpecError as error:
        raise MergingError(f"the merged text is damaged: {error}") from error


def prove_stages(old: Collection, new: Collection, stages: Sequence[str]) -> None:
    """Raise MergingError unless all that is new are these stages, in their order."""
    known = {node.text for node in old.stages.value.children} if old.stages else set()
    listed = new.stages.value.children if new.stages else []
    added = [node for node in listed if node.kind == "scalar" and node.text in {*stages} - known]
    numbers = {node.first for node in added}
    rest = [event for number, event in enumerate(new.syntax.events) if number not in numbers]
    _expect([node.text for node in added] == list(stages), "the stages were not added")
    _expect(_said(rest) == _said(old.syntax.events), "more than the stages has changed")


def prove(old: Collection, new: Collection, rendered: Collection, stages: Sequence[str]) -> None:
    """Raise MergingError unless all that is new are ci-kaniko's entries, as rendered.

    ``stages`` are those that a new list of stages had to get.
    """
    ours_before, ours = _owned(old, new), _owned(new, old)
    same = _same_bytes(old, ours_before, new, ours)
    _expect(same, "bytes of the author have changed")
    _expect(
        _said(_rest(old, ours_before)) == _said(_rest(new, ours)),
        "what the author wrote would be read in another way",
    )
    _prove_entries(new, rendered)
    listed = [item.text for item in new.stages.value.children] if new.stages else []
    _expect(set(stages) <= set(listed), "the stages were not added")
    _expect(_reads(new.syntax.text) or not _reads(old.syntax.text), "YAML 1.2 has become invalid")


def prove_new_file(new: Collection, rendered: Collection) -> None:
    """Raise MergingError unless a new file says what was rendered."""
    events = [event for event in new.syntax.events if not _is_frame(event)]
    wanted = [event for event in rendered.syntax.events if not _is_frame(event)]
    _expect(
        _same(events, wanted, is_bare(new.syntax.text)), "the new file is not what was rendered"
    )
    _expect(_reads(new.syntax.text), "YAML 1.2 would not read the new file")


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like assert
    if not holds:
        raise MergingError(f"{otherwise}; nothing was written")


def _owned(current: Collection, other: Collection) -> list[Entry]:
    """Our entries, with a list of stages that is ours and that the other file has not."""
    stages = current.stages
    if stages and stages.label == stages.name and not other.stages:
        return sorted({*current.own, stages}, key=attrgetter("start"))
    return current.own


def _bytes(current: Collection, ours: list[Entry]) -> str:
    """The text without our entries."""
    text, at, kept = current.syntax.text, 0, []
    for entry in ours:
        kept.append(text[at : entry.full])
        at = entry.end
    return "".join([*kept, text[at:]])


def _same_bytes(
    old: Collection, ours_before: list[Entry], new: Collection, ours: list[Entry]
) -> bool:
    """Whether the author's bytes are the same; a last line end can be ours."""
    before, after = _bytes(old, ours_before), _bytes(new, ours)
    if before == after or not is_bare(old.syntax.text):
        return before == after
    return bared(before) == after or before == bared(after)


def _rest(current: Collection, ours: list[Entry]) -> list[Any]:
    """The author's events; a collection without entries is the same as none."""
    hidden = {number for entry in ours for number in range(entry.first, entry.last)}
    value, body = current.value, current.body
    if value and body and len(ours) == len(current.entries):
        frame = body.first, body.last - 1
        hidden.update((value.first, value.last - 1), () if current.parent is not None else frame)
    return [event for number, event in enumerate(current.syntax.events) if number not in hidden]


def _prove_entries(new: Collection, rendered: Collection) -> None:
    wanted = {entry.name: entry for entry in rendered.entries if not rendered.is_stages(entry)}
    _expect(sorted(entry.name for entry in new.own) == sorted(wanted), "entries are missing")
    for entry in new.own:
        ends_file = is_bare(new.syntax.text) and entry.end == len(new.syntax.text)
        same = _same(_events(new, entry), _events(rendered, wanted[entry.name]), ends_file)
        _expect(same, f"{entry.name} is not what was rendered")
    ours = {number for entry in new.own for number in range(entry.first, entry.last)}
    for node in named(new):
        if node.kind == "alias" and node.first in ours:
            is_ours = node.target is not None and node.target.first in ours
            _expect(is_ours, f"*{node.anchor} names nothing of ci-kaniko's")


def _events(current: Collection, entry: Entry) -> list[Any]:
    events = current.syntax.events[entry.first : entry.last]
    return [event for event in events if not _is_frame(event)]


def _is_frame(event: Any) -> bool:
    return type(event).__name__.startswith(("Stream", "Document"))


def _same(events: list[Any], wanted: list[Any], ends_file: bool) -> bool:  # noqa: FBT001
    """Whether events say the same; a block that ends the file lacks its last line end."""
    said, expected = _said(events), _said(wanted)
    if ends_file and said != expected:
        last = max(n for n, event in enumerate(wanted) if type(event).__name__ == "ScalarEvent")
        kind, anchor, tag, text, *how = expected[last]
        expected[last] = (kind, anchor, tag, text.removesuffix("\n"), *how)
    return said == expected


def _said(events: list[Any]) -> list[tuple[Any, ...]]:
    """What events say, without where they say it."""
    return [
        (
            type(event).__name__,
            getattr(event, "anchor", None),
            getattr(event, "tag", None),
            getattr(event, "value", None),
            getattr(event, "implicit", None),
            getattr(event, "style", None),
            bool(getattr(event, "flow_style", False)),
            getattr(event, "version", None),
            getattr(event, "tags", None),
        )
        for event in events
    ]


def _reads(text: str) -> bool:
    """Whether a reader of YAML 1.2 takes a text."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        for _ in YAML(typ="safe", pure=True).parse(text):
            pass
    except (YAMLError, ValueError):
        return False
    return True
