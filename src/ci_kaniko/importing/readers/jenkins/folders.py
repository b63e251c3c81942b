"""Into which folders a Jenkinsfile checks out its repository, and others."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Cloned
from ci_kaniko.importing.readers.jenkins.groovy import ASSIGNED, MARK, Quoted, Statement
from ci_kaniko.importing.repositories import context_of, with_token
from ci_kaniko.importing.signs import are_mentioned

if TYPE_CHECKING:
    from collections.abc import Iterable


BY_NAME = re.compile(r"\s*\w+\s*\(?\s*(?:(?:name|path):\s*)?([A-Za-z_][\w.]*)\s*\)?\s*")
_WORKSPACE = re.compile(r"\$\{?(?:env\.)?WORKSPACE\}?/?")
_OWN = re.compile(r"\s*(?:(?:def\s+)?\w+\s*=\s*)?checkout\b(?:\s*\(?\s*scm\b(?!\s*:)|.*\bscm\.)")
_ALL_FILES = re.compile(r"(?:\*\*?(?:/\*)?)?$")
_CHOICES = {"if", "else", "case", "default"}
_MAIN = "master"


def constants(whole: Iterable[Statement]) -> dict[str, str]:
    """Variables that have one text in the file, whatever runs, and parameters' defaults."""
    values: dict[str, str] = {}
    for one in whole:
        if named := ASSIGNED.match(one.code):
            lone = named[1] not in values and one.code[named.end() :].strip() == MARK
            plain = lone and "$" not in one.texts[0].source
            values[named[1]] = one.texts[0].text() if plain else ""
        elif (called := one.given("name")) and (default := one.given("defaultValue")):
            values[called.text()] = _filled(default, values)
    return values


class Folders:
    """What ``dir`` says of the steps that check something out.

    A declarative pipeline has the repository ``by_itself`` beside what they fetch.
    """

    def __init__(self, statements: list[Statement], *, by_itself: bool) -> None:
        self.own: list[str] = []
        self.others: dict[str, Cloned] = {}
        self._roots: dict[int, dict[str, Cloned]] = {}
        self._find_agents(statements, {})
        self._places: dict[int, str] = {}
        self._stashed: dict[str, dict[str, Cloned]] = {}
        whole = [inner for one in statements for inner in one.below()]
        self._values = constants(whole)
        self._has_built = False
        self._unsure: set[int] = set()
        """The workspaces of which nobody knows what the first build finds."""
        self._find_places(statements, "", is_choice=False)
        self.own = [folder for folder in self.own if folder not in self.others]
        steps = [one for one in whole if self.owns(one) or self._fetches(one)]
        here = any(id(one) not in self._places for one in steps)
        declared = by_itself and any(one.name == "pipeline" for one in statements)
        if (self.own or self.others) and (here or declared):
            self.own.append(".")

    def _find_places(self, statements: list[Statement], around: str, *, is_choice: bool) -> None:
        """Into which folder of its workspace each step checks out."""
        for one in statements:
            at = "" if _has_workspace(one) else around
            if one.name in {"dir", "ws"}:
                at = self._folder(one, at)
            inside = self._given(one, "relativeTargetDir")
            folder = posixpath.normpath(posixpath.join(at, inside)) if inside else at
            if self.owns(one) or self._fetches(one):
                if not (folder or self._has_built):
                    workspace = self.home(one)
                    self._unsure -= {workspace}
                    self._unsure |= {workspace} if is_choice else set()
                if folder:
                    self._places[id(one)] = folder
                    self._put(folder, None if self.owns(one) else self._location(one))
            self._has_built |= _may_build(one)
            # What builds in the branch that checks out builds that.
            chosen = is_choice or (one.name in _CHOICES and not any(map(_may_build, one.below())))
            self._find_places(one.block, at, is_choice=chosen)

    def _put(self, folder: str, other: Cloned | None) -> None:
        """Remember what a folder holds, None for this repository; of two nobody knows which."""
        before = self.others.get(folder)
        if other is None:
            self.own.append(folder)
        if (other or before) and (folder in self.own or before not in {None, other}):
            self.others[folder] = Cloned(())
        elif other:
            self.others[folder] = other

    def enter(self, statement: Statement) -> str:
        """Go over a step: what one that fetches another repository makes of its folder."""
        root = self._root(statement)
        if statement.name == "stash" and _ALL_FILES.match(self._given(statement, "includes")):
            self._stashed[self._given(statement, "name", "")] = dict(root)
        if statement.name == "unstash":
            root |= self._stashed.get(self._given(statement, "name", ""), {})
        if not self.owns(statement) and not self._fetches(statement):
            return ""
        left, beside = _left_out(statement), _fetched_beside(statement)
        if folder := self._places.get(id(statement)):
            return self._said(folder) + left if self._fetches(statement) else beside
        root.clear()
        if self.owns(statement):
            return beside
        root["."] = Cloned(()) if id(root) in self._unsure else self._location(statement)
        then = "is not pushed: where it is this repository, take push: never out"
        if where := context_of(root["."]):
            then = f"has the context {where}, and commits are those of this repository"
        return f"takes the place of the repository in its workspace: a build of it {then}{left}"

    def owns(self, statement: Statement) -> bool:
        """Whether a step checks out the repository that the Jenkinsfile is of."""
        names = statement.name in {"git", "checkout"} and "GIT_URL" not in self._values
        names = names and re.search(r"\bGIT_URL\b", statement.shown) is not None
        return names or _OWN.match(statement.code) is not None

    def _fetches(self, statement: Statement) -> bool:
        """Whether a step checks out another repository."""
        named = statement.name == "checkout" and bool(statement.texts)
        found = named or re.match(r"\s*git\b\s*[^\s=.]", statement.code) is not None
        tools = re.fullmatch(r"\s*git '[\w. -]*'\s*", statement.shown)
        return found and tools is None and not self.owns(statement)

    def root(self, statement: Statement) -> dict[str, Cloned]:
        """What the workspace of a step holds instead of the repository, by all that was read."""
        found = self._root(statement)
        return {".": Cloned(())} if id(found) in self._unsure else found

    def home(self, statement: Statement) -> int:
        """A number for the workspace that a step runs in."""
        return id(self._root(statement))

    def _root(self, statement: Statement) -> dict[str, Cloned]:
        return self._roots.setdefault(id(statement), {})

    def _find_agents(self, statements: list[Statement], root: dict[str, Cloned]) -> None:
        """In whose workspace each step runs: a node's, or that of the stage with an agent."""
        for one in statements:
            self._roots[id(one)] = {} if _has_workspace(one) else root
            self._find_agents(one.block, self._roots[id(one)])

    def _said(self, folder: str) -> str:
        found = context_of(self.others[folder])
        then = f"of that the context is {found}" if found else "what is built of it is not pushed"
        return f"is checked out into {folder}: {then}"

    def _folder(self, statement: Statement, around: str) -> str:
        """The folder that a block is in, from the workspace; empty for one elsewhere."""
        given = self._given(statement, "", "path")
        inside = _WORKSPACE.match(given)
        if statement.name == "ws" and not inside:
            return ""
        given = given[inside.end() :] if inside else posixpath.join(around, given) if given else ""
        return posixpath.normpath(given) if given else ""

    def _location(self, statement: Statement) -> Cloned:
        """How the executor fetches a repository: by an address that is known, with a password."""
        named = re.search(r"\b(?:branch|name)\b", statement.code)
        branch = self._given(statement, "branch", "name")
        address = self._given(statement, "url", "")
        held = self._given(statement, "credentialsId")
        if not address or (named and not branch):
            return Cloned(())
        by_https = address.startswith("https:") and re.fullmatch(r"[\w.-]+", held)
        if "credentialsId" in statement.code and not by_https:
            return Cloned(())
        branch = re.sub(r"^(?:\*|origin|refs/heads)/", "", branch)
        ref = branch if statement.name == "checkout" else f"refs/heads/{branch or _MAIN}"
        return Cloned(with_token(address, held), (ref,) * bool(ref))

    def _given(self, statement: Statement, *names: str) -> str:
        """What a step gets by one of some names, as a text or as a variable that has one text."""
        for name in names:
            if text := statement.given(name):
                return _filled(text, self._values)
            by_name = rf".*?\b{name}\s*:\s*([\w.]+)" if name else BY_NAME.pattern + "$"
            if found := re.match(by_name, statement.code, re.DOTALL):
                return self._values.get(found[1].rpartition(".")[2], "")
        return ""


def _filled(text: Quoted, values: dict[str, str]) -> str:
    return text.text(lambda name: values.get(name.rpartition(".")[2]) or f"${{{name}}}")


def _has_workspace(statement: Statement) -> bool:
    """Whether a step has a workspace of its own: a node's, or that of a stage with an agent."""
    return statement.name == "node" or any(inner.name == "agent" for inner in statement.block)


def _may_build(statement: Statement) -> bool:
    return are_mentioned(statement.shown) or "docker.build" in statement.code


def _left_out(statement: Statement) -> str:
    """What of a checkout the executor does not fetch by itself."""
    written = statement.shown.lower()
    modules = "; without its submodules, which git: {recurse_submodules: true} fetches"
    return modules * ("submodule" in written) + "; without lfs" * ("lfs" in written)


def _fetched_beside(statement: Statement) -> str:
    """What a checkout of this repository fetches beside its files; nothing where it does not."""
    written = statement.shown.lower()
    asked = ["submodules: recursive"] * ("submodule" in written) + ["lfs: true"] * (
        "lfs" in written
    )
    return f"fetches more than the commit: checkout: {{{', '.join(asked)}}}" if asked else ""
