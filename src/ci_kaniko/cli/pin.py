"""The command ``pin``: digests beside the tags of a spec."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ci_kaniko.cli.shared import Done, Misuse, fail, find_spec, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.pinning.pins import Unpinned


def pin(spec: str | None = None, *, check: bool = False) -> None:
    """Write the digest of each tag into the spec, or say which are missing.

    Raises Done for a spec with errors, a registry that does not tell, and with ``check`` for a tag
    without a digest; raises Misuse for standard input.
    """
    from ci_kaniko.pinning.pins import CannotPin, unpinned, with_pins
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.repository.files import read_bytes, write
    from ci_kaniko.source.reading import decode
    from ci_kaniko.source.source import BOM
    from ci_kaniko.spec.loading import load

    if spec == "-":
        raise Misuse("pin rewrites a file; standard input is none")
    path = spec or find_spec()
    try:
        found = unpinned(load(path))
        data = read_bytes(path) or b""
        text = decode(data, path)
    except SpecError as error:
        fail(error.problems, "text")
    if not found:
        say(f"{path}: every image has its digest")
        return
    if check:
        for item in found:
            say(f"{path}: {_dotted(item)}: {item.image} has no digest", err=True)
        say("  = hint: ci-kaniko pin writes them", err=True)
        raise Done(1)
    digests = _resolved(found)
    try:
        changed = with_pins(text, path, {i.where: i.pinned(digests[i.image]) for i in found})
    except CannotPin as error:
        say(f"{path}: this spec is not written so that pin could change it; {error}", err=True)
        raise Done(1) from None
    mark = BOM if data.startswith(BOM.encode()) else ""
    write(os.path.realpath(path), mark + changed)
    for item in found:
        say(f"{path}: {_dotted(item)}: {item.image} is {digests[item.image]}")
    say("ci-kaniko sync brings the files of the spec up to date")


def _dotted(item: Unpinned) -> str:
    return ".".join(map(str, item.where))


def _resolved(found: Sequence[Unpinned]) -> dict[str, str]:
    """The digest of each image. Raises Done when a registry does not tell one."""
    from ci_kaniko.pinning.registry import Registries, RegistryError

    registries, digests = Registries(), dict[str, str]()
    for number, image in enumerate(images := list(dict.fromkeys(i.image for i in found)), 1):
        if sys.stderr.isatty():
            say(f"{number} of {len(images)}: asking for {image}", err=True)
        try:
            digests[image] = registries.digest(image)
        except RegistryError as error:
            say(f"{error}; nothing was changed", err=True)
            raise Done(1) from None
    return digests
