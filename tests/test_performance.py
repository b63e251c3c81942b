"""Costs that no noise can touch: what is imported, and how often things are called and read."""

from __future__ import annotations

import cProfile
import subprocess
import sys
import tracemalloc
from ast import literal_eval
from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import typing_api

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.syncing import memory
from ci_kaniko.syntax.variables import parse
from ci_kaniko.text import pyyaml
from harness.loaded import SEEN, imported
from harness.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGETS = {name: item.output for name, item in ci_kaniko.available_targets().items()}
SIZES = (10, 100)
"""Numbers of images, ten times as many; some platforms take no thousand of them in one file."""

OPENED = """
import os, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(event, arguments):
    if event in ("open", "os.link", "os.rename"):
        named = [str(item) if index < 2 else item for index, item in enumerate(arguments[:3])]
        os.write(log, f"{[event, *named]}\\n".encode())
sys.addaudithook(note)
from ci_kaniko.cli.main import main
main()
"""
FIVE = f"""\
destinations: ["ghcr.io/acme/shop:1.0"]
context: git://github.com/acme/shop.git#refs/heads/main
default_branch: main
registries: {{ghcr.io: {{username: acme-bot, password: GHCR_TOKEN}}}}
outputs: {{{", ".join(f"{name}: {path}" for name, path in TARGETS.items())}}}
"""
"""As many outputs as there are targets."""
BAD = "destinaions: ['ghcr.io/acme/shop:1.0']\noutputs: {gitlab: .gitlab-ci.yml}\n"


def many(count: int, needs: str = "groups", outputs: str = "{}") -> str:
    """A spec of so many images, where a tenth of them is the base of the others."""
    lines = [
        "default_branch: main",
        "context: services/${image.name}",
        "build_args: {VERSION: '${tag:-dev}'}",
        "destinations: ['ghcr.io/acme/${image.name}:${commit.sha}']",
        "registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}",
        f"outputs: {outputs}",
        "images:",
    ]
    for number in range(count):
        needed = number - 1 if needs == "chain" else number - number % 10
        own = f"needs: image-{needed:04}" if 0 <= needed < number else ""
        lines.append(f"  image-{number:04}: {{{own}}}")
    return "\n".join(lines) + "\n"


def rendered(text: str, target: str) -> str:
    values = typing_api.VALUES if target == "kubernetes" else None
    return rendering.render(ci_kaniko.loads(text), target, values)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def of_targets(modules: set[str]) -> set[str]:
    """The targets whose modules are among these, by their packages."""
    names = {module.removeprefix("ci_kaniko.targets.").partition(".")[0] for module in modules}
    return names & set(TARGETS)


# -- imports ----------------------------------------------------------------------------------


def test_a_thousand_images_seen_before_cost_few_small_modules(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = f"{{{', '.join(f'{name}: {path}' for name, path in TARGETS.items())}}}"
    spec = repository.write("ci-kaniko.yaml", many(1000, outputs=outputs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(repository.cache))
    texts = [(name, path, b"0" * 500_000) for name, path in TARGETS.items()]
    for _, path, text in texts:
        repository.write(path, text)
    memory.Memory((), [str(spec)]).remember(str(spec), spec.read_bytes(), texts)
    assert imported(repository, "check") == {*SEEN, "_blake2"}


@pytest.mark.parametrize("command", ["render gitlab", "validate", "sync"])
def test_a_bad_spec_is_reported_without_what_renders(repository: Repository, command: str) -> None:
    repository.write("ci-kaniko.yaml", BAD)
    found = imported(repository, *command.split(), status=1)
    assert not found & {"jinja2", "ruamel", "ci_kaniko.rendering"}
    assert of_targets(found) <= set(command.split())


@pytest.mark.parametrize("target", TARGETS)
def test_rendering_imports_the_modules_of_one_target(repository: Repository, target: str) -> None:
    repository.write("ci-kaniko.yaml", many(2))
    values = [word for item in typing_api.VALUES.items() for word in ("--set", "=".join(item))]
    given = values if target == "kubernetes" else []
    assert of_targets(imported(repository, "render", target, *given)) == {target}


# -- calls ------------------------------------------------------------------------------------


def calls(work: str, target: str | None) -> Counter[tuple[str, int, str]]:
    """How often each function was called, built-in ones included."""
    for remembered in (parse, rendering._reader):
        remembered.cache_clear()
    profile = cProfile.Profile(subcalls=False)
    profile.enable()
    if target is None:
        ci_kaniko.loads(work)
    else:
        rendered(work, target)
    profile.disable()
    found: Counter[tuple[str, int, str]] = Counter()
    for entry in profile.getstats():
        code: Any = entry.code
        key = (code, 0, "") if isinstance(code, str) else _name(code)
        found[key] += entry.callcount
    return found


def _name(code: Any) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name


def steeper(few: Counter[Any], many: Counter[Any]) -> dict[Any, tuple[int, int]]:
    """What ten times as many images call more than ten times as often."""
    return {
        name: (few[name], count)
        for name, count in many.items()
        if count > 10.5 * max(few[name], 10)
    }


@pytest.mark.parametrize("target", TARGETS)
def test_calls_grow_linearly_with_the_images(target: str) -> None:
    rendered(many(2), target)
    few, more = (calls(many(count), target) for count in SIZES)
    assert not steeper(few, more)
    ours = [name for name, _, _ in more if name.startswith(str(ci_kaniko.__path__[0]))]
    assert len(ours) > 100
    walked = _calls_of("texts_with_variables", more)
    assert walked <= 2 * SIZES[1] + 3, "once for an image, once more for its pull requests"


def _calls_of(function: str, counted: Counter[tuple[str, int, str]]) -> int:
    return sum(count for (_, _, name), count in counted.items() if name == function)


def test_calls_grow_linearly_with_a_chain_of_needs() -> None:
    ci_kaniko.loads(many(2))
    few, more = (calls(many(count, needs="chain"), None) for count in (50, 500))
    assert not steeper(few, more)


def test_memory_grows_linearly_with_the_images() -> None:
    rendered(many(2), "gitlab")
    peaks = []
    for count in SIZES:
        tracemalloc.start()
        rendered(many(count), "gitlab")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # By chance the smaller one finds room that others left: a quarter of a MiB is little anyway.
    assert peaks[1] < 11 * max(peaks[0], 1 << 18)


def test_no_text_is_parsed_twice(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", FIVE)
    parsed: Counter[Any] = Counter()
    remembered = (pyyaml.loader, rendering._reader)
    with mock.patch.object(pyyaml, "Parser", _counting(pyyaml.Parser, parsed)):
        for each in remembered:
            each.cache_clear()
        assert repository.call("sync").code == 0
    for each in remembered:
        each.cache_clear()
    assert parsed[FIVE] == 1
    assert set(parsed.values()) == {1}
    assert len(parsed) <= 1 + len(TARGETS)


def _counting(parser: Any, parsed: Counter[Any]) -> Any:
    class Counting(parser):  # type: ignore[misc]
        def __init__(self, text: str) -> None:
            if text:
                parsed[text] += 1
            super().__init__(text)

    return Counting


# -- files ------------------------------------------------------------------------------------


def opened(repository: Repository, *arguments: str) -> Iterator[list[Any]]:
    """What a command asks the system for about files: each call with its arguments."""
    log = repository.cache.parent / "log"
    subprocess.run(
        [sys.executable, "-c", OPENED, log, *arguments],
        cwd=repository.folder,
        env=repository.environment(),
        capture_output=True,
        check=True,
    )
    for line in log.read_text().splitlines():
        yield literal_eval(line)
    log.unlink()


def test_each_output_is_written_once(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", FIVE)
    outputs = {str(repository.folder / path) for path in TARGETS.values()}
    for _ in ("created", "updated"):
        found = list(opened(repository, "sync"))
        written = [mode for name, _, mode, *_ in found if name == "open" and mode == "w"]
        named = {path for name, _, path, *_ in found if name != "open"}
        assert len(written) == len(outputs) + 1, "the outputs, and the note that they are in sync"
        assert outputs <= named
        repository.write("ci-kaniko.yaml", FIVE.replace("shop:1.0", "shop:2.0"))
    assert "shop:2.0" in repository.text(".gitlab-ci.yml")


@pytest.mark.parametrize("command", ["sync", "check", "check --no-cache"])
def test_nothing_is_read_twice_and_nothing_written(repository: Repository, command: str) -> None:
    repository.write("ci-kaniko.yaml", FIVE)
    assert repository.call("sync", CI="").code == 0
    found = list(opened(repository, *command.split()))
    read = Counter(str(path) for name, path, mode, *_ in found if name == "open" and mode == "r")
    outputs = {str(repository.folder / path) for path in TARGETS.values()}
    assert outputs | {"ci-kaniko.yaml"} <= read.keys()
    assert set(read.values()) == {1}, read.most_common(3)
    assert {mode for _, _, mode, *_ in found} <= {"r", "rb", "None"}
