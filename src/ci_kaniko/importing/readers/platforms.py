"""Which platform a file is of, and what reads it there."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.ticked import Map, failure, maps
from ci_kaniko.kaniko.systems import SOURCES
from ci_kaniko.problems.problem import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.originals import Original

_CERTAIN, _LIKELY, _NO = 2, 1, 0


class Platform(NamedTuple):
    """A platform: how much a file looks like one of it, and the module that reads its ``jobs``.

    ``places`` are patterns of where its files usually lie in a repository.
    """

    name: str
    module: str
    looks_like: Callable[[Original], int]
    places: tuple[str, ...] = ()
    is_yaml: bool = True

    def read(self, original: Original) -> Iterable[Job]:
        found: Iterable[Job] = import_module(f"{__package__}.{self.module}").jobs(original)
        return found


_SCRIPT = re.compile(r"#!.*\b(?:ba|da|a|k|z)?sh\b|\s*(?:/kaniko/executor|docker run)\b")
_NO_PIPELINES = {
    re.compile(r"(?i)(?:^|\.)(?:gnu)?makefile(?:\.\w+)?$|\.mk$"): (
        "a Makefile",
        "import what one of its targets runs as a script, `source='shell'`",
    ),
    re.compile(r"(?i)^(?:docker-)?compose(?:\.[\w.-]+)?\.ya?ml$"): (
        "a compose file",
        "ci-kaniko init writes a spec for the Dockerfiles of a repository",
    ),
}
"""Files that hold no pipeline, by their names: what they are, and what to do instead."""
_BEFORE_GROOVY = r"(?:#![^\n]*\n|//[^\n]*\n|(?:@Library|import|def)\b[^\n]*\n|\s)*"
_GROOVY = re.compile(rf"{_BEFORE_GROOVY}(?:pipeline|podTemplate|node)\b[^\n]*\{{")
_OF_GITLAB = {"script", "extends", "before_script", "trigger", "stage"}
_OF_BUILDKITE = {"plugins", "command", "commands"}


def _shell(original: Original) -> int:
    """Whether a file is a script: by its name, or by how it begins."""
    named = original.name.endswith((".sh", ".bash"))
    return _CERTAIN if named or _SCRIPT.match(original.text) else _NO


def _jenkins(original: Original) -> int:
    """Whether a file is a Jenkinsfile: by its name, or by how it begins."""
    name = original.name.lower()
    named = name.startswith("jenkinsfile") or name.endswith((".groovy", ".jenkinsfile"))
    return _CERTAIN if named or _GROOVY.match(original.text) else _NO


def _gitlab(original: Original) -> int:
    """Whether a file has GitLab's name, or holds something like a job."""
    if original.name.startswith(".gitlab-ci"):
        return _CERTAIN
    known = any(
        {"stages", "include", "workflow"} & root.keys() or any(map(_is_job, root.items()))
        for root in original.mappings
    )
    return _LIKELY if known else _NO


def _is_job(item: tuple[str, Any]) -> bool:
    name, job = item
    if not isinstance(job, Map) or name == "jobs":
        return False
    image = job.get("image")
    return bool(_OF_GITLAB & job.keys()) or (isinstance(image, Map) and "name" in image)


def _github(original: Original) -> int:
    for root in original.mappings:
        jobs, runs = root.get("jobs"), root.get("runs")
        workflow = isinstance(jobs, Map) and ("on" in root or "steps" not in root)
        if workflow or (isinstance(runs, Map) and "using" in runs):
            return _CERTAIN
    return _NO


def _buildkite(original: Original) -> int:
    for root in original.roots:
        items = root if isinstance(root, list) else ()
        if any(isinstance(item, Map) and _OF_BUILDKITE & item.keys() for item in items):
            return _CERTAIN
        if isinstance(root, Map) and isinstance(root.get("steps"), list):
            return _CERTAIN
    return _NO


def _agola(original: Original) -> int:
    listed = any(isinstance(root.get("runs"), list) for root in original.mappings)
    return _CERTAIN if listed else _NO


def _kubernetes(original: Original) -> int:
    """Whether a file holds objects, and none of Tekton's."""
    objects = any({"apiVersion", "kind"} <= root.keys() for root in original.mappings)
    return _CERTAIN if objects and not _tekton(original) else _NO


def _tekton(original: Original) -> int:
    versions = [str(root.get("apiVersion")) for root in original.mappings]
    return _CERTAIN if any("tekton.dev" in version for version in versions) else _NO


_OF_WOODPECKER = {"settings", "when", "environment", "backend_options", "clone", "workspace"}
_OF_CIRCLE = {"docker", "machine", "macos", "executor"}
_ITS_KEY = {"pipelines": "Bitbucket Pipelines", "phases": "AWS CodeBuild", "steps": "Woodpecker"}


def _other_system(original: Original) -> str:
    """The name of a system that import does not read and that a file is of; empty for none."""
    for root in original.mappings:
        named = root.get("jobs")
        jobs = maps([*named.values()] if isinstance(named, Map) else None)
        steps, stages = list(maps(root.get("steps"))), list(maps(root.get("stages")))
        if any(_OF_CIRCLE & job.keys() and "runs-on" not in job for job in jobs):
            return "CircleCI"
        held = {name: root.get(key) for key, name in _ITS_KEY.items()}
        shown = [name for name, it in held.items() if isinstance(it, Map) and "script" not in it]
        if "plan" in next(iter(maps(named)), {}):
            return "Concourse"
        if shown or root.peek("apiVersion").startswith("skaffold/"):
            return [*shown, "Skaffold"][0]
        if root.peek("kind") == "pipeline":
            return "Drone"
        if stages or ({"pool", "trigger", "pr"} & root.keys() and "steps" in root):
            return "Azure Pipelines"
        first = root.get("pipeline")  # what its steps stood below at first
        older = maps([*first.values()] if isinstance(first, Map) else None)
        theirs = ("image" in step and _OF_WOODPECKER & {*step, *root} for step in steps)
        if any(theirs) or any("image" in step for step in older):
            return "Woodpecker"
        if any("args" in step and "/" in step.peek("name") for step in steps):
            return "Cloud Build"
    return ""


def _both(place: str) -> tuple[str, ...]:
    return f"{place}.yml", f"{place}.yaml"


_PLATFORMS = {
    each.name: each
    for each in (
        Platform("shell", "shell", _shell, is_yaml=False),
        Platform("jenkins", "jenkins.pipeline", _jenkins, ("Jenkinsfile",), is_yaml=False),
        Platform("gitlab", "gitlab.pipeline", _gitlab, (".gitlab-ci.yml", ".gitlab/**/*.yml")),
        Platform("github", "github.workflow", _github, _both(".github/workflows/*")),
        Platform("buildkite", "buildkite.steps", _buildkite, _both(".buildkite/*")),
        Platform("agola", "agola.tasks", _agola, (".agola/config.yml",)),
        Platform("kubernetes", "kubernetes.objects", _kubernetes),
        Platform("tekton", "kubernetes.objects", _tekton, _both(".tekton/*")),
    )
}


def pipelines_in(folder: str, source: str | None) -> list[str]:
    """The files of a repository that lie where those of a platform usually do, or of any."""
    from glob import glob

    asked = [each for each in _PLATFORMS.values() if source in {None, each.name}]
    patterns = [pattern for each in asked for pattern in each.places]
    found = [sorted(glob(each, root_dir=folder, recursive=True)) for each in patterns]
    paths = (os.path.join(folder, name) for names in found for name in names)
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]


def platform_of(original: Original, source: str | None) -> Platform:
    """A platform by its name, or the one that a file looks most like. Raises SpecError."""
    if source is not None:
        return _PLATFORMS[source]
    for named, (what, hint) in _NO_PIPELINES.items():
        if named.search(original.name):
            message = f"this is {what}, which import does not read"
            raise failure(original.path, "unknown-platform", message, hint)
    for is_yaml in (False, True):  # what is another language is no YAML
        asked = [each for each in _PLATFORMS.values() if each.is_yaml == is_yaml]
        scores = [each.looks_like(original) for each in asked]
        most = max(scores)
        found = [each for each, score in zip(asked, scores, strict=True) if score == most]
        if len(found) > 1 and most:
            names = " and ".join(each.name for each in found)
            message = f"this looks like a pipeline of {names}"
            hint = " or ".join(f"`source='{each.name}'`" for each in found)
            raise failure(original.path, "unknown-platform", message, hint)
        if is_yaml and (other := _other_system(original)):
            message = f"this is a pipeline of {other}, which import does not read"
            hint = "import its script, `source='shell'`"
            raise failure(original.path, "unknown-platform", message, hint)
        if most:
            return found[0]
    message = "this is no pipeline that import knows"
    hint = f"name it with `source`: {', '.join(SOURCES)}"
    raise failure(original.path, "unknown-platform", message, hint)


def check_look(original: Original, source: str | None) -> None:
    """For a file in which ``source`` finds nothing. Raises SpecError if it looks like another's."""
    if source is None:
        return
    try:
        look = platform_of(original, None).name
    except SpecError:
        return
    if look != source:
        message = f"this looks like a pipeline of {look}, and `source` says {source}"
        raise failure(original.path, "unknown-platform", message, f"`source='{look}'`")
