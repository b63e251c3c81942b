"""Files of specs, and what they run without a pin."""

from __future__ import annotations

import os
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
    from collections.abc import Mapping

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


def put(file: Pinnable, pins: Mapping[str, str]) -> None:
    """Write pins, by the names that they are for. Raises CannotPin, SpecError, OSError."""
    wanted = {item.where: item.pinned(pins[item.name]) for item in file.found}
    changed = with_pins(decode(file.data, file.path), file.path, wanted)
    mark = BOM if file.data.startswith(BOM.encode()) else ""
    write(os.path.realpath(file.path), mark + changed)
