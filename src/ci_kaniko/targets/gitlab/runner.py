"""What GitLab's runners are told: their tags, and what they fetch."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build

RUNNERS = {
    "linux/amd64": ("saas-linux-small-amd64",),
    "linux/arm64": ("saas-linux-small-arm64",),
}
"""The tags of GitLab.com's own runners."""


def checkout_variables(build: Build) -> dict[str, str]:
    """The variables that tell the runner what to fetch."""
    checkout = build.checkout
    if checkout is None:
        return {}
    strategies = {True: "normal", "recursive": "recursive", None: ""}
    variables = {
        "GIT_SUBMODULE_STRATEGY": strategies[checkout.submodules],
        "GIT_DEPTH": str(checkout.depth or ""),
        "GIT_LFS_SKIP_SMUDGE": "0" if checkout.lfs else "",
    }
    return {name: text for name, text in variables.items() if text}


def told_to_runner(build: Build) -> dict[str, str]:
    """What the job's own raw variables say of the checkout, which is that of what prepares too."""
    given = build.gitlab.extra.get("variables", {})
    return {name: text for name, text in given.items() if name.startswith("GIT_")}
