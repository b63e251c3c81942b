"""Cases rendered and run: what a test compares with the expectation."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ci_kaniko
from ci_kaniko.quick.built import PACKAGE
from ci_kaniko.quick.choice import FORCED
from ci_kaniko.rehearsing.events import Event, values
from ci_kaniko.rehearsing.recorded import Handed
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rendering import render as text_for
from harness import expectation, expected_logins, images, shared, tools
from harness.cases import CASES, PIPELINE_CASES, ROOT, spec_path
from harness.execution import run, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ci_kaniko.rehearsing.recorded import Recorded
    from harness.expectation import Run

_RENDER_ALL = """
import functools, json, sys
import ci_kaniko
load = functools.cache(lambda path: ci_kaniko.loads(open(path, "rb").read(), path))
for path, target, values in json.load(sys.stdin):
    print(json.dumps(ci_kaniko.render(load(path), target, values)))
print(json.dumps([name for name in ("jinja2", "pydantic") if name in sys.modules]))
"""
"""A program that renders what its input asks for, one text a line, and says what it imported."""

TARGETS = tuple(sorted(ci_kaniko.available_targets()))
SHELLS = tools.shells()


@functools.cache
def text_of(case: str) -> str:
    return spec_path(case).read_text(encoding="utf-8")


@functools.cache
def read(case: str) -> expectation.Spec:
    return expectation.read(text_of(case))


@functools.cache
def refused(case: str, target: str) -> set[str] | None:
    """The rules by which a target refuses a case; None when it renders it."""
    return expectation.not_on(text_of(case)).get(target)


PAIRS = tuple((case, target) for case in CASES for target in TARGETS)
RENDERED = tuple((case, target) for case, target in PAIRS if refused(case, target) is None)
TOLD_BY_OTHERS = {("variables-commit-time", target) for target in ("agola", "buildkite")}
"""What no import of one job can know: another one reads it."""
PIPELINE_PAIRS = tuple((case, target) for case in PIPELINE_CASES for target in TARGETS)
PIPELINES_RENDERED = tuple(
    (case, target) for case, target in PIPELINE_PAIRS if refused(case, target) is None
)


@functools.cache
def spec_of(case: str) -> ci_kaniko.Spec:
    return ci_kaniko.loads(text_of(case), f"{case}.yaml")


def values_for(target: str, event: Event) -> dict[str, str] | None:
    if not ci_kaniko.available_targets()[target].needs_values:
        return None
    return {**values(event), **expectation.given()}


INPUTS = {"inputs-required": {"version": "1.2_3", "quick": "true"}}
"""What is always given: inputs that have no default."""


@functools.cache
def read_pipeline(case: str) -> images.Pipeline:
    return images.given(text_of(case), tuple(INPUTS.get(case, {}).items()))


def push_event(case: str) -> Event:
    """A push to the default branch: what a manifest in snapshots/ is rendered for."""
    return expectation.events(read(case))[0]


@functools.cache
def render(case: str, target: str, event: Event | None = None) -> str:
    """The same text for every event, but where a manifest has to hold the event's values."""
    needed = values_for(target, event or push_event(case))
    if needed is None and event is not None:
        return render(case, target)
    return shared.text(
        (case, text_of(case), target, needed),
        lambda: text_for(spec_of(case), target, needed),
    )


def rendered_elsewhere(
    pairs: Sequence[tuple[str, str]],
    seed: str,
    folder: Path,
    files: Mapping[str, str],
    reader: str = "pydantic",
) -> list[Any]:
    """What another process renders of cases: with another clock, environment and order of sets.

    ``files`` are those of the package that a build makes; in the end comes what they spare.
    """
    package = folder / "site" / PACKAGE
    package.mkdir(parents=True)
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    wanted = [
        (str(spec_path(case)), target, values_for(target, push_event(case)))
        for case, target in pairs
    ]
    done = subprocess.run(
        [sys.executable, "-c", _RENDER_ALL],
        input=json.dumps(wanted),
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", FORCED: reader}
        | {"PYTHONPATH": os.pathsep.join([str(package.parent), str(ROOT / "src"), *sys.path])},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_its_store(held: expected_logins.Fed, target: str) -> dict[str, Any]:
    """Secrets as a platform keeps them: ready configs are files, Secrets or texts."""
    on_gitlab, in_store = target == "gitlab", target in ("kubernetes", "buildkite")
    as_text = {} if on_gitlab or in_store else held.docker_configs
    return {
        "secrets": {**held.secrets, **as_text},
        "file_secrets": held.docker_configs if on_gitlab else {},
        "docker_configs": held.docker_configs if in_store else {},
    }


def execute(
    wanted: Run,
    text: str,
    shell: str,
    *,
    fed: expected_logins.Fed | None = None,
    status: int = 0,
    extra_env: Mapping[str, str] | None = None,
) -> Recorded:
    """Run a rendered text with the secrets that are fed: by default every one, none for a fork."""
    if fed is None:
        empty = expected_logins.Fed({}, {})
        fed = empty if wanted.event.fork else expected_logins.fed(wanted)
    section = wanted.spec.section(wanted.target)
    request = Request(
        wanted.target,
        text,
        wanted.event,
        **in_its_store(fed, wanted.target),
        variables=expectation.RUN_TIME,
        shell=shell,
        executor_status=status,
        secret=section.get("secret", "ci-kaniko"),
        extra_env=extra_env or {},
    )
    return run(_after_the_time(request) if "format-local" in text else request)


def _after_the_time(request: Request) -> Request:
    """A job with what the one before has read in its clone, where it cannot do that itself."""
    if request.target not in ("agola", "buildkite"):
        return request
    (first, *_) = steps_of(request.target, request.text, request.event, {})
    done = run(replace(request, job=first.name, extra_env={}))
    handed = Handed(artifacts={first.name: done.artifacts}, outputs={first.name: done.outputs})
    return replace(request, handed=handed)


def rendering(spec: ci_kaniko.Spec, target: str, event: Event) -> str | ci_kaniko.SpecError:
    """What a spec becomes on a target: a text, or what is in the way."""
    try:
        return text_for(spec, target, values_for(target, event))
    except ci_kaniko.SpecError as refused:
        return refused


def in_parallel(jobs: Iterable[Callable[[], None]]) -> None:
    """Two runs at a time; the first failure is raised."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def started(case: str) -> list[Event]:
    """The events that start the job: a script need not care for the others."""
    events = expectation.events(read(case))
    return [event for event in events if expectation.starts(read(case), event)]
