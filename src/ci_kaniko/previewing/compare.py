"""What a change of a spec changes: a difference of meaning."""

from __future__ import annotations

from difflib import SequenceMatcher

from ci_kaniko.previewing.preview import VERSION
from ci_kaniko.previewing.text import block
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.previewing.preview import Answer, Outcome, Preview


class Change(NamedTuple):
    """A job that an event makes do something else; None where there is no such job."""

    title: str
    word: str
    before: Outcome | None
    after: Outcome | None

    @property
    def name(self) -> str:
        """What people call the job."""
        outcome = self.after or self.before
        assert outcome is not None
        return outcome.run.name


def changes(before: Preview, after: Preview) -> list[Change]:
    """Each job of each event that differs, in order; both previews are of the same events."""
    return [
        Change(new.occasion.title, new.occasion.word, *pair)
        for old, new in zip(before.answers, after.answers, strict=True)
        for pair in _pairs(old, new)
        if pair[0] != pair[1]
    ]


def _pairs(old: Answer, new: Answer) -> Iterator[tuple[Outcome | None, Outcome | None]]:
    earlier, later = _by_job(old), _by_job(new)
    for key in dict.fromkeys((*later, *earlier)):
        yield earlier.get(key), later.get(key)


def _by_job(answer: Answer) -> Mapping[tuple[str, str], Outcome]:
    return {(outcome.run.image, outcome.run.job): outcome for outcome in answer.outcomes}


def lines(changed: list[Change]) -> Iterator[str]:
    """The changes for people: what was with -, what will be with +, and the lines around."""
    title = ""
    for change in changed:
        if change.title != title:
            yield from ["", change.title] if title else [change.title]
            title = change.title
        yield from _differences(
            block(change.before) if change.before else [],
            block(change.after) if change.after else [],
        )


def _differences(old: list[str], new: list[str]) -> Iterator[str]:
    for kind, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield from old[start:end]
            continue
        yield from (f"-{line[1:]}" for line in old[start:end])
        yield from (f"+{line[1:]}" for line in new[first:last])


def markdown(changed: list[Change], revision: str) -> str:
    """The changes for a comment on a pull request."""
    if not changed:
        return f"Nothing that an event does differs from `{revision}`."
    return "\n".join(["```diff", *lines(changed), "```"])


def data(changed: list[Change]) -> dict[str, Any]:
    """The changes as JSON has them."""
    return {
        "version": VERSION,
        "changes": [
            {
                "event": change.word,
                "job": change.name,
                "before": change.before and _said(change.before),
                "after": change.after and _said(change.after),
            }
            for change in changed
        ],
    }


def _said(outcome: Outcome) -> dict[str, Any]:
    differs = {target: run.to_dict() for target, run in outcome.differs.items()}
    return {**outcome.run.to_dict(), "differs": differs}
