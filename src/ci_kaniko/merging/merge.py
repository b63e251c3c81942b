"""From a file and what is rendered to the file that has both."""

from __future__ import annotations

from ci_kaniko.merging.conflicts import refuse_conflicts
from ci_kaniko.merging.edits import Editor
from ci_kaniko.merging.entries import locate, named
from ci_kaniko.merging.pieces import pieces, whole_file
from ci_kaniko.merging.places import bared, is_bare
from ci_kaniko.merging.proof import prove, prove_new_file, prove_stages, reread
from ci_kaniko.merging.restyle import style_of
from ci_kaniko.merging.stages import addition, is_needed, missing_stages
from ci_kaniko.merging.syntax import read
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from ci_kaniko.merging.entries import Collection
    from ci_kaniko.merging.restyle import Style
    from ci_kaniko.targets.target import Shape

_BOM = "\ufeff"


def merge(current: str, rendered: str, target: str, path: str) -> str:
    """The file ``current`` with the entries of ``rendered`` in it, and the rest as it was.

    ``current`` is empty when there is no file. ``rendered`` is what ``render`` makes for a file
    of its own, or empty to take out all that ci-kaniko put in. Raises SpecError with every
    conflict at its line, and MergingError when the result cannot be proven.
    """
    shape = find_target(target).shape
    if shape is None:
        message = f"{target} puts nothing into a file that somebody writes by hand"
        hint = "name a file of its own, without mode: merge"
        raise SpecError([Problem(rule="bad-choice", message=message, hint=hint, path=path)])
    return _shaped(current, rendered, shape, path)


def _shaped(current: str, rendered: str, shape: Shape, path: str) -> str:
    text = current.removeprefix(_BOM)
    mark = current[: len(current) - len(text)]
    if rendered and text.replace("\r\n", "\n") == rendered:
        new = _shaped("", rendered, shape, path)  # all that was there is ours
        return mark + (new.replace("\n", "\r\n") if "\r\n" in text else new)
    wanted = locate(read(rendered, "<rendered>"), shape)
    present = locate(read(text, path), shape)
    if wanted.entries and present.is_empty_file and shape.kind != "documents":
        return mark + _new_file(present, wanted)
    return mark + _merged(present, wanted)


def _merged(current: Collection, wanted: Collection) -> str:
    refuse_conflicts(current, wanted)
    style = style_of(current)
    stages = missing_stages(current, wanted) if current.shape.stages else []
    if stages and current.stages:
        current, stages = _with_stages(current, wanted, stages, style), []
    ended = _ended(current, style)
    ended.gives_up_stages = not wanted.entries and not is_needed(ended)
    shares_anchors = any(node.kind == "alias" for node in named(wanted))
    editor = Editor(ended, style, is_bare=ended is not current)
    new = list(pieces(ended, wanted, style, stages))
    text = editor.put(new, ordered=shares_anchors)
    if text != current.syntax.text:
        prove(current, reread(text, current.syntax.path, current.shape), wanted, stages)
    return text


def _ended(current: Collection, style: Style) -> Collection:
    """The same entries in a text whose last line has an end."""
    text, path = current.syntax.text, current.syntax.path
    return reread(text + style.line_end, path, current.shape) if is_bare(text) else current


def _with_stages(
    current: Collection, wanted: Collection, stages: list[str], style: Style
) -> Collection:
    """The entries of the file when its list of stages has some more."""
    ended = _ended(current, style)
    offset, added = addition(ended, wanted, stages, style.line_end)
    text = ended.syntax.text[:offset] + added + ended.syntax.text[offset:]
    if ended is not current:
        text = bared(text)
    new = reread(text, current.syntax.path, current.shape)
    prove_stages(current, new, stages)
    return new


def _new_file(current: Collection, wanted: Collection) -> str:
    """What was rendered, behind the comments of a file that says nothing."""
    style = style_of(current)
    ended = _ended(current, style)
    text, floor = ended.syntax.text, ended.floor
    above = text[:floor].splitlines()[-1:]
    blank = style.line_end if above and above[0].startswith("#") else ""
    text = text[:floor] + blank + whole_file(wanted, style.line_end) + text[floor:]
    if ended is not current:
        text = bared(text)
    prove_new_file(reread(text, current.syntax.path, current.shape), wanted)
    return text
