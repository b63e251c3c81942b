"""The jobs that one needs: steps whose outputs it reads, as if they ran here, and its files."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.readers.accounting import IGNORED, tell_unread
from ci_kaniko.importing.readers.github.catalogue import bare_name
from ci_kaniko.importing.readers.github.expressions import EXPRESSION
from ci_kaniko.importing.readers.preparing import prepare
from ci_kaniko.importing.ticked import Map, Str, ignore, mapping, native, peek, texts_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.importing.jobs import Job


_OUTPUT = r"\.([\w-]+)\.outputs\.([\w-]+)"
_ONE = re.compile(r"\s*steps" + _OUTPUT + r"\s*")
_ACTION = "docker/metadata-action@"
_CHECKOUT = "actions/checkout@"
_BUILDS = re.compile(r"kaniko|executor|docker|podman|nerdctl|buildctl|buildah|\$\{\{\s*needs\.")
_ELSEWHERE = ("defaults", "strategy", "container", "uses")
"""What a job may give its steps that is not theirs, beside its variables."""
_KEYS = {"name", "runs-on", "outputs", "steps", "permissions", "timeout-minutes", "env"}


class Needed(NamedTuple):
    """A job whose outputs another one reads: those, and the steps that make them.

    ``whole`` says that it does nothing else.
    """

    name: str
    outputs: dict[str, str]
    steps: list[Map]
    line: int
    whole: bool

    @property
    def prefix(self) -> str:
        """What stands before the ids of its steps."""
        return f"{ELSEWHERE}{self.name}/"


ELSEWHERE = "needs."
"""Ids of steps of other jobs begin with it."""


def needed_by(raw: Map, jobs: Map) -> Iterator[Needed]:
    """The jobs that a job reads outputs of, where the steps that make these can be read."""
    needs = dict.fromkeys(map(peek, raw.sequence("needs")))
    asked = wanted("needs", raw) if needs else set()
    own = raw.mapping("env").keys() | mapping(raw.get("container")).mapping("env").keys()
    for name in needs:
        job = jobs.mapping(name)
        names = {each.partition(".")[2] for each in asked if each.partition(".")[0] == name}
        given = job.mapping("outputs")
        outputs = {key: peek(given[key]) for key in given if key in names}
        if not outputs or any(key in job for key in _ELSEWHERE):
            continue
        ids = {id_ for text in outputs.values() for id_, _ in re.findall("steps" + _OUTPUT, text)}
        every = [mapping(step) for step in job.sequence("steps")]
        made = [step for step in every if step.peek("id") in ids]
        env = job.mapping("env")
        if (
            len(made) < len(ids)
            or not all(map(_is_readable, made))
            or any("GITHUB_ENV" in step.peek("run") for step in every)
            or any("needs." in peek(value) for value in env.values())
            or any(_names(step, own - env.keys()) for step in made)
        ):
            continue
        rest = [step for step in every if step not in made]
        only = job.keys() <= _KEYS and given.keys() == names
        only = only and all(step.keys() <= {"uses", "name"} for step in rest)
        whole = only and all(bare_name(s.peek("uses")).startswith(_CHECKOUT) for s in rest)
        given_env = [_with_variables(step, env) for step in made]
        yield Needed(name, outputs, given_env, jobs.line_of(name), whole)


def wanted(source: str, value: Any) -> set[str]:
    """What something below a value asks of ``steps`` or ``needs``: ``ID.NAME`` each."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in wanted(source, item)}
    if isinstance(value, list):
        return {name for item in value for name in wanted(source, item)}
    return {f"{one}.{name}" for one, name in re.findall(source + _OUTPUT, peek(value))}


def list_of(text: str) -> str:
    """The one output of a step that a text is; empty for every other text."""
    whole = EXPRESSION.fullmatch(text.strip())
    one = _ONE.fullmatch(whole[1]) if whole else None
    return f"{one[1]}.outputs.{one[2]}" if one else ""


def _names(step: Map, variables: Iterable[str]) -> bool:
    """Whether a step may read one of the variables."""
    texts = [*texts_below(step)]
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in variables for text in texts)


def _with_variables(step: Map, env: Map) -> Map:
    """A step with what its job has for all of them."""
    if not env:
        return step
    found, own = step.kept("env".__ne__), step.mapping("env")
    given = Map(own.line or env.line, {**env, **own})
    given.lines = {**env.lines, **own.lines}
    found["env"] = given
    return found


def _is_readable(step: Map) -> bool:
    if "run" in step:
        return not _BUILDS.search(step.peek("run"))
    return bare_name(step.peek("uses")).startswith(_ACTION)


# -- a job that makes files for the one that builds --------------------------------------------


_JOB = {"name", "runs-on", "container", "steps", "timeout-minutes", "permissions", "if"}
_STEP = {"name", "id", "run", "shell", "uses", "with"}
_SHELLS = {"", "sh", "bash"}
_UPLOADED = {"name", "path", *IGNORED["GitHub upload"]}
_UPLOAD, _DOWNLOAD = "actions/upload-artifact@", "actions/download-artifact@"


def prepared_by(job: Job, jobs: Map, raw: Map) -> tuple[str, Map] | None:
    """Say the one job whose files a job fetches as ``prepare``, where it does nothing else.

    Gives its name, and the step that fetches.
    """
    steps = [mapping(step) for step in raw.sequence("steps")]
    fetching = [step for step in steps if bare_name(step.peek("uses")).startswith(_DOWNLOAD)]
    for name in map(peek, raw.sequence("needs")):
        before = jobs.mapping(name)
        plain = before and before.keys() <= _JOB and before.get("if") == raw.get("if")
        if not plain or len(fetching) != 1 or "if" in fetching[0]:
            continue
        made = _made(before, mapping(fetching[0].get("with")))
        if made is not None and prepare(job, f"the job {name}", jobs.line_of(name), made):
            _tick(job, before)
            tell_unread(job, before, name, "keep the job for this")
            fetching[0].ignore("uses", "with")
            job.tell("action", fetching[0].line_of("uses"), peek(fetching[0].get("uses")))
            return name, fetching[0]
    return None


def _made(before: Map, fetched: Map) -> dict[str, Any] | None:
    """What a job makes; None where it does something else as well."""
    container = before.get("container")
    image = container if isinstance(container, Str) else mapping(container).get("image")
    commands: list[str] = []
    paths: list[str] = []
    checked_out = False
    for step in (mapping(step) for step in before.sequence("steps")):
        uses, given = bare_name(step.peek("uses")), step.mapping("with")
        if not step.keys() <= _STEP or step.peek("shell") not in _SHELLS:
            return None
        if "run" in step:
            commands.append(peek(step["run"]).strip())
        elif uses.startswith("actions/checkout@") and not given:
            checked_out = True
        elif not uses.startswith(_UPLOAD) or not given.keys() <= _UPLOADED:
            return None
        elif given.peek("name") == fetched.peek("name"):
            paths += given.peek("path").split()
    where = posixpath.normpath(fetched.peek("path") or ".")
    named = "name" in fetched and fetched.keys() <= {"name", "path"} and len(paths) == 1
    path = _restored(paths[0], where) if named and checked_out else ""
    return {"image": peek(image), "commands": commands, "artifacts": [path] if path else []}


def _restored(path: str, where: str) -> str:
    """A path that is fetched to where it was; an upload keeps nothing of what is above it."""
    whole = posixpath.normpath(path)
    is_file = re.search(r"\.\w+$", whole) is not None
    above = posixpath.dirname(whole) or "." if is_file else whole
    return whole if above == where else ""


def _tick(job: Job, before: Map) -> None:
    """Read what is said of a job that is ``prepare`` now."""
    container = before.get("container")
    ignore(container if isinstance(container, Str) else mapping(container).get("image"))
    native(before.kept(lambda key: key not in {"runs-on", "timeout-minutes", "container"}))
    for step in (mapping(step) for step in before.sequence("steps")):
        if uses := step.peek("uses"):
            job.tell("action", step.line_of("uses"), uses)
