"""``docker run`` and ``docker login``, also under the names of docker's relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_kaniko.importing.shell_executor import is_executor, looks_like_kaniko, record
from ci_kaniko.importing.shell_guards import YES
from ci_kaniko.importing.shell_reader import SUCCESS, Container, Status
from ci_kaniko.importing.shell_values import EMPTY, Item, Value, pure
from ci_kaniko.importing.symbols import (
    Login,
    Text,
    join,
    literal,
    split_text,
    starts_with,
    without_head,
)

if TYPE_CHECKING:
    from ci_kaniko.importing.shell_reader import Reader

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
    if not items or literal(items[at].text) != "run":
        return None
    options, rest = _options(items[at + 1 :])
    if not rest:
        return None
    image, arguments = rest[0].text, rest[1:]
    container = Container(image, tuple(options))
    entrypoint = _last(options, "--entrypoint")
    if entrypoint is not None and literal(entrypoint):
        arguments = [Item(YES, entrypoint, line=rest[0].line), *arguments]
    name = literal(arguments[0].text) if arguments else None
    if name is not None and (is_executor(name) or name in SHELLS):
        return _inside(reader, container, arguments)
    if looks_like_kaniko(image, arguments) and literal(entrypoint or ()) in (None, ""):
        record(reader, arguments, container)
        guard = reader.conditions.unknown(f"docker run on line {reader.line}", reader.line)
        return Status(guard, YES)
    return None


def run_pod(reader: Reader, items: list[Item]) -> bool:
    """``kubectl run NAME --image=... -- ARGUMENTS``; whether that is what it was."""
    options, rest = _options(items[1:])
    end = next((at for at, item in enumerate(items) if literal(item.text) == "--"), None)
    image = next((text for _, text in values_of(items, "--image")), None)
    if literal(items[0].text if items else ()) != "run" or end is None or image is None:
        return False
    if not rest or not looks_like_kaniko(image, items[end + 1 :]):
        return False
    record(reader, items[end + 1 :], Container(image, tuple(options)))
    return True


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
    reader.container, path = outer, reader.state.path
    reader.state = before
    reader.state.path = path
    return status


def _options(items: list[Item]) -> tuple[list[Item], list[Item]]:
    """Options as ``--name=value``, and what follows them."""
    options: list[Item] = []
    rest = list(items)
    while rest and starts_with(rest[0].text, "-"):
        item = rest.pop(0)
        head = str(item.text[0])
        name, equals, _ = head.partition("=")
        if literal(item.text) == "--":
            break
        if equals:
            name = _LONG.get(name, name)
            options.append(
                item._replace(
                    text=_named(name, without_head(item.text, head.partition("=")[0] + "="))
                )
            )
        elif (
            not head.startswith("--")
            and len(head) > 2
            and head[:2] in _LONG
            and head not in _SWITCHES
        ):
            options.append(
                item._replace(text=_named(_LONG[head[:2]], without_head(item.text, head[:2])))
            )
        elif head in _SWITCHES:
            options.append(item)
        elif rest:
            value = rest.pop(0)
            options.append(value._replace(text=_named(_LONG.get(head, head), value.text)))
    return options, rest


def _named(name: str, value: Text) -> Text:
    return join((f"{name}=", *value))


def values_of(options: tuple[Item, ...] | list[Item], name: str) -> list[tuple[int, Text]]:
    """Everything that an option was given."""
    head = f"{name}="
    return [
        (item.guard, without_head(item.text, head))
        for item in options
        if starts_with(item.text, head)
    ]


def _last(options: list[Item], name: str) -> Text | None:
    found = values_of(options, name)
    return found[-1][1] if found else None


def environment(reader: Reader, options: tuple[Item, ...]) -> dict[str, Value]:
    """The variables that a container is given."""
    found: dict[str, Value] = {}
    for guard, text in values_of(options, "--env"):
        name, *rest = split_text(text, "=", 1)
        key = literal(name)
        if key:
            value = pure(rest[0]) if rest else reader.value(key)
            found[key] = reader.values.choose(guard, value, found.get(key, EMPTY))
    return found


def mounts(options: tuple[Item, ...]) -> list[tuple[Text, Text]]:
    """Where a container sees what: outside, inside."""
    found: list[tuple[Text, Text]] = []
    for _, text in values_of(options, "--volume"):
        outside, *inside = split_text(text, ":")
        if inside:
            found.append((outside, inside[0]))
    for _, text in values_of(options, "--mount"):
        fields: dict[str, Text] = {}
        for piece in split_text(text, ","):
            name, *rest = split_text(piece, "=", 1)
            fields[literal(name) or ""] = rest[0] if rest else ()
        source = fields.get("source", fields.get("src", ()))
        target = fields.get("target", fields.get("dst", fields.get("destination", ())))
        if source and target:
            found.append((source, target))
    return found


def login(reader: Reader, items: list[Item], tool: str) -> Status:
    """``docker login -u USER -p PASSWORD HOST``."""
    user: Text = ()
    password: Text = ()
    hosts: list[Text] = []
    rest = list(items)
    while rest:
        item = rest.pop(0)
        head, equals, _ = (str(item.text[0]) if item.text else "").partition("=")
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
