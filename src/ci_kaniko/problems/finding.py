"""What the checks report before anybody knows the line it stands on."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.display import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ci_kaniko.problems.problem import Severity

Where = tuple["str | int", ...]


class Finding(NamedTuple):
    """One observation about a spec; ``where`` leads from the root of the spec to the value.

    ``secret`` keeps the value out of every message: it may be a credential.
    """

    rule: str
    where: Where
    message: str
    hint: str = ""
    severity: Severity = "error"
    on_key: bool = False
    secret: bool = False


class Refused(ValueError):
    """A value that a field cannot take.

    - ``at`` leads from the field to the part that is wrong, with ``on_key`` to its key.
    - ``secret`` keeps the value out of every message: it may be a password written by mistake.
    - ``others`` are more faults of the same field.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        hint: str = "",
        *,
        at: Where = (),
        on_key: bool = False,
        secret: bool = False,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.hint = hint
        self.at = at
        self.on_key = on_key
        self.secret = secret
        self.others: tuple[Refused, ...] = ()


def check_once(text: str, before: Collection[str]) -> None:
    """Raise Refused for an entry of a list that stands there already."""
    if text in before:
        raise Refused("duplicate-entry", f"{quoted(text)} is listed twice", "remove one")


def raise_all(refusals: list[Refused]) -> None:
    """Raise the first refusal with the others attached; nothing when there is none."""
    if refusals:
        refusals[0].others = tuple(refusals[1:])
        raise refusals[0]


def dotted(where: Where) -> str:
    """A place as people write it: ``destinations[0].image``."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def quoted(text: str) -> str:
    """A user's word in double quotes, cut when it is long, credentials starred out."""
    return f'"{shown(text, 60)}"'


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without those that name one place for several images."""
    seen: dict[tuple[str, Where, bool], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.rule, finding.where, finding.on_key), finding)
    return list(seen.values())


def no_effect(where: Where, message: str, hint: str, *, on_key: bool = False) -> Finding:
    """What is written and changes nothing."""
    return Finding("no-effect", where, message, hint, severity="warning", on_key=on_key)
