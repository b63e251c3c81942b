"""The instructions of a Dockerfile, split as BuildKit's parser does it, which kaniko uses, too.

The escape character continues a line, comments and blank lines inside an instruction are dropped,
and here-documents follow the line that names them.
"""

from __future__ import annotations

from bisect import bisect_right

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_WORDS = {
    *("add", "arg", "cmd", "copy", "entrypoint", "env", "expose", "from", "healthcheck", "label"),
    *("maintainer", "onbuild", "run", "shell", "stopsignal", "user", "volume", "workdir"),
}
_WITH_HEREDOCS = {"add", "copy", "run"}
_DIRECTIVE = pattern(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES = {"check", "escape", "syntax"}
_PIECES = {
    "\\": pattern(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'\\])+"""),
    "`": pattern(r"""(?:[^\s"'`]|`.|"(?:[^"`]|`.)*"|'[^']*'|["'`])+"""),
}
_QUOTED = {
    "\\": pattern(r"""\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'"""),
    "`": pattern(r"""`(.)|"((?:[^"`]|`.)*)"|'([^']*)'"""),
}
_HEREDOC = pattern(r"\d*<<(-?)([^<]+)")


class NotUnderstood(Exception):
    """A line that is no instruction; ``line`` is its number."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


class Word(NamedTuple):
    """A word, without its quotes, and its line."""

    text: str
    line: int


class Instruction(NamedTuple):
    """``word`` is in small letters, ``flags`` are the words that begin with ``--``.

    ``pieces`` are what follows, by lines; ``documents`` the lines of here-documents.
    """

    word: str
    flags: list[Word]
    words: list[Word]
    pieces: list[Word]
    documents: list[Word]

    @property
    def line(self) -> int:
        return self.pieces[0].line

    @property
    def text(self) -> str:
        """What follows the flags, as one line."""
        return "".join(piece.text for piece in self.pieces).strip()

    def given(self, flag: str) -> list[Word]:
        """What a flag says, each time, and the line of that."""
        pairs = [(each.text.partition("="), each.line) for each in self.flags]
        return [Word(value, line) for (name, _, value), line in pairs if name == flag]


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions in ``text``. Raises NotUnderstood."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    escape, at = _directives(lines)
    while at < len(lines):
        pieces, after = _joined(lines, at, escape)
        if pieces:
            found = _instruction(pieces, escape)
            after = _documents(found, lines, after, escape)
            yield found
        at = after


def triggered(one: Instruction) -> Instruction:
    """The instruction behind ONBUILD, which an image brings along for those that begin with it."""
    word, *words = one.words or [Word("", one.line)]
    at = next((index for index, each in enumerate(words) if not each.text.startswith("--")), None)
    flags = words[:at]
    begin = one.pieces[0].text.find(word.text) + len(word.text)
    return one._replace(
        word=word.text.lower(),
        flags=flags,
        words=words[len(flags) :],
        pieces=_behind(one.pieces, begin),
    )


def _directives(lines: list[str]) -> tuple[str, int]:
    """The escape character, and where the instructions begin."""
    escape = "\\"
    for at, line in enumerate(lines):
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None or found[1].lower() not in _DIRECTIVES:
            return escape, at
        if found[1].lower() == "escape":
            if found[2] not in _PIECES:
                raise NotUnderstood(at + 1)
            escape = found[2]
    return escape, len(lines)


def _joined(lines: list[str], at: int, escape: str) -> tuple[list[Word], int]:
    """The lines of the instruction that begins at a line, and where the next one may begin."""
    pieces: list[Word] = []
    while at < len(lines):
        line, at = lines[at], at + 1
        bare = line.strip()
        if not bare or bare.startswith("#"):
            if pieces:
                continue
            return [], at
        kept = line.rstrip(" \t")
        is_continued = kept.endswith(escape) and not kept.endswith(escape * 2)
        pieces.append(Word(kept[:-1] if is_continued else line, at))
        if not is_continued:
            break
    return pieces, at


def _instruction(pieces: list[Word], escape: str) -> Instruction:
    word, rest = _split(pieces)
    if word not in _WORDS:
        raise NotUnderstood(pieces[0].line)
    whole = "".join(piece.text for piece in rest)
    starts = [0]
    for piece in rest:
        starts.append(starts[-1] + len(piece.text))
    flags: list[Word] = []
    words: list[Word] = []
    begin = 0
    for found in _PIECES[escape].finditer(whole):
        line = rest[min(bisect_right(starts, found.start()), len(rest)) - 1].line
        one = Word(_QUOTED[escape].sub(_bare, found[0]), line)
        if words or not one.text.startswith("--"):
            words.append(one)
            continue
        flags.append(one)
        begin = found.end()
    return Instruction(word, flags, words, _behind(rest, begin), [])


def _split(pieces: list[Word]) -> tuple[str, list[Word]]:
    """The first word, in small letters, and what follows it."""
    first = pieces[0].text.lstrip()
    word, *_ = first.split(maxsplit=1) or [""]
    return word.lower(), [Word(first[len(word) :], pieces[0].line), *pieces[1:]]


def _behind(pieces: list[Word], begin: int) -> list[Word]:
    """What of some lines stands behind a number of characters."""
    found = []
    for piece in pieces:
        found.append(Word(piece.text[begin:], piece.line))
        begin = max(0, begin - len(piece.text))
    return found


def _bare(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()), "")


def _documents(found: Instruction, lines: list[str], at: int, escape: str) -> int:
    """Read the here-documents that an instruction names; where the next one may begin."""
    if found.word == "onbuild":
        named = found.words[:1]
        if not named or named[0].text.lower() not in _WITH_HEREDOCS:
            return at
    elif found.word not in _WITH_HEREDOCS:
        return at
    raw = "".join(piece.text for piece in found.pieces)
    for word in _PIECES[escape].findall(raw) if "<<" in raw else ():
        heredoc = _HEREDOC.fullmatch(word)
        if heredoc is None:
            continue
        name = _QUOTED[escape].sub(_bare, heredoc[2])
        while True:
            if at >= len(lines):
                raise NotUnderstood(found.line)
            line, at = lines[at], at + 1
            if (line.lstrip("\t") if heredoc[1] else line) == name:
                break
            found.documents.append(Word(line, at))
    return at
