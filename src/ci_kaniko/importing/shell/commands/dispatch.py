"""Which command is meant: a function, a builtin, a known program, the executor, or none of them."""

from __future__ import annotations

import re
from itertools import product, takewhile
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Encoded,
    Login,
    literal,
    only_var,
    spell,
    split_text,
    starts_with,
    variables,
    without_head,
)
from ci_kaniko.importing.shell.commands import cloning, fetching
from ci_kaniko.importing.shell.commands import docker as shell_docker
from ci_kaniko.importing.shell.commands.builtins import BUILTINS, is_login, unknown
from ci_kaniko.importing.shell.commands.executor import first_word, record
from ci_kaniko.importing.shell.commands.others import (
    FOR_NAMESPACES,
    build_words,
    image_name,
    is_open,
    line_at,
    listed,
    named,
    push_words,
    subcommand,
    use_own,
)
from ci_kaniko.importing.shell.commands.programs import COMMANDS, git_in_container
from ci_kaniko.importing.shell.docker_config import looks_like_config
from ci_kaniko.importing.shell.files import read_file
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.reader import SUCCESS, Reader, Status
from ci_kaniko.importing.shell.secrets import is_secret_name
from ci_kaniko.importing.shell.uses import IGNORED, PRINTS
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, printed, pure
from ci_kaniko.importing.signs import DOCKER, builder_called, is_program, is_told
from ci_kaniko.kaniko.builders import KANIKO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.importing.calls import Text
    from ci_kaniko.importing.shell.commands.flags import Told

_CREDS = "--creds"
"""Where a login stands that is of one push alone."""
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_VALUED_OF_XARGS = {"-I", "-n", "-P", "-L", "-d", "-E", "-s", "-a"}
_TRANSPARENT = {"builtin", "busybox", "command", "env", "nohup", "sudo"}


_TRUTH = {"true", "false"}
"""Commands that a variable stands for by default, as in ``if ${PUSH:-false}``."""
_MAY_FAIL = {
    *(".", "cat", "cd", "chmod", "cp", "docker", "git", "head", "install", "ln", "ls", "mkdir"),
    *("mv", "podman", "printenv", "read", "rm", "source", "stat", "tail", "touch", "xargs"),
}
"""Commands that are hoped to succeed, and fail where an ``if`` asks whether they do."""


_ASKS = re.compile(
    r"git (?:merge-base|cat-file|check-ignore|diff-index|diff-files|grep)\b"
    r"|git ls-files --error-unmatch\b"
    r"|(?:docker|podman) (?:image |manifest |buildx imagetools )?inspect\b"
)
"""Commands that are run for nothing but whether they succeed."""
_OF_DAEMONS = re.compile(
    r"(?:context|info|logout|pull|(?:--)?version"
    r"|buildx (?:create|inspect|install|ls|rm|use|version))(?: |$)"
)
"""What a daemon is set up or looked at with."""


def dispatch(reader: Reader, words: list[Item]) -> Status:
    """Run a simple command."""
    status = _dispatch(reader, words)
    if reader.captures or status.hoped != YES:
        return status
    name = (_name(words[0].text) or "").rpartition("/")[2]
    spelled = " ".join(spell(item.text) for item in words)
    guard = status.guard
    asks = _ASKS.match(spelled) is not None
    if guard == YES and (asks or (reader.questioned and name in _MAY_FAIL)):
        guard = reader.conditions.unknown(spelled, reader.line)
    return reader.answer(guard) if asks else Status(guard, YES)


def _dispatch(reader: Reader, words: list[Item]) -> Status:
    name, rest = _name(words[0].text), words[1:]
    if name in _TRUTH and not rest and literal(words[0].text) is None:
        reader.uses.use_all()
        return reader.answer(reader.conditions.equal(words[0].text, ("true",), reader.line))
    if name is None:
        return _unknown_name(reader, words)
    name = re.sub(r"^/(?:usr/)?(?:bin|busybox)/(?!sh$)", "", name.strip())
    if reader.host is not None and name in reader.host.commands:
        reader.text = ""
        return reader.host.commands[name](reader, rest)
    if name in reader.state.functions:
        return reader.function(name, rest)
    if name in BUILTINS:
        return BUILTINS[name](reader, rest)
    if name == "openssl" and {literal(item.text) for item in rest} & {"base64", "-base64"}:
        name = "base64"
        rest = [item for item in rest if literal(item.text) not in {"enc", "base64", "-base64"}]
    if name in COMMANDS and not (name == "xargs" and not reader.captures and _is_run(rest)):
        return _printing(reader, name, rest)
    if name in IGNORED and not (reader.captures and IGNORED[name] == PRINTS):
        return SUCCESS
    if builder := builder_called(name):
        return _executor(reader, rest) if builder == KANIKO else _other(reader, builder, rest)
    return _program(reader, name, rest)


def _name(text: Text) -> str | None:
    """What a command is called, or is called unless a run says otherwise."""
    var = only_var(text)
    return var.default if var else literal(text)


def _printing(reader: Reader, name: str, rest: list[Item]) -> Status:
    values = reader.arguments(rest)
    if name in ("echo", "printf", "cat") and not reader.captures:
        _check_log(reader, name, values)
    given = printed(reader.stdin) if reader.stdin else ""
    if given and not (reader.captures or reader.questioned or given.split()[0] in IGNORED):
        reader.note("skipped-command", reader.text)
    return COMMANDS[name](reader, values)


def _is_run(rest: list[Item]) -> bool:
    """Whether xargs runs a command that does more than print."""
    words = [spell(item.text) for item in rest]
    given = zip(["", *words], words, strict=False)
    named = [w for before, w in given if w[:1] != "-" and before not in _VALUED_OF_XARGS]
    return bool(named) and named[0] not in IGNORED


def _check_log(reader: Reader, name: str, values: list[Value]) -> None:
    texts = [text for held in values for _, text in held]
    first = texts[0] if texts else ()
    if "::set-output" in spell(first):
        reader.note("set-output")
    if "add-mask" in spell(first):
        return
    if name == "cat":
        texts = [text for path in texts for _, text in read_file(reader, path)]
        if any(looks_like_config(text) for text in texts):
            reader.note("secret-in-log", "the docker config")
    for text in texts:
        for part in text:
            if isinstance(part, Encoded):
                reader.note("secret-in-log", "a login in base64")
        for var in variables(text):
            if is_secret_name(var.name):
                reader.note("secret-in-log", var.name)


def _executor(reader: Reader, rest: list[Item]) -> Status:
    if rest and literal(rest[0].text) == "version":
        return SUCCESS
    if rest and literal(rest[0].text) == "login":
        return shell_docker.login(reader, rest[1:], "executor")
    record(reader, rest, reader.container)
    return reader.hoped("the executor")


def _other(reader: Reader, builder: str, rest: list[Item]) -> Status:
    """BuildKit or Buildah: a build, a push of what was built, or something else."""
    command, before, items = subcommand(rest)
    if listed(reader, rest):
        return reader.hoped(builder)
    if command == "manifest":
        command, _, items = subcommand(items)
    if command == "login":
        return shell_docker.login(reader, items, builder)
    if command in {"build", "bud", "build-using-dockerfile"}:
        _build(reader, builder, [*before, *items])
    elif command == "push":
        _pushed(reader, *push_words(line_at(reader, builder), items))
    elif command == "tag" and len(items) > 1:
        _tagged(reader, items)
    elif command == "run":
        return git_in_container(reader, items) or unknown(reader, builder, rest)
    elif command not in {"version", "info", "--version"}:
        return unknown(reader, builder, rest)
    return reader.hoped(builder)


def _build(reader: Reader, builder: str, items: list[Item]) -> None:
    formats = {literal(text) for _, text in reader.state.value("BUILDAH_FORMAT")}
    usual = "docker" if formats == {"docker"} else "oci"
    words, names = build_words(line_at(reader, builder), items, usual)
    words = fetching.from_fetched(reader, words)
    count = len(reader.calls)
    record(reader, words, reader.container, builder)
    use_own(reader, builder, words)
    if len(reader.calls) > count:
        named(reader, names, count)


def _tagged(reader: Reader, items: list[Item]) -> None:
    """Other names for an image that the script has built."""
    source = image_name(items[0].text)
    made = [call for name, call in reader.images if name == source]
    reader.unpushed.pop(source, None)
    reader.unpushed |= {image_name(item.text): item.line for item in items[1:] if made}
    others = [(image_name(item.text), call) for item in items[1:] for call in made]
    own = {name for name, _ in reader.images} - reader.named.keys()
    for name in {name for name, _ in others} - own:
        before = reader.named.get(name, NO)
        reader.named[name] = reader.guards.either(before, reader.state.path)
    # An image may get a name that it has.
    reader.images = [*dict.fromkeys([*reader.images, *others])]


def _pushed(
    reader: Reader, names: list[Text], words: list[Item], logins: Iterable[Told] = ()
) -> None:
    """The push of an image that the script has built, told where it was built."""
    both, named = reader.guards.both, (reader.named.get(name, YES) for name in names)
    path = both(reader.state.path, reader.guards.any(named))
    before = reader.state.logins
    pushed = [item for item in words if starts_with(item.text, "--destination=")]
    for one, item in product(logins, pushed):
        host = split_text(without_head(item.text, "--destination="), "/", 1)[0]
        if re.fullmatch(r"(?!localhost$)[\w-]+", literal(host) or ""):
            host = ("docker.io",)
        user, *password = split_text(one.value or (), ":", 1)
        if password:
            said = pure(host), pure(user), pure(password[0])
            shell_docker.add_logins(reader, *said, source=_CREDS, line=one.item.line)
        else:
            login = Login(host, auth=user, source=_CREDS, line=one.item.line)
            reader.state.logins = (*reader.state.logins, (path, login))
    made = [call for name, call in reader.images if name in names]
    for name in names:
        reader.unpushed.pop(name, None)
    told = True
    for place in reversed(made):
        call = reader.calls[place]
        if not reader.conditions.possible(both(call.path, path)):
            continue
        told = False
        line = line_at(reader, call.builder, call.path)
        reader.guards.budget.spend(3 * len(call.items))
        for item in call.items:
            line.keep(item)
        for item in words:
            line.keep(item._replace(guard=both(item.guard, path)))
        given = [held for held in call.logins if held[1].source == _CREDS]
        reader.calls[place] = call._replace(
            items=line.words(call.line),
            files={**call.files, **reader.state.files},
            logins=(*reader.state.logins, *given),
        )
        path = reader.guards.minus(path, call.path)
    reader.state.logins = before
    if told:  # what it pushes was built elsewhere
        reader.note("skipped-command", reader.text)


def _program(reader: Reader, name: str, rest: list[Item]) -> Status:
    base = name.rpartition("/")[2]
    if name in shell_docker.SHELLS or base in shell_docker.SHELLS:
        return _shell(reader, name, rest)
    if name == "tar" and (done := fetching.unpacked(reader, rest)):
        return done
    if name == "curl" and (done := fetching.download(reader, rest)):
        return done
    if cloning.by_client(reader, name, [item.text for item in rest]):
        return reader.hoped(name)
    if name == "sysctl" and FOR_NAMESPACES in map(_plain, rest):
        reader.made(FOR_NAMESPACES)
        return reader.hoped(name)
    if base.endswith((".sh", ".bash")):
        return _file(reader, (name,), rest) or unknown(reader, name, rest)
    if name == "exec":
        return _exec(reader, rest)
    if base in shell_docker.REGISTRY_CLIENTS:
        done = _client(reader, base, rest)
        if done is not None:
            return done
    if name == "su" and [*map(_plain, rest[2:5])] == ["-c", 'exec "$@"', "--"] and len(rest) > 7:
        return reader.call(rest[7:])
    if name in _TRANSPARENT:
        return _wrapped(reader, name, rest)
    for at, item in enumerate(rest):
        command = _name(item.text) or ""
        timed = name == "timeout" and (builder_called(command) or command in shell_docker.CLIENTS)
        if timed or (is_program(command) and "/" in command):
            reader.note("skipped-command", " ".join([name, *(spell(it.text) for it in rest[:at])]))
            return reader.call(rest[at:])
    return unknown(reader, name, rest)


def _plain(item: Item) -> str | None:
    return literal(item.text)


def _client(reader: Reader, name: str, rest: list[Item]) -> Status | None:
    words = [literal(item.text) for item in rest]
    if "login" in words[:3]:
        return shell_docker.login(reader, rest[words.index("login") + 1 :], name)
    if name in shell_docker.CLIENTS:
        done = _by_docker(reader, name, rest) or shell_docker.run(reader, rest)
        return done or _for_daemon(reader, name, words)
    return None


def _for_daemon(reader: Reader, name: str, words: list[str | None]) -> Status | None:
    """What a daemon is set up or looked at with; None for everything else."""
    if reader.captures:
        return None  # what it prints is asked for, and only a run can tell that
    if name == "buildah" or not _OF_DAEMONS.match(" ".join(map(str, words))):
        return None
    reader.note("daemon-command", reader.text)
    return reader.hoped(f"{name} {words[0]}")


def _by_docker(reader: Reader, name: str, rest: list[Item]) -> Status | None:
    """A build on a daemon, and what becomes of its image; None for everything else."""
    if name == "podman" and listed(reader, rest):
        return reader.hoped(name)
    if not {"build", "push", "tag"} & {literal(item.text) for item in rest}:
        return None
    command, before, items = shell_docker.command_of(rest)
    if command == "build":
        items = [*filter(is_open, before), *items]
        shell_docker.build(reader, items, line_at(reader, DOCKER.name))
    elif command == "push" and reader.images:
        line = line_at(reader, DOCKER.name)
        _pushed(reader, *push_words(line, items))
    elif command == "tag" and reader.images and len(items) > 1:
        _tagged(reader, items)
    else:
        return None
    return reader.hoped(f"{name} {command}")


def _shell(reader: Reader, name: str, rest: list[Item]) -> Status:
    for at, item in enumerate(rest):
        word = literal(item.text) or ""
        if re.fullmatch(r"-[a-z]*x[a-z]*", word):
            reader.note("trace-shows-secrets", f"{name} {word}")
        if re.fullmatch(r"-[a-z]*c", word) and at + 1 < len(rest):
            script_text = pure(rest[at + 1].text)
            return reader.run_inner(script_text, rest[at + 3 :])
        if not word.startswith("-") and word != "pipefail":
            if status := _file(reader, item.text, rest[at + 1 :]):
                return status
            break
    else:
        if reader.stdin and reader.stdin != EMPTY and not printed(reader.stdin):
            return reader.run_inner(reader.stdin, [])
    return unknown(reader, name, rest)


def _file(reader: Reader, path: Text, rest: list[Item]) -> Status | None:
    """A script that is known; None for another one."""
    found = read_file(reader, path)
    return reader.run_file(found, rest) if all(literal(text) for _, text in found) else None


def _exec(reader: Reader, rest: list[Item]) -> Status:
    if not rest:
        return SUCCESS
    status = reader.call(rest)
    reader.leave("shell")
    return status


def _wrapped(reader: Reader, name: str, rest: list[Item]) -> Status:
    """A command that runs another one, with variables of its own."""
    if name == "command" and rest and literal(rest[0].text) in ("-v", "-V"):
        return BUILTINS["which"](reader, rest[1:])
    while rest and starts_with(rest[0].text, "-"):
        rest = rest[1:]
    kept = dict(reader.state.variables), dict(reader.state.exported), reader.state.own
    assigned = list(takewhile(lambda item: _ASSIGNED.match(spell(item.text)), rest))
    BUILTINS["export"](reader, assigned)
    rest = rest[len(assigned) :]
    if not rest:
        return COMMANDS["printenv"](reader, [])
    status = reader.call(rest)
    if assigned:
        reader.state.variables, reader.state.exported, reader.state.own = kept
    return status


def _unknown_name(reader: Reader, words: list[Item]) -> Status:
    """A command whose name only a run can tell."""
    if is_login(reader, spell(words[0].text)):
        return SUCCESS
    if is_told({first_word(item.text) for item in words[1:]}):
        reader.note("not-understood", spell(words[0].text), "it is taken for the executor")
        return _executor(reader, words[1:])
    return unknown(reader, spell(words[0].text), words[1:])
