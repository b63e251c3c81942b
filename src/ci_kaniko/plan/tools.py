"""The images that a target runs, through the mirrors of a spec, and what its executor reads."""

from __future__ import annotations

from ci_kaniko.kaniko.executors import DISTRIBUTIONS, at_least
from ci_kaniko.kaniko.pins import (
    CHECKOUT_ACTION,
    CHECKOUT_VERSION,
    CURL_IMAGE,
    GIT_IMAGE,
    JOIN_IMAGE,
)
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.latest import latest
from ci_kaniko.spec.executor import SUFFIXES, has_own_tag, version_of
from ci_kaniko.spec.pulled import mirrored

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.executor import Executor


def executor_image(build: Build, *, with_shell: bool) -> str:
    """The image to run; the debug variant has the shell that a script needs."""
    return mirrored(_image(build.executor, "debug" if with_shell else "plain"), build)


@latest
def _image(executor: Executor, variant: str) -> str:
    if executor.image and has_own_tag(executor):
        return executor.image
    own = DISTRIBUTIONS[executor.distribution].image or ""
    tag = getattr(executor.digests, variant) or version_of(executor) + SUFFIXES[variant]
    return f"{executor.image or own}:{tag}"


def join_image(build: Build) -> str:
    """The image of the job that joins platforms."""
    return mirrored(build.tools.regctl or JOIN_IMAGE, build)


def git_image(build: Build) -> str:
    """The image that clones where the platform does not."""
    return mirrored(build.tools.git or GIT_IMAGE, build)


def curl_image(build: Build) -> str:
    """The image that logs in before the build, and has curl."""
    return mirrored(build.tools.curl or CURL_IMAGE, build)


def checkout_action(build: Build) -> str:
    """GitHub's action that checks out, with a comment that says the version of ours."""
    return build.tools.checkout or f"{CHECKOUT_ACTION} # {CHECKOUT_VERSION}"


def reads_registry_variables(executor: Executor) -> bool:
    """Whether the executor reads KANIKO_<HOST>_USER and _PASSWORD."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.registry_variables_since)


def reads_auth_variable(executor: Executor) -> bool:
    """Whether the executor reads DOCKER_AUTH_CONFIG beside config.json."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.auth_variable_since)
