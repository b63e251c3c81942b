"""The forms that a context and a Dockerfile can take."""

from __future__ import annotations

from typing import Annotated

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.spec.fields import STRING, Reads, check_plain, checked
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.variables import Ref, parse
from ci_kaniko.text.patterns import pattern

REMOTE_SCHEMES = ("git", "s3", "gs", "https", "tar")
_SCP = pattern(r"[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):(?!/)(.+)")


def _check_context(text: str) -> None:
    grammar.check_text(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        _check_directory(text)
        return
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
            f"{quoted(text)} has a scheme that kaniko does not know",
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
    parse(text)


def _check_directory(text: str) -> None:
    if remote := _SCP.fullmatch(text):
        raise Refused(
            "bad-context",
            f"{quoted(text)} is a clone over SSH, which kaniko cannot do",
            f"write git://{remote.group(1)}/{remote.group(2)}",
        )
    if any(isinstance(part, Ref) for part in parse(text)):
        raise Refused(
            "variable-not-allowed",
            "the name of a directory holds no variables",
            "variables are replaced in contexts that are fetched, such as git://",
        )
    grammar.check_path(text, what="context")


def _check_archive(text: str, rest: str) -> None:
    if rest == "stdin":
        raise Refused(
            "bad-context",
            "nothing writes to the executor's standard input in a CI job",
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
    check_plain(text)
    if text.startswith(("http://", "https://")):
        return
    if not text or text.endswith("/"):
        raise Refused("bad-path", f"{quoted(text)} is not a file", "such as docker/Dockerfile")
    if "://" in text:
        raise Refused(
            "bad-path",
            f"{quoted(text)} has a scheme that kaniko does not know",
            "a path, or https://",
        )
    if text.startswith("/"):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is absolute; the Dockerfile's path starts at the context",
            f"write {text.lstrip('/')}",
        )


Context = Annotated[str, Reads(checked(_check_context), STRING, "template")]
Dockerfile = Annotated[str, Reads(checked(_check_dockerfile), STRING)]
