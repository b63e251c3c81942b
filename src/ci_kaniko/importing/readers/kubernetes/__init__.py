"""Objects of Kubernetes, and those of Tekton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.reader import CERTAIN, NO, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


def _looks_like(original: Original) -> int:
    """Whether a file holds objects, and none of Tekton's."""
    objects = any({"apiVersion", "kind"} <= root.keys() for root in original.mappings)
    return CERTAIN if objects and not _looks_like_tekton(original) else NO


def _looks_like_tekton(original: Original) -> int:
    """Whether a file holds objects of Tekton's."""
    versions = [str(root.get("apiVersion")) for root in original.mappings]
    return CERTAIN if any("tekton.dev" in version for version in versions) else NO


def _read(original: Original) -> Iterator[Draft]:
    """The containers and steps that may run the executor."""
    from ci_kaniko.importing.readers.kubernetes.objects import jobs

    return jobs(original)


KUBERNETES = Reader("kubernetes", _looks_like, _read)
TEKTON = Reader("tekton", _looks_like_tekton, _read, places=(".tekton/*.yaml", ".tekton/*.yml"))
