"""Whether an event starts a job: the parts of each platform's conditions that are rendered.

GitLab's `rules:`, GitHub's `on:` and `if:`, Buildkite's `if:` and Agola's `when:`, and what each
platform does with a job whose neighbours were left out or have failed. Anything else is an error.
Sources: https://docs.gitlab.com/ci/jobs/job_rules,
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax,
https://buildkite.com/docs/pipelines/configure/conditionals and `agola_when`.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.rehearsing import expressions, yaml11
from ci_kaniko.rehearsing.agola_when import included
from ci_kaniko.rehearsing.documents import REQUESTS, NotModelled, listed
from ci_kaniko.rehearsing.runners.agola import agola_ancestors, agola_parents, agola_tasks, saves
from ci_kaniko.rehearsing.runners.buildkite import buildkite_commands, buildkite_pipeline
from ci_kaniko.rehearsing.runners.gitlab import gitlab_document, gitlab_jobs, gitlab_needs
from ci_kaniko.rehearsing.runners.kubernetes import kubernetes_chains
from ci_kaniko.rehearsing.told import agola, buildkite, github, gitlab
from ci_kaniko.syntax.logic import NotLogic, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.syntax.logic import Node

PROJECT, FORK = "4711", "815"


class NotUnderstood(NotModelled):
    """An expression that the platform, or this small evaluator, refuses."""


Value = str | bool | None
_NONE: Mapping[str, str] = MappingProxyType({})


class Result(NamedTuple):
    """How a job ended: passed, failed or skipped; and what it has for later ones."""

    status: str
    outputs: Mapping[str, str] = _NONE


def before(steps: Sequence[Step], name: str) -> set[str]:
    """Every job that has ended when this one begins."""
    return _ancestors({step.name: step.needs for step in steps}, name)


def _ancestors(needs: Mapping[str, Sequence[str]], name: str) -> set[str]:
    """What a job waits for, and what that waits for."""
    return {*needs[name]}.union(*(_ancestors(needs, needed) for needed in needs[name]))


@dataclass(frozen=True)
class Step:
    """A job of a run: what it waits for, and whether it starts after what has ended so far."""

    name: str
    needs: tuple[str, ...]
    starts: Callable[[Mapping[str, Result]], bool]


def play(steps: Sequence[Step], perform: Callable[[Step], Result]) -> dict[str, Result]:
    """Run every job after what it needs; a job that does not start is skipped.

    Raises NotUnderstood.
    """
    results: dict[str, Result] = {}
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if {*step.needs} <= results.keys()]
        if not ready:
            raise NotUnderstood(f"{[step.name for step in waiting]} wait for one another")
        for step in ready:
            results[step.name] = perform(step) if step.starts(results) else Result("skipped")
            waiting.remove(step)
    return results


def _holds(condition: str, operand: Callable[[Node], Value]) -> bool:
    """What a condition says, whose names and texts are worth what an operand is.

    Raises NotUnderstood.
    """
    try:
        return bool(_value(parsed(condition), operand))
    except NotLogic:
        raise NotUnderstood(f"{condition!r} is no condition") from None


def _value(node: Node, operand: Callable[[Node], Value]) -> Value:
    """What a part of a condition is worth; every part of it has to be understood."""
    if node.kind in {"and", "or"}:
        left, *others = (_value(part, operand) for part in node.parts)
        for right in others:
            left = (left and right) if node.kind == "and" else (left or right)
        return left
    if node.kind != "compare":
        return operand(node)
    operator, *sides = node.parts
    return _compared(operator, *(_value(side, operand) for side in sides))


def _compared(operator: str, left: Value, right: Value) -> bool:
    """A comparison, by patterns too. Raises NotUnderstood."""
    if operator in {"==", "!="}:
        return (left == right) == (operator == "==")
    if operator not in {"=~", "!~"} or not isinstance(right, str) or not right.startswith("/"):
        raise NotUnderstood(f"{operator} {right!r} compares with no pattern")
    matched = isinstance(left, str) and re.search(_re2(right), left) is not None
    return matched == (operator == "=~")


def _re2(pattern: str) -> str:
    body, _, flags = pattern[1:].rpartition("/")
    if flags.strip("ims") or re.search(r"\\[^\W\d_]|\(\?", body):
        raise NotUnderstood(f"{pattern}: RE2 and this evaluator may differ")
    return (f"(?{flags})" if flags else "") + re.sub(r"(?<!\\)\$\Z", r"\\Z", body)


def _quoted(node: Node) -> str:
    """The text between quotes, as it stands there. Raises NotUnderstood."""
    written = node.text
    if written[0] not in "\"'" or written[0] in written[1:-1]:
        raise NotUnderstood(f"{written} is no text")
    return written[1:-1]


# -- GitLab -----------------------------------------------------------------------------------


def gitlab_holds(condition: str, known: Mapping[str, str | None]) -> bool:
    """https://docs.gitlab.com/ci/jobs/job_rules/: quotes hold no escapes, patterns are RE2.

    Raises NotUnderstood.
    """

    def operand(node: Node) -> Value:
        """Raises NotUnderstood."""
        if node.kind == "name" and re.fullmatch(r"\$\w+", node.text):
            return known.get(node.text[1:])
        if node.kind == "null":
            return None
        if node.kind not in {"text", "regex"}:
            raise NotUnderstood(node.text)
        return node.text if node.kind == "regex" else _quoted(node)

    return _holds(condition, operand)


def gitlab_steps(
    text: str, event: Event, inputs: Mapping[str, str] = _NONE, *, in_parent: bool = False
) -> list[Step]:
    """The jobs of the pipeline; GitLab makes none when a job needs one that is left out."""
    jobs = gitlab_jobs(gitlab_document(text, inputs))
    known = gitlab_variables(event, in_parent=in_parent)
    included = {
        name: job for name, job in jobs.items() if _gitlab_rules(job["rules"], known, event)
    }
    return [_gitlab_step(name, job, included) for name, job in included.items()]


def _gitlab_step(name: str, job: Mapping[str, Any], included: Mapping[str, Any]) -> Step:
    needs = gitlab_needs(job) or []
    for need in needs:
        if need["job"] not in included and not need.get("optional"):
            raise NotUnderstood(f"no pipeline: {name} needs {need['job']}, which is not in it")
    waits = tuple(need["job"] for need in needs if need["job"] in included)
    return Step(name, waits, functools.partial(_passed, waits))


def _gitlab_rules(
    rules: Sequence[Mapping[str, Any]], known: Mapping[str, str], event: Event
) -> bool:
    for rule in rules:
        if not rule.keys() <= {"if", "when", "changes", "interruptible"}:
            raise NotUnderstood(f"rule {rule}")
        holds = "if" not in rule or gitlab_holds(rule["if"], known)
        if holds and _gitlab_changes(rule.get("changes"), event):
            return bool(rule.get("when", "on_success") != "never")
    return False


def _gitlab_changes(globs: Sequence[str] | None, event: Event) -> bool:
    """What cannot be compared counts as changed."""
    if globs is None or not event.is_compared:
        return True
    return any(fnmatch(glob, path) for glob in globs for path in event.changed)


def fnmatch(glob: str, path: str) -> bool:
    """Ruby's File.fnmatch with PATHNAME and DOTMATCH: `**` crosses folders before a slash only.

    Raises NotUnderstood.
    """
    if re.search(r"[\[\]{}\\$]", glob):
        raise NotUnderstood(f"{glob}: not modelled")
    pattern = ""
    for piece in re.findall(r"\*\*/|\*+|\?|[^*?]+", glob):
        starts_segment = not pattern or pattern.endswith(("/", ")*"))
        if piece == "**/" and starts_segment:
            pattern += "(?:[^/]+/)*"
        elif piece.startswith("*"):
            pattern += "[^/]*" + "/" * piece.endswith("/")
        else:
            pattern += "[^/]" if piece == "?" else re.escape(piece)
    return re.fullmatch(pattern, path) is not None


def gitlab_variables(event: Event, *, in_parent: bool = False) -> dict[str, str]:
    here = FORK if event.fork and not in_parent else PROJECT
    source = FORK if event.fork else PROJECT
    request = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source, "CI_MERGE_REQUEST_PROJECT_ID": PROJECT}
    return {
        **gitlab.environment(event),
        "CI_PROJECT_ID": here,
        **(request if event.pull_request else {}),
    }


# -- GitHub -----------------------------------------------------------------------------------


def github_filter(pattern: str) -> str:
    """The regular expression of a filter pattern of `on.push`. Raises NotUnderstood."""
    out, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**", at):
            out, at = out + ".*", at + 2
            continue
        if character == "\\":
            at += 1
            out += re.escape(pattern[at])
        elif character == "*":
            out += "[^/]*"
        elif character in "?+":
            out += character
        elif character == "[":
            raise NotUnderstood(f"{pattern}: character classes are not modelled")
        else:
            out += re.escape(character)
        at += 1
    return out


def github_steps(text: str, event: Event, inputs: Mapping[str, str] = _NONE) -> list[Step]:
    """The jobs of the workflow, when the event starts it; called ones start with their caller."""
    workflow = yaml11.load(text)
    jobs = workflow["jobs"]
    called = "workflow_call" in workflow["on"]
    if not (called or _github_on(workflow["on"], event)):
        return []
    conditions = expressions.conditions(text)
    taken = ((workflow["on"].get("workflow_call") or {}).get("inputs") or {}) if called else {}
    given = {
        f"inputs.{each}": inputs.get(each, item.get("default")) for each, item in taken.items()
    }
    return [_github_step(name, jobs, event, conditions[name], given) for name in jobs]


def _github_step(
    name: str, jobs: Mapping[str, Any], event: Event, condition: str, given: expressions.Known
) -> Step:
    needs = {other: tuple(listed(job.get("needs") or [])) for other, job in jobs.items()}
    earlier = _ancestors(needs, name)

    def starts(results: Mapping[str, Result]) -> bool:
        before = [results[other].status for other in earlier]
        statuses = {
            "success": {*before} <= {"passed"},
            "failure": "failed" in before,
            "cancelled": False,
            "always": True,
        }
        known: expressions.Known = {**github.context(event), **given}
        for needed in needs[name]:
            known |= {
                f"needs.{needed}.outputs.{key}": results[needed].outputs.get(key, "")
                for key in jobs[needed].get("outputs") or {}
            }
            passed = {"passed": "success", "failed": "failure"}
            known[f"needs.{needed}.result"] = passed.get(results[needed].status, "skipped")
        return expressions.evaluate(condition, known, statuses).truth

    return Step(name, needs[name], starts)


def _github_on(events: Mapping[str, Any], event: Event) -> bool:
    name = github.EVENTS.get(event.source, event.source)
    if name not in events:
        return False
    filters = events[name] or {}
    if name == "schedule":
        return event.schedule in [entry["cron"] for entry in filters]
    if name in ("workflow_dispatch", "repository_dispatch", "merge_group") and filters:
        raise NotUnderstood(f"{name}: {filters}")
    kind, ref = ("tags", event.tag) if event.tag else ("branches", event.branch)
    if not filters.keys() <= ({"branches", "tags", "paths"} if name == "push" else {"paths"}):
        raise NotUnderstood(f"{name}: {filters}")
    globs = filters.get(kind, [] if filters.keys() & {"branches", "tags"} else ["**"])
    by_ref = name != "push" or _github_filtered(globs, ref)
    return by_ref and _github_paths(filters.get("paths"), event)


def _github_paths(globs: Sequence[str] | None, event: Event) -> bool:
    """Tags are never asked, and a new branch is compared with where it left another."""
    if globs is None or event.tag:
        return True
    return any(_github_filtered(globs, path) for path in event.changed)


def _github_filtered(globs: Sequence[str], text: str) -> bool:
    """The last pattern that matches decides; a list of `!` only is an error."""
    if globs and all(glob.startswith("!") for glob in globs):
        raise NotUnderstood(f"{globs}: nothing is left")
    last = [glob for glob in globs if re.fullmatch(github_filter(glob.removeprefix("!")), text)]
    return bool(last) and not last[-1].startswith("!")


# -- Buildkite --------------------------------------------------------------------------------


def _buildkite_holds(condition: str, known: Mapping[str, Value]) -> bool:
    """https://buildkite.com/docs/pipelines/configure/conditionals, after the upload."""

    def operand(node: Node) -> Value:
        """Raises NotUnderstood."""
        if node.kind == "not":
            return not _value(node.parts[0], operand)
        if node.kind == "regex" and node.text.endswith(("/", "/i")):
            return node.text
        if node.kind == "text":
            if "\\" in node.text or (node.text[0] == '"' and "$" in node.text):
                raise NotUnderstood(f"{node.text}: an escape, or text that Buildkite replaces")
            return _quoted(node)
        if node.text not in known:
            raise NotUnderstood(node.text)
        return known[node.text]

    return _holds(condition, operand)


def buildkite_steps(text: str, event: Event, inputs: Mapping[str, str] = _NONE) -> list[Step]:
    """The steps of the upload: those left out by `if` hold nobody back, failed ones do."""
    commands = buildkite_commands(buildkite_pipeline(text, event, inputs))
    return [_buildkite_step(name, step, commands, event) for name, step in commands.items()]


def _buildkite_step(
    name: str, step: Mapping[str, Any], commands: Mapping[str, Any], event: Event
) -> Step:
    """A step alone may wait for what somebody else uploads."""
    waits = {other: listed(one.get("depends_on") or []) for other, one in commands.items()}
    needs = {other: tuple(key for key in waits[other] if key in commands) for other in commands}
    alone = len({other.removesuffix(REQUESTS) for other in commands}) == 1
    if len(needs[name]) < len(waits[name]) and not alone:
        raise NotUnderstood(f"the build fails: {name} depends on a step that there is not")
    if step.keys() & {"if_changed", "skip", "branches", "allow_dependency_failure"}:
        raise NotUnderstood(f"{name}: {sorted(step)}")
    build = _build(buildkite.environment(event))
    holds = "if" not in step or _buildkite_holds(step["if"], build)
    # A step that waits for a failed one never runs, and neither does one that waits for it.
    earlier = _ancestors(needs, name)

    def starts(results: Mapping[str, Result]) -> bool:
        return holds and all(results[other].status != "failed" for other in earlier)

    return Step(name, needs[name], starts)


def _build(env: Mapping[str, str]) -> dict[str, Any]:
    pull_request = env["BUILDKITE_PULL_REQUEST"]
    return {
        "null": None,
        "true": True,
        "false": False,
        "build.branch": env["BUILDKITE_BRANCH"],
        "build.tag": env["BUILDKITE_TAG"] or None,
        "build.pull_request.id": None if pull_request == "false" else pull_request,
        "build.source": env["BUILDKITE_SOURCE"],
        "pipeline.repository": env["BUILDKITE_REPO"],
        "pipeline.default_branch": env["BUILDKITE_PIPELINE_DEFAULT_BRANCH"],
    }


# -- Agola ------------------------------------------------------------------------------------


_CONDITIONS = {"on_success": "passed", "on_failure": "failed", "on_skipped": "skipped"}


def agola_steps(text: str, event: Event, inputs: Mapping[str, str] = _NONE) -> list[Step]:
    """The tasks of the runs that the event starts; each starts when all its parents let it."""
    env = agola.environment(event)
    tasks = agola_tasks(text)
    return [
        _agola_step(task["name"], tasks, env)
        for run in yaml11.load(text)["runs"]
        if included(run.get("when"), env)
        for task in run["tasks"]
    ]


def _agola_step(name: str, tasks: Mapping[str, Any], env: Mapping[str, str]) -> Step:
    parents = agola_parents(tasks[name])
    holds = included(tasks[name].get("when"), env)

    def starts(results: Mapping[str, Result]) -> bool:
        """Whether the parents let a task start. Raises NotUnderstood."""
        allowed = {
            parent: {_CONDITIONS[condition] for condition in conditions}
            for parent, conditions in parents.items()
        }
        if not holds or any(results[parent].status not in allowed[parent] for parent in parents):
            return False
        if any("restore_workspace" in step for step in tasks[name]["steps"]):
            for other in agola_ancestors(tasks, name):
                if saves(tasks[other]) and results[other].status == "skipped":
                    raise NotUnderstood(f"{name} fails: the archive of {other} does not exist")
        return True

    return Step(name, tuple(parents), starts)


# -- Kubernetes -------------------------------------------------------------------------------


def kubernetes_steps(text: str, event: Event, inputs: Mapping[str, str] = _NONE) -> list[Step]:
    """The containers of the pods: each after the one before it, none after one that failed."""
    return [
        Step(name, before, functools.partial(_passed, before))
        for chain in kubernetes_chains(text)
        for name, before in zip(
            [name for name, *_ in chain], [(), *((name,) for name, *_ in chain)], strict=False
        )
    ]


def _passed(names: tuple[str, ...], results: Mapping[str, Result]) -> bool:
    return all(results[name].status == "passed" for name in names)
