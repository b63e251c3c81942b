"""How Buildah reaches registries: its registries.conf, and the folders of certificates."""

from __future__ import annotations

import json

from ci_kaniko.builders.builder import in_folder
from ci_kaniko.builders.registries import reached
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.quoting import continued, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.registries import Reached
    from ci_kaniko.plan.model import Plan


def reaching(plan: Plan, settings: str, certificates: str) -> list[str]:
    """Lines that write them; where a Dockerfile names no registry, it means Docker Hub."""
    registries = reached(plan)
    text = ['unqualified-search-registries = ["docker.io"]', 'short-name-mode = "disabled"']
    insecure = {host for host, known in registries.items() if known.is_insecure}
    alone = bool(plan.spec.options.skip_default_registry_fallback)
    for host, known in registries.items():
        text += _settings(host, known, insecure, alone=alone)
    file = in_folder(settings, "registries.conf")
    lines = continued("printf '%s\\n'", [*map(quote, text), f"> {file}"])
    for host, known in registries.items():
        lines += _certificates(host, known, settings, certificates)
    return lines


def _settings(host: str, known: Reached, insecure: set[str], *, alone: bool) -> Iterator[str]:
    """A registry in the words of containers-registries.conf(5); a mirror has words of its own.

    Where the mirrors are asked ``alone``, the last of them stands for the registry.
    """
    if not (known.mirrors or known.is_insecure):
        return
    *mirrors, last = known.mirrors if alone and known.mirrors else (*known.mirrors, host)
    yield "[[registry]]"
    if last != host:
        yield f"prefix = {json.dumps(host)}"
    yield from _located(last, insecure)
    for mirror in mirrors:
        yield "[[registry.mirror]]"
        yield from _located(mirror, insecure)


def _located(place: str, insecure: set[str]) -> Iterator[str]:
    yield f"location = {json.dumps(place)}"
    if place.partition("/")[0] in insecure:
        yield "insecure = true"


def _certificates(host: str, known: Reached, settings: str, certificates: str) -> list[str]:
    """The files that containers-certs.d(5) asks for."""
    names = {
        "ca.crt": known.authority,
        "client.cert": known.certificate,
        "client.key": known.key,
    }
    folder = f"certs.d/{host}"
    copies = [
        f"cp {in_folder(certificates, file)} {in_folder(settings, f'{folder}/{name}')}"
        for name, file in names.items()
        if file
    ]
    return [f"mkdir -p {in_folder(settings, folder)}", *copies] if copies else []
