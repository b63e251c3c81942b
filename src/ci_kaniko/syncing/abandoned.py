"""Files of ours that no spec asks for any more: the platform goes on running them."""

from __future__ import annotations

import contextlib
import os

from ci_kaniko.kaniko.systems import known_names
from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.repository.files import OutsideRepository, inside, read_bytes
from ci_kaniko.spec.policy import severity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.spec.spec import Spec


def abandoned(specs: Collection[Spec], root: str) -> Iterator[Problem]:
    """Files from ``specs``, or from specs that are gone, that no spec of ``root`` lists.

    They are looked for where platforms read pipelines, and beside the files of ``specs``.
    """
    from ci_kaniko.targets.header import spec_of

    by_place = {spec.source.place: spec for spec in specs if spec.source}
    listed = {each for spec in specs for each in _listed(spec, root)}
    written = {path: spec_of(text) for path, text in _files(root, specs, listed)}
    gone = {place for place in written.values() if not os.path.isfile(os.path.join(root, place))}
    elsewhere = _listed_elsewhere(root, {*by_place}) if gone - {""} else set()
    for path, place in written.items():
        spec = by_place.get(place)
        is_asked = _real(root, path) in elsewhere
        if not place or is_asked or not (spec or place in gone):
            continue
        levels = {severity_of(each.rules, "abandoned-file") for each in ([spec] if spec else specs)}
        if "off" not in levels:
            message = f"{quoted(place)}, which this file was rendered from, "
            yield Problem(
                rule="abandoned-file",
                path=os.path.relpath(os.path.join(root, path)),
                message=message + ("does not list it under outputs:" if spec else "is gone"),
                hint="delete the file: the platform may still run it; or list it under outputs:",
                severity="error" if "error" in levels else "warning",
            )


def _listed(spec: Spec, root: str) -> Iterator[str]:
    """The outputs of a spec, symbolic links followed."""
    return (_real(root, file.path) for _, files in spec.outputs for file in files)


def _real(root: str, path: str) -> str:
    return os.path.realpath(os.path.join(root, path))


def _files(
    root: str, specs: Collection[Spec], listed: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The paths and texts of what may be a pipeline and is not listed."""
    from ci_kaniko.targets.registry import target

    usual = [target(name).output for name in known_names()]
    asked = [file.path for spec in specs for _, files in spec.outputs for file in files]
    for folder in sorted({os.path.dirname(path) for path in (*usual, *asked)}):
        try:
            names = sorted(os.listdir(inside(root, folder) if folder else root))
        except (OutsideRepository, OSError):
            continue
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if not name.endswith((".yml", ".yaml")) or _real(root, path) in listed:
                continue
            with contextlib.suppress(OutsideRepository, OSError):
                yield path, (read_bytes(inside(root, path)) or b"").decode("utf-8", "replace")


def _listed_elsewhere(root: str, known: Collection[str | None]) -> set[str]:
    """What the other specs of a repository list."""
    from ci_kaniko.repository.discovery import place_of, specs_below
    from ci_kaniko.spec.loading import load

    found: set[str] = set()
    for path in specs_below(root):
        try:
            found.update(() if place_of(path) in known else _listed(load(path), root))
        except (SpecError, OSError):
            continue
    return found
