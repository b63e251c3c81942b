"""What several targets share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.findings import Finding, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def owned_keys(section: str, extra: Mapping[str, Any], owned: Mapping[str, str]) -> Iterator[Finding]:
    """Raw native keys that ci-kaniko writes itself; ``owned`` names the field of each."""
    for key in extra:
        if key in owned:
            yield Finding(
                "owned-key",
                (section, "extra", key),
                f"{quoted(key)} is written by ci-kaniko",
                f"use {owned[key]}",
                on_key=True,
            )
