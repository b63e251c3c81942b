"""A preview for people: blocks of lines that fit a terminal of 80 columns, and tables."""

from __future__ import annotations

import textwrap

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.display import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.previewing.preview import Answer, Outcome, Preview
    from ci_kaniko.previewing.runs import Run

WIDTH = 80
_LABEL = 12
_INDENT = 4


def lines(preview: Preview) -> Iterator[str]:
    """The whole preview, line by line: headings begin in the first column."""
    yield f"{preview.spec} on {listed(preview.targets)}"
    for answer in preview.answers:
        yield ""
        yield answer.occasion.title
        yield from _answered(answer)
    for target, problems in preview.refused.items():
        yield ""
        yield f"not on {target}"
        for said in dict.fromkeys(f"{each.message} [{each.rule}]" for each in problems):
            yield from _wrapped(said, 2)


def _answered(answer: Answer) -> Iterator[str]:
    if not answer.starts:
        reasons = dict.fromkeys(outcome.run.why for outcome in answer.outcomes)
        if len(reasons) == 1:
            yield f"  starts nothing: {next(iter(reasons))}"
            return
    for outcome in answer.outcomes:
        yield from block(outcome)
    for note in dict.fromkeys(answer.notes.values()):
        where = listed(target for target, said in answer.notes.items() if said == note)
        yield from _wrapped(f"{where}: {note}", 2)


def block(outcome: Outcome) -> list[str]:
    """One job: its name, and what is said of it, first for most targets and then for the rest."""
    run = outcome.run
    head = f"  {run.name:24}  {run.start}"
    told = [head, *_said(run)] if run.starts else [head]
    for target, other in outcome.differs.items():
        told += _differing(target, other, run)
    return told


def _said(run: Run) -> list[str]:
    return [line for label, texts in run.facts() for line in _labelled(label, texts)]


def _labelled(label: str, texts: Iterable[str]) -> Iterator[str]:
    """A label and its texts, one below the other."""
    for text in texts:
        room = WIDTH - _INDENT - _LABEL
        wrapped = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        for line in wrapped:
            yield f"{'':{_INDENT}}{label:{_LABEL}}{line}"
            label = ""


def _differing(target: str, other: Run, run: Run) -> Iterator[str]:
    """What a target does in another way."""
    yield f"    on {target}"
    if other.starts != run.starts or other.when_changed != run.when_changed:
        yield f"      {other.start}"
    if not other.starts:
        return
    usual = dict(run.facts()) if run.starts else {}
    here = dict(other.facts())
    for label in dict.fromkeys((*here, *usual)):
        texts, same = here.get(label, []), usual.get(label, [])
        if texts != same:
            # Of as many logins only those that differ are shown.
            replaced = len(texts) == len(same) and label == "logs in to"
            new = [text for text in texts if not (replaced and text in same)]
            yield from ("  " + line for line in _labelled(label, new or ["nothing"]))


def _wrapped(text: str, indent: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)
    )


def markdown(preview: Preview) -> str:
    """Tables for a comment on a pull request: one row for each job of each event."""
    rows = [f"### `{preview.spec}` on {listed(preview.targets)}", ""]
    rows += ["| Event | Job | Pushes | Logs in to | Cache |", "| --- | --- | --- | --- | --- |"]
    for answer in preview.answers:
        event = _cell(answer.occasion.title)
        for outcome in answer.outcomes:
            rows.append(f"| {event} | {' | '.join(_cells(outcome))} |")
            event = ""
    for target, problems in preview.refused.items():
        said = dict.fromkeys(_cell(problem.message) for problem in problems)
        rows += ["", f"Not on {target}: {'; '.join(said)}"]
    return "\n".join(rows)


def _cells(outcome: Outcome) -> list[str]:
    run = outcome.run
    cells = [_cell(run.name)]
    for label in ("pushes", "logs in to", "cache"):
        usual = _told(run, label)
        pushed = label == "pushes" and run.destinations
        texts = [_code(text) if pushed else _cell(text) for text in usual]
        for target, other in outcome.differs.items():
            differing = _told(other, label)
            if differing != usual and (other.starts or label == "pushes"):
                texts.append(f"on {target}: {'; '.join(map(_cell, differing)) or 'nothing'}")
        cells.append("<br>".join(texts))
    return cells


def _told(run: Run, label: str) -> list[str]:
    """What a column of a table says of a run: the first one why it does not start, too."""
    if not run.starts:
        return [run.start] if label == "pushes" else []
    return dict(run.facts()).get(label, [])


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    """A text that stays inside its cell."""
    return text.replace("|", "\\|").replace("<", "&lt;")
