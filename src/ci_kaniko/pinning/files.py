"""Files of specs, and what they run without a pin."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.pinning.pins import with_pins
from ci_kaniko.problems.finding import Finding, dotted, quoted
from ci_kaniko.repository.files import read_bytes, write
from ci_kaniko.source.reading import decode
from ci_kaniko.source.source import BOM
from ci_kaniko.spec.loading import load
from ci_kaniko.spec.placing import InvalidSpec, placed
from ci_kaniko.spec.policy import PINNED
from ci_kaniko.spec.running import unpinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.running import Running


class Pinnable(NamedTuple):
    """A file with a spec, and the images and actions that it runs by a tag or a version."""

    path: str
    data: bytes
    spec: SpecFields
    found: list[Running]


def read(path: str) -> Pinnable:
    """A spec of which nothing is wrong but what is mended here. Raises SpecError."""
    spec = _loaded(path)
    return Pinnable(path, read_bytes(path) or b"", spec, unpinned(spec))


def _loaded(path: str) -> SpecFields:
    try:
        return load(path)
    except InvalidSpec as error:
        if error.rest is None or any(problem.rule != PINNED for problem in error.problems):
            raise
        return error.rest


def missing(file: Pinnable) -> list[Problem]:
    """Each pin that is not there."""
    hint = "ci-kaniko pin writes it"
    findings = [
        Finding(
            "pinned-images",
            item.where,
            f"{quoted(item.name)} has no {item.missing} in {dotted(item.where)}",
            hint,
        )
        for item in file.found
    ]
    return placed(findings, file.spec.source)


@dataclass(frozen=True)
class Pin:
    """An image or an action that a spec runs without a pin, and the pin: a digest or a commit.

    ``where`` is the place in the spec of ``path``. ``pin`` is empty where nobody was asked for it.
    """

    path: str
    where: str
    name: str
    pin: str = ""


def pins_of(file: Pinnable, known: Mapping[str, str]) -> list[Pin]:
    """What a file runs without a pin, with those that are known by the names."""
    return [
        Pin(file.path, dotted(item.where), item.name, known.get(item.name, ""))
        for item in file.found
    ]


def resolved(
    files: Iterable[Pinnable], watched: Callable[[list[str]], Iterable[str]] = iter
) -> dict[str, str]:
    """The pin of each name, as registries and git servers tell it; ``watched`` gets the names.

    Raises ActionError, RegistryError.
    """
    from ci_kaniko.pinning.actions import commit
    from ci_kaniko.pinning.registry import Registries

    registries = Registries()
    items = {item.name: item for file in files for item in file.found}
    return {
        name: (commit if items[name].is_action else registries.digest)(name)
        for name in watched([*items])
    }


def put(file: Pinnable, pins: Mapping[str, str]) -> None:
    """Write pins, by the names that they are for. Raises CannotPin, SpecError, OSError."""
    wanted = {item.where: item.pinned(pins[item.name]) for item in file.found}
    changed = with_pins(decode(file.data, file.path), file.path, wanted)
    mark = BOM if file.data.startswith(BOM.encode()) else ""
    write(os.path.realpath(file.path), mark + changed)
