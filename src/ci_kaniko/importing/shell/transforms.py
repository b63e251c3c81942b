"""What filters and expansions do to a text, and which of ci-kaniko's own changes that amounts to.

A change is spelled as the shell spells it: ``${%/*}``, ``${:0:8}``, ``cut -c1-63``. What it amounts
to is found by trying: a chain of changes that makes slugs of all the samples makes slugs.
"""

from __future__ import annotations

import functools
import re
import shlex
import string
from typing import TYPE_CHECKING

from ci_kaniko.importing.shell.patterns import affordable, python_regex, shell_regex

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATOR = re.compile(r"\$\{(##?|%%?|//?|:|,,|\^\^)(.*)\}", re.DOTALL)

_REFS = (
    *("main", "feature/Add-x_1.2", "v1.2.3", "-x-", ".x.", "a--b..c", "1+2@{x}", "UPPER/lower"),
    *("x" * 70 + "/y", "y" * 62 + "//z", "z" * 130 + ".1", "a/b/c/d", "_a_", "refs-heads-x"),
)
_OTHERS = (
    *("refs/heads/main", "refs/tags/v1", "0123456789abcdef0123456789abcdef01234567"),
    *("https://github.com", "gitlab.com:443", "acme.io:5000", "Group/Sub/Project", "x.tar.gz"),
    *("pull/12/merge", "pr-12", "12/merge", "p:s", "'x'", '"x"', "a,b;c", "12"),
)
_USUAL = ("main", "feature/add-x", "v1.2.3", "fix/a/b", "Release_1")
_URLS = {
    "git@github.com:Acme/Shop.git": "https://github.com/Acme/Shop",
    "ssh://git@git.example.com:2222/acme/shop.git": "https://git.example.com/acme/shop",
    "https://me:pw@gitlab.com/a/b.git": "https://gitlab.com/a/b",
    "https://github.com/acme/shop": "https://github.com/acme/shop",
}
_PATHS = {text: url.split("/", 3)[3] for text, url in _URLS.items()}


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]", "-", text.lower())[:63].strip("-")


def _tag(text: str) -> str:
    return re.sub("[^A-Za-z0-9_.-]", "-", text).lstrip(".-")[:128]


_NAMED: dict[str, Callable[[str], str]] = {
    "short": lambda text: text[:8],
    "lower": str.lower,
    "upper": str.upper,
    "slug": _slug,
    "tag": _tag,
    "owner": lambda text: text.rpartition("/")[0] if "/" in text else text,
    "name": lambda text: text.rpartition("/")[2],
}
CUT = "first:?"
"""Cut to a length that only a run can tell."""
_REF_CHANGES = ("slug", "tag")
_CHAINS = (
    *((name,) for name in ("short", "lower", "upper", "owner", "name")),
    *((part, "lower") for part in ("owner", "name")),
)
_MAX_LENGTH = 2000
_KEPT = ("lower", "upper", "short", "first")


class UnknownChangeError(Exception):
    """A filter that is not understood."""


def apply(change: str, text: str) -> str:
    """A change made to a plain text. Raises UnknownChangeError."""
    if change in _NAMED:
        return _NAMED[change](text)
    if change == CUT:
        raise UnknownChangeError(change)
    if change.startswith("first:"):
        return text[: int(change[6:])]
    match = _OPERATOR.fullmatch(change)
    if match:
        return _expanded(match[1], match[2], text)
    words = shlex.split(change)
    if not words or words[0] not in FILTERS:
        raise UnknownChangeError(change)
    try:
        return FILTERS[words[0]](words[1:], text)
    except (ValueError, LookupError, re.error):
        raise UnknownChangeError(change) from None


def keeps_emptiness(change: str) -> bool:
    """Whether only an empty text becomes empty."""
    return change.partition(":")[0] in _KEPT


@functools.lru_cache(maxsize=1024)
def simplified(changes: tuple[str, ...]) -> tuple[str, ...]:
    """A chain of changes, told as shortly as it can be."""
    if changes[:1] in (("url",), ("path",)):
        return _simplified_url(changes)
    samples = (*_REFS, *_OTHERS, *_own_samples(changes))
    try:
        made = {text: _chain(changes, text) for text in samples}
        urls = {text: _chain(changes, text) for text in _URLS}
    except UnknownChangeError:
        return changes
    if urls == _URLS:
        return ("url",)
    if all(text == result for text, result in (made | urls).items()):
        return ()
    for chain in _CHAINS:
        if all(_chain(chain, text) == result for text, result in made.items()):
            return chain
    for length in range(1, 129):
        if all(text[:length] == result for text, result in made.items()):
            return (f"first:{length}",)
    for name in _REF_CHANGES:
        if all(_NAMED[name](text) == made[text] for text in made if text not in _OTHERS):
            return (name,)
    return changes


def _own_samples(changes: tuple[str, ...]) -> list[str]:
    """Texts that hold what the changes themselves speak of."""
    words = dict.fromkeys(re.findall(r"[\w.:/-]+", " ".join(changes)))
    return [text for word in words for text in (word, f"{word}x", f"x{word}", f"a{word}b")]


def finished(changes: tuple[str, ...]) -> tuple[str, ...]:
    """A chain of changes as a reader takes it: also by what it does to usual names."""
    try:
        for name in _REF_CHANGES if changes and changes not in _CHAINS else ():
            if all(_NAMED[name](text) == _chain(changes, text) for text in _USUAL):
                return changes if changes == (name,) else (f"{name}-like",)
    except UnknownChangeError:
        pass
    return changes


def _simplified_url(changes: tuple[str, ...]) -> tuple[str, ...]:
    """What is done to the address of a repository, or to its path."""
    head, rest = changes[0], changes[1:]
    try:
        if head == "url" and all(_chain(rest, url) == _PATHS[text] for text, url in _URLS.items()):
            return ("path",)
    except UnknownChangeError:
        return changes
    return (head, *simplified(rest))


def _chain(changes: tuple[str, ...], text: str) -> str:
    for change in changes:
        text = apply(change, text)
        if len(text) > _MAX_LENGTH:
            raise UnknownChangeError(change)
    return text


# -- ${x...} -----------------------------------------------------------------------------------


def _expanded(operator: str, argument: str, text: str) -> str:
    if operator in ("#", "##"):
        ends = range(len(text) + 1) if operator == "#" else range(len(text), -1, -1)
        pattern = _compiled(argument, text)
        end = next((end for end in ends if pattern.fullmatch(text, 0, end)), 0)
        return text[end:]
    if operator in ("%", "%%"):
        starts = range(len(text), -1, -1) if operator == "%" else range(len(text) + 1)
        pattern = _compiled(argument, text)
        start = next((at for at in starts if pattern.fullmatch(text, at)), len(text))
        return text[:start]
    if operator in ("/", "//"):
        return _replaced(operator, argument, text)
    if operator == ":":
        return _slice(argument, text)
    return _cased(operator, text)


def _compiled(pattern: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(affordable(shell_regex(pattern), text), re.DOTALL)
    except re.error:
        raise UnknownChangeError(pattern) from None


def _replaced(operator: str, argument: str, text: str) -> str:
    match = re.fullmatch(r"((?:\\.|[^/\\#%])(?:\\.|[^/\\])*)(?:/(.*))?", argument, re.DOTALL)
    if not match:
        raise UnknownChangeError(argument)
    new = re.sub(r"\\(.)", r"\1", match[2] or "")
    return _compiled(match[1], text).sub(lambda _: new, text, count=int(operator == "/"))


def _slice(argument: str, text: str) -> str:
    numbers = [int(part) for part in argument.split(":")]
    start = numbers[0] if numbers[0] >= 0 else max(len(text) + numbers[0], 0)
    if len(numbers) == 1:
        return text[start:]
    return text[start : start + numbers[1]] if numbers[1] >= 0 else text[start : numbers[1]]


def _cased(operator: str, text: str) -> str:
    return text.lower() if operator == ",," else text.upper()


# -- filters -----------------------------------------------------------------------------------


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


_SETS = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digit": string.digits,
    "alpha": string.ascii_letters,
    "alnum": string.digits + string.ascii_letters,
    "punct": string.punctuation,
    "space": string.whitespace,
}
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
            out += _SETS[token[2:-2]]
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


def sed_commands(program: str) -> list[tuple[str, str, str]]:
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
    return commands


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
