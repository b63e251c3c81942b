"""Texts and variables as words of a shell."""

from __future__ import annotations

from ci_kaniko.plan.model import FOLDER
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell, Impossible, cell_of
from ci_kaniko.syntax.references import MAX_TAG
from ci_kaniko.syntax.variables import Ref, variable
from ci_kaniko.text.quoting import TO_LOWER, can_be_double_quoted, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.plan.model import Argument
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.syntax.variables import Parts


_LOWERED = {"repository.path": "repository", "repository.owner": "owner", "repository.name": "name"}


class Words:
    """The words of one script; what they need is noted in its draft."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._defaults = 0
        self._besides: dict[Parts, int] = {}
        self._wholes: dict[str, int] = {}

    def cell(self, name: str, *, lower: bool = False) -> Cell:
        """The cell of a variable, with its definition noted. Raises LookupError without one."""
        draft = self._draft
        if name in draft.site.places:
            return draft.site.places[name]
        if name == FOLDER:
            return self._folder()
        found = cell_of(draft.dialect, name, draft.plan)
        if found is None:
            found = self._derived(name)
        if isinstance(found, Impossible):
            raise LookupError(found.reason)  # noqa: TRY004
        if found.env:
            draft.environment[found.env[0]] = found.env[1]
        if found.define:
            draft.define(*found.define)
        if lower and name in _LOWERED:
            return draft.variable(
                f"{_LOWERED[name]}_lower",
                f'$(printf %s "{_double_quoted(found)}" | {TO_LOWER})',
            )
        return found

    def _folder(self) -> Cell:
        """The folder that an input names, to stand behind the root: a dot is that itself."""
        (ref,) = self._draft.plan.spec.context.parts
        assert isinstance(ref, Ref)
        self._draft.define(f"folder=/${self.cell(ref.name).name}", "folder=${folder%/.}")
        return Cell("folder")

    def _derived(self, name: str) -> Cell:
        """A variable that no target has by itself, made of others."""
        define = self._draft.variable
        if name == "commit.short":
            return define("short", f"$(printf %.8s {self.value('commit.sha')})")
        if name == "commit.date":
            time = self.value("commit.timestamp")
            return define("commit_date", f"$(printf %s {time} | tr -cd 0-9)")
        if name == "build.timestamp":
            return define("timestamp", "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
        if name == "build.date":
            return define("date", "$(date -u +%Y%m%d%H%M%S)")
        if name == "version":
            from ci_kaniko.syntax.versions import shell_lines as version_lines

            self._draft.define(*version_lines(self.value("tag"), self._draft.plan.spec.tag_prefix))
            return Cell("version")
        if name == "version.minor":
            numbers = define("numbers", f"${{{self._shell_name('version')}%%-*}}").name
            return define("version_minor", f"${{{numbers}%.*}}")
        if name == "version.major":
            return define("version_major", f"${{{self._shell_name('version')}%%.*}}")
        if name == "repository.owner":
            return define("owner", f"${{{self._shell_name('repository.path')}%/*}}")
        if name == "repository.name":
            return define("name", f"${{{self._shell_name('repository.path')}##*/}}")
        if name == "ref.name":
            return self._ref_name()
        if name == "ref.version":
            version, tag = self._shell_name("version"), self._shell_name("ref.tag")
            return define("ref_version", f"${{{version}:-${tag}}}")
        slug = (
            f"{TO_LOWER} | tr -c a-z0-9 - | cut -c1-63 | sed 's/^-*//; s/-*$//'"
            if name == "ref.slug"
            else "tr -c 'A-Za-z0-9_.-' - | sed 's/^[.-]*//' | cut -c1-128"
        )
        ref = self.value("ref.name")
        return define(name.replace(".", "_"), f"$(printf %s {ref} | tr -d '\\200-\\277' | {slug})")

    def _ref_name(self) -> Cell:
        branch, tag = self.cell("branch"), self.cell("tag")
        ref = f"${{{tag.name}:-{expanded(branch)}}}"
        if not self._draft.plan.started.may_be_request:
            return self._draft.variable("ref", ref)
        number = self.cell("pull_request.number").name
        self._draft.define(f"ref=${{{number}:+pr-${number}}}", f"ref=${{ref:-{ref}}}")
        return Cell("ref")

    def _shell_name(self, name: str) -> str:
        cell = self.cell(name)
        if cell.name:
            return cell.name
        return self._draft.variable(name.replace(".", "_"), f'"{cell.text}"').name

    def expression(self, ref: Ref, *, is_reference: bool, follows: str = "") -> tuple[bool, str]:
        """Whether a variable is literal text here, and its text, to stand in double quotes."""
        if ref.piece:
            mark = {"host": "%%/*", "path": "#*/"}[ref.piece]
            return False, f"${{{self.whole(ref)}{mark}}}"
        cell = self._cut(ref) if ref.beside else self.cell(ref.name, lower=is_reference)
        if cell.literal:
            return True, cell.literal
        if not cell.name:
            return False, cell.text
        name = cell.name
        if ref.default is not None:
            if not can_be_double_quoted(ref.default) or "}" in ref.default:
                name = self._with_default(ref, cell)
                return False, _braced(name, follows)
            return False, f"${{{name}:-{ref.default}}}"
        if (is_reference or ref.needed) and variable(ref.name).may_be_empty:
            return False, f"${{{name}:?is empty, but the {ref.needed or 'image'} needs it}}"
        if cell.may_be_unset:
            return False, f"${{{name}:-}}"
        return False, _braced(name, follows)

    def _cut(self, ref: Ref) -> Cell:
        """A variable cut to what the text beside it leaves of an image tag."""
        define = self._draft.variable
        name = self._shell_name(ref.name)
        rest = "".join(part for part in ref.beside if isinstance(part, str))
        if len(ref.beside) == 1 and rest:
            left = MAX_TAG - len(rest)
            return define(f"{name}_{left}", f'$(printf %.{left}s "${name}")')
        number = self._besides.setdefault(ref.beside, len(self._besides) + 1)
        beside = define(f"beside_{number}", self.text(ref.beside)).name
        limit = f"$((${{#{beside}}} < {MAX_TAG} ? {MAX_TAG} - ${{#{beside}}} : 0))"
        return define(f"{name}_beside_{number}", f'$(printf "%.{limit}s" "${name}")')

    def whole(self, ref: Ref) -> str:
        """The shell variable that holds the name of an image; it is set, and may be empty."""
        name, given = self._shell_name(ref.name), self.cell(ref.name)
        if ref.default is None and not given.may_be_unset:
            return name
        value = f"${{{name}:-{ref.default or ''}}}"
        number = self._wholes.setdefault(value, len(self._wholes) + 1)
        return self._draft.variable(f"whole_{number}", value).name

    def _with_default(self, ref: Ref, cell: Cell) -> str:
        """A shell variable for a default that cannot stand inside double quotes."""
        self._defaults += 1
        name = f"default_{self._defaults}"
        self._draft.define(
            f"{name}={expanded(cell)}",
            f'if [ -z "${name}" ]; then {name}={quote(ref.default or "")}; fi',
        )
        return name

    def argument(self, argument: Argument) -> str:
        """One argument as a shell word; without a name it is its value."""
        if not argument.name:
            return self.text(argument.value or (), is_reference=argument.is_reference)
        if argument.value is None:
            return f"--{argument.name}"
        value = self.text(argument.value, is_reference=argument.is_reference)
        return f"--{argument.name}={value}"

    def arguments(self, arguments: Iterable[Argument]) -> list[str]:
        """Each argument as a shell word."""
        return [self.argument(argument) for argument in arguments]

    def text(self, parts: Parts, *, is_reference: bool = False) -> str:
        """A text as a shell word."""
        if len(parts) == 1 and isinstance(parts[0], str):
            return quote(parts[0])
        pieces: list[tuple[bool, str]] = []
        for place, part in enumerate(parts, start=1):
            if isinstance(part, str):
                literal, text = True, part
            else:
                following = parts[place] if place < len(parts) else ""
                follows = following[:1] if isinstance(following, str) else ""
                literal, text = self.expression(part, is_reference=is_reference, follows=follows)
            if literal and pieces and pieces[-1][0]:
                pieces[-1] = (True, pieces[-1][1] + text)
            else:
                pieces.append((literal, text))
        if not pieces:
            return ""
        literals = [text for literal, text in pieces if literal]
        if len(literals) == len(pieces):
            return quote(literals[0])
        if all(map(can_be_double_quoted, literals)):
            return '"' + "".join([text for _, text in pieces]) + '"'
        return "".join([quote(text) if literal else f'"{text}"' for literal, text in pieces])

    def value(self, name: str) -> str:
        """A variable for a test: a shell word that is empty when it is not there."""
        literal, text = self.expression(Ref(name), is_reference=False)
        return quote(text) if literal else f'"{text}"'


def expanded(cell: Cell) -> str:
    """What a variable holds; nothing where it is not set."""
    return f"${{{cell.name}:-}}" if cell.may_be_unset else f"${cell.name}"


def _braced(name: str, follows: str) -> str:
    joined = follows.isascii() and (follows.isalnum() or follows == "_")
    return f"${{{name}}}" if joined else f"${name}"


def _double_quoted(cell: Cell) -> str:
    return cell.text or f"${cell.name}"
