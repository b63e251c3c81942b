"""What docker runs, logs in to and builds, also under the names of docker's relatives."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Login, Text, literal, spell, split_text, starts_with
from ci_kaniko.importing.shell.commands.containers import environment, values_of
from ci_kaniko.importing.shell.commands.executor import looks_like_kaniko, record
from ci_kaniko.importing.shell.commands.flags import flags_of
from ci_kaniko.importing.shell.commands.others import (
    BUILDAH_SWITCHES,
    NAMES,
    Line,
    cached,
    fetched,
    fields,
    named,
    subcommand,
)
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.reader import SUCCESS, Container, Reader, Status
from ci_kaniko.importing.shell.values import EMPTY, Item, Value, pure
from ci_kaniko.importing.signs import DOCKER, is_path_in, is_program

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.commands.flags import Told


CLIENTS = {"docker", "podman", "nerdctl", "buildah"}
REGISTRY_CLIENTS = {*CLIENTS, "skopeo", "oras", "crane", "regctl"}
SHELLS = {"sh", "bash", "ash", "dash", "/busybox/sh", "/bin/sh", "/bin/bash", "/bin/ash"}

_SWITCHES = {
    *("d", "detach", "disable-content-trust", "i", "interactive", "t", "tty", "init", "rm"),
    *("no-healthcheck", "oom-kill-disable", "P", "publish-all", "privileged", "q", "quiet"),
    *("read-only", "sig-proxy", "use-api-socket", "debug", "D", "tls", "tlsverify"),
}
_LETTERS = {
    "a": "attach",
    "c": "cpu-shares",
    "e": "env",
    "h": "hostname",
    "l": "label",
    "m": "memory",
    "p": "publish",
    "u": "user",
    "v": "volume",
    "w": "workdir",
}
_LOGIN_SWITCHES = {"password-stdin", "pass-stdin", "insecure", "plain-http", "debug", "verbose"}
_LOGIN_LETTERS = {"u": "username", "p": "password"}


def run(reader: Reader, items: list[Item]) -> Status | None:
    """``docker run``; None for everything else that docker does."""
    at = next((n for n, item in enumerate(items) if not starts_with(item.text, "-")), 0)
    if not items or literal(items[at].text) != "run":
        return None
    arguments = items[at + 1 :]
    options: list[Item] = []
    for told in flags_of(arguments, _SWITCHES, _LETTERS, reader.conditions, reader.state.path):
        if told.name:
            options.append(told.item._replace(text=told.word))
        elif told.value != ("--",):
            break
    else:
        return None
    image = told.item.text
    container = Container(image, tuple(options), reader.state.folder)
    entrypoint = _last(options, "--entrypoint")
    if entrypoint is not None and literal(entrypoint):
        arguments.insert(0, Item(YES, entrypoint, line=told.item.line))
    name = literal(arguments[0].text) if arguments else None
    inner = " ".join(spell(item.text) for item in arguments)
    is_kaniko = looks_like_kaniko(image, arguments) or is_path_in(inner)
    folder = pure(_last(options, "--workdir") or (("/workspace",) if is_kaniko else ()))
    if name is not None and (is_program(name) or name in SHELLS or is_path_in(inner)):
        return _inside(reader, container, arguments, folder)
    if is_kaniko and literal(entrypoint or ()) in (None, ""):
        reader.state.folder = folder
        record(reader, arguments, container)
        reader.state.folder = container.outside
        return reader.hoped("docker run")
    return None


def _inside(reader: Reader, container: Container, arguments: list[Item], folder: Value) -> Status:
    """A command that runs in the container, with nothing but the container's own variables."""
    outer, before = reader.container, reader.state
    reader.container = container
    reader.state = before.fork(before.path)
    reader.state.folder = folder
    reader.state.own = frozenset()
    given = environment(reader, container.options)
    reader.state.variables = dict(given)
    reader.state.exported = dict.fromkeys(given, YES)
    status = reader.call(arguments)
    reader.container, inside = outer, reader.state
    reader.state = before
    reader.state.path, reader.state.output = inside.path, inside.output
    return status


def _last(options: list[Item], name: str) -> Text | None:
    found = values_of(options, name)
    return found[-1][1] if found else None


def login(reader: Reader, items: list[Item], tool: str) -> Status:
    """``docker login -u USER -p PASSWORD HOST``."""
    reader.uses.use_all()
    said: dict[str, Value] = {"": pure(("docker.io",)), "username": EMPTY, "password": EMPTY}
    place = reader.conditions, reader.state.path
    for told in flags_of([*items], _LOGIN_SWITCHES, _LOGIN_LETTERS, *place):
        given = pure(told.value or ())
        said[told.name] = reader.values.choose(told.item.guard, given, said.get(told.name, EMPTY))
    if {"password-stdin", "pass-stdin"} & said.keys():
        first = reader.stdin or EMPTY
        said["password"] = reader.values.each(first, lambda text: pure(split_text(text, "\n")[0]))
    host, user, password = (said[name] for name in ("", "username", "password"))
    add_logins(reader, host, user, password, source=f"{tool} login", line=reader.line)
    return SUCCESS


def add_logins(
    reader: Reader, host: Value, user: Value, password: Value, source: str, line: int
) -> None:
    """The logins that may be meant, each where it is."""
    guards, path = reader.guards, reader.state.path
    for (one, at), (two, who), (three, what) in product(host, user, password):
        guard = guards.all((path, one, two, three))
        if reader.conditions.possible(guard):
            login = Login(at, who, what, source=source, line=line)
            reader.state.logins = (*reader.state.logins, (guard, login))


# -- builds ------------------------------------------------------------------------------------


_BUILD_SWITCHES = {*BUILDAH_SWITCHES, "push", "load", "check"}
_BUILD_LETTERS = {"t": "tag", "f": "file", "o": "output", "m": "memory", "c": "cpu-shares"}
_WAYS = {
    **{f"{name}=": name for name in ("build-arg", "label", "target", "secret", "annotation")},
    "file=": "dockerfile",
    "platform=": "custom-platform",
}
_ITSELF = {
    *("no-cache", "pull", "load", "quiet", "q", "rm", "force-rm", "progress", "compress", "debug"),
    *(*NAMES, "push", "D", "provenance=false", "sbom=false"),
}
"""What changes nothing in the image, or what kaniko does anyway."""
_GROUPS = {"image", "buildx", "builder", "manifest"}
_FETCHED = re.compile(r"https?://|git://|git@|ssh://")


def command_of(items: list[Item]) -> tuple[str, list[Item], list[Item]]:
    """What docker is to do: the words before that, and those behind it; groups are passed."""
    name, before, rest = subcommand(items)
    while name in _GROUPS and rest:
        name, more, rest = subcommand(rest)
        before += more
    return name, before, rest


def build(reader: Reader, items: list[Item], line: Line) -> None:
    """Remember a build, and what it calls its image."""
    told = line.of_build(items, _BUILD_SWITCHES, _BUILD_LETTERS)
    names = [one for one in told if one.name in NAMES]
    if all(one.name for one in told):
        reader.note("no-folder")
    for one in told:
        _take(line, one, names)
    words = line.words(items[0].line if items else 0)
    count = len(reader.calls)
    record(reader, words, reader.container, DOCKER.name)
    if len(reader.calls) > count:
        named(reader, names, count)


def _take(line: Line, one: Told, names: list[Told]) -> None:
    """What one flag says, or the context."""
    value = literal(one.value or ())
    if not one.name:
        _context(line, one)
    elif (one.name, value) == ("file", "-"):
        line.left(one)
    elif one.name == "output":
        _output(line, one, names)
    elif one.name in {"cache-from", "cache-to"}:
        cached(line, one)
    else:
        line.carry(one, _WAYS, _ITSELF)
    if one.name == "push":
        on = one.item if one.value is None else line.where_on(one.item, one.value)
        _pushed(line, one._replace(item=on), names)


def _pushed(line: Line, one: Told, names: list[Told]) -> None:
    for name in names:
        guard = line.conditions.guards.both(one.item.guard, name.item.guard)
        if guard == NO:
            continue
        line.say(name.item._replace(guard=guard), "destination", name.value)


def _output(line: Line, one: Told, names: list[Told]) -> None:
    """``--output``: only what goes to a registry is an image somewhere else."""
    given = fields(line, one, ("true",))
    kind = literal(given.pop("type", ()))
    if kind == "docker" and not given:
        return
    push = given.pop("push", ("false",)) if kind == "image" else ("true",)
    if kind in {"image", "registry"} and not given:
        _pushed(line, one._replace(item=line.where_on(one.item, push)), names)
    else:
        line.left(one)


def _context(line: Line, one: Told) -> None:
    """A folder, or an address that is cloned; standard input has no place in a spec."""
    value: Text = one.value or ()
    if starts_with(value, "-"):
        line.left(one)
    elif _FETCHED.match(spell(value)):
        fetched(line, one, value)
    else:
        line.say(one.item, "context", value)
