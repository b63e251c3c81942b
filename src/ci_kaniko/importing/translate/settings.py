"""What the builds of one job say beside the arguments of the executor."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job


class Settings:
    """The section of the platform, and what stands at the top of the spec."""

    def __init__(self, job: Job) -> None:
        self.section: dict[str, Any] = deepcopy(job.section)
        self.shared: dict[str, Any] = deepcopy(job.shared)
        self.prefixes: dict[str, None] = {}

    def takes_prefix(self, prefix: str) -> bool:
        """Whether versions after a prefix are the spec's: it has one prefix, the first."""
        self.prefixes.setdefault(prefix)
        if prefix and len(self.prefixes) == 1:
            self.shared["tag_prefix"] = prefix
        return next(iter(self.prefixes)) == prefix


def note_store(job: Job, section: dict[str, Any], store: str) -> None:
    """Remember the object that holds the secrets."""
    if not store or (store == "ci-kaniko" and "secret" not in section):
        return
    if section.setdefault("secret", store) != store:
        job.tell("several-secrets", job.line, store, section["secret"])
