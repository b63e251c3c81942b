"""One executor call as the build of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.jobs import Job, put
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.translate.environment import exported, tell_container
from ci_kaniko.importing.translate.executor import take_builder, take_daemon, take_executor
from ci_kaniko.importing.translate.pushes import take_destinations
from ci_kaniko.importing.translate.sources import (
    take_checkout,
    take_context,
    take_context_login,
    take_dockerfile,
    take_fetching,
)
from ci_kaniko.importing.translate.values import read_words, take, take_cache, take_proxy
from ci_kaniko.importing.translate.work import Work
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.options import Options

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Call
    from ci_kaniko.importing.translate.settings import Settings


def build_of(job: Job, call: Call, settings: Settings) -> dict[str, Any]:
    """The build of a call, its keys in the order of the docs."""
    work = Work(job, call, settings)
    read_words(work)
    take_context(work)
    take_dockerfile(work)
    take_proxy(work)
    later = work.of("digest-file")  # without a push there is none to hand on
    for flag in work.flags:
        if flag not in later:
            take(work, flag)
    take_destinations(work)
    for flag in later:
        take(work, flag)
    take_cache(work)
    take_fetching(work)
    take_context_login(work)
    if call.builder == KANIKO:
        take_executor(work)
    elif call.builder == DOCKER.name:
        take_daemon(work)
    else:
        take_builder(work)
    take_checkout(work)
    put(work.build, "env", exported(work.job, work.call, work.logins.asked, work.spelled))
    tell_container(work)
    put(work.build, "git", work.git)
    put(work.build, "options", work.options)
    return ordered(work.build)


_ORDER = tuple(Build.model_fields)
_NESTED = {
    "cache": ("repo", "ttl", "copy_layers", "run_layers", "compressed", "dir"),
    "options": tuple(Options.model_fields),
}


def ordered(build: dict[str, Any]) -> dict[str, Any]:
    """The keys in the order in which the docs tell them."""
    found = {}
    places = {name: at for at, name in enumerate((*_ORDER, "needs", "images", "outputs"))}
    for key in sorted(build, key=lambda name: places.get(name, 99)):
        value = build[key]
        if key in _NESTED:
            value = {name: value[name] for name in _NESTED[key] if name in value}
        found[key] = value
    return found
