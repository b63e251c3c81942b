"""Whether an event starts any job of a rendered file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.triggers import (
    agola_steps,
    buildkite_steps,
    github_steps,
    gitlab_steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.rehearsing.events import Event


def gitlab(text: str, event: Event, *, in_parent: bool = False) -> bool:
    """A fork's merge request runs in the fork, or `in_parent` when a member there starts it."""
    return bool(gitlab_steps(text, event, in_parent=in_parent))


def github(text: str, event: Event) -> bool:
    return any(step.starts({}) for step in github_steps(text, event))


def buildkite(text: str, event: Event) -> bool:
    return any(step.starts({}) for step in buildkite_steps(text, event))


def agola(text: str, event: Event) -> bool:
    return bool(agola_steps(text, event))


STARTS: Mapping[str, Callable[[str, Event], bool]] = {
    "gitlab": gitlab,
    "github": github,
    "buildkite": buildkite,
    "agola": agola,
}
