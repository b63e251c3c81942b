"""What starts runs and tasks in Agola: one matching entry is enough, and texts match exactly."""

from __future__ import annotations

from functools import lru_cache

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.script import Script
from ci_kaniko.syntax.conditions import Condition
from ci_kaniko.syntax.globs import is_exclusion, is_literal, split, to_regex
from ci_kaniko.targets.agola.dialect import DIALECT
from ci_kaniko.targets.shared import remote_pattern, repositories
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ci_kaniko.plan.model import Plan, Started

When = dict[str, list[str]]
"""Patterns of branches, tags and refs; an empty one is everything, as no ``when`` is."""

_ANY = "#^.+$#"
_REQUESTS = "#^refs/(pull|merge-requests)/#"


def when_of(started: Started, default_branch: str | None) -> When:
    """The ``when`` of these events."""
    branches = _patterns(started.branches)
    if started.default_branch and default_branch:
        branches.append(default_branch)
    when = {"branch": branches, "tag": _patterns(started.tags)}
    if started.pull_requests:
        when["ref"] = [_REQUESTS]
    return _without_nothing(when)


def _patterns(globs: tuple[str, ...]) -> list[str]:
    plain, out = split(globs)
    return [*map(_pattern, plain), *(f"!{_pattern(glob)}" for glob in out)]


def native(when: When) -> dict[str, Any]:
    """A ``when`` as Agola reads it: what is excluded stands apart."""
    answer: dict[str, Any] = {}
    for key, patterns in when.items():
        out = [pattern[1:] for pattern in patterns if is_exclusion(pattern)]
        include = [pattern for pattern in patterns if not is_exclusion(pattern)]
        answer[key] = {"include": include, "exclude": out} if out else include
    return answer


def _is_any(patterns: Iterable[str]) -> bool:
    return _ANY in patterns and not any(map(is_exclusion, patterns))


def _pattern(glob: str) -> str:
    return glob if is_literal(glob) and not glob.startswith("#") else f"#^{to_regex(glob)}$#"


def _without_nothing(when: When) -> When:
    if when.get("ref") and all(_is_any(when.get(key, ())) for key in ("branch", "tag")):
        return {}
    return {key: patterns for key, patterns in when.items() if patterns}


def union(whens: Iterable[When]) -> When:
    """What any of these starts."""
    found = list(whens)
    if not all(found):
        return {}
    merged: When = {}
    for key in ("branch", "tag", "ref"):
        lists = [when[key] for when in found if when.get(key)]
        patterns = list(dict.fromkeys(item for listed in lists for item in listed))
        if any(listed != lists[0] for listed in lists):
            # What one excludes another may take in; the scripts have the last word.
            patterns = [item for item in patterns if not is_exclusion(item)]
        merged[key] = [_ANY] if _is_any(patterns) and len(found) > 1 else patterns
    return _without_nothing(merged)


def covers(wide: When, narrow: When) -> bool:
    """Whether everything that starts ``narrow`` is seen to start ``wide``."""
    if not wide or not narrow:
        return not wide
    return all(
        _is_any(wide.get(key, ())) or _is_part(patterns, wide.get(key, ()))
        for key, patterns in narrow.items()
    )


def _is_part(patterns: Collection[str], wide: Collection[str]) -> bool:
    listed, out = _sorted_out(tuple(wide))
    within = all(pattern in listed or is_exclusion(pattern) for pattern in patterns)
    return within and out <= set(patterns)


@lru_cache(maxsize=64)
def _sorted_out(wide: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """All patterns, and those that take away; every job of a run asks for the same ones."""
    return frozenset(wide), frozenset(filter(is_exclusion, wide))


def only_in(several: Iterable[Started], name: str) -> list[str]:
    """Lines that end a script in another repository than those in which something starts it.

    Agola starts runs by refs alone. A preparation whose image has no grep goes on: it holds no
    secret.
    """
    found = repositories(several)
    if not found:
        return []
    pattern, names = quote(remote_pattern(found)), " and ".join(found)
    return [
        f"if printf '%s\\n' \"$AGOLA_REPOSITORY_URL\" | grep -Eivq {pattern}; then",
        f'  echo "ci-kaniko: {name} is only for {names}" >&2',
        "  exit 0",
        "fi",
    ]


def only_for(plan: Plan, name: str) -> list[str]:
    """Lines that end a script where the event is none of the plan's."""
    started = plan.started
    conditions = [
        *([Condition("default-branch")] if started.default_branch else []),
        *([Condition("branch", started.branches)] if started.branches else []),
        *([Condition("tag", started.tags)] if started.tags else []),
        *([Condition("pull-request")] if started.pull_requests else []),
    ]
    return [
        "match=''",
        *Script(plan, DIALECT).tests.when(tuple(conditions), ["match=yes"]),
        'if [ -z "$match" ]; then',
        f'  echo "ci-kaniko: this event does not start {name}" >&2',
        "  exit 0",
        "fi",
    ]
