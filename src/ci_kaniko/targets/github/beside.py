"""GitHub jobs in a workflow that somebody writes by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.plan.select import with_section

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec


def merged(spec: Spec, current: str) -> Spec:
    """Jobs alone: the workflow has events and a name already."""
    return with_section(spec, "github", lambda _: {"form": "jobs"})
