"""What the files of all platforms are made of, read strictly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ci_kaniko.problems.problem import CannotRehearse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.rehearsing.events import Event


REQUESTS = "-pull-request"
"""What a job is called like that builds pull requests, beside one for what is pushed."""


class NotModelled(CannotRehearse):
    """A rendered file holds what its platform refuses, or what is not modelled here."""


class RefusedInput(NotModelled):
    """A value of an input that the platform refuses before there is a job."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_text(value: object) -> str:
    """The value, which has to be a text. Raises NotModelled."""
    if not isinstance(value, str):
        raise NotModelled(f"expected a text, not {value!r}")
    return value


def only(named: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The job of a name, or the only one. Raises NotModelled."""
    if name is not None:
        return dict(named[name])
    if len(named) != 1:
        raise NotModelled(f"expected one of {sorted(named)}; say which")
    return dict(next(iter(named.values())))


def for_the_event(jobs: Mapping[str, Any], event: Event) -> Mapping[str, Any]:
    """Of two jobs for one image, that of the event."""
    if not any(name.endswith(REQUESTS) for name in jobs):
        return jobs
    asked = bool(event.pull_request)
    return {name: job for name, job in jobs.items() if name.endswith(REQUESTS) == asked}


def as_mapping(document: object) -> dict[str, Any]:
    """The value, which has to be a mapping. Raises NotModelled."""
    if not isinstance(document, dict):
        raise NotModelled("expected a mapping")
    return document


def as_scalar(value: object) -> str:
    """An environment value; a float or null in YAML is text that got lost. Raises NotModelled."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        raise NotModelled(f"not text in YAML: {value!r}")
    return str(value)


def flat(items: Iterable[Any] | str) -> list[str]:
    if isinstance(items, str):
        return [items]
    return [line for item in items for line in flat(item)]


def json_object(text: str) -> dict[str, Any]:
    """A docker config as an object. Raises NotModelled."""
    try:
        return as_mapping(json.loads(text))
    except ValueError as error:
        raise NotModelled(f"the docker config is not JSON: {error}") from error
