"""What runs the build: the executor's image as a spec names it, or another builder's."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Text, literal, spell
from ci_kaniko.importing.jobs import Job, put
from ci_kaniko.importing.translate.images import split_tag
from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.kaniko.executors import DEFAULT, DISTRIBUTIONS, at_least, distribution_of
from ci_kaniko.kaniko.flags import FLAGS

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work


_VERSION = re.compile(r"v\d+\.\d+\.\d+")
_MOVING = {"", "latest", "debug", "main", "master"}


class Release(NamedTuple):
    """What an image of the executor is, by its name; ``version`` is its tag without ``-debug``."""

    repository: str
    version: str
    debug: bool
    digest: str
    distribution: str | None

    @property
    def is_kaniko(self) -> bool:
        """Whether it holds what a release of kaniko does, and no more."""
        return self.distribution is not None or bool(_VERSION.fullmatch(self.version))


@functools.lru_cache(maxsize=128)
def release_of(written: str) -> Release | None:
    """The executor that an image is; None for an image that is none by its name."""
    bare, _, digest = written.partition("@")
    repository, tag = split_tag(bare)
    tag = tag.removeprefix(":")
    version = tag.removesuffix("-debug")
    distribution = distribution_of(repository) or _of_mirror(repository, version)
    if distribution is None and "kaniko" not in repository:
        return None
    debug = tag.endswith("-debug") or tag == "debug"
    return Release(repository, version, debug, digest, distribution)


def is_kaniko(image: str) -> bool:
    """Whether an image is a release of kaniko, and so without what a script or an action needs."""
    release = release_of(image)
    return release is not None and release.is_kaniko


def pinned_without(image: Text, flag: str) -> str:
    """The pinned executor that has no such flag; empty where it has it, or nothing is pinned."""
    release = release_of(literal(image) or "")
    if release is None or release.distribution is None or not _VERSION.fullmatch(release.version):
        return ""
    has = at_least(release.version, getattr(FLAGS[flag].since, release.distribution))
    return "" if has else f"kaniko {release.version} of {release.distribution}"


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
        if re.search(r"^[^:@]*[:@].*\d", written.rpartition("/")[2]):
            work.settings.shared.setdefault("tools", {})[name] = written
        else:
            work.job.tell("builder-image/moving", line, written, default)


def take_daemon(work: Work) -> None:
    """What was built on a daemon: kaniko needs none, and no client's image."""
    work.job.tell("daemon", work.call.line)
    if work.image:
        work.job.tell("daemon-image", work.image_line, spell(work.image))
    elif work.job.target in {"gitlab", "buildkite"}:
        work.job.tell("no-image/daemon", work.job.line)


def _bare(image: str) -> str:
    return image.removeprefix("docker.io/")


def _shell(work: Work, image: Text, line: int) -> None:
    """A script in an image that has no shell."""
    written = literal(image) or ""
    _, tag = split_tag(written.partition("@")[0])
    if (
        work.job.has_shell
        and is_kaniko(written)
        and work.call.image is None
        and (tag or "@" not in written)
        and ("debug" not in tag and not re.search("alpine|bootstrap|shell", tag))
    ):
        work.job.tell("no-shell", line, written)


def executor_of(job: Job, image: Text, line: int) -> dict[str, Any]:
    """What stands under ``executor:`` for an image; nothing for the default."""
    written = literal(image)
    if not written:
        if image:
            job.tell("executor-image", line, spell(image))
        return {}
    release = release_of(written)
    if release is None:
        job.tell("executor-image/own", line, written)
        return {"image": written}
    repository, version, debug, digest, distribution = release
    if not _VERSION.fullmatch(version):
        known = DISTRIBUTIONS[DEFAULT]
        is_own = distribution is None and version not in _MOVING
        is_fixed = is_own or bool(digest) or version.startswith("debug-v")
        told = "executor-image/unnamed" if is_fixed else "moving-executor"
        job.tell(told, line, written, known.image, known.version)
        if is_fixed and distribution and DISTRIBUTIONS[distribution].frozen:
            job.tell("frozen-executor/replaced", line, written)
        return {}
    found: dict[str, Any] = {}
    if distribution and distribution != DEFAULT:
        found["distribution"] = distribution
    if distribution and DISTRIBUTIONS[distribution].frozen:
        job.tell("frozen-executor", line, written)
    if version != DISTRIBUTIONS[distribution or DEFAULT].version:
        found["version"] = version
    if distribution is None or repository != DISTRIBUTIONS[distribution].image:
        found["image"] = repository
        found["version"] = version
    if digest:
        found["digests"] = {"debug" if debug else "plain": f"{version}{'-debug' * debug}@{digest}"}
    return found


def _of_mirror(repository: str, version: str) -> str | None:
    """Whose executor a mirror holds, by its name; up to v1.24.0 there was but one."""
    if "kaniko" not in repository:
        return None
    old = _VERSION.fullmatch(version) and not at_least(version, "v1.24.1")
    return "google" if old or "kaniko-project" in repository else None
