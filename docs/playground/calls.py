"""What the playground's page asks of ci-kaniko: words and answers are JSON."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ci_kaniko
from ci_kaniko import CannotStart, Problem, Spec, SpecError, available_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ci_kaniko import TargetName
    from ci_kaniko.previewing.runs import Run

VALUES = {
    "commit.sha": "4f0c1d2e3b5a69788796a5b4c3d2e1f00f1e2d3c",
    "commit.timestamp": "2026-01-02T03:04:05Z",
    "branch": "main",
    "default_branch": "main",
    "repository.url": "https://github.com/acme/shop",
}
"""The commit that a manifest for Kubernetes is of: here there is no checkout to ask."""


_ELSEWHERE = {"missing-context", "missing-dockerfile"}
"""What is said of files that nobody pasted."""


def call(name: str, words: str) -> str:
    """The answer of a function below to the words in a list of JSON."""
    return json.dumps(_CALLS[name](*json.loads(words)))


def facts() -> dict[str, Any]:
    """What the page tells of ci-kaniko."""
    return {
        "version": ci_kaniko.__version__,
        "targets": [*available_targets()],
        "files": {
            name: next(iter(target.init.outputs), "manifest.yaml")
            for name, target in available_targets().items()
        },
        "values": VALUES,
    }


def problems(text: str, files: dict[str, str]) -> dict[str, Any]:
    """What is wrong with a spec wherever it is rendered, and whether it can be read at all.

    ``files`` are Dockerfiles that it is compared with; there are others that nobody pasted.
    """
    try:
        with _repository(files) as root:
            found = ci_kaniko.check(_spec(text), repository=root if files else None)
    except SpecError as error:
        return {"read": False, "problems": _told(error.problems)}
    return {"read": True, "problems": _told([one for one in found if one.rule not in _ELSEWHERE])}


def render(text: str, target: TargetName) -> dict[str, Any]:
    """The file for a target, null when it is refused, and what is wrong there."""
    try:
        spec = _spec(text)
        needed = VALUES if available_targets()[target].needs_values else {}
        found = ci_kaniko.check(spec, target, values=needed)
        return {"text": ci_kaniko.render(spec, target, needed), "problems": _told(found)}
    except SpecError as error:
        return {"text": None, "problems": _told(error.problems)}


def preview(text: str) -> dict[str, Any]:
    """What happens on each event, in the words of ``ci-kaniko preview``."""
    try:
        found = ci_kaniko.preview(_spec(text))
    except SpecError as error:
        return {"preview": None, "problems": _told(error.problems)}
    events = [
        {
            "title": answer.occasion.title,
            "jobs": [
                {
                    "name": outcome.run.name,
                    "start": outcome.run.start,
                    "facts": dict(outcome.run.facts()) if outcome.run.starts else {},
                    "others": {
                        target: _otherwise(other, outcome.run)
                        for target, other in outcome.differs.items()
                    },
                }
                for outcome in answer.outcomes
            ],
            "notes": answer.notes,
        }
        for answer in found.answers
    ]
    refused = {target: _told(problems) for target, problems in found.refused.items()}
    answer = {"events": events, "targets": found.targets, "refused": refused}
    return {"preview": answer, "problems": []}


def _otherwise(other: Run, run: Run) -> list[str]:
    """What a job does on a target in another way than on most."""
    is_same = (other.starts, other.when_changed) == (run.starts, run.when_changed)
    said = [] if is_same else [other.start]
    usual = dict(run.facts()) if run.starts else {}
    facts = dict(other.facts()) if other.starts else usual
    different = [label for label in {**facts, **usual} if facts.get(label) != usual.get(label)]
    return said + [f"{label}: {', '.join(facts.get(label, ['nothing']))}" for label in different]


def init(dockerfile: str, path: str, image: str, targets: list[TargetName]) -> dict[str, Any]:
    """A first spec for a repository that holds one Dockerfile, or why there is none."""
    place = os.path.normpath(path or "Dockerfile")
    if place.split(os.sep)[0] in {"", os.curdir, os.pardir}:
        reason = "a Dockerfile lies in the repository: write its path"
        return {"text": None, "reason": reason, "path": ""}
    with _repository({place: dockerfile}) as root:
        try:
            text = ci_kaniko.init(root, targets, image=image).text
        except CannotStart as error:
            return {"text": None, "reason": str(error), "path": ""}
    return {"text": text, "reason": "", "path": place}


@contextmanager
def _repository(files: dict[str, str]) -> Iterator[str]:
    """A folder that holds some files."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = os.path.join(root, path)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "w", encoding="utf-8") as opened:
                opened.write(text)
        yield root


@lru_cache(maxsize=1)
def _spec(text: str) -> Spec:
    return ci_kaniko.loads(text, "ci-kaniko.yaml")


def _told(found: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{**problem.to_dict(), "width": problem.width} for problem in found]


_CALLS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (facts, problems, render, preview, init)
}
