"""Which builds are one image that is pushed in several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.translate.logins import as_pushed
from ci_kaniko.importing.translate.pushes import image_of
from ci_kaniko.importing.translate.several import NAME_KEYS
from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.plan.model import PUSHED_ONLY

if TYPE_CHECKING:
    from collections.abc import Collection

# -- the calls of one job ----------------------------------------------------------------------


def is_pushed_too(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a call makes the image of another one: for one repository, by the same logins."""
    repositories = {build.get("triggers", {}).get("repository") for build in (one, other)}
    return len(repositories) == 1 and _rest(one) == _rest(other) and _log_in_alike(one, other)


def _log_in_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    mine, theirs = one.get("registries", {}), other.get("registries", {})
    hosts = mine.keys() & theirs.keys()
    return all(as_pushed(mine[host]) == as_pushed(theirs[host]) for host in hosts)


def _rest(build: dict[str, Any], options: Collection[str] = ()) -> dict[str, Any]:
    """What a build is but for where it is pushed, and for some options."""
    free = {"destinations", "push", "registries", "triggers", *NAMES}
    rest = {key: value for key, value in build.items() if key not in free}
    kept = {key: value for key, value in rest.pop("options", {}).items() if key not in options}
    return {**rest, "options": kept}


# -- jobs --------------------------------------------------------------------------------------


def does_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two jobs differ in nothing but the names that a platform gives them."""
    told = (one.keys() | other.keys()).difference(NAMES)
    return all(one.get(key) == other.get(key) for key in told) and _settings(one) == _settings(
        other
    )


def is_one_image(one: dict[str, Any], other: dict[str, Any]) -> bool:
    mine, theirs = one.get("triggers"), other.get("triggers")
    if mine == theirs or mine is None or theirs is None:
        return False
    if mine.get("repository") != theirs.get("repository") or _holds_back(one, other):
        return False
    trial = is_a_trial(one) or is_a_trial(other)
    if not trial and _settings(one) != _settings(other):
        return False
    said_twice = one.get("options", {}).keys() & other.get("options", {}).keys()
    free = PUSHED_ONLY - said_twice if trial else frozenset()
    if _rest(one, free) != _rest(other, free) or not _log_in_alike(one, other):
        return False
    if any(_overlap(mine[key], theirs[key]) for key in mine.keys() & theirs.keys() - _LIMITS):
        return False
    if not _asks_for_changes_alike(mine, theirs):
        return False
    same = one.get("destinations") == other.get("destinations")
    return trial or same or not (_holds_for(one, theirs) or _holds_for(other, mine))


def is_a_trial(build: dict[str, Any]) -> bool:
    """Whether only requests start it and nothing is pushed: what ``push: auto`` does by itself."""
    started = {key for key, value in build["triggers"].items() if value} - {"repository"}
    return started == {"pull_requests"} and not build.get("destinations")


def _holds_back(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether one names what it must not push, which is lost beside what the other pushes."""
    never, pushing = (one, other) if one.get("push") == "never" else (other, one)
    if never.get("push") != "never" or pushing.get("push") == "never":
        return False
    names, pushed = ({*map(image_of, build.get("destinations", ()))} for build in (never, pushing))
    return bool(pushed and names - pushed)


def _settings(build: dict[str, Any]) -> dict[str, Any]:
    """The platform's own settings of a job but its names: an environment, a machine, an order."""
    return {
        target: left
        for target, names in NAME_KEYS.items()
        if (left := {key: said for key, said in build.get(target, {}).items() if key not in names})
    }


# -- what starts them --------------------------------------------------------------------------

_LIMITS = {"repository", "paths"}
_REFS = {"branches", "default-branch", "tags", "pull_requests"}
"""The events that a ``when`` of a destination tells from all others."""
_EVENT_OF = {
    "branch": "branches",
    "default-branch": "default-branch",
    "other-branch": "branches",
    "tag": "tags",
    "version": "tags",
    "release": "tags",
    "pull-request": "pull_requests",
    "schedule": "schedules",
    "manual": "manual",
}


def _overlap(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        if are_left_out(one, other) or are_left_out(other, one):
            return False
        return bool(set(one) & set(other)) or "**" in one or "**" in other
    return bool(one and other)


def are_left_out(globs: list[str], others: list[str]) -> bool:
    """Whether some globs leave out, by their names, all that other ones take."""
    return {f"!{glob}" for glob in others if not glob.startswith("!")} <= {*globs}


def united(globs: list[str], others: list[str]) -> list[str]:
    """What two lists of globs take that have nothing in common.

    >>> united(["**", "!main", "!dev"], ["main"])
    ['**', '!dev']
    """
    both = [*globs, *others]
    taken = {glob for glob in both if not glob.startswith("!")}
    left = [glob for glob in dict.fromkeys(both) if glob.removeprefix("!") not in taken - {glob}]
    if "**" not in taken:
        return left
    return ["**", *(glob for glob in left if glob.startswith("!"))]


def _asks_for_changes_alike(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether both start for the same changed files; a tag starts a job whatever changed."""
    asked = [triggers.get("paths") for triggers in (mine, theirs) if _events(triggers) != {"tags"}]
    return len({*map(tuple, filter(None, asked))}) <= 1 and (all(asked) or not any(asked))


def _events(triggers: dict[str, Any]) -> set[str]:
    return {key for key, value in triggers.items() if value} - _LIMITS


def _holds_for(build: dict[str, Any], triggers: dict[str, Any]) -> bool:
    """Whether more may be pushed of a build where the triggers of another one start it, too."""
    own = _events(build["triggers"])
    if not own or own - _REFS:
        return True
    whens = [entry["when"] for entry in build.get("destinations", ()) if not isinstance(entry, str)]
    words = [word for when in whens for word in (when if isinstance(when, list) else [when])]
    within = [*({"default-branch"} & own)]  # each of its own runs is that
    return any(_may_hold(word, triggers) for word in words if word not in within)


def _may_hold(word: Any, triggers: dict[str, Any]) -> bool:
    """Whether a word of a ``when`` may hold in a run that is started so."""
    event = _EVENT_OF[word if isinstance(word, str) else next(iter(word))]
    branches = {"branches", "default-branch"}
    return bool(_events(triggers) & (branches if event in branches else {event}))
