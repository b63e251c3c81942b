"""Variables of the executor's container that no argument and no login is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Masked
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.kaniko.variables import owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Collection

    from ci_kaniko.importing.jobs import Job
    from ci_kaniko.importing.translate.portable import Spelled


def exported(job: Job, asked: Collection[str], spelled: Spelled) -> dict[str, str]:
    """What stands under ``env:``; ``asked`` are the variables that a login was looked for in."""
    found: dict[str, str] = {}
    for name, line in job.exported.items():
        text = job.environment[name]
        if name in asked or any(isinstance(part, Masked) for part in text):
            continue
        owner = owner_of_variable(name)
        if owner:
            if text != ("kube",):
                job.left("owned-variable", f"{name} is not carried over", line, owner)
            continue
        try:
            found[name] = spelled.template(text, line)
        except NotPortable as reason:
            job.left("not-portable", f"{name}: {reason.message}", line, reason.advice)
    return found
