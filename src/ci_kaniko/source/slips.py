"""What is wrong with a text that is not YAML, in words of ours."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.source.nodes import Node, Place
from ci_kaniko.source.source import (
    BLANK,
    ORDINARY,
    WIDE_BLANKS,
    Lines,
    Source,
    indent_of,
    lines_of,
    quoted_bit,
    short,
    wide_blank,
)
from ci_kaniko.text.lookalikes import Odd
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci_kaniko.problems.problem import Problem


_MAX_KEY = 1024
_SEPARATED = pattern(rf"(?:[:,]|^[ \t]*-)[{WIDE_BLANKS}]")
CONFLICT = (
    "a merge of git left a conflict here",
    'keep what should be, and remove the lines of "<<<<<<<", "=======" and ">>>>>>>"',
)
_SIDES = pattern(r"(?ms)^<{7} .*^={7}\r?$.*^>{7} ")
ESCAPES = r"in double quotes write \\ for a backslash, or use single quotes"
_QUOTE_VALUE = "put quotes around the value"
_LONG_KEY = f"a key is longer than {_MAX_KEY} characters"


class _Slip:
    """A mistake that PyYAML stumbled over, and the text around it."""

    __slots__ = ("at", "error", "source", "start")

    def __init__(self, error: Any, source: Source) -> None:
        self.error = error
        self.source = source
        self.at: Any = error.problem_mark
        self.start: Any = error.context_mark or self.at

    @property
    def line(self) -> str:
        return self.source.line(self.at.line + 1)

    @property
    def before(self) -> str:
        """The text of the line up to where PyYAML stopped."""
        return self.line[: self.at.column]

    @property
    def character(self) -> str:
        return self.line[self.at.column : self.at.column + 1]

    @property
    def top(self) -> int:
        """The line where what PyYAML was reading starts."""
        return int(self.start.line) + 1

    @property
    def first(self) -> str:
        """The first character of what PyYAML was reading."""
        return self.source.line(self.top)[self.start.column : self.start.column + 1]

    def word(self, mark: Any, ends: str = BLANK + ",]}") -> str:
        """What is written at a mark, up to one of ``ends``."""
        rest = self.source.line(mark.line + 1)[mark.column :]
        length = next((n for n, character in enumerate(rest) if n and character in ends), None)
        return rest[:length].rstrip(BLANK)

    @property
    def odd(self) -> str:
        """What to do about a blank that YAML does not count, after a mark that needs one."""
        first = min(self.start.line, self.at.line - 1)
        for number in range(max(0, first), self.at.line + 1):
            for match in _SEPARATED.finditer(self.source.line(number + 1)):
                before = match.string[: match.start()]
                if before.count('"') % 2 == before.count("'") % 2 == 0:
                    where = "" if number == self.at.line else f" of line {number + 1}"
                    odd = Odd(match.end() - 1, match.string[match.end() - 1], " ")
                    return odd.instead(f"in column {odd.at + 1}{where}")
        return ""


class _Said(NamedTuple):
    """A human sentence about a slip, and the text it points at."""

    message: str
    hint: str
    mark: Any
    width: int = 1


def explain(error: Any, source: Source, *, started: bool) -> Problem:
    """Say in plain words what PyYAML says in its own."""
    slip = _Slip(error, source)
    text = f"{error.context or ''} {error.problem or ''}"
    rule = "yaml-syntax"
    if conflict := conflict_in(source.text):
        said = _Said(*CONFLICT, _Mark(conflict - 1, 0), 7)
    elif _tab_column(slip) is not None:
        said = _say_tab(slip)
    elif (wide := _wide_indent(slip)) is not None:
        said = wide
    else:
        say = next((say for part, say in _SAYINGS if part in text), _say_other)
        said = say(slip)
    if started and "<document start>" in text and "..." in lines_of(source.text)[: slip.at.line]:
        rule = "several-documents"
        said = _Said("a second YAML document starts here", "keep one spec in a file", slip.at)
    line, column = said.mark.line + 1, said.mark.column + 1
    node = Node(Place(line, column, line, column + max(1, said.width)))
    return source.problem(rule, said.message, node, slip.odd or said.hint)


def conflict_in(text: str) -> int:
    """The line where a conflict of a merge begins; 0 for a text without one."""
    found = _SIDES.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _tab_column(slip: _Slip) -> int | None:
    """Where a tab stands that makes the mistake."""
    if slip.character == "\t":
        return int(slip.at.column)
    if "flow" in (slip.error.context or "") or "quoted" in (slip.error.context or ""):
        return None
    indent = slip.line[: indent_of(slip.line)]
    return indent.index("\t") if "\t" in indent else None


class _Mark(NamedTuple):
    line: int
    column: int


def _say_tab(slip: _Slip) -> _Said:
    mark = _Mark(slip.at.line, _tab_column(slip) or 0)
    message = "a tab cannot indent: YAML wants spaces"
    return _Said(message, "replace the tab with spaces", mark)


def _wide_indent(slip: _Slip) -> _Said | None:
    """The first line of the entry whose indentation is no blanks, though it looks like them."""
    for number in range(slip.start.line, slip.at.line + 1):
        text = slip.source.line(number + 1)
        rest = text.lstrip(BLANK)
        if rest and rest[0] in WIDE_BLANKS:
            mark = _Mark(number, len(text) - len(rest))
            return _Said(wide_blank(rest), ORDINARY, mark)
    return None


def _say_unclosed_quote(slip: _Slip) -> _Said:
    quote = slip.first
    message = f"the text that starts with {quote} is never closed"
    return _Said(message, f"add {quote} where the text ends", slip.start)


def _say_flow(slip: _Slip) -> _Said:
    opening = slip.first
    closing = "]" if opening == "[" else "}"
    if closing not in slip.source.text[slip.at.index :]:
        return _Said(f'"{opening}" is never closed', f'add "{closing}"', slip.start)
    if slip.character == "{" and slip.before.endswith("$"):
        mark = _Mark(slip.at.line, slip.at.column - 1)
        message = "a variable cannot stand between brackets without quotes"
        return _Said(message, 'put quotes around the text, as in ["app:${tag}"]', mark, 2)
    message = f'expected "," or "{closing}" here'
    hint = f'"{opening}" of line {slip.top} is open: put "," between its items'
    if slip.character == ":":
        hint += ', and quotes around text with ": "'
    return _Said(message, hint, slip.at)


def _say_token(slip: _Slip) -> _Said:
    return _Said(f"{quoted_bit(slip.character)} cannot start a value", _QUOTE_VALUE, slip.at)


def _say_value(slip: _Slip) -> _Said:
    before = slip.before.lstrip()
    if before.startswith("--- "):
        return _Said('a mapping cannot start beside "---"', 'remove "---"', slip.at)
    if ": " in before or ":\t" in before:
        message = 'a value cannot contain ": " unless it is quoted'
        return _Said(message, f"{_QUOTE_VALUE}, or remove the space after the colon", slip.at)
    if len(before) > _MAX_KEY:
        return _Said(_LONG_KEY, "shorten it", slip.at)
    message = "a key is not expected here"
    hint = 'indent it like the keys beside it; the line above must read "key: value" or "key:"'
    return _Said(message, hint, slip.at)


def _say_no_value(slip: _Slip) -> _Said:
    word = slip.word(slip.start, ends="")
    if len(word) > _MAX_KEY:
        return _Said(_LONG_KEY, "shorten it", slip.start)
    message = f'{quoted_bit(word)} is not a "key: value" line'
    hint = 'add ":" and a value, or indent the line when it belongs to the value above'
    if ":" in word and '"' not in word:
        hint = "put a space after the colon: " + short(word.replace(":", ": ", 1))
    return _Said(message, hint, slip.start, len(word))


def _say_item(slip: _Slip) -> _Said:
    hint = "start the list on its own line below the key; put quotes around text"
    return _Said('"-" cannot start a list here', hint, slip.at)


def _say_name(slip: _Slip) -> _Said:
    word = slip.word(slip.start)
    what = "alias" if word.startswith("*") else "anchor"
    message = f"{quoted_bit(word)} looks like a YAML {what} but is none"
    hint = f'put quotes around it: "{short(word)}"'
    return _Said(message, hint, slip.start, len(word))


def _say_block(slip: _Slip) -> _Said:
    message = f"{quoted_bit(slip.first)} announces a block of text, which starts on the next line"
    return _Said(message, _QUOTE_VALUE, slip.start)


def _say_entry(slip: _Slip) -> _Said:
    if slip.before.strip() and slip.character:
        return _say_rest(slip)
    if slip.character in (",", "]", "}", ":"):
        return _say_content(slip)
    if slip.at.column != slip.start.column:
        message = "the indentation of this line fits nothing above it"
        hint = f"start it below the keys or items it belongs to, e.g. those of line {slip.top}"
        return _Said(message, hint, slip.at)
    if slip.character == "-":
        message = 'a list item "-" stands among the keys of a mapping'
        return _Said(message, "write a key, or indent the list below its key", slip.at)
    message = "a key stands among the items of a list"
    return _Said(message, 'start the line with "- ", or indent the list below its key', slip.at)


def _say_rest(slip: _Slip) -> _Said:
    word = slip.word(slip.at)
    message = f"{quoted_bit(word)} is not expected after the value before it"
    hint = "put quotes around the whole value"
    if '"' in word or "'" in word:
        hint = r"""close every quote above; inside "..." write \", inside '...' write two of them"""
    elif slip.character in "]}":
        hint = "remove it"
    return _Said(message, hint, slip.at, len(word))


def _say_colon(slip: _Slip) -> _Said:
    hint = f"{_QUOTE_VALUE}, or a space after the colon"
    return _Said('":" cannot stand here without quotes', hint, slip.at)


def _say_content(slip: _Slip) -> _Said:
    if slip.character == ":":
        return _Said('a key is missing before ":"', 'write "key: value"', slip.at)
    if not slip.character:
        line, column = Lines(slip.source.text).place(len(slip.source.text.rstrip()) - 1)
        mark = _Mark(line - 1, column - 1)
        return _Said("the text ends where a value should be", "close every bracket", mark)
    message = f"{quoted_bit(slip.character)} cannot start a value"
    return _Said(message, "remove it, or put quotes around the value", slip.at)


def _say_tag(slip: _Slip) -> _Said:
    word = slip.word(slip.start)
    message = f"{quoted_bit(word)} is not a tag"
    hint = 'remove it, or put quotes around the text when "!" belongs to it'
    return _Said(message, hint, slip.start, len(word))


def _say_escape(slip: _Slip) -> _Said:
    message = "this is not an escape sequence"
    if "Unicode" in slip.error.problem:
        return _Said(message, "write the character itself", slip.at)
    return _Said(message, ESCAPES, slip.at)


def _say_directive(slip: _Slip) -> _Said:
    message = '"%" at the start of a line is an instruction to YAML, and this one is unknown'
    return _Said(message, "remove the line, or put quotes around the text", slip.start)


def _say_outside(slip: _Slip) -> _Said:
    message = "this does not belong to what is above it"
    hint = "indent it like the first line of the spec"
    if slip.source.text.startswith("%"):
        hint = 'write "---" after the lines that start with "%"'
    return _Said(message, hint, slip.at)


def _say_other(slip: _Slip) -> _Said:
    return _Said("YAML cannot be read from here on", _QUOTE_VALUE, slip.at)


_SAYINGS: tuple[tuple[str, Callable[[_Slip], _Said]], ...] = (
    ("found unexpected end of stream", _say_unclosed_quote),
    ("found unexpected document", _say_unclosed_quote),
    ("',' or '", _say_flow),
    ("cannot start any token", _say_token),
    ("mapping values are not allowed", _say_value),
    ("could not find expected ':'", _say_no_value),
    ("sequence entries are not allowed", _say_item),
    ("mapping keys are not allowed", _say_token),
    ("scanning an alias", _say_name),
    ("scanning an anchor", _say_name),
    ("scanning a block scalar", _say_block),
    ("node content", _say_content),
    ("found unexpected ':'", _say_colon),
    ("tag handle", _say_tag),
    (" a tag", _say_tag),
    ("parsing a block", _say_entry),
    ("quoted scalar", _say_escape),
    ("directive", _say_directive),
    ("incompatible YAML", _say_directive),
    ("<document start>", _say_outside),
)
