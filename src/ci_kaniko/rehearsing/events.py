"""What happened in the repository."""

from __future__ import annotations

import re
from dataclasses import dataclass

NOW = "2026-01-02T03:04:05Z"
NOW_EPOCH = 1767323045


@dataclass(frozen=True, kw_only=True)
class Event:
    """`branch` and `tag` are empty where the event has none; `sha` is what is checked out.

    `changed` are the files that a push or a pull request changes; a branch `is_new` when there is
    no push before this one to compare with.
    """

    name: str
    branch: str = ""
    tag: str = ""
    pull_request: str = ""
    source_branch: str = ""
    sha: str = "12345e6789abcdef0123456789abcdef01234567"
    default_branch: str = "main"
    fork: bool = False
    repository: str = "Acme/Shop"
    fork_repository: str = "Mallory/Shop"
    server: str = "https://git.example.com"
    registry: str = "registry.example.com"
    timestamp: str = "2026-01-01T12:00:00Z"
    timestamp_local: str = "2026-01-01T13:00:00+01:00"
    source: str = "push"
    before: str = "9876543210fedcba9876543210fedcba98765432"
    changed: tuple[str, ...] = ("Dockerfile",)
    is_new: bool = False
    schedule: str = "0 3 * * 1"

    @property
    def is_compared(self) -> bool:
        """Whether there is something to compare with: no event has changed files otherwise."""
        pushed = self.source == "push" and bool(self.branch) and not self.is_new
        return pushed or bool(self.pull_request)

    @property
    def host(self) -> str:
        return self.server.partition("://")[2]

    @property
    def ref(self) -> str:
        """The git ref in GitHub's words."""
        if self.pull_request:
            return f"refs/pull/{self.pull_request}/merge"
        return f"refs/tags/{self.tag}" if self.tag else f"refs/heads/{self.branch}"

    @property
    def ref_name(self) -> str:
        return self.tag or self.branch or self.source_branch


def values(event: Event) -> dict[str, str]:
    """The portable variables of an event, for a file that needs them when it is rendered."""
    return {
        "commit.sha": event.sha,
        "commit.short": event.sha[:8],
        "commit.timestamp": event.timestamp,
        "branch": event.branch,
        "tag": event.tag,
        "pull_request.number": event.pull_request,
        "default_branch": event.default_branch,
        "repository.path": event.repository,
        "repository.url": f"{event.server}/{event.repository}",
    }


def identity(audience: str) -> str:
    """The token by which a platform says who the job is."""
    return f"eyJ.{re.sub('[^A-Za-z0-9]', '_', audience)}.rehearsal"
