"""Argo's workflows, as the tasks of Tekton that do the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.ticked import List, Map, maps, peek, replaced, text, texts_below

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

_FILLED = re.compile(r"\{\{\s*(?:=\s*)?((?:[\w.-]|\['[\w-]+'\])+)\s*\}\}|\{\{=.*?\}\}", re.DOTALL)
_AT = re.compile(r"\['([\w-]+)'\]")
_OUTER = "workflow.parameters"
_PLACE = "spec.arguments.parameters.{}.value"
_ALONE = {"Workflow", "CronWorkflow"}
"""What nobody else takes templates from."""
_CALLED = "something calls it"
_MAX_CALLS = 100
_MAX_PARAMETERS = 20_000
_FILES = {"emptyDir", "persistentVolumeClaim"}
_NONE: Mapping[str, Map] = {}


def starts_in(value: Any, filled: frozenset[str] = frozenset()) -> Iterator[tuple[str, list[Map]]]:
    """The templates that objects start, by name, with what they get or a Sensor fills in."""
    if isinstance(value, Map):
        filled |= {each.peek("dest") for each in maps(value.get("parameters"))}
        if name := value.mapping("workflowTemplateRef").peek("name"):
            given = enumerate(maps(value.mapping("arguments").get("parameters")))
            yield (
                name,
                [
                    one.kept(lambda key: key == "name") if _PLACE.format(at) in filled else one
                    for at, one in given
                ],
            )
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from starts_in(each, filled)


def templates_in(roots: list[Map]) -> dict[str, Map]:
    """The templates that workflows ask for by ``templateRef``, by the names of both."""
    asked = {_asked(call) for root in roots for each in _templates(root) for call in _calls(each)}
    found = {_own(root, each): each for root in roots for each in _templates(root)}
    return {name: each for name, each in found.items() if name in asked}


def holds(root: Map, shared: Mapping[str, Map]) -> bool:
    """Whether an object has one of the ``shared`` templates."""
    return any(_own(root, each) in shared for each in _templates(root))


def as_pipeline(root: Map, given: Iterable[Map] = (), shared: Mapping[str, Map] = _NONE) -> Map:
    """A workflow, or a template of it, with a task for each call of a container.

    What stands there stays the same values, so that what is read of the one is read of the other.
    ``given`` are the parameters that another object starts it with, and ``shared`` templates that
    are read where one asks for them.
    """
    spec = root.mapping("spec")
    spec = spec.mapping("workflowSpec") or spec
    declared = [*maps(spec.mapping("arguments").get("parameters")), *given]
    spelled = _Spelling().of
    outer = spelled(List(items=[*{one.peek("name"): one for one in declared}.values()]))
    templates = [each for each in _templates(root) if _own(root, each) not in shared]
    callers: dict[str, list[Map]] = {}
    calls = [call for template in templates for call in _calls(template)]
    for call in calls:
        callers.setdefault(_asked(call), []).append(call)
    tasks = List(spec.line)
    for call in calls:
        if inline := call.mapping("inline"):
            tasks.append(_task(spec, outer, inline, call, spelled))
    started = {*_started(spec, calls)} if root.peek("kind") in _ALONE else set()
    found = [(each.peek("name"), each) for each in templates]
    for name, template in (*found, *(each for each in shared.items() if each[0] in callers)):
        asked = callers.get(name, [template])
        if started and name not in {*started, *callers}:
            asked = [Map(template.line, {"name": template.get("name"), "when": text(_CALLED)})]
        params = len(outer) + len(template.mapping("inputs").get("parameters") or ())
        most = min(_MAX_CALLS, _MAX_PARAMETERS // (params + 1) + 1)
        tasks += [_task(spec, outer, template, caller, spelled) for caller in asked[:most]]
    pipeline = root.kept(lambda key: key != "spec")
    pipeline["spec"] = _map(params=outer, tasks=tasks)
    return pipeline


class _Spelling:
    """What Argo fills in, as Tekton writes it; only a run tells what an expression is."""

    def __init__(self) -> None:
        self._expressions: dict[str, str] = {}

    def of(self, value: Any, hidden: Collection[str] = ()) -> Any:
        """A value; the ``hidden`` parameters of the workflow are others here."""

        def asked(found: re.Match[str]) -> str:
            if not found[1]:
                number = len(self._expressions) + 1
                return self._expressions.setdefault(found[0], f"$(expression.{number})")
            scope, _, name = _AT.sub(r".\1", found[1]).rpartition(".")
            if scope == "inputs.parameters" or (scope == _OUTER and name not in hidden):
                return f"$(params.{name})"
            return f"$({scope or 'loop'}.{name})"

        return replaced(value, lambda written: _FILLED.sub(asked, written))


def _started(spec: Map, calls: list[Map]) -> Iterator[str]:
    """The templates that a workflow starts by itself; nothing where it has no first one."""
    if entry := spec.peek("entrypoint"):
        yield entry
        for each in (spec, *calls):
            yield each.peek("onExit")
            yield from (hook.peek("template") for hook in maps([*each.mapping("hooks").values()]))


def _map(**given: Any) -> Map:
    return Map(items={key: value for key, value in given.items() if value is not None})


def _templates(root: Map) -> Iterator[Map]:
    spec = root.mapping("spec")
    return maps((spec.mapping("workflowSpec") or spec).get("templates"))


def _own(root: Map, template: Map) -> str:
    """What others ask for a template with."""
    return f"{root.mapping('metadata').peek('name')}/{template.peek('name')}"


def _asked(call: Map) -> str:
    """Which template a call asks for: one beside it, or one of another object."""
    other = call.mapping("templateRef")
    return f"{other.peek('name')}/{other.peek('template')}" if other else call.peek("template")


def _calls(template: Map) -> Iterator[Map]:
    """The steps and tasks of a template: they call other ones."""
    rows = template.get("steps")
    for row in rows if isinstance(rows, list) else ():
        yield from maps(row)
    yield from maps(template.mapping("dag").get("tasks"))


def _task(spec: Map, outer: List, template: Map, caller: Map, spelled: Callable[..., Any]) -> Map:
    """A template as a task: its container is the one step."""
    inputs = template.mapping("inputs")
    declared = list(maps(inputs.get("parameters")))
    names = {item.peek("name") for item in declared}
    # What the workflow is given is a parameter of each task that has none of that name.
    spoken = {*re.findall(r"[\w-]+", " ".join(texts_below([template, caller])))} - names
    given = [item for item in maps(outer) if item.peek("name") in spoken]
    step = spelled(template.get("container") or template.get("script") or Map(), names)
    if "source" in step:
        step["script"], step.lines["script"] = step["source"], step.line_of("source")
    cloned = [item for item in maps(inputs.get("artifacts")) if "git" in item]
    folders = [_map(name=item.get("name"), mountPath=item.get("path")) for item in cloned]
    volumes = [*maps(template.get("volumes")), *maps(spec.get("volumes"))]
    holders = {item.peek("name"): item for item in volumes}
    for mount in maps(step.get("volumeMounts")):
        name, path = mount.get("name"), mount.get("mountPath")
        volume = holders.get(peek(name))
        is_login = peek(path).rstrip("/").endswith(".docker")
        if volume is None or (_FILES & volume.keys() and not is_login):
            folders.append(_map(name=name, mountPath=path))
    inner = _map(
        params=List(items=[*spelled(List(items=declared)), *given]),
        steps=List(items=[step]),
        volumes=List(items=volumes),
        initContainers=spelled(template.get("initContainers")),
        workspaces=List(items=folders),
        artifacts=spelled(List(items=cloned)),
    )
    arguments = spelled(caller.mapping("arguments").get("parameters"))
    passed = List(items=[*maps(arguments), *given])
    return _map(name=caller.get("name"), params=passed, when=caller.get("when"), taskSpec=inner)
