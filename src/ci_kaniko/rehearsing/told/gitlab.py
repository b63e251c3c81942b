"""What GitLab tells a job about its event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.events import NOW

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event

WORKSPACE = "/builds/Acme/Shop"


def environment(event: Event) -> dict[str, str]:
    """The predefined variables: a name that is left out is unset, "" is set and empty."""
    project = event.fork_repository if event.fork else event.repository
    namespace, _, name = project.rpartition("/")
    sources = {"pull_request": "merge_request_event", "manual": "web"}  # the others by name
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER_HOST": event.host,
        "CI_SERVER_URL": event.server,
        "CI_PROJECT_DIR": WORKSPACE,
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
        "CI_COMMIT_TIMESTAMP": event.timestamp_local,
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
        "CI_REGISTRY": event.registry,
        "CI_REGISTRY_IMAGE": f"{event.registry}/{project.lower()}",
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


def slug(ref: str) -> str:
    """GitLab's CI_COMMIT_REF_SLUG."""
    return re.sub(r"[^a-z0-9]", "-", ref.lower())[:63].strip("-")
