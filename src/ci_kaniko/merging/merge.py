"""From a file and what is rendered to the file that has both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.merging.conflicts import refuse_conflicts
from ci_kaniko.merging.edits import Editor
from ci_kaniko.merging.entries import locate, named
from ci_kaniko.merging.pieces import pieces, whole_file
from ci_kaniko.merging.places import bared, is_bare
from ci_kaniko.merging.proof import prove, prove_new_file, prove_stages, reread
from ci_kaniko.merging.restyle import style_of
from ci_kaniko.merging.stages import addition, is_needed, missing_stages
from ci_kaniko.merging.syntax import read

if TYPE_CHECKING:
    from ci_kaniko.merging.entries import Collection
    from ci_kaniko.merging.restyle import Style

_BOM = "\ufeff"


def merge(current: str, rendered: str, target: str, path: str) -> str:
    """The file ``current`` with the entries of ``rendered`` in it, and the rest as it was.

    ``current`` is empty when there is no file. ``rendered`` is what ``render`` makes for a file
    of its own, or empty to take out all that ci-kaniko put in. Raises SpecError with every
    conflict at its line, and MergingError when the result cannot be proven.
    """
    text = current.removeprefix(_BOM)
    mark = current[: len(current) - len(text)]
    if rendered and text.replace("\r\n", "\n") == rendered:
        new = merge("", rendered, target, path)  # all that was there is ours
        return mark + (new.replace("\n", "\r\n") if "\r\n" in text else new)
    wanted = locate(read(rendered, "<rendered>"), target)
    found = locate(read(text, path), target)
    if wanted.entries and found.is_empty_file and found.shape.kind != "documents":
        return mark + _new_file(found, wanted, target)
    return mark + _merged(found, wanted, target)


def _merged(found: Collection, wanted: Collection, target: str) -> str:
    refuse_conflicts(found, wanted)
    style = style_of(found)
    stages = missing_stages(found, wanted) if target == "gitlab" else []
    if stages and found.stages:
        found, stages = _with_stages(found, stages, style, target), []
    ended = _ended(found, style, target)
    ended.gives_up_stages = not wanted.entries and not is_needed(ended)
    shares_anchors = any(node.kind == "alias" for node in named(wanted))
    editor = Editor(ended, style, is_bare=ended is not found)
    new = list(pieces(ended, wanted, style, stages))
    text = editor.put(new, ordered=shares_anchors)
    if text != found.syntax.text:
        prove(found, reread(text, found.syntax.path, target), wanted, stages)
    return text


def _ended(found: Collection, style: Style, target: str) -> Collection:
    """The same entries in a text whose last line has an end."""
    text, path = found.syntax.text, found.syntax.path
    return reread(text + style.line_end, path, target) if is_bare(text) else found


def _with_stages(found: Collection, stages: list[str], style: Style, target: str) -> Collection:
    """The entries of the file when its list of stages has some more."""
    ended = _ended(found, style, target)
    offset, added = addition(ended, stages, style.line_end)
    text = ended.syntax.text[:offset] + added + ended.syntax.text[offset:]
    if ended is not found:
        text = bared(text)
    new = reread(text, found.syntax.path, target)
    prove_stages(found, new, stages)
    return new


def _new_file(found: Collection, wanted: Collection, target: str) -> str:
    """What was rendered, behind the comments of a file that says nothing."""
    style = style_of(found)
    ended = _ended(found, style, target)
    text, floor = ended.syntax.text, ended.floor
    above = text[:floor].splitlines()[-1:]
    blank = style.line_end if above and above[0].startswith("#") else ""
    text = text[:floor] + blank + whole_file(wanted, style.line_end) + text[floor:]
    if ended is not found:
        text = bared(text)
    prove_new_file(found, reread(text, found.syntax.path, target), wanted)
    return text
