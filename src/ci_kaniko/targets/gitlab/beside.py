"""GitLab jobs in a pipeline that somebody else writes, or that is rendered when it runs."""

from __future__ import annotations

import re

from ci_kaniko.plan.select import with_section
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.targets.gitlab.jobs import INHERITED
from ci_kaniko.text.patterns import pattern
from ci_kaniko.text.yaml import scalar

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.native.gitlab import GitLab
    from ci_kaniko.spec.spec import Spec

_DEFAULTS = pattern(
    r"(?m)^(?:default:.*\n(?:(?:[ \t#].*)?\r?\n)*?[ \t]+)?"
    r"(?:before_script|after_script|services|cache|artifacts|hooks|interruptible|retry)[ \t]*:"
)
"""What a GitLab file gives every job, and no kaniko job can use."""
_UNCHECKED = (
    r"(?m)^variables[ \t]*:(?:.*\n(?:[ \t#].*\n|\r?\n)*?)?.*\b"
    r"NAME[\"']?[ \t]*:[ \t]*[\"']?(?:none|empty|false)\b"
)
"""What a file tells the runner of every job, and leaves ours without what they build."""
_CHECKED = {"GIT_STRATEGY": "fetch", "GIT_CHECKOUT": "true"}
_STAGES = pattern(
    r"(?m)^stages[ \t]*:(?:[ \t]*\[([^\]]*)\]|[^\n]*\n((?:[ \t]*(?:-[ \t].*|#.*)?(?:\n|\Z))+))"
)
_USUAL = ("docker", "image", "images", "package", "build", "publish", "release")
"""Stages in which people build images, the plainest names first."""


def section(current: str, *, merged: bool) -> str:
    """What a first spec says of a pipeline that there is.

    Without a word a job is in the stage test, and GitLab refuses one whose stage is not listed.
    """
    stage = _stage(current)
    fields = ["form: include"] * (not merged) + [f"stage: {scalar(stage)}"] * bool(stage)
    why = (
        "# A file for include: of .gitlab-ci.yml; its jobs take only tags and timeout from default:"
    )
    lines = [why] * (not merged) + [f"gitlab: {{{', '.join(fields)}}}"] * bool(fields)
    return "\n".join(lines)


def _stage(current: str) -> str:
    """A stage for images, of those that the pipeline lists."""
    found = _STAGES.search(current.replace("\r\n", "\n"))
    if found is None:
        return ""
    lines = found[1].split(",") if found[1] is not None else found[2].split("\n")
    words = [line.partition(" #")[0].strip().removeprefix("- ").strip(" \t\"'") for line in lines]
    names = [word for word in words if word and not word.startswith(("#", "*", "!", "$"))]
    # Jobs of the stage build may make files for the image, which their own stage does not wait for.
    usual = [name for name in _USUAL if name != "build" or "artifacts:" not in current]
    otherwise = "" if "test" in names else next(iter(names), "")
    return next((name for name in usual if name in names), otherwise)


def merged(spec: Spec, current: str) -> Spec:
    """Jobs that take nothing of what the file gives the others."""
    inherit = {"inherit": INHERITED} if _DEFAULTS.search(current) else {}
    unchecked = {
        name: text
        for name, text in _CHECKED.items()
        if re.search(_UNCHECKED.replace("NAME", name), current)
    }

    def changed(section: GitLab) -> dict[str, Any]:
        own = {**inherit, **section.extra}
        if unchecked:
            own["variables"] = {**unchecked, **section.extra.get("variables", {})}
        return {"extra": own} if own else {}

    return with_section(spec, "gitlab", changed)


def started_now(build: Build) -> dict[str, Any]:
    """A child pipeline, whose parent has been started by a clock or a button."""
    if build.gitlab.form != "pipeline":
        return {}
    update: dict[str, Any] = {"gitlab": build.gitlab.model_copy(update={"form": "child"})}
    if build.triggers and build.triggers.names_refs:
        settled = {"schedules": (), "manual": False, "pipelines": False}
        update["triggers"] = build.triggers.model_copy(update=settled)
    return update


def nothing(spec: Spec, why: str) -> str:
    """A job that does nothing: GitLab fails where a child pipeline has none."""
    from ci_kaniko.builders.registry import builder
    from ci_kaniko.targets.gitlab.names import native
    from ci_kaniko.targets.header import header
    from ci_kaniko.text.quoting import quote
    from ci_kaniko.text.yaml import flow, scalar

    build = spec.builds[0]
    tags = [native(build, tag) for tag in build.gitlab.tags or ()]
    image = builder(build.built_by("gitlab")).image(build, with_shell=True)
    lines = [
        header(spec),
        "",
        "nothing-to-build:",
        "  image:",
        f"    name: {scalar(image)}",
        '    entrypoint: [""]',
        *([f"  tags: {flow(tags)}"] if tags else []),
        "  variables:",
        "    GIT_STRATEGY: none",
        "  script:",
        f"    - {scalar(f'echo {quote(why)}')}",
        "  rules:",
        '    - if: $CI_PIPELINE_SOURCE == "parent_pipeline"',
    ]
    return "\n".join(lines) + "\n"
