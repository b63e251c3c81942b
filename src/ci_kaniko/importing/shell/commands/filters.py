"""Commands that change what they read: base64, sed, grep and their like."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Contents,
    Encoded,
    Output,
    Part,
    Text,
    Var,
    decoded,
    join,
    literal,
    plain_head,
    references,
    spell,
)
from ci_kaniko.importing.shell.files import is_missing, read_file, write_file
from ci_kaniko.importing.shell.parsing import fill, slotted
from ci_kaniko.importing.shell.reader import SUCCESS, Reader, Status
from ci_kaniko.importing.shell.tests import grep
from ci_kaniko.importing.shell.text_filters import sed_arguments, sed_commands
from ci_kaniko.importing.shell.values import EMPTY, Value, plain, plain_of, pure, stripped
from ci_kaniko.importing.shell.words import change

if TYPE_CHECKING:
    from collections.abc import Callable


def words_of(values: list[Value]) -> list[str]:
    """Arguments as plain words; holes are spelled."""
    return [spell(value[0][1]) for value in values]


def command_text(name: str, values: list[Value]) -> str:
    """A command for people."""
    return " ".join([name, *(_quoted(value[0][1]) for value in values)])


def _quoted(text: Text) -> str:
    spelled = spell(text)
    return shlex.quote(spelled) if literal(text) is not None else f'"{spelled}"'


# -- filters -------------------------------------------------------------------------------------


def path_part(name: str) -> Callable[[Reader, list[Value]], Status]:

    def run(reader: Reader, values: list[Value]) -> Status:
        found = change(reader, values[0] if values else EMPTY, name)
        if name == "name" and len(values) > 1:
            ending = literal(values[1][0][1])
            found = change(reader, found, f"${{%{ending}}}") if ending else found
        reader.write(reader.values.concat([found, plain("\n")]))
        return SUCCESS

    return run


def base64(reader: Reader, values: list[Value]) -> Status:
    """``base64``, also that of openssl."""
    words = words_of(values)
    options = " ".join(words)
    given = _input(reader, [values[at] for at in _files_of("base64", words)])
    if re.search(r"(?:^| )(?:-d|-D|--decode)\b", options):
        reader.write(reader.values.each(given, _decoded))
        return SUCCESS
    whole = bool(re.search(r"(?:^| )(?:-w ?0|--wrap[= ]0|-A|-b ?0)(?: |$)", options))

    def made(text: Text) -> Value:
        if text and isinstance(text[-1], str) and text[-1].endswith("\n") and len(text) > 1:
            reader.note("newline-in-auth")
            text = stripped(text)
        return pure((Encoded(text),) if whole else (Encoded(text, wrapped=True), "\n"))

    reader.write(reader.each(given, made))
    return SUCCESS


def _decoded(text: Text) -> Value:
    text = stripped(text)
    plain_text = literal(text)
    found = decoded(plain_text) if plain_text is not None else None
    if found is not None:
        return plain(found)
    part = text[0] if len(text) == 1 else ""
    if isinstance(part, Encoded):
        return pure(part.text)
    if isinstance(part, Var | Output):
        return pure((replace(part, changes=(*part.changes, "base64 -d")),))
    return pure((Output(f"base64 -d <<< {spell(text)}"),))


def filter_command(name: str) -> Callable[[Reader, list[Value]], Status]:
    """A filter that changes what it reads in a known way."""

    def run(reader: Reader, values: list[Value]) -> Status:
        files = _files_of(name, words_of(values))
        given = _input(reader, [values[at] for at in files])
        values = [value for at, value in enumerate(values) if at not in files]
        words = [plain_of(value) for value in values]
        if any(word is None for word in words):
            reader.write(pure((Output(command_text(name, values)),)))
        else:
            spelled = shlex.join([name, *(word or "" for word in words)])
            reader.write(change(reader, given, spelled))
        return SUCCESS

    return run


def _input(reader: Reader, files: list[Value]) -> Value:
    """What a filter reads: its files, or what it is given."""
    return reader.concat(
        [
            reader.values.each(file, lambda path: read_file(reader, path))
            for file in files or [plain("-")]
        ]
    )


_VALUED = {"awk": "Fv", "base64": "wb", "cut": "bcdf", "head": "cn"}
"""The options that have a value, of the filters that read files: letters of one dash."""


def _files_of(name: str, words: list[str]) -> list[int]:
    """The places of the files that a filter reads instead of its input."""
    found: list[int] = []
    if name not in _VALUED:
        return found
    is_value = False
    for at, word in enumerate(words):
        if is_value:
            is_value = False
        elif len(word) > 1 and word.startswith("-"):
            is_value = bool(re.fullmatch(rf"-\w*[{_VALUED[name]}]", word))
        else:
            found.append(at)
    return found[1:] if name == "awk" else found


def sed(reader: Reader, values: list[Value]) -> Status:
    """``sed``: a filter, but for holes in its program and for files that it changes in place."""
    options, program_at, file_at = sed_arguments(words_of(values))
    programs, files = ([values[at] for at in found] for found in (program_at, file_at))
    in_place = any(re.match(r"-[Er]*i|--in-place", word) for word in options)
    for file in files or [plain("-")]:
        path = file[0][1]
        made = _substituted(reader, options, programs, read_file(reader, path))
        if in_place:
            if is_missing(reader, path):
                reader.note("missing-file", spell(path))
            write_file(reader, path, made)
        else:
            reader.write(made)
    return SUCCESS


_OF_FLAGS = re.compile(r"s(.)--?[A-Za-z][\w-]*\1[^&\\]*\1g")


def _substituted(reader: Reader, options: list[str], programs: list[Value], held: Value) -> Value:
    written = [literal(text) for program in programs for _, text in program]
    whole = any(isinstance(part, Contents) for _, text in held for part in text)
    if None not in written and not whole and len(written) == len(programs):
        joined = ";".join(map(str, written))
        spelled = shlex.join(["sed", *options, joined])

        def made(text: Text) -> Value:
            # What stands for a text of its own is no flag of a command that is put together here.
            known = len(text) > 1 and all(isinstance(part, str | Var) for part in text)
            if known and not options and _OF_FLAGS.fullmatch(joined):
                return pure(_by_program(reader, (joined,), text))
            return change(reader, pure(text), spelled)

        return reader.values.each(held, made)
    for program in programs:
        held = reader.gather(
            (reader.guards.both(way, guard), _by_program(reader, asked, text))
            for way, asked in program
            for guard, text in held
        )
    return held


def _by_program(reader: Reader, program: Text, text: Text) -> Text:
    """The ``s`` commands of a program with holes, made on a text with holes."""
    holes: list[Text] = []
    try:
        commands = sed_commands(slotted(program, holes))
    except ValueError:
        return _by_a_run(program, text)
    for pattern, new, flags in commands:
        instead = fill(re.sub(r"\\([/&|#@,:])", r"\1", new), holes)
        delimited = plain_head(program).lstrip()[1:2] == "/"
        if delimited and any(isinstance(part, Encoded) for part in instead):
            reader.note("sed-delimiter")
        old = re.sub(r"\\([^A-Za-z0-9])", r"\1", pattern)
        if any(isinstance(part, Contents) for part in text):
            text = tuple(
                Contents(part.path, (*part.replaced, (old, instead)))
                if isinstance(part, Contents)
                else part
                for part in text
            )
        elif re.search(r"[][*.^$\\]", re.sub(r"\\.", "", pattern.replace(".", ""))):
            return _by_a_run(program, text)
        else:
            text = _replaced(text, fill(old, holes), instead, every="g" in flags)
    return text


def _by_a_run(program: Text, text: Text) -> Text:
    return (Output(f"printf %s '{spell(text)}'", (f"sed '{spell(program)}'",)),)


def _replaced(text: Text, old: Text, new: Text, *, every: bool) -> Text:
    plain_old = literal(old)
    parts: list[Part] = []
    for part in text:
        if not isinstance(part, str) or not plain_old:
            parts.append(part)
            continue
        pieces = part.split(plain_old) if every else part.split(plain_old, 1)
        for index, piece in enumerate(pieces):
            parts += [*(new if index else ()), piece]
    return join(parts)


def envsubst(reader: Reader, values: list[Value]) -> Status:
    """``envsubst``: the variables in a template."""

    def made(text: Text) -> Value:
        pieces: list[Value] = []
        for part in text:
            found = references(part) if isinstance(part, str) else (part,)
            pieces += [
                reader.value(item.name) if isinstance(item, Var) else pure((item,))
                for item in found
            ]
        return reader.concat(pieces)

    reader.write(reader.each(reader.stdin or EMPTY, made))
    return SUCCESS


def grep_command(reader: Reader, values: list[Value]) -> Status:
    words = words_of(values)
    guard = grep(reader, words, reader.stdin)
    if any(re.match(r"-[A-Za-z]*q|--quiet|--silent", word) for word in words):
        return reader.answer(guard)
    reader.write(pure((Output(command_text("grep", values)),)))
    return Status(guard, guard)
