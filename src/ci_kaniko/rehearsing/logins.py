"""The logins that docker and kaniko find in what a run leaves."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing.documents import NotModelled, json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.sandbox import Sandbox


_DOCKER_HUB = "https://index.docker.io/v1/"


def both(user: str, password: str) -> tuple[str, str] | None:
    """Without one of them a runner pulls anonymously."""
    return (user, password) if user and password else None


def docker_pulls(box: Sandbox) -> Iterator[tuple[str, tuple[str, str] | None]]:
    for line in box.lines("/.record/pulls"):
        image, _, config = box.outward(line.encode()).partition(" ")
        text = box.outward(base64.b64decode(config))
        yield image, _pull_login(json.loads(text or "{}"), image)


def _pull_login(config: Mapping[str, Any], image: str) -> tuple[str, str] | None:
    host, slash, _ = image.partition("/")
    hub = not slash or not ("." in host or ":" in host) or host in ("docker.io", "index.docker.io")
    return config_login(config, host, hub=hub)


def lookup(recorded: Recorded, host: str) -> tuple[str, str] | None:
    """User and password that kaniko would send to a registry, None for an anonymous request."""
    hub = host in ("docker.io", "index.docker.io", "registry-1.docker.io")
    asked = "index.docker.io" if hub else host
    for config in (_auth_variable(recorded.env), recorded.config or {}):
        found = config_login(config, asked, hub=hub)
        if found:
            return found
    return _environment_login(recorded.env, asked)


def told_hosts(recorded: Recorded) -> Iterator[str]:
    """The registries in the arguments of a run and in its config.json."""
    for word in recorded.argv or ():
        name, _, value = word.partition("=")
        if name in {"--destination", "--cache-repo"}:
            yield value.partition("/")[0]
    for key in (recorded.config or {}).get("auths") or {}:
        yield "docker.io" if key == _DOCKER_HUB else _registry(key)


def _auth_variable(env: Mapping[str, str]) -> dict[str, Any]:
    """DOCKER_AUTH_CONFIG takes `auth` only; kaniko drops the whole variable for anything else."""
    config = json_object(env.get("DOCKER_AUTH_CONFIG") or "{}")
    entries = (config.get("auths") or {}).values()
    return config if all(entry.keys() == {"auth"} for entry in entries) else {}


def config_login(config: Mapping[str, Any], host: str, *, hub: bool) -> tuple[str, str] | None:
    """The login that a config.json holds for a host. Raises NotModelled."""
    if config.get("credsStore") or host in (config.get("credHelpers") or {}):
        return "<credential helper>", config.get("credsStore") or config["credHelpers"][host]
    auths = config.get("auths") or {}
    logins = {key: _login(entry) for key, entry in auths.items()}
    keys = [key for key in logins if (key == _DOCKER_HUB if hub else _registry(key) == host)]
    if len(keys) > 1:
        raise NotModelled(f"two entries for {host}: {keys}")
    return logins[keys[0]] if keys else None


def _registry(key: str) -> str:
    return re.sub(r"\Ahttps?://", "", key).partition("/")[0]


def _login(entry: Mapping[str, str]) -> tuple[str, str]:
    if not entry.get("auth"):
        return entry["username"], entry["password"]
    try:
        text = base64.b64decode(entry["auth"], validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error as error:
        raise NotModelled(f"auth is not base64: {error}") from error
    user, colon, password = text.partition(":")
    if not colon or "\n" in text:
        raise NotModelled("auth has no colon, or a newline")
    return user, password


def _environment_login(env: Mapping[str, str], host: str) -> tuple[str, str] | None:
    labels = host.split(".")
    for start in range(len(labels)):
        name = re.sub(r"[-.]", "_", ".".join(labels[start:])).upper()
        if f"KANIKO_{name}_USER" in env and f"KANIKO_{name}_PASSWORD" in env:
            return env[f"KANIKO_{name}_USER"], env[f"KANIKO_{name}_PASSWORD"]
    if env.get("CI_REGISTRY") == host:
        return env["CI_REGISTRY_USER"], env["CI_REGISTRY_PASSWORD"]
    return None
