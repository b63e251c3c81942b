"""Which repository git puts into which folder: ``.git`` there holds what a script knows of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Cloned,
    Text,
    join,
    literal,
    plain_head,
    spell,
    split_text,
    without_head,
)
from ci_kaniko.importing.shell.files import in_folder, is_checkout, put, resolved
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import plain

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.reader import Reader

_VALUED = {
    *("-b", "--branch", "-B", "-c", "-C", "--config", "--create", "--depth", "--filter", "-j"),
    *("--jobs", "-o", "--origin", "--orphan", "--reference", "--separate-git-dir", "-u"),
    *("--dest", "--link", "--ref", "--repo", "--root"),
    *("--shallow-exclude", "--shallow-since", "--template", "--upload-pack"),
}
_PLAIN = {
    *("-b", "--branch", "--depth", "-j", "--jobs", "-l", "--local", "--no-hardlinks"),
    *("--no-progress", "--no-single-branch", "--no-tags", "--progress", "-q", "--quiet"),
    *("--recurse-submodules", "--recursive", "--remote-submodules", "--shallow-submodules"),
    *("--single-branch", "--tags", "-v", "--verbose"),
}
"""What of ``git clone`` changes nothing in the files, or is told by itself."""
_EMPTY = {"--bare", "--mirror", "-n", "--no-checkout", "--sparse"}
"""What leaves a folder without all the files of the repository."""
_COMMIT = re.compile("[0-9a-f]{40}")
_SITES = {"gh": "https://github.com", "glab": "https://gitlab.com"}
"""Where the clients of a site find what is called OWNER/NAME."""
_CHECKOUTS = {"hg": ("clone",), "svn": ("checkout", "co")}
"""What puts a repository into a folder that is none of git's."""


def takes(reader: Reader, texts: list[Text], start: Text, before: list[str]) -> bool:
    """Whether a command of git says what a folder holds, below ``start``; it is taken then.

    ``before`` are the options that stand before the command.
    """
    command = literal(texts[0]) or "" if texts else ""
    before = [option for option in before if not option.startswith("-c credential.")]
    words, options = _parsed(texts[1:])
    if command == "clone" and words:
        _clone(reader, words, options, start, before)
    elif command == "init":
        into = _folder(reader, start, words[0] if words else ())
        if not into or is_checkout(into):
            return False
        _write(reader, in_folder(into, ".git"), [(YES, Cloned((), without=(*before,)))])
    else:
        place = _place(reader, start)
        found = (
            (guard, each) for guard, text in reader.state.files.get(place, ()) for each in text
        )
        held = [(guard, each) for guard, each in found if isinstance(each, Cloned)]
        made = [(guard, _after(command, each, words, options)) for guard, each in held]
        known = [
            (guard, replace(cloned, without=(*cloned.without, *before)))
            for guard, cloned in made
            if cloned
        ]
        if not known or len(known) < len(made):
            return False
        _write(reader, place, known)
    reader.note("clone", reader.text)
    return True


def _parsed(texts: list[Text]) -> tuple[list[Text], dict[str, Text]]:
    """The words of a command of git, and its options with their values."""
    words: list[Text] = []
    options: dict[str, Text] = {}
    rest = iter(texts)
    for text in rest:
        head = plain_head(text)
        if head == "--":
            words += [("--",), *rest]
        elif not head.startswith("-"):
            words.append(text)
        elif head in _VALUED:
            options[head] = next(rest, ())
        elif re.match(r"-[bcjou].", head):
            options[head[:2]] = without_head(text, head[:2])
        else:
            name, *value = split_text(text, "=", 1)
            options[spell(name)] = value[0] if value else ()
    return words, options


def _folder(reader: Reader, start: Text, path: Text = ()) -> Text:
    """A folder, from where the script started; empty for that one."""
    inside = not path or re.match(r"[\w.-]", plain_head(path))
    found = join((*start, *(["/"] if path else []), *path)) if start and inside else path
    return resolved(reader, found) if found else reader.state.folder[0][1]


def _write(reader: Reader, place: Text, cloned: list[tuple[int, Cloned]]) -> None:
    """Remember what a folder holds, and where it holds that."""
    told = (
        (guard, (replace(each, address=_with_login(reader, each.address)),))
        for guard, each in cloned
    )
    put(reader, place, tuple(told))
    reader.uses.use(file_thing(spell(place)))


def _place(reader: Reader, start: Text) -> Text:
    """The ``.git`` around a folder, where the script has made that; or nothing."""
    folder = spell(_folder(reader, start))
    here = "" if folder in {"", "."} else f"{folder}/"
    found = [
        path
        for path in reader.state.files
        if (top := spell(path)).endswith("/.git") and here.startswith(top.removesuffix(".git"))
    ]
    lone: Text = (".git",)
    if lone in reader.state.files and not here.startswith(("/", "$")):
        found.append(lone)
    return max(found, key=lambda path: len(spell(path)), default=())


def by_client(reader: Reader, name: str, texts: list[Text]) -> bool:
    """Whether that is ``gh repo clone OWNER/NAME``, which clones as git does, or the like."""
    if name in _SITES and texts[:2] == [("repo",), ("clone",)] and texts[2:]:
        named = re.fullmatch(r"[\w.-]+/[\w./-]+", literal(texts[2]) or "")
        address = (f"{_SITES[name]}/{named[0]}",) if named else texts[2]
        rest = [text for text in texts[3:] if text != ("--",)]
        return takes(reader, [("clone",), address, *rest], (), [])
    words, _ = _parsed(texts[1:])
    if not words or literal(texts[0]) not in _CHECKOUTS.get(name, ()):
        return False
    folder = words[1] if words[1:] else (_name(words[0]),)
    _write(reader, in_folder(_folder(reader, (), folder), ".git"), [(YES, Cloned(()))])
    reader.note("clone", reader.text)
    return True


def synchronise(reader: Reader, texts: list[Text]) -> None:
    """``git-sync`` puts a repository below a root, as flags or variables say."""
    _, options = _parsed(texts)
    variables = reader.state.variables

    def said(*names: str) -> Text:
        for name in names:
            held = (variables.get(f"{head}_{name.upper()}") for head in ("GITSYNC", "GIT_SYNC"))
            given = next((value[0][1] for value in held if value), ())
            if found := options.get(f"--{name}", given):
                return found
        return ()

    address = said("repo")
    folder = said("link", "dest") or (_name(address),)
    cloned = Cloned(address, said("ref", "branch"), depth=literal(said("depth")) or "")
    _write(reader, in_folder(join((*said("root"), "/", *folder)), ".git"), [(YES, cloned)])
    reader.note("clone", reader.text)


def _name(address: Text) -> str:
    """The folder into which a repository is cloned where nobody names one."""
    return spell(address).rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")


def _clone(
    reader: Reader,
    words: list[Text],
    options: dict[str, Text],
    start: Text,
    before: list[str],
) -> None:
    address, *into = words
    folder = into[0] if into else (_name(address),)
    without = [*before, *(option for option in options if option not in _PLAIN)]
    if not into and not re.fullmatch(r"[\w.-]+", spell(folder)):
        return
    cloned = Cloned(
        () if _EMPTY & options.keys() else address,
        options.get("--branch", options.get("-b", ())),
        "recursive" if {"--recurse-submodules", "--recursive"} & options.keys() else "",
        literal(options.get("--depth", ())) or "",
        tuple(without),
    )
    _write(reader, in_folder(_folder(reader, start, folder), ".git"), [(YES, cloned)])


def _with_login(reader: Reader, address: Text) -> Text:
    """An address with the login that git is told beside it."""
    rest = without_head(address, "https://")
    given = reader.state.variables.get("GIT_PASSWORD", ())
    if len(given) != 1 or rest == address or "@" in spell(rest):
        return address
    reader.uses.use("$GIT_PASSWORD", "$GIT_USERNAME")
    user = reader.state.variables.get("GIT_USERNAME", plain("oauth2"))
    return join(("https://", *user[0][1], ":", *given[0][1], "@", *rest))


def _after(
    command: str, known: Cloned, words: list[Text], options: dict[str, Text]
) -> Cloned | None:
    """What a folder holds after a command of git; None where that is what it held."""
    first = literal(words[0]) if words else ""
    if command == "remote" and first == "add" and len(words) == 3 and not known.address:
        return replace(known, address=words[2])
    if command == "lfs":
        return replace(known, lfs=True)
    if command == "submodule" and first == "update" and "--init" in options:
        return replace(known, submodules="recursive" if "--recursive" in options else "true")
    if command in {"fetch", "pull"}:
        source, *refs = words or [()]
        named = re.search("[:/]", spell(source)) is not None
        depth = literal(options.get("--depth", ())) or known.depth
        known = replace(known, address=source if named else known.address, depth=depth)
        if refs:
            known = replace(known, fetched=() if literal(refs[0]) == "HEAD" else refs[0])
        return _checked_out(known, ("FETCH_HEAD",)) if command == "pull" and refs else known
    switches = command in {"checkout", "switch"} or (command == "reset" and "--hard" in options)
    if not switches or len(words) != 1 or first in {"HEAD", "-", "--", "."}:
        return None  # or other files of what is there
    return _checked_out(known, words[0])


def _checked_out(known: Cloned, wanted: Text) -> Cloned:
    """Another ref or commit of a repository."""
    fetched, *called = split_text(known.fetched, ":", 1)
    if literal(wanted) == "FETCH_HEAD" or wanted in called:
        return replace(known, ref=fetched)
    wanted = without_head(wanted, "origin/")
    if _COMMIT.fullmatch(literal(wanted) or ""):
        ref = fetched or known.ref
        return replace(known, ref=join((*split_text(ref, "#", 1)[0], "#", *wanted)))
    return replace(known, ref=wanted)
