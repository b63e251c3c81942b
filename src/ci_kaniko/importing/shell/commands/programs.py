"""Commands that print, change or move texts: what they would print and write, without running."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Part, Text, Var, join, literal, spell, split_text
from ci_kaniko.importing.shell.commands import cloning
from ci_kaniko.importing.shell.commands.filters import (
    base64,
    command_text,
    envsubst,
    filter_command,
    grep_command,
    path_part,
    sed,
    words_of,
)
from ci_kaniko.importing.shell.files import (
    clones_below,
    in_folder,
    put,
    read_file,
    remove_file,
    resolved,
    write_file,
)
from ci_kaniko.importing.shell.reader import SUCCESS, Reader, Status
from ci_kaniko.importing.shell.text_filters import FILTERS, unescaped
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, plain, pure
from ci_kaniko.importing.shell.words import change

if TYPE_CHECKING:
    from collections.abc import Callable


_DIRECTIVE = re.compile(r"%(-?\d*)(?:\.(\d+|\?))?([sdbqcxi%])")
_GIT = {
    r"rev-parse HEAD|--format=%H (-1( HEAD)? log|-s( HEAD)? show)": "commit.sha",
    r"--format=%h (-1( HEAD)? log|-s( HEAD)? show)": "commit.sha|first:7",
    r"describe (--exact-match --tags|--tags --exact-match)": "tag",
    r"branch --show-current|symbolic-ref --short HEAD": "branch",
    r"rev-parse --abbrev-ref HEAD": "ref.name",
}
"""What a commit and its ref are called, by the commands that print it."""
_SILENT = {
    *("add", "am", "apply", "checkout", "cherry-pick", "clean", "clone", "commit", "fetch", "init"),
    *("lfs", "merge", "mv", "pull", "push", "rebase", "reset", "restore", "revert", "rm"),
    *("sparse-checkout", "stash", "submodule", "switch"),
}
"""What git does that prints nothing anybody reads."""
_SETTING = r"config (?:--(?!get)\S+ )*[^-\s]\S* \S|remote (?:add|set-url) |tag -[afm]"
_WRITTEN_LOGIN = re.compile(r"://[^\s/@:$]*:[^\s/@:$`]+@")
_TIME = "+%Y-%m-%dT%H:%M:%SZ"
_DIGITS = "+%Y%m%d%H%M%S"
_COMMITTED = "CI_COMMIT_TIMESTAMP"


# -- printing ------------------------------------------------------------------------------------


def echo(reader: Reader, values: list[Value]) -> Status:
    end, escapes = "\n", False
    while values and (option := literal(values[0][0][1])) in ("-n", "-e", "-E", "-ne", "-en"):
        end = "" if "n" in (option or "") else end
        escapes = escapes or "e" in (option or "")
        values = values[1:]
    text = reader.values.spaced(values, reader.state.path)
    if escapes:
        text = reader.values.each(
            text, lambda old: pure(join(unescaped(x) if isinstance(x, str) else x for x in old))
        )
    reader.write(reader.concat([text, plain(end)]))
    return SUCCESS


def printf(reader: Reader, values: list[Value]) -> Status:
    words = words_of(values)
    into = words[1] if words[:1] == ["-v"] and len(words) > 2 else ""
    form, *rest = values[2 if into else words[:1] == ["--"] :] or [EMPTY]
    made = reader.each(form, lambda text: _formatted(reader, text, rest))
    if into:
        reader.assign(into, made)
    else:
        reader.write(made)
    return SUCCESS


def _formatted(reader: Reader, form: Text, values: list[Value]) -> Value:
    pieces = _directives(form)
    wanted = sum(not isinstance(piece, tuple) for piece in pieces)
    rest = list(values)
    made: list[Value] = []
    while True:
        for piece in pieces:
            if isinstance(piece, tuple):
                made.append(pure(piece))
            else:
                made.append(_one(reader, piece, rest.pop(0) if rest else EMPTY))
        if not rest or not wanted:
            return reader.concat(made)


def _directives(form: Text) -> list[Text | re.Match[str]]:
    """A format's own text, and its directives between."""
    pieces: list[Text | re.Match[str]] = []
    for part in _with_precision(form):
        if not isinstance(part, str):
            pieces.append((part,))
            continue
        at = 0
        for match in _DIRECTIVE.finditer(part):
            pieces.append((unescaped(part[at : match.start()]),))
            pieces.append(("%",) if match[3] == "%" else match)
            at = match.end()
        pieces.append((unescaped(part[at:]),))
    return pieces


def _with_precision(form: Text) -> Text:
    """A format in which ``?`` stands for a precision that only a run can tell."""
    parts = list(form)
    for at in range(1, len(parts) - 1):
        before, after = parts[at - 1], parts[at + 1]
        if isinstance(before, str) and isinstance(after, str) and re.search(r"%-?\d*\.$", before):
            parts[at] = "?"
    return join(parts)


def _one(reader: Reader, directive: re.Match[str], value: Value) -> Value:
    if directive[1] or directive[3] != "s":
        given = command_text(f"printf {directive[0]}", [value])
        return value if not directive[1] and directive[3] == "d" else pure((Output(given),))
    return value if directive[2] is None else change(reader, value, f"first:{directive[2]}")


def cat(reader: Reader, values: list[Value]) -> Status:
    given = [value for value in values if not re.match("-.", literal(value[0][1]) or "")]
    if not given:
        reader.write(reader.stdin or EMPTY)
    for value in given:
        reader.write(reader.each(value, lambda path: read_file(reader, path)))
    return SUCCESS


def date(reader: Reader, values: list[Value]) -> Status:
    words = words_of(values)
    utc = any(word in ("-u", "--utc", "--universal") for word in words)
    now = [word for word in words if not word.startswith("-")]
    text = command_text("date", values)
    made: Part = Output(text)
    if utc and now in ([_TIME], ["+%FT%TZ"]):
        made = Var("build.timestamp", portable=True)
    elif utc and now == [_DIGITS]:
        made = Var("build.date", portable=True)
    elif utc and now[-1:] in ([_TIME], [_DIGITS]) and "-d" in words and _COMMITTED in text:
        made = Var("commit.date" if now[-1] == _DIGITS else "commit.timestamp", portable=True)
    reader.write(pure((made, "\n")))
    return SUCCESS


def git(reader: Reader, values: list[Value]) -> Status:
    """``git``: what a commit is called, and when it was made."""
    called = command_text("git", values)
    values, folder, before = _without_options(values)
    words = words_of(values)
    spelled = " ".join(words)
    if _WRITTEN_LOGIN.search(called):
        reader.note("literal-secret/script", "a password for git")
    if cloning.takes(reader, [value[0][1] for value in values], folder, before):
        return SUCCESS
    if not words or words[0] in _SILENT or re.match(_SETTING, spelled):
        reader.note("skipped-command", reader.text)
    else:
        made = None if folder else _printed(words)
        reader.write(pure((made or Output(called), "\n")))
    named = {word for word in words if not word.startswith("-")}
    if words[:1] in (["diff"], ["show-ref"], ["ls-remote"], ["describe"]) or (
        words[:1] == ["rev-parse"] and named - {"rev-parse", "HEAD"}
    ):
        guard = reader.conditions.unknown(called, reader.line)
        if {"--quiet", "--exit-code"} & {*words}:
            return reader.answer(guard)
        return Status(guard, guard if words[0] == "diff" else SUCCESS.guard)
    return SUCCESS


_TOLD_TO_GIT = re.compile(r"(?i)(?:GIT_(?:USERNAME|PASSWORD)|HTTPS?_PROXY|NO_PROXY)=.*")


def git_in_container(reader: Reader, items: list[Item]) -> Status | None:
    """``buildah run`` of git in a folder, as our scripts have it; None for all else."""
    from ci_kaniko.builders.buildah.fetching import READ
    from ci_kaniko.kaniko.pins import GIT_IMAGE

    texts = [item.text for item in items]
    if len(texts) < 7 or texts[0:6:2][:2] != [("--volume",), ("--workingdir",)]:
        return None
    (folder, *at), inside, image, end, *words = split_text(texts[1], ":", 1), *texts[3:]
    rows = [row for _, text in reader.stdin or () for row in spell(text).splitlines()]
    if words[:4] == [("sh",), ("-c",), (READ,), ("sh",)] and all(map(_TOLD_TO_GIT.fullmatch, rows)):
        words[:4] = [("git",)]
    if at != [inside] or end != ("--",) or words[:1] != [("git",)]:
        return None
    if GIT_IMAGE not in spell(image):
        reader.note("skipped-command", spell(image))
    return git(reader, [plain("-C"), pure(folder), *map(pure, filter(None, words[1:]))])


def git_sync(reader: Reader, values: list[Value]) -> Status:
    cloning.synchronise(reader, [value[0][1] for value in values])
    return SUCCESS


def _without_options(values: list[Value]) -> tuple[list[Value], Text, list[str]]:
    """What git is asked for, the folder of ``-C``, and the settings of ``-c``, without values."""
    folder: Text = ()
    settings: list[str] = []
    while values and (word := words_of(values[:1])[0]).startswith("-"):
        if word == "-C" and values[1:]:
            folder = values[1][0][1]
        elif word == "-c" and values[1:]:
            settings.append(f"-c {words_of(values[1:2])[0].partition('=')[0]}")
        values = values[2 if word in {"-C", "-c", "--git-dir", "--work-tree"} else 1 :]
    return values, folder, settings


def _printed(words: list[str]) -> Part | None:
    """What git prints of the repository that is checked out."""
    spelled = " ".join(words)
    if words[:1] in (["show"], ["log"]):
        plain_format = re.sub(r"--(?:format|pretty)=(?:t?format:)?", "--format=", spelled)
        spelled = " ".join(sorted(re.sub(r"-n ?1\b|--max-count=1\b", "-1", plain_format).split()))
    if short := re.fullmatch(r"rev-parse --short(?:=(\d+))? HEAD", spelled):
        kept = "short" if short[1] == "8" else f"first:{short[1] or 7}"
        return Var("commit.sha", changes=(kept,), portable=True)
    if found := [var for command, var in _GIT.items() if re.fullmatch(command, spelled)]:
        name, *changes = found[0].split("|")
        return Var(name, changes=tuple(changes), portable=True)
    if words[:1] in (["show"], ["log"]) and _is_commit_time(words):
        digits = any(word.endswith(_DIGITS[1:]) for word in words)
        return Var("commit.date" if digits else "commit.timestamp", portable=True)
    return None


def _is_commit_time(words: list[str]) -> bool:
    formats = ("--date=format-local:%Y-%m-%dT%H:%M:%SZ", f"--date=format-local:{_DIGITS[1:]}")
    utc = any(word.startswith(formats) for word in words)
    return ("--format=%cd" in words and utc) or "--format=%cI" in words


def mktemp(reader: Reader, values: list[Value]) -> Status:
    """``mktemp``: a new place each time."""
    reader.write(pure((Var(reader.temporary_name()), "\n")))
    return SUCCESS


def pwd(reader: Reader, values: list[Value]) -> Status:
    reader.write(reader.state.value("PWD"))
    return SUCCESS


# -- files ---------------------------------------------------------------------------------------


def _paths(values: list[Value]) -> list[Text]:
    return [value[0][1] for value in values if not (literal(value[0][1]) or "").startswith("-")]


def tee(reader: Reader, values: list[Value]) -> Status:
    append = any(word in ("-a", "--append") for word in words_of(values))
    for path in _paths(values):
        write_file(reader, path, reader.stdin or EMPTY, append=append)
    reader.write(reader.stdin or EMPTY)
    return SUCCESS


def copy(reader: Reader, values: list[Value]) -> Status:
    """``cp``, ``mv`` and ``install``: single files."""
    paths = _paths(values)
    *sources, target = paths or [()]
    folder = len(sources) > 1 or spell(target).rpartition("/")[2] in {"", ".", ".."}
    for origin in sources:
        text = read_file(reader, origin)
        place = spell(resolved(reader, origin))
        below = folder and not spell(origin).endswith("/.")
        to = in_folder(target, place.rpartition("/")[2]) if below else target
        reader.uses.copy(file_thing(place), file_thing(spell(resolved(reader, to))))
        inside = [(each, reader.state.files[each]) for each in clones_below(reader, (place,))]
        write_file(reader, to, text)
        for each, held in inside:
            put(reader, in_folder(resolved(reader, to), spell(each)[len(place) + 1 :]), held)
    return SUCCESS


def move(reader: Reader, values: list[Value]) -> Status:
    done = copy(reader, values)
    for path in _paths(values)[:-1]:
        remove_file(reader, path)
    return done


def remove(reader: Reader, values: list[Value]) -> Status:
    for path in _paths(values):
        remove_file(reader, path)
    return SUCCESS


def touch(reader: Reader, values: list[Value]) -> Status:
    for path in _paths(values):
        write_file(reader, path, EMPTY, append=True)
    return SUCCESS


def show_environment(reader: Reader, values: list[Value]) -> Status:
    """``printenv`` and ``env`` alone."""
    words = words_of(values)
    if words:
        reader.write(reader.values.concat([reader.value(words[0]), plain("\n")]))
    elif not reader.captures:
        reader.note("secret-in-log", "the whole environment")
    return SUCCESS


COMMANDS: dict[str, Callable[[Reader, list[Value]], Status]] = {
    "base64": base64,
    "basename": path_part("name"),
    "cat": cat,
    "cp": copy,
    "date": date,
    "dirname": path_part("owner"),
    "echo": echo,
    "egrep": lambda reader, values: grep_command(reader, [plain("-E"), *values]),
    "envsubst": envsubst,
    "fgrep": lambda reader, values: grep_command(reader, [plain("-F"), *values]),
    "git": git,
    "git-sync": git_sync,
    "grep": grep_command,
    "install": copy,
    "ln": copy,
    "mktemp": mktemp,
    "mv": move,
    "printenv": show_environment,
    "printf": printf,
    "pwd": pwd,
    "rm": remove,
    "sed": sed,
    "tee": tee,
    "touch": touch,
    **{name: filter_command(name) for name in FILTERS if name != "sed"},
}
