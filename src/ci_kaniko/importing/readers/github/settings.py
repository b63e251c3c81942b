"""A job's settings that are GitHub's alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, literal, spell
from ci_kaniko.importing.jobs import Job, put
from ci_kaniko.importing.readers.accounting import ignore_keys, tell_unread
from ci_kaniko.importing.readers.inputs import with_inputs
from ci_kaniko.importing.readers.scripts import is_named
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.signs import is_image
from ci_kaniko.importing.ticked import Map, mapping, native, peek, sequence, string
from ci_kaniko.importing.translate.conditions import is_unknown
from ci_kaniko.kaniko.variables import flag_of_variable, is_read, owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Callable


_WORD = re.compile(r"\w+")
_USUAL = (["ubuntu-24.04"], ["ubuntu-latest"])
_OUR_GROUP = "${{ github.workflow_ref }}-"
_LEFT = {
    "concurrency": "concurrency",
    "services": "services",
    "strategy.max-parallel": "max-parallel",
    "strategy.fail-fast": "fail-fast",
    "outputs": "job-outputs",
}
"""Keys of a job and of a workflow that are told in sentences of their own."""


def section_of(
    job: Job, name: str, root: Map, raw: Map, text: Callable[[str], Text], *, called: bool
) -> None:
    """The ``github:`` section of a job, and what is told beside it.

    ``text`` is what a text is worth above the steps.
    """
    section = job.section
    mode = section.pop("mode", None)
    put(section, "mode", mode)
    put(section, "workflow", root.string("name"), "image")
    if name != "image" and "job" not in section:
        section["job"] = name
    _runner(job, raw, text)
    put(section, "timeout_minutes", raw.number("timeout-minutes"), 60)
    if raw.number("timeout-minutes") is None and (written := raw.string("timeout-minutes")):
        job.tell("timeout", raw.line_of("timeout-minutes"), written)
    _environment(job, raw, text)
    if "needs" in raw:
        section["needs"] = [string(item) for item in sequence(raw["needs"])]
    if not called and "permissions" not in raw and "permissions" not in root:
        job.tell("permissions", job.line)
    if "timeout-minutes" not in raw and "runs" not in root:
        job.tell("no-timeout", job.line)
    job.keep_extra(raw, _BUILDS)


def _worth(written: str, text: Callable[[str], Text]) -> str:
    """A text with what is the same in all of the job, such as the matrix."""
    return literal(text(written)) or written if "${{" in written else written


def _runner(job: Job, raw: Map, text: Callable[[str], Text]) -> None:
    runs_on = raw.get("runs-on")
    line = raw.line_of("runs-on")
    listed = runs_on.sequence("labels") if isinstance(runs_on, Map) else sequence(runs_on)
    inputs = job.shared.get("inputs", {})
    labels = [_worth(string(item), lambda it: with_inputs(text(it), inputs)) for item in listed]
    if labels == ["ubuntu-latest"]:
        job.tell("moving-runner", line)
    elif any("${{" in label for label in labels):
        job.tell("runs-on", line, ", ".join(labels))
    elif labels and labels not in _USUAL:
        job.section["runs_on"] = labels[0] if len(labels) == 1 else labels


def _environment(job: Job, raw: Map, text: Callable[[str], Text]) -> None:
    given = raw.get("environment")
    named = _worth(string(given) or mapping(given).string("name"), text)
    if named and "${{" not in named:
        job.section["environment"] = named
    elif named:
        job.tell("environment", raw.line_of("environment"), named)


_BUILDS = {
    *("name", "if", "runs-on", "timeout-minutes", "environment", "permissions", "container"),
    *("steps", "strategy", "env", "outputs", "needs", "concurrency", "defaults", "services"),
    *("uses", "with", "secrets", "using"),
}
"""Keys of a job that have a field, or none: its rendered one can have all others as they are."""


def tell_environment(job: Job, root: Map, raw: Map, named: set[str]) -> None:
    """Variables that no step names: in the executor's own container they are the executor's.

    ``named`` are the words of all jobs.
    """
    inner = raw.mapping("container").mapping("env")
    handed = f"{root.get('env')} {raw.get('env')} {inner}"
    passed = {name for call in job.calls for name in call.environment}
    inside = is_image(spell(job.image))
    own = words_of(raw)
    for holder, words, is_inner in (
        (root.mapping("env"), named, False),
        (raw.mapping("env"), own, False),
        (inner, own, True),
    ):
        used = {*words, *re.findall(r"\benv\.(\w+)", handed)} if holder else words
        for key, value in holder.items():
            if used.issuperset(_WORD.findall(key)):
                continue
            theirs = is_inner or (inside and is_read(key))
            if theirs and key in job.environment:
                job.exported[key] = holder.line_of(key)
            elif not (inside and flag_of_variable(key)) and not (is_read(key) and key in passed):
                shown = "***" if is_secret_name(key) else string(value)
                job.tell("unused-variable", holder.line_of(key), key, shown)
    _tell_step_variables(job, raw, inside=inside)


def _tell_step_variables(job: Job, raw: Map, *, inside: bool) -> None:
    files = [spell(text) for text in job.known_files.values()]
    for step in map(mapping, raw.sequence("steps")):
        env = step.mapping("env") if "run" in step else Map()
        text = "\n".join([step.peek("run"), *files])
        for key, value in env.items():
            theirs = inside and (is_read(key) or owner_of_variable(key) is not None)
            if not theirs and not is_named(key, text):
                shown = "***" if is_secret_name(key) else peek(value)
                job.tell("unused-variable", env.line_of(key), key, shown)


def words_of(value: Any) -> set[str]:
    """The words of the steps in which a variable may be read."""
    return {*_WORD.findall(_used(value))}


def _used(value: Any) -> str:
    """Every text of the steps in which a variable may be read."""
    if isinstance(value, Map):
        keys = [key for key in value if key == "steps"] or list(value)
        return "\n".join(_used(value[key]) for key in keys)
    if isinstance(value, list):
        return "\n".join(map(_used, value))
    return peek(value)


def tell_rest(job: Job, root: Map, raw: Map, *, ours: bool) -> None:
    """One line of the report for each part of a job, and of its workflow, that nobody read."""
    ignore_keys(raw, "GitHub job")
    ignore_keys(root, "GitHub workflow")
    if ours and root.mapping("concurrency").peek("group").startswith(_OUR_GROUP):
        root = root.kept("concurrency".__ne__)
    for step in raw.sequence("steps"):
        ignore_keys(mapping(step), "GitHub step")
    for holder, prefix in ((raw, ""), (raw.mapping("strategy"), "strategy."), (root, "")):
        for key in holder:
            sentence = _LEFT.get(f"{prefix}{key}")
            if sentence and (holder is not root or key == "concurrency"):
                shown = _shown(native(holder[key]))
                if not (key == "outputs" and hands_digest(job, shown)):
                    job.tell(sentence, holder.line_of(key), shown)
    for at, step in enumerate(raw.sequence("steps")):
        tell_unread(job, step, f"steps[{at}]", "the rendered job has steps of its own")
    tell_unread(
        job,
        raw.kept("steps".__ne__),
        advice="github: {extra: ...} takes keys of the job as they are",
    )
    for key, value in root.items():
        if key not in {"name", "on", "true", "True", "jobs", "runs"}:
            tell_unread(job, value, key)


_DIGEST = re.compile(r"digest: \$\{\{ *(?:steps|jobs)\.[\w-]+\.outputs\.digest *\}\}")


def hands_digest(job: Job, output: str) -> bool:
    """Whether an output is the one that ``digest: true`` makes."""
    pushing = [call for call in job.calls if any(not is_unknown(it.when) for it in call.pushed)]
    words = (spell(word.text) for call in pushing for word in call.words)
    wanted = any(word.startswith("--digest-file=") for word in words)
    return wanted and _DIGEST.fullmatch(output) is not None


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
