"""What runs the build: the executor's image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal, spell
from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.signs import is_image
from ci_kaniko.importing.translate.executor import executor_of
from ci_kaniko.importing.translate.images import split_tag
from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.kaniko.pins import GIT_IMAGE

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work


def take_executor(work: Work) -> None:
    image = work.image
    line = work.image_line
    if not image and work.call.image is None and work.job.target != "shell":
        work.job.tell("no-image", work.job.line)
    put(work.build, "executor", executor_of(work.job, image, line))
    _shell(work, image, line)


def take_builder(work: Work) -> None:
    """Another builder, and its image where that is not the pinned one."""
    name, image = work.call.builder, work.image
    line = work.image_line
    work.build["builder"] = name
    written, default = literal(image), BUILDER_IMAGES[name]
    work.job.tell("builder", work.call.line, name)
    if written is None:
        work.job.tell("builder-image", line, spell(image), default)
    elif written and _bare(written) != _bare(default):
        if re.search(r"[:@].*\d", written.rpartition("/")[2]):
            work.settings.shared.setdefault("tools", {})[name] = written
        else:
            work.job.tell("builder-image/moving", line, written, default)
    git = work.call.git_image
    if git and _bare(git) != _bare(GIT_IMAGE):
        work.settings.shared.setdefault("tools", {})["git"] = git


def take_daemon(work: Work) -> None:
    """What was built on a daemon: kaniko needs none, and no client's image."""
    image = spell(work.image)
    line = work.image_line
    work.job.tell("daemon", work.call.line)
    if image:
        work.job.tell("daemon-image", line, image)


def _bare(image: str) -> str:
    return image.removeprefix("docker.io/")


def _shell(work: Work, image: Text, line: int) -> None:
    """A script in an image that has no shell."""
    written = literal(image) or ""
    _, tag = split_tag(written.partition("@")[0])
    if (
        work.job.has_shell
        and is_image(written)
        and work.call.image is None
        and (tag or "@" not in written)
        and ("debug" not in tag and not re.search("alpine|bootstrap|shell", tag))
    ):
        work.job.tell("no-shell", line, written)
