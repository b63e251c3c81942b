"""``[ ]``, ``[[ ]]`` and ``grep -q`` as conditions."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, literal, spell
from ci_kaniko.importing.shell.files import resolved
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.patterns import affordable, portable_glob, python_regex
from ci_kaniko.importing.shell.regular import globs_of
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import Value, plain_of, stripped
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
_UNARY = {"-z", "-n", "-v", *_FILES}


def test_values(reader: Reader, values: list[Value]) -> int:
    """``test`` or ``[`` with its arguments, without the bracket that closes it."""
    guards, plain = reader.guards, [plain_of(held) for held in values]
    for sign, joined in (("-o", guards.either), ("-a", guards.both)):
        for at in range(1, len(values) - 1) if len(values) > 3 else ():
            if plain[at] == sign:
                here, rest = test_values(reader, values[:at]), values[at + 1 :]
                return joined(here, test_values(reader, rest))
    if len(values) == 3 and plain[1] in _BINARY:
        return binary(reader, values[0], plain[1] or "", values[2])
    if plain[:1] == ["!"] and len(values) > 1:
        return guards.negate(test_values(reader, values[1:]))
    if len(values) == 2 and plain[0] in _UNARY:
        return unary(reader, plain[0] or "", values[1])
    if len(values) == 1:
        return reader.is_set(values[0])
    return reader.conditions.unknown(f"[ {_shown(*values)} ]", reader.line)


def _shown(*values: Value) -> str:
    return " ".join(spell(held[0][1]) for held in values)


def binary(reader: Reader, left: Value, name: str, right: Value) -> int:
    """A comparison."""
    conditions, line = reader.conditions, reader.line
    if name in _NUMBERS:
        numbers = [re.fullmatch(r"-?[0-9]{1,9}", plain_of(held) or "") for held in (left, right)]
        if None in numbers:
            return conditions.unknown(f"[ {_shown(left)} {name} {_shown(right)} ]", line)
        one, other = (int(match[0]) for match in numbers if match)
        return YES if _NUMBERS[name](one, other) else NO
    same = reader.values.test_both(
        left, right, lambda one, other: conditions.equal(one, other, line)
    )
    return reader.guards.negate(same) if name == "!=" else same


def unary(reader: Reader, name: str, held: Value) -> int:
    """A test of one value."""
    if name in ("-n", "-z"):
        found = reader.is_set(held)
        return found if name == "-n" else reader.guards.negate(found)
    if name == "-v":
        return reader.is_set(reader.value(_shown(held)))
    return reader.values.test(held, lambda path: exists(reader, path))


def exists(reader: Reader, path: Text) -> int:
    """Whether a file is there: those that the script wrote are."""
    path = resolved(reader, path)
    reader.uses.look(file_thing(spell(path)))
    written = reader.guards.any(guard for guard, _ in reader.state.files.get(path, ()))
    if reader.conditions.implies(reader.state.path, written):
        return YES
    return reader.guards.either(written, reader.conditions.exists(path, reader.line))


# -- [[ ]] ---------------------------------------------------------------------------------------


def test_clause(reader: Reader, node: Tree) -> int:
    """What stands between ``[[`` and ``]]``."""
    kind = node["Type"]
    guards = reader.guards
    if kind == "Word":
        return reader.is_set(value(reader, node))
    if kind == "ParenTest":
        return test_clause(reader, node["X"])
    name = node["Op"]
    if name == "!":
        return guards.negate(test_clause(reader, node["X"]))
    if name in _UNARY:
        return unary(reader, name, value(reader, node["X"]))
    if name in ("&&", "||"):
        one, other = test_clause(reader, node["X"]), test_clause(reader, node["Y"])
        return guards.both(one, other) if name == "&&" else guards.either(one, other)
    if kind == "UnaryTest":
        return reader.conditions.unknown(f"[[ {name} ]]", reader.line)
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
    return plain_of(pattern(reader, word))


def _clause_regex(reader: Reader, held: Value, node: Tree) -> int:
    expression = _plain_pattern(reader, node)
    if expression is None:
        return reader.conditions.unknown(f"[[ {_shown(held)} =~ ... ]]", reader.line)
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
    python = python_regex(expression, extended=extended)
    globs = None if ignore_case else globs_of(python, whole=whole)
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
