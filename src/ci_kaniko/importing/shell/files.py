"""The files that a script writes and reads."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Contents, Text, Var, after, join, literal, spell, starts_with
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import EMPTY, Value, pure

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.reader import Reader

_INPUT = ("-", "/dev/stdin")
NOWHERE = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty")


def resolved(reader: Reader, path: Text) -> Text:
    """A path seen from where the script started."""
    if path and (not isinstance(path[0], str) or path[0].startswith("/")):
        return _normal(path)
    folder = reader.state.folder[0][1]
    return _normal(join((*folder, "/", *path)) if folder else path)


def _normal(path: Text) -> Text:
    plain = literal(path)
    if plain is not None:
        return (posixpath.normpath(plain),) if plain else ()
    last = path[-1]
    if isinstance(last, str):
        cut = last.rstrip("/") if last.strip("/") or len(path) > 1 else last
        path = join((*path[:-1], cut))
    parts = [
        part.replace("//", "/").replace("/./", "/")
        if isinstance(part, str) and "://" not in part
        else part
        for part in path
    ]
    return join(parts)


def in_folder(folder: Text, name: str) -> Text:
    return _normal(join((*folder, "/", name)))


def from_start(path: Text) -> Text:
    """A path as ``$PWD`` and the rest, where it begins in the folder that a script starts in."""
    if path and meaning(path[0]) == "checkout":
        return (Var("PWD"), *path[1:])
    if path and isinstance(path[0], str) and not path[0].startswith("/"):
        first = path[0].removeprefix("./")
        return (Var("PWD"),) if path == (".",) else join((Var("PWD"), "/", first, *path[1:]))
    return path


def below(path: Text, folder: Text) -> str | None:
    """The rest of a path below a folder; None when it lies elsewhere."""
    rest = after(path, folder)
    if not rest:
        return None if rest is None else ""
    found, closed = spell(rest), spell(folder).endswith("/")
    return found[1:] if found.startswith("/") else found if closed else None


def write_file(reader: Reader, path: Text, text: Value, *, append: bool = False) -> None:
    """Put a text into a file."""
    path = resolved(reader, path)
    if literal(path) not in NOWHERE and path:
        put(reader, path, text, append=append)


def put(reader: Reader, path: Text, text: Value, *, append: bool = False) -> None:
    """Put a text into a file by its path from where the script started."""
    reader.lines[spell(path)] = reader.line
    reader.made(file_thing(spell(path)))
    state, under = reader.state, reader.values.under
    if append:
        text = reader.concat([_written(reader, path, EMPTY), text])
    before = under(state.files.get(path, ()), reader.guards.negate(state.path))
    state.files[path] = reader.values.possible([*before, *under(text, state.path)])


def read_file(reader: Reader, path: Text, *, empty: bool = False) -> Value:
    """What a file holds; one that nobody wrote holds what the repository has there."""
    if literal(path) in _INPUT:
        return reader.stdin or EMPTY
    reader.uses.look(file_thing(spell(resolved(reader, path))))
    return _held(reader, path, empty=empty)


def _held(reader: Reader, path: Text, *, empty: bool) -> Value:
    path = resolved(reader, path)
    missing = EMPTY if empty else pure(_from_repository(reader, path))
    return _written(reader, path, missing)


def _written(reader: Reader, path: Text, missing: Value) -> Value:
    written = reader.state.files.get(path)
    if written is None:
        return missing
    return reader.values.overlaid(written, missing, reader.state.path)


def _from_repository(reader: Reader, path: Text) -> Text:
    spelled = spell(path)
    inside = spelled
    if len(path) == 2 and meaning(path[0]) == "checkout":
        inside = str(path[1]).lstrip("/")
    found = reader.repository.get(spelled, reader.repository.get(inside))
    return (Contents(spelled),) if found is None else found


def is_missing(reader: Reader, path: Text) -> bool:
    """Whether a file lies outside of the repository, and nobody wrote it."""
    path = resolved(reader, path)
    return starts_with(path, "/") and path not in reader.state.files


def remove_file(reader: Reader, path: Text) -> None:
    path = resolved(reader, path)
    if not _is_temporary(path):
        reader.uses.act(reader.line, reader.text, [file_thing(spell(path))])
    if not spell(path).endswith("/.git"):  # the files of a clone stay
        for each in [path, *clones_below(reader, path)]:
            _forget(reader, each)


def _forget(reader: Reader, path: Text) -> None:
    before, elsewhere = reader.state.files.pop(path, ()), reader.guards.negate(reader.state.path)
    if kept := reader.values.possible(reader.values.under(before, elsewhere)):
        reader.state.files[path] = kept


def clones_below(reader: Reader, folder: Text) -> list[Text]:
    """Where git has put repositories into a folder: the ``.git`` of each."""
    head = f"{spell(folder)}/"
    found = ((path, spell(path)) for path in reader.state.files)
    return [path for path, name in found if name.startswith(head) and name.endswith("/.git")]


def _is_temporary(path: Text) -> bool:
    return bool(path) and isinstance(path[0], Var) and path[0].name.startswith("mktemp ")


def is_checkout(path: Text) -> bool:
    """Whether a path is the whole repository."""
    return path == (".",) or (len(path) == 1 and meaning(path[0]) == "checkout")


def in_repository(path: Text) -> bool:
    """Whether a path may lie in the repository, and is not all of it."""
    outside = not path or starts_with(path, "/") or _is_temporary(path)
    return not outside and not is_checkout(path)


def change_folder(reader: Reader, folder: Value) -> None:
    if folder == EMPTY:
        return
    path = reader.state.path
    reader.state.folder = reader.values.each(folder, lambda to: pure(resolved(reader, to)), path)
