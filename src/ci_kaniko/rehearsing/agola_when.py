"""Agola's ``when``: which runs and tasks an event includes.

Source: https://agola.io/doc/concepts/config.html and the code of its ``when`` package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def included(when: Mapping[str, Any] | None, environment: Mapping[str, str]) -> bool:
    """Whether a run is included: any of the three is enough, each in its kind of run."""
    if not when:
        return True
    kind = environment["AGOLA_GIT_REF_TYPE"]
    looked_at = {"ref": environment["AGOLA_GIT_REF"]}
    if kind in ("branch", "tag"):
        looked_at[kind] = environment[f"AGOLA_GIT_{kind.upper()}"]
    return any(_holds(when[name], text) for name, text in looked_at.items() if when.get(name))


def _holds(condition: Any, text: str) -> bool:
    if not isinstance(condition, dict):
        return any(matches(item, text) for item in entries(condition))
    excluded = any(matches(item, text) for item in entries(condition.get("exclude") or []))
    included = any(matches(item, text) for item in entries(condition.get("include") or []))
    return included and not excluded


def entries(value: Any) -> list[Any]:
    """Every entry of a condition, however it is written."""
    if isinstance(value, dict):
        return [item for part in value.values() for item in entries(part)]
    return value if isinstance(value, list) else [value]


def regexp(condition: str) -> str | None:
    """The regular expression between two slashes or two hashes; None for an exact text."""
    if len(condition) > 1 and condition[0] == condition[-1] and condition[0] in "/#":
        return condition[1:-1]
    return None


def matches(condition: str, text: str) -> bool:
    """Whether an entry matches a branch, tag or ref."""
    pattern = regexp(condition)
    if pattern is None:
        return condition == text
    return re.search(re.sub(r"(?<!\\)\$\Z", r"\\Z", pattern), text) is not None
