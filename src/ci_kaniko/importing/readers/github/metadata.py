"""docker/metadata-action: the tags and labels that it makes up, as far as a spec can say them.

What each kind of tag means, which of them counts most and when ``latest`` is added is as the
action's own README says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.calls import (
    Text,
    Var,
    filled_in,
    join,
    literal,
    printed_time,
    spell,
    split_text,
)
from ci_kaniko.importing.readers.github.expressions import stripped_text
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.parsing import csv_fields
from ci_kaniko.importing.shell.values import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.shell.conditions import Conditions

_BRANCH, _TAG, _REQUEST, _DEFAULT = (
    (Var(name, portable=True),)
    for name in ("branch", "tag", "pull_request.number", "default_branch")
)
_REF_TAG = (Var("ref.tag", portable=True),)
_REF_VERSION = (Var("ref.version", portable=True),)
_RELEASE = (Var("release@", portable=True),)
_PARTS = {
    "version": (Var("version@", portable=True),),
    "major}}.{{minor": (Var("version.minor@", portable=True),),
    "major": (Var("version.major@", portable=True),),
}
_SEMVER = re.compile(
    r"v?(?P<version>(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)(?P<pre>-[\w.-]+)?)(?:\+.*)?"
)
_MADE = re.compile(r"[A-Za-z0-9_.-]*")
_PRIORITIES = {
    "schedule": 1000,
    "semver": 900,
    "pep440": 900,
    "match": 800,
    "edge": 700,
    "ref": 600,
    "raw": 200,
    "sha": 100,
}
_MOST_TAGS = 100
_DEFAULTS = ("type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr")
_HANDLEBARS = re.compile(r"\{\{\s*((?:[^\s{}]+(?:\s+[^\s{}]+)*)?)\s*\}\}")
LABELS: tuple[tuple[str, Text], ...] = (
    ("created", (Var("build.timestamp", portable=True),)),
    ("revision", (Var("commit.sha", portable=True),)),
    ("source", (Var("repository.url", portable=True),)),
    ("title", (Var("repository.name", portable=True),)),
    ("url", (Var("repository.url", portable=True),)),
)
_UNKNOWN_LABELS = ("description", "licenses", "version")


class Entry(NamedTuple):
    """One tag that may be made."""

    kind: str
    guard: int
    text: Text
    line: int
    latest: int


_Made = tuple[int, Text, int]
"""Where a tag is made, the tag, and where ``latest`` follows it of itself."""


class Metadata:
    """The tags and labels of one step."""

    def __init__(
        self, conditions: Conditions, within: Callable[[int], int], tell: Callable[..., None]
    ) -> None:
        self.conditions = conditions
        self.guards = conditions.guards
        self.within = within
        self.tell = tell
        self.prefix: Text = ()
        self.suffix: Text = ()
        self.latest = "auto"
        self._entries_by_weight: list[Entry] = []
        self.around_latest: dict[str, Text] = {"prefix": (), "suffix": ()}

    # -- tags ---------------------------------------------------------------------------------

    def tags(
        self, images: list[Item], tags: list[Item], flavor: list[Item], line: int
    ) -> list[Item]:
        """The images with their tags, each where it is made."""
        self._flavor(flavor)
        rows = tags or [Item(YES, (default,), line=line) for default in _DEFAULTS]
        entries = [entry for row in rows for entry in self._entries(row)]
        entries.sort(key=lambda entry: -_PRIORITIES[entry.kind])
        self._entries_by_weight = entries
        named = [(entry.guard, entry.text, entry.line) for entry in entries]
        named.append((*self._latest(entries), line))
        bases = [row for row in images if literal(_fields(row.text).get("enable", ())) != "false"]
        found: dict[Text, Item] = {}
        if (count := len(bases) * len(named)) > _MOST_TAGS:
            self.tell("metadata-action/too-many", line, count)
            return []
        for base in bases:
            for guard, text, at in named:
                whole = join((*_name(base.text), ":", *text))
                here = self.within(self.guards.both(base.guard, guard))
                if text and _name(base.text) and here != NO:
                    before = found.setdefault(whole, Item(NO, whole, line=at))
                    both = self.within(self.guards.either(before.guard, here))
                    found[whole] = before._replace(guard=both)
        return list(found.values())

    def version(self, step: str) -> list[tuple[int, Text]]:
        """The tag that counts most."""
        if self._is_ref_version:
            return [(self.within(YES), _REF_VERSION)]
        unknown: Text = (Var(f"steps.{step}.outputs.version"),)
        found: list[tuple[int, Text]] = []
        rest = YES
        for entry in self._entries_by_weight:
            found.append((self.guards.both(rest, entry.guard), entry.text or unknown))
            rest = self.guards.minus(rest, entry.guard)
        return [(self.within(guard), text) for guard, text in [*found, (rest, unknown)]]

    @property
    def _is_ref_version(self) -> bool:
        """Whether the first tag is the version, and else what the ref is called."""
        entries = self._entries_by_weight
        refs = {entry.text for entry in entries if entry.kind == "ref"}
        return (
            entries[:1] != []
            and (entries[0].kind, entries[0].text) == ("semver", _PARTS["version"])
            and {entry.kind for entry in entries} <= {"semver", "ref", "raw", "sha"}
            and _REF_TAG in refs
            and refs <= {_REF_TAG, ("pr-", *_REQUEST)}
        )

    def _latest(self, entries: list[Entry]) -> tuple[int, Text]:
        """``latest``, which the tag that counts most decides."""
        found = NO
        rest = YES
        for entry in entries:
            found = self.guards.either(found, self.guards.both(rest, entry.latest))
            rest = self.guards.minus(rest, entry.guard)
        prefix, suffix = self.around_latest.values()
        return found, join((*prefix, "latest", *suffix))

    def _flavor(self, rows: list[Item]) -> None:
        for row in rows:
            fields = _fields(row.text)
            for name in ("prefix", "suffix"):
                if name in fields:
                    setattr(self, name, fields[name])
                    also = literal(fields.get("onlatest", ())) == "true"
                    self.around_latest[name] = fields[name] if also else ()
            if "latest" in fields:
                self.latest = literal(fields["latest"]) or self.latest
                if row.guard != YES or literal(fields["latest"]) is None:
                    self.latest = "false"
                    self.tell("metadata-action/latest", row.line, spell(fields["latest"]))

    def _entries(self, row: Item) -> Iterable[Entry]:
        fields = _fields(row.text)
        kind = literal(fields.get("type", ())) or "raw"
        if kind not in _PRIORITIES:
            self._lost(row, "no-type")
            return
        guard = self._enabled(fields, row)
        if guard == NO:
            return
        default = "sha-" if kind == "sha" else "pr-" * (literal(fields.get("event", ())) == "pr")
        prefix = fields.get("prefix", (default,) if default else self.prefix)
        suffix = fields.get("suffix", self.suffix)
        before, after = (self._pattern(text, row) for text in (prefix, suffix))
        if before is None or after is None:
            return
        said = " ".join(map(spell, (row.text, prefix, suffix)))
        for name, ref in (("branch", _BRANCH), ("tag", _TAG)):
            if name in _HANDLEBARS.findall(said):
                # It is empty elsewhere, and what is left begins with a dash or is of any run.
                guard = self.guards.both(guard, self.conditions.filled(ref, row.line))
        for way, made, auto in self._made(kind, fields, row):
            where = self.guards.both(way, guard)
            text = join((*before, *made, *after)) if made else ()
            known = {"true": where, "false": NO}
            latest = known.get(self.latest, self.guards.both(auto, guard))
            yield Entry(kind, where, text, row.line, latest)

    def _made(self, kind: str, fields: dict[str, Text], row: Item) -> Iterable[_Made]:
        """What a line makes, without the affixes."""
        if kind == "semver":
            return self._semver(fields, row)
        makers = {
            "schedule": self._schedule,
            "edge": self._edge,
            "ref": self._ref,
            "raw": self._raw,
            "sha": self._sha,
        }
        made = makers.get(kind, self._version)(fields, row)
        return [made] if made else []

    def _enabled(self, fields: dict[str, Text], row: Item) -> int:
        given = fields.get("enable", ("true",))
        said = literal(given)
        if said in {"true", ""}:
            return row.guard
        if said == "false":
            return NO
        named = _HANDLEBARS.fullmatch(said or "")
        is_default = self.conditions.equal(_BRANCH, _DEFAULT, row.line)
        if named and named[1] == "is_default_branch":
            return self.guards.both(row.guard, is_default)
        if named and named[1] == "is_not_default_branch":
            return self.guards.both(row.guard, self.guards.negate(is_default))
        unknown = self.conditions.unknown(f"enable={spell(given)}", row.line)
        return self.guards.both(row.guard, unknown)

    def _lost(self, row: Item, word: str, *values: str) -> None:
        self.tell(f"metadata-action/{word}", row.line, spell(row.text), *values)

    def _schedule(self, fields: dict[str, Text], row: Item) -> _Made | None:
        # A schedule runs on the default branch, so it is never a run of a tag.
        where = self.guards.both(
            self.conditions.equal((Var("github.event_name"),), ("schedule",), row.line),
            self.conditions.filled(_BRANCH, row.line),
        )
        text = self._pattern(fields.get("pattern", ("nightly",)), row)
        return None if text is None else (where, text, NO)

    def _ref(self, fields: dict[str, Text], row: Item) -> _Made | None:
        event = literal(fields.get("event", ()))
        names = {"branch": _BRANCH, "tag": _TAG, "pr": _REQUEST}
        if event not in names:
            self._lost(row, "no-event")
            return None
        where = self.conditions.filled(names[event], row.line)
        return where, _REQUEST if event == "pr" else _REF_TAG, where if event == "tag" else NO

    def _edge(self, fields: dict[str, Text], row: Item) -> _Made:
        branch = fields.get("branch") or _DEFAULT
        return self.conditions.equal(_BRANCH, branch, row.line), ("edge",), NO

    def _raw(self, fields: dict[str, Text], row: Item) -> _Made | None:
        text = self._pattern(fields.get("value", row.text if "type" not in fields else ()), row)
        return None if text is None else (YES, text, NO)

    def _sha(self, fields: dict[str, Text], row: Item) -> _Made:
        whole = literal(fields.get("format", ())) == "long"
        return YES, (Var("github.sha", changes=() if whole else ("first:7",)),), NO

    def _semver(self, fields: dict[str, Text], row: Item) -> Iterable[_Made]:
        """The version of a release, or a part of it; a pre-release is named by its version."""
        text = self._of_version(literal(fields.get("pattern", ())) or "")
        version, release = (
            self.conditions.filled(known, row.line) for known in (_PARTS["version"], _RELEASE)
        )
        own = fields.get("value", _TAG)
        if made := self._of_text(literal(own) or "", literal(fields.get("pattern", ())) or ""):
            return [made]
        if text is None or "match" in fields or own not in (_TAG, _REF_TAG):
            return [self._version(fields, row)]
        if text in (_REF_TAG, _PARTS["version"]):
            return [(version, text, release)]
        # Whatever else is in the pattern, a pre-release is its version alone.
        return [
            (release, text, release),
            (self.guards.minus(version, release), _PARTS["version"], NO),
        ]

    def _of_text(self, version: str, pattern: str) -> _Made | None:
        """What a version that the line has itself makes in any run."""
        found = _SEMVER.fullmatch(version)
        if found and found["pre"] and _HANDLEBARS.sub(r"\1", pattern) != "raw":
            pattern = "{{version}}"
        words = {**found.groupdict(), "raw": version} if found else {}
        made = _HANDLEBARS.sub(lambda word: words.get(word[1]) or word[0], pattern)
        return (YES, (made,), NO if words["pre"] else YES) if words and "{" not in made else None

    def _of_version(self, pattern: str) -> Text | None:
        """A pattern of a version; None for one that a spec has no word for."""
        if _HANDLEBARS.fullmatch(pattern) and _HANDLEBARS.sub(r"\1", pattern) == "raw":
            return _REF_TAG
        tight = _HANDLEBARS.sub(r"{{\1}}", pattern)
        # A pre-release is its version alone in any case.
        tight = tight.replace("{{major}}.{{minor}}.{{patch}}", "{{version}}")
        for name, part in _PARTS.items():
            before, found, after = tight.partition(f"{{{{{name}}}}}")
            if found and _MADE.fullmatch(before) and _MADE.fullmatch(after):
                return join((before, *part, after))
        return None

    def _version(self, _: dict[str, Text], row: Item) -> _Made:
        where = self.conditions.filled(_TAG, row.line)
        self._lost(row, "version-latest" if self.latest == "auto" else "version")
        # It counts most, so whether there is a latest depends on it.
        return where, (), NO

    def _pattern(self, text: Text, row: Item) -> Text | None:
        """A text with ``{{name}}`` replaced; None where a spec has no word for it."""
        words = (
            match for part in text if isinstance(part, str) for match in _HANDLEBARS.finditer(part)
        )
        for match in words:
            if _global(match[1]) is None:
                self._lost(row, "word", match.group())
                return None
        filled = (
            filled_in(_HANDLEBARS, part, lambda found: _global(found[1]) or ())
            if isinstance(part, str)
            else (part,)
            for part in text
        )
        return join(part for parts in filled for part in parts)

    # -- labels -------------------------------------------------------------------------------

    def labels(self, rows: list[Item], line: int) -> list[Item]:
        """The labels: those of every run, and those that the step adds."""
        named = {literal(split_text(row.text, "=", 1)[0]) for row in rows}
        base = "org.opencontainers.image."
        found = [
            Item(YES, join((f"{base}{name}=", *text)), line=line)
            for name, text in (*LABELS, ("version", _REF_VERSION))
            if base + name not in named and (name != "version" or self._is_ref_version)
        ]
        lost = [
            f"{base}{name}"
            for name in _UNKNOWN_LABELS
            if base + name not in named and (name != "version" or not self._is_ref_version)
        ]
        if lost:
            self.tell("metadata-action/unknown-labels", line, ", ".join(lost))
        for row in rows:
            text = self._pattern(row.text, row)
            if text:
                found.append(row._replace(text=text))
        return found


_GLOBALS: dict[str, Text] = {
    "branch": _REF_TAG,
    "tag": _REF_TAG,
    "sha": (Var("github.sha", changes=("first:7",)),),
}


def _global(word: str) -> Text | None:
    if time := re.fullmatch(r"date '([^']*)'(?: tz='[^']*')?", word):
        return (printed_time(time[1]),)
    return _GLOBALS.get(word)


def _fields(text: Text) -> dict[str, Text]:
    return {
        name.strip().lower(): stripped_text(value)
        for name, value in csv_fields(text)
        if value is not None
    }


def _name(text: Text) -> Text:
    """The image of a line of ``images:``, which may be ``name=IMAGE,enable=true``."""
    return stripped_text(_fields(text).get("name", text if "=" not in spell(text) else ()))
