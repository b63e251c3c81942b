"""The command ``pin``: digests beside the tags of a spec, and the commits of actions."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ci_kaniko.cli.shared import Done, Misuse, fail, find_spec, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.spec.build import SpecFields
    from ci_kaniko.spec.running import Running


def pin(spec: str | None = None, *, check: bool = False) -> None:
    """Write the digest of each tag and the commit of an action into the spec, or say which miss.

    Raises Done for a spec with errors, a registry that does not tell, and with ``check`` for a tag
    without a digest; raises Misuse for standard input.
    """
    from ci_kaniko.pinning.pins import CannotPin, with_pins
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.repository.files import read_bytes, write
    from ci_kaniko.source.reading import decode
    from ci_kaniko.source.source import BOM
    from ci_kaniko.spec.running import unpinned

    if spec == "-":
        raise Misuse("pin rewrites a file; standard input is none")
    path = spec or find_spec()
    try:
        found = unpinned(_loaded(path))
        data = read_bytes(path) or b""
        text = decode(data, path)
    except SpecError as error:
        fail(error.problems, "text")
    if not found:
        say(f"{path}: every image has its digest, every action its commit")
        return
    if check:
        for item in found:
            say(f"{path}: {_dotted(item)}: {item.name} has no {item.missing}", err=True)
        say("  = hint: ci-kaniko pin writes them", err=True)
        raise Done(1)
    pins = _resolved(found)
    try:
        changed = with_pins(text, path, {i.where: i.pinned(pins[i.name]) for i in found})
    except CannotPin as error:
        say(f"{path}: this spec is not written so that pin could change it; {error}", err=True)
        raise Done(1) from None
    mark = BOM if data.startswith(BOM.encode()) else ""
    write(os.path.realpath(path), mark + changed)
    for item in found:
        say(f"{path}: {_dotted(item)}: {item.name} is {pins[item.name]}")
    say("ci-kaniko sync brings the files of the spec up to date")


def _loaded(path: str) -> SpecFields:
    """A spec of which nothing is wrong but what is mended here. Raises SpecError."""
    from ci_kaniko.spec.loading import load
    from ci_kaniko.spec.placing import InvalidSpec
    from ci_kaniko.spec.policy import PINNED

    try:
        return load(path)
    except InvalidSpec as error:
        if error.rest is None or any(problem.rule != PINNED for problem in error.problems):
            raise
        return error.rest


def _dotted(item: Running) -> str:
    return ".".join(map(str, item.where))


def _resolved(found: Sequence[Running]) -> dict[str, str]:
    """The pin of each name. Raises Done when a registry or a git server does not tell one."""
    from ci_kaniko.pinning.actions import ActionError, commit
    from ci_kaniko.pinning.registry import Registries, RegistryError

    registries, pins = Registries(), dict[str, str]()
    for number, item in enumerate(items := list({item.name: item for item in found}.values()), 1):
        if sys.stderr.isatty():
            say(f"{number} of {len(items)}: asking for {item.name}", err=True)
        try:
            pins[item.name] = (commit if item.is_action else registries.digest)(item.name)
        except (ActionError, RegistryError) as error:
            say(f"{error}; nothing was changed", err=True)
            raise Done(1) from None
    return pins
