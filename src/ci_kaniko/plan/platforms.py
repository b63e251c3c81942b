"""Several platforms: a build on a runner of its own for each, then one list that joins them.

Each platform's image is pushed under a tag of its own and handed on by its digest; only the job
that joins them pushes what the spec names, so a public tag never names half an image.
"""

from __future__ import annotations

from ci_kaniko.kaniko.systems import SYSTEMS
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.pushed import named_hosts, pushed_hosts, served_hosts
from ci_kaniko.syntax.conditions import ALWAYS
from ci_kaniko.syntax.references import OWN_HOST, Reference, canonical_host
from ci_kaniko.syntax.variables import Ref

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.logins import Registry
    from ci_kaniko.spec.options import Options
    from ci_kaniko.syntax.conditions import AnyOf

DEFAULT = "linux/amd64"
"""What runners are when nobody says anything."""


def slug(platform: str) -> str:
    """A platform as a part of names.

    >>> slug("linux/arm64"), slug("linux/arm/v7")
    ('arm64', 'arm-v7')
    """
    return platform.removeprefix("linux/").replace("/", "-")


def meeting_place(build: Build) -> int:
    """The destination in whose repository the platforms' images wait for each other.

    That is the first one of every pushing run, so that no login is needed for this alone.
    """
    always = [n for n, item in enumerate(build.destinations) if item.when == ALWAYS]
    return (always or [0])[0]


def staging(build: Build, platform: str) -> Reference:
    """Where a platform's image waits for the others."""
    place = build.destinations[meeting_place(build)].image
    name = f"{build.name}-" if build.name else ""
    tag = (Ref("commit.sha"), f"-{name}{slug(platform)}")
    return Reference.of(place.registry, place.repository, tag)


def on_platform(build: Build, platform: str) -> Build:
    """What the job of one platform builds."""
    pushed = build.push != "never"
    waiting = [
        item.model_copy(update={"image": staging(build, platform), "when": _any_of(build)})
        for item in build.destinations[:1]
    ]
    cache = build.cache
    if cache and cache.repo:
        cache = cache.model_copy(update={"repo": cache.repo.extended(f"-{slug(platform)}")})
    here = build.model_copy(
        update={
            "destinations": tuple(waiting) if pushed else (),
            "cache": cache,
            "options": _with_platform(build.options, platform),
            "digest": pushed,
        }
    )
    used = {*named_hosts(here)}
    used |= _serving(build, used)
    here._elsewhere = build.elsewhere | (pushed_hosts(build) - used)  # noqa: SLF001
    return here


def alone_on(build: Build) -> Build:
    """A build for one platform: nothing has to be joined."""
    (platform,) = build.platforms
    return build.model_copy(update={"options": _with_platform(build.options, platform)})


def joining(build: Build) -> Build:
    """What the job that joins the platforms needs: the destinations and their logins."""
    hosts = {item.image.home for item in build.destinations}
    serving = _serving(build, hosts)
    here = build.model_copy(
        update={
            "cache": None,
            "prepare": None,
            "options": _reaching(build.options),
            "build_args": {},
            "labels": {},
            "annotations": {},
            "extra_args": (),
            "build_secrets": {},
            "context_login": None,
            "git": type(build.git)(),
            "registries": _pushed_registries(build, hosts | serving),
            "target": None,
        }
    )
    written = map(canonical_host, here.registries)
    here._elsewhere = frozenset(written) - serving  # noqa: SLF001
    return here


def _serving(build: Build, hosts: set[str]) -> set[str]:
    """The entries whose logins a build has for some of its hosts that only a run knows."""
    return {entry for entry, served in served_hosts(build).items() if hosts & {*served}}


def _pushed_registries(build: Build, hosts: set[str]) -> dict[str, Registry]:
    """The logins for hosts that are pushed to; nobody pulls a base image here.

    The CI's own registry may stand under its name or as a variable.
    """
    own = {OWN_HOST, *(item.registry for item in SYSTEMS.values() if item.one_host)}
    if hosts & own:
        hosts = hosts | own
    return {
        written: registry
        for written, registry in build.registries.items()
        if canonical_host(written) in hosts
    }


def _reaching(options: Options) -> Options:
    """How registries are reached; the rest is about building."""
    names = ("insecure", "insecure_registry", "skip_tls_verify", "skip_tls_verify_registry")
    return type(options).model_construct(**{name: getattr(options, name) for name in names})


def _with_platform(options: Options, platform: str) -> Options:
    return options.model_copy(update={"custom_platform": platform})


def _any_of(build: Build) -> AnyOf:
    """When any of the destinations is pushed."""
    conditions = dict.fromkeys(item for each in build.destinations for item in each.when)
    return ALWAYS if ALWAYS[0] in conditions else tuple(conditions)


def is_staged(build: Build) -> bool:
    """Whether the platforms of a build are built apart."""
    return len(build.platforms) > 1
