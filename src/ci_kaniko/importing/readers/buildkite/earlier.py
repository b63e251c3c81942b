"""The step of a pipeline that makes files for the one that builds: ``prepare`` of a spec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, forget
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.preparing import Before, prepare
from ci_kaniko.importing.ticked import Map, ignore, mapping, maps, peek, sequence

if TYPE_CHECKING:
    from collections.abc import Iterable


_MADE = ("image", "command", "commands", "artifact_paths", "key")
_KEYS = {*_MADE, "label", "name", "id", "agents", "timeout_in_minutes"}
_EVERYTHING = re.compile(r"/\*\*(?:/\*)?$")


def prepared_by(job: Job, step: Map, before: Iterable[Map]) -> Map | None:
    """Say the one step whose files a step fetches as ``prepare``, where it does nothing else."""
    fetching = [
        (plugin, name, mapping(plugin[name]).get("download"))
        for plugin in maps(step.get("plugins"))
        for name in plugin
        if re.fullmatch(r"(?:.*/)?artifacts(?:-buildkite-plugin)?(?:#.*)?", name)
    ]
    if len(fetching) != 1:
        return None
    makers = [each for each in before if "artifact_paths" in each]
    if len(makers) != 1 or not makers[0].keys() <= _KEYS:
        return None
    (plugin, name, wanted), maker = fetching[0], makers[0]
    paths = [path.strip() for path in _listed(maker["artifact_paths"])]
    if _listed(wanted) != paths or mapping(plugin[name]).keys() != {"download"}:
        return None
    commands = [peek(each) for key in _MADE[1:3] for each in maker.sequence(key)]
    artifacts = [_EVERYTHING.sub("", path) for path in paths]
    called = f"the step {peek(maker.get('label')) or peek(maker.get('key')) or 'before'}"
    made = Before(called, maker.peek("image"), commands, artifacts, maker.line)
    if not prepare(job, made):
        return None
    ignore(wanted)
    maker.ignore(*_MADE)
    forget(job.section, "depends_on", maker.peek("key"))
    ignore_keys(maker, "Buildkite step")
    return maker


def _listed(value: Any) -> list[str]:
    """Paths, in a list or with semicolons between them."""
    return [path for item in sequence(value) for path in peek(item).split(";")]
