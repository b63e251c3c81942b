"""The builds of all calls as one spec: what they share at the top, several images below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.translate.conditions import DEFAULT_TRIGGERS, globs_in_short
from ci_kaniko.importing.translate.logins import as_pushed
from ci_kaniko.importing.translate.pushes import add_destination, but_in_requests, image_of
from ci_kaniko.importing.translate.settings import Settings
from ci_kaniko.importing.translate.several import NAME_KEYS, finished, images
from ci_kaniko.importing.translate.started import one_repository, only_in
from ci_kaniko.importing.translate.translation import build_of
from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.plan.model import PUSHED_ONLY

if TYPE_CHECKING:
    from collections.abc import Collection

    from ci_kaniko.importing.calls import Call
    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.report import Report


_EVENTS = ("branches", "tags", "pull_requests", "schedules", "manual", "pipelines", "paths")


def merged(jobs: list[Job], report: Report) -> dict[str, Any]:
    """The data of the spec that asks for what some jobs do."""
    builds = [(job.name, build) for job in jobs for build in _of_job(job, job.calls)]
    builds, joined = _joined_jobs(builds, report)
    if len(builds) == 1:
        return finished(builds[0][1], report)
    return images(builds, joined, report)


def _of_job(job: Job, calls: tuple[Call, ...]) -> list[dict[str, Any]]:
    """One build for each executor call; calls that only push elsewhere are one."""
    settings = Settings(job)
    builds: list[dict[str, Any]] = []
    for call in calls:
        repository, when = one_repository(call.when)
        triggers = only_in(job.started.triggers, repository)
        build = build_of(job, replace(call, when=when), settings)
        if triggers is not None:
            build["triggers"] = triggers
        builds.append(build)
    found: list[dict[str, Any]] = []
    for build in builds:
        # What a later call adds to the settings is the job's, and so every build's.
        build.update({key: value for key, value in settings.shared.items() if value})
        if settings.section and job.target in NAMES:
            build[job.target] = dict(settings.section)
        elif store := settings.section.get("secret"):  # a Pod's, whoever starts it
            build["kubernetes"] = {**build.get("kubernetes", {}), "secret": store}
        same = next((item for item in found if is_pushed_too(item, build)), None)
        if same is None:
            found.append(build)
        else:
            _join(same, build)
    return found


def _join(one: dict[str, Any], other: dict[str, Any]) -> None:
    pushing = [build for build in (one, other) if build.get("push") != "never"]
    is_pushed = any(build.get("destinations") for build in pushing)
    listed: dict[Any, Any] = {}
    pushes = {one.get("push", "auto"), other.get("push", "auto")}
    for build in pushing if is_pushed else (one, other):
        asks = "always" in pushes and build.get("push") != "always"
        for entry in build.get("destinations", []):
            add_destination(listed, but_in_requests(entry) if asks else entry)
    if listed:
        one["destinations"] = [*listed.values()]
    for host, login in other.get("registries", {}).items():
        have = one.setdefault("registries", {}).setdefault(host, login)
        if have == as_pushed(login):
            one["registries"][host] = login  # it may be for pulls, too
    if not is_pushed:
        one.update({"push": "never"} if "never" in pushes else {})
    elif "always" in pushes:
        one["push"] = "always"
    else:
        one.pop("push", None)


def _joined_jobs(
    builds: list[tuple[str, dict[str, Any]]], report: Report
) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, str]]:
    """Jobs that build one image, and push the same or for different events, are one job.

    Beside them the jobs that each became a part of another one.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    joined: dict[str, str] = {}
    for name, build in builds:
        same = next((item for item in found if does_the_same(item[1], build)), None)
        if same is not None:
            joined[name] = same[0]
            report.tell("jobs-joined/same", "", 0, same[0], name)
            continue
        same = next((item for item in found if is_one_image(item[1], build)), None)
        if same is None:
            found.append((name, build))
            continue
        joined[name] = same[0]
        trial = is_a_trial(same[1]) or is_a_trial(build)
        if trial:
            _tell_settings(same, (name, build), report)
        _join_events(same[1], build)
        report.tell("jobs-joined/trial" if trial else "jobs-joined", "", 0, same[0], name)
    return found, joined


def _tell_settings(
    kept: tuple[str, dict[str, Any]], lost: tuple[str, dict[str, Any]], report: Report
) -> None:
    """Say in which settings of its platform a trial differs from the job that it becomes.

    What pushes holds more than what tries only, and that is what a spec has by itself.
    """
    if is_a_trial(kept[1]):
        kept, lost = lost, kept
    for target, names in NAME_KEYS.items():
        mine, theirs = kept[1].get(target, {}), lost[1].get(target, {})
        other = [key for key in theirs if mine.get(key) != theirs[key] and key not in names]
        if other:
            report.tell("jobs-joined/settings", "", 0, lost[0], ", ".join(other), kept[0])


def _join_events(one: dict[str, Any], other: dict[str, Any]) -> None:
    trial = next((build for build in (one, other) if is_a_trial(build)), None)
    if trial is not None:
        _join_trial(other if trial is one else one, trial)
        if trial is one:
            one.update({target: other[target] for target in NAMES if target in other})
    else:
        for build in (one, other):
            when = _when_of(build["triggers"])
            build["destinations"] = [
                {"image": entry, "when": when} if when and isinstance(entry, str) else entry
                for entry in build.get("destinations", [])
            ]
    triggers: dict[str, Any] = {}
    for key in _EVENTS:
        mine, theirs = one["triggers"].get(key), other["triggers"].get(key)
        if isinstance(mine, list) or isinstance(theirs, list):
            triggers[key] = united(mine or [], theirs or [])
        elif mine or theirs:
            triggers[key] = True
    if "default-branch" in one["triggers"] or "default-branch" in other["triggers"]:
        triggers["default-branch"] = True
    if repository := one["triggers"].get("repository"):
        triggers["repository"] = repository
    _join(one, other)
    for entry in one.get("destinations", ()):
        if isinstance(entry, dict) and isinstance(entry.get("when"), list):
            entry["when"] = _in_short(entry["when"])
    one["triggers"] = triggers
    if triggers == DEFAULT_TRIGGERS:
        del one["triggers"]
    if not one.get("destinations"):
        one.pop("destinations", None)


def _in_short(words: list[Any]) -> Any:
    """Words of a ``when``, with one list of branches where one of them leaves out the other's."""
    found: list[Any] = []
    for word in words:
        one, other = (_branches(item) for item in ((found or [None])[-1], word))
        if one and other and (are_left_out(one, other) or are_left_out(other, one)):
            found[-1] = {"branch": globs_in_short(united(one, other))}
        else:
            found.append(word)
    return found[0] if len(found) == 1 else found


def _branches(word: Any) -> list[str]:
    globs = word.get("branch", []) if isinstance(word, dict) else []
    return [globs] if isinstance(globs, str) else globs


def _join_trial(whole: dict[str, Any], trial: dict[str, Any]) -> None:
    """Where a build logs in that pushes nothing, it pulls; of other hosts a spec knows that."""
    pushed = [*map(image_of, whole.get("destinations", ()))]
    for host in trial.get("registries", {}):
        login = whole.get("registries", {}).get(host)
        if isinstance(login, dict) and any(image.startswith(f"{host}/") for image in pushed):
            login["pull"] = True
    options = {**trial.get("options", {}), **whole.get("options", {})}
    for build in (whole, trial):
        put(build, "options", options)


def _when_of(triggers: dict[str, Any]) -> Any:
    named = {"branch": triggers.get("branches"), "tag": triggers.get("tags")}
    found: list[Any] = ["default-branch"] * bool(triggers.get("default-branch"))
    found += [{side: globs_in_short(globs)} for side, globs in named.items() if globs]
    found += ["pull-request"] * bool(triggers.get("pull_requests"))
    return found[0] if len(found) == 1 else found or None


# -- which builds are one image that is pushed in several ways ---------------------------------


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
