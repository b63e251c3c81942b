"""Run rendered CI files for real, against an executor that records what reached it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing import buildkite_upload, kubelet, sandbox, starter
from ci_kaniko.rehearsing.recording import record
from ci_kaniko.rehearsing.runners import agola, buildkite, github, gitlab, kubernetes
from ci_kaniko.rehearsing.running import Outcome, Running
from ci_kaniko.rehearsing.shells import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.request import Request

_RUNNERS: Mapping[str, Callable[[Running], Outcome]] = {
    "gitlab": gitlab.run,
    "github": github.run,
    "kubernetes": kubernetes.run,
    "buildkite": buildkite.run,
    "agola": agola.run,
}


def run(request: Request) -> Recorded:
    """Run a job as its platform would.

    Raises MissingProgram without a shell, and NotModelled for what no platform does here.
    """
    request = replace(request, shell=serving(request.shell))
    with starter.room(sandbox.world(request.shell, isolated=sandbox.ISOLATED)) as room:
        box = sandbox.Sandbox(room, request.shell)
        box.prepare(request)
        try:
            outcome = _RUNNERS[request.target](Running(**vars(request), box=box))
        except (kubelet.MissingSecret, buildkite_upload.UploadError) as error:
            outcome = Outcome((125, "", f"{error}\n"), image="")
        return record(request.target, request.event, box, outcome)
