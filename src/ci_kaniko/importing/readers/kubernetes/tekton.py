"""Tekton's tasks, and those inside of pipelines and runs: their steps that run the executor."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Cloned, Text, Var, literal, spell
from ci_kaniko.importing.jobs import Facts, Job, Mounted, Root, Started
from ci_kaniko.importing.readers.accounting import ignore_keys, later
from ci_kaniko.importing.readers.kubernetes.argo import holds, starts_in, templates_in
from ci_kaniko.importing.readers.pods.before import (
    clones,
    own_environment,
    read_before,
    script_of_container,
    script_of_text,
)
from ci_kaniko.importing.readers.pods.containers import (
    UNKNOWN,
    Known,
    Listed,
    calls_of,
    expanded,
    filled,
    given_to,
    handed_over,
    in_script,
    read_environment,
    runs_executor,
    spread,
    take_read,
    variable,
)
from ci_kaniko.importing.readers.pods.settings import security
from ci_kaniko.importing.readers.pods.volumes import read_volumes
from ci_kaniko.importing.readers.scripts import Piece, beginning, read_pieces
from ci_kaniko.importing.report import FILE_LINES
from ci_kaniko.importing.repositories import context_of, is_of_file
from ci_kaniko.importing.ticked import (
    Map,
    line_of,
    maps,
    native,
    peek,
    read_yaml,
    replaced,
    string,
    texts_below,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original

_FACTS = Facts("tekton", roots=(Root(("/workspace",)),), names_none=True)
_MAX_CALLS = 100
_CALLS = "taskRef"
_CALLING = (_CALLS, "argoproj.io/")
"""What the files have that call tasks or templates of others, or hold what these call."""
_RUNS = re.compile(r"(?:^|\s|/)executor\s")
_RESOURCES = ("resources.inputs", "inputs.resources")
"""What holds the repository before there were workspaces, in both of its spellings."""
_ARGO = _FACTS._replace(target="argo")
_REFERENCE = re.compile(r"\$\((?:inputs\.)?params(?:\.([\w-]+)|\[['\"]([^'\"]+)['\"]\])")
_PASSED_ON = re.compile(r"\$\((params[.\[][^()\s]+)\)")
_PASSED = re.compile(
    r"\$\((?:inputs\.|tt\.)?params[.\[]|\{\{=?\s*(?:(?:workflow|inputs)\.parameters|steps|tasks)\."
)


class _Task(NamedTuple):
    """A task, the parameters that it gets by name, those around it, and what asks for it."""

    spec: Map
    name: str
    given: dict[str, Any]
    outer: dict[str, Any]
    asked: Map


class Caller(NamedTuple):
    """What calls a task: an entry of a pipeline, or a run; and the parameters around it.

    ``beside`` are the objects of its file, where that is another one.
    """

    item: Map
    outer: dict[str, Any]
    root: Map
    beside: tuple[Map, ...]

    def task(self, called: _Task) -> _Task:
        """The task as it is called here."""
        own = {one.peek("name"): one for one in maps(self.item.get("params"))}
        name = self.item.peek("name") or named(self.root) or called.name
        return _Task(called.spec, name, own, self.outer, self.item)


@dataclass
class Callers:
    """What calls the tasks of some files, by their names, and how much that may give.

    ``cloned`` is what the catalog's ``git-clone`` puts into which folder, ``clones`` what it is
    asked, by its line, ``commits`` what it says of this repository, ``fetching`` the
    tasks that clone, by what holds or calls them, ``workflows`` what templates of Argo are
    started with, ``templates`` those that workflows of the files ask for, and ``holders`` the
    objects of other files that have them.
    """

    found: dict[str, list[Caller]] = field(default_factory=dict)
    cloned: dict[str, Cloned] = field(default_factory=dict)
    clones: dict[tuple[int, str], None] = field(default_factory=dict)
    commits: dict[str, Text] = field(default_factory=dict)
    fetching: dict[int, list[_Task]] = field(default_factory=dict)
    workflows: dict[str, list[list[Map]]] = field(default_factory=dict)
    templates: dict[str, Map] = field(default_factory=dict)
    holders: list[Map] = field(default_factory=list)
    left: int = _MAX_CALLS
    listed: Listed = field(default_factory=Listed)


def named(root: Map) -> str:
    """What an object is called, or what the names of such begin with."""
    metadata = root.mapping("metadata")
    return metadata.peek("name") or metadata.peek("generateName").rstrip("-")


def tekton_jobs(root: Map, original: Original, callers: Callers) -> Iterator[Job]:
    """The steps that run the executor: of a Task, or of those in a Pipeline or a run."""
    metadata = root.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Map) else None
    spec = root.mapping("spec")
    facts = _ARGO if "argoproj.io" in root.peek("apiVersion") else _FACTS
    alone = _Task(spec, peek(name), {}, {}, Map())
    calling = callers.found.get(alone.name, [])[: max(callers.left, 0)]
    called = [task for one in calling for task in _tasks(one.task(alone))]
    fetching = [*filter(_only_clones, _tasks(alone))] if facts is _ARGO else []
    for number in {id(root): None} | {id(one.root): None for one in calling}:
        fetching += callers.fetching.get(number, ())
    for task in called or _tasks(alone):
        if called and callers.left <= 0:
            return
        outer = _known(task.outer)
        outer = outer._replace(texts={**outer.texts, **callers.commits})
        known = _known(task.given, outer)._replace(listed=callers.listed)
        steps = list(maps(task.spec.get("steps")))
        template = task.spec.mapping("stepTemplate")
        building = [
            runs_executor(Map(items={**template, **one}), known) or _RUNS.search(one.peek("script"))
            for one in steps
        ]
        others = {
            number
            for number, builds in enumerate(building)
            if not builds and not clones(_body(steps[number]))
        }
        left = [{*others}, {*others}]
        for at, builds in enumerate(building):
            if builds:
                ignore_keys(root, "Kubernetes object")
                string(name)
                job = _job(at, task, known, original, facts, fetching)
                _take_others(job, callers.cloned if facts is _FACTS else {}, job.line)
                _beside(job, at, steps, left)
                if _CALLS in task.asked:
                    _tell_call(job, task)
                    callers.left -= 1
                yield job
                for line, asked in callers.clones:
                    job.tell("clone", line, asked)
                for each in (each for one in calling for each in one.beside):
                    job.tell("other-object", line_of(each), each.peek("kind"), named(each))


def _only_clones(task: _Task) -> bool:
    steps = [*maps(task.spec.get("steps"))]
    return any(clones(_body(each)) for each in steps) and not any(map(runs_executor, steps))


def callers_in(original: Original) -> Callers:
    """What the pipelines and runs of some files ask tasks for."""
    callers = Callers()
    found = callers.found
    own: tuple[Map, ...] = ()
    files = [(tuple(original.mappings), own)]
    for number, other in original.beside(*_CALLING).items():
        read = read_yaml(other.text, other.path, number * FILE_LINES).roots
        listed = tuple(root for root in read if isinstance(root, Map))
        files.append((listed, listed))
    shared = callers.templates = templates_in([root for roots, _ in files for root in roots])
    callers.holders = [root for roots, _ in files[1:] for root in roots if holds(root, shared)]
    for called, passed in islice(starts_in([*original.mappings]), _MAX_CALLS):
        callers.workflows.setdefault(called, []).append(passed)
    running: dict[str, list[Map]] = {}
    triggered: dict[str, list[Map]] = {}
    for spec in (root.mapping("spec") for roots, _ in files for root in roots):
        running.setdefault(spec.mapping("pipelineRef").peek("name"), []).append(spec)
        for each in maps(spec.get("resourcetemplates") or spec.get("resourceTemplates")):
            inner = each.mapping("spec")
            triggered.setdefault(inner.mapping("pipelineRef").peek("name"), []).append(inner)
    running = triggered | running
    tasks = {named(root) for roots, _ in files for root in roots if "Task" in root.peek("kind")}
    for root, beside in ((root, each) for roots, each in files for root in roots):
        spec = root.mapping("spec")
        if called := spec.mapping(_CALLS).peek("name"):
            found.setdefault(called, []).append(Caller(spec, {}, root, beside))
        name = named(root)
        runs = running.pop(name, None) if name else None
        inner = spec.mapping("pipelineSpec") or spec
        declared = {item.peek("name"): item for item in maps(inner.get("params"))}
        for run in (runs or [spec])[:_MAX_CALLS]:
            given = {item.peek("name"): _without_event(item) for item in maps(run.get("params"))}
            outer = {key: given.get(key, item) for key, item in declared.items()}
            for item in (*maps(inner.get("tasks")), *maps(inner.get("finally"))):
                if called := item.mapping(_CALLS).peek("name"):
                    found.setdefault(called, []).append(Caller(item, outer, root, beside))
                if "git-clone" in " ".join(texts_below(item.get(_CALLS))):
                    _take_clone(callers, item, outer, is_own=called in tasks)
    for root in (root for roots, _ in files for root in roots):
        alone = _Task(root.mapping("spec"), named(root), {}, {}, Map())
        for task in filter(_only_clones, _tasks(alone)):
            callers.fetching.setdefault(id(root), []).append(task)
            for one in found.get(alone.name, ()):
                callers.fetching.setdefault(id(one.root), []).append(one.task(task))
    return callers


def _without_event(item: Map) -> Map:
    """A parameter; without the value that a trigger makes of what happened."""
    whole = re.fullmatch(r"\$\(tt\.[\w.-]+\)", item.peek("value"))
    return item.kept(lambda key: key == "name") if whole else item


def _take_clone(callers: Callers, item: Map, outer: dict[str, Any], *, is_own: bool) -> None:
    """What a task of a pipeline clones, with which logins, and into which folder if it has one.

    One of its own, which the files hold, says of the commit whatever it wants.
    """
    given = {one.peek("name"): one.peek("value") for one in maps(item.get("params"))}
    logins = [one.peek("name") for one in maps(item.get("workspaces"))]
    asked = [*(f"{name}: {value}" for name, value in given.items()), *logins]
    callers.clones[line_of(item), f"git-clone ({', '.join(asked)})".removesuffix(" ()")] = None
    known = _known(outer)
    url, revision = (expanded(given.get(name, ""), known) for name in ("url", "revision"))
    own = _parts(_Task(Map(), "", {}, outer, item)).get("output") or "."
    folder = posixpath.normpath(posixpath.join(own, given.get("subdirectory", "").strip("/")))
    callers.cloned[folder] = Cloned(url, revision)
    if literal(url) is None and not is_own:
        result = f"tasks.{item.peek('name')}.results.commit"
        callers.commits[result] = (Var("tekton.commit"),)


def _take_others(job: Job, cloned: dict[str, Cloned], line: int) -> None:
    """Remember which folders hold the repository of the file, and which another one."""
    for folder, one in cloned.items():
        if not one.address or is_of_file(job, one):
            job.own_folders += [folder] * (folder != ".")
        else:
            found, where = context_of(one), f" into {folder}" * (folder != ".")
            told = "other-repository/fetched" if found else "other-repository"
            job.tell(told, line, spell(one.address), where, *[found] * bool(found))
            job.cloned[folder] = Cloned(()) if folder in job.cloned else one


def _tasks(around: _Task) -> Iterator[_Task]:
    """The tasks below a spec; a run and a pipeline give parameters to those that they hold."""
    spec = around.spec
    declared = {item.peek("name"): item for item in _parameters(spec)}
    values = {name: around.given.get(name, item) for name, item in declared.items()}
    if "steps" in spec:
        yield around._replace(given=values)
    for item in (*maps(spec.get("tasks")), *maps(spec.get("finally"))):
        inner = item.get("taskSpec")
        if isinstance(inner, Map):
            own = {one.peek("name"): one for one in maps(item.get("params"))}
            yield from _tasks(_Task(inner, item.peek("name"), own, values, item))
    for key in ("taskSpec", "pipelineSpec"):
        inner = spec.get(key)
        if isinstance(inner, Map):
            yield from _tasks(around._replace(spec=inner, given=values))


def _parameters(spec: Map) -> list[Map]:
    """What a task or a pipeline asks for; at first that stood below ``inputs``."""
    return [*maps(spec.get("params")), *maps(spec.mapping("inputs").get("params"))]


def _known(given: dict[str, Any], outer: Known = UNKNOWN) -> Known:
    """The parameters that have a value: that of the run, else the default."""
    texts: dict[str, Text] = {}
    lists: dict[str, list[Any]] = {}
    for name, item in given.items():
        value = item.get("value", item.get("default"))
        found: Text = (Var(variable(name)),)
        if isinstance(value, list):
            value = [_from_outside(entry, outer, item) for entry in outer.flat(value)]
            for at, entry in enumerate(value):
                texts[f"params.{name}[{at}]"] = (peek(entry),)
        elif isinstance(value, Map):
            for key, entry in value.items():
                texts[f"params.{name}.{key}"] = expanded(peek(entry), outer)
        elif isinstance(value, str):
            found = expanded(str(value), outer)
        for scope in ("params.", "inputs.params."):
            texts[f"{scope}{name}"] = found
            if isinstance(value, list):
                lists[f"{scope}{name}"] = value
    return Known(texts, lists)


def _from_outside(entry: Any, outer: Known, item: Map) -> Any:
    """An entry of a list: the parameters in it are those of who passes it."""

    def value(found: re.Match[str]) -> str:
        known = literal(outer.text(found[1]) or (Var(found[1]),))
        return f"$(pipeline.{found[1]})" if known is None else known

    return replaced(entry, lambda text: _PASSED_ON.sub(value, text)) if "value" in item else entry


def _job(
    at: int,
    task: _Task,
    known: Known,
    original: Original,
    facts: Facts,
    fetching: list[_Task],
) -> Job:
    steps = [*maps(task.spec.get("steps"))]
    step = steps[at]
    job = Job(facts, task.name, original, line_of(step))
    job.files |= {number: file.path for number, file in original.beside(*_CALLING).items()}
    template = task.spec.mapping("stepTemplate")
    used = [step, template, *(each for each in steps[:at] if clones(_body(each)))]
    _tell_parameters(job, task, used)
    _tell_when(job, "step", step.peek("name") or str(at + 1), step)
    job.image = filled(job, step.get("image", template.get("image")), known)
    job.image_line = step.line_of("image")
    ignore_keys(step, "Tekton step")
    read_environment(job, template, known)
    read_environment(job, step, known)
    for container in (template, step):
        read_volumes(job, task.spec, container)
    job.mounts += _workspaces(task.spec)
    job.roots = [*_roots(task, [step, template])] or job.roots
    for item in maps(task.spec.get("artifacts")):
        git = item.mapping("git")
        address, ref = (expanded(git.string(key), known) for key in ("repo", "revision"))
        _take_others(job, {".": Cloned(address, ref)}, line_of(item))
    folder = step.get("workingDir", template.get("workingDir"))
    if folder:
        job.folder = expanded(string(folder), known)
        first = job.folder[0] if job.folder else ""
        if not (isinstance(first, Var) and first.name.startswith("workspaces.")):
            job.roots.append(Root(job.folder))
    before = tuple(read_before(job, task.spec, step, known))
    for one in fetching:
        if one.spec is not task.spec:
            own, cloning = _known(one.given, _known(one.outer)), [*maps(one.spec.get("steps"))]
            job.roots += _roots(one, cloning)
            before += tuple(_cloning(job, cloning, own))
    before += tuple(_cloning(job, steps[:at], known))
    script = step.get("script")
    given = [] if script is None else [*spread(job, step, "args", known)]
    if script is None:
        calls = calls_of(job, step, known, before)
    else:
        words = [in_script(string(each), known) for each in given]
        text = given_to(in_script(string(script), known), words)
        calls = read_pieces(job, [*before, Piece(text, getattr(script, "first", 0))]).calls
        take_read(job)
    for item in maps(task.spec.get("results")):
        path = (Var(f"results.{peek(item.get('name'))}.path"),)
        handed = handed_over(job, calls, path, f"the result {peek(item.get('name'))} is the digest")
        if handed != calls:
            item.string("name")
        calls = handed
    job.calls = calls
    security(job, step)
    return job


def _cloning(job: Job, steps: list[Map], known: Known) -> Iterator[Piece]:
    """The scripts of the steps that clone."""
    for step in steps:
        body = _body(step)
        if not clones(body) or runs_executor(step, known):
            continue
        step.string("name")
        step.string("image")
        own = own_environment(job, step, body, known)
        folder = in_script(step.string("workingDir"), own)
        script = step.get("script")
        if script is None:
            yield script_of_container(step, own, {}, folder)
        else:
            text = in_script(string(script), own)
            yield script_of_text(text, getattr(script, "first", 0), own, {}, folder)


def _tell_parameters(job: Job, task: _Task, used: Any) -> None:
    """Report the parameters that a step names, and those that their values name."""
    names = {one or two for one, two in _REFERENCE.findall(" ".join(texts_below(used)))}
    for item in _parameters(task.spec):
        if item.peek("name") in names:
            item.string("name")
            ignore_keys(item, "Tekton parameter")
    values = [item for name, item in task.given.items() if name in names]
    for item in values:
        _tell_parameter(job, item)
    if task.outer:
        _tell_parameters(job, task._replace(given=task.outer, outer={}), values)
    _tell_when(job, "task", task.name, task.asked)
    for one in maps(task.asked.mapping("matrix").get("params")):
        if one.peek("name") in names:
            listed = " ".join(map(peek, native(one).get("value") or ()))
            job.started = Started(held=True)
            shown = f"{one.peek('name')} {listed}"
            job.tell("unknown-trigger/matrix", line_of(one), task.name, shown)
    task.asked.string("name")


def _tell_when(job: Job, kind: str, name: str, asked: Map) -> None:
    """What a task or a step waits for: no spec asks that."""
    if "when" in asked:
        tests = [" ".join(map(str, native(one).values())) for one in maps(asked["when"])]
        tests = tests or [asked.string("when")]
        job.started = Started(held=True)
        job.tell("unknown-trigger/task", asked.line_of("when"), kind, name, "; ".join(tests))


def _tell_call(job: Job, task: _Task) -> None:
    """How a pipeline calls the task counts later, where what it passes is read."""
    asked = task.asked
    asked.mapping(_CALLS).string("name")
    for one in maps(asked.get("workspaces")):  # the task says what it does with each
        one.string("name")
        one.string("workspace")
    at = f"tasks.{task.name}" if "name" in asked else "spec"
    later(job, Map(asked.line, {at: asked}), "keep the pipeline for this")


def _tell_parameter(job: Job, item: Map) -> None:
    name = item.string("name")
    ignore_keys(item, "Tekton parameter")
    value = item.get("value", item.get("default"))
    if value is None:
        job.tell("parameter/given", line_of(item), name, variable(name))
        return
    key = "value" if "value" in item else "default"
    native(value)
    listed = value if isinstance(value, list) else [*texts_below(value)]
    shown = " ".join(peek(getattr(each, "origin", None) or each) for each in listed) or "empty"
    said = "" if key == "value" else " by default"
    if _PASSED.search(shown):
        job.tell("parameter/passed", item.line_of(key), name, shown)
        return
    job.tell("parameter", item.line_of(key), name, shown, said, key)


def _parts(task: _Task) -> dict[str, str | None]:
    """The folders of workspaces that a pipeline hands to a task; None where a run tells."""
    found = {}
    for one in maps(task.asked.get("workspaces")) if "name" in task.asked else ():
        if "subPath" in one:
            part = literal(expanded(one.peek("subPath"), _known(task.outer)))
            found[one.peek("name")] = part and one.string("subPath") and part
    return found


def _roots(task: _Task, used: list[Map]) -> Iterator[Root]:
    """Workspaces that the steps name: the repository lies there, or in what is asked of it."""
    spec = task.spec
    text = " ".join(texts_below(used))
    parts = _parts(task)
    for item in maps(spec.get("workspaces")):
        name = item.peek("name")
        part = parts.get(name, ".")
        path = item.peek("mountPath").rstrip("/") or f"/workspace/{name}"
        named = f"$(workspaces.{name}.path)" in text or re.search(rf"{re.escape(path)}\b", text)
        if named and part is not None:
            item.string("name")
            item.string("mountPath")
            ignore_keys(item, "Tekton workspace")
            yield Root((Var(f"workspaces.{name}.path"),), part)
            yield Root((path,), part)
    given = [*maps(spec.mapping("resources").get("inputs"))]
    given += maps(spec.mapping("inputs").get("resources"))
    cloned = [item for item in given if item.peek("type") == "git"]
    for item in cloned if len(cloned) == 1 else ():
        name = item.peek("name")
        yield from (Root((Var(f"{each}.{name}.path"),)) for each in _RESOURCES)
        yield Root((f"/workspace/{item.peek('targetPath') or name}",))


def _workspaces(spec: Map) -> Iterator[Mounted]:
    """Workspaces that lie where the executor looks for its docker config."""
    for item in maps(spec.get("workspaces")):
        path = item.peek("mountPath").rstrip("/")
        if path.endswith("/.docker"):
            name = item.get("name")
            nodes = (name, item.get("mountPath"))
            yield Mounted(path, peek(name), {}, ready_config=True, nodes=nodes)


def _beside(job: Job, at: int, steps: list[Map], left: list[set[int]]) -> None:
    """The steps before and after the one that builds; ``left`` are those that nobody told yet."""
    words = ("before", "prepare: runs commands before it"), ("after", "a task of its own")
    for (when, instead), told in zip(words, left, strict=True):
        for number in sorted(one for one in told if (one > at) == (when == "after")):
            told.remove(number)
            step = steps[number]
            said = step.peek("name") or number + 1, when, beginning(_body(step)), instead
            job.tell("step", line_of(step), *said)


def _body(step: Map) -> str:
    words = [item for key in ("command", "args") for item in step.get(key) or () if item]
    return step.peek("script") or " ".join(map(peek, words))
