"""When a job runs and when a destination is pushed."""

from __future__ import annotations

from ci_kaniko.problems.finding import Refused, check_once, quoted, raise_all
from ci_kaniko.quick.hints import Any, Literal, cast
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.globs import Globs, any_matches, check_glob, covers, is_exclusion, split
from ci_kaniko.syntax.scalars import Plain, as_list, as_text, wrong_type

Kind = Literal[
    "always",
    "default-branch",
    "other-branch",
    "pull-request",
    "schedule",
    "manual",
    "version",
    "release",
    "branch",
    "tag",
]

VERSIONS = ("version", "release")
ROLES = ("default-branch", "other-branch")
"""Of a branch: the one that the CI calls default, and all that it does not."""
EVENTS = ("always", *ROLES, "pull-request", "schedule", "manual", *VERSIONS)
REFS = ("branch", "tag")


class Condition(NamedTuple):
    """One test; ``globs`` only where the kind is ``branch`` or ``tag``."""

    kind: Kind
    globs: tuple[str, ...] = ()


AnyOf = tuple[Condition, ...]
ALWAYS: AnyOf = (Condition("always"),)


class Event(NamedTuple):
    """What a run knows about the event that started it.

    ``source`` is empty for pushes and pull requests, else schedule, manual or pipeline.
    """

    branch: str = ""
    tag: str = ""
    pull_request: str = ""
    default_branch: str = ""
    version: str = ""
    source: str = ""


def holds(any_of: AnyOf, event: Event) -> bool:
    """Whether one of the conditions holds."""
    return any(_holds(condition, event) for condition in any_of)


def _holds(condition: Condition, event: Event) -> bool:
    if condition.kind == "default-branch":
        return bool(event.branch) and event.branch == event.default_branch
    if condition.kind == "other-branch":
        return bool(event.branch) and event.default_branch not in {"", event.branch}
    if condition.kind in VERSIONS:
        from ci_kaniko.syntax.versions import is_release

        return is_release(event.version) if condition.kind == "release" else bool(event.version)
    if condition.kind in REFS:
        ref = event.branch if condition.kind == "branch" else event.tag
        return any_matches(condition.globs, ref)
    if condition.kind == "pull-request":
        return bool(event.pull_request)
    return condition.kind in {"always", event.source}


def parse_when(value: Any) -> AnyOf:
    """``when`` as a spec writes it: a word, a map with branch or tag, or a list of these.

    Raises Refused.
    """
    if value and isinstance(value, tuple) and all(isinstance(each, Condition) for each in value):
        return cast("AnyOf", value)
    if not isinstance(value, list | tuple):
        return (_condition(value, ()),)
    if not value:
        raise Refused("bad-condition", "an empty list never holds", "leave when: out for always")
    conditions: list[Condition] = []
    refusals: list[Refused] = []
    for index, item in enumerate(value):
        try:
            conditions.append(_condition(item, (index,)))
        except Refused as refused:
            refusals += [refused, *refused.others]
    raise_all(refusals)
    if Condition("always") in conditions and len(conditions) > 1:
        other = next(at for at, found in enumerate(conditions) if (found,) != ALWAYS)
        raise Refused(
            "bad-condition",
            "another condition beside always changes nothing",
            "leave always out, or the others",
            at=(other,),
        )
    return tuple(conditions)


def spelled(any_of: AnyOf) -> Any:
    """Conditions as a spec writes them."""
    each = [_spelled(condition) for condition in any_of]
    return each[0] if len(each) == 1 else each


def _spelled(condition: Condition) -> str | dict[str, Any]:
    if condition.kind not in REFS:
        return condition.kind
    globs = list(condition.globs)
    return {condition.kind: globs[0] if len(globs) == 1 else globs}


_SYNONYMS = {"merge-request": "pull-request"}
_BRANCHES = {"main", "master", "trunk", "develop"}


def _condition(value: Any, at: tuple[int, ...]) -> Condition:
    if isinstance(value, dict):
        return _ref_condition(value, at)
    if not isinstance(value, str):
        expected = f"one of {', '.join(EVENTS)}, or a map with branch or tag"
        raise _placed(wrong_type(value, expected), at)
    if value in EVENTS:
        return Condition(cast("Kind", str(value)))
    from ci_kaniko.problems.problem import suggest

    word = value.replace("_", "-")
    close = None if value in _BRANCHES else _SYNONYMS.get(word) or suggest(word, EVENTS)
    ref = suggest(value, ("tags", "branches")) if not close else None
    hint = f"one of {', '.join(EVENTS)}, or {{branch: main}}, or {{tag: v*}}"
    if close:
        hint = f'did you mean "{close}"?'
    elif ref:
        hint = "write {tag: v*}" if ref == "tags" else 'write {branch: "**"}'
    elif _is_glob(value):
        hint = f"{{branch: {value}}} is that branch, default-branch the one that the CI calls so"
    raise Refused("bad-condition", f"{quoted(value)} is not a condition", hint, at=at)


def _is_glob(text: str) -> bool:
    try:
        return (
            text not in {"true", "false"}
            and check_glob(text).replace("/", "").replace("-", "").isalnum()
        )
    except Refused:
        return False


def _ref_condition(value: dict[str, Any], at: tuple[int, ...]) -> Condition:
    if len(value) == 1 and next(iter(value)) not in REFS:
        from ci_kaniko.problems.problem import suggest

        key = str(next(iter(value)))
        close = suggest(key, REFS)
        raise Refused(
            "bad-condition",
            f"{quoted(key)} is not a condition",
            f'did you mean "{close}"?' if close else "a map has branch: or tag:",
            at=(*at, key),
            on_key=True,
        )
    if len(value) != 1:
        raise Refused(
            "bad-condition",
            "a condition has exactly one of: branch, tag",
            "several conditions are a list; any of them is enough",
            at=at,
        )
    kind, globs = next(iter(value.items()))
    default = "when: default-branch is the branch that the CI calls so; others are named"
    return Condition(cast("Kind", str(kind)), parse_globs(globs, (*at, str(kind)), default))


def parse_globs(value: Any, at: tuple[str | int, ...] = (), *default_branch: str) -> Globs:
    """One glob or a list of them, with the hint of ``check_glob``. Raises Refused."""
    try:
        items = as_list(value)
    except Refused as refused:
        raise _placed(refused, at) from None
    several = isinstance(value, list | tuple)
    if not items:
        raise Refused("bad-glob", "an empty list matches nothing", '["**"] matches all', at=at)
    globs: list[str] = []
    refusals: list[Refused] = []
    for index, item in enumerate(items):
        try:
            glob = _named(item)
            check_glob(glob.removeprefix("!"), *default_branch)
            check_once(glob, globs)
            globs.append(glob)
        except Refused as refused:
            refusals.append(_placed(refused, (*at, index) if several else at))
    raise_all(refusals)
    named = Globs(globs)
    check_something_is_left(named, at, "**")
    return named


def check_something_is_left(globs: Globs, at: tuple[str | int, ...], everything: str) -> None:
    """Raise Refused for a list that only excludes, or excludes each of its entries."""
    if all(is_exclusion(glob) for glob in globs):
        hint = f'["{everything}", "{globs[0]}"] is everything else'
        raise Refused("bad-glob", "a list that only excludes matches nothing", hint, at=at)
    plain, out = split(globs)
    if all(any(covers(each, glob) for each in out) for glob in plain):
        hint = "remove what is excluded, or the ! entry"
        raise Refused("bad-glob", "everything in the list is excluded again", hint, at=at)


def _named(item: Any) -> str:
    """The written text: a switch is none."""
    text = str(item).lower() if isinstance(item, bool) else as_text(item)
    if text in {"true", "false"} and (isinstance(item, bool | Plain)):
        hint = f"""["**"] is every one of them; one that is called so is written '"{text}"'"""
        raise Refused("bad-glob", f"{quoted(text)} is a switch, and names nothing", hint)
    return text


def _placed(refused: Refused, at: tuple[str | int, ...]) -> Refused:
    refused.at = at
    return refused
