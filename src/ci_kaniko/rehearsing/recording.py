"""From a sandbox after a run to the record of it."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
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
    records = box.path("/.record")
    calls = [records / name for name in sorted(filter(str.isdigit, os.listdir(records)), key=int)]
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
        joined=tuple(_joined(box)),
        artifacts=outcome.artifacts,
        outputs=outcome.outputs,
        pulls=outcome.pulls,
    )
    if not calls:
        return recorded
    called = _called(box, calls[0], recorded)
    return replace(called, commands=tuple(_command(box, each) for each in calls))


def _called(box: Sandbox, call: Path, recorded: Recorded) -> Recorded:
    """The record with what the executor was given, by itself or in a container of docker's."""
    words = _words(box, call / "cmdline")[1:]
    env = dict(pair.partition("=")[::2] for pair in _words(box, call / "environ"))
    env = {name: value for name, value in env.items() if name not in _SHELL_BOOKKEEPING}
    config = call / "config.json"
    credentials = {name: call / name for name in CREDENTIAL_FILES}
    inputs = {f"/kaniko/{name}": call / "inputs" / name for name in INPUTS}
    if Path(words[0]).name == "docker":
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
        umask = int((call / "umask").read_text(), 8)
        recorded = replace(
            recorded, command=tuple(words), argv=tuple(words[1:]), env=env, umask=umask
        )
    return _with_files(box, recorded, credentials, inputs, config, _context(box, call, recorded))


def _with_files(
    box: Sandbox,
    recorded: Recorded,
    credentials: Mapping[str, Path],
    inputs: Mapping[str, Path],
    config: Path,
    context: Path,
) -> Recorded:
    """The record with the files that the executor could read."""
    texts = {n: box.outward(p.read_bytes()) for n, p in credentials.items() if p.is_file()}
    read = {
        f"{path}{file.removeprefix(str(folder))}": Input(
            box.outward(bytes_of(file)),
            stat.S_IMODE(os.stat(file).st_mode),
            stat.S_IMODE(folder.stat().st_mode),
        )
        for path, folder in inputs.items()
        for file in files_below(str(folder))
    }
    recorded = replace(recorded, credentials=texts, inputs=read)
    if context.is_dir():
        recorded = replace(recorded, context=box.below(str(context.relative_to(box.root))))
    if not config.is_file():
        return recorded
    text = box.outward(config.read_bytes())
    return replace(recorded, config_text=text, config_mode=stat.S_IMODE(config.stat().st_mode))


def _words(box: Sandbox, file: Path) -> list[str]:
    """What the kernel keeps of a process: words or variables, each ended by a zero."""
    return [box.outward(word) for word in file.read_bytes().split(b"\0")[:-1]]


def _command(box: Sandbox, call: Path) -> tuple[str, ...]:
    """The program and its words."""
    program, *rest = _words(box, call / "cmdline")[1:]
    return (Path(program).name, *rest)


def _joined(box: Sandbox) -> Iterator[Joined]:
    records = box.path("/.record")
    numbers = [int(name[5:]) for name in os.listdir(records) if name.startswith("join-")]
    for call in (records / f"join-{number}" for number in sorted(numbers)):
        config = call / "config.json"
        held = config.is_file()
        yield Joined(
            tuple(_words(box, call / "cmdline")[2:]),
            dict(pair.partition("=")[::2] for pair in _words(box, call / "environ")),
            box.outward(config.read_bytes()) if held else None,
            stat.S_IMODE(config.stat().st_mode) if held else None,
            {
                name: box.outward((call / name).read_bytes())
                for name in CREDENTIAL_FILES
                if (call / name).is_file()
            },
        )


def _context(box: Sandbox, call: Path, recorded: Recorded) -> Path:
    """The executor's context, as it was during the call."""
    if recorded.command[0] != "docker":
        return call / "context"
    argument = next((a for a in recorded.argv or () if a.startswith("--context=dir://")), "")
    docker = Docker("", recorded.argv or (), {**recorded.env}, recorded.mounts)
    return docker_file(box, call, docker, argument.removeprefix("--context=dir://") or "/nowhere")
