"""The two readers of a spec are one: the same bytes, messages and exit codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import settings

from harness import readers

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = settings().max_examples
COUNT = EXAMPLES * 5 // 2 if EXAMPLES > 100 else 30


def differences(requests: list[list[str]], folder: Path) -> list[str]:
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(readers.told, requests, reader, folder) for reader in ("pydantic", "small")
        ]
        both = zip(requests, *(each.result() for each in asked), strict=True)
    return [
        f"{request[0]}\n{command}\npydantic: {theirs}\nsmall: {ours}\n"
        for request, *answers in both
        for command, theirs, ours in zip(request[1:], *answers, strict=True)
        if theirs != ours
    ]


def test_both_readers_say_the_same(tmp_path: Path) -> None:
    """Of specs that are refused, and of those in which something was changed at random."""
    bad, mutated = [*readers.bad()], [*readers.mutated(COUNT)]
    assert len(bad) > 100
    assert len(mutated) == COUNT
    found = differences([*bad, *mutated], tmp_path)
    assert not found, f"{len(found)} differ, such as\n{found[0]}"
