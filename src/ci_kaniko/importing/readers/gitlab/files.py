"""The files of a GitLab pipeline as one mapping: includes, ``extends`` and references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.inputs import unsaid
from ci_kaniko.importing.report import FILE_LINES, Voice
from ci_kaniko.importing.ticked import (
    List,
    Map,
    Str,
    Tagged,
    leftover,
    line_of,
    mapping,
    native,
    peek,
    read_yaml,
    replaced,
    sequence,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.originals import Original

_MAX_DEPTH = 12
_MOST_FILES = 150
"""So many included files GitLab takes."""
_MOST_AGAIN = 300_000
"""So many characters of files are read that have been read before."""
_MOST_LISTS = 2_000
"""So many lists in a list are followed."""
_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*(?:\|\s*expand_vars\s*)?\]\]")


class Files:
    """``root`` is what the file and those that it includes say; ``paths`` are the included ones.

    ``voice`` tells of a line of any of them.
    The lines of an included file begin at its number times ``FILE_LINES``.
    """

    def __init__(self, original: Original) -> None:
        self.original = original
        self.report = original.report
        self.voice = Voice(original.path, 0, original.report)
        self.paths = self.voice.files
        self.root = Map(1)
        self.again = 0
        self._bases: dict[str, Map] = {}
        self.referenced: set[str] = set()
        self.included: dict[int, list[Map]] = {}
        """The entries of ``include:`` that bring a file, by its number: the outermost first."""
        roots = [*original.mappings]
        self.header = roots[0] if len(roots) > 1 and "spec" in roots[0] else Map(0)
        self.inputs = self.header.mapping("spec").mapping("inputs")
        worth: dict[str, Any] = {**unsaid(self.inputs)}
        for name, text in worth.items():
            self.voice.tell("input", self.inputs.line_of(name), name, " ".join(text.split()))
            native(self.inputs[name])
        lists = _lists_in(self.inputs)
        for name in lists:
            mapping(self.inputs[name]).ignore("type", "description")
            self.voice.tell("input", self.inputs.line_of(name), name, "a list")
        worth |= lists
        self.inputs = self.inputs.kept(lambda name: name not in worth)
        for root in roots:
            if root is not self.header:
                self._merge(_filled_in(root, worth) if worth else root, original.path, 0)

    def _merge(self, root: Map, path: str, depth: int) -> None:
        for item in root.sequence("include"):
            self._include(item, path, root.line_of("include"), depth)
        self.root = merged(self.root, root)

    def _include(self, item: Any, path: str, line: int, depth: int) -> None:
        local = string(item) if isinstance(item, Str) else mapping(item).string("local")
        at = line_of(item, line) % FILE_LINES
        own = bool(local) and "://" not in local and depth <= _MAX_DEPTH
        for name, shown in [(local, local)] if own else _named(native(item)):
            found = self.original.find(name, beside=own) if depth <= _MAX_DEPTH else None
            if found is None and not own:
                self.report.tell("include", path, at, shown)
                continue
            number = len(self.paths) + 1
            if found is not None and found.path in self.paths.values():
                self.again += len(found.text)
            if number > _MOST_FILES or self.again > _MOST_AGAIN:
                self.report.tell("include/not-followed", path, at, name)
                continue
            given = mapping(item).mapping("inputs")
            roots = [] if found is None else _documents(found, number, given)
            lists = [name for name, one in given.items() if isinstance(one, List)]
            later = ("rules", *(f"inputs.{name}" for name in lists))
            later += ("inputs",) * (len(lists) == len(given))
            for left in leftover(item) if isinstance(item, Map) else ():
                if found is None or not left.path.startswith(later):
                    self.report.tell("include/only", path, left.line % FILE_LINES, left.path, name)
            if found is None:
                self.report.tell("include/not-found", path, at, name)
                continue
            self.paths[number] = found.path
            self.included[number] = [*self.included.get(line // FILE_LINES, []), mapping(item)]
            for root in roots:
                self._merge(root, found.path, depth + 1)

    def extended(self, job: Map, depth: int = 0) -> Map:
        """A job with what it extends."""
        if depth > _MAX_DEPTH:
            return job
        found = Map(job.line)
        for base in job.sequence("extends"):
            name = string(base)
            parent = self.root.get(name)
            if isinstance(parent, Map):
                if name not in self._bases:
                    self._bases[name] = self.extended(parent, depth + 1)
                found = merged(found, self._bases[name])
            else:
                self.voice.tell("extends", line_of(base), name)
        found = merged(found, job)
        found.line = job.line
        return found

    def missing(self, job: Map, depth: int = 0) -> str:
        """What a job extends, also by others, and no file here has; empty for nothing."""
        for name in map(peek, job.sequence("extends") if depth <= _MAX_DEPTH else ()):
            parent = self.root.get(name)
            found = self.missing(parent, depth + 1) if isinstance(parent, Map) else name
            if found:
                return found
        return ""

    def value(self, value: Any) -> Any:
        """A value, or what a reference names."""
        if not isinstance(value, Tagged):
            return value
        if value.tag != "!reference":
            return value.value
        found: Any = self.root
        self.referenced |= {peek(step) for step in sequence(value.value)}
        for step in sequence(value.value):
            found = mapping(found).get(string(step))
            if isinstance(found, Map) and found is not self.root:
                found = self.extended(found)
        if found is None:
            shown = ", ".join(string(step) for step in sequence(value.value))
            self.voice.tell("reference", value.line, shown)
        return found

    def flat(self, value: Any) -> Iterator[Any]:
        """The items of a list, of references and of lists in it."""
        left = _MOST_LISTS
        waiting = [iter(sequence(self.value(value)))]
        while waiting:
            item = next(waiting[-1], waiting)
            if item is waiting:
                waiting.pop()
            elif not isinstance(item, Tagged | List):
                yield item
            elif left and len(waiting) <= _MAX_DEPTH:
                left -= 1
                waiting.append(iter(sequence(self.value(item))))
            else:
                self.voice.tell("reference/too-many", line_of(item))


def _documents(included: Original, number: int, given: Map) -> list[Map]:
    """The mappings of an included file, with what is given for its inputs."""
    read = read_yaml(included.text, included.path, number * FILE_LINES)
    roots = [root for root in read.roots if isinstance(root, Map)]
    if len(roots) < 2 or "spec" not in roots[0]:
        return roots
    declared = roots.pop(0).mapping("spec").mapping("inputs")
    worth = {name: mapping(one).string("default") for name, one in declared.items()}
    worth |= _lists_in(declared)
    for name in (each for each in declared if each in given):
        worth[name] = given[name] if isinstance(given[name], List) else given.string(name)
    return [_filled_in(root, worth) for root in roots]


def _lists_in(inputs: Map) -> dict[str, Any]:
    """The inputs that are lists by default."""
    found = {name: mapping(one).get("default") for name, one in inputs.items()}
    return {name: one for name, one in found.items() if isinstance(one, List)}


def _filled_in(root: Map, given: dict[str, Any]) -> Map:
    """A file with its inputs put into texts and names of jobs; what is no text stays a hole."""

    def change(text: str) -> str:
        return _INPUT.sub(lambda match: _text(given.get(match[1])) or match.group(), text)

    def whole(text: str) -> Any:
        alone = _INPUT.fullmatch(text)
        listed = given.get(alone[1]) if alone else None
        return listed if isinstance(listed, List) else change(text)

    values = replaced(root, whole)
    found = Map(root.line, {change(key): value for key, value in values.items()})
    found.lines = {change(key): line for key, line in root.lines.items()}
    return found


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _named(item: Any) -> Iterator[tuple[str, str]]:
    """What an entry of ``include:`` brings from elsewhere, each file by itself, and all it says."""
    given = item if isinstance(item, dict) else {"": str(item)}
    files = given.get("file")
    for file in files if isinstance(files, list) else [files]:
        entry = {**given, "file": file} if file else given
        said = (f"{key} {value}" if isinstance(value, str) else key for key, value in entry.items())
        name = next((entry[key] for key in ("file", "remote", "template", "") if key in entry), "")
        yield str(name), ", ".join(said).strip()


def merged(old: Map, new: Map) -> Map:
    """Two mappings as one: mappings inside are merged, everything else replaced."""
    found = Map(new.line)
    for source in (old, new):
        for key, value in source.items():
            have = found.get(key)
            if isinstance(have, Map) and isinstance(value, Map):
                found[key] = merged(have, value)
            else:
                found[key] = value
            found.lines[key] = source.line_of(key)
    return found
