"""What GitHub tells a job about its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

WORKSPACE = "/home/runner/work/Shop/Shop"


def environment(event: Event) -> dict[str, str]:
    """The predefined variables: a name that is left out is unset, "" is set and empty."""
    names = {f"GITHUB_{key.upper()}": value for key, value in _shared(event).items()}
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        **names,
        "GITHUB_WORKSPACE": WORKSPACE,
        "GITHUB_OUTPUT": "/home/runner/work/_temp/_runner_file_commands/output",
        "GITHUB_ENV": "/home/runner/work/_temp/_runner_file_commands/env",
        "GITHUB_STEP_SUMMARY": "/home/runner/work/_temp/_runner_file_commands/summary",
        "RUNNER_TEMP": "/home/runner/work/_temp",
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
    }


def _shared(event: Event) -> dict[str, str]:
    """What is both `github.name` in an expression and GITHUB_NAME in the environment."""
    ref_name = event.ref.split("/", 2)[2]
    return {
        "sha": event.sha,
        "ref": event.ref,
        "ref_name": ref_name,
        "ref_type": "tag" if event.tag else "branch",
        "head_ref": event.source_branch,
        "base_ref": event.default_branch if event.pull_request else "",
        "event_name": EVENTS.get(event.source, event.source),
        "repository": event.repository,
        "repository_owner": event.repository.partition("/")[0],
        "server_url": event.server,
        "actor": "alice",
        "triggering_actor": "alice",
        "run_id": "9001",
        "run_number": "42",
        "run_attempt": "1",
        "workflow": "image",
        "workflow_ref": f"{event.repository}/.github/workflows/image.yml@{event.ref}",
        "job": "image",
    }


EVENTS = {
    "manual": "workflow_dispatch",
    "api": "repository_dispatch",
    "pipeline": "repository_dispatch",
}


def context(event: Event) -> dict[str, str | bool]:
    """Property paths that an expression may read; "" stands for absent."""
    pull = bool(event.pull_request)
    scheduled = event.source == "schedule"
    source = event.fork_repository if event.fork else event.repository
    return {
        **{f"github.{key}": value for key, value in _shared(event).items()},
        "github.repositoryUrl": f"git://{event.host}/{event.repository}.git",
        "github.workspace": WORKSPACE,
        "github.event.number": event.pull_request,
        "github.event.pull_request.number": event.pull_request,
        "github.event.pull_request.head.sha": event.sha if pull else "",
        "github.event.pull_request.head.ref": event.source_branch,
        "github.event.pull_request.head.repo.fork": event.fork,
        "github.event.pull_request.head.repo.full_name": source if pull else "",
        "github.event.repository.name": event.repository.partition("/")[2],
        "github.event.repository.full_name": event.repository,
        "github.event.repository.html_url": f"{event.server}/{event.repository}",
        "github.event.repository.default_branch": "" if scheduled else event.default_branch,
        "github.event.pull_request.base.sha": event.before if pull else "",
        "github.event.before": _before(event),
        "github.event.schedule": event.schedule if scheduled else "",
        "github.event.head_commit.timestamp": "" if event.source != "push" else event.timestamp,
        "runner.temp": "/home/runner/work/_temp",
        "runner.os": "Linux",
        "runner.arch": "X64",
    }


def _before(event: Event) -> str:
    """What a push replaced: zeros when there was nothing."""
    if event.source != "push":
        return ""
    return event.before if event.branch and not event.is_new else "0" * 40
