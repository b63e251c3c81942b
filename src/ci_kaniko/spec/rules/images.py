"""Rules on several images and their files."""

from __future__ import annotations

import re
from itertools import accumulate

from ci_kaniko.kaniko.systems import system
from ci_kaniko.problems.finding import Finding, dotted, quoted
from ci_kaniko.problems.problem import suggest
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.rules.pushing import overlapping
from ci_kaniko.spec.rules.rule import spec_rule
from ci_kaniko.spec.rules.texts import native_variables
from ci_kaniko.spec.texts import texts_of
from ci_kaniko.syntax import grammar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.syntax.conditions import Condition


@spec_rule("outputs[]", "templates")
def _files_are_called_as_written(spec: SpecFields) -> Iterator[Finding]:
    for field in ("outputs", "templates"):
        yield from native_variables(texts_of(spec, field, type(spec)), field)


@spec_rule("outputs[]", "options[]")
def _files_are_written_once(spec: SpecFields) -> Iterator[Finding]:
    outputs: list[tuple[Where, str]] = [
        (("outputs", name, index), file.path)
        for name, files in spec.outputs
        for index, file in enumerate(files)
    ]
    for build in spec.builds:
        seen: dict[str, Where] = {}
        options = [
            (build.at(("options", name)), path) for name, path in build.options.files.items()
        ]
        for where, path in (*outputs, *options):
            first = seen.setdefault(grammar.inside_repository(path) or "", where)
            if first != where:
                yield Finding(
                    "duplicate-output",
                    where,
                    f"{quoted(path)} is written twice: {dotted(first[:2])} is the same file",
                    "give each its own file",
                )
    files = {grammar.inside_repository(path) for _, path in outputs}
    for where, path in outputs:
        *folders, _ = accumulate((grammar.inside_repository(path) or "").split("/"), "{}/{}".format)
        if shared := files.intersection(folders):
            yield Finding(
                "duplicate-output",
                where,
                f"{quoted(path)} lies in {quoted(str(shared.pop()))}, which is a file of outputs:",
                "give each its own file",
            )


@spec_rule("images[]")
def _needs_lead_to_an_end(spec: SpecFields) -> Iterator[Finding]:
    circles: set[frozenset[str]] = set()
    endless = _endless(spec)
    for name, image in spec.images.items():
        for index, needed in enumerate(image.needs):
            where = image.at(("needs", index))
            if needed not in spec.images:
                yield _no_such_image(where, needed, spec)
            elif not {name, needed} <= endless:
                continue
            elif (circle := _circle(spec, name, needed)) and frozenset(circle) not in circles:
                circles.add(frozenset(circle))
                yield Finding(
                    "circular-needs",
                    where,
                    f"{quoted(name)} would wait for itself: {' needs '.join(circle)}",
                    "remove one of these",
                )


def _no_such_image(where: Where, name: str, spec: SpecFields) -> Finding:
    close = suggest(name, spec.images)
    hint = f'did you mean "{close}"?' if close else f"known: {_some(spec.images)}"
    if not spec.images:
        hint = "the spec lists no images"
    return Finding("unknown-image", where, f"no image is called {quoted(name)}", hint)


def _some(images: Collection[str]) -> str:
    listed = sorted(images)
    return ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")


def _endless(spec: SpecFields) -> set[str]:
    """The images that wait for a circle, or are part of one."""
    waiting = {
        name: {needed for needed in image.needs if needed in spec.images}
        for name, image in spec.images.items()
    }
    users: dict[str, list[str]] = {name: [] for name in waiting}
    for name, needs in waiting.items():
        for needed in needs:
            users[needed].append(name)
    finished = [name for name, needs in waiting.items() if not needs]
    while finished:
        needed = finished.pop()
        del waiting[needed]
        for name in users[needed]:
            waiting[name].discard(needed)
            if not waiting[name]:
                finished.append(name)
    return {*waiting}


def _circle(spec: SpecFields, name: str, needed: str) -> list[str]:
    """The way from an image through one that it needs back to itself; empty when there is none."""
    came_from = {needed: name}
    pending = [needed]
    while pending:
        current = pending.pop()
        if current == name:
            way = [name]
            step = came_from[name]
            while step != name:
                way.append(step)
                step = came_from[step]
            return [*way, name][::-1]
        for following in spec.images[current].needs if current in spec.images else ():
            if following not in came_from:
                came_from[following] = current
                pending.append(following)
    return []


@spec_rule("images[]", "outputs[]")
def _outputs_are_for_images(spec: SpecFields) -> Iterator[Finding]:
    for target, files in spec.outputs:
        for index, file in enumerate(files):
            for place, name in enumerate(file.only):
                if name not in spec.images:
                    yield _no_such_image(("outputs", target, index, "only", place), name, spec)


@spec_rule("outputs[]")
def _outputs_are_read(spec: SpecFields) -> Iterator[Finding]:
    for target, files in spec.outputs:
        fits, example, proposed = system(target).reads if files else ("", "", "")
        for index, file in enumerate(files):
            if fits and not re.fullmatch(fits, grammar.inside_repository(file.path) or ""):
                yield Finding(
                    "unread-output",
                    ("outputs", target, index, "path"),
                    f"{target} reads no {quoted(file.path)}",
                    f"{proposed} {example}",
                )


@spec_rule("images[]")
def _names_stay_different(spec: SpecFields) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in spec.images:
        first = seen.setdefault(re.sub("[._]", "-", name), name)
        if first != name:
            yield Finding(
                "image-name",
                ("images", name),
                f"{quoted(name)} and {quoted(first)} would have one job name on some platforms",
                "they differ in . _ - only: give one another name",
                on_key=True,
            )


@spec_rule("images[]")
def _images_do_not_overwrite_each_other(spec: SpecFields) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], tuple[str, tuple[Condition, ...]]] = {}
    for name, image in spec.images.items():
        for index, destination in enumerate(image.destinations if image.push != "never" else ()):
            pushed = destination.image.pushed_name
            other, when = seen.setdefault(pushed, (name, destination.when))
            if other != name and overlapping(when, destination.when):
                yield Finding(
                    "duplicate-destination",
                    image.at(("destinations", index)),
                    f"{quoted(destination.image)} is pushed by {quoted(other)}, too",
                    "put ${image.name} into the repository's name or the tag",
                )
