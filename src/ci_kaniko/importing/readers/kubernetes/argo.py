"""Argo's workflows, as the tasks of Tekton that do the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.ticked import List, Map, maps, replaced, texts_below

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_FILLED = re.compile(r"\{\{\s*(?:=\s*)?([\w.-]+)\s*\}\}")
_OUTER = "workflow.parameters"
_PLACE = "spec.arguments.parameters.{}.value"
_MAX_CALLS = 100
_MAX_PARAMETERS = 20_000
_FILES = {"emptyDir", "persistentVolumeClaim"}


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


def as_pipeline(root: Map, given: Iterable[Map] = ()) -> Map:
    """A workflow, or a template of it, with a task for each call of a container.

    What stands there stays the same values, so that what is read of the one is read of the other.
    ``given`` are the parameters that another object starts it with.
    """
    spec = root.mapping("spec")
    spec = spec.mapping("workflowSpec") or spec
    own = {one.peek("name"): one for one in given}
    if own:
        declared = maps(spec.mapping("arguments").get("parameters"))
        passed = {**{one.peek("name"): one for one in declared}, **own}
        spec = spec.kept(lambda key: key != "arguments")
        spec["arguments"] = _map(parameters=List(items=[*passed.values()]))
    templates = list(maps(spec.get("templates")))
    callers: dict[str, list[Map]] = {}
    for call in (call for template in templates for call in _calls(template)):
        callers.setdefault(call.peek("template"), []).append(call)
    tasks = List(spec.line)
    outer = spec.mapping("arguments").get("parameters") or ()
    for template in templates:
        asked = callers.get(template.peek("name"), [template])
        params = len(outer) + len(template.mapping("inputs").get("parameters") or ())
        most = min(_MAX_CALLS, _MAX_PARAMETERS // (params + 1) + 1)
        tasks += [_task(spec, template, caller) for caller in asked[:most]]
    found = root.kept(lambda key: key != "spec")
    found["spec"] = _map(params=spec.mapping("arguments").get("parameters"), tasks=tasks)
    return found


def _map(**given: Any) -> Map:
    return Map(items={key: value for key, value in given.items() if value is not None})


def _calls(template: Map) -> Iterator[Map]:
    """The steps and tasks of a template: they call other ones."""
    rows = template.get("steps")
    for row in rows if isinstance(rows, list) else ():
        yield from maps(row)
    yield from maps(template.mapping("dag").get("tasks"))


def _task(spec: Map, template: Map, caller: Map) -> Map:
    """A template as a task: its container is the one step."""
    inputs = template.mapping("inputs")
    declared = list(maps(inputs.get("parameters")))
    names = {item.peek("name") for item in declared}
    # What the workflow is given is a parameter of each task that has none of that name.
    outer = maps(spec.mapping("arguments").get("parameters"))
    spoken = {*re.findall(r"[\w-]+", " ".join(texts_below([template, caller])))} - names
    given = [item for item in outer if item.peek("name") in spoken]

    def spelled(value: Any, hidden: Collection[str] = ()) -> Any:
        def asked(found: re.Match[str]) -> str:
            scope, _, name = found[1].rpartition(".")
            if scope == "inputs.parameters" or (scope == _OUTER and name not in hidden):
                return f"$(params.{name})"
            return f"$({scope or 'loop'}.{name})"

        return replaced(value, lambda written: _FILLED.sub(asked, written))

    step = spelled(template.get("container") or template.get("script") or Map(), names)
    if "source" in step:
        step["script"], step.lines["script"] = step["source"], step.line_of("source")
    cloned = [item for item in maps(inputs.get("artifacts")) if "git" in item]
    folders = [_map(name=item.get("name"), mountPath=item.get("path")) for item in cloned]
    volumes = [*maps(template.get("volumes")), *maps(spec.get("volumes"))]
    others = {item.peek("name") for item in volumes if not _FILES & item.keys()}
    folders += [
        _map(name=item.get("name"), mountPath=item.get("mountPath"))
        for item in maps(step.get("volumeMounts"))
        if item.peek("name") not in others
    ]
    inner = _map(
        params=List(items=[*spelled(List(items=declared)), *given]),
        steps=List(items=[step]),
        volumes=List(items=volumes),
        workspaces=List(items=folders),
        artifacts=spelled(List(items=cloned)),
    )
    arguments = spelled(caller.mapping("arguments").get("parameters"))
    passed = List(items=[*maps(arguments), *given])
    return _map(name=caller.get("name"), params=passed, when=caller.get("when"), taskSpec=inner)
