"""The rules that are off until a spec, or what it extends, turns them on."""

from __future__ import annotations

import re

from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.problems.finding import Finding, no_effect, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.policy import ALLOWED, PINNED, severity_of
from ci_kaniko.spec.rules.rule import spec_rule
from ci_kaniko.syntax.globs import is_exclusion, matches
from ci_kaniko.syntax.references import (
    DOCKER_HUB,
    OWN_HOST,
    canonical_host,
    path_of,
    pulled_from,
)
from ci_kaniko.syntax.variables import names
from ci_kaniko.text.display import listed
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, SpecFields
    from ci_kaniko.syntax.references import Reference


_RUN_TIME = pattern(r"\$\{(?:env|input)\.[^}]*\}")
_RUNS = ("rules", "executor", "tools", "prepare", "mirrors", "images")
_RAW = tuple(f"{name}.extra[]" for name in NAMES)
_PULLS = ("options.registry_mirror[]", "options.registry_map[]")


@spec_rule(*_RUNS, *_RAW)
def _images_are_pinned(spec: SpecFields) -> Iterator[Finding]:
    severity: Any = severity_of(spec.rules, PINNED)
    if severity == "off":
        return
    from ci_kaniko.spec.running import running

    everything = running(spec)
    seen: set[Where] = set()
    for item in everything:
        # A target runs one of the executor's two images, and refuses that one without a digest
        # where the other has one.
        place = item.where[:-1] if "digests" in item.where else item.where
        variants = [one for one in everything if one.where[:-1] == place]
        if item.is_pinned or place in seen or any(one.is_pinned for one in variants):
            continue
        seen.add(place)
        message = f"{quoted(item.name)} has no {item.missing}"
        where = _written(spec, place, PINNED)
        hint = "ci-kaniko pin writes it" if item.is_known else "write it with its digest"
        yield Finding("pinned-images", where, message, hint, severity)


@spec_rule(*_RUNS, *_RAW, "destinations", "cache", *_PULLS)
def _registries_are_allowed(spec: SpecFields) -> Iterator[Finding]:
    severity: Any = severity_of(spec.rules, ALLOWED)
    if severity == "off":
        return
    allowed = spec.rules[ALLOWED].registries
    if not allowed:
        hint = "add registries: [registry.example.com/acme]"
        yield Finding("missing-key", ("rules", ALLOWED), '"registries" is missing', hint)
        return
    for where, name in _named(spec):
        if not is_allowed(name, allowed):
            message = f"{quoted(name)} is in no registry that is allowed: {', '.join(allowed)}"
            hint = _hint(where)
            if where[0] == "tools" and (some := _some_targets(spec, where)):
                message += f"; {listed(some)} would run it"
                hint += ", or outputs: names the targets that count"
            place = _written(spec, where, ALLOWED)
            yield Finding("allowed-registries", place, message, hint, severity)


def _some_targets(spec: SpecFields, where: Where) -> list[str]:
    from ci_kaniko.spec.running import some_targets

    return some_targets(spec, str(where[1]))


def _hint(where: Where) -> str:
    if not {"executor", "tools", "prepare"}.isdisjoint(where):
        return "mirrors: brings it from one of them"
    if not {"extra", "options"}.isdisjoint(where):
        return "name one of them"
    return "push to one of them"


def _named(spec: SpecFields) -> Iterator[tuple[Where, str]]:
    """Every repository that is pushed to, or from which something is pulled."""
    from ci_kaniko.spec.running import running

    found: dict[Where, str] = {}
    for build in spec.builds:
        found |= dict(_pushed(build))
        found |= dict(_pulled_through(build))
    for item in running(spec):
        if item.is_action:
            continue
        place = item.where[:-2] if "digests" in item.where else item.where
        found[place] = _own(item.name) if item.is_raw else repository_of(item.name)
    yield from found.items()


def repository_of(image: str) -> str:
    """The registry of an image and its path there.

    >>> repository_of("golang:1.26"), repository_of("ghcr.io/acme/go@sha256:0123")
    ('docker.io/library/golang', 'ghcr.io/acme/go')
    """
    named = image.partition("@")[0]
    host, path = pulled_from(named), path_of(named).partition(":")[0]
    short = host == DOCKER_HUB and "/" not in path
    return f"{host}/{'library/' if short else ''}{path}"


def _pushed(build: Build) -> Iterator[tuple[Where, str]]:
    if build.push != "never":
        for number, item in enumerate(build.destinations):
            yield build.at(("destinations", number)), _name(item.image)
    if build.cache and build.cache.remote:
        yield build.at(("cache", "repo")), _name(build.cache.remote)


def _pulled_through(build: Build) -> Iterator[tuple[Where, str]]:
    """The mirrors of the executor: what a Dockerfile begins with comes from them."""
    options = build.options
    for index, mirror in enumerate(options.registry_mirror):
        yield build.at(("options", "registry_mirror", index)), _canonical(mirror)
    for host, mirrors in options.registry_map.items():
        for index, mirror in enumerate(mirrors):
            place = (host, index) if len(mirrors) > 1 else (host,)
            yield build.at(("options", "registry_map", *place)), _canonical(mirror)


_OWN = pattern(r"\$(?:CI_REGISTRY(?:_IMAGE)?\b|\{CI_REGISTRY(?:_IMAGE)?\})")
"""How a native key writes the registry of its CI."""


def _own(image: str) -> str:
    """The registry of an image that a native key names, and its path there."""
    found = _OWN.match(image)
    if not found:
        return repository_of(image)
    folder, slash, last = image[found.end() :].partition("@")[0].rpartition("/")
    return f"{OWN_HOST}{folder}{slash}{last.partition(':')[0]}"


def _name(image: Reference) -> str:
    """The registry of an image and its path there, or the variable that holds both."""
    if image.held:
        return f"${{{names(image.registry)[0]}}}"
    home, repository, _ = image.pushed_name
    return f"{home}/{repository}" if repository else home


def is_allowed(name: str, allowed: Sequence[str]) -> bool:
    """Whether a repository, or a folder that it is in, is listed and not taken away.

    What a run can make one that is taken away is none.

    >>> is_allowed("ghcr.io/acme/shop", ["ghcr.io/acme"])
    True
    >>> is_allowed("ghcr.io/acme/shop", ["ghcr.io/*", "!ghcr.io/acme"])
    False
    >>> is_allowed("${env.NAME}.azurecr.io/shop", ["*.azurecr.io", "!prod.azurecr.io"])
    False
    >>> is_allowed("${env.IMAGE}", ["**", "!docker.io/library"])
    False
    """
    out = [entry[1:] for entry in allowed if is_exclusion(entry)]
    plain = [entry for entry in allowed if not is_exclusion(entry)]
    return _is_below(name, plain) and not _is_below(name, out) and not _may_be_below(name, out)


def _is_below(name: str, entries: Sequence[str]) -> bool:
    parts = name.split("/")
    folders = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return any(matches(_canonical(entry), folder) for entry in entries for folder in folders)


def _may_be_below(name: str, entries: Sequence[str]) -> bool:
    """Whether variables of a repository may turn out to name a folder of some entries."""
    host, slash, path = name.partition("/")
    hosts = pattern("[^/]*".join(map(re.escape, _RUN_TIME.split(host))))
    known, variable, _ = path.partition("${") if slash else ("", "${", "")
    for entry in map(_canonical, entries):
        place, _, folder = entry.partition("/")
        inside = not folder or f"{known}/".startswith(f"{folder}/")
        if hosts.fullmatch(place) and (inside or (variable and folder.startswith(known))):
            return True
    return False


def _canonical(entry: str) -> str:
    host, slash, rest = entry.partition("/")
    return f"{canonical_host(host)}{slash}{rest}"


def _written(spec: SpecFields, where: Where, rule: str) -> Where:
    """A place of the spec, or the rule where the spec leaves to us what would stand there."""
    return where if where[0] in spec.model_fields_set else ("rules", rule)


@spec_rule("rules")
def _settings_change_something(spec: SpecFields) -> Iterator[Finding]:
    for rule, setting in spec.rules.items():
        if setting.registries and rule != ALLOWED:
            message = f"only {ALLOWED} has registries"
            yield no_effect(("rules", rule, "registries"), message, "remove them")
        if setting.severity == severity_of({}, rule) and not setting.locked:
            message = f"{quoted(rule)} is {setting.severity} without this line"
            yield no_effect(("rules", rule), message, "remove it, or lock it", on_key=True)


@spec_rule("extends")
def _files_extend_files(spec: SpecFields) -> Iterator[Finding]:
    if spec.extends:
        message = "a spec that is made in Python extends no file"
        yield Finding("bad-base", ("extends",), message, "ci_kaniko.load(PATH) reads one that does")
