"""Whole pipelines run: every job that an event starts, with what the jobs before handed over."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing import triggers, yaml11
from ci_kaniko.rehearsing.documents import REQUESTS
from ci_kaniko.rehearsing.recorded import Handed
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.runners.agola import agola_tasks
from ci_kaniko.rehearsing.triggers import Result
from harness import expectation, expected_logins, images
from harness.cases import PIPELINE_CASES
from harness.execution import run, steps_of
from harness.runs import INPUTS, SHELLS, TARGETS, in_its_store, read_pipeline, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.triggers import Step
    from harness.images import Job, Pipeline

_NATIVE_NAMES = {"gitlab": "job", "github": "job", "buildkite": "key", "kubernetes": "name"}


@dataclass(frozen=True)
class Ran:
    """What became of each job, and what was recorded of those that started."""

    results: Mapping[str, Result]
    recorded: Mapping[str, Recorded]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a run is given beside the event: inputs, secrets (all by default), what fails."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    fed: expected_logins.Fed | None = None
    failing_tools: Sequence[str] = ()
    failing_jobs: Sequence[str] = ()


_USUAL = Given()


def digest_of(job: str) -> str:
    """What a job pushes has a digest of its own."""
    return f"sha256:{hashlib.sha256(job.encode()).hexdigest()}"


def fed(pipeline: Pipeline, target: str, event: Event) -> expected_logins.Fed:
    """Every secret of every image; none for a fork."""
    found = [expected_logins.fed(job.run(target, event)) for job in pipeline.jobs]
    if event.fork:
        return expected_logins.Fed({}, {})
    return expected_logins.Fed(
        {name: value for each in found for name, value in each.secrets.items()},
        {name: value for each in found for name, value in each.docker_configs.items()},
    )


def names(pipeline: Pipeline, target: str) -> dict[str, Job]:
    """The jobs that build or join by their names on a target."""
    return {native_name(job, target): job for job in pipeline.jobs}


def native_name(job: Job, target: str) -> str:
    section = job.image.data.get(target, {})
    given = section.get(_NATIVE_NAMES.get(target, "" if job.image.name else "run"))
    default = f"build-{job.image.name or 'image'}"
    if target == "github" and not job.image.name:
        default = "image"
    name = "-".join(filter(None, [given or default, images.slug(job.platform)]))
    return re.sub("[._]", "-", name) if target in ("github", "buildkite", "kubernetes") else name


def repository(pipeline: Pipeline) -> dict[str, str]:
    """What the checkout holds: a Dockerfile in every context."""
    contexts = {image.data.get("context", ".") for image in pipeline.images.values()}
    return {os.path.normpath(f"{path}/Dockerfile"): f"# {path}\n" for path in sorted(contexts)}


def run_pipeline(
    target: str, text: str, pipeline: Pipeline, event: Event, shell: str, given: Given = _USUAL
) -> Ran:
    """Run a rendered text as its platform would."""
    recorded: dict[str, Recorded] = {}
    stored = in_its_store(given.fed or fed(pipeline, target, event), target)

    def perform(step: Step) -> Result:
        done = run(
            Request(
                target,
                text,
                event,
                **stored,
                variables=expectation.RUN_TIME,
                shell=shell,
                files=repository(pipeline),
                job=step.name,
                handed=Handed(
                    artifacts={name: each.artifacts for name, each in recorded.items()},
                    outputs={name: each.outputs for name, each in recorded.items()},
                ),
                inputs=given.inputs,
                digest=digest_of(step.name),
                failing=given.failing_tools,
                executor_status=7 if step.name in given.failing_jobs else 0,
            )
        )
        recorded[step.name] = done
        return _result_of(done)

    results = triggers.play(steps_of(target, text, event, given.inputs), perform)
    return _with_requests(Ran(results, recorded))


def _result_of(done: Recorded) -> Result:
    return Result("failed" if done.status else "passed", done.outputs)


def looked(text: str, event: Event, shell: str = "dash") -> Result:
    """How GitHub's job ends that looks at what an event changed; it really runs."""
    return _result_of(_ran_alone("github", _alone(text, "changes"), event, "changes", shell))


@functools.cache
def _ran_alone(target: str, text: str, event: Event, job: str, shell: str) -> Recorded:
    return run(Request(target, text, event, job=job, shell=shell))


def _alone(text: str, name: str) -> str:
    """A workflow with one of its jobs and what that is run with: many hold it alike."""
    workflow = yaml11.load(text)
    around = {key: workflow[key] for key in ("env", "defaults") if key in workflow}
    job = {key: item for key, item in workflow["jobs"][name].items() if key not in _OUTSIDE}
    called = {key: value for key, value in workflow["on"].items() if key == "workflow_call"}
    asked = called if "inputs." in json.dumps(job) else {}
    return json.dumps({"on": asked, **around, "jobs": {name: job}})


_OUTSIDE = ("name", "if", "needs", "concurrency")
"""What says when a job runs, and nothing to its steps."""


_LAST_WORDS = {"agola": "match=''|is only for", "github": "does not see the case"}
"""What stands in scripts that may leave at once, because no condition can say all."""


def stays(target: str, text: str, event: Event, job: str) -> bool:
    """Whether a started job goes on: a script that may leave at once really runs."""
    if target not in _LAST_WORDS:
        return True
    jobs = agola_tasks(text) if target == "agola" else yaml11.load(text)["jobs"]
    script = json.dumps(jobs[job]).replace("\\n", "\n")
    if not re.search(_LAST_WORDS[target], script):
        return True
    alone = _alone(text, job) if target == "github" else text
    got = _ran_alone(target, alone, event, job, SHELLS[-1])
    return bool(got.calls or got.status)


def _with_requests(ran: Ran) -> Ran:
    """The job of pull requests under the name of that for pushes: one of the two has done it."""
    results, recorded = dict(ran.results), dict(ran.recorded)
    for name in [name for name in results if name.endswith(REQUESTS)]:
        result, got = results.pop(name), recorded.pop(name, None)
        if got is not None and "this event does not start" not in got.stderr:
            results[name.removesuffix(REQUESTS)] = result
            recorded[name.removesuffix(REQUESTS)] = got
    return Ran(results, recorded)


def events(case: str) -> tuple[Event, ...]:
    """The usual events; each changes something that every image watches."""
    changed = {"Dockerfile", "src/main.go"}
    for image in read_pipeline(case).images.values():
        for glob in image.data.get("triggers", {}).get("paths", ()):
            changed.add(glob.replace("**", "x/y").replace("*", "z"))
    found = expectation.events(expectation.Spec(read_pipeline(case).data))
    return tuple(replace(event, changed=tuple(sorted(changed))) for event in found)


@functools.cache
def ran(case: str, target: str, event: Event, shell: str) -> Ran:
    text = render(case, target, event)
    given = Given(inputs=INPUTS.get(case, {}))
    return run_pipeline(target, text, read_pipeline(case), event, shell, given)


def shell_for(case: str, target: str, event: Event) -> str:
    number = PIPELINE_CASES.index(case) + TARGETS.index(target) + len(event.name)
    return SHELLS[number % len(SHELLS)]


def ended(ran: Ran, job: Job, target: str) -> Recorded | None:
    """What was recorded of a job; None when it did not start."""
    return ran.recorded.get(native_name(job, target))


def play_with(case: str, target: str, event: Event, given: Given) -> Ran:
    text = render(case, target, event)
    shell = shell_for(case, target, event)
    return run_pipeline(target, text, read_pipeline(case), event, shell, given)
