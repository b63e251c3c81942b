"""Loops of a Jenkinsfile over words that stand in it, as what they do one after the other."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.jenkins.groovy import ASSIGNED, MARK, Quoted, Statement
from ci_kaniko.importing.shell.secrets import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = r"(?:(?:env|params)\.)?[A-Za-z_]\w*"
_LOOP = re.compile(
    r"\s*(?:for\s*\(\s*(?:(?:def|final|String)\s+)*(?P<one>\w+)\s*(?:in\b|:)(?P<over>.*)\)"
    r"|(?P<each>.*)\.each\s*(?:\(\s*\))?)\s*",
    re.DOTALL,
)
_WORD = re.compile(rf"{MARK}|(?<![\w.$])[A-Za-z_]\w*(?:\.\w+)?(?!\w|\s*(?:[(\[.]|[:=](?![=~])))")
_HELD = re.compile(r"(?<!\\)\$(?:\{\s*(\w+(?:\.\w+)?)\s*\}|(\w+(?:\.\w+)?)(?![\w.]))")
_PUSHED = re.compile(r"(?:--destination[= ]|\bpush )\s*([^\s\"'-]\S*[^\s\"';])")
_PARALLEL = re.compile(r"\s*parallel[\s(]+(\w+)[\s)]*")
_BRANCH = re.compile(r"\s*(\w+)\[.*\]\s*=\s*", re.DOTALL)
_LIST = re.compile(r"\[(.*)\](?:\s+as\s+\w+)?", re.DOTALL)
_PAIR = re.compile(rf"\s*(\w+|{MARK})\s*:\s*({MARK})\s*")
_CHANGED = re.compile(r"\b(\w+)\s*(?:<<|[+-]=|\.(?:add|clear|put|remove|retain)\w*)")
_MAX_CELLS = 50
_MAX_LENGTH = 30_000

Told = tuple[Statement, str]
Turn = dict[str, str]
"""What a loop's variable is in one turn: itself under an empty name, and what it holds."""


def default(parameter: Statement) -> str:
    """What a run has for a parameter that nobody sets; empty for nothing."""
    if parameter.name == "choice" and len(parameter.texts) > 1:
        return parameter.texts[1].text()
    if text := parameter.given("defaultValue"):
        return text.text()
    plain = re.search(r"defaultValue\s*:\s*(\w+)", parameter.code)
    return plain[1] if plain else "false" * (parameter.name == "booleanParam")


def with_defaults(statements: list[Statement]) -> tuple[list[Statement], list[Told]]:
    """Statements that ask for no parameter: each has its default; and what that decides."""
    whole = [inner for each in statements for inner in each.below()]
    values = {
        f"params.{name.text()}": value
        for one in whole
        for parameter in (one.block if one.name == "parameters" else ())
        if (name := parameter.given("name")) and (value := default(parameter))
        if parameter.name != "password" and not is_secret_name(name.text())
    }
    told = []
    for one in whole if values else ():
        asked = [list(inner.below()) for inner in one.block if inner.name == "when"]
        for each in [*asked, *([[one]] if one.name in {"if", "else"} else [])]:
            shown = " ".join(inner.shown for inner in each).strip()
            if asks := [name for name in re.findall(r"\bparams\.\w+", shown) if name in values]:
                said = f"{shown} asks for {asks[0]}: the spec has the default{_pushes(one)}"
                told.append((replace(one, line=each[0].line), said))
    return [substituted(one, values) for one in statements] if values else statements, told


def _pushes(statement: Statement) -> str:
    pushed = [name for text in statement.scripts for name in _PUSHED.findall(text)]
    return f"; it pushes {', '.join(dict.fromkeys(pushed))}" if pushed else ""


def unrolled(statements: list[Statement]) -> tuple[list[Statement], set[str]]:
    """Statements in which each turn of a loop stands by itself; and the names of their lists."""
    return (loops := _Loops(statements)).without(statements), loops.used


class _Loops:
    def __init__(self, statements: list[Statement]) -> None:
        self.used: set[str] = set()
        self._left = _MAX_LENGTH
        self._set: dict[str, tuple[str, Statement]] = {}
        self._beside: set[str] = set()
        self._lost: set[str] = set()
        whole = [inner for each in statements for inner in each.below()]
        for one in whole:
            self._lost.update(_CHANGED.findall(one.code))
            if named := _PARALLEL.fullmatch(one.code):
                self._beside.add(named[1])
            if named := ASSIGNED.match(one.code):
                self._lost.update({named[1]} & self._set.keys())
                self._set[named[1]] = one.code[named.end() :], one

    def without(self, statements: list[Statement]) -> list[Statement]:
        """Statements without those loops."""
        return [self._turned(statement) for statement in statements]

    def _fits(self, below: list[Statement], turns: int) -> bool:
        """Whether so many turns of statements are taken, which are few enough."""
        inner = [each for one in below for each in one.below()]
        size = sum(len(one.code) + sum(len(text.source) for text in one.texts) for one in inner)
        fits = 0 < turns * size <= self._left
        self._left -= turns * size if fits else 0
        return fits

    def _beside_each_other(self, matrix: Statement) -> Statement:
        """A matrix as a stage for each of its cells."""
        line, rest = matrix.line, [one for one in matrix.block if one.name != "axes"]
        axes = [axis.block for one in matrix.block if one.name == "axes" for axis in one.block]
        named = [(one.given(), two.texts) for axis in axes if _is_axis(axis) for one, two in [axis]]
        cells = [
            {name.text(): text.text() for (name, _), text in zip(named, cell, strict=True) if name}
            for cell in islice(product(*(texts for _, texts in named)), _MAX_CELLS)
        ]
        held = "excludes" in {one.name for one in rest} or len(named) != len(axes)
        if held or not self._fits(rest, len(cells)):
            return matrix
        block = []
        for cell in cells:
            self.used |= cell.keys()
            sets = [
                Statement(line, f"{name} = {MARK}", [Quoted(value, line, replaced=False)])
                for name, value in cell.items()
            ]
            called = Quoted(" ".join(cell.values()), line, replaced=False)
            inner = [Statement(line, "environment ", block=sets, has_block=True)]
            inner += [substituted(one, cell) for one in rest]
            block.append(Statement(line, f"stage({MARK})", [called], inner, has_block=True))
        return Statement(line, "parallel ", block=block, has_block=True)

    def _turned(self, statement: Statement) -> Statement:
        if statement.name == "matrix" and statement.has_block:
            statement = self._beside_each_other(statement)
        loop = _LOOP.fullmatch(statement.code) if statement.has_block else None
        branch = _BRANCH.fullmatch(statement.code) if statement.has_block else None
        if branch and branch[1] in self._beside:
            statement = replace(statement, code="script ", texts=[])
        over = (loop["over"] or loop["each"]) if loop else ""
        turns = self._turns(over, statement)
        names = [loop["one"]] if loop and loop["one"] else statement.given_names or ["it"]
        below = [inner for one in statement.block for inner in one.below()] if turns else []
        sets = {found[1] for one in below if (found := ASSIGNED.match(one.code))}
        if not turns or sets & {*names} or not self._fits(statement.block, len(turns)):
            return replace(statement, block=self.without(statement.block))
        self._use(over)
        block: list[Statement] = []
        for turn in turns:
            values = {f"{names[0]}{held}": value for held, value in turn.items()}
            if len(names) == 2:
                values = {names[0]: turn.get(".key", ""), names[1]: turn.get(".value", "")}
            block += [substituted(one, values) for one in statement.block]
        return Statement(statement.line, "script ", block=self.without(block), has_block=True)

    def _use(self, over: str) -> None:
        for name in {one.rpartition(".")[2] for one in re.findall(_NAME, over)} - self.used:
            self.used.add(name)
            self._use(self._set[name][0] if name in self._set else "")

    def _turns(self, over: str, statement: Statement, depth: int = 3) -> list[Turn]:
        """What a loop goes over, in the order of its turns; nothing where only a run knows."""
        over, texts = over.strip(), iter(statement.texts)
        name = over.rpartition(".")[2]
        if re.fullmatch(_NAME, over):
            known = depth and name in self._set and name not in self._lost
            return self._turns(*self._set[name], depth - 1) if known else []
        listed = _LIST.fullmatch(over)
        if listed is None or any(one.replaced and "$" in one.source for one in statement.texts):
            return []
        parts = [part for part in listed[1].split(",") if part.strip()]
        if all(part.strip() == MARK for part in parts):
            return [{"": text.text()} for text in statement.texts]
        if all(map(_PAIR.fullmatch, parts)):
            return [{".key": key, ".value": value} for key, value in _pairs(listed[1], texts)]
        maps = re.findall(r"\[([^\[\]]*)\]", listed[1])
        rows = [{f".{key}": value for key, value in _pairs(one, texts)} for one in maps]
        rest = re.sub(r"\[[^\[\]]*\]|[\s,]", "", listed[1])
        return [] if rest or next(texts, None) else rows


def _is_axis(block: list[Statement]) -> bool:
    return [one.name for one in block] == ["name", "values"] and block[0].given() is not None


def _pairs(code: str, texts: Iterator[Quoted]) -> list[tuple[str, str]]:
    return [
        (next(texts).text() if key == MARK else key, next(texts).text())
        for key, _ in _PAIR.findall(code)
    ]


def substituted(statement: Statement, values: Mapping[str, str]) -> Statement:
    """A statement in which texts stand for some names, and the same in its blocks."""
    left, texts = iter(statement.texts), list[Quoted]()

    def hole(found: re.Match[str]) -> str:
        value = values.get(found[1] or found[2])
        return found[0] if value is None else re.sub(r"(?=[\\\"$])", r"\\", value)

    def text(found: re.Match[str]) -> str:
        if found[0] != MARK and found[0] not in values:
            return found[0]
        if found[0] == MARK:
            given = next(left)
            source = _HELD.sub(hole, given.source) if given.replaced else given.source
            texts.append(given._replace(source=source))
        else:
            source = re.sub(r"(?=[\\'])", r"\\", values[found[0]])
            texts.append(Quoted(source, statement.line, replaced=False))
        return MARK

    block = [substituted(each, values) for each in statement.block]
    return replace(statement, code=_WORD.sub(text, statement.code), texts=texts, block=block)
