"""Our judge, for authors of targets: what a rendering makes of a spec is run and compared.

Every spec of ``SPECS`` is rendered by a target. Each script of the result is run by a shell, with
a program that writes down its arguments in place of the executor. They have to be those that a
manifest for Kubernetes gives the executor for the same event: there every variable is known.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_TOP = """\
default_branch: main
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
"""
SPECS = {
    "plain": "destinations: ['ghcr.io/acme/shop:1.0']\n",
    "variables": "destinations: ['ghcr.io/acme/shop:${commit.sha}']\n"
    "build_args: {BRANCH: '${branch:-none}', VERSION: '${tag:-dev}'}\n"
    "labels: {request: '${pull_request.number:-none}'}\n",
    "conditions": "destinations:\n"
    "  - ghcr.io/acme/shop:${commit.short}\n"
    "  - {image: 'ghcr.io/acme/shop:latest', when: default-branch}\n"
    "  - {image: 'ghcr.io/acme/shop:${ref.tag}', when: {tag: 'v*'}}\n"
    "  - {image: 'ghcr.io/acme/shop:edge', when: {branch: [main, 'release/**']}}\n",
    "quoting": "destinations: ['ghcr.io/acme/shop:1.0']\n"
    "build_args: {A: \"it's \\\"so\\\"\", B: '$HOME `id` $(id) \\', C: '  * ? [a] ~ #', D: ''}\n"
    'labels: {text: "two\\nlines"}\n',
    "pushes-always": "push: always\ndestinations: ['ghcr.io/acme/shop:${ref.tag}']\n",
    "pushes-never": "push: never\ndestinations: ['ghcr.io/acme/shop:1.0']\n",
    "cache": "destinations: ['ghcr.io/acme/shop:1.0']\n"
    "cache: {repo: ghcr.io/acme/shop/cache, ttl: 168h, copy_layers: true}\n",
    "options": "destinations: ['ghcr.io/acme/shop:1.0']\ntarget: runtime\n"
    "options: {snapshot_mode: redo, single_snapshot: true, ignore_path: [/var/run, '/a b']}\n",
}
"""Specs by name, each without what is the same in all of them."""

_SHA = "12345e6789abcdef0123456789abcdef01234567"
_COMMON = {
    "commit.sha": _SHA,
    "repository.url": "https://git.example.com/acme/shop",
    "default_branch": "main",
}
EVENTS: dict[str, dict[str, str]] = {
    "push": {**_COMMON, "branch": "main"},
    "push of another branch": {**_COMMON, "branch": "release/a b"},
    "tag": {**_COMMON, "tag": "v1.2.3"},
    "pull request": {**_COMMON, "pull_request.number": "7"},
}
"""What portable variables are in a run, by its name; a variable that is left out is empty."""

_OWN = ("--context", "--dockerfile", "--git", "--digest-file")
"""Where the repository lies, and how the executor gets it, is a target's own affair."""


class Fault(NamedTuple):
    """A run that differs from what the spec asks for."""

    spec: str
    event: str
    message: str

    def __str__(self) -> str:
        return f"{self.spec}, {self.event}: {self.message}"


def judge(
    target: str,
    scripts: Callable[[str], Iterable[str]],
    environment: Callable[[Mapping[str, str]], Mapping[str, str]],
    *,
    refuses: Iterable[str] = (),
) -> list[Fault]:
    """What is wrong with a target; nothing, when each run hands the executor what it should.

    ``scripts`` takes the scripts out of a rendered text, and ``environment`` makes of the
    portable variables of an event those that the CI gives a job. ``refuses`` are the specs that
    the target cannot render: each of them must be refused, and no other one. Raises
    UnknownTargetError for a target that is not installed.
    """
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.rendering import render
    from ci_kaniko.spec.loading import loads

    refused = {*refuses}
    faults = []
    for name, text in SPECS.items():
        spec = loads(_TOP + text, f"{name}.yaml")
        try:
            rendered = render(spec, target)
        except SpecError as error:
            if name not in refused:
                faults.append(Fault(name, "rendering", str(error.problems[0])))
            continue
        if name in refused:
            faults.append(Fault(name, "rendering", "is not refused"))
        for event, values in EVENTS.items():
            wanted = _arguments_of(render(spec, "kubernetes", values))
            given = {"GHCR_TOKEN": "tiger", **environment(values)}
            for script in scripts(rendered):
                faults += [Fault(name, event, each) for each in _compared(script, given, wanted)]
    return faults


def _compared(script: str, given: Mapping[str, str], wanted: list[str]) -> Iterator[str]:
    calls, error = record(script, given)
    if len(calls) != 1:
        yield f"the executor ran {len(calls)} times: {error.strip()}"
        return
    found = Counter(_ours(calls[0]))
    expected = Counter(_ours(wanted))
    yield from (f"{each} is missing" for each in (expected - found).elements())
    yield from (f"{each} is too much" for each in (found - expected).elements())


def _ours(arguments: Iterable[str]) -> list[str]:
    return [each for each in arguments if not each.startswith(_OWN)]


def record(script: str, environment: Mapping[str, str]) -> tuple[list[list[str]], str]:
    """Run a script: the arguments of each call of the executor, and what it says of errors.

    The folder ``/kaniko`` of the script is another one, so that this needs no container.
    """
    with TemporaryDirectory(prefix="ci-kaniko-") as base:
        folder = Path(base, "kaniko")
        folder.mkdir()
        calls = Path(base, "calls")
        calls.touch()
        executor = folder / "executor"
        executor.write_text(
            f'#!/bin/sh\nfor word in $# "$@"; do printf \'%s\\0\' "$word"; done >> {calls}\n'
        )
        executor.chmod(0o755)
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", script.replace("/kaniko/", f"{folder}/")],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
            cwd=base,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        written = calls.read_text().replace(f"{folder}/", "/kaniko/")
    words = written.split("\0")[:-1]
    runs = []
    while words:
        end = int(words[0]) + 1
        runs.append(words[1:end])
        words = words[end:]
    return runs, done.stderr


def _arguments_of(manifest: str) -> list[str]:
    """The arguments of the executor in a manifest; there ``$$`` is a dollar."""
    import yaml

    pod = yaml.safe_load(manifest)["spec"]
    return [each.replace("$$", "$") for each in pod["containers"][0]["args"]]
