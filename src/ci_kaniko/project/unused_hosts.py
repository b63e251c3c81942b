"""Certificates, mirrors and switches for registries that no run reaches."""

from __future__ import annotations

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.project.reached import bases_of, reached_hosts
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.spec.pulled import run_images
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, pulled_from, same_but_port

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec

_OF_REACHED = (
    "certificates",
    "client_certificates",
    "options.registry_certificate",
    "options.registry_client_cert",
    "options.insecure_registry",
    "options.skip_tls_verify_registry",
)
"""Fields for the hosts that the executor speaks to, as keys or as items."""
_NOTHING_REACHED = "no destination, cache, mirror or base image is on {}: nothing uses this"
_NO_BASE = "no base image is on {}: nothing uses this"
_NOTHING_PULLED = "no base image, and no image that a job runs in, is on {}: nothing uses this"


class _Use(NamedTuple):
    """A host of a spec: its place, the host, what is wrong if it is unused, and whether it is.

    ``others`` are hosts that would be used there.
    """

    where: Where
    host: str
    message: str
    is_used: bool
    others: Collection[str] = ()


def unused_hosts(spec: Spec, dockerfiles: Dockerfiles) -> Iterator[Finding]:
    """Hosts that no run reaches; what several images share is used when one of them uses it.

    A base is for all specs that extend it, so not all that stands there is for each of them.
    """
    uses: dict[Where, list[_Use]] = {}
    for build in spec.builds:
        for use in (*_of_reached(build, dockerfiles), *_of_pulled(build, dockerfiles)):
            uses.setdefault(build.at(use.where), []).append(use)
    for where, several in uses.items():
        if not any(use.is_used for use in several) and not _is_of_a_base(spec, where):
            host = several[0].host
            others = sorted({other for use in several for other in use.others})
            meant = same_but_port(host, others) or suggest(host, others)
            yield Finding(
                "unused-host",
                where,
                several[0].message.format(canonical_host(host)),
                f"did you mean {quoted(meant)}?" if meant else f"remove {quoted(host)}",
                severity="warning",
                on_key=isinstance(where[-1], str),
            )


def _is_of_a_base(spec: Spec, where: Where) -> bool:
    return spec.source is not None and spec.source.locate(where).source is not spec.source


def _of_reached(build: Build, dockerfiles: Dockerfiles) -> Iterator[_Use]:
    listed = [(place, found) for place in _OF_REACHED if (found := _at(build, place))]
    reached = reached_hosts(build, dockerfiles) if listed else None
    for place, hosts in listed:
        others = {*(reached or ())} - {*hosts.values()}
        for key, host in hosts.items():
            is_used = reached is None or canonical_host(host) in reached
            yield _Use((*place.split("."), key), host, _NOTHING_REACHED, is_used, others)


def _at(build: Build, place: str) -> dict[str | int, str]:
    """The hosts of a field by the last word of their places."""
    section, _, name = place.rpartition(".")
    hosts = getattr(getattr(build, section) if section else build, name)
    if isinstance(hosts, tuple):
        return dict(enumerate(hosts))
    return {host: host for host in hosts}


def _of_pulled(build: Build, dockerfiles: Dockerfiles) -> Iterator[_Use]:
    """Where images are pulled from instead: the executor's options are for base images only."""
    options = build.options
    if not (build.mirrors or options.registry_map or options.registry_mirror):
        return
    bases = bases_of(build, dockerfiles)
    from_bases = {*map(pulled_from, bases or ())}
    from_runs = {pulled_from(image) for image, _ in run_images(build)}
    for host in build.mirrors:
        is_used = bases is None or canonical_host(host) in from_bases | from_runs
        yield _Use(("mirrors", host), host, _NOTHING_PULLED, is_used)
    for host in options.registry_map:
        is_used = bases is None or canonical_host(host) in from_bases
        yield _Use(("options", "registry_map", host), host, _NO_BASE, is_used)
    for index, mirror in enumerate(options.registry_mirror):
        is_used = bases is None or DOCKER_HUB in from_bases
        message = _NO_BASE.format(DOCKER_HUB)
        yield _Use(("options", "registry_mirror", index), mirror, message, is_used)
