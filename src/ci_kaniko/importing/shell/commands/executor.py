"""The executor's command line: which words are one, and how they are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Part, Text, Var, join, literal, plain_head, spell, variables
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.shell.commands.containers import environment
from ci_kaniko.importing.shell.commands.flags import one_of, one_word_each
from ci_kaniko.importing.shell.guards import NO
from ci_kaniko.importing.shell.parsing import ShellError
from ci_kaniko.importing.shell.reader import Container, RawCall, Reader
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.shell.values import Item, Value
from ci_kaniko.importing.signs import is_build
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.kaniko.variables import flag_of_variable, is_read, owner_of_variable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.shell.conditions import Conditions

PLACEHOLDER = re.compile(r"<[A-Za-z][\w -]*>|(?<!\$)\{[A-Z][A-Z_]+\}")
_FILLED_IN = ("--context=", "--cache-repo=")


def looks_like_kaniko(image: Text, arguments: list[Item]) -> bool:
    """Whether an image runs the executor, by its name or by what it is told."""
    return is_build(spell(image), {first_word(item.text) for item in arguments})


def first_word(text: Text) -> str:
    """A flag without its value."""
    return plain_head(text).partition("=")[0]


def record(
    reader: Reader, items: list[Item], container: Container | None, builder: str = KANIKO
) -> None:
    """Remember a call with all that is known where it stands. Raises ShellError."""
    state = reader.state
    if not reader.guards.budget.call():
        if not reader.calls:
            raise ShellError(
                "the calls before this one are as many as can be followed",
                reader.line,
                "import this one by itself",
            )
        reader.note("too-many-calls", " ".join(spell(item.text) for item in items))
        return
    reader.uses.use_all()
    reader.uses.use(*(f"${x}" for x in state.exported if owner_of_variable(x) or is_read(x)))
    under = reader.values.under
    given = environment(reader, container.options) if container else environment_of(reader)
    # What the executor finds in its environment counts more than arguments.
    said = [
        Item(guard, join((f"--{flag}=", *text)), line=reader.line)
        for name, value in given.items()
        if builder == KANIKO and (flag := flag_of_variable(name))
        for guard, text in value
    ]
    reader.calls.append(
        RawCall(
            path=state.path,
            items=arguments(reader, [*items, *said]),
            environment={
                name: under(value, state.path)
                for name, value in given.items()
                if not flag_of_variable(name) and (container or name in state.own)
            },
            files=dict(state.files),
            logins=state.logins,
            container=container,
            folder=state.folder,
            line=reader.line,
            builder=builder,
        )
    )


def environment_of(reader: Reader) -> dict[str, Value]:
    """What the script exports, and what else the executor takes for a flag."""
    state = reader.state
    return {
        name: reader.values.under(state.value(name), state.exported[name])
        for name in sorted(state.exported)
        if name in state.own or flag_of_variable(name)
    }


def arguments(reader: Reader, items: list[Item]) -> list[Item]:
    """The words of a command line, each flag in one word with its value."""
    words = _cleaned(reader, items)
    found = one_word_each(words, reader.conditions, reader.state.path, reader.note)
    for item in found:
        _examine(reader, item)
    return found


def _cleaned(reader: Reader, items: list[Item]) -> list[Item]:
    """Words without the blanks that a backslash in the wrong place makes a part of them."""
    found = []
    for item in items:
        first = plain_head(item.text)
        if first[:1] in (" ", "\t", "\n") and (first.lstrip()[:1] in ("-", "")):
            shown = spell(item.text).strip()
            reader.note("backslash-blank", shown or "that follows", line=item.line)
            text = join((first.lstrip(), *item.text[1:]))
            if not text:
                continue
            found.append(item._replace(text=text))
        else:
            found.append(item)
    return found


def _is_one_word(part: Part) -> bool:
    """Whether something never holds a blank: git and registries have no such names."""
    if isinstance(part, str):
        return True
    if not isinstance(part, Var) or part.default or part.changes:
        return False
    known = meaning(part)
    return known not in {"", "checkout"} and not known.startswith("env.")


def _examine(reader: Reader, item: Item) -> None:
    """Faults of one argument."""
    shown = spell(item.text)
    lone = len(item.text) == 1 and not isinstance(item.text[0], str)
    if lone and item.split:
        reader.note("unknown-words", shown, line=item.line)
    elif item.split and not all(map(_is_one_word, item.text)):
        reader.note("unquoted-words", shown, line=item.line)
    first = plain_head(item.text)
    if re.match(r"['\"]", first):
        reader.note("kept-quotes", shown, line=item.line)
    if first.startswith(_FILLED_IN) and (match := PLACEHOLDER.search(spell(item.text))):
        reader.note("placeholder/script", match.group(), line=item.line)
    for var in variables(item.text):
        if is_secret_name(var.name):
            reader.note("secret-on-command-line", var.name, line=item.line)


def pushed(items: list[Item], conditions: Conditions, within: int) -> Iterable[Item]:
    """The images of a call, each where it is pushed."""
    silent, guards = _no_push(items, conditions), conditions.guards
    found: dict[Text, Item] = {}
    for item in items:
        if flag := one_of(("destination",), item.text):
            guard = guards.minus(item.guard, silent)
            if conditions.possible(guards.both(guard, within)):
                same = found.setdefault(
                    flag.value or (), item._replace(guard=NO, text=flag.value or ())
                )
                found[same.text] = same._replace(guard=guards.either(same.guard, guard))
    return found.values()


def _no_push(items: list[Item], conditions: Conditions) -> int:
    """Where a call does not push."""
    found, guards = NO, conditions.guards
    for item in items:
        flag = one_of(("no-push",), item.text)
        if flag is None:
            if not plain_head(item.text) and "--no-push" in (shown := spell(item.text)):
                asked = conditions.unknown(shown, item.line)  # a run may find it there
                found = guards.either(found, guards.both(item.guard, asked))
            continue
        if flag.value is None or literal(flag.value) is not None:
            found = (guards.either if flag.on else guards.minus)(found, item.guard)
        else:
            true = conditions.equal(flag.value, ("true",), item.line)
            found = guards.either(found, guards.both(item.guard, true))
    return found
