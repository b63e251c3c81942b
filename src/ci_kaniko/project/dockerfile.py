"""What a Dockerfile of the checkout says: stages, arguments, secrets, and where its files go.

It is parsed by the grammar that editors use, in linear time, and only when a command asks for it.
Nothing here runs a Dockerfile or follows what a variable would say.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING

from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.files import OutsideRepository, inside
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from tree_sitter import Node

    from ci_kaniko.spec.build import Build

MAX_BYTES = 128 * 1024
_MAX_PATH = 4096
_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(
    rb"(?i)(?:#[ \t]*(?:syntax|check)[ \t]*=.*\n)*#[ \t]*escape[ \t]*=[ \t]*([\\`])"
)
_CONTINUED = pattern(r"[\\`][ \t]*\r?\n")
_HEREDOC = re.compile(rb"(?m)((?:^|(?<=[ \t]))[0-9]*<<(?!<))|<<+")
_NUMBER_SIGN = re.compile(rb"(?<=[ \t])#")
_IGNORED = {
    *("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "SHELL"),
    *("STOPSIGNAL", "USER", "VOLUME"),
}
"""Instructions that say nothing of what is looked for."""
_HARMLESS = {f"{word.lower()}_instruction" for word in _IGNORED}
_PATH = pattern(r"(?<![\w.$}:~/-])/[\w./-]+")


class Unread(Exception):
    """A Dockerfile that is there and is not read; the message says why, as in "it is a pipe"."""


class Named(NamedTuple):
    """A word of a Dockerfile and its line."""

    name: str
    line: int


class Stage(NamedTuple):
    """A ``FROM`` and what follows it.

    ``parent`` is the number of an earlier stage that it begins with, else ``base`` is an image.
    ``sources`` are stages or images that it copies or mounts from, ``secrets`` the ids that it
    mounts, ``folders`` the absolute paths that it works in, copies to or names in a command.
    """

    name: str
    base: str
    parent: int | None
    sources: list[Named]
    secrets: list[Named]
    folders: list[Named]


class Dockerfile(NamedTuple):
    """``path`` starts at the repository; ``arguments`` are all that some ``ARG`` declares.

    ``numbers`` are those of the stages that have a name, in small letters: names have no case.
    """

    path: str
    arguments: set[str]
    stages: list[Stage]
    numbers: dict[str, int]

    def number(self, target: str | None) -> int | None:
        """The stage that is built: the last one without a name."""
        if target is None:
            return len(self.stages) - 1 if self.stages else None
        return self.numbers.get(target.lower())

    def used(self, number: int) -> list[int]:
        """A stage with all that it is made from."""
        found, pending = {number: None}, [number]
        while pending:
            stage = self.stages[pending.pop()]
            others = [stage.parent, *(self._named(one.name) for one in stage.sources)]
            new = [other for other in others if other is not None and other not in found]
            found.update(dict.fromkeys(new))
            pending += new
        return [*found]

    def layers(self, number: int) -> list[int]:
        """The stages whose files are all in the image: this one and what it begins with."""
        found = []
        at: int | None = number
        while at is not None:
            found.append(at)
            at = self.stages[at].parent
        return found

    def _named(self, name: str) -> int | None:
        """The stage that ``--from=`` names, by its name or number; None for an image."""
        if name.isascii() and name.isdecimal() and int(name[:6]) < len(self.stages):
            return int(name[:6])
        return self.numbers.get(name.lower())

    def images(self) -> set[str] | None:
        """The images of other repositories; None when a variable names one."""
        named = [stage.base for stage in self.stages if stage.parent is None]
        words = [word.name for stage in self.stages for word in stage.sources]
        named += [word for word in words if self._named(word) is None]
        if not self.stages or any("$" in name for name in named):
            return None
        return {*named} - {"scratch"}


class Dockerfiles:
    """The Dockerfiles of a checkout, each read once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._read: dict[str, Dockerfile | Unread | None] = {}

    def of(self, build: Build) -> Dockerfile | None:
        """That of an image; None when it lies elsewhere or is not there. Raises Unread."""
        path = path_of(build)
        if path is None:
            return None
        if path not in self._read:
            try:
                self._read[path] = _opened(self.root, path)
            except Unread as unread:
                self._read[path] = unread
        found = self._read[path]
        if isinstance(found, Unread):
            raise found
        return found


def path_of(build: Build) -> str | None:
    """Where the Dockerfile of an image lies in the repository; None when nobody knows yet."""
    if build.dockerfile.is_remote or not build.context.is_directory:
        return None
    path = inside_repository(build.dockerfile, build.context)
    return None if path is None or "${" in path else path


def _opened(root: str, path: str) -> Dockerfile | None:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(inside(root, path), flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unread("it is not a plain file")
            data = file.read(MAX_BYTES + 1)
    except OutsideRepository:
        raise Unread("it is a link that leads out of the repository") from None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        device = error.errno in {errno.ENXIO, errno.EISDIR, errno.ELOOP}
        reason = "it is not a plain file" if device else f"{error.strerror}".lower()
        raise Unread(reason) from None
    if len(data) > MAX_BYTES:
        raise Unread(f"it is larger than {MAX_BYTES // 1024} KiB")
    return parse(data, path)


def parse(data: bytes, path: str = "Dockerfile") -> Dockerfile:
    """What a Dockerfile says. Raises Unread, naming the line that is not understood."""
    from tree_sitter import Language, Parser
    from tree_sitter_containerfile import language

    parser = Parser(Language(language()))
    text = _HEREDOC.sub(_only_heredocs, _joined(data.removeprefix(_BOM)))
    nodes = parser.parse(text).root_node.children
    if (line := _fault(nodes)) is not None:
        raise Unread(f"line {line} of it is not understood")
    found = Dockerfile(path, set(), [], {})
    folder: str | None = "/"
    for node in nodes:
        if node.type == "from_instruction":
            stage = _stage(node, found)
            folder = "/" if stage.parent is None else None
            continue
        inner = node.named_children[-1] if node.type == "onbuild_instruction" else node
        if inner.type == "arg_instruction":
            pairs = [one for one in inner.children if one.type == "arg_pair"]
            found.arguments.update(_text(pair).partition("=")[0] for pair in pairs)
        elif found.stages:
            folder = _read(inner, found.stages[-1], folder)
    if not found.stages:
        raise Unread("it has no FROM")
    return found


def _joined(data: bytes) -> bytes:
    """Blank lines and comments inside of an instruction continue it; the grammar takes few there.

    A comment is a line of its own: behind a word ``#`` is as good as any character, and the grammar
    would take the next lines in. Lines keep their numbers.
    """
    directive = _ESCAPE.match(data)
    escape = directive[1] if directive else b"\\"
    lines = data.split(b"\n")
    continued = False
    for number, line in enumerate(lines[:-1]):
        words = line.strip()
        if continued and (not words or words.startswith(b"#")):
            lines[number] = escape
        elif words and not words.startswith(b"#"):
            continued = words.endswith(escape)
            lines[number] = _NUMBER_SIGN.sub(b"_", line)
    return b"\n".join(lines)


def _only_heredocs(found: re.Match[bytes]) -> bytes:
    """``<<`` begins a here-document at the start of a word only, behind a number perhaps."""
    return found[0] if found[1] is not None else b"_" * len(found[0])


def _fault(nodes: list[Node]) -> int | None:
    """The first line that may hide what is looked for; None when all of it is known."""
    end, before = -1, ""
    for node in nodes:
        row = node.start_point.row
        if node.type == "ERROR":
            word = _text(node).split(maxsplit=1)[:1]
            if row == end and before == "from_instruction":
                return row + 1
            if row != end and (not word or word[0].upper() not in _IGNORED):
                return row + 1
        elif node.has_error and node.type not in _HARMLESS:
            return row + 1
        end, before = node.end_point.row, node.type
    return None


def _stage(node: Node, dockerfile: Dockerfile) -> Stage:
    parts = {child.type: _text(child) for child in node.named_children}
    name, base = parts.get("image_alias", ""), parts.get("image_spec", "")
    stage = Stage(name, base, dockerfile.numbers.get(base.lower()), [], [], [])
    if name:
        dockerfile.numbers.setdefault(name.lower(), len(dockerfile.stages))
    dockerfile.stages.append(stage)
    return stage


def _read(node: Node, stage: Stage, folder: str | None) -> str | None:
    """Note what an instruction does; the folder of the next one, if that is known."""
    if node.type == "workdir_instruction":
        path = "".join(_text(child) for child in node.named_children if child.type == "path")
        return _note(stage, folder, path.strip("\"'"), _line(node))
    if node.type in {"copy_instruction", "add_instruction"}:
        for child in node.children:
            name, _, value = _text(child).partition("=")
            if child.type == "param" and name == "--from":
                stage.sources.append(Named(value, _line(child)))
        _note(stage, folder, _destination(node), _line(node))
    elif node.type == "run_instruction":
        for child in node.children:
            if child.type == "mount_param":
                _mount(child, stage)
            elif child.type in {"shell_command", "json_string_array", "heredoc_block"}:
                for above, line in enumerate(_text(child).split("\n")):
                    found = _PATH.findall(line)
                    stage.folders.extend(Named(path, _line(child) + above) for path in found)
    return folder


def _destination(node: Node) -> str:
    paths = [child for child in node.named_children if child.type == "path"]
    listed = [child for child in node.named_children if child.type == "json_string_array"]
    if listed:
        paths = listed[0].named_children
    return _text(paths[-1]).strip("\"'") if paths else ""


def _note(stage: Stage, folder: str | None, path: str, line: int) -> str | None:
    """The absolute path of one that is written, which is noted; None when nobody can tell."""
    if not path or "$" in path or (folder is None and not path.startswith("/")):
        return None
    whole = os.path.normpath(os.path.join(folder or "/", path)).replace(os.sep, "/")
    if len(whole) > _MAX_PATH:
        return None
    stage.folders.append(Named(whole, line))
    return whole


def _mount(node: Node, stage: Stage) -> None:
    given = _CONTINUED.sub("", _text(node)).partition("=")[2].strip("\"'")
    options = dict(_option(part) for part in given.split(","))
    if "from" in options:
        stage.sources.append(Named(options["from"], _line(node)))
    if options.get("type") == "secret":
        places = (options.get(name, "") for name in ("target", "dst", "destination"))
        name = options.get("id") or os.path.basename(next(filter(None, places), ""))
        if name and "$" not in name:
            stage.secrets.append(Named(name, _line(node)))


def _option(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip().strip("\"'")


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it."""
    return path == folder or path.startswith(f"{folder}/")
