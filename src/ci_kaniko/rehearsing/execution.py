"""Run rendered CI files for real, against an executor that records what reached it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.problems.problem import CannotRehearse
from ci_kaniko.rehearsing import buildkite_upload, kubelet, launcher, sandbox
from ci_kaniko.rehearsing.recording import record
from ci_kaniko.rehearsing.running import Outcome, Running
from ci_kaniko.rehearsing.shells import serving
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.request import Request
    from ci_kaniko.targets.target import Runner, Target


def runner_of(target: Target) -> Runner:
    """How a target's files run here. Raises CannotRehearse."""
    if target.runner is None:
        from ci_kaniko.text.site import page

        raise CannotRehearse(
            f"nobody says how {target.name} runs a job: its Target takes a runner, which "
            f"{page('adding-a-target/#4-let-it-run-here')} shows"
        )
    return target.runner


def run(request: Request) -> Recorded:
    """Run a job as its platform would.

    Raises UnknownTargetError, CannotRehearse without a runner, MissingProgram without a shell, and
    NotModelled for what no platform does here.
    """
    perform = runner_of(find_target(request.target)).run
    request = replace(request, shell=serving(request.shell))
    with launcher.room(sandbox.world(request.shell, isolated=sandbox.ISOLATED)) as room:
        box = sandbox.Sandbox(room, request.shell)
        box.prepare(request)
        try:
            outcome: Outcome = perform(Running(**vars(request), box=box))
        except (kubelet.MissingSecret, buildkite_upload.UploadError) as error:
            outcome = Outcome((125, "", f"{error}\n"), image="")
        return record(request.target, request.event, box, outcome)
