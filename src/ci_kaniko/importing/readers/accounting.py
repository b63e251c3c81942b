"""What nobody has read below a job that runs kaniko: one line of the report each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.ticked import Map, leftover, peek

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.importing.report import Report, Voice


_WHAT_IT_IS = "says what the file is"
_FOR_PEOPLE = "is for people"
IGNORED: dict[str, dict[str, str]] = {
    "Kubernetes object": {"apiVersion": _WHAT_IT_IS, "kind": _WHAT_IT_IS},
    "Kubernetes container": {"name": _FOR_PEOPLE},
    "Kubernetes secretKeyRef": {"optional": "the rendered job says itself which secret is missing"},
    "Tekton step": {"name": _FOR_PEOPLE},
    "Tekton parameter": {"type": "shows in the default", "description": _FOR_PEOPLE},
    "Tekton workspace": {"description": _FOR_PEOPLE},
    "Buildkite step": {"type": "every step that runs something is a command"},
    "Agola file": {"version": _WHAT_IT_IS},
    "Agola task": {"name": _FOR_PEOPLE},
    "Agola run": {"name": _FOR_PEOPLE, "tty": "colours the log"},
    "GitHub workflow": {
        "description": _FOR_PEOPLE,
        "author": _FOR_PEOPLE,
        "branding": _FOR_PEOPLE,
        "run-name": _FOR_PEOPLE,
        "permissions": "the rendered job asks for those that it needs",
    },
    "GitHub job": {
        "using": _WHAT_IT_IS,
        "name": _FOR_PEOPLE,
        "permissions": "the rendered job asks for those that it needs",
    },
    "GitHub checkout": dict.fromkeys(
        ("clean", "persist-credentials", "show-progress", "set-safe-directory"),
        "says how git runs on the runner, and changes no file of the commit",
    ),
    "GitHub input": {
        "description": _FOR_PEOPLE,
        "required": "shows in the default",
        "deprecationMessage": _FOR_PEOPLE,
    },
    "GitHub upload": dict.fromkeys(
        ("retention-days", "if-no-files-found", "compression-level"),
        "is about an artifact that the rendered job does not need",
    ),
    "GitHub step": {"name": _FOR_PEOPLE, "id": "what reads its outputs is told"},
}
"""The keys that mean nothing for a build, and why not; all others are read or told."""


def ignore_keys(value: Map, kind: str) -> None:
    """Tick the keys that mean nothing in a part of a file."""
    value.ignore(*IGNORED[kind])


def later(job: Voice, value: Any, advice: str = "") -> None:
    """Remember a value whose parts count once the spec is made: what is unread then is told."""
    job.report.pending.append((job, value, advice))


def tell_pending(report: Report, jobs: Sequence[Voice]) -> None:
    """Report what was remembered of some jobs and is still unread."""
    for job, value, advice in report.pending:
        if job in jobs:
            tell_unread(job, value, advice=advice)


def tell_unread(job: Voice, value: Any, path: str = "", advice: str = "") -> None:
    """Report each part of a value that was never looked at, by its keys from above."""
    for left in leftover(value, path):
        lists = _VARIABLES.search(left.path) and isinstance(left.value, Map)
        names = ", ".join(left.value if lists else dict.fromkeys(_names(left.value, left.path)))
        called = f" ({names})" if names else ""
        path_of, line = job.place(left.line)
        what = f"{left.path}{called}"
        if _WHOLE.fullmatch(left.path):
            job.report.tell("other-job/unread", path_of, line, what)
        else:
            job.report.tell("not-carried", path_of, line, what, advice)


_WHOLE = re.compile(r"steps\[\d+\](?:\.steps\[\d+\])*|runs\[\d+\](?:\.tasks\[\d+\])?")
"""Where a whole step of Buildkite, or a task of Agola, stands."""
_VARIABLES = re.compile(r"(?:^|\.)(?:variables|env)$")
"""What is called by its keys, whatever these hold."""
_NAME = re.compile(r"(?i)(?:name|namespace|image|kind|path|key)$")


def _names(value: Any, key: str = "") -> Iterator[str]:
    """What a part calls things: no other text of it is safe to show."""
    if isinstance(value, dict):
        for name, item in value.items():
            if "#" in name:  # a plugin of Buildkite's, with its version
                yield name
            yield from _names(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, key)
    elif _NAME.search(key) and peek(value):
        yield peek(value)
