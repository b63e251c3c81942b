"""What filters and expansions do to a text, and which of ci-kaniko's own changes that amounts to.

A change is spelled as the shell spells it: ``${%/*}``, ``${:0:8}``, ``cut -c1-63``. What it amounts
to is found by trying: a chain of changes that makes slugs of all the samples makes slugs.
"""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.patterns import affordable, shell_regex
from ci_kaniko.importing.shell.text_filters import FILTERS, sed_commands
from ci_kaniko.syntax.versions import is_release, sed_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.calls import Var


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
_PATHS = {url: url.split("/", 3)[3] for url in _URLS.values()}


_NAMED: dict[str, Callable[[str], str]] = {
    "short": lambda text: text[:8],
    "lower": str.lower,
    "upper": str.upper,
    "slug": lambda text: re.sub("[^a-z0-9]", "-", text.lower())[:63].strip("-"),
    "tag": lambda text: re.sub("[^A-Za-z0-9_.-]", "-", text).lstrip(".-")[:128],
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
_MAX_CHANGES = 600  # characters that are tried on samples
_MAX_CHAIN = 12
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
    words = _words(change)
    if not words or words[0] not in FILTERS:
        raise UnknownChangeError(change)
    try:
        return FILTERS[words[0]]([*words[1:]], text)
    except (ValueError, LookupError, re.error):
        raise UnknownChangeError(change) from None


@functools.lru_cache(maxsize=256)
def _words(change: str) -> tuple[str, ...]:
    return tuple(shlex.split(change))


def keeps_emptiness(change: str) -> bool:
    """Whether only an empty text becomes empty."""
    return change.partition(":")[0] in _KEPT


@functools.lru_cache(maxsize=1024)
def simplified(changes: tuple[str, ...]) -> tuple[str, ...]:
    """A chain of changes, told as shortly as it can be."""
    if len(changes) > _MAX_CHAIN or sum(map(len, changes)) > _MAX_CHANGES:
        return changes
    if changes[:1] in (("url",), ("path",)):
        return _simplified_url(changes)
    made = outcomes(changes, (*_REFS, *_OTHERS, *_own_samples(changes)))
    urls = outcomes(changes, _URLS)
    if made is None or urls is None:
        return changes
    if urls == _URLS:
        return ("url",)
    if all(text == result for text, result in (made | urls).items()):
        return () if all(map(_is_tried, changes)) else changes
    for chain in _CHAINS:
        if outcomes(chain, made) == made:
            return chain
    for length in range(1, 129):
        if all(text[:length] == result for text, result in made.items()):
            return (f"first:{length}",)
    for name in _REF_CHANGES:
        if all(_NAMED[name](text) == made[text] for text in made if text not in _OTHERS):
            return (name,)
    return changes


def outcomes(changes: tuple[str, ...], texts: Iterable[str]) -> dict[str, str] | None:
    """What changes make of some texts, one after the other; None where one is not understood."""
    try:
        return {text: _chained(changes, text) for text in texts}
    except UnknownChangeError:
        return None


_FULL_REFS = ("refs/heads/main", "refs/heads/v1/x", "refs/tags/v1.2.3", "refs/tags/x/main")


@functools.lru_cache(maxsize=256)
def cuts_ref(change: str) -> bool:
    """Whether a change takes the folder off full refs, of one kind at least, and nothing else."""
    made = outcomes((change,), _FULL_REFS)
    if made is None:
        return False
    cut = {text: text.split("/", 2)[2] for text in made}
    return made != {text: text for text in made} and all(
        result in (text, cut[text]) for text, result in made.items()
    )


@functools.lru_cache(maxsize=256)
def leaves_last(changes: tuple[str, ...]) -> bool:
    """Whether changes leave what follows the last slash of a full ref."""
    made = outcomes(changes, _FULL_REFS)
    return made == {text: text.rpartition("/")[2] for text in _FULL_REFS}


_NAMES = ("main", "v1.2.3", "1.2.3-rc.1", "develop", "a/b", "x/y/z")


@functools.lru_cache(maxsize=256)
def makes_safe(change: str) -> bool:
    """Whether a change leaves no slash, and all letters and digits."""
    made = outcomes((change,), _NAMES)
    return made is not None and all(
        "/" not in result and re.sub(r"\W|_", "", result) == re.sub(r"\W|_", "", text)
        for text, result in made.items()
    )


_BLANKS = re.compile(r"""(\s|['"]|\\[snt]|\[\[:(space|blank):]]|[][*+^$])*""")


def _is_tried(change: str) -> bool:
    """Whether a change that left all samples as they are looks for what no name has, or cuts."""
    match, words = _OPERATOR.fullmatch(change), _words(change)
    sought = [match[2]] if match and match[1][0] in "#%/" else []
    sought += [pattern for pattern, _, _ in sed_commands(words[-1])] if words[0] == "sed" else []
    return all(map(_BLANKS.fullmatch, sought))


def _own_samples(changes: tuple[str, ...]) -> list[str]:
    """Texts that hold what the changes themselves speak of."""
    words = dict.fromkeys(re.findall(r"[\w.:/-]+", " ".join(changes)))
    return [text for word in words for text in (word, f"{word}x", f"x{word}", f"a{word}b")]


def finished(changes: tuple[str, ...]) -> tuple[str, ...]:
    """A chain of changes as a reader takes it: also by what it does to usual names."""
    made = outcomes(changes, _USUAL)
    for name in _REF_CHANGES if changes and changes not in _CHAINS else ():
        if made == outcomes((name,), _USUAL):
            return changes if changes == (name,) else (f"{name}-like",)
    return changes


def _simplified_url(changes: tuple[str, ...]) -> tuple[str, ...]:
    """What is done to the address of a repository, or to its path."""
    head, rest = changes[0], changes[1:]
    if head == "url" and outcomes(rest, _PATHS) == _PATHS:
        return ("path",)
    return (head, *simplified(rest))


def _chained(changes: tuple[str, ...], text: str) -> str:
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
    return text.lower() if operator == ",," else text.upper()


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


# -- the version of a git tag ------------------------------------------------------------------


_PREFIX = re.compile(r"s,\^(?P<prefix>[^(]*?)v\?\(")
_VERSIONS = ("1.2.3", "10.20.30-rc.1", "0.0.1", "1.2.3-0a.b-c.4", "12.3.45", "")
_PARTS: dict[str, Callable[[str], str]] = {
    "version": lambda version: version,
    "version.minor": lambda version: version.partition("-")[0].rpartition(".")[0],
    "version.major": lambda version: version.partition("-")[0].partition(".")[0],
    "release": lambda version: version if is_release(version) else "",
}


def versioned(var: Var, change: str) -> Var | None:
    """A variable after one more change, where it is then a version or a part of one.

    In its name the prefix of its tags follows an ``@``: ``version.minor@api/``.
    """
    name, at, prefix = var.name.partition("@")
    known: str | None = None
    if var.portable and at and name == "version":
        known = _part_of((*var.changes, change))
    elif not var.changes and not var.default and meaning(var) == "tag":
        found = _prefix_of(change)
        known, prefix = (None, "") if found is None else ("version", found)
    if known is None:
        return None
    return replace(var, name=f"{known}@{prefix}", default=None, changes=(), portable=True)


def _prefix_of(change: str) -> str | None:
    """The prefix of the tags whose versions a program of ours prints; None for another one."""
    *command, program = shlex.split(change) or [""]
    found = _PREFIX.match(program)
    if found is None or command != ["sed", "-nE"]:
        return None
    prefix = re.sub(r"\[(.)\]", r"\1", found["prefix"])
    return prefix if program == sed_program(prefix) else None


def _part_of(changes: tuple[str, ...]) -> str | None:
    """Which part of a version changes leave, found by trying."""
    made = outcomes(changes, _VERSIONS)
    parts = {name: {text: of(text) for text in _VERSIONS} for name, of in _PARTS.items()}
    return next((name for name, part in parts.items() if made == part), None)
