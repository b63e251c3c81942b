"""What people write for a key of the spec: words of other tools, and words of everyday speech."""

from __future__ import annotations

BUILD: dict[str, tuple[str, ...]] = {
    "build_args": ("arg", "args", "build_arg", "buildargs"),
    "build_secrets": ("secret", "secrets"),
    "destinations": ("image", "tag", "tags", "to"),
    "dockerfile": ("file",),
    "env": ("environment",),
    "executor": ("kaniko", "executor_image"),
    "platforms": ("platform", "arch", "architectures"),
    "prepare": ("before", "before_script", "steps"),
    "registries": ("auth", "credentials", "login", "logins", "registry", "username"),
    "target": ("stage",),
    "triggers": ("cron", "events", "on", "only", "rules", "schedule", "when"),
}
SPEC: dict[str, tuple[str, ...]] = {"images": ("services",)}
IMAGE: dict[str, tuple[str, ...]] = {
    "context": ("path", "folder", "directory", "dir"),
    "needs": ("depends_on", "dependson", "depends", "requires", "after"),
}
LOGIN: dict[str, tuple[str, ...]] = {
    "aws": ("ecr",),
    "azure": ("acr",),
    "google": ("gar", "gcp", "gcr"),
    "password": ("token", "pass", "secret", "passwd", "pwd"),
    "username": ("user", "login", "name", "user_name"),
}
GIT: dict[str, tuple[str, ...]] = {
    "recurse_submodules": ("recursive", "submodules"),
    "token": ("password", "secret"),
    "username": ("user",),
}
PREPARE: dict[str, tuple[str, ...]] = {
    "artifacts": ("files", "outputs", "paths"),
    "commands": ("cmd", "command", "run", "script", "steps"),
}
CACHE: dict[str, tuple[str, ...]] = {
    "repo": ("from", "image", "name", "ref", "registry", "repository", "to"),
}
DESTINATION: dict[str, tuple[str, ...]] = {
    "image": ("destination", "name", "ref", "repo", "repository", "tag", "tags", "to"),
    "when": ("if", "on", "only", "rules"),
}
CHECKOUT: dict[str, tuple[str, ...]] = {
    "depth": ("fetch_depth",),
    "submodules": ("recurse_submodules", "recursive"),
}
EXECUTOR: dict[str, tuple[str, ...]] = {
    "digests": ("digest",),
    "image": ("name", "registry", "repository"),
    "version": ("release", "tag"),
}
TRIGGERS: dict[str, tuple[str, ...]] = {
    "branches": ("push",),
    "manual": ("api", "dispatch", "web", "workflow_dispatch"),
    "pipelines": ("parent_pipeline", "pipeline", "trigger"),
    "pull_requests": ("merge_request", "merge_requests", "mr", "pr", "prs"),
    "schedules": ("cron", "crons"),
}
INPUT: dict[str, tuple[str, ...]] = {"options": ("choices", "enum", "values")}
SECTION: dict[str, tuple[str, ...]] = {
    "env": ("env",),
    "executor": ("image",),
    "prepare": ("before_script",),
    "triggers": ("branches", "except", "if", "on", "only", "rules"),
}
"""What people write in the section of a platform and is said once, for all of them."""

SAID_OTHERWISE = {"no-push": "push: never in its place builds and pushes nothing"}
"""Where a value says it, and no key of that kind."""


def meant_by(word: str, *tables: dict[str, tuple[str, ...]]) -> str | None:
    """The field that a word stands for, by the first table that knows it.

    >>> meant_by("depends_on", IMAGE, BUILD), meant_by("tag", IMAGE, BUILD), meant_by("x", BUILD)
    ('needs', 'destinations', None)
    """
    found = (field for table in tables for field, words in table.items() if word in words)
    return next(found, None)
