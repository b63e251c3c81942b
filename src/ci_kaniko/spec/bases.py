"""The files that a spec extends: its text lies over theirs.

A file that several of them extend counts once, under all of these. The order is that of a walk that
reaches each file after its own bases.
"""

from __future__ import annotations

import os
import posixpath
import sys

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.problems.problem import Problem, SpecError, suggest
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, NoReturn
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository.discovery import PREFIX
from ci_kaniko.repository.packages import file_of, folders_of, installed_packages
from ci_kaniko.source.nodes import Mapping, Node, Place, Scalar, Sequence
from ci_kaniko.source.reading import MAX_BYTES, Unreadable, decode, survey
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.extends import check_base, read_bases
from ci_kaniko.spec.images import inherit
from ci_kaniko.spec.labels import OCI
from ci_kaniko.spec.policy import severity_of
from ci_kaniko.spec.releases import check_release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci_kaniko.source.source import Source

EXTENDS = "extends"
MAX_LEVELS = 8
_MAX_FILES = 64


class Home(NamedTuple):
    """Where a file lies: its path from the root of the repository, or of a ``package``."""

    path: str
    package: str = ""

    def beside(self, word: str) -> Home:
        """The file that ``word`` names in this one. Raises Refused."""
        check_base(word)
        if word.startswith(PREFIX):
            package, _, path = word.removeprefix(PREFIX).partition("/")
            return Home(posixpath.normpath(path), package)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), word))
        if path.partition("/")[0] == "..":
            out = f"the package {quoted(self.package)}" if self.package else "the repository"
            hint = f"a file of it, or {PREFIX}NAME/FILE of another package"
            raise Refused("bad-base", f"{quoted(word)} leads out of {out}", hint)
        return Home(path, self.package)


class _Entry(NamedTuple):
    """A place where a file names a base."""

    source: Source
    node: Node
    word: str

    def refuse(self, rule: str, message: str, hint: str = "") -> NoReturn:
        """Raises SpecError at this place."""
        raise SpecError([self.source.problem(rule, message, self.node, hint)]) from None


class _Walk:
    """Reads every file under a spec once; what is wrong with any of them is collected."""

    def __init__(self, spec: Source, read: Callable[[str], bytes]) -> None:
        self.spec = spec
        self.read = read
        self.files: dict[str, Source] = {}
        self.under: list[Source] = []
        self.problems: list[Problem] = []

    def visit(self, source: Source, home: Home, above: tuple[str, ...]) -> None:
        """Everything below a file, the deepest first."""
        for entry in self._entries(source):
            try:
                inner = home.beside(entry.word)
                file = self._file(entry, inner)
                if file in above:
                    self._circular(entry, above[above.index(file) :], file)
                if len(above) > MAX_LEVELS:
                    message = (
                        f"{quoted(entry.word)} is more than {MAX_LEVELS} levels below the spec"
                    )
                    entry.refuse("circular-extends", message, "let a file name the next but one")
                if file in self.files:
                    continue
                if len(self.files) == _MAX_FILES:
                    message = f"a spec has more than {_MAX_FILES} bases"
                    entry.refuse("circular-extends", message, "put some of them together")
                base = self.files[file] = self._read(entry, inner, file)
                self.visit(base, inner, (*above, file))
                self.under.insert(0, base)
            except Refused as refused:
                problem = source.problem(refused.rule, refused.message, entry.node, refused.hint)
                self.problems.append(problem)
            except SpecError as error:
                self.problems += error.problems

    def _entries(self, source: Source) -> Iterator[_Entry]:
        """The bases that a file names. What is no list of texts is refused at its place."""
        found = source.root.get(EXTENDS)
        value = None if found is None else to_python(found)
        if found is None or value is None:
            return
        try:
            words = read_bases(value)
        except Refused as refused:
            for each in (refused, *refused.others):
                node = source.locate((EXTENDS, *each.at)).node
                self.problems.append(source.problem(each.rule, each.message, node, each.hint))
            return
        nodes = found.items if isinstance(found, Sequence) else [found]
        for word, node in zip(words, nodes, strict=True):
            yield _Entry(source, node, word)

    def _file(self, entry: _Entry, home: Home) -> str:
        if home.package:
            return self._file_of_package(entry, home)
        from ci_kaniko.repository.files import OutsideRepository, inside

        root = _root(self.spec)
        try:
            return inside(root, home.path)
        except OutsideRepository:
            message = (
                f"{quoted(entry.word)} is a link that leads out of the repository, or into .git"
            )
            entry.refuse("bad-base", message, "copy the file into the repository")

    def _file_of_package(self, entry: _Entry, home: Home) -> str:
        if home.package in sys.stdlib_module_names:
            message = f"{quoted(home.package)} is a module of Python itself, and holds no spec"
            entry.refuse("missing-base", message, self._known_packages(home.package))
        if not folders_of(home.package):
            message = f"no package {quoted(home.package)} is installed beside ci-kaniko"
            entry.refuse("missing-base", message, self._known_packages(home.package))
        file = file_of(f"{PREFIX}{home.package}/{home.path}")
        if file is None:
            message = f"the package {quoted(home.package)} has no file {quoted(home.path)}"
            hint = "its wheel must hold the file; another version of it may"
            entry.refuse("missing-base", message, hint)
        return os.path.realpath(file)

    def _known_packages(self, word: str) -> str:
        """What helps who named no package: only the team knows which distribution has the file."""
        close = suggest(word, installed_packages())
        meant = f'did you mean "{close}"? otherwise ' if close else ""
        return (
            f"{meant}install beside ci-kaniko what your team publishes its specs in, and name "
            "the folder with them as Python imports it"
        )

    def _read(self, entry: _Entry, home: Home, file: str) -> Source:
        path = self._shown(home)
        try:
            data = self.read(file)
        except Unreadable as error:
            if error.rule == "no-spec":
                entry.refuse("missing-base", *self._missing(entry, path))
            entry.refuse(error.rule, f"{quoted(path)}: {error.message}", "name a file that is one")
        if len(data) > MAX_BYTES:
            entry.refuse("too-large", f"{quoted(path)} is larger than 1 MiB", "is this a spec?")
        source = survey(decode(data, path), path)
        check_release(source)
        source.place = None if home.package else home.path
        return source

    def _missing(self, entry: _Entry, path: str) -> tuple[str, str]:
        hint = "a path starts at the folder of the file that names it"
        from_root = os.path.join(_root(self.spec), entry.word)
        if not entry.source.path.startswith(PREFIX) and os.path.isfile(from_root):
            folder = os.path.dirname(os.path.abspath(entry.source.path))
            found = os.path.relpath(from_root, folder)
            hint += f": write {found.replace(os.sep, '/')}"
        return f"there is no file {quoted(path)}", hint

    def _shown(self, home: Home) -> str:
        """What messages call a file: as the spec is called, from where the command runs."""
        if home.package:
            return f"{PREFIX}{home.package}/{home.path}"
        below = posixpath.relpath(home.path, posixpath.dirname(_home(self.spec).path) or ".")
        folder = os.path.dirname(self.spec.path)
        return os.path.normpath(os.path.join(folder, below))

    def _circular(self, entry: _Entry, circle: tuple[str, ...], file: str) -> NoReturn:
        names = [self.files[each].path if each in self.files else self.spec.path for each in circle]
        name = self.files[file].path if file in self.files else self.spec.path
        if len(circle) == 1:
            entry.refuse("circular-extends", "a file cannot extend itself", "name another file")
        message = f"the files extend one another: {' > '.join([*names, name])}"
        entry.refuse("circular-extends", message, "leave this one out")


def _root(spec: Source) -> str:
    from ci_kaniko.repository.discovery import root_of

    return root_of(spec.path)


def _home(spec: Source) -> Home:
    from ci_kaniko.repository.discovery import place_of

    return Home(place_of(spec.path))


def with_bases(source: Source, read: Callable[[str], bytes]) -> None:
    """Put the files that a spec extends under it, of which ``read`` tells the bytes.

    Raises SpecError with every problem of any of them.
    """
    walk = _Walk(source, read)
    walk.visit(source, _home(source), (os.path.realpath(source.path),))
    if walk.problems:
        raise SpecError([*source.problems, *walk.problems])
    source.bases = walk.under
    for each in (source, *source.bases):
        each.root = _in_long_form(each.root)
        if each is not source:
            source.problems += each.problems


def _in_long_form(root: Mapping) -> Mapping:
    """A spec, or an image, of which each mapping can be laid over another key by key."""
    items: list[tuple[Scalar, Node]] = []
    for key, item in root.items:
        if key.text == "labels" and isinstance(item, Scalar) and item.text == OCI:
            items.append((key, _entry(OCI, Scalar("true", plain=True), item)))
        elif key.text in {"images", "rules"} and isinstance(item, Mapping):
            long = _long_image if key.text == "images" else _long_rule
            inner = [(name, long(each)) for name, each in item.items]
            items.append((key, Mapping(inner, _place(item))))
        else:
            items.append((key, item))
    return Mapping(items, _place(root))


def _long_image(item: Node) -> Node:
    return _in_long_form(item) if isinstance(item, Mapping) else item


def _long_rule(item: Node) -> Node:
    if isinstance(item, Sequence):
        return _entry("registries", item, item)
    is_null = isinstance(item, Scalar) and to_python(item) is None
    return item if isinstance(item, Mapping) or is_null else _entry("severity", item, item)


def _entry(key: str, value: Node, at: Node) -> Mapping:
    """A mapping of one key, at the place of what stands for it."""
    place = _place(at)
    value.line, value.column, value.end_line, value.end_column = place
    return Mapping([(Scalar(key, plain=True, place=place), value)], place)


def _place(node: Node) -> Place:
    return Place(node.line, node.column, node.end_line, node.end_column)


def laid_over(base: Any, own: Any) -> Any:
    """What a file says over what it extends: as an image inherits, null removes.

    Null stays where there is nothing to remove, and in an image, which has more to inherit.
    """
    return inherit(base, own, lambda at, under: under is not None and not _in_an_image(at))


def _in_an_image(at: tuple[str, ...]) -> bool:
    return at[:1] == ("images",) and len(at) > 2


def merged(source: Source) -> Any:
    """The values of a spec over those of all that it extends."""
    found: Any = {}
    for each in (*reversed(source.bases), source):
        found = laid_over(found, to_python(each.root))
    if isinstance(rules := found.get("rules"), dict):
        found["rules"] = {
            key: item for key, item in rules.items() if not _is_taken_back(key, source)
        }
    return {key: item for key, item in found.items() if key != EXTENDS}


def _is_taken_back(rule: str, source: Source) -> bool:
    """Whether a file says of a rule what it is by itself, after a base has said something else."""
    where = ("rules", rule)
    layers = [layer for layer in source.layers(where) if layer.key and layer.key.text == rule]
    settings = [to_python(layer.node) for layer in layers]
    usual = {"severity": severity_of({}, rule)}
    return len(settings) > 1 and settings[0] == usual and not any("locked" in s for s in settings)
