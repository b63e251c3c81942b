"""What Agola tells a task about its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event


def environment(event: Event) -> dict[str, str]:
    """The predefined variables: a name that is left out is unset, "" is set and empty."""
    pull = f"refs/pull/{event.pull_request}/head"
    kind = "pull_request" if event.pull_request else "tag" if event.tag else "branch"
    return {
        "CI": "true",
        "AGOLA_GIT_COMMITSHA": event.sha,
        "AGOLA_GIT_BRANCH": event.branch,
        "AGOLA_GIT_TAG": event.tag,
        "AGOLA_GIT_REF": pull if event.pull_request else event.ref,
        "AGOLA_GIT_REF_TYPE": kind,
        "AGOLA_PULL_REQUEST_ID": event.pull_request,
        "AGOLA_REPOSITORY_URL": f"git@{event.host}:{event.repository}.git",
        "AGOLA_GIT_HOST": event.host,
        "AGOLA_GIT_PORT": "",
        "AGOLA_RUN_COUNTER": "42",
        "AGOLA_SSHPRIVKEY": "-----BEGIN OPENSSH PRIVATE KEY-----",
    }
