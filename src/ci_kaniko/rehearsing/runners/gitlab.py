"""A job as GitLab's runner runs it."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ci_kaniko.problems.finding import quoted
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.documents import (
    NotModelled,
    RefusedInput,
    as_mapping,
    as_scalar,
    as_text,
    flat,
    only,
)
from ci_kaniko.rehearsing.events import identity
from ci_kaniko.rehearsing.running import Outcome, Running
from ci_kaniko.rehearsing.told import gitlab as told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.rehearsing.sandbox import Sandbox


def run(request: Running) -> Outcome:
    """Run a job. Raises NotModelled."""
    document = gitlab_document(request.text, request.inputs)
    defaults = document.get("default") or {}
    jobs = gitlab_jobs(document)
    job = only(jobs, request.job)
    image = job.get("image") or defaults.get("image") or document.get("image")
    if not isinstance(image, dict) or image.get("entrypoint") != [""]:
        raise NotModelled("the image's entrypoint would swallow the script")
    if "after_script" in job:
        raise NotModelled("after_script is not modelled")
    items = [*flat(job.get("before_script") or ()), *flat(job["script"])]
    text = "\n".join(items) + "\n"
    env = _gitlab_env(request, document, job, request.container_env(text))
    for name, token in (job.get("id_tokens") or {}).items():
        env[name] = identity(as_text(token["aud"]))
    workspace = env["CI_PROJECT_DIR"]
    request.checkout(workspace, cloned=env.get("GIT_STRATEGY") != "none")
    # The runner clones under umask 0000.
    for path in request.box.path(workspace).rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    needed = _gitlab_artifacts(jobs, job)
    request.unpack(needed, workspace)
    for name in needed:
        env |= request.handed.outputs.get(name, {})
    result = request.script(text, env, workspace)
    artifacts = job.get("artifacts") or {}
    return Outcome(
        result,
        _gitlab_expand(image["name"], env),
        workspace,
        artifacts={} if result.status else request.box.below(workspace, artifacts.get("paths", ())),
        outputs=_dotenv(request.box, workspace, artifacts),
    )


def gitlab_document(text: str, inputs: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """The configuration; in one that declares inputs they are pasted into the text."""
    header, separator, body = text.partition("\n---\n")
    if not separator:
        return as_mapping(yaml11.load(text))
    declared = yaml11.load(header)["spec"].get("inputs") or {}

    def pasted(match: re.Match[str]) -> str:
        """The value of an input. Raises RefusedInput."""
        entry = declared[match[1]] or {}
        value = inputs.get(match[1], entry.get("default"))
        options = entry.get("options", [value])
        if value not in options or not re.search(entry.get("regex", ""), str(value)):
            offered = f"; it is one of: {', '.join(map(str, options))}" * ("options" in entry)
            given = quoted(str(value))
            raise RefusedInput(f"GitLab refuses {given} for the input {match[1]}{offered}")
        return str(value).lower() if isinstance(value, bool) else str(value)

    return as_mapping(yaml11.load(re.sub(r"\$\[\[ *inputs\.(\w+) *\]\]", pasted, body)))


def gitlab_jobs(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every job that is not hidden, with what it extends."""
    jobs = {
        name: _gitlab_extended(document, name)
        for name in document
        if name not in _GITLAB_RESERVED and not name.startswith(".")
    }
    return {name: job for name, job in jobs.items() if "script" in job}


def _gitlab_extended(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = dict(document[name])
    parents = own.pop("extends", [])
    whole: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        whole = _deep_merged(whole, _gitlab_extended(document, parent))
    return _deep_merged(whole, own)


def _deep_merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _deep_merged(old[key], new[key])
        for key in old
        if isinstance(old[key], dict) and isinstance(new.get(key), dict)
    }
    return {**old, **new, **both}


def gitlab_needs(job: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The jobs that a job waits for; None when its stage says that."""
    if "needs" not in job:
        return None
    return [{"job": need} if isinstance(need, str) else need for need in job["needs"]]


def _gitlab_artifacts(jobs: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    """The jobs whose artifacts and variables a job gets."""
    needs = gitlab_needs(job)
    if needs is not None:
        return [need["job"] for need in needs if need.get("artifacts", True)]
    if any(other.get("stage", "test") != job.get("stage", "test") for other in jobs.values()):
        raise NotModelled("stages that hand over artifacts are not modelled: use needs")
    return []


def _dotenv(box: Sandbox, workspace: str, artifacts: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a report; GitLab takes no blank lines, comments or quotes."""
    path = (artifacts.get("reports") or {}).get("dotenv")
    file = box.path(f"{workspace}/{path}") if path else None
    if not file or not file.is_file():
        return {}
    found = {}
    for line in file.read_text().splitlines():
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9_]+", name) or value != value.strip():
            raise NotModelled(f"GitLab refuses the dotenv line {line!r}")
        found[name] = value
    return found


_GITLAB_RESERVED = frozenset(
    [
        "image",
        "services",
        "stages",
        "types",
        "before_script",
        "after_script",
        "variables",
        "cache",
        "include",
        "default",
        "workflow",
        "spec",
        "pages:deploy",
    ]
)


def _gitlab_env(
    request: Running,
    document: Mapping[str, Any],
    job: Mapping[str, Any],
    container: Mapping[str, str],
) -> dict[str, str]:
    env = {**container, **told.environment(request.event)}
    paths = {}
    for name, text in request.file_secrets.items():
        paths[name] = f"{env['CI_PROJECT_DIR']}.tmp/{name}"
        request.box.write(paths[name], text, 0o600)
    project = {**request.variables, **request.secrets, **paths}
    known = {**env, **project}
    for name, value in {
        **(document.get("variables") or {}),
        **(job.get("variables") or {}),
    }.items():
        raw = isinstance(value, dict) and value.get("expand") is False
        text = as_scalar(value["value"] if isinstance(value, dict) else value)
        known[name] = env[name] = text if raw else _gitlab_expand(text, known)
    return {**env, **project}


def _gitlab_expand(text: str, env: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else env.get(match[1] or match[2], "")

    return re.sub(r"\$\$|\$(\w+)|\$\{(\w+)\}", value, text)
