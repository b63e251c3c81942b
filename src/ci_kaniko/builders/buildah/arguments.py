"""The words of Buildah: what it does of kaniko's flags, and how it is told to push."""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.builders.builder import archives
from ci_kaniko.plan.model import Argument
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax.contexts import normal_path
from ci_kaniko.syntax.references import merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.builders.builder import Call
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.syntax.variables import Parts

BUILT = "localhost/built"
"""What the image is called until it is pushed."""

CARRIED: Mapping[str, str] = MappingProxyType(
    {
        "context": "the last word",
        "context-sub-path": "the last word",
        "dockerfile": "--file=",
        "target": "--target=",
        "build-arg": "--build-arg=",
        "label": "--label=",
        "annotation": "--annotation=",
        "cache": "--layers",
        "cache-repo": "--cache-from=",
        "cache-ttl": "--cache-ttl=",
        "custom-platform": "--platform=",
        "image-format": "--format=",
        "image-download-retry": "--retry=",
        "reproducible": "--timestamp=0",
        "skip-unused-stages": "--skip-unused-stages=",
        "insecure-pull": "--tls-verify=false",
        "secret": "--secret=",
        "destination": "buildah push",
        "insecure": "buildah push --tls-verify=false",
        "push-retry": "buildah push --retry=",
        "compression": "buildah push --compression-format=",
        "compression-level": "buildah push --compression-level=",
        "digest-file": "buildah push --digestfile=",
        "tar-path": "buildah push docker-archive:",
        "oci-layout-path": "buildah push oci:",
        "no-push": "nothing is pushed",
        "no-push-cache": "no --cache-to=",
        "git": "buildah run, with the image of tools.git",
        "insecure-registry": "registries.conf",
        "skip-tls-verify-registry": "registries.conf",
        "registry-map": "registries.conf",
        "registry-mirror": "registries.conf",
        "skip-default-registry-fallback": "registries.conf",
        "registry-certificate": "certs.d",
        "registry-client-cert": "certs.d",
    }
)
"""The flags of kaniko that it does, and how; what ends with = is followed by the same value."""


def from_root(plan: Plan) -> Parts:
    """The Dockerfile of an archive, or its address."""
    dockerfile = plan.spec.dockerfile
    return (dockerfile,) if dockerfile.is_remote else normal_path(dockerfile)


def archived(call: Call, named: str) -> Iterator[list[str]]:
    """The words of each push into files; a tar archive says what the image is called."""
    for flag, path in archives(call.plan):
        if flag == "tar-path":
            yield [BUILT, call.words.text(merge(["docker-archive:", *path])) + named]
        else:
            compressed = call.words.arguments(_compressed(call.plan))
            yield [*compressed, BUILT, call.words.text(merge(["oci:", *path]))]


def _compressed(plan: Plan) -> Iterator[Argument]:
    options = plan.spec.options
    if options.compression:
        yield Argument("compression-format", (options.compression,))
    if options.compression_level is not None:
        yield Argument("compression-level", (str(options.compression_level),))


def pushing(plan: Plan) -> Iterator[Argument]:
    """How the image is pushed."""
    options = plan.spec.options
    yield from _compressed(plan)
    if options.push_retry is not None:
        yield Argument("retry", (str(options.push_retry),))
    if options.insecure:
        yield Argument("tls-verify", ("false",))


def image_to(word: str) -> list[str]:
    """The image, and where it goes."""
    place = f'"docker://{word[1:]}' if word.startswith('"') else f"docker://{word}"
    return [f"{BUILT} {place}"]
