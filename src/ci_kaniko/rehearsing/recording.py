"""From a sandbox after a run to the record of it."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from ci_kaniko.rehearsing.docker import Docker, docker_config, docker_file, docker_run
from ci_kaniko.rehearsing.executor import CREDENTIAL_FILES, INPUTS
from ci_kaniko.rehearsing.recorded import Input, Joined, Recorded
from ci_kaniko.rehearsing.sandbox import Sandbox, bytes_of, files_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.running import Outcome


_SHELL_BOOKKEEPING = ("PWD", "OLDPWD", "SHLVL", "_")


def record(target: str, event: Event, box: Sandbox, outcome: Outcome) -> Recorded:
    records = box.outside("/.record")
    names = os.listdir(records)
    calls = [f"{records}/{name}" for name in sorted(filter(str.isdigit, names), key=int)]
    after = box.files() if box.before else {}  # of a job that only clones nothing is known
    after = {path: data for path, data in after.items() if box.before.get(path) != data}
    status, stdout, stderr = outcome.result
    recorded = Recorded(
        target=target,
        event=event,
        status=status,
        stdout=stdout,
        stderr=stderr,
        image=outcome.image,
        workspace=outcome.workspace,
        mounts=outcome.mounts,
        calls=len(calls),
        files=after,
        agent=box.lines("/.record/agent"),
        curl=box.lines("/.record/curl"),
        tools=box.lines("/.record/tools.log"),
        tools_env=box.lines("/.record/tools.env"),
        joined=tuple(_joined(box, records, names)),
        artifacts=outcome.artifacts,
        outputs=outcome.outputs,
        pulls=outcome.pulls,
    )
    if not calls:
        return recorded
    words = [_words(box, f"{call}/cmdline")[1:] for call in calls]
    commands = tuple((os.path.basename(program), *rest) for program, *rest in words)
    return _called(box, calls[0], words[0], replace(recorded, commands=commands))


def _called(box: Sandbox, call: str, words: list[str], recorded: Recorded) -> Recorded:
    """The record with what the executor was given, by itself or in a container of docker's."""
    env = dict(pair.partition("=")[::2] for pair in _words(box, f"{call}/environ"))
    env = {name: value for name, value in env.items() if name not in _SHELL_BOOKKEEPING}
    config = f"{call}/config.json"
    credentials = {name: f"{call}/{name}" for name in CREDENTIAL_FILES}
    inputs = {f"/kaniko/{name}": f"{call}/inputs/{name}" for name in INPUTS}
    if os.path.basename(words[0]) == "docker":
        docker = docker_run(words[1:], env)
        config = docker_config(box, call, docker)
        inputs = {path: docker_file(box, call, docker, path) for path in inputs}
        credentials = {
            name: docker_file(box, call, docker, docker.env[name])
            for name in CREDENTIAL_FILES
            if name in docker.env
        }
        recorded = replace(
            recorded,
            command=("docker", *words[1:]),
            argv=docker.argv,
            image=docker.image,
            env=docker.env,
            mounts=docker.mounts,
            umask=0o022,
        )
    else:
        umask = int(bytes_of(f"{call}/umask"), 8)
        recorded = replace(
            recorded, command=tuple(words), argv=tuple(words[1:]), env=env, umask=umask
        )
    return _with_files(box, recorded, credentials, inputs, config, _context(box, call, recorded))


def _with_files(
    box: Sandbox,
    recorded: Recorded,
    credentials: Mapping[str, str],
    inputs: Mapping[str, str],
    config: str,
    context: str,
) -> Recorded:
    """The record with the files that the executor could read."""
    texts = {n: _text(box, path) for n, path in credentials.items() if os.path.isfile(path)}
    read = {
        f"{path}{file.removeprefix(folder)}": Input(_text(box, file), _mode(file), _mode(folder))
        for path, folder in inputs.items()
        for file in files_below(folder)
    }
    recorded = replace(recorded, credentials=texts, inputs=read)
    if os.path.isdir(context):
        recorded = replace(recorded, context=box.below(box.inside(context)))
    if not os.path.isfile(config):
        return recorded
    return replace(recorded, config_text=_text(box, config), config_mode=_mode(config))


def _text(box: Sandbox, file: str) -> str:
    return box.outward(bytes_of(file))


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _words(box: Sandbox, file: str) -> list[str]:
    """What the kernel keeps of a process: words or variables, each ended by a zero."""
    return [box.outward(word) for word in bytes_of(file).split(b"\0")[:-1]]


def _joined(box: Sandbox, records: str, names: list[str]) -> Iterator[Joined]:
    numbers = [int(name[5:]) for name in names if name.startswith("join-")]
    for call in (f"{records}/join-{number}" for number in sorted(numbers)):
        config = f"{call}/config.json"
        held = os.path.isfile(config)
        files = {name: f"{call}/{name}" for name in CREDENTIAL_FILES}
        yield Joined(
            tuple(_words(box, f"{call}/cmdline")[2:]),
            dict(pair.partition("=")[::2] for pair in _words(box, f"{call}/environ")),
            _text(box, config) if held else None,
            _mode(config) if held else None,
            {name: _text(box, file) for name, file in files.items() if os.path.isfile(file)},
        )


def _context(box: Sandbox, call: str, recorded: Recorded) -> str:
    """The executor's context, as it was during the call."""
    if recorded.command[0] != "docker":
        return f"{call}/context"
    argument = next((a for a in recorded.argv or () if a.startswith("--context=dir://")), "")
    docker = Docker("", recorded.argv or (), {**recorded.env}, recorded.mounts)
    return docker_file(box, call, docker, argument.removeprefix("--context=dir://") or "/nowhere")
