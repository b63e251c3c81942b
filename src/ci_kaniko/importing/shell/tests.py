"""``[ ]``, ``[[ ]]`` and ``grep -q`` as conditions."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal, spell
from ci_kaniko.importing.shell.files import resolved
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.patterns import (
    affordable,
    globs_of_regex,
    portable_glob,
    python_regex,
)
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import Value, stripped
from ci_kaniko.importing.shell.words import pattern, value

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.parsing import Tree
    from ci_kaniko.importing.shell.reader import Reader

_FILES = {"-e", "-f", "-d", "-r", "-s", "-x", "-w", "-h", "-L", "-b", "-c", "-p", "-S"}
_NUMBERS = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-lt": operator.lt,
    "-le": operator.le,
    "-gt": operator.gt,
    "-ge": operator.ge,
}
_BINARY = {"=", "==", "!=", *_NUMBERS}
_UNARY = {"-z", "-n", "-v", "-t", *_FILES}


def test_command(reader: Reader, words: list[Tree]) -> int:
    """``test`` or ``[`` with its arguments, without the bracket that closes it."""
    return _Arguments(reader, [value(reader, word) for word in words]).whole()


class _Arguments:
    """The arguments of ``[``, read from left to right."""

    def __init__(self, reader: Reader, values: list[Value]) -> None:
        self.reader = reader
        self.values = values
        self.at = 0

    def whole(self) -> int:
        if not self.values:
            return NO
        found = self._any()
        return found if self.at == len(self.values) else self._unknown()

    def _unknown(self) -> int:
        shown = " ".join(spell(item[0][1]) for item in self.values)
        self.at = len(self.values)
        return self.reader.conditions.unknown(f"[ {shown} ]", self.reader.line)

    def _plain(self, ahead: int = 0) -> str | None:
        """The argument that is coming, if it has no holes."""
        at = self.at + ahead
        if at >= len(self.values) or len(self.values[at]) != 1:
            return None
        return literal(self.values[at][0][1])

    def _any(self) -> int:
        found = self._all()
        while self._plain() == "-o":
            self.at += 1
            found = self.reader.guards.either(found, self._all())
        return found

    def _all(self) -> int:
        found = self._one()
        while self._plain() == "-a":
            self.at += 1
            found = self.reader.guards.both(found, self._one())
        return found

    def _one(self) -> int:
        word, rest = self._plain(), len(self.values) - self.at
        if rest > 2 and self._plain(1) in _BINARY:
            self.at += 3
            left, name, right = self.values[self.at - 3 : self.at]
            return binary(self.reader, left, literal(name[0][1]) or "", right)
        if word == "!" and rest > 1:
            self.at += 1
            return self.reader.guards.negate(self._one())
        if word == "(" and rest > 2:
            self.at += 1
            found = self._any()
            self.at += 1
            return found
        if word in _UNARY and rest > 1:
            self.at += 2
            return unary(self.reader, word or "", self.values[self.at - 1])
        if self.at >= len(self.values):
            return self._unknown()
        self.at += 1
        return filled(self.reader, self.values[self.at - 1])


def filled(reader: Reader, held: Value) -> int:
    """Whether a value is not empty."""
    return reader.values.test(held, lambda text: reader.conditions.filled(text, reader.line))


def binary(reader: Reader, left: Value, name: str, right: Value) -> int:
    """A comparison."""
    conditions, line = reader.conditions, reader.line
    if name in _NUMBERS:
        return reader.values.test_both(
            left, right, lambda one, other: _number(reader, one, name, other)
        )
    same = reader.values.test_both(
        left, right, lambda one, other: conditions.equal(one, other, line)
    )
    return reader.guards.negate(same) if name == "!=" else same


def _number(reader: Reader, one: Text, name: str, other: Text) -> int:
    texts = literal(one), literal(other)
    if all(text is not None and re.fullmatch(r"-?[0-9]+", text) for text in texts):
        left, right = (int(text or "0") for text in texts)
        return YES if _NUMBERS[name](left, right) else NO
    if name == "-eq":
        return reader.conditions.equal(one, other, reader.line)
    shown = f"[ {spell(one)} {name} {spell(other)} ]"
    return reader.conditions.unknown(shown, reader.line)


def unary(reader: Reader, name: str, held: Value) -> int:
    """A test of one value."""
    if name in ("-n", "-z"):
        found = filled(reader, held)
        return found if name == "-n" else reader.guards.negate(found)
    if name == "-v":
        return reader.values.test(held, lambda text: filled(reader, reader.value(spell(text))))
    if name in _FILES:
        return reader.values.test(held, lambda path: exists(reader, path))
    shown = f"[ {name} {spell(held[0][1])} ]"
    return reader.conditions.unknown(shown, reader.line)


def exists(reader: Reader, path: Text) -> int:
    """Whether a file is there: those that the script wrote are."""
    path = resolved(reader, path)
    reader.uses.look(file_thing(spell(path)))
    written = NO
    for guard, _ in reader.state.files.get(path, ()):
        written = reader.guards.either(written, guard)
    if reader.conditions.implies(reader.state.path, written):
        return YES
    return reader.guards.either(written, reader.conditions.exists(path, reader.line))


# -- [[ ]] ---------------------------------------------------------------------------------------


def test_clause(reader: Reader, node: Tree) -> int:
    """What stands between ``[[`` and ``]]``."""
    kind = node["Type"]
    guards = reader.guards
    if kind == "Word":
        return filled(reader, value(reader, node))
    if kind == "ParenTest":
        return test_clause(reader, node["X"])
    name = node["Op"]
    if kind == "UnaryTest":
        if name == "!":
            return guards.negate(test_clause(reader, node["X"]))
        return unary(reader, "-e" if name == "-a" else name, value(reader, node["X"]))
    if name == "&&":
        one = test_clause(reader, node["X"])
        return guards.both(one, test_clause(reader, node["Y"]))
    if name == "||":
        one = test_clause(reader, node["X"])
        return guards.either(one, test_clause(reader, node["Y"]))
    left = value(reader, node["X"])
    if name == "=~":
        return _clause_regex(reader, left, node["Y"])
    if name in ("=", "==", "!="):
        found = like(reader, left, pattern(reader, node["Y"]))
        return guards.negate(found) if name == "!=" else found
    return binary(reader, left, name, value(reader, node["Y"]))


def like(reader: Reader, held: Value, wanted: Value) -> int:
    """Whether a value matches a pattern."""
    return reader.values.test_both(
        held, wanted, lambda text, one: reader.conditions.like(text, one, reader.line)
    )


def within_segments(reader: Reader, word: Value, nothing: Tree, last: Tree) -> int | None:
    """Where ``*/*) ;; v*) ...`` takes its last arm: a glob whose ``*`` does not cross segments.

    None when the first arm is there for something else.
    """
    patterns = [
        [_plain_pattern(reader, wanted) for wanted in arm.get("Patterns") or []]
        for arm in (nothing, last)
    ]
    glob = portable_glob(patterns[1][0] or "") if len(patterns[1]) == 1 else None
    if not glob or "*" not in glob:
        return None
    skipped = {"/".join("*" * (glob.count("/") + 2))} | ({""} if glob == "**" else set())
    if set(patterns[0]) != skipped:
        return None
    within = re.sub(r"\*+", "*", glob)
    return reader.values.test(word, lambda text: reader.conditions.glob(text, within, reader.line))


def _plain_pattern(reader: Reader, word: Tree) -> str | None:
    found = pattern(reader, word)
    return literal(found[0][1]) if len(found) == 1 else None


def _clause_regex(reader: Reader, held: Value, node: Tree) -> int:
    wanted = pattern(reader, node)
    expression = literal(wanted[0][1]) if len(wanted) == 1 else None
    if expression is None:
        return reader.conditions.unknown(f"[[ {spell(held[0][1])} =~ ... ]]", reader.line)
    return found_by(reader, held, expression, extended=True)


def found_by(
    reader: Reader,
    held: Value,
    expression: str,
    *,
    extended: bool,
    whole: bool = False,
    ignore_case: bool = False,
) -> int:
    """Whether a regular expression is found in a value."""
    globs = None if ignore_case else globs_of_regex(expression, extended=extended, whole=whole)
    python = python_regex(expression, extended=extended)
    python = f"^(?:{python})$" if whole else python
    python = f"(?i){python}" if ignore_case else python

    def test(text: Text) -> int:
        text = stripped(text)
        plain_text = literal(text)
        if plain_text is not None:
            return _search(reader, python, plain_text)
        if globs is None:
            return reader.conditions.regex(text, python, reader.line)
        found = NO
        if _search(reader, python, "") == YES:
            found = reader.guards.negate(reader.conditions.filled(text, reader.line))
        for glob in globs:
            found = reader.guards.either(found, reader.conditions.glob(text, glob, reader.line))
        return found

    return reader.values.test(held, test)


def _search(reader: Reader, expression: str, text: str) -> int:
    try:
        return YES if re.search(affordable(expression, text), text, re.MULTILINE) else NO
    except re.error:
        return reader.conditions.unknown(f"{text} =~ {expression}", reader.line)


def grep(reader: Reader, words: list[str], held: Value | None) -> int:
    """Whether grep finds something in its input."""
    letters = "".join(word[1:] for word in words if re.fullmatch(r"-[A-Za-z]+", word))
    given = [word for word in words if not word.startswith("-")]
    if held is None or len(given) != 1 or set(letters) - set("EFqisxve"):
        return reader.conditions.unknown(f"grep {' '.join(words)}", reader.line)
    fixed = "F" in letters
    found = found_by(
        reader,
        held,
        re.sub(r"[][\\.*^$+?(){}|]", r"\\\g<0>", given[0]) if fixed else given[0],
        extended=fixed or "E" in letters,
        whole="x" in letters,
        ignore_case="i" in letters,
    )
    return reader.guards.negate(found) if "v" in letters else found
