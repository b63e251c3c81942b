"""Jenkinsfiles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.reader import CERTAIN, NO, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.jobs import Draft
    from ci_kaniko.importing.originals import Original


_BEFORE = r"(?:#![^\n]*\n|//[^\n]*\n|(?:@Library|import|def)\b[^\n]*\n|\s)*"
_BEGINS = re.compile(rf"{_BEFORE}(?:pipeline|podTemplate|node)\b[^\n]*\{{")


def looks_like(original: Original) -> int:
    """Whether a file is a Jenkinsfile: by its name, or by how it begins."""
    name = original.name
    named = name.startswith("Jenkinsfile") or name.endswith((".groovy", ".jenkinsfile"))
    return CERTAIN if named or _BEGINS.match(original.text) else NO


def read(original: Original) -> Iterator[Draft]:
    """The jobs that may run the executor."""
    from ci_kaniko.importing.readers.jenkins.pipeline import jobs

    return jobs(original)


READER = Reader("jenkins", looks_like, read, is_yaml=False, places=("Jenkinsfile",))
