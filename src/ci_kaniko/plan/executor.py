"""Which image runs the executor, and what its release reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.kaniko.executors import DISTRIBUTIONS, at_least
from ci_kaniko.spec.executor import has_own_tag, version_of

if TYPE_CHECKING:
    from ci_kaniko.spec.executor import Executor


def executor_image(executor: Executor, *, with_shell: bool) -> str:
    """The image to run; the debug variant has the shell that a script needs."""
    if executor.image and has_own_tag(executor):
        return executor.image
    distribution = DISTRIBUTIONS[executor.distribution]
    repository = executor.image or distribution.image
    version = executor.version or distribution.version
    digest = executor.digests.debug if with_shell else executor.digests.plain
    return f"{repository}:{version}{'-debug' if with_shell else ''}" + (
        f"@{digest}" if digest else ""
    )


def reads_registry_variables(executor: Executor) -> bool:
    """Whether the executor reads KANIKO_<HOST>_USER and _PASSWORD."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.registry_variables_since)


def reads_auth_variable(executor: Executor) -> bool:
    """Whether the executor reads DOCKER_AUTH_CONFIG beside config.json."""
    distribution = DISTRIBUTIONS[executor.distribution]
    return at_least(version_of(executor), distribution.auth_variable_since)
