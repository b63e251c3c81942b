"""Jobs before the one that builds, which make files for it: ``prepare`` of a spec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job

_READ = re.compile(r"\$\{?([A-Za-z_]\w*)")
_SET = re.compile(r"(?:^|[\s;&|(])(?:export |local |for )?([A-Za-z_]\w*)(?:=| in )", re.MULTILINE)
_EVERYWHERE = {"PATH", "HOME", "PWD", "OLDPWD", "IFS"}
_PATTERN = re.compile(r"[*?\[\]{}$]")


def prepare(job: Job, called: str, line: int, made: dict[str, Any]) -> bool:
    """Say what runs before as ``prepare``; whether that is all that it does.

    It is ``made`` of an image, commands and the artifacts that they leave. Commands that read what
    only the platform sets stay where they are.
    """
    image, artifacts = made["image"], made["artifacts"]
    script = "\n".join(made["commands"])
    foreign = {*_READ.findall(script)} - {*_SET.findall(script)} - _EVERYWHERE
    if foreign or not all(made.values()) or any(map(_PATTERN.search, [image, *artifacts])):
        return False
    job.shared["prepare"] = made
    job.tell("prepare", line, called)
    return True
