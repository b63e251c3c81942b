"""The job of a workflow that makes files for the one that builds: ``prepare`` of a spec."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.readers.accounting import IGNORED, tell_unread
from ci_kaniko.importing.readers.github.catalogue import bare_name
from ci_kaniko.importing.readers.preparing import Before, prepare
from ci_kaniko.importing.ticked import Map, Str, ignore, mapping, native, peek

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job

_JOB = {"name", "runs-on", "container", "steps", "timeout-minutes", "permissions", "if"}
_STEP = {"name", "id", "run", "shell", "uses", "with"}
_SHELLS = {"", "sh", "bash"}
_UPLOADED = {"name", "path", *IGNORED["GitHub upload"]}
_UPLOAD, _DOWNLOAD = "actions/upload-artifact@", "actions/download-artifact@"


class Prepared(NamedTuple):
    """What became of a job before: its name, and the step that fetches its files."""

    name: str
    step: Map


def prepared_by(job: Job, jobs: Map, raw: Map) -> Prepared | None:
    """Say the one job whose files a job fetches as ``prepare``, where it does nothing else."""
    steps = [mapping(step) for step in raw.sequence("steps")]
    fetching = [step for step in steps if bare_name(step.peek("uses")).startswith(_DOWNLOAD)]
    for name in map(peek, raw.sequence("needs")):
        before = jobs.mapping(name)
        plain = before and before.keys() <= _JOB and before.get("if") == raw.get("if")
        if not plain or len(fetching) != 1 or "if" in fetching[0]:
            continue
        made = _made(name, before, mapping(fetching[0].get("with")), jobs.line_of(name))
        if made is not None and prepare(job, made):
            _tick(job, before)
            tell_unread(job, before, name, "keep the job for this")
            fetching[0].ignore("uses", "with")
            job.tell("action", fetching[0].line_of("uses"), peek(fetching[0].get("uses")))
            return Prepared(name, fetching[0])
    return None


def _made(name: str, before: Map, fetched: Map, line: int) -> Before | None:
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
    return Before(f"the job {name}", peek(image), commands, [path] if path else [], line)


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
