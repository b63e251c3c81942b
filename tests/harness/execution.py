"""Run rendered CI files for real, against an executor that records what reached it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import buildkite_upload, kubelet, sandbox, starter, tools
from harness.recording import record
from harness.request import Outcome, Request, Running
from harness.runners import agola, buildkite, github, gitlab, kubernetes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.recorded import Recorded

_RUNNERS: Mapping[str, Callable[[Running], Outcome]] = {
    "gitlab": gitlab.run,
    "github": github.run,
    "kubernetes": kubernetes.run,
    "buildkite": buildkite.run,
    "agola": agola.run,
}


def run(request: Request) -> Recorded:
    """Run a job as its platform would."""
    request = replace(request, shell=tools.serving(request.shell))
    isolated = sandbox.ISOLATED
    if not isolated and "CI" in os.environ:
        raise RuntimeError(
            "no mount namespaces here: allow unprivileged user namespaces, or be root"
        )
    with starter.room(sandbox.world(request.shell, isolated=isolated)) as room:
        box = sandbox.Sandbox(room, request.shell)
        box.prepare(request)
        try:
            outcome = _RUNNERS[request.target](Running(**vars(request), box=box))
        except (kubelet.MissingSecret, buildkite_upload.UploadError) as error:
            outcome = Outcome((125, "", f"{error}\n"), image="")
        return record(request.target, request.event, box, outcome)
