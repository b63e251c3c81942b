"""``docker run`` and ``docker login``, also under the names of docker's relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Login,
    Text,
    join,
    literal,
    split_text,
    starts_with,
    without_head,
)
from ci_kaniko.importing.shell.commands.containers import alternatives, environment, values_of
from ci_kaniko.importing.shell.commands.executor import first_word, looks_like_kaniko, record
from ci_kaniko.importing.shell.guards import YES
from ci_kaniko.importing.shell.reader import SUCCESS, Container, Status
from ci_kaniko.importing.shell.values import EMPTY, Item, pure
from ci_kaniko.importing.signs import is_program

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.reader import Reader

CLIENTS = {"docker", "podman", "nerdctl", "buildah"}
REGISTRY_CLIENTS = {*CLIENTS, "skopeo", "oras", "crane", "regctl"}
SHELLS = {"sh", "bash", "ash", "dash", "/busybox/sh", "/bin/sh", "/bin/bash", "/bin/ash"}

_SWITCHES = {
    *("-d", "--detach", "--disable-content-trust", "-i", "--interactive", "-t", "--tty", "-it"),
    *("-ti", "--init", "--no-healthcheck", "--oom-kill-disable", "-P", "--publish-all"),
    *("--privileged", "-q", "--quiet", "--read-only", "--rm", "--sig-proxy", "--use-api-socket"),
    *("--debug", "-D", "--tls", "--tlsverify"),
}
_LONG = {
    "-a": "--attach",
    "-c": "--cpu-shares",
    "-e": "--env",
    "-h": "--hostname",
    "-H": "--host",
    "-l": "--label",
    "-m": "--memory",
    "-p": "--publish",
    "-u": "--user",
    "-v": "--volume",
    "-w": "--workdir",
}


def run(reader: Reader, items: list[Item]) -> Status | None:
    """``docker run``; None for everything else that docker does."""
    at = next((n for n, item in enumerate(items) if not starts_with(item.text, "-")), 0)
    options, rest = _options(reader, items[at + 1 :])
    if not rest or literal(items[at].text) != "run":
        return None
    image, arguments = rest[0].text, rest[1:]
    container = Container(image, tuple(options))
    entrypoint = _last(options, "--entrypoint")
    if entrypoint is not None and literal(entrypoint):
        arguments = [Item(YES, entrypoint, line=rest[0].line), *arguments]
    name = literal(arguments[0].text) if arguments else None
    if name is not None and (is_program(name) or name in SHELLS):
        return _inside(reader, container, arguments)
    if looks_like_kaniko(image, arguments) and literal(entrypoint or ()) in (None, ""):
        record(reader, arguments, container)
        guard = reader.conditions.unknown(f"docker run on line {reader.line}", reader.line)
        return Status(guard, YES)
    return None


def _inside(reader: Reader, container: Container, arguments: list[Item]) -> Status:
    """A command that runs in the container, with nothing but the container's own variables."""
    outer, before = reader.container, reader.state
    reader.container = container
    reader.state = before.fork(before.path)
    reader.state.folder = pure(_last(list(container.options), "--workdir") or ())
    reader.state.own = frozenset()
    given = environment(reader, container.options)
    reader.state.variables = dict(given)
    reader.state.exported = dict.fromkeys(given, YES)
    status = reader.call(arguments)
    reader.container, inside = outer, reader.state
    reader.state = before
    reader.state.path, reader.state.output = inside.path, inside.output
    return status


def _options(reader: Reader, items: list[Item]) -> tuple[list[Item], list[Item]]:
    """Options as ``--name=value``, and what follows them."""
    options: list[Item] = []
    rest = list(items)
    while rest and starts_with(rest[0].text, "-"):
        item = rest.pop(0)
        head = str(item.text[0])
        if literal(item.text) == "--":
            break
        if literal(item.text) in _SWITCHES or (head.startswith("--") and "=" in head):
            options.append(item)
        elif not head.startswith("--") and len(head) > 2 and head[:2] in _LONG:
            value = without_head(without_head(item.text, head[:2]), "=")
            options.append(item._replace(text=_named(_LONG[head[:2]], value)))
        elif rest:
            name = _LONG.get(head, head)
            for _ in range(alternatives(reader.conditions, reader.state.path, rest)):
                following = rest.pop(0)
                options.append(following._replace(text=_named(name, following.text)))
    return options, rest


def _named(name: str, value: Text) -> Text:
    return join((f"{name}=", *value))


def _last(options: list[Item], name: str) -> Text | None:
    found = values_of(options, name)
    return found[-1][1] if found else None


def login(reader: Reader, items: list[Item], tool: str) -> Status:
    """``docker login -u USER -p PASSWORD HOST``."""
    reader.uses.use_all()
    user: Text = ()
    password: Text = ()
    hosts: list[Text] = []
    rest = list(items)
    while rest:
        item = rest.pop(0)
        head = first_word(item.text)
        equals = starts_with(item.text, f"{head}=")
        if head in ("-u", "--username", "-p", "--password"):
            value = (
                without_head(item.text, f"{head}=")
                if equals
                else (rest.pop(0).text if rest else ())
            )
            if head in ("-u", "--username"):
                user = value
            else:
                password = value
        elif head in ("--password-stdin", "--pass-stdin"):
            given = reader.stdin or EMPTY
            password = split_text(given[0][1], "\n")[0]
        elif not starts_with(item.text, "-"):
            hosts.append(item.text)
    host = hosts[0] if hosts else ("docker.io",)
    found = Login(host, user, password, source=f"{tool} login", line=reader.line)
    reader.state.logins = (*reader.state.logins, (reader.state.path, found))
    return SUCCESS
