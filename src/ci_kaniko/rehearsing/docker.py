"""What ``docker run`` makes of its options."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.recorded import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.rehearsing.sandbox import Sandbox


class Docker(NamedTuple):
    image: str
    argv: tuple[str, ...]
    env: dict[str, str]
    mounts: tuple[Mount, ...]


_DOCKER_FLAGS = {"--rm", "-i", "--interactive", "-t", "--tty", "--init", "-q", "--quiet"}
_DOCKER_IGNORED = [
    "--add-host",
    "--cap-add",
    "--cap-drop",
    "--cpus",
    "-h",
    "--hostname",
    "-l",
    "--label",
    "-m",
    "--memory",
    "--name",
    "--net",
    "--network",
    "--platform",
    "--pull",
    "--security-opt",
    "--stop-timeout",
    "--tmpfs",
    "--ulimit",
    "-u",
    "--user",
    "-w",
    "--workdir",
]


def docker_run(words: Sequence[str], environ: Mapping[str, str]) -> Docker:
    """What ``docker run`` makes of its words. Raises NotModelled."""
    if not words or words[0] != "run":
        raise NotModelled(f"docker {words[:1]}: only `docker run` is modelled")
    rest, env, mounts = list(words[1:]), dict[str, str](), list[Mount]()
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option not in _DOCKER_FLAGS:
            value = value if equals else rest.pop(0)
            env |= _docker_env(option, value, environ)
            mounts += _docker_mounts(option, value)
    if not rest:
        raise NotModelled("docker run: no image")
    return Docker(rest[0], tuple(rest[1:]), env, tuple(mounts))


def _docker_env(option: str, value: str, environ: Mapping[str, str]) -> dict[str, str]:
    name, given, text = value.partition("=")
    if option not in ("-e", "--env") or not (given or name in environ):
        return {}
    return {name: text if given else environ[name]}


def _docker_mounts(option: str, value: str) -> list[Mount]:
    if option in ("-v", "--volume"):
        return [_docker_volume(value)]
    if option == "--mount":
        return [_docker_mount(value)]
    entrypoint = option == "--entrypoint" and value == "/kaniko/executor"
    if not (entrypoint or option in ("-e", "--env", *_DOCKER_IGNORED)):
        raise NotModelled(f"docker run: this rehearsal does not know {option} {value}")
    return []


def _docker_volume(value: str) -> Mount:
    source, target, *options = value.split(":")
    if not source.startswith("/") or not set(options) <= {"ro", "rw"} or target == "/kaniko":
        raise NotModelled(f"docker run --volume {value}")
    return Mount(source, target, options == ["ro"])


def _docker_mount(value: str) -> Mount:
    pairs = dict(part.partition("=")[::2] for part in next(csv.reader([value])))
    source = pairs.pop("source", "") or pairs.pop("src", "")
    target = pairs.pop("target", "") or pairs.pop("dst", "") or pairs.pop("destination", "")
    read_only = {pairs.pop(name, None) for name in ("readonly", "ro")} - {None, "false", "0"}
    if pairs != {"type": "bind"} or not source.startswith("/") or target in ("", "/kaniko"):
        raise NotModelled(f"docker run --mount {value}")
    return Mount(source, target, bool(read_only))


def docker_config(box: Sandbox, call: str, docker: Docker) -> str:
    """The config.json that the executor sees through its mounts, as it was during the call."""
    wanted = os.path.join(docker.env.get("DOCKER_CONFIG", "/kaniko/.docker"), "config.json")
    return docker_file(box, call, docker, wanted)


def docker_file(box: Sandbox, call: str, docker: Docker, wanted: str) -> str:
    """Where a path of the container is outside. Raises NotModelled."""
    found = "/nowhere"
    for mount in sorted(docker.mounts, key=lambda mount: len(mount.target)):
        runner, _, below = mount.source.partition("/home/runner")
        source = box.outside(mount.source) if runner else f"{call}/runner/{below.lstrip('/')}"
        if not os.path.exists(source):
            raise NotModelled(f"docker run: mount source {mount.source} does not exist")
        inside = os.path.relpath(wanted, mount.target)
        if not inside.startswith(".."):
            found = f"{source}/{inside}" if inside != "." else source
    return found
