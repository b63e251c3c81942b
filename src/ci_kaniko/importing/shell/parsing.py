"""Shell text -> syntax tree, by shfmt (the parser mvdan/sh), with known faults mended before."""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Text, Var, filled_in, spell
from ci_kaniko.importing.sentences import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Tree = dict[str, Any]

MAX_BYTES = 256 * 1024
_TIMEOUT = 20
_GO = {"GOMAXPROCS": "1", "GOGC": "off", "GOMEMLIMIT": "96MiB"}
"""What lets a program written in Go live for a moment without looking for garbage."""

_NO_SHELL = re.compile(
    r"github\.(?:sha|(?:run|actor|repository|repository_owner)_id|run_(?:number|attempt)|ref_type"
    r"|event_name|workflow_sha|repository(?:_owner|Url)?|(?:server|api)_url)|runner\.(?:os|arch)"
    r"|job\.status|strategy\.job-(?:index|total)|-?\d+|true|false|null|hashFiles\(.*\)"
)
"""Expressions whose texts hold no sign that means something to a shell."""
_EXPRESSION = re.compile(
    r"\$\{\{(?P<github>(?:(?!\$\{\{).)*?)\}\}"
    r"|\$\[\[(?P<gitlab>[^][]*)\]\]"
    r"|\{\{\s*(?P<matrix>matrix(?:\.[\w-]+)?)\s*\}\}",
    re.DOTALL,
)
_FIRST, _LAST = 0xE000, 0xF8FF
_SLOT = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_DOUBLED = re.compile(r"\$\{\$\{?(\w+)\}?\}|\$\{\s+(\w+)\s*\}|\$\{(\w+)\s+\}")
_INNER_HASHES = re.compile(r"(\$\w+|[}\"'])#"), re.compile(r"(\$\([^()]*\))#")
_MESSAGE = re.compile(r"(?:<standard input>:)?(?<!\d)(\d+):\d+: (.*)", re.DOTALL)


class ShellError(Exception):
    """A script that cannot be read, and where."""

    def __init__(self, message: str, line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class NoProgramError(Exception):
    """The program that reads scripts is not there; its text says how it is installed."""


class Parsed(NamedTuple):
    """A tree and its text, the holes whose places these keep, and the faults mended before."""

    tree: Tree
    text: str
    holes: tuple[Text, ...]
    notes: tuple[Note, ...]


def stops(text: str) -> bool:
    """Whether the first line of a script asks a shell that stops at an error."""
    return re.match(r"#!.*sh -[a-z]*e", text) is not None


@functools.lru_cache(maxsize=256)
def parse(text: str, first_line: int = 1) -> Parsed:
    """The syntax tree of a script. Raises ShellError."""
    if len(text) > MAX_BYTES:
        raise ShellError(
            f"the script is longer than {MAX_BYTES // 1024} KiB", first_line, "import its parts"
        )
    if "\0" in text or _SLOT.search(text):
        raise ShellError("the script holds characters that no shell reads", first_line)
    notes: list[Note] = []
    holes: list[Text] = []
    text = _without_expressions(text.replace("\r\n", "\n"), first_line, holes, notes)
    text = without_hashes(text, holes)
    tree, text = _tolerant(text, first_line, notes)
    return Parsed(tree, text, tuple(holes), tuple(notes))


def parse_inner(text: str, first_line: int) -> Parsed:
    """The syntax tree of a script inside of another, in which slots stand for holes."""
    notes: list[Note] = []
    tree, text = _tolerant(text, first_line, notes)
    return Parsed(tree, text, (), tuple(notes))


def _tolerant(text: str, first_line: int, notes: list[Note]) -> tuple[Tree, str]:
    try:
        return _tree(text, first_line), text
    except ShellError:
        mended = _mended(text, first_line, notes)
        if mended == text:
            raise
        return _tree(mended, first_line), mended


def slotted(text: Text, holes: list[Text]) -> str:
    """A text as a string in which slots stand for its holes, which are added to the list.

    Raises ShellError when there are more holes than slots.
    """
    out = ""
    for part in text:
        if isinstance(part, str):
            out += part
            continue
        if len(holes) > _LAST - _FIRST:
            raise ShellError("the script holds too many expressions")
        out += chr(_FIRST + len(holes))
        holes.append((part,))
    return out


def fill(text: str, holes: Sequence[Text]) -> Text:
    """A string with slots as a text with holes."""
    if not holes or not _SLOT.search(text):
        return (text,) if text else ()
    return filled_in(_SLOT, text, lambda match: holes[ord(match.group()) - _FIRST])


def csv_fields(text: Text) -> Iterator[tuple[str, Text | None]]:
    """The fields of a line of CSV, in which holes are text: a name, and what ``=`` gives it."""
    holes: list[Text] = []
    for field in next(csv.reader([slotted(text, holes).replace("\n", " ")]), []):
        name, equals, value = field.partition("=")
        yield spell(fill(name, holes)), fill(value, holes) if equals else None


def _without_expressions(text: str, first_line: int, holes: list[Text], notes: list[Note]) -> str:
    """The CI replaces its expressions before any shell sees the text, whatever the quotes."""

    def slot(found: re.Match[str]) -> str:
        body = (found["github"] or found["gitlab"] or found["matrix"] or "").strip()
        line = first_line + text.count("\n", 0, found.start())
        if found["github"] is not None:
            secret = re.match(r"secrets\b", body)
            name = "secret-in-script" if secret else "expression-in-script"
            if not _NO_SHELL.fullmatch(body):
                notes.append(Note(name, (body,), line))
        return slotted((Var(body),), holes) + "\n" * found.group().count("\n")

    return _EXPRESSION.sub(slot, text)


def without_hashes(text: str, holes: list[Text]) -> str:
    """A slot for each ``#`` within a word: in ``(a $B#c)`` the parser takes it for a comment."""
    hole = chr(_FIRST + len(holes))
    found = text
    for form in _INNER_HASHES if hole <= chr(_LAST) else ():
        found = form.sub(lambda match: match[1] + hole, found)
    if found != text:
        holes.append(("#",))
    return found


def _mended(text: str, first_line: int, notes: list[Note]) -> str:
    """Faults that no shell would read, as they were meant."""

    def plain(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[3]
        line = first_line + text.count("\n", 0, found.start())
        notes.append(Note("bad-substitution", (found.group(), name), line))
        return f"${{{name}}}"

    return _DOUBLED.sub(plain, text)


def _tree(text: str, first_line: int) -> Tree:
    try:
        done = _answer(text.encode("utf-8", "surrogatepass"))
    except (subprocess.TimeoutExpired, OSError) as error:
        raise ShellError(f"shfmt does not run: {error}", first_line) from None
    if done.returncode:
        raise _syntax_error(done.stderr.decode("utf-8", "replace"), first_line)
    try:
        tree: Tree = json.loads(done.stdout)
    except RecursionError:
        raise ShellError("the script is nested too deeply", first_line) from None
    return tree


def _answer(text: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603
        [_program(), "--to-json", "--language-dialect", "bash"],
        input=text,
        env={**os.environ, **_GO},
        capture_output=True,
        check=False,
        timeout=_TIMEOUT,
    )


def _syntax_error(answer: str, first_line: int) -> ShellError:
    line, message = next(iter(_MESSAGE.findall(answer)), (1, answer))
    message = _SLOT.sub("…", message.partition("\n")[0])
    return ShellError(f"this is no shell: {message}", first_line + int(line) - 1)


@functools.cache
def _program() -> str:
    """Where shfmt is: beside the interpreter, or on PATH."""
    name = "shfmt.exe" if os.name == "nt" else "shfmt"
    beside = os.path.join(os.path.dirname(sys.executable), name)
    found = beside if os.access(beside, os.X_OK) else shutil.which("shfmt")
    if found is None:
        from ci_kaniko.repository.installation import install

        raise NoProgramError(install("ci-kaniko[import]"))
    return found
