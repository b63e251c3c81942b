"""The images and the action that rendered files name beside one's own."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.kaniko.pins import (
    CHECKOUT_ACTION,
    CHECKOUT_VERSION,
    CURL_IMAGE,
    GIT_IMAGE,
    JOIN_IMAGE,
)
from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated
from ci_kaniko.spec.fields import STRING, PulledImage, Reads, check_present, checked
from ci_kaniko.spec.model import Model
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import ToolsDict

_REF = r"[A-Za-z0-9_.+/-]+"
_ACTION = pattern(rf"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*@{_REF}")
_PINNED = pattern(rf"[^@ ]+@[0-9a-f]{{40}}(?: # {_REF})?")


def _check_action(text: str) -> None:
    check_present(text)
    action, comment, _ = text.partition(" # ")
    if not _ACTION.fullmatch(action) or (comment and not is_pinned(text)):
        hint = f'OWNER/NAME@COMMIT, or with its version "{CHECKOUT_ACTION} # {CHECKOUT_VERSION}"'
        raise Refused("bad-action", f"{quoted(text)} is not an action of GitHub", hint)


def is_pinned(action: str) -> bool:
    """Whether an action is named by its commit, which nobody can move."""
    return _PINNED.fullmatch(action) is not None


Action = Annotated[str, Reads(checked(_check_action), STRING)]


class Tools(Model):
    """What runs beside the executor; each has a default that is pinned to a version."""

    regctl: PulledImage | None = Field(
        default=None,
        description="The image that joins platforms: regctl, a shell and the helpers of clouds. "
        f"By default {JOIN_IMAGE}.",
        examples=["registry.example.com/mirror/regctl:v0.11.5-alpine"],
    )
    git: PulledImage | None = Field(
        default=None,
        description="The image that clones on Agola and Kubernetes, and git contexts for Buildah: "
        f"git, ssh and a shell. By default {GIT_IMAGE}; on Agola that of prepare clones where "
        "this is absent.",
        examples=["registry.example.com/mirror/git:2.52.0"],
    )
    curl: PulledImage | None = Field(
        default=None,
        description="The image that asks clouds for BuildKit on Kubernetes, before it, for logins "
        f"and contexts in stores: curl 7.88 or later and a shell. By default {CURL_IMAGE}.",
        examples=["registry.example.com/mirror/curl:8.21.0"],
    )
    buildkit: PulledImage | None = Field(
        default=None,
        description="The image that builds with builder: buildkit: a rootless one, with "
        f"buildctl-daemonless.sh. By default {BUILDER_IMAGES['buildkit']}.",
        examples=["registry.example.com/mirror/buildkit:v0.33.1-rootless"],
    )
    buildah: PulledImage | None = Field(
        default=None,
        description="The image that builds with builder: buildah. By default "
        f"{BUILDER_IMAGES['buildah']}.",
        examples=["registry.example.com/mirror/buildah:v1.43.0"],
    )
    checkout: Action | None = Field(
        default=None,
        description="The action that checks out on GitHub; its version may follow the commit in "
        f"the same quotes. By default actions/checkout {CHECKOUT_VERSION} by its commit.",
        examples=["acme/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: Unpack[ToolsDict]) -> None: ...
