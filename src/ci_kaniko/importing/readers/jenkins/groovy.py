"""The structure of a Jenkinsfile: statements with their texts and blocks, and no more of Groovy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.ticked import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_DEPTH = 100
_MAX_INLINED = 2_000
_MAX_AROUND = 10
MARK = "\x01"
_FUNCTION = re.compile(
    r"\s*(?:@\w+\s+)*(?:(?:def|void|private|static)\s+)+(\w+)\s*\(([\w\s,]*)\)\s*"
)
_CALL = re.compile(rf"\s*(?:this\.)?\w+\s*\(([\w\s,.{MARK}]*)\)\s*")
_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*(?:.*?\*/|.*)|\A\#![^\n]*)"
    r"|(?P<text>'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|\$\{[^{}\n]*\}|\$(?!\{[^{}\n]*\})|[^\"\\\n$])*\")"
    r"|(?P<open>\{)|(?P<close>\})|(?P<end>[\n;])|(?P<in>[(\[])|(?P<out>[)\]])"
    r"|(?P<word>[^'\"{}\n;()\[\]/\x01]+|.)",
    re.DOTALL,
)
_PART = re.compile(r"\\(.)|\$\{([^{}]*)\}|\$([A-Za-z_]\w*(?:\.\w+)*)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\n": "\\\n"}
_PARAMETERS = re.compile(r"^[\w\s,.]*->\s*")
_CALLED_SO = re.compile(r"(\w+)\s*(?:,|->)")
_OPERATORS = (*",?:+=.", "&&", "||")
_LABEL = re.compile(r"\s*(?:case|default)\b")
_GIVEN = re.compile(rf"(?:\b(\w+)\s*:\s*)?{MARK}")


class Quoted(NamedTuple):
    """A text between quotes: its source without them, and the line that it begins on."""

    source: str
    line: int
    replaced: bool

    def text(self, value: Callable[[str], str] = str) -> str:
        """The text; ``value`` says what an expression stands for between double quotes."""

        def part(found: re.Match[str]) -> str:
            if found[1] is not None:
                return _ESCAPES.get(found[1], found[1])
            expression = found[2] if found[2] is not None else found[3]
            return value(expression.strip()) if self.replaced else found.group()

        return _PART.sub(part, self.source)


@dataclass
class Statement:
    """One statement: ``code`` is its source with marks for its texts, without its blocks.

    ``given_names`` are what its block, a closure, calls what it is given.
    """

    line: int
    code: str = ""
    texts: list[Quoted] = field(default_factory=list)
    block: list[Statement] = field(default_factory=list)
    has_block: bool = False
    given_names: list[str] = field(default_factory=list)

    @cached_property
    def scripts(self) -> list[str]:
        """What its ``sh`` run, and those below it."""
        own = [text.source for text in self.texts if self.name == "sh"]
        return [*own, *(script for inner in self.block for script in inner.scripts)]

    @cached_property
    def name(self) -> str:
        """The word that it begins with."""
        found = re.match(r"\s*(?:@\w+\s*)?([\w.]*)", self.code)
        return found[1] if found else ""

    def given(self, name: str = "") -> Quoted | None:
        """The text that stands for a parameter, or the first one without a name."""
        for found, text in zip(_GIVEN.finditer(self.code), self.texts, strict=False):
            if (found[1] or "") == name:
                return text
        return None

    @property
    def shown(self) -> str:
        """What is written, on one line; a text with variables between double quotes."""
        texts = iter(self.texts)

        def text(_: re.Match[str]) -> str:
            given = next(texts)
            quote = '"' if given.replaced and "$" in given.source else "'"
            return f"{quote}{given.source}{quote}"

        return re.sub(MARK, text, " ".join(self.code.split()))

    def below(self) -> Iterator[Statement]:
        """It and all statements in its blocks."""
        waiting = [self]
        while waiting:
            yield (one := waiting.pop())
            waiting += reversed(one.block)


class Parsed(NamedTuple):
    """The statements of a file, and the lines of braces that nothing opens or closes."""

    statements: list[Statement]
    unpaired: tuple[int, ...]


def inlined(statements: list[Statement]) -> list[Statement]:
    """Statements in which functions of the file stand where they are called."""
    named = [(_FUNCTION.fullmatch(one.code), one) for one in statements if one.has_block]
    bodies = {found[1]: one for found, one in named if found}
    asked = {found[1]: _listed(found[2]) for found, _ in named if found}
    called, missed = set[str](), set[str]()
    left = _MAX_INLINED

    def filled(statement: Statement, around: frozenset[str]) -> Statement:
        nonlocal left
        name, block = statement.name, statement.block
        if name in bodies and name not in around and "=" not in statement.code.partition("(")[0]:
            call = _CALL.fullmatch(statement.code)
            given = _listed(call[1]) if call else []
            left -= sum(1 for _ in bodies[name].below())
            if not call or len(given) != len(asked[name]):
                missed.add(name)
            elif left > 0 and len(around) < _MAX_AROUND:
                called.add(name)
                around |= {name}
                texts = iter(statement.texts)
                sets = [
                    Statement(
                        statement.line, f"{one} = {what}", [next(texts)] if MARK in what else []
                    )
                    for one, what in zip(asked[name], given, strict=True)
                ]
                block = [*sets, *bodies[name].block]
                statement = Statement(statement.line, "script ", has_block=True)
        return replace(statement, block=[filled(inner, around) for inner in block])

    own = {id(one) for one in bodies.values()}
    found = [filled(one, frozenset()) for one in statements if id(one) not in own]
    return [*(one for name, one in bodies.items() if name not in called - missed), *found]


def _listed(written: str) -> list[str]:
    """The names that a function asks for, or what a call gives it."""
    return [one.split()[-1] for one in written.split(",") if one.strip()]


def _goes_on(statement: Statement | None, word: str) -> bool:
    """Whether the next line belongs to a statement: an operator is its last word."""
    if word != "\n" or statement is None:
        return False
    return statement.code.rstrip().endswith(_OPERATORS) and not _LABEL.match(statement.code)


def parse(source: str, path: str) -> Parsed:
    """The statements of a file. Raises SpecError."""
    extra: list[int] = []
    top = Statement(1)
    open_: list[tuple[Statement, int]] = [(top, 0)]
    current: Statement | None = None
    ended: Statement | None = None
    depth, line = 0, 1
    for token in _TOKEN.finditer(source):
        kind, word = token.lastgroup, token.group()
        if kind == "close" or (kind == "end" and not depth and not _goes_on(current, word)):
            ended = None if word == ";" or kind == "close" else current or ended
            if current and not (current.code.strip() or current.has_block):
                open_[-1][0].block.remove(current)  # the names of what a closure is given
            current = None
        if kind == "open" and current is None and ended and not ended.has_block:
            current = ended  # a block may begin on a line of its own
        if kind == "close" and (depth or len(open_) == 1):
            extra.append(line)
        if kind == "close" and len(open_) > 1:
            current, depth = open_.pop()
            if not depth:
                current = None
        elif kind not in {"comment", "close", "end"} and (current or word.strip()):
            if current is None:
                current = Statement(line)
                open_[-1][0].block.append(current)
            depth += (kind == "in") - (kind == "out")
            if kind == "open":
                if len(open_) > _MAX_DEPTH:
                    raise failure(path, "too-deep", "the file is nested too deeply", line=line)
                current.has_block = True
                open_.append((current, depth))
                current, depth = None, 0
            elif kind == "text":
                size = 3 if word[:3] in {"'''", '"""'} else 1
                current.texts.append(Quoted(word[size:-size], line, word[0] == '"'))
                current.code += MARK
            else:
                current.code += word
                if "->" in word and (found := _PARAMETERS.match(current.code)):
                    open_[-1][0].given_names = _CALLED_SO.findall(found[0])
                    current.code = current.code[found.end() :]
        elif kind == "end" and current:
            current.code += " "
        line += word.count("\n")
    return Parsed(top.block, (*extra, *(statement.line for statement, _ in open_[1:])))
