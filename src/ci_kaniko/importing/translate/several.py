"""Builds as a spec: one by itself, several as images that share what they can."""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import forget, put
from ci_kaniko.importing.translate.conditions import DEFAULT_BRANCH
from ci_kaniko.importing.translate.pushes import image_of
from ci_kaniko.importing.translate.translation import ordered
from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.spec.outputs import check_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.importing.report import Report

_MERGED = {"build_args", "labels", "annotations", "registries", "options", "executor", "cache"}
_MERGED |= {*NAMES, "git", "certificates", "build_secrets", "client_certificates"}
NAME_KEYS: dict[str, tuple[str, ...]] = {
    "gitlab": ("job",),
    "github": ("job",),
    "buildkite": ("label", "key"),
    "agola": ("run",),
    "kubernetes": ("name",),
}


# -- one image ---------------------------------------------------------------------------------


def finished(build: dict[str, Any], report: Report, run: str = "build-image") -> dict[str, Any]:
    """A build without what the spec means anyway; ``run`` is the name of Agola's by itself."""
    _default_branch(build, report)
    _other_needs(build, report)
    if build.get("agola", {}).get("run") == run:
        _without(build, "agola", ("run",))
    triggers = build.get("triggers")
    if triggers is not None and not any({**triggers, "repository": None}.values()):
        build.update(triggers={**triggers, "manual": True}, push="never")
        report.tell("no-trigger", "", 0)
    return ordered(build)


def _other_needs(build: dict[str, Any], report: Report) -> None:
    """Jobs of GitHub and Agola that the job waits for, and that are not in the rendered file."""
    for target in ("github", "agola"):
        section = build.get(target) or {}
        needs = section.pop("needs", None)
        if needs:
            report.tell("needs/other-jobs", "", 0, ", ".join(needs))
        if target in build and not section:
            del build[target]


def _default_branch(build: dict[str, Any], report: Report) -> None:
    triggers = build.get("triggers")
    if not triggers or not triggers.pop("default-branch", False):
        return
    build["default_branch"] = name = DEFAULT_BRANCH
    report.tell("default-branch", "", 0)
    others = [glob for glob in triggers.pop("branches", ()) if glob.lstrip("!") != name]
    made: dict[str, Any] = {"branches": [name, *others], **triggers}
    if made == {"branches": [name], "tags": ["**"], "pull_requests": True}:
        del build["triggers"]
        return
    build["triggers"] = made


# -- several images ----------------------------------------------------------------------------


def images(
    builds: list[tuple[str, dict[str, Any]]], joined: Mapping[str, str], report: Report
) -> dict[str, Any]:
    """The data of several builds; ``joined`` are the jobs that became a part of another one."""
    names = _names(builds)
    parts: dict[str, dict[str, Any]] = {}
    needs: dict[str, list[str]] = {}
    known = {job: name for name, (job, _) in zip(names, builds, strict=True)}
    known.update({job: known[kept] for job, kept in joined.items()})
    for name, (job, read) in zip(names, builds, strict=True):
        needs[name] = _needs(read, known)
        build = finished(read, report, "build-images")
        # Names of jobs are made from those of the images; a run of Agola holds several.
        for target, keys in NAME_KEYS.items():
            if target != "agola":
                _without(build, target, keys)
        parts[name] = build
        report.tell("image", "", 0, job or name, name)
        report.images[name] = job
    templated = _templated(parts)
    _checked_out_once(parts, report)
    branches = [build.pop("default_branch", "") for build in parts.values()]
    common = _common(list(parts.values()))
    common.update({"default_branch": DEFAULT_BRANCH} if any(branches) else {})
    common.update(templated)
    images = {}
    for name, build in parts.items():
        own = _own(build, common)
        if needs[name]:
            own["needs"] = needs[name][0] if len(needs[name]) == 1 else needs[name]
        images[name] = ordered(own)
    return ordered({**common, "images": images})


def _templated(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What differs between the images by nothing but their names; it is taken out of them."""
    found: dict[str, Any] = {}
    for key in ("context", "destinations"):
        made = [_with_name(build.get(key), name) for name, build in parts.items()]
        if made[0] and "${image.name}" in str(made[0]) and all(item == made[0] for item in made):
            found[key] = made[0]
            for build in parts.values():
                del build[key]
    return found


def _checked_out_once(parts: dict[str, dict[str, Any]], report: Report) -> None:
    """A spec has one checkout: what some build needs, all get."""
    builds = [*parts.values()]
    wanted = [build["checkout"] for build in builds if "checkout" in build]
    if not wanted:
        return
    depths = [item.get("depth") for item in wanted]
    given = {
        "submodules": max((item.get("submodules", "") for item in wanted), key=str),
        "lfs": any(item.get("lfs") for item in wanted),
        "depth": None if None in depths or len(wanted) < len(builds) else max(depths),
    }
    shared = {name: item for name, item in given.items() if item}
    for key in ("submodules", "lfs"):
        value = given[key]
        own = [name for name in parts if parts[name].get("checkout", {}).get(key) == value]
        if value and len(own) < len(parts):
            written = "true" if value is True else value
            report.tell("checkout/for-all", "", 0, key, written, ", ".join(own))
    if given["depth"] is None and any(depths):
        report.tell("checkout-depth", "", 0, max(depth or 0 for depth in depths))
    for build in builds:
        build.pop("checkout", None)
        build.update({"checkout": shared} if shared else {})


def _with_name(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_with_name(item, name) for item in value]
    if isinstance(value, dict):
        return {**value, "image": _with_name(value["image"], name)} if "image" in value else value
    if isinstance(value, str):
        return re.sub(rf"(?<![\w.$-]){re.escape(name)}(?![\w.-])", "${image.name}", value)
    return value


def _needs(build: dict[str, Any], known: Mapping[str, str]) -> list[str]:
    """The images that one waits for, whose jobs have other names in the rendered file."""
    found: list[str] = []
    for target, key in (*((name, "needs") for name in NAMES), ("buildkite", "depends_on")):
        section = build.get(target, {})
        wanted = (section.get("extra", {}) if key == "depends_on" else section).get(key) or []
        for job in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(job, str) and job in known:
                found.append(known[job])
                forget(section, key, job)
        put(build, target, build.pop(target, None))
    return list(dict.fromkeys(found))


def _without(build: dict[str, Any], target: str, keys: tuple[str, ...]) -> None:
    section = build.get(target)
    if not section:
        return
    for key in keys:
        section.pop(key, None)
    if not section:
        del build[target]


def _names(builds: list[tuple[str, dict[str, Any]]]) -> list[str]:
    jobs = [
        _image_name(
            re.sub(
                r"(?i)^(?:(?:build|docker|kaniko|image|publish|push|and)[-_:. ]+)+|"
                r"(?<![-_:. ])[-_:. ]+(?:build|docker|kaniko|image|publish|push)$",
                "",
                job,
            )
        )
        for job, _ in builds
    ]
    destinations = [_image_name(_repository(build)) for _, build in builds]
    folders = (str(build.get("context", "")).rpartition("/")[2] for _, build in builds)
    for names in (jobs, destinations, [_image_name(folder) for folder in folders]):
        if len({*names} - {""}) == len(names):
            return names
    found: list[str] = []
    for one, two in zip(destinations, jobs, strict=True):
        stem = one or two or "image"
        numbered = (f"{stem}-{number}" for number in count(2))
        found.append(next(name for name in chain([stem], numbered) if name not in found))
    return found


def _repository(build: dict[str, Any]) -> str:
    first = next(iter(build.get("destinations", ())), "")
    path = re.sub(r"\$\{[^}]*\}", "", image_of(first))
    path = re.sub(r":[^/]*$", "", path).rstrip("/-_.")
    return path.rpartition("/")[2]


def _image_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    if not name:
        return ""
    check_image_name(name)
    return name


def _common(builds: list[dict[str, Any]]) -> dict[str, Any]:
    """What all builds say alike; mappings key by key."""
    first, *others = builds
    found: dict[str, Any] = {}
    for key, value in first.items():
        if key in _MERGED and isinstance(value, dict):
            inner = {
                name: item
                for name, item in value.items()
                if all(other.get(key, {}).get(name) == item for other in others)
            }
            if key == "cache" and "repo" not in inner:
                inner = {}
            if inner:
                found[key] = inner
        elif key != "destinations" and all(other.get(key) == value for other in others):
            # What two images push to is said of each: one of them has to go elsewhere.
            found[key] = value
    return found


def _own(build: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in build.items():
        if key not in common:
            found[key] = value
        elif isinstance(value, dict) and key in _MERGED:
            inner = {name: item for name, item in value.items() if name not in common[key]}
            if inner:
                found[key] = inner
    return found
