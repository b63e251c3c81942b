"""A preview for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci_kaniko.previewing.preview import Answer, Outcome, Preview
    from ci_kaniko.previewing.runs import Run

VERSION = 1
"""Of the format; fields may be added to it."""


def data(preview: Preview) -> dict[str, Any]:
    """A preview as JSON has it: what differs on a target holds only the fields that do."""
    return {
        "version": VERSION,
        "spec": preview.spec,
        "targets": [*preview.targets],
        "events": [_answer(answer) for answer in preview.answers],
        "refused": {
            target: [{"rule": p.rule, "where": p.where, "message": p.message} for p in problems]
            for target, problems in preview.refused.items()
        },
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "event": answer.occasion.word,
        "title": answer.occasion.title,
        "jobs": [_outcome(outcome) for outcome in answer.outcomes],
        "notes": {**answer.notes},
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    usual = fields(outcome.run)
    differs = {
        target: {name: value for name, value in fields(run).items() if value != usual[name]}
        for target, run in outcome.differs.items()
    }
    return {**usual, "differs": differs}


def fields(run: Run) -> dict[str, Any]:
    """A run field by field."""
    plain = {name: _plain(value) for name, value in run._asdict().items()}
    plain["logins"] = [login._asdict() | {"secrets": [*login.secrets]} for login in run.logins]
    return plain


def _plain(value: Any) -> Any:
    return [*value] if isinstance(value, tuple) else value
