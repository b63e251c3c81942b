"""What Agola's parser refuses, and what it drops or misreads without a word.

It ignores unknown fields at every level, takes a bare number as nanoseconds and any other map as
an empty text, so a file that it accepts is not yet one that means what it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from ci_kaniko.rehearsing.agola_when import entries, regexp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACES = (".agola/config.star", ".agola/config.jsonnet", ".agola/config.json", ".agola/config.yml")
LARGEST = 1024 * 1024
ARCHITECTURES = ("386", "amd64", "arm", "arm64")
CONDITIONS = ("on_success", "on_failure", "on_skipped")

_SHARED = {"docker_registries_auth", "task_timeout_interval"}
_FIELDS = {
    "file": {"version", "runs", *_SHARED},
    "run": {"name", "tasks", "when", *_SHARED},
    "task": {
        *("name", "runtime", "environment", "working_dir", "shell", "user", "steps", "depends"),
        *("ignore_failure", "approval", "when", *_SHARED),
    },
    "runtime": {"type", "arch", "containers"},
    "container": {"image", "environment", "user", "privileged", "entrypoint", "volumes"},
    "volume": {"path", "tmpfs"},
    "tmpfs": {"size"},
    "when": {"branch", "tag", "ref"},
    "condition": {"include", "exclude"},
    "content": {"source_dir", "dest_dir", "paths"},
    "dependency": {"task", "conditions"},
    "registry": {"type", "username", "password", "auth"},
}
_STEPS = {
    "clone": {"depth", "recurse_submodules"},
    "run": {"name", "command", "environment", "working_dir", "shell", "tty"},
    "save_to_workspace": {"contents"},
    "restore_workspace": {"dest_dir"},
    "save_cache": {"key", "contents"},
    "restore_cache": {"keys", "dest_dir"},
}
_NEEDED = {
    "file": {"runs"},
    "run": {"name", "tasks"},
    "task": {"name", "runtime", "steps"},
    "runtime": {"containers"},
    "container": {"image"},
    "volume": {"path", "tmpfs"},
    "dependency": {"task"},
}
_SWITCHES = {"ignore_failure", "approval", "tty", "privileged", "recurse_submodules"}
_TEXTS = {"name", "image", "working_dir", "shell", "user", "command", "dest_dir", "source_dir"}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+")
_NOT_IN_GO = re.compile(r"\(\?[=!<]|\\[1-9]")


class _Reader(yaml.CSafeLoader):
    """Go's refuses a key that stands there twice, and takes ``on`` for a text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        found = super().construct_mapping(node, deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key twice", node.start_mark)
        return found


_Reader.yaml_implicit_resolvers = {
    first: [pair for pair in known if first in "tTfF" or not pair[0].endswith(":bool")]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def complaints(text: str, *, place: str = PLACES[-1]) -> list[str]:
    """Everything that is wrong with a configuration, in words."""
    if place not in PLACES:
        return [f"Agola does not read {place}"]
    if len(text.encode()) > LARGEST:
        return ["the file is larger than 1 MiB"]
    try:
        document = yaml.load(text, _Reader)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        return [f"not one meaning in YAML: {' '.join(str(error).split())}"]
    return list(complaints_of(document))


def _fields(kind: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"a {kind} is a mapping, not {value!r}"
        return
    for field in value.keys() - _FIELDS[kind]:
        yield f"a {kind} has no {field}: it is dropped"
    for field in _NEEDED.get(kind, set()) - value.keys():
        yield f"a {kind} needs {field}"
    yield from _types(kind, value)
    if "task_timeout_interval" in value:
        yield from _duration(value["task_timeout_interval"])
    yield from _registries(value.get("docker_registries_auth") or {})


def _types(kind: str, value: Mapping[str, Any]) -> Iterator[str]:
    for field in _SWITCHES & value.keys():
        if not isinstance(value[field], bool):
            yield f"{field} of a {kind} is true or false"
    for field in _TEXTS & value.keys():
        if not isinstance(value[field], str):
            yield f"{field} of a {kind} is a text"


def _duration(value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"task_timeout_interval: {value} would be nanoseconds"
    elif not _DURATION.fullmatch(value):
        yield f"task_timeout_interval: {value} is no Go duration"


def _names(kind: str, items: list[Any]) -> Iterator[str]:
    names = [item["name"] for item in items if isinstance(item, dict) and "name" in item]
    for name in names:
        if not name or len(str(name).encode()) > 100:
            yield f"the name of a {kind} has 1 to 100 bytes"
    if len(set(names)) < len(names):
        yield f"two {kind}s have one name"


def complaints_of(document: Any) -> Iterator[str]:
    """What is wrong with a configuration that has been read."""
    yield from _fields("file", document)
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list) or not runs:
        yield "there is no run"
        return
    yield from _names("run", runs)
    for run in runs:
        yield from _fields("run", run)
        tasks = run.get("tasks") or []
        yield from _when(run.get("when"))
        yield from _names("task", tasks)
        for task in tasks:
            yield from _task(task)
        yield from _dependencies(tasks)


def _task(task: Any) -> Iterator[str]:
    yield from _fields("task", task)
    yield from _environment(task.get("environment"))
    yield from _when(task.get("when"))
    yield from _runtime(task.get("runtime") or {})
    for step in task.get("steps") or []:
        yield from _step(step)


def _runtime(runtime: Any) -> Iterator[str]:
    yield from _fields("runtime", runtime)
    if runtime.get("type", "pod") != "pod":
        yield "a runtime is of type pod"
    if "arch" in runtime and runtime["arch"] not in ARCHITECTURES:
        yield f"no runtime has arch {runtime['arch']}"
    if not runtime.get("containers"):
        yield "a runtime has a container"
    for container in runtime.get("containers") or []:
        yield from _fields("container", container)
        yield from _environment(container.get("environment"))
        for volume in container.get("volumes") or []:
            yield from _fields("volume", volume)
            yield from _fields("tmpfs", volume.get("tmpfs"))


def _environment(environment: Any) -> Iterator[str]:
    for name, value in (environment or {}).items():
        if not _is_value(value):
            yield f"{name} is neither a text nor {{from_variable: name}}"


def _is_value(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() == {"from_variable"} and isinstance(value["from_variable"], str)
    return isinstance(value, str)


def _registries(registries: Mapping[str, Any]) -> Iterator[str]:
    for host, entry in registries.items():
        yield from _fields("registry", entry)
        kind = entry.get("type", "basic")
        wanted = {"basic": {"username", "password"}, "encodedauth": {"auth"}}.get(kind)
        if wanted is None:
            yield f"{host}: {kind} is no kind of login"
        elif entry.keys() - {"type"} != wanted or not all(_is_value(entry[key]) for key in wanted):
            yield f"{host}: a login of type {kind} has {' and '.join(sorted(wanted))}"


def _step(step: Any) -> Iterator[str]:
    if not isinstance(step, dict):
        yield f"a step is a mapping, not {step!r}"
        return
    if "type" in step:
        kind, fields = step["type"], {key: item for key, item in step.items() if key != "type"}
    elif len(step) == 1:
        kind, fields = next(iter(step.items()))
    else:
        yield f"a step has exactly one kind, not {', '.join(step)}"
        return
    if kind not in _STEPS:
        yield f"no step is a {kind}"
        return
    yield from _step_fields(kind, fields)


def _step_fields(kind: str, fields: Any) -> Iterator[str]:
    if kind == "run" and isinstance(fields, str):
        fields = {"command": fields}
    fields = fields or {}
    for field in fields.keys() - _STEPS[kind]:
        yield f"a {kind} step has no {field}: it is dropped"
    yield from _types(kind, fields)
    yield from _environment(fields.get("environment"))
    if kind == "run":
        yield from _command(fields)
    if kind == "clone" and not _is_depth(fields.get("depth", 1)):
        yield "depth is a number from 1"
    for content in fields.get("contents") or []:
        yield from _fields("content", content)


def _is_depth(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _command(step: Mapping[str, Any]) -> Iterator[str]:
    if not step.get("command"):
        yield "a run step has a command"
    elif "\n" in step["command"] and not step.get("name"):
        yield "a run step with more than one line needs a name"


def _dependencies(tasks: list[Any]) -> Iterator[str]:
    parents = {}
    for task in tasks:
        listed = [_dependency(entry) for entry in task.get("depends") or []]
        names = [name for name, _ in listed]
        parents[task.get("name")] = names
        if len(set(names)) < len(names):
            yield "a task depends twice on another"
        for _, conditions in listed:
            for condition in set(conditions) - {*CONDITIONS}:
                yield f"{condition} is no condition: it is dropped"
    for name, needed in parents.items():
        for parent in needed:
            if parent not in parents:
                yield f"{name} depends on {parent}, which is no task"
    yield from _order(parents)


def _dependency(entry: Any) -> tuple[str, list[str]]:
    if isinstance(entry, str):
        return entry, []
    if "task" in entry:
        return entry["task"], entry.get("conditions") or []
    ((name, conditions),) = entry.items()
    return name, conditions or []


def _order(parents: Mapping[str, list[str]]) -> Iterator[str]:
    def ancestors(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        for parent in parents.get(name, ()):
            if parent not in seen:
                seen = ancestors(parent, seen | {parent})
        return seen

    for name, needed in parents.items():
        if name in ancestors(name):
            yield f"{name} depends on itself"
        for parent in needed:
            if any(parent in ancestors(other) for other in needed if other != parent):
                yield f"{name} depends on {parent}, and so does another of its dependencies"


def _when(when: Any) -> Iterator[str]:
    if when is None:
        return
    yield from _fields("when", when)
    for conditions in when.values() if isinstance(when, dict) else ():
        if isinstance(conditions, dict):
            yield from _fields("condition", conditions)
        for condition in entries(conditions):
            yield from _pattern(condition)


def _pattern(condition: Any) -> Iterator[str]:
    if not isinstance(condition, str):
        yield f"a condition is a text, not {condition!r}"
        return
    pattern = regexp(condition)
    if pattern is None and re.search(r"[*?]", condition):
        yield f"{condition} is no glob: it matches itself only"
    if pattern is not None and _NOT_IN_GO.search(pattern):
        yield f"{condition}: Go's regular expressions have no such thing"
    if pattern is not None and not _compiles(pattern):
        yield f"{condition} is no regular expression"


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
