"""GitHub jobs in a workflow that somebody writes by hand."""

from __future__ import annotations

from ci_kaniko.plan.select import with_section
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from ci_kaniko.spec.native.github import GitHub
    from ci_kaniko.spec.spec import Spec

_FOLDER = pattern(
    r"(?m)^defaults[ \t]*:(?:.*\n(?:[ \t#].*\n|\r?\n)*?)?.*\bworking-directory[\"']?[ \t]*:"
)
"""A folder for the steps of every job, which a job without a checkout has not."""


def merged(spec: Spec, current: str) -> Spec:
    """Jobs alone: the workflow has events and a name already, and its folder is not theirs."""
    elsewhere = _FOLDER.search(current) is not None

    def changed(section: GitHub) -> dict[str, Any]:
        own = {"defaults": {"run": {"working-directory": "."}}, **section.extra}
        return {"form": "jobs", **({"extra": own} if elsewhere else {})}

    return with_section(spec, "github", changed)
