"""The shell's own commands: they change what the shell knows, or where it goes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Contents,
    Output,
    Text,
    Var,
    join,
    literal,
    only_var,
    spell,
    split_text,
    starts_with,
)
from ci_kaniko.importing.shell.commands.filters import command_text
from ci_kaniko.importing.shell.files import (
    change_folder,
    in_repository,
    is_checkout,
    read_file,
    resolved,
)
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.reader import FAILURE, SUCCESS, Reader, Status
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import (
    EMPTY,
    UNKNOWN_ARGUMENTS,
    Item,
    Value,
    plain,
    printed,
    pure,
    stripped,
)
from ci_kaniko.importing.shell.words import keys_of, separators, split_words
from ci_kaniko.kaniko.variables import is_read, owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Callable


def set_options(reader: Reader, items: list[Item]) -> Status:
    rest = list(items)
    while rest:
        word = literal(rest[0].text)
        if word in ("--", None) or word[:1] not in ("-", "+"):
            reader.made("$@")
            reader.state.items = rest[word == "--" :]
            return SUCCESS
        named = literal(rest[1].text) if word.endswith("o") and len(rest) > 1 else ""
        rest = rest[2:] if named else rest[1:]
        if "e" in word or named == "errexit":
            reader.state.goes_on = word[0] == "+"
        if word[0] == "-" and ("x" in word or named == "xtrace"):
            reader.note("trace-shows-secrets", f"set {word} {named}".strip())
    return SUCCESS


def unset(reader: Reader, items: list[Item]) -> Status:
    for item in items:
        name = literal(item.text)
        if name and not name.startswith("-"):
            reader.made(f"${name}")
            if name in reader.given or owner_of_variable(name) or is_read(name):
                reader.uses.use(f"${name}")
            reader.state.variables.pop(name, None)
            for held in (name, keys_of(name)):
                reader.state.arrays.pop(held, None)
            reader.state.exported.pop(name, None)
            reader.state.unset |= {name}
    return SUCCESS


def export(reader: Reader, items: list[Item]) -> Status:
    """``export`` and ``readonly`` with words that were put together."""
    for item in items:
        name, *value = split_text(item.text, "=", 1)
        key = literal(name)
        if key and re.fullmatch(r"[A-Za-z_]\w*", key):
            if value:
                reader.assign(key, pure(value[0]))
            exported(reader, key)
        else:
            reader.note("skipped-command", f"export {spell(item.text)}")
    return SUCCESS


def exported(reader: Reader, name: str) -> None:
    """From here on children see a variable."""
    reader.state.exported[name] = YES
    reader.hidden -= {name}


def shift(reader: Reader, items: list[Item]) -> Status:
    if reader.state.items[:1] == [UNKNOWN_ARGUMENTS]:
        return SUCCESS
    count = literal(items[0].text) if items else "1"
    reader.state.items = reader.state.items[int(count) if count and count.isdigit() else 1 :]
    return SUCCESS


def leave_script(reader: Reader, items: list[Item]) -> Status:
    """``exit``: with an error, or because all is done."""
    code = literal(items[0].text) if items else "0"
    if code is not None and code != "0":
        reader.fail()
    else:
        reader.leave("shell")
    return SUCCESS


def leave_function(reader: Reader, items: list[Item]) -> Status:
    code = literal(items[0].text) if items else "0"
    status = reader.answer(NO) if code not in ("0", None) else SUCCESS
    reader.leave("function")
    return FAILURE if code is None else status


def evaluate(reader: Reader, items: list[Item]) -> Status:
    words = reader.arguments(items)
    text = reader.values.spaced(words, reader.state.path)
    if is_login(reader, " ".join(spell(word[0][1]) for word in words)):
        return SUCCESS
    reader.note("eval", " ".join(spell(word[0][1]) for word in words)[:60])
    return reader.run_inner(text, None)


def is_login(reader: Reader, text: str) -> bool:
    """Whether a text that is run is the ``docker login`` that AWS printed once."""
    found = re.fullmatch(r"\$\(aws .*\becr get-login( .*)?\)", text) is not None
    if found:
        reader.note("daemon-command", text)
    return found


def run_file(reader: Reader, items: list[Item]) -> Status:
    """``.``: a script of the repository."""
    path = items[0].text if items else ()
    text = read_file(reader, path)
    if any(isinstance(part, Contents) for _, held in text for part in held):
        reader.note("skipped-command/sets", f". {spell(path)}")
        return SUCCESS
    return reader.run_file(text, None)


def read(reader: Reader, items: list[Item]) -> Status:
    """``read``: the words of a line."""
    names = [literal(item.text) or "" for item in items]
    array = any(re.fullmatch(r"-[a-z]*a", name) for name in names)
    names = [name for name in names if re.fullmatch(r"[A-Za-z_]\w*", name)]
    if array and names:
        return _fill_array(reader, names[0], lambda text: _words_of(reader, text))
    given = reader.stdin or EMPTY
    if reader.stdin is None:  # somebody answers
        reader.note("skipped-command", reader.text)
        for name in names:
            reader.assign(name, pure((Var(name),)))
        return SUCCESS
    if reader.repeats and any(_may_be_lines(text) for _, text in given):
        reader.note("unknown-list", spell(stripped(given[0][1])))
    line = reader.each(given, lambda text: pure(split_text(text, "\n")[0]))
    for at, name in enumerate(names):
        one = partial(_word, reader, at=at, count=len(names))
        reader.assign(name, reader.each(line, one))
    return SUCCESS


def _may_be_lines(text: Text) -> bool:
    """Whether only a run can tell how many lines a text has."""
    return only_var(text) is not None or any(isinstance(part, Output) for part in text)


def read_lines(reader: Reader, items: list[Item]) -> Status:
    """``mapfile``: an item of an array for each line."""
    name = literal(items[-1].text) if items else "MAPFILE"
    return _fill_array(reader, name or "MAPFILE", lambda text: split_text(text, "\n"))


def _words_of(reader: Reader, text: Text) -> list[Text]:
    return [word for word, _ in split_words(text, separators(reader))]


def _fill_array(reader: Reader, name: str, cut: Callable[[Text], list[Text]]) -> Status:
    """An array of what the input is cut into."""
    found: list[Item] = []
    for guard, text in reader.stdin or EMPTY:
        words = cut(stripped(text))
        if len(words) == 1 and not isinstance(words[0][0], str):
            reader.note("unknown-list", spell(words[0]))
            words = [one_of(words[0])]
        found += [Item(guard, word, line=reader.line) for word in words]
    reader.assign_list(name, found)
    return SUCCESS


def one_of(text: Text) -> Text:
    """One word of a text that only a run can tell."""
    text = stripped(text)
    hole = text[0] if len(text) == 1 else None
    if isinstance(hole, Var | Output):
        return (replace(hole, changes=(*hole.changes, "each")),)
    return (Output(f"printf %s '{spell(text)}'", ("each",)),)


def _word(reader: Reader, text: Text, at: int, count: int) -> Value:
    """One word of a line; a loop reads every line."""
    plain_text = literal(text)
    if plain_text is None and count == 1:
        return pure(one_of(text) if reader.repeats and _may_be_lines(text) else text)
    if plain_text is None:
        return pure((Output(f"read <<< {spell(text)}"),))
    marks = separators(reader)
    words = (
        re.split(f"[{re.escape(marks)}]+", plain_text.strip(" \t"), maxsplit=count - 1)
        if marks
        else [plain_text]
    )
    return plain(words[at]) if at < len(words) else EMPTY


def jump(kind: str) -> Callable[[Reader, list[Item]], Status]:

    def run(reader: Reader, items: list[Item]) -> Status:
        reader.leave(kind)
        return SUCCESS

    return run


def change_directory(reader: Reader, items: list[Item]) -> Status:
    words = [item for item in items if literal(item.text) not in ("-P", "-L", "--")]
    folder: Value = pure(words[0].text if words else (Var("HOME"),))
    if literal(folder[0][1]) == "-":
        reader.state.folder = EMPTY
        return SUCCESS
    change_folder(reader, folder)
    return SUCCESS


def push_folder(reader: Reader, items: list[Item]) -> Status:
    if len(items) != 1 or (literal(items[0].text) or "")[:1] in ("-", "+"):
        return unknown(reader, "pushd", items)
    reader.left_folders.append(reader.state.folder)
    change_folder(reader, pure(items[0].text))
    return SUCCESS


def pop_folder(reader: Reader, items: list[Item]) -> Status:
    if items or not reader.left_folders:
        return unknown(reader, "popd", items)
    reader.state.folder = reader.left_folders.pop()
    return SUCCESS


def look_up(reader: Reader, items: list[Item]) -> Status:
    """``command -v`` and its like."""
    name = " ".join(spell(item.text) for item in items)
    guard = reader.conditions.unknown(f"command -v {name}", reader.line)
    reader.write(pure((Output(f"command -v {name}"), "\n")))
    return Status(guard, guard)


def shell_options(reader: Reader, items: list[Item]) -> Status:
    """``shopt``."""
    if any(literal(item.text) == "nocasematch" for item in items):
        reader.note("skipped-command", reader.text)
    return SUCCESS


def options(reader: Reader, items: list[Item]) -> Status:
    text = " ".join(("getopts", *(spell(item.text) for item in items)))
    for name in (*(literal(item.text) for item in items[1:2]), "OPTARG"):
        if name:
            reader.assign(name, pure((Output(text),)))
    guard = reader.conditions.unknown(text, reader.line)
    return Status(guard, guard)


def make_folder(reader: Reader, items: list[Item]) -> Status:
    """``mkdir``: of a folder that is outside of the repository nothing reaches the image."""
    paths = [resolved(reader, item.text) for item in items if not starts_with(item.text, "-")]
    inside = [path for path in paths if in_repository(path)]
    if inside:
        reader.made(*(file_thing(spell(path)) for path in inside))
    return SUCCESS


def change_rights(reader: Reader, items: list[Item]) -> Status:
    """``chmod`` and its like; the rights of a whole checkout are the rendered script's as well."""
    given = [item.text for item in items if not starts_with(item.text, "-")][1:]
    paths = [resolved(reader, path) for path in given]
    if not all(is_checkout(path) for path in paths):
        reader.made(*(file_thing(spell(path)) for path in paths))
    return SUCCESS


def trap(reader: Reader, items: list[Item]) -> Status:
    """``trap``: what happens at the end, but not what only a cancelled job does."""
    is_at_end = bool({literal(item.text) for item in items[1:]} & {"EXIT", "0"})
    if is_at_end and literal(items[0].text) != "-":
        reader.state.traps = (*reader.state.traps, pure(items[0].text))
    return SUCCESS


BUILTINS: dict[str, Callable[[Reader, list[Item]], Status]] = {
    ".": run_file,
    "break": jump("break"),
    **dict.fromkeys(("chgrp", "chmod", "chown"), change_rights),
    "cd": change_directory,
    "continue": jump("continue"),
    "eval": evaluate,
    "exit": leave_script,
    "export": export,
    "false": lambda reader, _: reader.answer(NO),
    "hash": look_up,
    **dict.fromkeys(("mapfile", "readarray"), read_lines),
    "mkdir": make_folder,
    "getopts": options,
    "popd": pop_folder,
    "pushd": push_folder,
    "read": read,
    "readonly": export,
    "return": leave_function,
    "set": set_options,
    "shift": shift,
    "shopt": shell_options,
    "source": run_file,
    "trap": trap,
    "type": look_up,
    "unset": unset,
    "which": look_up,
}


def unknown(reader: Reader, name: str, items: list[Item]) -> Status:
    """A command that is not known: what it prints is a hole, whether it succeeds is open."""
    values = reader.arguments(items)
    spelled = command_text(name, values)
    if reader.stdin and reader.stdin != EMPTY:
        given = stripped(join(reader.stdin[0][1]))
        before = printed(reader.stdin) or f"printf %s {spell(given)!r}"
        spelled = f"{before} | {spelled}"
    if reader.captures:
        reader.write(pure((Output(spelled), "\n")))
    else:
        whole = reader.text if reader.text.startswith(f"{spelled} ") else spelled
        reader.note("skipped-command", whole)
    guard = reader.conditions.unknown(spelled, reader.line)
    return Status(guard, guard if name in _QUESTIONS else YES)


_QUESTIONS = {"cmp", "crane", "curl", "diff", "expr", "regctl", "skopeo", "wget"}
