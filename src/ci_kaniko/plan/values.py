"""Variables as values: for targets that know them when they are rendered."""

from __future__ import annotations

import re
from types import MappingProxyType

from ci_kaniko.kaniko.systems import request_refs
from ci_kaniko.problems.finding import Finding, Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.conditions import Event
from ci_kaniko.syntax.grammar import check_text, is_host, is_identifier
from ci_kaniko.syntax.references import (
    DOCKER_HUB_LOOKALIKES,
    MAX_TAG,
    fits_image,
    is_run_time_host,
)
from ci_kaniko.syntax.variables import ENV_PREFIX, INPUT_PREFIX, VARIABLES, Ref, names, variable
from ci_kaniko.text.display import listed
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Input
    from ci_kaniko.syntax.references import Reference
    from ci_kaniko.syntax.variables import Parts

_TIME = (
    pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[-+]\d\d:\d\d)"),
    "a time such as 2026-01-02T03:04:05Z",
)
_DIGITS = (pattern(r"[0-9]{14}"), "14 digits such as 20260102030405")
_SHAPES = {
    "commit.sha": (pattern(r"[0-9a-f]{40}|[0-9a-f]{64}"), "40 hexadecimal digits"),
    "commit.timestamp": _TIME,
    "build.timestamp": _TIME,
    "commit.date": _DIGITS,
    "build.date": _DIGITS,
    "pull_request.number": (pattern(r"[0-9]*"), "a number"),
    "repository.url": (pattern(r"https://[^/\s]+/\S+"), "https://HOST/PATH"),
    "repository.path": (pattern(r"[^/\s]+(?:/[^/\s]+)+"), "OWNER/NAME"),
}
_EVENT = ("branch", "tag", "pull_request.number")
_NO_INPUTS: Mapping[str, Input] = MappingProxyType({})


class Source(NamedTuple):
    """One commit of a repository: HOST/PATH.git, a full ref that leads to it, its hash."""

    repository: str
    ref: str
    commit: str


def _is_time(timestamp: str) -> bool:
    """Whether a text that looks like a time is one: no month has 32 days."""
    try:
        return bool(_sortable(timestamp))
    except (ValueError, OverflowError):
        return False


def _sortable(timestamp: str) -> str:
    """An ISO 8601 time as digits, in UTC."""
    from datetime import datetime, timezone

    when = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    return when.astimezone(timezone.utc).strftime("%Y%m%d%H%M%S")


class Missing(LookupError):
    """A value that was not given."""


class Values:
    """Portable variables by name, the derived ones computed as the scripts compute them.

    An input is its default unless it is given.
    """

    def __init__(
        self,
        given: Mapping[str, str],
        default_branch: str | None,
        inputs: Mapping[str, Input] = _NO_INPUTS,
    ) -> None:
        self._tag_prefix = ""
        defaults = {
            INPUT_PREFIX + name: item.default
            for name, item in inputs.items()
            if item.default is not None
        }
        self._given = {**defaults, **given}
        if default_branch is not None:
            self._given["default_branch"] = default_branch
        self.missing: dict[str, None] = {}

    def of(self, build: Build) -> Values:
        """The same as one image reads them; what is missing is noted for all."""
        own = Values.__new__(Values)  # the module copy takes long to import
        vars(own).update(vars(self))
        own._tag_prefix = build.tag_prefix  # noqa: SLF001 - another of the same class
        return own

    @property
    def event(self) -> Event:
        """What the values say about the event; a request and a tag have no branch."""
        request = self._given.get("pull_request.number", "")
        tag = "" if request else self._given.get("tag", "")
        branch = "" if request or tag else self._given.get("branch", "")
        return Event(
            branch, tag, request, self._given.get("default_branch", ""), self._version(tag)
        )

    def _version(self, tag: str) -> str:
        if not tag:
            return ""
        from ci_kaniko.syntax.versions import version_of

        return version_of(tag, self._tag_prefix)

    @property
    def knows_event(self) -> bool:
        """Whether a branch, a tag or a request was named."""
        return any(self._given.get(name) for name in _EVENT)

    def get(self, name: str) -> str:
        """The value of a variable; the name of what is missing is noted."""
        try:
            return self._value(name)
        except Missing as missing:
            self.missing[str(missing)] = None
            return "x"

    def replace(self, ref: Ref, *, is_reference: bool = False) -> str:
        """The text that stands for a variable; an empty one that is needed is missing."""
        if ref.piece:
            return ref.cut(self.replace(ref._replace(piece=""), is_reference=is_reference))
        if ref.default is not None:
            try:
                text = self._cased(ref.name, self._value(ref.name), is_reference=is_reference)
                return self._cut(ref, text) or ref.default
            except Missing:
                return ref.default
        text = self._cased(ref.name, self.get(ref.name), is_reference=is_reference)
        text = self._cut(ref, text)
        if (is_reference or ref.needed) and not text:
            self.missing[ref.name] = None
            return "x"
        return text

    def reference(self, parts: Parts) -> str:
        """A piece of an image reference with the values."""
        return "".join(
            [
                part if isinstance(part, str) else self.replace(part, is_reference=True)
                for part in parts
            ]
        )

    def knows(self, parts: Parts) -> bool:
        """Whether each variable of a piece has a value; the names of others are noted."""
        noted, self.missing = self.missing, {}
        self.reference(parts)
        lacks, self.missing = self.missing, {**noted, **self.missing}
        return not lacks

    def _cut(self, ref: Ref, text: str) -> str:
        """A value cut to what the text beside it leaves of an image tag."""
        if not ref.beside:
            return text
        beside = (one if isinstance(one, str) else self.replace(one) for one in ref.beside)
        return text[: max(0, MAX_TAG - sum(map(len, beside)))]

    def source(self) -> Source:
        """The repository at this commit, for a clone over https."""
        repository = self.get("repository.url").removesuffix(".git").partition("://")[2] + ".git"
        commit = self.get("commit.sha")
        self.get("branch")
        event = self.event
        if event.pull_request:
            refs = request_refs(repository.partition("/")[0])
            return Source(repository, f"{refs}/{event.pull_request}/head", commit)
        ref = f"refs/tags/{event.tag}" if event.tag else f"refs/heads/{event.branch}"
        return Source(repository, ref, commit)

    def _cased(self, name: str, text: str, *, is_reference: bool) -> str:
        lowered = is_reference and name.startswith(("repository.", "registry."))
        return text.lower() if lowered else text

    def _value(self, name: str) -> str:
        if name in _EVENT:
            if not self.knows_event:
                raise Missing("branch")
            event = self.event
            return {"branch": event.branch, "tag": event.tag}.get(name, event.pull_request)
        if name in self._given:
            return self._given[name]
        if name == "commit.short":
            return self._value("commit.sha")[:8]
        if name in {"commit.date", "build.date"}:
            return _sortable(self._value(name.replace("date", "timestamp")))
        if name.startswith("version"):
            if not self.knows_event:
                raise Missing("branch")
            version = self.event.version
            numbers = version.partition("-")[0]
            if name == "version.minor":
                return numbers.rpartition(".")[0]
            return numbers.partition(".")[0] if name == "version.major" else version
        if name == "ref.name":
            if not self.knows_event:
                raise Missing("branch")
            event = self.event
            return f"pr-{event.pull_request}" if event.pull_request else event.tag or event.branch
        if name == "ref.version":
            return self._value("version") or self._value("ref.tag")
        if name == "ref.slug":
            ascii_only = self._value("ref.name").encode("ascii", "replace").decode()
            slug = re.sub("[^a-z0-9]", "-", ascii_only.lower())
            return slug[:63].strip("-")
        if name == "ref.tag":
            return re.sub("[^A-Za-z0-9_.-]", "-", self._value("ref.name")).lstrip(".-")[:128]
        if name == "repository.path" and "repository.url" in self._given:
            return self._given["repository.url"].partition("://")[2].partition("/")[2]
        if name in {"repository.owner", "repository.name"}:
            owner, _, last = self._value("repository.path").rpartition("/")
            return owner if name == "repository.owner" else last
        raise Missing(name)


def check_values(
    values: Mapping[str, str], inputs: Mapping[str, Input] = _NO_INPUTS
) -> Iterator[Finding]:
    """What is wrong with given values: unknown names, texts that cannot be what they name."""
    for name, text in values.items():
        item = (
            inputs.get(name.removeprefix(INPUT_PREFIX)) if name.startswith(INPUT_PREFIX) else None
        )
        known = name in VARIABLES or (
            name.startswith(ENV_PREFIX) and is_identifier(name.removeprefix(ENV_PREFIX))
        )
        if not known and item is None:
            yield _unknown(name, inputs)
            continue
        try:
            check_text(text)
        except Refused as refused:
            yield Finding(refused.rule, (), f"{name}: {refused.message}", refused.hint)
            continue
        if item is not None:
            yield from _bad_input(name, text, item)
        shape, expected = _SHAPES.get(name, (None, ""))
        is_shaped = shape is None or shape.fullmatch(text)
        if not is_shaped or (name.endswith(".timestamp") and not _is_time(text)):
            yield _bad_value(name, text, expected)


def _unknown(name: str, inputs: Mapping[str, Input]) -> Finding:
    from ci_kaniko.problems.problem import meant, suggest

    if name.startswith(INPUT_PREFIX):
        close = suggest(name.removeprefix(INPUT_PREFIX), inputs)
        declared = [INPUT_PREFIX + close] if close else []
        hint = meant(name, declared, "inputs: at the top of the spec declares them")
    else:
        from ci_kaniko.text.site import page

        hint = meant(name, VARIABLES, f"the names: {page('spec/#variables')}")
    return Finding("unknown-value", (), f"there is no variable {quoted(name)}", hint)


def _bad_input(name: str, text: str, item: Input) -> Iterator[Finding]:
    from ci_kaniko.spec.rules.texts import INPUT_HINTS, INPUT_TEXTS

    if not INPUT_TEXTS[item.type].fullmatch(text):
        yield _bad_value(name, text, f"a {item.type}: {INPUT_HINTS[item.type]}")
    elif item.options and text not in item.options:
        yield _bad_value(name, text, f"one of: {', '.join(item.options)}")


def _bad_value(name: str, text: str, expected: str) -> Finding:
    return Finding("bad-value", (), f"{name} cannot be {quoted(text)}", f"expected {expected}")


def check_in_reference(ref: Ref, text: str, *, in_tag: bool) -> bool:
    """Whether a value can stand in that part of a reference, as the scripts test it."""
    allowed = "A-Za-z0-9_.-" if in_tag else "a-z0-9._/-"
    known = variable(ref.name)
    return bool(known) and not re.search(rf"^[.-]|[^{allowed}]", text)


def unfit_hosts(registry: Parts, known: Values) -> Iterator[tuple[str, str]]:
    """The variables that make a registry for which no login is found, and what they make.

    One that nobody knows is no fault here.
    """
    if is_run_time_host(registry) and known.knows(registry):
        text = known.reference(registry)
        if not is_host(text) or text in DOCKER_HUB_LOOKALIKES:
            yield listed(dict.fromkeys(names(registry))), text


def unfit_values(reference: Reference, known: Values) -> Iterator[tuple[str, str]]:
    """Variables of a reference whose value cannot stand there, with the value."""
    pieces = (reference.repository, False), (reference.tag, True)
    for part, in_tag in ((part, in_tag) for parts, in_tag in pieces for part in parts):
        if isinstance(part, Ref) and (
            part.name == "tag" or part.name.startswith((ENV_PREFIX, INPUT_PREFIX))
        ):
            text = known.replace(part, is_reference=True)
            if not known.knows((part,)):
                continue
            if part.piece:
                whole = known.replace(part._replace(piece=""), is_reference=True)
                if not fits_image(whole, may_hold_tag=reference.may_hold_tag):
                    yield part.name, whole
            elif not check_in_reference(part, text, in_tag=in_tag):
                yield part.name, text
