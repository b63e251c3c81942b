"""Logins that nothing uses, and logins for pushes only that a pull would need as well.

Only the Dockerfile tells which registries base images come from.
"""

from __future__ import annotations

from ci_kaniko.kaniko.systems import FOREIGN_REGISTRIES
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.project.reached import bases_of, reached_hosts
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.pulled import pulled_images
from ci_kaniko.syntax.references import DOCKER_HUB, canonical_host, pulled_from, same_but_port
from ci_kaniko.syntax.variables import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec


_OF_EVERYBODY = {DOCKER_HUB, *FOREIGN_REGISTRIES}


def unused_logins(spec: Spec, dockerfiles: Dockerfiles) -> Iterator[Finding]:
    """Entries whose host neither the spec nor its Dockerfile names; none when that is unknown.

    An entry that several images share is used when one of them uses it.
    """
    unused: dict[Where, str] = {}
    used: set[Where] = set()
    reached: set[str] = set()
    for build in spec.builds:
        hosts = _hosts(build, dockerfiles)
        reached |= {*(hosts or ())} - {*map(canonical_host, build.registries)}
        for written in build.registries:
            where = build.at(("registries", written))
            unused.setdefault(where, written)
            if hosts is None or "$" in written or canonical_host(written) in hosts:
                used.add(where)
    for where, written in unused.items():
        if where not in used:
            host = canonical_host(written)
            meant = same_but_port(host, sorted(reached))
            yield Finding(
                "unused-login",
                where,
                f"no destination, cache, mirror or base image is on {host}: nothing uses this",
                f"did you mean {quoted(meant)}?"
                if meant
                else f"remove {quoted(written)}: pull requests get the login, too",
                severity="warning",
                on_key=True,
            )


def push_only_logins(
    spec: Spec, dockerfiles: Dockerfiles, targets: Sequence[str], only: Collection[str]
) -> Iterator[Finding]:
    """Logins that images could be pulled with, were they not for pushes only."""
    found: dict[tuple[Where, str, str, str], list[str]] = {}
    for build in spec.builds:
        bases = _base_images(build, dockerfiles) if build.name in only else {}
        for target in targets if build.name in only else ():
            own = (image for image in pulled_images(build, target) if _is_own(image, build))
            images = {pulled_from(image): image for image in own}
            if build.push == "never" or not (images or bases):
                continue
            from ci_kaniko.plan.logins import in_every_run
            from ci_kaniko.plan.pulls import pull_login
            from ci_kaniko.plan.resolve import resolve
            from ci_kaniko.targets.registry import target as find_target

            plan, pulls_with = resolve(build, target), find_target(target).pulls_with
            for login in (one for one in plan.logins if one.pushes):
                every = plan._replace(logins=(login._replace(pushes=False),))
                place, hint = build.at(login.where), _pull_too(login)
                image = images.get(login.host, "")
                if image and pull_login(every, image, pulls_with):
                    found.setdefault((place, image, _WHEN_IT_IS_THERE, hint), []).append(target)
                base = bases.get(login.host, "")
                if base and not in_every_run(plan, login):
                    found.setdefault((place, base, _OF_PUSHES, hint), []).append(target)
    for (where, image, why, hint), names in found.items():
        yield Finding(
            "push-only-login",
            where,
            f"{quoted(image)} is pulled without this login on {', '.join(dict.fromkeys(names))}: "
            f"{why}",
            hint,
            severity="warning",
            on_key=True,
        )


_WHEN_IT_IS_THERE = "only runs that push have it, when the image is there"
_OF_PUSHES = "only runs that push there have it, and every run needs the base image"


def _pull_too(login: HostLogin) -> str:
    """How every run gets a login."""
    written = login.where[1] if login.where[0] == "registries" else login.host
    if login.login.use:
        return f"under registries: {written}: {{use: {login.login.use}, pull: true}}"
    return "pull: true at the login hands it to every run, for this image too"


def _base_images(build: Build, dockerfiles: Dockerfiles) -> dict[str, str]:
    """What may be private of that which base images are pulled from, by its host."""
    bases = bases_of(build, dockerfiles)
    found = {} if bases is None else {pulled_from(image): image for image in sorted(bases)}
    options = build.options
    mirrors = [(host, mirror) for host, mirror in build.mirrors.items()]
    mirrors += [(host, one) for host, several in options.registry_map.items() for one in several]
    mirrors += [(DOCKER_HUB, mirror) for mirror in options.registry_mirror]
    of_mirrors = {
        canonical_host(mirror.partition("/")[0]): mirror
        for host, mirror in mirrors
        if bases is None or canonical_host(host) in found
    }
    return {host: image for host, image in {**found, **of_mirrors}.items() if _is_own(image, build)}


def _is_own(image: str, build: Build) -> bool:
    """Whether an image may be private: where anybody may push, other owners' images are public."""
    host = pulled_from(image)
    owners = {text_of(one.image.repository).split("/")[0] for one in build.destinations}
    return host not in _OF_EVERYBODY or not owners.isdisjoint(image.split("/"))


def _hosts(build: Build, dockerfiles: Dockerfiles) -> set[str] | None:
    """The hosts that a build pushes to and pulls from; None when nobody can tell."""
    if not build.registries:
        return None
    pulled = {*map(pulled_from, pulled_images(build))}
    reached = None if any("$" in host for host in pulled) else reached_hosts(build, dockerfiles)
    return None if reached is None else reached | pulled
