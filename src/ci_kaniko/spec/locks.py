"""Rules that a base has locked: what lies over it may be stricter, and no looser."""

from __future__ import annotations

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.severities import LEVELS
from ci_kaniko.quick.declaring import ValidationError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.bases import laid_over
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.policy import RuleSetting
from ci_kaniko.spec.rules.requested import is_allowed
from ci_kaniko.syntax.globs import is_exclusion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci_kaniko.problems.problem import Problem
    from ci_kaniko.source.source import Source


def broken_locks(source: Source) -> Iterator[Problem]:
    """What a spec, or a base of it, loosens that a base has locked."""
    rules: dict[str, Any] = {}
    locks: dict[str, str] = {}
    for layer in (*reversed(source.bases), source):
        node = layer.root.get("rules")
        if node is None:
            continue
        before, own = rules, to_python(node)
        rules = laid_over({"rules": before}, {"rules": own}).get("rules") or {}
        if not isinstance(rules, dict):
            return
        for rule, lock in locks.items():
            looser = _looser(_setting(before.get(rule)), _setting(rules.get(rule)))
            if looser:
                found = layer.locate(("rules", rule))
                message = f"{quoted(rule)} is locked by {lock}: {looser}"
                hint = "remove this; who keeps that file may loosen it there"
                node = found.key or found.node
                yield layer.problem("locked-rule", message, node, hint, where=f"rules.{rule}")
                rules = {**rules, rule: before[rule]}
        for rule, given in rules.items():
            setting = _setting(given)
            if setting and setting.locked and rule not in locks:
                locks[rule] = f"{layer.path}:{layer.locate(('rules', rule)).node.line}"


def _setting(given: Any) -> RuleSetting | None:
    """A setting; None where there is none, or one that cannot be read."""
    try:
        return None if given is None else RuleSetting.model_validate(given)
    except ValidationError:
        return None


def _looser(base: RuleSetting | None, own: RuleSetting | None) -> str:
    """What is loosened, in words; empty when nothing is."""
    if base is None:
        return ""
    if own is None:
        return "it may not be taken away"
    if not own.locked:
        return "it stays locked"
    if LEVELS.index(own.severity) < LEVELS.index(base.severity):
        return f"it may not be less than {base.severity}"
    wider = [entry for entry in own.registries if _is_wider(entry, base.registries)]
    kept = {*filter(is_exclusion, base.registries)} <= {*own.registries}
    if wider or (base.registries and not kept):
        return f"no more is allowed than {', '.join(base.registries)}"
    return ""


_SEGMENT = "\ue000"
_FOLDERS = f"{_SEGMENT}/{_SEGMENT}"


def _is_wider(entry: str, allowed: Sequence[str]) -> bool:
    """Whether an entry lets something through that the list below it does not.

    A wildcard stands for a text that only a wildcard as wide takes.
    """
    if not allowed or is_exclusion(entry) or entry in allowed:
        return False
    deep = entry.replace("**", _FOLDERS).replace("*", _SEGMENT)
    flat = entry.replace("*", _SEGMENT)
    return not (is_allowed(deep, allowed) and is_allowed(flat, allowed))
