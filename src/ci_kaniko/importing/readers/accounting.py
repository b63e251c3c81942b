"""What nobody has read below a job that runs kaniko: one line of the report each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.documents import leftover

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job


def tell_unread(job: Job, value: Any, path: str = "", advice: str = "") -> None:
    """Report each part of a value that was never looked at, by its keys from above."""
    for left in leftover(value, path):
        job.left("not-carried", f"{left.path} is not carried over", left.line, advice)
