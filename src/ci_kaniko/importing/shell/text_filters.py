"""What tr, cut, head, sed, awk and xargs make of a plain text."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.shell.patterns import CLASSES, affordable, python_regex

if TYPE_CHECKING:
    from collections.abc import Callable


def _options(words: list[str], with_value: str) -> tuple[dict[str, str], list[str]]:
    """Single-letter options and what remains; the letters in ``with_value`` take a value."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest and len(rest[0]) > 1 and rest[0][0] == "-":
        letters = rest.pop(0)[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in with_value:
                options[letter] = letters or rest.pop(0)
                letters = ""
            else:
                options[letter] = ""
    return options, rest


_ASCII = "".join(map(chr, range(128)))
_ESCAPE = re.compile(r"\\(0?[0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b"}


def unescaped(text: str) -> str:
    """What printf, tr and ``$'...'`` make of backslashes."""
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8))
    return _ESCAPES.get(code, found[0] if code.isalnum() else code)


def _members(text: str) -> str:
    """The characters that an argument of tr names, one per byte."""
    out = ""
    tokens = re.findall(r"\[:\w+:\]|\\[0-7]{1,3}|\\.|.", text.encode().decode("latin-1"), re.DOTALL)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.startswith("[:"):
            out += "".join(re.findall(f"[{CLASSES[token[2:-2]]}]", _ASCII, re.ASCII))
            continue
        first = unescaped(token)
        if at + 1 < len(tokens) and tokens[at] == "-":
            out += "".join(map(chr, range(ord(first), ord(unescaped(tokens[at + 1])) + 1)))
            at += 2
        else:
            out += first
    return out


def _tr(words: list[str], text: str) -> str:
    options, sets = _options(words, "")
    one = _members(sets[0])
    other = _members(sets[1]) if len(sets) > 1 else ""
    data = text.encode("utf-8", "surrogateescape").decode("latin-1")
    complement = "c" in options or "C" in options

    def changed(character: str) -> str:
        if (character in one) == complement:
            return character
        if "d" in options:
            return ""
        if not other:
            return character
        return other[-1] if complement else other[min(one.index(character), len(other) - 1)]

    out = "".join(map(changed, data))
    if "s" in options:
        squeezed = other or one
        mark = re.escape(squeezed)
        unlike = complement and not other
        out = re.sub(f"([{'^' if unlike else ''}{mark}])\\1+", r"\1", out)
    return out.encode("latin-1").decode("utf-8", "replace")


def _cut(words: list[str], text: str) -> str:
    options, _ = _options(words, "cbdf")
    lines = text.split("\n")
    if "f" in options:
        mark = options.get("d", "\t")
        return "\n".join(
            mark.join(_taken(line.split(mark), options["f"])) if mark in line else line
            for line in lines
        )
    places = options.get("c", options.get("b", ""))
    return "\n".join("".join(_taken(list(line), places)) for line in lines)


def _taken(items: list[str], places: str) -> list[str]:
    wanted: list[str] = []
    for place in places.split(","):
        start, dash, end = place.partition("-")
        first = int(start or "1")
        last = int(end) if end else (len(items) if dash else first)
        wanted += items[first - 1 : last]
    return wanted


def _head(words: list[str], text: str) -> str:
    words = [re.sub(r"^-(\d+)$", r"-n\1", word) for word in words]
    words = [re.sub(r"^--bytes=", "-c", re.sub(r"^--lines=", "-n", word)) for word in words]
    options, _ = _options(words, "cn")
    if "c" in options:
        return text[: int(options["c"])]
    return "".join(text.splitlines(keepends=True)[: int(options.get("n", "10"))])


_DELIMITED = re.compile(r"\s*s(.)", re.DOTALL)


@functools.lru_cache(maxsize=256)
def sed_commands(program: str) -> tuple[tuple[str, str, str], ...]:
    """The ``s`` commands of a program: pattern, replacement, flags. Raises ValueError."""
    commands = []
    rest = program.strip()
    while rest:
        match = _DELIMITED.match(rest)
        if not match:
            raise ValueError(program)
        mark = match[1]
        pieces = re.split(rf"(?<!\\){re.escape(mark)}", rest[match.end() :], maxsplit=2)
        if len(pieces) != 3:
            raise ValueError(program)
        flags = re.match(r"[gIi\d]*", pieces[2])
        after = pieces[2][flags.end() if flags else 0 :].lstrip(" \t")
        if after and after[0] not in ";\n":
            raise ValueError(program)
        texts = [piece.replace(f"\\{mark}", mark) for piece in pieces[:2]]
        commands.append((texts[0], texts[1], flags[0] if flags else ""))
        rest = after.lstrip(";\n ")
    return tuple(commands)


def sed_arguments(words: list[str]) -> tuple[list[str], list[int], list[int]]:
    """The options of sed, and the places of its programs and of its files."""
    options: list[str] = []
    programs: list[int] = []
    rest: list[int] = []
    for at, word in enumerate(words):
        if at and re.fullmatch("-[Enr]*e|--expression", words[at - 1]):
            programs.append(at)
        elif not word.startswith("-"):
            rest.append(at)
        elif (option := re.sub("^(-[Enr]*)e$|^--expression$", r"\1", word)) not in ("-", ""):
            options.append(option)
    return (options, programs, rest) if programs else (options, rest[:1], rest[1:])


def _sed(words: list[str], text: str) -> str:
    options, programs, _ = sed_arguments(words)
    if set(options) - {"-E", "-r", "-u"}:
        raise ValueError(words)
    for pattern, new, flags in sed_commands(";".join(words[at] for at in programs)):
        text = substituted(pattern, new, flags, text, extended=bool({"-E", "-r"} & {*options}))
    return text


def substituted(pattern: str, new: str, flags: str, text: str, *, extended: bool) -> str:
    """One ``s`` command on a text of one or more lines."""
    regex = re.compile(
        affordable(python_regex(pattern, extended=extended), max(text.split("\n"), key=len)),
        re.IGNORECASE if "i" in flags.lower() else 0,
    )

    def made(found: re.Match[str]) -> str:
        return re.sub(
            r"\\(\d)|\\(.)|&",
            lambda token: (found[int(token[1])] or "") if token[1] else token[2] or found[0],
            new,
        )

    lines = text.split("\n")
    return "\n".join(regex.sub(made, line, count=0 if "g" in flags else 1) for line in lines)


def _awk(words: list[str], text: str) -> str:
    program = "".join(words).replace(" ", "")
    known = {"{printtolower($0)}": str.lower, "{printtoupper($0)}": str.upper}
    if program not in known:
        raise ValueError(program)
    return known[program](text)


def _xargs(words: list[str], text: str) -> str:
    if words:
        raise ValueError(words)
    return " ".join(text.split())


FILTERS: dict[str, Callable[[list[str], str], str]] = {
    "awk": _awk,
    "cut": _cut,
    "head": _head,
    "sed": _sed,
    "tr": _tr,
    "xargs": _xargs,
}
