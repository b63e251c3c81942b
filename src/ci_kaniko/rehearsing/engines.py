"""The same file by somebody else's engine: gitlab-ci-local and act, in the same isolation.

Sources: https://github.com/firecow/gitlab-ci-local (shell executor) and https://github.com/nektos/act
(host mode). Both find our recorders in the place of kaniko, docker and regctl.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.rehearsing import launcher, sandbox
from ci_kaniko.rehearsing.docker import docker_run
from ci_kaniko.rehearsing.programs import CURL, DOCKER
from ci_kaniko.rehearsing.shells import MissingProgram, program, serving
from ci_kaniko.rehearsing.told import github, gitlab
from ci_kaniko.rehearsing.triggers import gitlab_variables
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.request import Request

_PATH = "/.recorder/bin:/.recorder/join:/busybox:/usr/local/bin:/usr/bin:/bin"
_CHECKOUT = "name: checkout\nruns:\n  using: composite\n  steps: [{run: 'true', shell: bash}]\n"


class Engine(NamedTuple):
    """Somebody else's program: its name, the words that let it run a file, what it calls.

    The file, and those of the repository, lie in the ``workspace``.
    """

    program: str
    file: str
    workspace: str
    words: Callable[[Request], list[str]]
    needs: tuple[str, ...] = ()


class Played(NamedTuple):
    """What an engine did: its exit status, each call of the executor, and what it printed."""

    engine: str
    status: int
    calls: tuple[tuple[str, ...], ...]
    joins: tuple[tuple[str, ...], ...]
    printed: tuple[str, ...]


def play(engine: Engine, request: Request) -> Played:
    """Run every job of a file by the engine of its platform. Raises MissingProgram."""
    found, *_ = [program(name) for name in (engine.program, "git", *engine.needs)]
    if not sandbox.ISOLATED:
        raise MissingProgram("an engine needs a sandbox, and this machine has no mount namespaces")
    path = os.path.realpath(found)
    shell = serving("bash")
    world = sandbox.world(shell, isolated=True)
    bind = launcher.Bind(os.path.dirname(path), "/engine", read_only=True)
    with launcher.room(world._replace(binds=(*world.binds, bind))) as room:
        box = sandbox.Sandbox(room, shell)
        box.prepare(request)
        _furnish(box, request, engine)
        words = [*_started(path), *engine.words(request)]
        script = f'cd {engine.workspace} && {_commit(request.event)} && exec "$@"'
        env = {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", "XDG_CACHE_HOME": "/tmp/cache"}  # noqa: S108
        done = box.run(
            [box.shell, "-ec", script, "sh", *words], {**env, **_shouted(request.secrets)}, "/"
        )
        printed = (done.stdout + done.stderr).splitlines()
        return Played(
            engine.program, done.status, tuple(_calls(box)), tuple(_joins(box)), tuple(printed)
        )


def _started(path: str) -> list[str]:
    """A script of node's is started by node: its first line asks for programs elsewhere."""
    inside = f"/engine/{os.path.basename(path)}"
    with open(path, "rb") as file:
        return ["node", inside] if b"node" in file.readline(100) else [inside]


def _furnish(box: sandbox.Sandbox, request: Request, engine: Engine) -> None:
    box.equip()
    for name, text in (("docker", DOCKER), ("curl", CURL)):
        box.keep(f"/.recorder/bin/{name}", text, 0o755)
    for path, text in {**request.files, engine.file: request.text}.items():
        box.write(f"{engine.workspace}/{path}", text)
    for name, text in request.file_secrets.items():
        box.write(f"/.record/files/{name}", text, 0o600)
    box.write("/.record/event.json", json.dumps(_payload(request.event)))
    box.write("/.record/checkout/action.yml", _CHECKOUT)


def _commit(event: Event) -> str:
    """Commands that make a repository with the commit of an event."""
    branch = quote(event.branch or event.default_branch)
    author = "-c user.name=a -c user.email=a@example.com"
    made = (
        f"git init -q -b {branch} . && git add -A && git {author} commit -q -m x && "
        f"git remote add origin {quote(f'https://github.com/{event.repository}.git')}"
    )
    return made + f" && git tag {quote(event.tag)}" * bool(event.tag)


def _gitlab(request: Request) -> list[str]:
    files = {name: f"/.record/files/{name}" for name in request.file_secrets}
    given = {**request.variables, **request.secrets, **files}
    variables = {**gitlab_variables(request.event), **given}
    words = ["--force-shell-executor", "--concurrency", "1", "--no-color", "--state-dir", ".state"]
    words += ["--json-schema-validation=false", "--ignore-predefined-vars", ",".join(variables)]
    for name in ("CI_COMMIT_BRANCH", "CI_COMMIT_TAG"):
        words += ["--unset-variable", name] if name not in variables else []
    for name, text in variables.items():
        words += ["--variable", f"{name}={text}"]
    return words


def _github(request: Request) -> list[str]:
    event = request.event
    words = [github.EVENTS.get(event.source, event.source), "-e", "/.record/event.json"]
    words += ["-P", "ubuntu-24.04=-self-hosted", "-P", "ubuntu-24.04-arm=-self-hosted"]
    words += ["--no-skip-checkout", "--no-cache-server", "--concurrent-jobs", "1"]
    words += ["-s", "GITHUB_TOKEN=ghs-rehearsal"]
    for action in dict.fromkeys(re.findall(r"uses: (\S+@\S+)", request.text)):
        words += ["--local-repository", f"{action}=/.record/checkout"]
    for name in _shouted(request.secrets):
        words += ["-s", name]
    for name, text in request.variables.items():
        words += ["--var", f"{name}={text}"]
    return words


def _shouted(secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment in which act looks for secrets: it knows their names in capitals."""
    return {name.upper(): text for name, text in secrets.items()}


def _payload(event: Event) -> dict[str, Any]:
    """What GitHub tells of an event, as the paths of ``github.event`` have it."""
    payload: dict[str, Any] = {"ref": event.ref}
    for path, value in github.context(event).items():
        if path.startswith("github.event.") and value != "":
            *folders, name = path.split(".")[2:]
            place = payload
            for folder in folders:
                place = place.setdefault(folder, {})
            place[name] = value
    return payload


GITLAB_CI_LOCAL = Engine(
    "gitlab-ci-local", ".gitlab-ci.yml", gitlab.WORKSPACE, _gitlab, ("node", "rsync")
)
ACT = Engine("act", ".github/workflows/image.yml", github.WORKSPACE, _github)


def _calls(box: sandbox.Sandbox) -> Iterator[tuple[str, ...]]:
    """The arguments of each call of the executor, those of its container aside."""
    records = box.path("/.record")
    for name in sorted(filter(str.isdigit, os.listdir(records)), key=int):
        words = _words(box, f"/.record/{name}/cmdline")[1:]
        is_docker = os.path.basename(words[0]) == "docker"
        yield docker_run(words[1:], {}).argv if is_docker else tuple(words[1:])


def _joins(box: sandbox.Sandbox) -> Iterator[tuple[str, ...]]:
    names = [name for name in os.listdir(box.path("/.record")) if name.startswith("join-")]
    for name in sorted(names, key=lambda name: int(name[5:])):
        yield tuple(_words(box, f"/.record/{name}/cmdline")[2:])


def _words(box: sandbox.Sandbox, path: str) -> list[str]:
    return [box.outward(word) for word in box.path(path).read_bytes().split(b"\0")[:-1]]
