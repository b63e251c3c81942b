"""GitLab CI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.reader import CERTAIN, LIKELY, NO, Reader
from ci_kaniko.importing.ticked import Map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


_KEYS = {"script", "extends", "before_script", "trigger", "stage"}


def looks_like(original: Original) -> int:
    """Whether a file has GitLab's name, or holds something like a job."""
    if original.name.startswith(".gitlab-ci"):
        return CERTAIN
    known = any(
        {"stages", "include", "workflow"} & root.keys() or any(map(_is_job, root.items()))
        for root in original.mappings
    )
    return LIKELY if known else NO


def _is_job(item: tuple[str, Any]) -> bool:
    name, job = item
    if not isinstance(job, Map) or name == "jobs":
        return False
    image = job.get("image")
    return bool(_KEYS & job.keys()) or (isinstance(image, Map) and "name" in image)


def read(original: Original) -> Iterator[Draft]:
    """The jobs that may run the executor."""
    from ci_kaniko.importing.readers.gitlab.pipeline import jobs

    return jobs(original)


READER = Reader("gitlab", looks_like, read, places=(".gitlab-ci.yml", ".gitlab/**/*.yml"))
