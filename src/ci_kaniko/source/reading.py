"""The text of a spec as a small tree of nodes that know where they were written."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING, NoReturn
from ci_kaniko.source.nodes import Node, Place
from ci_kaniko.source.source import BOM, Source, is_yaml, lines_of, place_after
from ci_kaniko.source.tree import Builder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1024 * 1024
_MAX_TAG_DIRECTIVES = 100

_NO_SPEC = "the path starts at the current folder; ci-kaniko init writes a first spec"
_NAME_IT = "name the file with `path`"
_BINARY = bytes(sorted(set(range(32)) - set(b"\t\n\r")))


class Unreadable(Exception):
    """A file that cannot be read; ``rule`` is that of the problem, the message says why."""

    def __init__(self, rule: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.hint = hint


def read(path: str | os.PathLike[str]) -> str:
    """The text of a spec file; never blocks, and stops at what a spec may hold.

    Raises SpecError, as Unreadable.
    """
    from ci_kaniko.repository.discovery import FILE_NAMES

    path = os.fspath(path)
    try:
        with _reasons():
            if os.path.isdir(path):
                message = f"this is a directory, and there is no {FILE_NAMES[0]} in it"
                raise Unreadable("not-a-file", message, _NAME_IT)  # noqa: TRY301
            _check_kind(path)
            if os.path.realpath(path) != os.path.abspath(path) and _leads_out(path):
                message = "this is a link that leads out of the repository"
                hint = "name the file itself with `path`"
                raise Unreadable("not-a-file", message, hint)  # noqa: TRY301
            data = _first_bytes(path)
    except Unreadable as error:
        _refuse(path, error.rule, error.message, error.hint)
    return decode(data, path)


def read_data(path: str) -> bytes:
    """The first bytes of a file, one more than a spec may hold. Raises Unreadable."""
    with _reasons():
        _check_kind(path)
        return _first_bytes(path)


@contextmanager
def _reasons() -> Iterator[None]:
    """Raises Unreadable for what goes wrong with a file."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise Unreadable("no-spec", "there is no such file", _NO_SPEC) from None
    except PermissionError:
        hint = "make the file readable for the user who runs ci-kaniko"
        raise Unreadable("unreadable", "no permission to read this file", hint) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unreadable("unreadable", f"cannot read this file: {reason.lower()}") from None


def _check_kind(path: str) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        kind = "a directory" if os.path.isdir(path) else "a pipe or a device"
        raise Unreadable("not-a-file", f"this is {kind}, not a file", _NAME_IT)


def decode(data: bytes, path: str) -> str:
    """The text of a spec that was read as bytes."""
    if len(data) > MAX_BYTES:
        _refuse_size(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "the file is in UTF-16, a Windows default: save it as UTF-8"
        _refuse_byte(data, 0, path, "not-utf8", "the text is not in UTF-8", hint)
    data = data.removeprefix(BOM.encode())
    if b"\0" in data:
        _refuse_binary(data, data.index(b"\0"), path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if any(byte in data for byte in _BINARY):
            _refuse_binary(data, error.start, path)
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        _refuse_byte(data, error.start, path, "not-utf8", message, "save the file as UTF-8")


def parse(text: str, path: str) -> Source:
    """The tree of a spec's text.

    Raises SpecError with everything that is wrong, up to where reading could not go on.
    """
    source = survey(text, path)
    if source.problems:
        raise SpecError(source.problems)
    return source


def survey(text: str, path: str) -> Source:
    """The tree of a spec's text, of a doubled key the last; ``problems`` says which are doubled.

    Raises SpecError as ``parse`` does for everything else.
    """
    if len(text) > MAX_BYTES:
        _refuse_size(path)
    source = Source(path, text.lstrip(BOM))
    _check_characters(source)
    _check_directives(source)
    source.root = Builder(source).build()
    return source


def _leads_out(path: str) -> bool:
    """Whether a repository's file is a link to what its messages must not show."""
    from ci_kaniko.repository.discovery import root_of

    root = root_of(path)
    top = os.path.realpath(root)
    inside = os.path.commonpath([top, os.path.realpath(path)]) == top
    return not inside and os.path.exists(os.path.join(root, ".git"))


def _open_now(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _first_bytes(path: str) -> bytes:
    data = b""
    with open(path, "rb", buffering=0, opener=_open_now) as file:
        while len(data) <= MAX_BYTES and (more := file.read(MAX_BYTES + 1 - len(data))):
            data += more
    return data


def _refuse(path: str, rule: str, message: str, hint: str = "") -> NoReturn:
    raise SpecError([Problem(rule=rule, message=message, hint=hint, path=path)]) from None


def _refuse_size(path: str) -> NoReturn:
    hint = "a spec is a page or two of text: is this the right file?"
    _refuse(path, "too-large", "the text is larger than 1 MiB", hint)


def _refuse_binary(data: bytes, offset: int, path: str) -> NoReturn:
    message = f"byte 0x{data[offset]:02x} does not belong in text"
    hint = "a spec is a text file in UTF-8: is this the right file?"
    _refuse_byte(data, offset, path, "not-text", message, hint)


def _refuse_byte(
    data: bytes, offset: int, path: str, rule: str, message: str, hint: str
) -> NoReturn:
    source = Source(path, data.decode(errors="replace"))
    place = place_after(data[:offset].decode(errors="replace"))
    raise SpecError([source.problem(rule, message, Node(place), hint)]) from None


def _check_characters(source: Source) -> None:
    bad = {character for character in set(source.text) if not is_yaml(character)}
    if not bad:
        return
    offset = next(n for n, character in enumerate(source.text) if character in bad)
    message = f"the character U+{ord(source.text[offset]):04X} does not belong in text"
    node = Node(place_after(source.text[:offset]))
    raise SpecError([source.problem("not-text", message, node, "remove it")])


def _check_directives(source: Source) -> None:
    """Refuse masses of %TAG lines, for which libyaml takes quadratic time."""
    if source.text.count("%TAG") <= _MAX_TAG_DIRECTIVES:
        return
    numbers = [
        number for number, line in enumerate(lines_of(source.text), 1) if line.startswith("%TAG")
    ]
    if len(numbers) > _MAX_TAG_DIRECTIVES:
        line = numbers[_MAX_TAG_DIRECTIVES]
        node = Node(Place(line, 1, line, 5))
        message = f"more than {_MAX_TAG_DIRECTIVES} %TAG lines"
        raise SpecError([source.problem("yaml-syntax", message, node, "a spec needs none")])
