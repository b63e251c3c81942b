"""The structure of a Jenkinsfile: statements with their texts and blocks, and no more of Groovy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.importing.signs import are_mentioned
from ci_kaniko.importing.ticked import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_DEPTH = 100
_MAX_INLINED = 2_000
_MAX_AROUND = 10
MARK = "\x01"
_FUNCTION = re.compile(
    r"\s*(?:@\w+\s+)*(?:(?:def|void|private|static)\s+)+(\w+)"
    rf"\s*\((?![^)]*\.\.\.)([\w\s,.={MARK}]*)\)\s*"
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
ASSIGNED = re.compile(r"\s*(?:(?:def|String|final)\s+)*(?:env\.)?(\w+)\s*=(?![=~])")
_CHOICE = re.compile(
    r"(?P<test>[^?:]*[^?:\s])\s*\?(?:\s*(?P<then>[^?:]*[^?:\s])\s*:|:)(?P<other>[^:?]*)"
)
"""A choice between two values: ``TEST ? ONE : OTHER`` or ``ONE ?: OTHER``."""
_CHOOSING = re.compile(
    rf"\s*sh\b[\s(]*(?:script\s*:)?(.*\S)\s*\?\s*{MARK}\s*:\s*{MARK}[\s)]*", re.DOTALL
)
"""A step that runs one of two scripts."""
_PLAIN = re.compile(
    rf"\s*sh\b(?:[\s(]*|.*[\s,(\[]script\s*:\s*){MARK}"
    r"(?:\.(?:strip|stripIndent|stripMargin|toString|trim)\(\))*\s*(?:[,)].*|\](?!\s*\.).*|$)",
    re.DOTALL,
)
"""A step that runs a script as it is written."""
_CHOSEN = "chosen_"
_MAX_CHOICES = 100
_SCRIPT_FILE = re.compile(r"\.sh\b(?<!daemonless\.sh)")
_CALLED_SO = re.compile(r"(\w+)\s*(?:,|->)")
_OPERATORS = (*",?:+=.", "&&", "||")
_LABEL = re.compile(r"\s*(?:case|default)\b")
_GIVEN = re.compile(rf"(?:\b(\w+)\s*:\s*)?{MARK}")


_CALLED_WITH = r"\((?:[^()]|\([^()]*\))*\)"
_TERM = (
    rf"(?:(?<![\w.])[A-Za-z_][\w.]*(?:{_CALLED_WITH}[\w.]*)*|(?<![\w.)\]]){_CALLED_WITH}"
    rf"|(?<![\w.])\d+|{MARK}(?:\.\w+{_CALLED_WITH})*)"
)
_SUM = re.compile(rf"{_TERM}(?:\s*\+(?![=+])\s*{_TERM})+|{MARK}")
"""Values with ``+`` between them, or a text alone."""


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

    @property
    def woven(self) -> str:
        """Its source between double quotes, where more may follow."""

        def part(found: re.Match[str]) -> str:
            if found[1] is None and self.replaced:
                return f"${{{found[3] if found[2] is None else found[2]}}}"
            return found.group() if found[1] is not None else f"\\{found.group()}"

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


def _summed(statement: Statement) -> None:
    """Make one text of a statement's texts that have ``+`` between them and other values."""
    left, texts = iter(statement.texts), list[Quoted]()

    def text(found: re.Match[str]) -> str:
        own = [next(left) for _ in range(found[0].count(MARK))]
        terms = re.findall(_TERM, found[0])
        if MARK not in terms or len(terms) == 1:
            texts.extend(own)
            return found[0]
        inner = iter(own)
        made = "".join(
            next(inner).woven if term == MARK else term if term.isdigit() else _hole(term, inner)
            for term in terms
        )
        texts.append(Quoted(made, own[0].line, replaced=True))
        return MARK

    statement.code = _SUM.sub(text, statement.code)
    statement.texts = texts


def _hole(term: str, texts: Iterator[Quoted]) -> str:
    """A value between double quotes."""
    written = re.sub(MARK, lambda _: f"'{next(texts).source}'", term)
    return f"${{{re.sub('[{}]', '', written)}}}"


def inlined(statements: list[Statement]) -> list[Statement]:
    """Statements in which functions of the file stand where they are called."""
    named = [(_FUNCTION.fullmatch(one.code), one) for one in statements if one.has_block]
    bodies = {found[1]: one for found, one in named if found}
    asked = {found[1]: [*_asked(found[2], one)] for found, one in named if found}
    called, missed = set[str](), set[str]()
    left = _MAX_INLINED

    def filled(statement: Statement, around: frozenset[str]) -> Statement:
        nonlocal left
        name, block = statement.name, statement.block
        if name in bodies and name not in around and "=" not in statement.code.partition("(")[0]:
            call = _CALL.fullmatch(statement.code)
            given = _given(call[1] if call else "", statement, asked[name])
            left -= sum(1 for _ in bodies[name].below())
            if not call or given is None:
                missed.add(name)
            elif left > 0 and len(around) < _MAX_AROUND:
                called.add(name)
                around |= {name}
                block = [*given, *bodies[name].block]
                statement = Statement(statement.line, "script ", has_block=True)
        return replace(statement, block=[filled(inner, around) for inner in block])

    own = {id(one) for one in bodies.values()}
    found = [filled(one, frozenset()) for one in statements if id(one) not in own]
    return [*(one for name, one in bodies.items() if name not in called - missed), *found]


def _listed(written: str, texts: list[Quoted]) -> Iterator[tuple[str, list[Quoted]]]:
    """What stands between the commas of a list, each with its text."""
    left = iter(texts)
    for one in written.split(","):
        if one.strip():
            yield one.strip(), [next(left)] if MARK in one else []


def _asked(written: str, function: Statement) -> Iterator[Statement]:
    """The parameters of a function, as what sets each to its default."""
    for one, texts in _listed(written, function.texts):
        name, _, value = one.partition("=")
        code = f"{name.split()[-1]} = {value.strip()}" if value else name.split()[-1]
        yield Statement(function.line, code, texts)


def _given(written: str, call: Statement, asked: list[Statement]) -> list[Statement] | None:
    """What sets the parameters of a function that is called; None for too many or too few."""
    given = [*_listed(written, call.texts)]
    defaults = [at for at, one in enumerate(asked) if "=" in one.code]
    missing = len(asked) - len(given)
    if not 0 <= missing <= len(defaults):
        return None
    left_out = {*defaults[len(defaults) - missing :]}
    values = iter(given)
    return [
        one if at in left_out else _passed(one, call.line, *next(values))
        for at, one in enumerate(asked)
    ]


def _passed(parameter: Statement, line: int, value: str, texts: list[Quoted]) -> Statement:
    return Statement(line, f"{parameter.code.partition(' ')[0]} = {value}", texts)


def chosen(statements: list[Statement], path: str) -> tuple[list[Statement], list[str]]:
    """Statements whose scripts choose in no text, but before it; and what holds the choices."""
    names: list[str] = []

    def apart(statement: Statement) -> list[Statement]:
        before: list[Statement] = []
        if either := _CHOOSING.fullmatch(statement.code):
            line, count = statement.line, either[1].count(MARK)
            one, other = (Statement(line, f"sh {MARK}", [it]) for it in statement.texts[count:])
            asked = statement.texts[:count]
            test = Statement(line, f"if ({either[1]})", asked, [one], has_block=True)
            return [*apart(test), *apart(Statement(line, "else", block=[other], has_block=True))]

        def named(found: re.Match[str], line: int) -> str:
            choice = _CHOICE.fullmatch(found[2] or "")
            if choice is None or len(names) >= _MAX_CHOICES:
                return found.group()
            test, then, other = (part.strip() for part in choice.groupdict("").values())
            name = f"{_CHOSEN}{len(names)}"
            values = [_as_text(one) for one in (then or test, other)]
            made = parse(f"{name} = {test} ? {values[0]} : {values[1]}", path).statements
            if len(made) != 1 or made[0].has_block:
                return found.group()
            names.append(name)
            before.append(replace(made[0], line=line))
            return f"${{{name}}}"

        def text(given: Quoted) -> Quoted:
            source = _PART.sub(lambda found: named(found, given.line), given.source)
            return given._replace(source=source)

        may = statement.name == "sh" or ASSIGNED.match(statement.code)
        texts = [text(one) if may and one.replaced else one for one in statement.texts]
        block = [each for one in statement.block for each in apart(one)]
        moved = [one for inner in block if inner.name == "environment" for one in _choosing(inner)]
        block = [_beginning_with(moved, one) for one in block] if moved else block
        return [*before, replace(statement, texts=texts, block=block)]

    return [each for one in statements for each in apart(one)], names


def _choosing(environment: Statement) -> list[Statement]:
    """What chooses in the variables of a block, and those that are made of it."""
    found: list[Statement] = []
    for one in environment.block:
        made = "|".join(map(_set, found))
        asks = re.compile(rf"\$\{{?(?:env\.)?(?:{made})\b")
        if one.name.startswith(_CHOSEN) or (
            made and any(asks.search(text.source) for text in one.texts if text.replaced)
        ):
            found.append(one)
    return found


def _set(statement: Statement) -> str:
    """The variable that a statement sets, if it sets one."""
    found = ASSIGNED.match(statement.code)
    return found[1] if found else ""


def _beginning_with(moved: list[Statement], statement: Statement) -> Statement:
    """A statement without what chooses in its environment: its steps that build do that."""
    if statement.name == "environment":
        return replace(statement, block=[one for one in statement.block if one not in moved])
    own = {
        _set(one) for each in statement.block if each.name == "environment" for one in each.block
    }
    moved = [one for one in moved if _set(one) not in own]
    block = [_beginning_with(moved, one) for one in statement.block]
    if statement.name == "steps":
        scripts = " ".join(statement.scripts)
        if _SCRIPT_FILE.search(scripts):
            block = [*moved, *block]  # which may read each of them
        elif are_mentioned(scripts):
            block = [*_needed(moved, statement), *block]
    return replace(statement, block=block)


def _needed(moved: list[Statement], steps: Statement) -> list[Statement]:
    """Of what sets variables that which steps speak of."""
    spoken = {word for one in steps.below() for word in _words(one)}
    found: list[Statement] = []
    for one in reversed(moved):
        if _set(one) in spoken:
            spoken |= _words(one)
            found.append(one)
    return found[::-1]


def _words(statement: Statement) -> set[str]:
    return {
        *re.findall(r"\w+", " ".join([statement.code, *(one.source for one in statement.texts)]))
    }


def _as_text(value: str) -> str:
    """A value as it is written between quotes."""
    return value if value[:1] in "'\"" else f'"${{{value}}}"'


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
    for one in top.below():
        if "+" in one.code and MARK in one.code:
            _summed(one)
        made = one.name == "sh" and one.texts and not _PLAIN.match(one.code)
        if made and not _CHOOSING.fullmatch(one.code):
            script = _hole(one.code.strip()[2:].strip(), iter(one.texts))
            one.code, one.texts = f"sh {MARK}", [Quoted(script, one.line, replaced=True)]
    return Parsed(top.block, (*extra, *(statement.line for statement, _ in open_[1:])))
