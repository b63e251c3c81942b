"""GitHub's expressions: what one is worth, and where one holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Text, Var, join, only_var, spell, split_text
from ci_kaniko.importing.readers import expressions
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.values import Value, plain, plain_of, pure
from ci_kaniko.syntax.logic import Node, NotLogic, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPRESSION = re.compile(r"\$\{\{((?:'[^']*'|(?!\$\{\{)[^'])*?)\}\}", re.DOTALL)

_PLACES = re.compile(r"\{\{|\}\}|\{(\d+)\}")
_NO_STATUS = {"failure": NO, "cancelled": NO, "always": YES, "success": YES}
_ANY = re.compile(r"\*")
_DEFAULT = "github.event.repository.default_branch"
_REFS = {"github.ref", "GITHUB_REF"}
_OF_FORGES = re.compile(r"(?:gitea|forgejo)\.")
"""Which names the forges that run GitHub's workflows have beside GitHub's."""


class Expressions(expressions.Expressions):
    """Expressions under the conditions of one script."""

    # -- texts and conditions -----------------------------------------------------------------

    def template(self, text: str, line: int = 0) -> Value:
        """A text of the workflow in which expressions stand."""
        return self.values.filled_in(EXPRESSION, text, lambda found: self.value(found[1], line))

    def value(self, text: str, line: int = 0) -> Value:
        """What an expression is worth; one that is not understood stands for itself."""
        self.line = line
        try:
            return self.worth(parsed(text))
        except NotLogic:
            return pure((Var(text.strip()),))

    def guard(self, text: str, line: int) -> int:
        """Where a condition holds; one that is not understood is an unknown test."""
        return super().guard(bare_condition(text), line)

    # -- values -------------------------------------------------------------------------------

    def worth(self, node: Node) -> Value:
        """What a part of an expression is worth. Raises NotLogic."""
        if node.kind == "or":
            return self._first(node)
        if node.kind == "and":
            return self._last(node)
        if node.kind == "call" and node.parts[0] == "format":
            return self._format(node.parts[1])
        if node.kind == "call" and node.parts[0] not in {*_NO_STATUS, *_TESTS}:
            return pure((Var(node.text),))
        if node.kind == "name" and (own := _OF_FORGES.match(node.parts[0])):
            node = node._replace(parts=(f"github.{node.parts[0][own.end() :]}",))
        if node.kind in {"call", "not", "compare"}:
            return self.values.choose(self.holds(node), plain("true"), plain("false"))
        return super().worth(node)

    def _first(self, node: Node) -> Value:
        """``a || b``: the first that is something."""
        *heads, last = node.parts
        if last.kind == "text" and not last.parts[0] and len(heads) == 1:
            kept = heads[0].parts[-1] if heads[0].kind == "and" else None
            if kept is not None and kept.kind == "name" and kept.parts[0].startswith("secrets."):
                # Where a secret is not needed it is kept away; the spec's own job does the same,
                # so nothing is lost of the outputs that the condition asks for.
                for name in _names(heads[0]):
                    if name.startswith("steps."):
                        self._look(name)
                return self.worth(kept)
        found: list[tuple[int, Text]] = []
        rest = YES
        for head in heads:
            value = self.worth(head)
            var = only_var(value[0][1]) if len(value) == 1 else None
            if (
                var
                and not (var.changes or var.default)
                and rest == YES
                and last.kind == "text"
                and last.parts[0]
                and len(heads) == 1
                and head.kind == "name"
            ):
                return pure((Var(var.name, last.parts[0], (), var.portable),))
            true = self.truth(value)
            found += [(self.guards.all((rest, true, guard)), text) for guard, text in value]
            rest = self.guards.minus(rest, true)
        found += [(self.guards.both(rest, guard), text) for guard, text in self.worth(last)]
        return self.values.gather(found)

    def _last(self, node: Node) -> Value:
        """``a && b``: the last, or the first that is nothing."""
        found: list[tuple[int, Text]] = []
        rest = YES
        *heads, last = node.parts
        for head in heads:
            guard = self.holds(head)
            found.append((self.guards.minus(rest, guard), ("false",)))
            rest = self.guards.both(rest, guard)
        found += [(self.guards.both(rest, guard), text) for guard, text in self.worth(last)]
        return self.values.gather(found)

    def _format(self, arguments: tuple[Node, ...]) -> Value:
        shape = plain_of(self.worth(arguments[0])) if arguments else None
        if shape is None:
            raise NotLogic

        def part(found: re.Match[str]) -> Value:
            """The argument of a place. Raises NotLogic where there is none."""
            if found[1] is None:
                return plain(found[0][0])
            if int(found[1]) + 1 >= len(arguments):
                raise NotLogic
            return self.worth(arguments[int(found[1]) + 1])

        return self.values.filled_in(_PLACES, shape, part)

    # -- conditions ---------------------------------------------------------------------------

    def holds(self, node: Node) -> int:
        """Where a part of a condition holds. Raises NotLogic."""
        if node.kind == "call" and node.parts[0] in _NO_STATUS:
            return _NO_STATUS[node.parts[0]]
        if node.kind == "call" and node.parts[0] in _TESTS and len(node.parts[1]) == 2:
            return self._test(node)
        if node.kind == "call" and node.parts[0] != "format":
            return self.conditions.unknown(node.text, self.line)
        return super().holds(node)

    def compared(self, left: Node, right: Node, operator: str) -> int | None:
        """Where two sides are alike; None where nobody can tell. Raises NotLogic."""
        if operator not in {"==", "!="}:
            return None
        kinds = {left.kind, right.kind}
        if not kinds & {"true", "false"} or kinds <= {"true", "false", "text", "name"}:
            return super().compared(left, right, operator)
        wanted, other = (left, right) if left.kind in {"true", "false"} else (right, left)
        found = self.holds(other)
        return found if wanted.kind == "true" else self.guards.negate(found)

    def _test(self, node: Node) -> int:
        name, (whole, part) = node.parts
        listed = _listed(whole) if name == "contains" else None
        if listed is not None:
            wanted = self.worth(part)
            return self.guards.any(self.compared_texts(wanted, plain(item)) for item in listed)
        needle = plain_of(self.worth(part))
        if needle is None:
            return self._ends_in_default(node)
        return self.values.test(self.worth(whole), lambda text: self._holds(name, text, needle))

    def _ends_in_default(self, node: Node) -> int:
        """A test whose text a run alone can tell; the default branch ends in itself."""
        name, (whole, part) = node.parts
        found = self.conditions.unknown(node.text, self.line)
        names = [one.parts[0] for one in (whole, part) if one.kind == "name"]
        if name != "endsWith" or names != ["github.ref", _DEFAULT]:
            return found
        default = self.values.filled_in(_ANY, "refs/heads/*", lambda _: self.worth(part))
        return self.guards.either(self.compared_texts(self.worth(whole), default), found)

    def _holds(self, name: str, text: Text, part: str) -> int:
        line, glob = self.line, self.conditions.glob
        var = only_var(text)
        is_ref = var is not None and var.name in _REFS and not var.changes
        if name != "endsWith" and is_ref and part in {"refs/heads", "refs/tags"}:
            part = f"{part}/"
        if name == "contains" and is_ref and part.startswith(("refs/heads/", "refs/tags/")):
            name = "startsWith"  # no branch is called like the folder of another
        if any(character in part for character in "*?[]!"):
            return self.conditions.unknown(f"{name}({spell(text)}, '{part}')", line)
        if name == "startsWith":
            return glob(text, f"{part}**", line)
        end = "" if name == "endsWith" else "**"
        shapes = [f"**{part}{end}"]
        if not is_ref or _in_folder(part):
            return glob(text, shapes[0], line)
        if part.startswith("/"):
            shapes.append(f"{part[1:]}{end}")
        kinds = [(Var(kind, portable=True),) for kind in ("branch", "tag")]
        return self.guards.any(glob(kind, shape, line) for kind in kinds for shape in shapes)


def _in_folder(part: str) -> bool:
    """Whether a part of a full ref may begin in its folder, which is no part of a name."""
    head, slash, _ = part.removeprefix("/").partition("/")
    return part in _FOLDERS or bool(head and slash and f"{head}/" in _FOLDERS)


_FOLDERS = "refs/heads/ refs/tags/ refs/pull/"
_TESTS = {"startsWith", "endsWith", "contains"}


def _names(node: Node) -> Iterator[str]:
    """The names in a part of an expression."""
    if node.kind == "name":
        yield node.parts[0]
        return
    parts = node.parts[1] if node.kind == "call" else node.parts
    for part in parts:
        if isinstance(part, Node):
            yield from _names(part)


def _listed(node: Node) -> list[str] | None:
    """The items of ``fromJSON('[...]')``."""
    if node.kind != "call" or node.parts[0] != "fromJSON" or len(node.parts[1]) != 1:
        return None
    inner = node.parts[1][0]
    try:
        found = json.loads(inner.parts[0]) if inner.kind == "text" else None
    except ValueError:
        return None
    return [str(item) for item in found] if isinstance(found, list) else None


def bare_condition(text: str) -> str:
    """A condition without the ``${{ }}`` that may stand around it."""
    whole = EXPRESSION.fullmatch(text.strip())
    return (whole[1] if whole else text).strip()


def lines_of(text: Text) -> list[Text]:
    """A text cut into its lines."""
    return [row for row in map(stripped_text, split_text(text, "\n")) if row]


def pieces_of(text: Text) -> list[Text]:
    """A text cut at its commas."""
    return [stripped_text(piece) for piece in split_text(text, ",")]


def stripped_text(text: Text) -> Text:
    """A text without the blanks around it."""
    parts = list(text)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return join(parts)
