"""Words of the shell -> texts: quotes, variables, substitutions, and how words are split."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.importing.calls import Output, Part, Text, Var, join, literal, only_var, spell
from ci_kaniko.importing.shell.derived import recognised
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.shell.text_filters import unescaped
from ci_kaniko.importing.shell.values import (
    EMPTY,
    UNKNOWN_ARGUMENTS,
    Item,
    Value,
    change_text,
    plain,
    plain_of,
    pure,
    stripped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ci_kaniko.importing.shell.parsing import Tree
    from ci_kaniko.importing.shell.reader import Reader

_SPECIAL_IN_PATTERNS = re.compile(r"[\\*?\[\]]")
_BRACES = re.compile(r"(?<![$\\])\{([^{}\s\"':]*,[^{}\s\"':]*)\}")


class Piece(NamedTuple):
    """A part of a word: a value, or the ``items`` of a list.

    Only what an unquoted expansion gives is split into words.
    """

    value: Value
    quoted: bool
    splits: bool
    items: list[Item] | None = None

    def whole(self, reader: Reader) -> Value:
        """The value, also of a list that stands beside something else."""
        return self.value if self.items is None else _joined(reader, self.items)


class Segment(NamedTuple):
    """A piece with one text."""

    text: Text
    quoted: bool
    splits: bool


# -- three ways to read a word -------------------------------------------------------------------


def fields(reader: Reader, word: Tree) -> list[Item]:
    """The words that a word becomes when it stands in a command."""
    line = reader.line_of(word)
    pieces = _pieces(reader, word["Parts"], quoted=False, tilde=True)
    if len(pieces) == 1 and pieces[0].items is not None:
        reader.guards.budget.spend(3 * len(pieces[0].items))
        return [item._replace(line=item.line or line) for item in pieces[0].items]
    marks = separators(reader)
    braces = reader.dialect == "bash" and any(
        part["Type"] == "Lit" and _BRACES.search(part.get("Value", "")) for part in word["Parts"]
    )
    alternatives = [
        (
            guard,
            [
                Item(YES, text, split, line)
                for text, split in _split(segments, marks)
                for text in (_braced(reader, text) if braces else (text,))
            ],
        )
        for guard, segments in _combinations(reader, pieces)
    ]
    return _together(reader, alternatives)


def _together(reader: Reader, alternatives: list[tuple[int, list[Item]]]) -> list[Item]:
    """The words that a word can become, as one list in which each tells when it is there."""
    if len(alternatives) == 1:
        return alternatives[0][1]
    guards = reader.guards
    if all(len(words) < 2 for _, words in alternatives):
        single: dict[Item, int] = {}
        for guard, words in alternatives:
            for word in words:
                single[word] = guards.either(single.get(word, NO), guard)
        return [word._replace(guard=guard) for word, guard in single.items()]
    found: list[Item] = []
    reached = NO
    for guard, words in alternatives:
        found = reader.values.merged(found, reached, words, guard)
        reached = guards.either(reached, guard)
    return found


def value(reader: Reader, word: Tree | None) -> Value:
    """A word that stays one, as in an assignment."""
    if word is None:
        return EMPTY
    return _whole(reader, _pieces(reader, word["Parts"], quoted=False, tilde=True))


def text_of_parts(reader: Reader, parts: list[Tree]) -> Value:
    """The body of a here-document."""
    return _whole(reader, _pieces(reader, parts, quoted=True, document=True))


def pattern(reader: Reader, word: Tree) -> Value:
    """A word that is a pattern: what was quoted is escaped."""
    pieces = _pieces(reader, word["Parts"], quoted=False, escapes=True)
    values = [
        reader.values.each(piece.whole(reader), lambda text: pure(_escaped(text)))
        if piece.quoted
        else piece.whole(reader)
        for piece in pieces
    ]
    return reader.concat(values)


def source(reader: Reader, word: Tree) -> str | None:
    """A word without holes, as the script means it."""
    return plain_of(value(reader, word))


def _whole(reader: Reader, pieces: list[Piece]) -> Value:
    return reader.concat([piece.whole(reader) for piece in pieces])


def _escaped(text: Text) -> Text:
    return tuple(
        _SPECIAL_IN_PATTERNS.sub(r"\\\g<0>", part) if isinstance(part, str) else part
        for part in text
    )


# -- splitting -----------------------------------------------------------------------------------


def _combinations(reader: Reader, pieces: list[Piece]) -> Iterable[tuple[int, list[Segment]]]:
    """Every text that each piece can have, together with the others."""
    whole: list[tuple[int, list[Segment]]] = [(YES, [])]
    both, possible = reader.guards.both, reader.conditions.possible
    values = reader.values.bounded([piece.whole(reader) for piece in pieces])
    for piece, value in zip(pieces, values, strict=True):
        alternatives = [(guard, Segment(text, piece.quoted, piece.splits)) for guard, text in value]
        if len(alternatives) == 1 and alternatives[0][0] == YES:
            for _, before in whole:
                before.append(alternatives[0][1])
            continue
        whole = [
            (joined, [*before, segment])
            for guard, before in whole
            for inner, segment in alternatives
            for joined in (both(guard, inner),)
            if possible(both(joined, reader.state.path))
        ]
    return whole


def split_words(text: Text, marks: str) -> list[tuple[Text, bool]]:
    """The words of a text, and whether one of them may turn out to be several."""
    return _split([Segment(text, quoted=False, splits=True)], marks)


def separators(reader: Reader) -> str:
    """What separates words: ``$IFS``."""
    found = reader.state.variables.get("IFS")
    marks = plain_of(found) if found else None
    return " \t\n" if marks is None else marks


def _split(segments: list[Segment], marks: str) -> list[tuple[Text, bool]]:
    """Words, and whether one of them may turn out to be several."""
    words: list[tuple[list[Part], bool]] = []
    current: list[Part] = []
    present = split = False

    def end() -> None:
        nonlocal current, present, split
        if present:
            words.append((current, split))
        current, present, split = [], False, False

    for segment in segments:
        if not segment.splits:
            present = present or segment.quoted or bool(segment.text)
            current += segment.text
            continue
        for part in segment.text:
            if not isinstance(part, str):
                current.append(part)
                present = split = True
                continue
            for index, piece in enumerate(_cut(part, marks)):
                if index:
                    end()
                if piece:
                    current.append(piece)
                    present = True
    end()
    return [(join(parts), may_split) for parts, may_split in words]


def _cut(text: str, marks: str) -> list[str]:
    return re.split(f"[{re.escape(marks)}]+", text) if marks else [text]


def _braced(reader: Reader, text: Text) -> list[Text]:
    """``{a,b}`` in bash; other shells take it as it is."""
    reader.guards.budget.spend(50)
    for at, part in enumerate(text):
        match = _BRACES.search(part) if isinstance(part, str) else None
        if match and isinstance(part, str):
            head, tail = part[: match.start()], part[match.end() :]
            return [
                word
                for middle in match[1].split(",")
                for word in _braced(
                    reader, join((*text[:at], head + middle + tail, *text[at + 1 :]))
                )
            ]
    return [text]


# -- pieces --------------------------------------------------------------------------------------


def _pieces(
    reader: Reader,
    parts: list[Tree],
    *,
    quoted: bool,
    tilde: bool = False,
    escapes: bool = False,
    document: bool = False,
) -> list[Piece]:
    found: list[Piece] = []
    for index, part in enumerate(parts):
        kind = part["Type"]
        if kind == "Lit":
            text = part.get("Value", "")
            if tilde and not index and re.match(r"~(/|$)", text):
                found.append(Piece(pure((Var("HOME"),)), quoted=True, splits=False))
                text = text[1:]
            found += _literal(reader, text, quoted=quoted, escapes=escapes, document=document)
        elif kind == "SglQuoted":
            text = part.get("Value", "")
            text = unescaped(text) if part.get("Dollar") else text
            found.append(Piece(reader.filled(reader.source(text)), quoted=True, splits=False))
        elif kind == "DblQuoted":
            inner = _pieces(reader, part.get("Parts") or [], quoted=True)
            found += inner or [Piece(EMPTY, quoted=True, splits=False)]
        else:
            found.append(_expansion(reader, part, quoted=quoted))
    return found


def _literal(
    reader: Reader, text: str, *, quoted: bool, escapes: bool, document: bool
) -> list[Piece]:
    if quoted:
        special = r"\\([$`\\])" if document else r"\\([$`\"\\])"
        text = re.sub(special, r"\1", text.replace("\\\n", ""))
    elif not escapes:
        text = re.sub(r"\\(.)", r"\1", text.replace("\\\n", ""), flags=re.DOTALL)
    parts = reader.source(text)
    if quoted or (len(parts) == 1 and isinstance(parts[0], str)):
        return [Piece(reader.filled(parts), quoted=quoted, splits=False)] if text else []
    return [
        Piece(reader.filled((part,)), quoted=False, splits=not isinstance(part, str))
        for part in parts
    ]


def _expansion(reader: Reader, part: Tree, *, quoted: bool) -> Piece:
    kind = part["Type"]
    if kind == "ParamExp":
        return _parameter(reader, part, quoted=quoted)
    if kind == "CmdSubst":
        found = reader.capture(part.get("Stmts") or [])
        stripped_value = reader.values.each(found, lambda text: pure(stripped(text)))
        return Piece(stripped_value, quoted, splits=not quoted)
    if kind == "ArithmExp":
        look_at_names(reader, part["X"])
        return Piece(pure((Output("(...)"),)), quoted, splits=False)
    return Piece(pure((Output(kind),)), quoted, splits=False)


def arithmetic(reader: Reader, node: Tree) -> int | None:
    """A number; of any other expression only what it looks at."""
    if node.get("Type") == "UnaryArithm" and node["Op"] == "-":
        found = arithmetic(reader, node["X"])
        return None if found is None else -found
    text = source(reader, node) if node.get("Type") == "Word" else None
    look_at_names(reader, node)
    if text is not None and text in reader.state.variables:
        text = plain_of(reader.state.variables[text])
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else None


def look_at_names(reader: Reader, node: Tree) -> None:
    """Look at the variables of an expression that is not computed."""
    waiting: list[Any] = [node]
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, list):
            waiting += tree
        elif isinstance(tree, dict):
            name = tree.get("Value")
            if isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name):
                reader.uses.look(f"${name}")
            waiting += tree.values()


# -- ${...} --------------------------------------------------------------------------------------


def _parameter(reader: Reader, part: Tree, *, quoted: bool) -> Piece:
    name = part["Param"]["Value"]
    items = _list_of(reader, part, name)
    if items is None and not part.get("Exp"):
        reader.need(name)
    if items is not None:
        return _of_list(reader, part, items, quoted=quoted, star=name == "*")
    found = _operated(reader, part, name, _looked_up(reader, part, name))
    return Piece(found, quoted, splits=not quoted and not _is_one_word(part.get("Exp")))


def _is_one_word(expansion: Tree | None) -> bool:
    """Whether ``${name:+word}`` gives one word, as the quotes in it say, or none."""
    if expansion is None or expansion["Op"] not in (":+", "+") or not expansion.get("Word"):
        return False
    parts = expansion["Word"]["Parts"]
    plain = [part.get("Value", "") for part in parts if part["Type"] == "Lit"]
    kept = [part for part in parts if part["Type"] in ("SglQuoted", "DblQuoted")]
    return len(plain) + len(kept) == len(parts) and not re.search(r"\s", "".join(plain))


def _list_of(reader: Reader, part: Tree, name: str) -> list[Item] | None:
    """The words of ``$@`` and ``${array[@]}``."""
    if name in ("@", "*"):
        reader.uses.look("$@")
        return reader.state.items
    index = part.get("Index")
    if index and index.get("Type") == "Word" and source(reader, index) in ("@", "*"):
        return _keys(reader, name) if part.get("Excl") else _elements(reader, name)
    return None


def keys_of(name: str) -> str:
    """Where the keys of an array are held, each of whose elements is a variable of its own."""
    return f"{name}["


def element(reader: Reader, name: str, index: Tree) -> tuple[Text, str]:
    """The key of an element, and what the variable is called that holds it."""
    if index.get("Type") == "Word":
        texts = [text for _, text in value(reader, index)]
    else:
        written = reader.text_read[index["Pos"]["Offset"] : index["End"]["Offset"]]
        texts = [(written.decode("utf-8", "replace"),)]
    key = texts[0] if len(texts) == 1 else (Output(" or ".join(map(spell, texts))),)
    return key, f"{keys_of(name)}{spell(key)}]"


def _elements(reader: Reader, name: str) -> list[Item]:
    """The words of ``${array[@]}``."""
    arrays, held = reader.state.arrays, reader.value(name)
    if name not in arrays:
        return [Item(guard, text, split=False) for guard, text in held]
    return arrays[name] + [
        Item(reader.guards.both(key.guard, guard), text, split=False)
        for key in arrays.get(keys_of(name), ())
        for guard, text in reader.value(f"{keys_of(name)}{spell(key.text)}]")
    ]


def _keys(reader: Reader, name: str) -> list[Item]:
    """The words of ``${!array[@]}``: numbers where no word has a key."""
    arrays = reader.state.arrays
    items = arrays.get(name, ())
    if name not in arrays or any(item.guard != YES for item in items):
        return [Item(YES, (Output(f"${{!{name}[@]}}"),), split=True)]
    numbers = [Item(YES, (str(number),), split=False) for number in range(len(items))]
    return numbers + arrays.get(keys_of(name), [])


def _element(reader: Reader, part: Tree, name: str) -> Value:
    """What an array holds under a key."""
    items = reader.state.arrays.get(name, [])
    key, variable = element(reader, name, part["Index"])
    if variable in reader.state.variables:
        return reader.value(variable)
    number = arithmetic(reader, part["Index"])
    if number is None or name not in reader.state.arrays:
        return pure((Output(f"${{{name}[{spell(key)}]}}"),))
    return reader.value_of(items, number + len(items) * (number < 0)) or EMPTY


def _of_list(reader: Reader, part: Tree, items: list[Item], *, quoted: bool, star: bool) -> Piece:
    if part.get("Length"):
        return Piece(_count(items), quoted, splits=False)
    if part.get("Slice"):
        items = _sliced(reader, part, items)
    if part.get("Repl") or part.get("Exp"):
        items = [
            item._replace(guard=reader.guards.both(item.guard, guard), text=text)
            for item in items
            for guard, text in _operated(reader, part, "", pure(item.text))
        ]
    if star and quoted:
        return Piece(_joined(reader, items), quoted, splits=False)
    return Piece(EMPTY, quoted, splits=not quoted, items=list(items))


def _sliced(reader: Reader, part: Tree, items: list[Item]) -> list[Item]:
    """``${@:2}`` and ``${array[@]:1:2}``: the first argument has the number 1."""
    offset, length = (part["Slice"].get(key) for key in ("Offset", "Length"))
    start = arithmetic(reader, offset) or 0
    start -= part["Param"]["Value"] == "@" and start > 0
    count = arithmetic(reader, length) if length else None
    return items[start:] if count is None else items[start : start + count]


def _count(items: list[Item]) -> Value:
    """``$#`` and its like."""
    certain = all(item.guard == YES and item != UNKNOWN_ARGUMENTS for item in items)
    return plain(str(len(items))) if certain else pure((Output("$#"),))


def _joined(reader: Reader, items: list[Item]) -> Value:
    joined: list[Value] = []
    for item in items:
        text = (" ", *item.text) if joined else item.text
        joined.append(reader.values.choose(item.guard, pure(join(text)), EMPTY))
    return reader.concat(joined)


def _looked_up(reader: Reader, part: Tree, name: str) -> Value:
    state = reader.state
    if name.isdigit() or name == "#":
        reader.uses.look("$@")
    if name.isdigit() and name != "0":
        if state.items[:1] == [UNKNOWN_ARGUMENTS]:
            return pure((Var(name),))
        return reader.value_of(state.items, int(name) - 1) or EMPTY
    if name == "#":
        return _count(state.items)
    if not re.match(r"[A-Za-z_]", name):
        return pure((Output(f"${name}"),))
    reader.uses.look(f"${name}")
    if part.get("Index") and name not in state.variables:
        return _element(reader, part, name)
    if part.get("Excl"):
        return pure((Output(f"${{!{name}}}"),))
    return reader.value(name)


def _operated(reader: Reader, part: Tree, name: str, held: Value) -> Value:
    if part.get("Length"):
        return pure((Output(f"${{#{name}}}"),))
    if part.get("Slice"):
        offset, length = (part["Slice"].get(key) for key in ("Offset", "Length"))
        numbers = [arithmetic(reader, offset) if offset else 0]
        numbers += [arithmetic(reader, length)] if length else []
        if None in numbers:
            return pure((Output(f"${{{name}:...}}"),))
        return change(reader, held, "${:" + ":".join(map(str, numbers)) + "}")
    if part.get("Repl"):
        return _replaced(reader, part["Repl"], held)
    if part.get("Exp"):
        return _operator(reader, part["Exp"], name, held)
    return held


def _replaced(reader: Reader, node: Tree, held: Value) -> Value:
    old = pattern(reader, node["Orig"]) if node.get("Orig") else EMPTY
    new = value(reader, node["With"]) if node.get("With") else EMPTY
    operator = "//" if node.get("All") else "/"
    one, other = (plain_of(item) for item in (old, new))
    if one in ("#", "%"):
        sides = [new, held] if one == "#" else [held, new]
        return reader.concat(sides)
    if one is None or other is None:
        return _template(reader, held, one, new)
    one = re.sub(r"(?<!\\)/", r"\\/", one)
    return change(reader, held, f"${{{operator}{one}/{other}}}")


def _template(reader: Reader, held: Value, old: str | None, new: Value) -> Value:
    """A plain word in a plain text replaced by a text with holes."""

    def filled(text: Text) -> Value:
        plain_text = literal(text)
        if plain_text is None or old is None or not re.fullmatch(r"[\w%@{}<>.-]+", old):
            return pure((Output("${//}"),))
        pieces = [plain(piece) for piece in plain_text.split(old)]
        joined = [item for piece in pieces for item in (new, piece)][1:]
        return reader.concat(joined)

    return reader.each(held, filled)


def change(reader: Reader, held: Value, spelled: str) -> Value:
    """A change made to every text of a value."""

    def made(text: Text) -> Value:
        found = change_text(text, spelled)
        return (
            pure((Output(f"printf %s '{spell(text)}'", (spelled,)),))
            if found is None
            else pure(found)
        )

    return reader.each(held, made)


def _operator(reader: Reader, node: Tree, name: str, held: Value) -> Value:
    operator = node["Op"]
    word = node.get("Word")
    if operator in (":-", "-", ":=", "="):
        found = _default(reader, held, lambda: value(reader, word))
        if "=" in operator and re.match(r"[A-Za-z_]", name):
            reader.assign(name, found)
        return found
    if operator in (":+", "+"):
        return reader.values.choose(
            reader.is_set(held), value(reader, word), EMPTY, reader.state.path
        )
    if operator in (":?", "?"):
        return _asked(reader, name, held)
    if operator in ("#", "##", "%", "%%"):
        cut = pattern(reader, word) if word else EMPTY
        plain_cut = plain_of(cut)
        if plain_cut is None:
            return pure((Output(f"${{{name}{operator}...}}"),))
        return change(reader, held, f"${{{operator}{plain_cut}}}")
    if operator in (",", ",,", "^", "^^") and not word:
        if reader.dialect != "bash":
            reader.note("bash-only", f"${{{name}{operator}}}")
        return change(reader, held, f"${{{operator}}}")
    return pure((Output(f"${{{name}{operator}}}"),))


_NATIVE = re.compile(r"(?:CI(?!_APPLICATION)|GITHUB|BUILDKITE|AGOLA|RUNNER)_|.*[.]|\d")
"""What a platform gives; GitLab asks the project itself for the two CI_APPLICATION variables."""


def _is_from_outside(reader: Reader, var: Var) -> bool:
    """Whether a variable is set by whoever starts the job: nothing tells what it holds."""
    plain = not var.default and not var.changes and not var.portable
    known = var.name in reader.given or _NATIVE.match(var.name) or is_secret_name(var.name)
    return plain and not known


def _default(reader: Reader, held: Value, default: Callable[[], Value]) -> Value:
    """``${x:-text}``."""
    path = reader.state.path
    instead = default()

    def made(text: Text) -> Value:
        var = only_var(text)
        plain_default = plain_of(instead)
        if plain_default == "":
            return pure(text)
        if var and plain_default and not var.default and not var.changes:
            return pure((Var(var.name, plain_default, (), var.portable),))
        if var and len(instead) == 1 and _is_from_outside(reader, var):
            reader.note("default-taken", var.name, spell(instead[0][1]))
            return instead
        filled = reader.conditions.filled(text, reader.line)
        return reader.values.choose(filled, pure(text), instead, path)

    found = reader.values.each(held, made, path)
    return recognised(found, reader.conditions, path)


def _asked(reader: Reader, name: str, held: Value) -> Value:
    """``${x:?}``: the script stops unless it is set."""
    if held == pure((Var(name),)) or name in reader.given:
        reader.asked.setdefault(name)
    reader.refuse(reader.guards.negate(reader.is_set(held)))
    return reader.gather(held)
