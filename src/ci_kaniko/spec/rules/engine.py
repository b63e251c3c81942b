"""What must hold between the fields of a spec, whatever the target.

Each rule names what it reads: ``cache.ttl`` one field, ``destinations[]`` the entries one by one.
When a part could not be read, the rules that read it stay silent instead of complaining about the
consequences; entries that could not be read do not silence a rule about the others.
"""

from __future__ import annotations

from functools import lru_cache

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.policy import applied
from ci_kaniko.spec.rules import (  # noqa: F401 - each adds its rules to the lists
    contexts,
    executor,
    images,
    logins,
    options,
    pushing,
    requested,
    secrets,
    sections,
    texts,
)
from ci_kaniko.spec.rules.rule import RULES, WHOLE, Rule
from ci_kaniko.spec.told import Watched, once_for_images

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.spec.build import Build, SpecFields


def check(spec: SpecFields) -> list[Finding]:
    """Every finding about a spec; what the top says for several images is reported once."""
    found = once_for_images(check_builds(spec.builds), len(spec.builds))
    return with_unheard(spec, [*found, *check_whole(spec)])


def with_unheard(spec: SpecFields, findings: list[Finding]) -> list[Finding]:
    """Findings as the spec has them, and what nothing hears: with an error that may be mended."""
    findings = applied(findings, spec.rules)
    if any(finding.severity == "error" for finding in findings):
        return findings
    from ci_kaniko.spec.rules.unheard import unheard

    return [*findings, *applied(unheard(spec), spec.rules)]


def check_build(build: Build, damaged: Collection[Where] = ()) -> Iterator[Finding]:
    """Every finding about one image, at places relative to it."""
    return _run(RULES, build, damaged)


def check_builds(
    builds: Iterable[Build], damaged: Collection[Where] = ()
) -> Iterator[tuple[Build, Finding]]:
    """Every finding about each of several images.

    A rule that has looked only at what an image has from the top says the same about the next.
    ``asked`` has, for images that differ from others in the same parts, what is left to ask.
    """
    rules = _undamaged(RULES, damaged)
    answers: dict[int, tuple[set[str], list[Finding]]] = {}
    asked: dict[frozenset[str], list[Rule | list[Finding]]] = {}
    for build in builds:
        own = build.differs
        if own is None or own in asked:
            for step in rules if own is None else asked[own]:
                for finding in step if isinstance(step, list) else step.run(build):
                    yield build, finding
            continue
        steps: list[Rule | list[Finding]] = []
        asked[own] = steps
        for number, rule in enumerate(rules):
            read, found = answers.get(number, (None, []))
            if read is None or not read.isdisjoint(own):
                watched = Watched(build)
                read, found = watched.read, list(rule.run(watched))
            if read.isdisjoint(own):
                answers[number] = (read, found)
                steps += [found] if found else []
            else:
                steps.append(rule)
            yield from ((build, finding) for finding in found)


def check_whole(spec: SpecFields, damaged: Collection[Where] = ()) -> Iterator[Finding]:
    """Every finding about what the images of a spec have to do with one another."""
    return _run(WHOLE, spec, damaged)


def _run(
    rules: list[Rule], part: Build | SpecFields, damaged: Collection[Where]
) -> Iterator[Finding]:
    for rule in _undamaged(rules, damaged):
        yield from rule.run(part)


def _undamaged(rules: list[Rule], damaged: Collection[Where]) -> list[Rule]:
    if not damaged:
        return rules
    places = frozenset(damaged)
    return [rule for rule in rules if not _is_damaged(rule.reads, places)]


@lru_cache(maxsize=4096)
def _is_damaged(reads: tuple[str, ...], damaged: frozenset[Where]) -> bool:
    """Whether a rule reads what is damaged; in a file of many images that is often the same."""
    return any(_touches(read, where) for read in reads for where in damaged)


def _touches(read: str, where: Where) -> bool:
    """Whether what is damaged at ``where`` is read."""
    steps = tuple(read.removesuffix("[]").split("."))
    shared = min(len(steps), len(where))
    within = read.endswith("[]") and len(where) > len(steps)
    return where[:shared] == steps[:shared] and not within
