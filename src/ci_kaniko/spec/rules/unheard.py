"""Parts of a spec that are right by themselves and have no effect beside the others."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import BUILDER_IMAGES
from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.problems.finding import Finding, no_effect, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.prepare import PLATFORMS
from ci_kaniko.spec.pulled import tools_of
from ci_kaniko.spec.texts import asks_for_secrets, variables_of
from ci_kaniko.spec.told import unheard_by_all
from ci_kaniko.syntax.conditions import VERSIONS
from ci_kaniko.syntax.globs import covers, is_exclusion, is_literal
from ci_kaniko.syntax.references import canonical_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build, SpecFields
    from ci_kaniko.spec.model import Section

Heard = tuple[Finding, bool]


def _platforms_are_built(spec: SpecFields) -> Iterator[Finding]:
    def look(build: Build) -> Iterator[Heard]:
        for name, section in _sections(build):
            field = section.by_platform
            for platform in getattr(section, field) if field else ():
                close = suggest(platform, build.platforms)
                finding = no_effect(
                    (name, field, platform),
                    f"{quoted(platform)} is not built: platforms: does not list it",
                    f'did you mean "{close}"?' if close else "list it there, or remove this",
                    on_key=True,
                )
                yield finding, platform in build.platforms

    return unheard_by_all(spec, look)


def _settings_have_something_to_set(spec: SpecFields) -> Iterator[Finding]:
    def look(build: Build) -> Iterator[Heard]:
        for name, section in _sections(build):
            if getattr(section, "cache_claim", None):
                finding = no_effect(
                    (name, "cache_claim"),
                    "cache.dir says where it is mounted, and there is none",
                    "add cache: {repo: ..., dir: /cache}, or remove it",
                )
                yield finding, bool(build.cache and build.cache.dir)
            if (field := section.store) and field in section.model_fields_set:
                finding = no_effect(
                    (name, field), "nothing is read from it: no secret is named here", "remove it"
                )
                yield finding, asks_for_secrets(build, name)
            yield from section.unheard(build)

    return unheard_by_all(spec, look)


def _versions_are_read(spec: SpecFields) -> Iterator[Finding]:
    def look(build: Build) -> Iterator[Heard]:
        if build.tag_prefix:
            finding = no_effect(
                ("tag_prefix",),
                "nothing asks for the version of a tag",
                "${version} and when: version do; remove this when nothing should",
            )
            yield finding, _asks_for_version(build)

    return unheard_by_all(spec, look)


def _asks_for_version(build: Build) -> bool:
    conditions = [condition for item in build.destinations for condition in item.when]
    return any(condition.kind in VERSIONS for condition in conditions) or any(
        name.partition(".")[0] == "version" for _, name in variables_of(build)
    )


def _the_repository_is_read(spec: SpecFields) -> Iterator[Finding]:
    """Settings of a checkout or a clone that there is none of."""

    def look(build: Build) -> Iterator[Heard]:
        checked_out = build.context.is_checked_out
        where: Where
        if build.checkout:
            for name, value in build.checkout:
                where = ("checkout", name)
                message = "the builder fetches the context, and nothing is checked out"
                hint = "git: says how a git context is fetched; remove this"
                if value:
                    yield no_effect(where, message, hint), checked_out
        if not build.tools.model_fields_set:
            return
        run = tools_of(build, known_names())
        clones = checked_out or "git" in run
        for name, heard in (("git", clones), ("checkout", "checkout" in run)):
            if getattr(build.tools, name):
                message = "the builder fetches the context, and nothing is checked out"
                yield no_effect(("tools", name), message, "remove it"), heard
        for name in BUILDER_IMAGES:
            if getattr(build.tools, name):
                message, hint = f"nothing is built by {name}", f"builder: {name} asks for it"
                yield no_effect(("tools", name), message, hint), name in run
        if build.tools.curl:
            message = "no container asks a cloud before one of BuildKit here"
            yield no_effect(("tools", "curl"), message, "remove it"), "curl" in run
        if build.tools.regctl:
            message = "it joins the platforms of what is pushed, and there are none"
            joins = bool(build.platforms) and build.push != "never"
            yield no_effect(("tools", "regctl"), message, "remove it"), joins

    return unheard_by_all(spec, look)


def _sections(build: Build) -> Iterator[tuple[str, Section]]:
    for name in known_names():
        yield name, getattr(build, name)


def _inputs_are_read(spec: SpecFields) -> Iterator[Finding]:
    if not spec.inputs:
        return
    texts = "\n".join(text for build in spec.builds for text in _texts(build.__dict__))
    several = any(len(build.platforms) > 1 for build in spec.builds)
    for name, item in spec.inputs.items():
        if item.type == PLATFORMS:
            is_read = several
            message = f"the input {quoted(name)} chooses among platforms, and there are not several"
            hint = "platforms: lists those that callers choose from; remove the input when none do"
        else:
            ways = (f"input.{name}", f"inputs.{name}", f"INPUT_{name.upper()}")
            is_read = any(way in texts for way in ways)
            message = f"nothing reads the input {quoted(name)}"
            hint = f"${{input.{name}}} reads it; remove it when nothing should"
        if not is_read:
            yield Finding(
                "unused-input", ("inputs", name), message, hint, severity="warning", on_key=True
            )


def _texts(value: Any) -> Iterator[str]:
    """Every text of a part of a spec, keys included."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending += [*item, *item.values()]
        elif isinstance(item, list | tuple):
            pending += item
        elif hasattr(item, "__dict__"):
            pending.append(item.__dict__)


def _images_differ_from_the_top(spec: SpecFields) -> Iterator[Finding]:
    """What every image replaces, and what one removes that is not there."""
    images = list(spec.images.values())
    if not images:
        return
    shared, owns = images[0]._shared, [image._own for image in images]  # noqa: SLF001
    for where in _replaced(shared, owns, ()):
        yield no_effect(
            where,
            "every image has a value of its own here",
            "remove it, or the value of an image that should have this one",
            on_key=True,
        )
    for image in images:
        for finding in _taken_away(image._own, shared, ()):  # noqa: SLF001
            yield finding._replace(where=("images", image.name, *finding.where))


def _replaced(shared: Any, owns: list[Any], at: Where) -> Iterator[Where]:
    """The places of the top that no image takes over; an own text replaces a whole mapping."""
    inheriting = [own for own in owns if own is _NOTHING or isinstance(own, dict)]
    if not inheriting:
        yield at
    elif isinstance(shared, dict) and _NOTHING not in inheriting:
        for key, item in shared.items():
            if item is not None:
                yield from _replaced(
                    item, [own.get(key, _NOTHING) for own in inheriting], (*at, str(key))
                )
    elif at and not isinstance(shared, dict) and _NOTHING not in inheriting:
        yield at


_NOTHING: Any = object()


def _taken_away(own: Any, shared: Any, at: Where) -> Iterator[Finding]:
    """Where an image writes null for nothing, or an empty mapping beside what it inherits."""
    known = shared if isinstance(shared, dict) else {}
    for key, item in own.items():
        above, here = known.get(key), (*at, str(key))
        if item is None and above is None:
            close = suggest(str(key), known)
            yield no_effect(
                here,
                f"null removes what the top says, and it says nothing of {quoted(str(key))}",
                f'did you mean "{close}"?' if close else "remove it",
                on_key=True,
            )
        elif item == {} and isinstance(above, dict) and above:
            message = "an empty mapping takes nothing away from what the top says"
            yield no_effect(here, message, f"{key}: null takes all of it away")
        elif isinstance(item, dict):
            yield from _taken_away(item, above, here)


def _images_are_in_files(spec: SpecFields) -> Iterator[Finding]:
    left_out: dict[str, list[str]] = {}
    for target, files in spec.outputs:
        if files and all(file.only for file in files):
            built = {name for file in files for name in file.only}
            for name in spec.images:
                if name not in built:
                    left_out.setdefault(name, []).append(target)
    for name, targets in left_out.items():
        yield Finding(
            "unlisted-image",
            ("images", name),
            f"no file of {' and '.join(targets)} is for {quoted(name)}",
            "add it to only: of one of the outputs",
            severity="warning",
            on_key=True,
        )


def _merged_files_have_jobs(spec: SpecFields) -> Iterator[Finding]:
    for target, files in spec.outputs:
        paths = [file.path for file in files]

        def look(
            build: Build, target: str = target, paths: Sequence[str] = paths
        ) -> Iterator[Heard]:
            places = [getattr(build, target).merges_into(path) for path in paths]
            if all(places):
                finding = no_effect(
                    (target, "form"),
                    f"mode: merge puts jobs into {places[0]}",
                    "remove form:, or name a file of its own, without mode: merge",
                )
                yield finding, False

        if files and all(file.mode == "merge" for file in files):
            yield from unheard_by_all(spec, look)


def _lists_of_refs(build: Build) -> Iterator[tuple[Where, tuple[str, ...]]]:
    if build.triggers:
        yield ("triggers", "branches"), build.triggers.branches
        yield ("triggers", "tags"), build.triggers.tags
        yield ("triggers", "paths"), build.triggers.paths
    for index, destination in enumerate(build.destinations):
        if len(destination.when) == 1 and destination.when[0].globs:
            (condition,) = destination.when
            yield ("destinations", index, "when", condition.kind), condition.globs


def _idle(where: Where, globs: tuple[str, ...]) -> Iterator[Finding]:
    """Entries that exclude nothing, as all others are other names, and those excluded again."""
    out = [glob for glob in globs if is_exclusion(glob)]
    names = all(map(is_literal, globs))
    for index, glob in enumerate(globs):
        again = next((each for each in out if covers(each[1:], glob)), None)
        if names and is_exclusion(glob) and glob[1:] not in globs:
            message = f"{quoted(glob)} excludes nothing: the other entries are names"
            yield no_effect((*where, index), message, "remove it, or widen the others with *")
        elif again and not is_exclusion(glob) and not names:
            message = f"{quoted(glob)} is excluded again by {quoted(again)}"
            yield no_effect((*where, index), message, "remove it, or the ! entry")


def _triggers_start_what_they_filter(spec: SpecFields) -> Iterator[Finding]:
    def look(build: Build) -> Iterator[Heard]:
        triggers = build.triggers
        if triggers and triggers.paths:
            finding = no_effect(
                ("triggers", "paths"),
                "only branches and pull requests are asked for paths, and none starts the job",
                "add branches: or pull_requests: true, or remove it",
                on_key=True,
            )
            yield finding, triggers.compares
        yield from (
            (finding, False)
            for where, globs in _lists_of_refs(build)
            for finding in _idle(where, globs)
        )
        if build.push == "always":
            finding = no_effect(
                ("push",),
                "no pull request starts the job, and everything else is pushed anyway",
                "remove it, or add pull_requests: true under triggers:",
            )
            yield finding, triggers is None or triggers.pull_requests or triggers.pipelines

    return unheard_by_all(spec, look)


def _pulled_hosts_are_pushed_to(spec: SpecFields) -> Iterator[Finding]:
    """``pull:`` for a host that only base images are on: its login is there to pull."""

    def look(build: Build) -> Iterator[Heard]:
        for written, registry in build.registries.items():
            for key in type(registry).model_fields:
                login = getattr(registry, key)
                if login is None or "pull" not in login.model_fields_set:
                    continue
                from ci_kaniko.spec.pushed import pushed_hosts

                finding = no_effect(
                    ("registries", written, key, "pull"),
                    f"nothing is pushed to {written}, so its login is there to pull",
                    "remove pull:"
                    if login.pull
                    else "remove pull:, or the login when no base image is there",
                )
                yield finding, canonical_host(written) in pushed_hosts(build)

    return unheard_by_all(spec, look)


_LOOKS = (
    _triggers_start_what_they_filter,
    _platforms_are_built,
    _settings_have_something_to_set,
    _versions_are_read,
    _the_repository_is_read,
    _pulled_hosts_are_pushed_to,
    _inputs_are_read,
    _images_differ_from_the_top,
    _images_are_in_files,
    _merged_files_have_jobs,
)


def unheard(spec: SpecFields) -> Iterator[Finding]:
    """A warning for each part of a spec that has no effect beside the others."""
    for look in _LOOKS:
        yield from look(spec)
