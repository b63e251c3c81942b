"""What happened in the repository, and how each platform tells a job about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

NOW = "2026-01-02T03:04:05Z"
NOW_EPOCH = 1767323045

WORKSPACES = {
    "gitlab": "/builds/Acme/Shop",
    "github": "/home/runner/work/Shop/Shop",
    "buildkite": "/workspace/build/buildkite",
    "agola": "/kaniko/src",
}


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
    """What a Kubernetes manifest is told when it is rendered."""
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


def environment(target: str, event: Event) -> dict[str, str]:
    """The predefined variables: a name that is left out is unset, "" is set and empty."""
    platforms = {"gitlab": _gitlab, "github": _github, "buildkite": _buildkite, "agola": _agola}
    return {"CI": "true", **platforms[target](event)}


def _gitlab(event: Event) -> dict[str, str]:
    project = event.fork_repository if event.fork else event.repository
    namespace, _, name = project.rpartition("/")
    sources = {"pull_request": "merge_request_event", "manual": "web"}  # the others by name
    return {
        "GITLAB_CI": "true",
        "CI_SERVER_HOST": event.host,
        "CI_SERVER_URL": event.server,
        "CI_PROJECT_DIR": WORKSPACES["gitlab"],
        "CI_PROJECT_PATH": project,
        "CI_PROJECT_PATH_SLUG": slug(project),
        "CI_PROJECT_NAMESPACE": namespace,
        "CI_PROJECT_ROOT_NAMESPACE": namespace.partition("/")[0],
        "CI_PROJECT_NAME": name,
        "CI_PROJECT_URL": f"{event.server}/{project}",
        "CI_REPOSITORY_URL": f"https://gitlab-ci-token:glcbt-job@{event.host}/{project}.git",
        "CI_DEFAULT_BRANCH": event.default_branch,
        "CI_COMMIT_SHA": event.sha,
        "CI_COMMIT_SHORT_SHA": event.sha[:8],
        "CI_COMMIT_TIMESTAMP": event.timestamp,
        "CI_COMMIT_REF_NAME": event.ref_name,
        "CI_COMMIT_REF_SLUG": slug(event.ref_name),
        "CI_PIPELINE_SOURCE": sources.get(event.source, event.source),
        "CI_PIPELINE_ID": "9001",
        "CI_PIPELINE_IID": "42",
        "CI_PIPELINE_URL": f"{event.server}/{project}/-/pipelines/9001",
        "CI_PIPELINE_CREATED_AT": NOW,
        "CI_JOB_ID": "70001",
        "CI_JOB_URL": f"{event.server}/{project}/-/jobs/70001",
        "CI_JOB_STARTED_AT": NOW,
        "CI_JOB_TOKEN": "glcbt-job",
        "CI_REGISTRY": "registry.example.com",
        "CI_REGISTRY_IMAGE": f"registry.example.com/{project.lower()}",
        "CI_REGISTRY_USER": "gitlab-ci-token",
        "CI_REGISTRY_PASSWORD": "glcbt-job",
        "CI_DEPENDENCY_PROXY_SERVER": f"{event.host}:443",
        "CI_DEPENDENCY_PROXY_USER": "gitlab-ci-token",
        "CI_DEPENDENCY_PROXY_PASSWORD": "glcbt-job",
        "GITLAB_USER_LOGIN": "alice",
        **({"CI_COMMIT_BRANCH": event.branch} if event.branch else {}),
        **({"CI_COMMIT_TAG": event.tag} if event.tag else {}),
        **(_gitlab_merge_request(event, project) if event.pull_request else {}),
    }


def _gitlab_merge_request(event: Event, project: str) -> dict[str, str]:
    return {
        "CI_MERGE_REQUEST_ID": "555000",
        "CI_MERGE_REQUEST_IID": event.pull_request,
        "CI_MERGE_REQUEST_PROJECT_PATH": event.repository,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": project,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": event.source_branch,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": event.default_branch,
        "CI_MERGE_REQUEST_REF_PATH": f"refs/merge-requests/{event.pull_request}/head",
    }


def _github(event: Event) -> dict[str, str]:
    names = {f"GITHUB_{key.upper()}": value for key, value in _github_shared(event).items()}
    return {
        "GITHUB_ACTIONS": "true",
        **names,
        "GITHUB_WORKSPACE": WORKSPACES["github"],
        "GITHUB_OUTPUT": "/home/runner/work/_temp/_runner_file_commands/output",
        "GITHUB_ENV": "/home/runner/work/_temp/_runner_file_commands/env",
        "GITHUB_STEP_SUMMARY": "/home/runner/work/_temp/_runner_file_commands/summary",
        "RUNNER_TEMP": "/home/runner/work/_temp",
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
    }


def _github_shared(event: Event) -> dict[str, str]:
    """What is both `github.name` in an expression and GITHUB_NAME in the environment."""
    ref_name = event.ref.split("/", 2)[2]
    return {
        "sha": event.sha,
        "ref": event.ref,
        "ref_name": ref_name,
        "ref_type": "tag" if event.tag else "branch",
        "head_ref": event.source_branch,
        "base_ref": event.default_branch if event.pull_request else "",
        "event_name": GITHUB_EVENTS.get(event.source, event.source),
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


GITHUB_EVENTS = {"manual": "workflow_dispatch", "api": "repository_dispatch"}


def github_context(event: Event) -> dict[str, str | bool]:
    """Property paths that an expression may read; "" stands for absent."""
    pull = bool(event.pull_request)
    scheduled = event.source == "schedule"
    source = event.fork_repository if event.fork else event.repository
    return {
        **{f"github.{key}": value for key, value in _github_shared(event).items()},
        "github.repositoryUrl": f"git://{event.host}/{event.repository}.git",
        "github.workspace": WORKSPACES["github"],
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


def _buildkite(event: Event) -> dict[str, str]:
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
        "BUILDKITE_BUILD_CHECKOUT_PATH": WORKSPACES["buildkite"],
        "BUILDKITE_MESSAGE": "It's $5 & more",
    }


def _agola(event: Event) -> dict[str, str]:
    pull = f"refs/pull/{event.pull_request}/head"
    kind = "pull_request" if event.pull_request else "tag" if event.tag else "branch"
    return {
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


def slug(ref: str) -> str:
    """GitLab's CI_COMMIT_REF_SLUG."""
    return re.sub(r"[^a-z0-9]", "-", ref.lower())[:63].strip("-")


def identity(audience: str) -> str:
    """The token by which a platform says who the job is."""
    return f"eyJ.{re.sub('[^A-Za-z0-9]', '_', audience)}.rehearsal"
