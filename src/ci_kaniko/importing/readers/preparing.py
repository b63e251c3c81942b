"""Jobs before the one that builds, which make files for it: ``prepare`` of a spec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job

_READ = re.compile(r"\$\{?([A-Za-z_]\w*)")
_SET = re.compile(r"(?:^|[\s;&|(])(?:export |local |for )?([A-Za-z_]\w*)(?:=| in )", re.MULTILINE)
_EVERYWHERE = {"PATH", "HOME", "PWD", "OLDPWD", "IFS"}
_PATTERN = re.compile(r"[*?\[\]{}$]")


class Before(NamedTuple):
    """What runs before the build: commands in an image, and the files that they leave."""

    name: str
    image: str
    commands: list[str]
    artifacts: list[str]
    line: int


def prepare(job: Job, before: Before) -> bool:
    """Say what runs before as ``prepare``; whether that is all that it does.

    Commands that read what only the platform sets stay where they are.
    """
    script = "\n".join(before.commands)
    foreign = {*_READ.findall(script)} - {*_SET.findall(script)} - _EVERYWHERE
    named = before.image and before.commands and before.artifacts
    if not named or foreign or any(map(_PATTERN.search, [before.image, *before.artifacts])):
        return False
    job.shared["prepare"] = {
        "image": before.image,
        "commands": before.commands,
        "artifacts": before.artifacts,
    }
    job.tell("prepare", before.line, before.name)
    return True
