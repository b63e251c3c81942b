"""What the checks report before anybody knows the line it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.text.display import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ci_kaniko.problems.problem import Severity
    from ci_kaniko.spec.build import Build, Spec

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

    ``at`` leads from the field to the part that is wrong, with ``on_key`` to its key. ``secret``
    keeps the value out of every message: it may be a credential that was written down by mistake.
    ``others`` are what else is wrong with the same field.
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
    """Refuse an entry of a list that stands there already."""
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


def quoted(text: str, limit: int = 60) -> str:
    """A user's word in double quotes, cut when it is long, credentials starred out."""
    return f'"{shown(text, limit)}"'


def told_once(found: Iterable[tuple[Build, Finding]], number: int) -> list[Finding]:
    """Findings about several images at their places in the spec, each place once.

    What the top says, and is wrong for some of ``number`` images only, names these.
    """
    first: dict[tuple[Any, ...], Finding] = {}
    names: dict[tuple[Any, ...], dict[str, None]] = {}
    told: dict[tuple[Any, ...], list[str]] = {}
    for build, finding in found:
        placed = finding._replace(where=build.at(finding.where))
        place = (placed.rule, placed.where, placed.on_key)
        messages = told.setdefault((build.name, *place), [])
        if placed.message not in messages:
            messages.append(placed.message)
        # Messages may hold an image's name, so the first of one image is that of another, too.
        key = (*place, messages.index(placed.message))
        first.setdefault(key, placed)
        names.setdefault(key, {})[build.name] = None
    return [
        finding
        if finding.where[:1] == ("images",) or len(names[key]) == number
        else finding._replace(message=f"{finding.message}, for {_listed([*names[key]])}")
        for key, finding in first.items()
    ]


def unheard_by_all(
    spec: Spec, look: Callable[[Build], Iterable[tuple[Finding, bool]]]
) -> Iterator[Finding]:
    """What no image hears: ``look`` tells for one whether it does; the top speaks to all."""
    found: dict[Where, Finding] = {}
    heard: set[Where] = set()
    for build in spec.builds:
        for finding, is_heard in look(build):
            where = build.at(finding.where)
            found.setdefault(where, finding._replace(where=where))
            if is_heard:
                heard.add(where)
    yield from (finding for where, finding in found.items() if where not in heard)


def _listed(names: list[str]) -> str:
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def unique(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without those that name one place for several images."""
    seen: dict[tuple[str, Where, bool], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.rule, finding.where, finding.on_key), finding)
    return list(seen.values())
