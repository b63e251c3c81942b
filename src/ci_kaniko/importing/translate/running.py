"""What runs the build: the executor's image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal
from ci_kaniko.importing.signs import is_image
from ci_kaniko.importing.translate.executor import executor_of, tagged

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work


def take_executor(work: Work) -> None:
    image = work.image
    line = work.call.line if work.call.image is not None else work.job.image_line
    found = executor_of(work.job, image, line)
    if found:
        work.build["executor"] = found
    _shell(work, image, line)


def _shell(work: Work, image: Text, line: int) -> None:
    """A script in an image that has no shell."""
    written = literal(image) or ""
    _, tag = tagged(written.partition("@")[0])
    if (
        work.job.has_shell
        and is_image(written)
        and work.call.image is None
        and ("debug" not in tag and not re.search("alpine|bootstrap|shell", tag))
    ):
        work.job.tell("no-shell", line, written)
