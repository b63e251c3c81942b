"""The builds of all calls as one spec: what they share at the top, several images below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.shell.guards import MAX_CALLS
from ci_kaniko.importing.translate.conditions import DEFAULT_TRIGGERS, globs_in_short
from ci_kaniko.importing.translate.pushes import add_destination, image_of
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
    builds: list[tuple[str, dict[str, Any]]] = []
    left = MAX_CALLS
    for job in jobs:
        for call in job.calls[left:]:
            job.tell("too-many-calls", call.line, job.name)
        builds += [(job.name, build) for build in _of_job(job, job.calls[:left])]
        left -= len(job.calls[:left])
    builds = _joined_jobs(builds, report)
    if len(builds) == 1:
        return finished(builds[0][1], report)
    return images(builds, report)


def _of_job(job: Job, calls: tuple[Call, ...]) -> list[dict[str, Any]]:
    """One build for each executor call; calls that only push elsewhere are one."""
    found: list[dict[str, Any]] = []
    settings = Settings(job)
    for call in calls:
        repository, when = one_repository(call.when)
        triggers = only_in(job.started.triggers, repository)
        build = build_of(job, replace(call, when=when), settings)
        build.update({key: value for key, value in settings.shared.items() if value})
        if triggers is not None:
            build["triggers"] = dict(triggers)
        if settings.section and job.target in NAMES:
            build[job.target] = dict(settings.section)
        same = next((item for item in found if _rest(item) == _rest(build)), None)
        if same is None:
            found.append(build)
        else:
            _join(same, build)
    return found


def _rest(build: dict[str, Any], options: Collection[str] = ()) -> dict[str, Any]:
    """What a build is but for where it is pushed, and for some options."""
    free = {"destinations", "push", "registries", "triggers", *NAMES}
    rest = {key: value for key, value in build.items() if key not in free}
    kept = {key: value for key, value in rest.pop("options", {}).items() if key not in options}
    return {**rest, "options": kept}


def _join(one: dict[str, Any], other: dict[str, Any]) -> None:
    pushing = [build for build in (one, other) if build.get("push") != "never"]
    is_pushed = any(build.get("destinations") for build in pushing)
    listed: dict[Any, Any] = {}
    for build in pushing if is_pushed else (one, other):
        for entry in build.get("destinations", []):
            add_destination(listed, entry)
    if listed:
        one["destinations"] = [*listed.values()]
    for host, login in other.get("registries", {}).items():
        one.setdefault("registries", {}).setdefault(host, login)
    pushes = {one.get("push", "auto"), other.get("push", "auto")}
    if not is_pushed:
        one.update({"push": "never"} if "never" in pushes else {})
    elif "never" in pushes:
        one.pop("push", None)
        if pushes == {"never", "always"}:
            one["push"] = "always"
    elif "always" in pushes:
        one["push"] = "always"


def _joined_jobs(
    builds: list[tuple[str, dict[str, Any]]], report: Report
) -> list[tuple[str, dict[str, Any]]]:
    """Jobs that build one image and push it for different events are one job."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, build in builds:
        same = next((item for item in found if _same_image(item[1], build)), None)
        if same is None:
            found.append((name, build))
            continue
        trial = _is_a_trial(same[1]) or _is_a_trial(build)
        if trial:
            _tell_settings(same, (name, build), report)
        _join_events(same[1], build)
        report.tell("jobs-joined/trial" if trial else "jobs-joined", "", 0, same[0], name)
    return found


def _tell_settings(
    kept: tuple[str, dict[str, Any]], lost: tuple[str, dict[str, Any]], report: Report
) -> None:
    """Say in which settings of its platform a trial differs from the job that it becomes.

    What pushes holds more than what tries only, and that is what a spec has by itself.
    """
    if _is_a_trial(kept[1]):
        kept, lost = lost, kept
    for target, names in NAME_KEYS.items():
        mine, theirs = kept[1].get(target, {}), lost[1].get(target, {})
        other = [key for key in theirs if mine.get(key) != theirs[key] and key not in names]
        if other:
            report.tell("jobs-joined/settings", "", 0, lost[0], ", ".join(other), kept[0])


def _same_image(one: dict[str, Any], other: dict[str, Any]) -> bool:
    mine, theirs = one.get("triggers"), other.get("triggers")
    if mine == theirs or mine is None or theirs is None:
        return False
    if mine.get("repository") != theirs.get("repository") or _holds_back(one, other):
        return False
    trial = _is_a_trial(one) or _is_a_trial(other)
    if not trial and _settings(one) != _settings(other):
        return False
    free = PUSHED_ONLY if trial else frozenset()
    if _rest(one, free) != _rest(other, free):
        return False
    keys = (set(mine) & set(theirs)) - {"repository"}
    return not any(_overlap(mine[key], theirs[key]) for key in keys)


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


def _overlap(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return bool(set(one) & set(other)) or "**" in one or "**" in other
    return bool(one and other)


def _join_events(one: dict[str, Any], other: dict[str, Any]) -> None:
    trial = next((build for build in (one, other) if _is_a_trial(build)), None)
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
            triggers[key] = list(dict.fromkeys([*(mine or []), *(theirs or [])]))
        elif mine or theirs:
            triggers[key] = True
    if "default-branch" in one["triggers"] or "default-branch" in other["triggers"]:
        triggers["default-branch"] = True
    if repository := one["triggers"].get("repository"):
        triggers["repository"] = repository
    _join(one, other)
    one["triggers"] = triggers
    if triggers == DEFAULT_TRIGGERS:
        del one["triggers"]
    if not one.get("destinations"):
        one.pop("destinations", None)


def _join_trial(whole: dict[str, Any], trial: dict[str, Any]) -> None:
    """Where a build logs in that pushes nothing, it pulls; of other hosts a spec knows that."""
    pushed = [*map(image_of, whole.get("destinations", ()))]
    for host in trial.get("registries", {}):
        login = whole.get("registries", {}).get(host)
        if isinstance(login, dict) and any(image.startswith(f"{host}/") for image in pushed):
            login["pull"] = True
    options = {**trial.get("options", {}), **whole.get("options", {})}
    for build in (whole, trial):
        if options:
            build["options"] = options


def _is_a_trial(build: dict[str, Any]) -> bool:
    """Whether only requests start it and nothing is pushed: what ``push: auto`` does by itself."""
    started = {key for key, value in build["triggers"].items() if value} - {"repository"}
    return started == {"pull_requests"} and not build.get("destinations")


def _when_of(triggers: dict[str, Any]) -> Any:
    found: list[Any] = []
    if triggers.get("default-branch"):
        found.append("default-branch")
    if triggers.get("branches"):
        found.append({"branch": globs_in_short(triggers["branches"])})
    if triggers.get("tags"):
        found.append({"tag": globs_in_short(triggers["tags"])})
    if triggers.get("manual"):
        found.append("manual")
    return found[0] if len(found) == 1 else found or None
