"""How BuildKit reaches registries: the file of its daemon."""

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
    """Lines that write it, where there is something to say; the certificates lie in a folder."""
    tables = (_table(host, known, certificates) for host, known in reached(plan).items())
    text = [line for table in tables for line in table]
    if not text:
        return []
    file = in_folder(settings, "buildkitd.toml")
    return continued("printf '%s\\n'", [*map(quote, text), f"> {file}"])


def _table(host: str, known: Reached, folder: str) -> Iterator[str]:
    """A registry in the words of buildkitd.toml."""
    yield f"[registry.{json.dumps(host)}]"
    if known.mirrors:
        yield f"  mirrors = {json.dumps([*known.mirrors])}"
    if known.plain:
        yield "  http = true"
    if known.unverified:
        yield "  insecure = true"
    if known.authority:
        yield f"  ca = {json.dumps([f'{folder}/{known.authority}'])}"
    if known.certificate:
        yield f"  [[registry.{json.dumps(host)}.keypair]]"
        yield f"    key = {json.dumps(f'{folder}/{known.key}')}"
        yield f"    cert = {json.dumps(f'{folder}/{known.certificate}')}"
