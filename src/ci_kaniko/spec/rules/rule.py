"""What a rule is."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.problems.finding import Finding


class Rule(NamedTuple):
    """A check and what it reads."""

    reads: tuple[str, ...]
    run: Callable[[Any], Iterable[Finding]]


RULES: list[Rule] = []
WHOLE: list[Rule] = []
"""The rules about one build, and those about all of a spec."""


def build_rule(*reads: str) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    return _registered(RULES, reads)


def spec_rule(*reads: str) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    return _registered(WHOLE, reads)


def _registered(
    rules: list[Rule], reads: tuple[str, ...]
) -> Callable[[Callable[[Any], Iterable[Finding]]], None]:
    def register(run: Callable[[Any], Iterable[Finding]]) -> None:
        rules.append(Rule(reads, run))

    return register
