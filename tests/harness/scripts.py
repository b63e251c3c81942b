"""The shell scripts of a rendered file, as the shell gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.kubelet import expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHELLS = ("sh", "ash", "dash", "bash")


def scripts(target: str, path: Path) -> list[str]:
    documents = yaml11.load_all(path.read_text(encoding="utf-8"))
    if target == "gitlab":
        documents = documents[-1:]
    found = [script for document in documents for script in _EXTRACT[target](document)]
    return [script for script in found if script.strip()]


def pod_specs(target: str, document: Any) -> Iterator[Any]:
    """Every pod spec, or patch of one, in a document."""
    if target == "kubernetes":
        spec = document["spec"]
        while "template" in spec or "jobTemplate" in spec:
            spec = (spec.get("template") or spec["jobTemplate"])["spec"]
        yield spec
    for step in _buildkite_steps(document) if target == "buildkite" else ():
        for plugin in step.get("plugins", ()):
            settings = plugin.get("kubernetes") if isinstance(plugin, dict) else None
            for key in ("podSpec", "podSpecPatch"):
                if settings and key in settings:
                    yield settings[key]


def _gitlab(document: Any) -> Iterator[str]:
    """One script per job: the runner joins before_script and script."""
    for job in document.values():
        if not isinstance(job, dict):
            continue
        yield "\n".join(_lines(job.get("before_script")) + _lines(job.get("script")))
        yield "\n".join(_lines(job.get("after_script")))


def _github(document: Any) -> Iterator[str]:
    for job in document["jobs"].values():
        for step in job.get("steps", ()):
            yield step.get("run", "")


def _kubernetes(document: Any) -> Iterator[str]:
    for spec in pod_specs("kubernetes", document):
        for container in [*spec.get("initContainers", ()), *spec["containers"]]:
            command = [*container.get("command", ()), *container.get("args", ())]
            if command and command[0].rpartition("/")[2] in _SHELLS:
                options = next(i for i, word in enumerate(command) if i and word.endswith("c"))
                yield expand(command[options + 1], {})


def _buildkite(document: Any) -> Iterator[str]:
    for step in _buildkite_steps(document):
        lines = _lines(step.get("command") or step.get("commands"))
        yield "\n".join(lines).replace("$$", "$")


def _agola(document: Any) -> Iterator[str]:
    for run in document["runs"]:
        for task in run["tasks"]:
            for step in task.get("steps", ()):
                if "run" not in step and step.get("type") != "run":
                    continue
                step_run = step.get("run", step)
                yield step_run if isinstance(step_run, str) else step_run.get("command", "")


def _buildkite_steps(document: Any) -> Iterator[Any]:
    for step in document["steps"]:
        if isinstance(step, dict):
            yield from _buildkite_steps(step) if "steps" in step else [step]


def _lines(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for item in value for line in _lines(item)]
    return [] if value is None else [value]


_EXTRACT = {
    "gitlab": _gitlab,
    "github": _github,
    "kubernetes": _kubernetes,
    "buildkite": _buildkite,
    "agola": _agola,
}
