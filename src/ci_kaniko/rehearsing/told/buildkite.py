"""What Buildkite tells a job about its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

WORKSPACE = "/workspace/build/buildkite"


def environment(event: Event) -> dict[str, str]:
    """The predefined variables: a name that is left out is unset, "" is set and empty."""
    sources = {
        "push": "webhook",
        "pull_request": "webhook",
        "manual": "ui",
        "pipeline": "trigger_job",
    }
    fork = f"git@{event.host}:{event.fork_repository}.git"
    origin = f"git@{event.host}:{event.repository}.git"
    head = f"mallory:{event.source_branch}" if event.fork else event.source_branch
    return {
        "CI": "true",
        "BUILDKITE": "true",
        "BUILDKITE_COMMIT": event.sha,
        "BUILDKITE_BRANCH": event.tag or event.branch or head,
        "BUILDKITE_TAG": event.tag,
        "BUILDKITE_PULL_REQUEST": event.pull_request or "false",
        "BUILDKITE_PULL_REQUEST_BASE_BRANCH": event.default_branch if event.pull_request else "",
        "BUILDKITE_PULL_REQUEST_REPO": (fork if event.fork else origin) * bool(event.pull_request),
        "BUILDKITE_REPO": origin,
        "BUILDKITE_SOURCE": sources.get(event.source, event.source),
        "BUILDKITE_PIPELINE_DEFAULT_BRANCH": event.default_branch,
        "BUILDKITE_PIPELINE_SLUG": event.repository.partition("/")[2].lower(),
        "BUILDKITE_PIPELINE_PROVIDER": "github",
        "BUILDKITE_ORGANIZATION_SLUG": event.repository.partition("/")[0].lower(),
        "BUILDKITE_BUILD_ID": "0190046e-e199-453b-a302-a21a4d649d31",
        "BUILDKITE_BUILD_NUMBER": "42",
        "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/shop/builds/42",
        "BUILDKITE_JOB_ID": "0190046e-e1a5-4c8b-8d62-6f5c3d0ab001",
        "BUILDKITE_STEP_KEY": "image",
        "BUILDKITE_RETRY_COUNT": "0",
        "BUILDKITE_BUILD_CHECKOUT_PATH": WORKSPACE,
        "BUILDKITE_MESSAGE": "It's $5 & more",
    }
