"""How Acme runs a job, for a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.running import Outcome
from ci_kaniko.rehearsing.triggers import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.running import Running

_CHECKOUT = "/workspace/acme"


def steps(text: str, event: Event, inputs: Mapping[str, str]) -> list[Step]:
    return [Step(name, (), lambda _: True) for name in yaml11.load(text)["jobs"]]


def run(running: Running) -> Outcome:
    job, event = yaml11.load(running.text)["jobs"][running.job], running.event
    running.checkout(_CHECKOUT)
    environment = {
        **running.container_env(job["script"]),
        "ACME_CHECKOUT": _CHECKOUT,
        "ACME_COMMIT": event.sha,
        "ACME_BRANCH": event.branch,
        "ACME_TAG": event.tag,
        "ACME_PULL_REQUEST": event.pull_request,
        "ACME_URL": f"{event.server}/{event.repository}",
        "ACME_BUILD": "42",
        **job.get("variables", {}),
        **running.variables,
        **running.secrets,
    }
    return Outcome(running.script(job["script"], environment, _CHECKOUT), job["image"], _CHECKOUT)
