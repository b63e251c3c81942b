"""What nobody has read below a job that runs kaniko: one line of the report each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.documents import leftover, peek

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Job


def later(job: Job, value: Any, advice: str = "", path: str = "") -> None:
    """Remember a value whose parts count once the spec is made: what is unread then is told."""
    job.pending.append((value, advice, path))


def tell_pending(job: Job) -> None:
    """Report what was remembered and is still unread."""
    for value, advice, path in job.pending:
        tell_unread(job, value, path, advice)


def tell_unread(job: Job, value: Any, path: str = "", advice: str = "") -> None:
    """Report each part of a value that was never looked at, by its keys from above."""
    for left in leftover(value, path):
        names = ", ".join(dict.fromkeys(_names(left.value)))
        called = f" ({names})" if names else ""
        job.left("not-carried", f"{left.path}{called} is not carried over", left.line, advice)


_NAME = re.compile(r"(?i)(?:name|image|kind|path|key)$")


def _names(value: Any, key: str = "") -> Iterator[str]:
    """What a part calls things: no other text of it is safe to show."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _names(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, key)
    elif _NAME.search(key) and peek(value):
        yield peek(value)
