"""The forms that a context and a Dockerfile can take."""

from __future__ import annotations

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.variables import (
    INPUT_PREFIX,
    INPUT_READ,
    Parts,
    Ref,
    Template,
    holding_inputs,
    parse,
    parts_of,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from typing_extensions import Self

REMOTE_SCHEMES = ("git", "s3", "gs", "https", "tar")
_SCP = pattern(r"[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):(?!/)(.+)")


class Context(Template):
    """A build context: a directory of the repository, or what the executor fetches or unpacks.

    ``kind`` is ``directory`` or the scheme, ``location`` what stands behind the scheme.
    """

    __slots__ = ("kind", "location")
    kind: str
    location: str

    def __new__(cls, text: str) -> Self:
        """Read a context. Raises Refused."""
        grammar.check_text(text)
        scheme, separator, rest = text.partition("://")
        made = cls.keeping(text, _remote(text, scheme, rest) if separator else _directory(text))
        made.kind = scheme if separator else "directory"
        made.location = rest if separator else text
        return made

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory of the repository."""
        return self.kind == "directory"

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive that lies where the executor runs."""
        return self.kind == "tar"

    @property
    def is_checked_out(self) -> bool:
        """Whether the checkout holds it; all others are fetched by the executor."""
        return self.is_directory or self.is_archive

    @property
    def store(self) -> str:
        """The store of a cloud that it lies in: s3, gs or azure, or nothing.

        >>> Context("s3://acme/shop.tar.gz").store, Context("https://acme.example.com/shop").store
        ('s3', '')
        """
        from ci_kaniko.kaniko.hosts import is_azure_blob

        if is_azure_blob(self):
            return "azure"
        return self.kind if self.kind in {"s3", "gs"} else ""

    @property
    def bucket(self) -> str:
        """Where in a store it lies."""
        return self.location.partition("/")[0]

    @property
    def names_a_ref(self) -> bool:
        """Whether a repository stands with the ref to clone."""
        return self.kind == "git" and "#" in self.location


class Dockerfile(Template):
    """Where a Dockerfile is: a path from the context, or an address to download it from."""

    __slots__ = ("is_remote",)
    is_remote: bool

    def __new__(cls, text: str) -> Self:
        """Read a path. Raises Refused."""
        given = INPUT_READ in text
        parts = _with_inputs(text, "docker/${input.app}/Dockerfile") if given else ()
        made = cls.keeping(text, parts or (text,))
        made.is_remote = text.startswith(("http://", "https://"))
        if not made.is_remote:
            _check_dockerfile(text)
        return made


def normal_path(path: str, folder: str = ".") -> Parts:
    """A path of a folder, from the root of the repository and without detours; empty for that."""
    parts = [parts_of(text) for text in (path, folder)]
    literal = [each[0] for each in parts if len(each) == 1 and isinstance(each[0], str)]
    if len(literal) == len(parts):
        inside = grammar.inside_repository(*literal) or "."
        return () if inside == "." else (inside,)
    refs = [part for each in reversed(parts) for part in each if isinstance(part, Ref)]
    flat = ["".join(part if isinstance(part, str) else "\0" for part in each) for each in parts]
    first, *rest = (grammar.inside_repository(*flat) or ".").split("\0")
    merged = [first, *(piece for pair in zip(refs, rest, strict=False) for piece in pair)]
    return () if merged == ["."] else tuple(piece for piece in merged if piece)


def without_scheme(parts: Parts) -> Parts:
    """What stands behind the scheme of a context, whose variables may have values by now."""
    first, *rest = parts
    assert isinstance(first, str), "a scheme is written out"
    return tuple(part for part in (first.partition("://")[2], *rest) if part)


def git_parts(parts: Parts) -> tuple[Parts, list[Parts]]:
    """The address of a git context without its scheme, and what it names of a ref and a commit.

    >>> git_parts(("git://github.com/acme/shop.git#refs/heads/main",))
    (('github.com/acme/shop.git',), [('refs/heads/main',)])
    """
    found: list[list[str | Ref]] = [[]]
    for part in without_scheme(parts):
        if isinstance(part, Ref):
            found[-1].append(part)
            continue
        first, *others = part.split("#")
        found[-1].append(first)
        found += [[other] for other in others]
    location, *fragments = (tuple(part for part in each if part) for each in found)
    return location, fragments


_OTHER_ARCHIVE = pattern(r"(?i)(.*)\.(?:zip|7z|rar)", re.DOTALL)


def _remote(text: str, scheme: str, rest: str) -> Parts:
    if scheme == "dir":
        raise Refused(
            "bad-context",
            f"{quoted(text)} needs no scheme",
            f"write {rest.strip('/') or '.'}",
        )
    if scheme not in REMOTE_SCHEMES:
        close = {"http": "https", "ssh": "git", "git+ssh": "git", "git+https": "git"}.get(scheme)
        raise Refused(
            "bad-context",
            f"{quoted(text)} has a scheme that nothing fetches",
            f"write {close}://{rest}"
            if close
            else "a directory, or git:// s3:// gs:// https:// tar://",
        )
    if scheme == "https" and rest.partition("#")[0].endswith(".git"):
        message = f"{quoted(text)} is a repository, and https:// fetches an archive"
        raise Refused("bad-context", message, f"write git://{rest}")
    if scheme == "git":
        _check_git_context(text, rest)
    elif scheme == "tar":
        _check_archive(text, rest)
    elif not all(rest.partition("/")[::2]):
        what = "HOST/FILE" if scheme == "https" else "BUCKET/FILE"
        raise Refused("bad-context", f"{quoted(text)} names no file", f"{scheme}://{what}")
    if scheme != "git" and (other := _OTHER_ARCHIVE.fullmatch(rest.partition("?")[0])):
        message = f"{quoted(text)} is no gzipped tar archive, which is what is unpacked"
        raise Refused("bad-context", message, f"such as {scheme}://{other.group(1)}.tar.gz")
    return parse(text)


def _directory(text: str) -> Parts:
    """A path as it is written."""
    if remote := _SCP.fullmatch(text):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is a clone over SSH, for which no build has a key",
            f"write git://{remote.group(1)}/{remote.group(2)}",
        )
    found = [ref.name for ref in parse(text) if isinstance(ref, Ref)]
    if others := [name for name in found if not name.startswith(INPUT_PREFIX)]:
        raise Refused(
            "variable-not-allowed",
            f"a path holds no variables but inputs, and ${{{others[0]}}} is none",
            "they are replaced in contexts that are fetched, as behind git://",
        )
    if found:
        parts = _with_inputs(text, "services/${input.app}")
        grammar.check_inside(text, what="context")
        return parts
    grammar.check_inside(text, what="context")
    return (text,)


def _with_inputs(text: str, example: str) -> Parts:
    """The parts of a path, of which a caller gives some. Raises Refused."""
    read = holding_inputs(text, "a path", example)
    _, _, rest = text.partition(INPUT_READ)
    if ".." in rest.split("/"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} leaves a folder that an input names, and that may be several",
            f"a path that only goes down from there, such as {example}",
        )
    if "$${" in text:
        message = f"{quoted(text)} holds a literal ${{ beside an input"
        raise Refused("bad-path", message, "a path whose names have none")
    return read.parts


def _check_archive(text: str, rest: str) -> None:
    if rest == "stdin":
        raise Refused(
            "bad-context",
            "nothing writes to standard input in a CI job",
            "tar://FILE, a gzipped archive in the repository",
        )
    if not rest or (not rest.startswith("/") and grammar.inside_repository(rest) in {None, "."}):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is no file of the repository",
            "such as tar://build/context.tar.gz",
        )


def _check_git_context(text: str, rest: str) -> None:
    location, *fragments = rest.split("#")
    if "://" in location or location.startswith("git@"):
        raise Refused(
            "bad-context",
            f"{quoted(text)}: git:// already means a clone over https",
            f"write git://{rest.removeprefix('https://')}"
            if rest.startswith("https://")
            else "such as git://github.com/acme/shop.git#refs/heads/main",
        )
    host, _, path = location.partition("/")
    if not path.strip("/") or (not grammar.is_host(host) and "${" not in host):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is not a repository",
            "git://HOST/PATH#REF#COMMIT, such as git://github.com/acme/shop.git#refs/heads/main",
        )
    if fragments and not _is_git_ref(fragments[0]):
        named = fragments[0] and not grammar.is_commit(fragments[0])
        raise Refused(
            "bad-context",
            f"{quoted(fragments[0])} is not a full ref",
            f"write git://{location}#refs/heads/{'#'.join(fragments)}"
            if named
            else "git://HOST/PATH#refs/heads/main#COMMIT; a bare commit works on few servers",
        )
    if len(fragments) > 2 or (fragments[1:] and not _is_commit(fragments[1])):
        raise Refused(
            "bad-context",
            f"{quoted('#'.join(fragments[1:]))} is not a commit",
            "40 hexadecimal digits, after the ref: #refs/heads/main#COMMIT",
        )


def _is_git_ref(text: str) -> bool:
    return text.startswith(("refs/", "${"))


def _is_commit(text: str) -> bool:
    return grammar.is_commit(text) or text.startswith("${")


def _check_dockerfile(text: str) -> None:
    if not text or text.endswith("/"):
        raise Refused("bad-path", f"{quoted(text)} is not a file", "such as docker/Dockerfile")
    if "://" in text:
        raise Refused(
            "bad-path",
            f"{quoted(text)} has a scheme that nothing fetches",
            "a path, or https://",
        )
    if text.startswith("/"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is absolute; the Dockerfile's path starts at the context",
            f"write {text.lstrip('/')}",
        )
