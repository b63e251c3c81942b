"""Into which folders a Jenkinsfile checks out its repository, and others."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.readers.jenkins.groovy import MARK
from ci_kaniko.importing.shell.commands.programs import clone_words
from ci_kaniko.importing.signs import are_mentioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.readers.jenkins.groovy import Quoted, Statement

ASSIGNED = re.compile(r"\s*(?:(?:def|String|final)\s+)*(?:env\.)?(\w+)\s*=(?![=~])")
_NAMED = re.compile(r"\s*\w+\s*\(?\s*(?:path:\s*)?([A-Za-z_]\w*)\s*\)?\s*")
_HOLED = re.compile(r"[^$]*\$")
_WORKSPACE = re.compile(r"\$\{?(?:env\.)?WORKSPACE\}?/?")
OWN = re.compile(r"\s*(?:(?:def\s+)?\w+\s*=\s*)?checkout\s*\(?\s*scm\b")
_ADDRESS = re.compile(r"https://([\w.-]+/[\w./-]+?)(?:\.git)?/?")
_OWN_ADDRESS = re.compile(r"\$\{?(?:env\.)?GIT_URL\}?")


def fetches(statement: Statement) -> bool:
    """Whether a step names the repository that it checks out."""
    named = statement.name == "checkout" and bool(statement.texts)
    return named or re.match(r"\s*git\b\s*[^\s=.]", statement.code) is not None


class Folders:
    """What ``dir`` says of the steps that check something out.

    A declarative pipeline has the repository ``by_itself`` beside what they fetch.
    """

    def __init__(self, statements: list[Statement], *, by_itself: bool) -> None:
        self.own: list[str] = []
        self.others: dict[str, str] = {}
        self._roots: dict[int, dict[str, str]] = {}
        self._agents: dict[int, int] = {}
        self._find_agents(statements, 0)
        self._places: dict[int, str] = {}
        whole = [inner for one in statements for inner in one.below()]
        self._values = _set_once(whole)
        for statement in whole:
            folder = self._folder(statement) if statement.name in {"dir", "ws"} else ""
            for inner in statement.block if folder else ():
                if OWN.match(inner.code):
                    self.own.append(folder)
                elif fetches(inner):
                    self.others[folder] = self._location(inner)
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
        """What a step makes of a folder, or of the workspace."""
        if folder := self._places.get(id(statement)):
            return self._said(folder)
        then = "is not pushed: where it is this repository, take push: never out"
        if found := self._location(statement):
            then = f"has the context {found}, and tags have the commit of this repository"
        return f"takes the place of the repository in its workspace: a build of it {then}"

    def enter(self, statement: Statement) -> None:
        """Go over a step that may put another repository, or this one, into the workspace."""
        if id(statement) not in self._places:
            if OWN.match(statement.code):
                self._roots.pop(self._agents.get(id(statement), 0), None)
            elif fetches(statement):
                found = {".": self._location(statement)}
                self._roots[self._agents.get(id(statement), 0)] = found

    def root(self, statement: Statement) -> dict[str, str]:
        """What the workspace of a step holds instead of the repository, by all that was read."""
        return self._roots.get(self._agents.get(id(statement), 0), {})

    def _find_agents(self, statements: list[Statement], agent: int) -> None:
        """In whose workspace each step runs: a node's, or that of the stage with an agent."""
        for one in statements:
            own = one.name == "node" or any(inner.name == "agent" for inner in one.block)
            self._agents[id(one)] = id(one) if own else agent
            self._find_agents(one.block, self._agents[id(one)])

    def _said(self, folder: str) -> str:
        found = self.others[folder]
        then = f"of that the context is {found}" if found else "what is built of it is not pushed"
        return f"is checked out into {folder}: {then}"

    def _text(self, text: Quoted) -> str:
        return text.text(lambda name: self._values.get(_plain(name)) or f"${{{name}}}")

    def _folder(self, statement: Statement) -> str:
        """The folder that a block is in, from the workspace; empty for one elsewhere."""
        if text := statement.given() or statement.given("path"):
            given = self._text(text)
        else:
            named = _NAMED.fullmatch(statement.code)
            given = self._values.get(named[1]) or "" if named else ""
        inside = _WORKSPACE.match(given)
        if statement.name == "ws" and not inside:
            return ""
        return posixpath.normpath(given[inside.end() :] if inside else given) if given else ""

    def _location(self, statement: Statement) -> str:
        """Where the executor fetches a repository; empty where it needs a login or nobody knows."""
        code = statement.code
        if re.search(r"\bcredentialsId\b", code):
            return ""
        given = [statement.given("url") or statement.given()]
        given += [statement.given("branch") or statement.given("name")]
        address, ref = (self._text(text) if text else "" for text in given)
        if statement.name == "git" and not re.search(r"\bbranch\b", code):
            ref = "master"
        elif not ref and re.search(r"\b(?:branch|name)\b", code):
            return ""
        return _fetched(address, re.sub(r"^(?:\*|origin|refs/heads)/", "", ref))


def _plain(name: str) -> str:
    return re.sub(r"^(?:env|params)\.", "", name)


def _set_once(statements: list[Statement]) -> dict[str, str]:
    """Variables that have one text in a file, whatever runs."""
    found: dict[str, str] = {}
    for statement in statements:
        if named := ASSIGNED.match(statement.code):
            lone = named[1] not in found and statement.code[named.end() :].strip() == MARK
            text = statement.texts[0] if lone else None
            found[named[1]] = text.text() if text and not _HOLED.match(text.source) else ""
    return found


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
