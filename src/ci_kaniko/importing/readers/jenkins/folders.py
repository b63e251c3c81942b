"""Into which folders a Jenkinsfile checks out its repository, and others."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.shell.commands.programs import clone_words
from ci_kaniko.importing.signs import are_mentioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.jenkins.groovy import Statement

OWN = re.compile(r"\s*(?:(?:def\s+)?\w+\s*=\s*)?checkout\s*\(?\s*scm\b")
_ADDRESS = re.compile(r"https://([\w.-]+/[\w./-]+?)(?:\.git)?/?")
_OWN_ADDRESS = re.compile(r"\$\{?(?:env\.)?GIT_URL\}?")


def fetches(statement: Statement) -> bool:
    """Whether a step names the repository that it checks out."""
    return statement.name in {"git", "checkout"} and bool(statement.texts)


class Folders:
    """What ``dir`` says of the steps that check something out.

    A declarative pipeline has the repository ``by_itself`` beside what they fetch.
    """

    def __init__(self, statements: list[Statement], *, by_itself: bool) -> None:
        self.own: list[str] = []
        self.others: dict[str, str] = {}
        self._places: dict[int, str] = {}
        whole = [inner for one in statements for inner in one.below()]
        for statement in whole:
            given = statement.given() or statement.given("path")
            for inner in statement.block if statement.name == "dir" and given else ():
                folder = posixpath.normpath(given.text() if given else "")
                if OWN.match(inner.code):
                    self.own.append(folder)
                elif fetches(inner):
                    self.others[folder] = _location(inner)
                else:
                    continue
                self._places[id(inner)] = folder
        self.told: list[tuple[Statement, str]] = []
        for statement in whole:
            for text in statement.texts if statement.name == "sh" else ():
                if not are_mentioned(text.source):
                    self._take_clones(statement, text.text())
        here = any(
            id(one) not in self._places and (OWN.match(one.code) or fetches(one)) for one in whole
        )
        declared = by_itself and any(one.name == "pipeline" for one in statements)
        if (self.own or self.others) and (here or declared):
            self.own.append(".")

    def _take_clones(self, statement: Statement, script: str) -> None:
        for address, branch, folder in _cloned(script):
            if _OWN_ADDRESS.fullmatch(address):
                self.own.append(folder)
                continue
            self.others.setdefault(folder, _fetched(address, branch))
            shown = re.sub("//[^/@]*@", "//", address)
            self.told.append((statement, f"git clone {shown} {self._said(folder)}"))

    def said(self, statement: Statement) -> str:
        """What a step makes of a folder; empty for one that has the whole workspace."""
        folder = self._places.get(id(statement))
        return self._said(folder) if folder else ""

    def _said(self, folder: str) -> str:
        found = self.others[folder]
        then = f"of that the context is {found}" if found else "what is built of it is not pushed"
        return f"is checked out into {folder}: {then}"


def _location(statement: Statement) -> str:
    """Where the executor fetches a repository; empty where nobody knows, or it needs a login."""
    address, branch = statement.given("url") or statement.given(), statement.given("branch")
    if address is None or statement.given("credentialsId"):
        return ""
    named = branch or statement.given("name")
    default = "master" if statement.name == "git" else ""
    ref = re.sub(r"^(?:\*|origin|refs/heads)/", "", named.text() if named else default)
    return _fetched(address.text(), ref)


def _fetched(address: str, ref: str) -> str:
    found = _ADDRESS.fullmatch(address)
    if found is None or not re.fullmatch(r"[\w./-]*", ref):
        return ""
    return f"git://{found[1]}.git" + (f"#refs/heads/{ref}" if ref else "")


def _cloned(script: str) -> Iterator[tuple[str, str, str]]:
    """What a script clones: the address, the branch if it names one, and the folder."""
    for command in re.split(r"[;&|\n]", script):
        _, is_clone, rest = command.partition("git clone ")
        words = rest.split() if is_clone else []
        places, branch = clone_words(words)
        address, *folder = [words[place].strip("'\"") for place in places] or [""]
        into = folder[0] if folder else address.rpartition("/")[2].removesuffix(".git")
        if re.fullmatch(r"(?:\./)?\w[\w./-]*", into):
            yield address, branch, posixpath.normpath(into)
