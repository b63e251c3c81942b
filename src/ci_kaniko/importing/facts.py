"""What the variables of the platforms mean: the one table that scripts and specs are read by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.syntax.variables import NATIVE

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Part

_NAMES = {
    "commit.sha": "CI_BUILD_REF tekton.commit",
    "ref.name": "CI_BUILD_REF_NAME",
    "ref.slug": "CI_BUILD_REF_SLUG",
    "tag": "CI_BUILD_TAG",
    "build.timestamp": "CI_JOB_STARTED_AT CI_PIPELINE_CREATED_AT CI_JOB_TIMESTAMP",
    "pull_request.number": "github.event.pull_request.number github.event.number"
    " PULL_REQUEST PR_NUMBER",
    "repository.name": "github.event.repository.name",
    "repository.path": "github.event.repository.full_name",
    "repository.url": "github.event.repository.html_url github.event.repository.url",
    "default_branch": "github.event.repository.default_branch DEFAULT_BRANCH",
    "commit.timestamp": "github.event.head_commit.timestamp",
    # What no spec has a name for.
    "event": "CI_PIPELINE_SOURCE GITHUB_EVENT_NAME github.event_name BUILDKITE_SOURCE build.source",
    "message": "CI_COMMIT_MESSAGE CI_COMMIT_TITLE BUILDKITE_MESSAGE"
    " github.event.head_commit.message",
    "ref": "GITHUB_REF github.ref AGOLA_GIT_REF",
    "ref.type": "GITHUB_REF_TYPE github.ref_type AGOLA_GIT_REF_TYPE",
    "request": "GITHUB_HEAD_REF github.head_ref GITHUB_BASE_REF github.base_ref CI_MERGE_REQUEST_ID"
    " CI_MERGE_REQUEST_TARGET_BRANCH_NAME CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"
    " CI_MERGE_REQUEST_SOURCE_BRANCH_SHA github.event.pull_request"
    " github.event.pull_request.head.sha github.event.pull_request.head.ref",
    "remote": "BUILDKITE_REPO pipeline.repository AGOLA_REPOSITORY_URL CI_REPOSITORY_URL GIT_URL"
    " github.repositoryUrl",
    "server": "GITHUB_SERVER_URL github.server_url",
    "checkout": "PWD WORKSPACE CI_WORKSPACE CI_PROJECT_DIR GITHUB_WORKSPACE github.workspace"
    " BUILDKITE_BUILD_CHECKOUT_PATH",
}
"""What the platforms call each thing, beside what a spec's own variables are on them."""
_MEANINGS = {**NATIVE, **{name: what for what, names in _NAMES.items() for name in names.split()}}
NEAR = {
    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "commit.sha",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "ref.name",
    "GITHUB_HEAD_REF": "ref.name",
    "github.head_ref": "ref.name",
    "github.event.pull_request.head.sha": "commit.sha",
    "BUILDKITE_PIPELINE_SLUG": "repository.name",
    "github.event.repository.updated_at": "build.timestamp",
}
"""What comes next to a variable that has no portable twin."""


CLONED = {"repository.path", "repository.url", "remote"}
"""What an address of the repository itself is made of."""
_SHA = re.compile("[0-9a-f]{40}")
_BELOW_REFS = re.compile(r"(?:heads|tags|pull|merge-requests)/")
_VERSION = re.compile(r"v?\d[\d.]*$|v?\d+\.\d")
OF_A_RUN = {"branch", "tag", "ref", "ref.name", "ref.type", "event", "request"}
OF_A_RUN |= {"pull_request.number", "message"}
"""What is known of a run before it starts: where a script refuses one, none of its kind builds."""


def meaning(part: Part) -> str:
    """What a variable is, whatever was done to it: a portable name, or a word of ours.

    ``event`` started the run, ``message`` is that of its commit, ``ref`` is the full name of a
    branch or tag and ``ref.type`` which of them, ``request`` is set in pull requests only,
    ``remote`` is the address of the repository, ``server`` that of the platform, and ``checkout``
    the folder that holds the repository.
    """
    name = getattr(part, "name", "")
    if getattr(part, "portable", False):
        return str(name).partition("@")[0]
    return _MEANINGS.get(name, "")


def whole_ref(ref: str) -> str:
    """A ref as the executor fetches it: of a short name, a tag's where it looks like a version.

    A commit may follow it, behind a ``#``.
    """
    name, mark, commit = ref.partition("#")
    if not name or name.startswith("refs/") or _SHA.fullmatch(name):
        return ref
    if _BELOW_REFS.match(name):
        return f"refs/{ref}"
    return f"refs/{'tags' if _VERSION.match(name) else 'heads'}/{name}{mark}{commit}"


def variables_of(wanted: str, platform: str = "") -> list[str]:
    """The variables that mean one thing, on one platform or on all."""
    prefix = platform.lower()
    return [
        name
        for name, what in _MEANINGS.items()
        if what == wanted and name.lower().startswith(prefix)
    ]


def is_of_two(part: Part) -> bool:
    """Whether a variable is a repository's path that has exactly one slash: GitHub's."""
    return meaning(part) == "repository.path" and getattr(part, "name", "")[:6].lower() == "github"
