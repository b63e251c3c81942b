"""Rules on what is pushed, where, and when."""

from __future__ import annotations

from ci_kaniko.problems.finding import Finding, Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.rules.rule import build_rule, spec_rule
from ci_kaniko.syntax.conditions import VERSIONS, Condition
from ci_kaniko.syntax.globs import any_matches, check_branch, covers, is_literal, matches, split
from ci_kaniko.syntax.variables import names, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, SpecFields
    from ci_kaniko.spec.destinations import Destination
    from ci_kaniko.syntax.references import Reference


@build_rule("destinations", "push")
def _something_is_pushed(spec: Build) -> Iterator[Finding]:
    if not spec.destinations and spec.push != "never":
        yield Finding(
            "missing-destination",
            ("destinations",),
            '"destinations" is missing: nothing would be pushed',
            "list at least one image, such as registry.example.com/team/app:1.0, "
            "or set push: never",
            on_key=True,
        )
    if spec.destinations and spec.push == "never":
        of_others = spec.at(("push",))[0] == "images" != spec.at(("destinations",))[0]
        yield Finding(
            "never-pushed",
            ("push",),
            "the destinations are never used",
            "leave push: out, or "
            + ("say destinations: null here" if of_others else "remove the destinations"),
            severity="warning",
        )


@build_rule("destinations[]")
def _destinations_differ(spec: Build) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], Destination] = {}
    for index, destination in enumerate(spec.destinations):
        first = seen.setdefault(destination.image.pushed_name, destination)
        if first is not destination and overlapping(first.when, destination.when):
            same = "" if first.image == destination.image else f": {first.image} is the same"
            yield Finding(
                "duplicate-destination",
                ("destinations", index),
                f"{quoted(destination.image)} is pushed twice{same}",
                "keep one of the two; its when: can list several conditions",
            )


@spec_rule("destinations[]", "cache", "registries[]", "images[]")
def _a_variable_is_an_image_or_a_host(spec: SpecFields) -> Iterator[Finding]:
    """What a variable holds has one form in all places."""
    images = [pair for build in spec.builds for pair in _pushed_images(build)]
    held = {names(image.registry)[0]: image.host for _, image in images if image.held}
    if not held:
        return
    hosts = [(where, image.host) for where, image in images if not image.held]
    hosts += [
        (build.at(("registries", host)), host)
        for build in spec.builds
        for host in build.registries
        if host not in held.values()
    ]
    for where, host in dict.fromkeys(hosts):
        if name := next((name for name in names(parts_of(host)) if name in held), ""):
            yield Finding(
                "bad-host",
                where,
                f"{quoted(host)} is no host: ${{{name}}} holds an image elsewhere",
                f"write {held[name]}"
                + ("" if "registries" in where else "-NAME, or another variable"),
            )


def _pushed_images(build: Build) -> Iterator[tuple[Where, Reference]]:
    for index, item in enumerate(build.destinations):
        yield build.at(("destinations", index)), item.image
    if build.cache and build.cache.remote:
        yield build.at(("cache", "repo")), build.cache.remote


def overlapping(first: tuple[Condition, ...], second: tuple[Condition, ...]) -> bool:
    both = (*first, *second)
    return Condition("always") in both or any(
        (one.kind == other.kind or {one.kind, other.kind} == {*VERSIONS})
        and (not one.globs or {*split(one.globs)[0]} & {*split(other.globs)[0]})
        for one in first
        for other in second
    )


@build_rule("destinations[]", "push", "triggers", "default_branch", "tag_prefix")
def _destinations_are_reached(spec: Build) -> Iterator[Finding]:
    if spec.push == "never" or (spec.triggers and not spec.triggers.starts_something):
        return
    for index, destination in enumerate(spec.destinations):
        reasons = [_out_of_reach(spec, condition) for condition in destination.when]
        if all(reasons):
            why, hint = reasons[0] or ("", "")
            yield Finding(
                "never-pushed", ("destinations", index, "when"), f"this never holds: {why}", hint
            )


def _out_of_reach(spec: Build, condition: Condition) -> tuple[str, str] | None:
    triggers = spec.triggers
    kind = condition.kind
    if kind in _OWN_TRIGGERS:
        return _event_out_of_reach(spec, kind)
    if kind == "always" or (triggers and triggers.starts_any_ref):
        return None
    if kind in VERSIONS:
        if triggers and not any(_may_be_version(glob, spec) for glob in split(triggers.tags)[0]):
            tags = map(quoted, (*triggers.tags, f"{spec.tag_prefix}v*"))
            return (
                "no tag of a version starts the job",
                f"under triggers: tags: [{', '.join(tags)}]",
            )
        return None
    if kind == "tag":
        if triggers and not _started(triggers.tags, condition.globs):
            return "no such tag starts the job", "list it under triggers: tags:"
        return None
    return _branch_out_of_reach(spec, condition)


def _may_be_version(glob: str, spec: Build) -> bool:
    """Whether a tag that matches may be a version."""
    if is_literal(glob):
        from ci_kaniko.syntax.versions import version_of

        return bool(version_of(glob, spec.tag_prefix))
    start = glob[: glob.index("*")]
    return start.startswith(spec.tag_prefix) or spec.tag_prefix.startswith(start)


_OWN_TRIGGERS = {
    "pull-request": ("pull_requests", "pull request", "pull_requests: true"),
    "schedule": ("schedules", "schedule", 'schedules: ["30 3 * * 1"]'),
    "manual": ("manual", "run by hand", "manual: true"),
}


def _usual(spec: Build) -> str:
    """What starts a job without triggers, as triggers."""
    return f'branches: [{spec.default_branch or "main"}], tags: ["**"], pull_requests: true'


def _event_out_of_reach(spec: Build, kind: str) -> tuple[str, str] | None:
    """A condition that asks for an event is no trigger."""
    field, event, line = _OWN_TRIGGERS[kind]
    triggers = spec.triggers
    if kind == "pull-request" and spec.push == "auto":
        if triggers and not triggers.pull_requests:
            return (
                "no pull request starts the job, and none would push",
                "pull_requests: true under triggers: and push: always do both",
            )
        return "pull requests are built and not pushed", "push: always pushes them too"
    if triggers is None and kind != "pull-request":
        return (
            f"without triggers: no {event} starts the job",
            f"triggers: {{{_usual(spec)}, {line}}} adds it to what starts it now",
        )
    if triggers and not getattr(triggers, field):
        return f"no {event} starts the job", f"add {line} under triggers:"
    return None


def _branch_out_of_reach(spec: Build, condition: Condition) -> tuple[str, str] | None:
    default = spec.default_branch
    wanted = condition.globs or ((default,) if default else ("**",))
    if condition.kind == "other-branch":
        wanted = ("**", f"!{default}") if default else ("**",)
    if spec.triggers and not _started(spec.triggers.branches, wanted):
        return "no such branch starts the job", "list it under triggers: branches:"
    is_other = condition.kind == "other-branch" or (default and not any_matches(wanted, default))
    if not spec.triggers and is_other:
        return (
            "without triggers: only the default branch, tags and pull requests start the job",
            "list the branches under triggers: branches:",
        )
    return None


def _started(triggers: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a trigger may cover what is wanted; two patterns are taken to overlap.

    What one of the lists excludes altogether starts or fulfils nothing.
    """
    started, never = split(triggers)
    asked, out = split(wanted)
    return any(
        matches(trigger, glob)
        if is_literal(glob)
        else not is_literal(trigger) or matches(glob, trigger)
        for trigger in _but(started, out)
        for glob in _but(asked, never)
    )


def _but(globs: tuple[str, ...], out: tuple[str, ...]) -> Iterator[str]:
    return (glob for glob in globs if not any(covers(each, glob) for each in out))


@build_rule("destinations[]", "push")
def _tags_can_be_tags_of_images(spec: Build) -> Iterator[Finding]:
    """A git tag with a folder is no tag of an image, so the job could only fail."""
    for index, destination in enumerate(spec.destinations if spec.push != "never" else ()):
        folders = [
            next((glob for glob in split(condition.globs)[0] if "/" in glob), "")
            for condition in destination.when
            if condition.kind == "tag" and all("/" in glob for glob in split(condition.globs)[0])
        ]
        if "tag" in names(destination.image.tag) and any(folders):
            yield Finding(
                "unsafe-variable",
                ("destinations", index),
                f"${{tag}} holds the / of {quoted(next(filter(None, folders)))} there, "
                "and a tag of an image cannot",
                "${ref.tag} has - in its place",
            )


_OF_TAGS = {"tag", *VERSIONS}
_EMPTY_ELSEWHERE = {
    "tag": (_OF_TAGS, 'when: {tag: "v*"}'),
    "version": (_OF_TAGS, "when: version"),
    "version.minor": (_OF_TAGS, "when: release"),
    "version.major": (_OF_TAGS, "when: release"),
    "pull_request.number": ({"pull-request"}, "when: pull-request"),
}
"""What is empty in most runs, the conditions under which it is not, and the usual one."""


@build_rule("destinations[]", "push", "triggers")
def _no_tag_is_empty(spec: Build) -> Iterator[Finding]:
    """An image needs each of its variables, so a run without one ends with an error."""
    triggers = spec.triggers
    only = {"tag"} if triggers and triggers.only_tags else set[str]()
    only |= {"pull-request"} if triggers and triggers.only_requests else set()
    for index, destination in enumerate(spec.destinations if spec.push != "never" else ()):
        for part in destination.image.tag:
            if isinstance(part, str) or part.default is not None:
                continue
            kinds, when = _EMPTY_ELSEWHERE.get(part.name, (None, ""))
            if kinds is None or only & kinds:
                continue
            if any(condition.kind not in kinds for condition in destination.when):
                yield Finding(
                    "empty-variable",
                    ("destinations", index),
                    f"${{{part.name}}} is empty in runs that push this, and they will fail",
                    f"{when}, or a default: ${{{part.name}:-dev}}",
                    severity="warning",
                )


@build_rule("destinations", "push", "triggers")
def _not_only_requests_start_the_job(spec: Build) -> Iterator[Finding]:
    triggers = spec.triggers
    if spec.destinations and spec.push == "auto" and triggers and triggers.only_requests:
        yield Finding(
            "never-pushed",
            ("triggers", "pull_requests"),
            "only pull requests start the job, and they are built and not pushed",
            "push: never says so, and needs no destinations and no login",
            severity="warning",
            on_key=True,
        )


@build_rule("triggers")
def _something_starts_the_job(spec: Build) -> Iterator[Finding]:
    triggers = spec.triggers
    if triggers and not triggers.starts_something:
        filters = ["paths only choose"] * bool(triggers.paths)
        filters += ["the repository only chooses"] * bool(triggers.repository)
        why = f": {filters[0]} among what does" if filters else ""
        yield Finding(
            "no-trigger",
            ("triggers",),
            f"nothing starts the job{why}",
            f"add {_usual(spec)}: these start a job without triggers:"
            if filters
            else "name branches, tags or pull_requests, or leave triggers: out",
        )


@build_rule("push", "triggers.pull_requests")
def _pull_requests_get_no_credentials(spec: Build) -> Iterator[Finding]:
    if spec.push == "always" and (spec.triggers is None or spec.triggers.pull_requests):
        yield Finding(
            "credentials-in-pull-request",
            ("push",),
            "pull requests get the registry credentials, and their Dockerfile can read them",
            "push: auto builds them without",
            severity="warning",
        )


BRANCHES = (("default_branch",), ("git", "branch"))


@build_rule("default_branch", "git.branch")
def _branches_are_names(spec: Build) -> Iterator[Finding]:
    named: tuple[tuple[Where, str | None], ...] = (
        (("default_branch",), spec.default_branch),
        (("git", "branch"), spec.git.branch),
    )
    for where, name in named:
        try:
            check_branch(name or "main")
        except Refused as refused:
            hint = "the name as git shows it, such as main"
            if refused.rule == "native-variable":
                yield Finding(refused.rule, where, f"{quoted(str(name))} is not replaced", hint)
            else:
                yield Finding("bad-branch", where, f"{quoted(str(name))} is not a branch", hint)


@build_rule("digest", "push", "options.digest_file")
def _a_digest_can_be_handed_over(spec: Build) -> Iterator[Finding]:
    if spec.digest and spec.push == "never":
        yield Finding(
            "conflicting-options",
            ("digest",),
            "nothing is pushed, so there is no image to hand over",
            "leave digest: out",
        )
    if spec.digest and spec.options.digest_file:
        yield Finding(
            "conflicting-options",
            ("options", "digest_file"),
            "the builder writes one digest file, and digest: true reads it",
            "image_name_with_digest_file: is another file with the digest",
        )
