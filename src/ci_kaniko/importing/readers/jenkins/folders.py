"""Into which folders a Jenkinsfile checks out its repository, and others."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.jenkins.groovy import Statement

OWN = re.compile(r"\s*(?:(?:def\s+)?\w+\s*=\s*)?checkout\s*\(?\s*scm\b")
_ADDRESS = re.compile(r"https://([\w.-]+/[\w./-]+?)(?:\.git)?/?")


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
        here = any(
            id(one) not in self._places and (OWN.match(one.code) or fetches(one)) for one in whole
        )
        declared = by_itself and any(one.name == "pipeline" for one in statements)
        if self._places and (here or declared):
            self.own.append(".")

    def said(self, statement: Statement) -> str:
        """What a step makes of a folder; empty for one that has the whole workspace."""
        folder = self._places.get(id(statement), "")
        if not folder:
            return ""
        found = self.others[folder]
        then = f"of that the context is {found}" if found else "what is built of it is not pushed"
        return f"is checked out into {folder}: {then}"


def _location(statement: Statement) -> str:
    """Where the executor fetches a repository; empty where nobody knows, or it needs a login."""
    address, branch = statement.given("url") or statement.given(), statement.given("branch")
    found = _ADDRESS.fullmatch(address.text()) if address else None
    if found is None or statement.given("credentialsId"):
        return ""
    named = branch or statement.given("name")
    default = "master" if statement.name == "git" else ""
    ref = re.sub(r"^(?:\*|origin|refs/heads)/", "", named.text() if named else default)
    if not re.fullmatch(r"[\w./-]*", ref):
        return ""
    return f"git://{found[1]}.git" + (f"#refs/heads/{ref}" if ref else "")
