"""What Jenkins asks before a stage runs: ``when`` and ``if``, as guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Var
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import NO, YES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.readers.jenkins.groovy import Statement


def asked_guard(asked: Iterable[Statement]) -> tuple[Conditions, int]:
    """All of some conditions as one guard."""
    conditions = Conditions()
    guard = YES
    for statement in asked:
        if statement.name == "when":
            one = _all(conditions, statement.block)
        else:
            one = conditions.unknown(_shown(statement), statement.line)
        guard = conditions.guards.both(guard, one)
    return conditions, guard


def _all(conditions: Conditions, statements: list[Statement]) -> int:
    guard = YES
    for statement in statements:
        guard = conditions.guards.both(guard, _one(conditions, statement))
    return guard


def _one(conditions: Conditions, statement: Statement) -> int:
    name, line, first = statement.name, statement.line, statement.given()
    guards = conditions.guards
    if name == "not":
        return guards.minus(YES, _all(conditions, statement.block))
    if name == "allOf":
        return _all(conditions, statement.block)
    if name == "anyOf":
        found = NO
        for inner in statement.block:
            found = guards.either(found, _one(conditions, inner))
        return found
    if name in {"branch", "tag"} and first and not statement.given("comparator"):
        return conditions.glob((Var(name, portable=True),), first.text(), line)
    if name == "buildingTag":
        return conditions.filled((Var("tag", portable=True),), line)
    if name == "changeRequest" and not statement.texts:
        return conditions.filled((Var("pull_request.number", portable=True),), line)
    return conditions.unknown(f"when {_shown(statement)}", line)


def _shown(statement: Statement) -> str:
    """A condition as it is written."""
    return " ".join(inner.shown for inner in statement.below())
