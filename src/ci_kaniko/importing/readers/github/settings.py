"""A job's settings that are GitHub's alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.accounting import ignore_keys, tell_unread
from ci_kaniko.importing.readers.documents import (
    Map,
    mapping,
    native,
    peek,
    sequence,
    string,
)
from ci_kaniko.importing.shell.secrets import is_secret_name

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Draft

_USUAL = (["ubuntu-24.04"], ["ubuntu-latest"])
_OUR_GROUP = "${{ github.workflow_ref }}-"
_LEFT: dict[str, tuple[str, str, str]] = {
    "concurrency": (
        "concurrency",
        "concurrency: {shown} is not carried over",
        "the rendered workflow has a group of its own and lets each build finish",
    ),
    "services": ("services", "the services {shown} of the job", "github: {{extra: ...}}"),
    "strategy.max-parallel": (
        "max-parallel",
        "max-parallel: {shown}: the images of a spec build at the same time",
        "needs: puts them in an order",
    ),
    "strategy.fail-fast": (
        "fail-fast",
        "fail-fast: {shown}: each image of a spec is a job of its own",
        "",
    ),
    "outputs": (
        "job-outputs",
        "the job's outputs {shown} are not carried over",
        "digest: true hands the digest of the image to later jobs",
    ),
}
"""Keys of a job and of a workflow that are told in their own words."""


def section_of(job: Draft, name: str, root: Map, raw: Map, *, called: bool) -> None:
    """The ``github:`` section of a job, and what is told beside it."""
    section = job.section
    mode = section.pop("mode", None)
    if mode:
        section["mode"] = mode
    workflow = string(root.get("name"))
    if workflow and workflow != "image":
        section["workflow"] = workflow
    if name != "image" and "job" not in section:
        section["job"] = name
    _runner(job, raw)
    minutes = native(raw.get("timeout-minutes"))
    if isinstance(minutes, int) and minutes != 60:
        section["timeout_minutes"] = minutes
    elif minutes is not None and not isinstance(minutes, int):
        job.left(
            "timeout", f"timeout-minutes: {minutes}", raw.line_of("timeout-minutes"), "60 minutes"
        )
    _environment(job, raw)
    if "needs" in raw:
        section["needs"] = [string(item) for item in sequence(raw["needs"])]
    if not called and "permissions" not in raw and "permissions" not in root:
        job.mended(
            "permissions",
            "no permissions are written, so the job's token may have all of them",
            job.line,
            "the rendered job asks for the least",
        )
    if "timeout-minutes" not in raw and "runs" not in root:
        job.mended(
            "no-timeout",
            "without timeout-minutes a hang takes six hours",
            job.line,
            "60 minutes",
        )
    extra = _extra(raw)
    if extra:
        section["extra"] = extra


def _runner(job: Draft, raw: Map) -> None:
    runs_on = raw.get("runs-on")
    line = raw.line_of("runs-on")
    listed = sequence(runs_on.get("labels")) if isinstance(runs_on, Map) else sequence(runs_on)
    labels = [string(item) for item in listed]
    if labels == ["ubuntu-latest"]:
        job.mended("moving-runner", "ubuntu-latest moves on by itself", line, "ubuntu-24.04")
    elif any("${{" in label for label in labels):
        job.left("runs-on", f"runs-on: {', '.join(labels)}", line, "github: {runs_on: LABEL}")
    elif labels and labels not in _USUAL:
        job.section["runs_on"] = labels[0] if len(labels) == 1 else labels


def _environment(job: Draft, raw: Map) -> None:
    given = raw.get("environment")
    named = string(given) or string(mapping(given).get("name"))
    if named and "${{" not in named:
        job.section["environment"] = named
    elif named:
        job.left(
            "environment",
            f"the environment {named} depends on the run",
            raw.line_of("environment"),
            "github: {environment: NAME} is one for all runs, with its secrets and rules",
        )


_BUILDS = {
    *("name", "if", "runs-on", "timeout-minutes", "environment", "permissions", "container"),
    *("steps", "strategy", "env", "outputs", "needs", "concurrency", "defaults", "services"),
    *("uses", "with", "secrets", "using"),
}


def _extra(raw: Map) -> dict[str, Any]:
    """The keys of a job that its rendered one can have as they are."""
    return {key: native(value) for key, value in raw.items() if key not in _BUILDS}


def tell_environment(job: Draft, root: Map, raw: Map) -> None:
    """Variables that no step names: in the executor's own container they are the executor's."""
    inner = mapping(mapping(raw.get("container")).get("env"))
    handed = f"{root.get('env')} {raw.get('env')} {inner}"
    for holder, readers, is_inner in (
        (mapping(root.get("env")), root.get("jobs"), False),
        (mapping(raw.get("env")), raw, False),
        (inner, raw, True),
    ):
        used = _used(readers)
        for key, value in holder.items():
            name = re.escape(key)
            if re.search(rf"\b{name}\b", used) or re.search(rf"\benv\.{name}\b", handed):
                continue
            if is_inner and key in job.environment:
                job.exported[key] = holder.line_of(key)
            else:
                shown = "***" if is_secret_name(key) else string(value)
                job.left(
                    "unused-variable",
                    f"{key}: {shown} reaches no argument of the build",
                    holder.line_of(key),
                    "env: gives the executor a variable",
                )


def _used(value: Any) -> str:
    """Every text of the steps in which a variable may be read."""
    if isinstance(value, Map):
        keys = [key for key in value if key == "steps"] or list(value)
        return "\n".join(_used(value[key]) for key in keys)
    if isinstance(value, list):
        return "\n".join(map(_used, value))
    return peek(value)


def tell_rest(job: Draft, root: Map, raw: Map, *, ours: bool) -> None:
    """One line of the report for each part of a job, and of its workflow, that nobody read."""
    ignore_keys(raw, "GitHub job")
    ignore_keys(root, "GitHub workflow")
    tell_environment(job, root, raw)
    if ours and peek(mapping(root.get("concurrency")).get("group")).startswith(_OUR_GROUP):
        root = without(root, "concurrency")
    for step in sequence(raw.get("steps")):
        ignore_keys(mapping(step), "GitHub step")
    for holder, prefix in ((raw, ""), (mapping(raw.get("strategy")), "strategy."), (root, "")):
        for key in holder:
            found = _LEFT.get(f"{prefix}{key}")
            if found and (holder is not root or key == "concurrency"):
                rule, message, advice = found
                shown = _shown(native(holder[key]))
                job.left(rule, message.format(shown=shown), holder.line_of(key), advice)
    for at, step in enumerate(sequence(raw.get("steps"))):
        tell_unread(job, step, f"steps[{at}]", "the rendered job has steps of its own")
    tell_unread(
        job, without(raw, "steps"), advice="github: {extra: ...} takes keys of the job as they are"
    )
    for key, value in root.items():
        if key not in {"name", "on", "true", "True", "jobs", "runs"}:
            tell_unread(job, value, key)


def without(holder: Map, key: str) -> Map:
    """A mapping without one of its keys."""
    found = Map(holder.line)
    found.update({name: value for name, value in holder.items() if name != key})
    found.lines = holder.lines
    return found


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
