"""What happens in the repository of the tests."""

from __future__ import annotations

from ci_kaniko.rehearsing.events import Event

DEFAULT_BRANCH = Event(name="default-branch", branch="main")
FEATURE_BRANCH = Event(name="feature-branch", branch="feature/Add-x_1.2")
TAG = Event(name="tag", tag="v1.2.3")
PULL_REQUEST = Event(
    name="pull-request", pull_request="12", source_branch="feature/Add-x_1.2", source="pull_request"
)
FORK_PULL_REQUEST = Event(
    name="fork-pull-request",
    pull_request="13",
    source_branch="main",
    fork=True,
    source="pull_request",
)
SCHEDULE = Event(name="schedule", branch="main", source="schedule")
MANUAL = Event(name="manual", branch="main", source="manual")
PIPELINE = Event(name="pipeline", branch="main", source="pipeline")
PARENT_OF_A_REQUEST = Event(
    name="parent-of-a-request",
    pull_request="12",
    source_branch="feature/Add-x_1.2",
    source="parent_pipeline",
)
"""GitLab's child pipelines know the request of their parent."""
PROGRAM = Event(name="program", branch="main", source="api")
TOKEN = Event(name="trigger-token", tag="v1.2.3", source="trigger")
CHAT = Event(name="chat", branch="main", source="chat")
MERGE_GROUP = Event(
    name="merge-group", branch="gh-readonly-queue/main/pr-12-9876543", source="merge_group"
)
TARGET_OF_A_REQUEST = Event(name="target-of-a-request", branch="main", source="pull_request_target")

EVENTS = (DEFAULT_BRANCH, FEATURE_BRANCH, TAG, PULL_REQUEST, FORK_PULL_REQUEST)
OTHER_EVENTS = (SCHEDULE, MANUAL)
