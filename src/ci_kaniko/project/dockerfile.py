"""What a Dockerfile of the checkout says: stages, arguments, secrets, and where its files go.

Nothing here runs a Dockerfile or follows what a variable would say.
"""

from __future__ import annotations

import errno
import os
import stat

from ci_kaniko.project.instructions import Instruction, NotUnderstood, instructions, triggered
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.files import OutsideRepository, inside
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from ci_kaniko.spec.build import Build

MAX_BYTES = 128 * 1024
_MAX_PATH = 4096
_PATH = pattern(r"(?<![\w.$}:~/-])/[\w./-]+")


class Unread(Exception):
    """A Dockerfile that is there and is not read; the message says why, as in "it is a pipe"."""


class Named(NamedTuple):
    """A word of a Dockerfile and its line."""

    name: str
    line: int


class Stage(NamedTuple):
    """A ``FROM`` and what follows it.

    - ``parent`` is the number of an earlier stage that it begins with, else ``base`` is an image.
    - ``sources`` are stages or images that it copies or mounts from.
    - ``copied`` are the paths that it copies from the context.
    - ``secrets`` are the ids that it mounts.
    - ``folders`` are the absolute paths that it works in, copies to or names in a command.
    """

    name: str
    base: str
    parent: int | None
    sources: list[Named]
    copied: list[Named]
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

    def secrets(self, number: int) -> list[Named]:
        """What the RUN lines mount that a stage is made with, each once."""
        found: dict[str, Named] = {}
        for at in sorted(self.used(number)):
            for one in self.stages[at].secrets:
                found.setdefault(one.name, one)
        return [*found.values()]

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
                self._read[path] = opened(self.root, path)
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


def opened(root: str, path: str) -> Dockerfile | None:
    """The Dockerfile at a path of a repository; None when there is none. Raises Unread."""
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
    found = Dockerfile(path, set(), [], {})
    folder: str | None = "/"
    try:
        for one in instructions(data.decode("utf-8-sig", "replace")):
            inner = triggered(one) if one.word == "onbuild" else one
            if one.word == "from":
                stage = _stage(one, found)
                folder = "/" if stage.parent is None else None
            elif inner.word == "arg":
                found.arguments.update(word.text.partition("=")[0] for word in inner.words)
            elif found.stages:
                folder = _read(inner, found.stages[-1], folder)
    except NotUnderstood as error:
        raise Unread(f"line {error.line} of it is not understood") from None
    if not found.stages:
        raise Unread("it has no FROM")
    return found


def _stage(one: Instruction, dockerfile: Dockerfile) -> Stage:
    words = [word.text for word in one.words]
    if len(words) not in {1, 3} or (len(words) == 3 and words[1].lower() != "as"):
        raise NotUnderstood(one.line)
    base, name = words[0], words[-1] if len(words) == 3 else ""
    stage = Stage(name, base, dockerfile.numbers.get(base.lower()), [], [], [], [])
    if name:
        dockerfile.numbers.setdefault(name.lower(), len(dockerfile.stages))
    dockerfile.stages.append(stage)
    return stage


def _read(one: Instruction, stage: Stage, folder: str | None) -> str | None:
    """Note what an instruction does; the folder of the next one, if that is known."""
    if one.word == "workdir":
        return _note(stage, folder, one.text.strip("\"'"), one.line)
    if one.word in {"copy", "add"}:
        *copied, destination = _paths(one) or [""]
        if stages := one.given("--from"):
            stage.sources.extend(Named(*each) for each in stages)
        else:
            stage.copied.extend(Named(path, one.line) for path in copied)
        _note(stage, folder, destination, one.line)
    elif one.word == "run":
        for value, line in one.given("--mount"):
            _mount(value, line, stage)
        for piece in (*one.pieces, *one.documents):
            stage.folders.extend(Named(path, piece.line) for path in _PATH.findall(piece.text))
    return folder


def _paths(one: Instruction) -> list[str]:
    """What is copied, and where to."""
    text = one.text
    if text.startswith("["):
        import json

        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = []
        if listed and all(isinstance(item, str) for item in listed):
            return [*map(str, listed)]
    return [word.text for word in one.words]


def _note(stage: Stage, folder: str | None, path: str, line: int) -> str | None:
    """The absolute path of one that is written, which is noted; None when nobody can tell."""
    if not path or "$" in path or (folder is None and not path.startswith("/")):
        return None
    whole = os.path.normpath(os.path.join(folder or "/", path)).replace(os.sep, "/")
    if len(whole) > _MAX_PATH:
        return None
    stage.folders.append(Named(whole, line))
    return whole


def _mount(value: str, line: int, stage: Stage) -> None:
    options = dict(_option(part) for part in value.split(","))
    if "from" in options:
        stage.sources.append(Named(options["from"], line))
    if options.get("type") == "secret":
        places = (options.get(name, "") for name in ("target", "dst", "destination"))
        name = options.get("id") or os.path.basename(next(filter(None, places), ""))
        if name and "$" not in name:
            stage.secrets.append(Named(name, line))


def _option(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip()


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it."""
    return path == folder or path.startswith(f"{folder}/")
