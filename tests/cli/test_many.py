"""One command over many specs and checkouts."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.cli import progress
from harness.repository import Repository
from harness.terminal import everything

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"r{number:02}" for number in range(12)]
SPEC = """\
destinations: ["ghcr.io/acme/{name}:1.0"]
registries: {{ghcr.io: {{username: acme-bot, password: GHCR_TOKEN}}}}
outputs: {{gitlab: .gitlab-ci.yml}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Repository:
    """Twelve checkouts below a folder, and one without a spec."""
    fleet = Repository(tmp_path, git="none")
    for name in NAMES:
        fleet.write(f"repos/{name}/.git/HEAD", "")
        fleet.write(f"repos/{name}/ci-kaniko.yaml", SPEC.format(name=name))
        fleet.write(f"repos/{name}/Dockerfile", "FROM scratch\n")
    fleet.write("repos/docs/README.md", "")
    return fleet


def break_(fleet: Repository, names: list[str], line: str) -> None:
    for name in names:
        fleet.write(f"repos/{name}/ci-kaniko.yaml", SPEC.format(name=name) + line)


def test_folders_and_patterns_are_places_of_specs(fleet: Repository) -> None:
    one = fleet.call("validate", "-f", "repos/r00")
    assert one == (0, "repos/r00/ci-kaniko.yaml: fine for gitlab\n", "")
    assert fleet.call("validate", "-f", "repos/r0[01]/ci-kaniko.*").out.count(": fine for") == 2
    assert fleet.call("validate", "-f", "**/r1*").out.count(": fine for") == 2
    assert fleet.call("validate", "-f", "repos/*").out == "12 specs: fine for gitlab\n"
    twice = fleet.call(
        "validate", "-f", "repos/r00", "-f", "repos/r0[0]", "-f", "repos/../repos/r00"
    )
    assert twice == one
    assert fleet.call("render", "gitlab", "-f", "repos/r03").out.startswith("# Generated")
    fleet.write("odd[name]/ci-kaniko.yaml", "push: never\ndefault_branch: main\n")
    assert fleet.call("validate", "gitlab", "-f", "odd[name]").code == 1, "it has no Dockerfile"
    fleet.write("repos/README", "Each folder is a repository.\n")
    fleet.write("repos/r00/own.spec", fleet.text("repos/r00/ci-kaniko.yaml"))
    assert fleet.call("validate", "-f", "repos/*").out == "12 specs: fine for gitlab\n"
    assert fleet.call("validate", "-f", "repos/r00/*.spec").code == 0
    nothing = fleet.call("validate", "-f", "repos/x*")
    assert nothing.code == 2
    assert '"repos/x*" finds no spec' in nothing.err
    empty = fleet.call("validate", "-f", "repos/docs")
    assert empty.code == 1
    assert "repos/docs: this is a directory, and there is no ci-kaniko.yaml in it" in empty.err


def test_files_are_named_from_the_current_folder(fleet: Repository) -> None:
    break_(fleet, ["r03"], "puhs: never\n")
    fleet.call("sync", "-f", "repos/r0[0-2]")
    fleet.write("repos/r04/.gitlab-ci.yml", "mine: {}\n")
    for place in ("repos/*", str(fleet.folder / "repos" / "*")):
        for below, start in ((".", "repos/"), ("repos", ""), ("repos/r00", "../")):
            given = place if place.startswith("/") else os.path.relpath(place, below)
            found = json.loads(fleet.call("check", "-f", given, "--format=json", below=below).out)
            paths = {problem["path"] for problem in found}
            assert f"{start}r03/ci-kaniko.yaml" in paths
            assert f"{start}r04/.gitlab-ci.yml" in paths
            assert all(path.startswith(start or "r") for path in paths)
    noted = fleet.call("check", "-f", "repos/*", "--format=github").out
    assert "::error file=repos/r03/ci-kaniko.yaml,line=4,col=1::" in noted


def test_what_is_equally_wrong_is_told_once(fleet: Repository) -> None:
    break_(fleet, NAMES[:11], "puhs: never\n")
    break_(fleet, NAMES[11:], "\n\npuhs: never\nlabel: {}\n")
    done = fleet.call("validate", "-f", "repos/*")
    assert done.code == 1
    assert done.err.startswith(
        'repos/r00/ci-kaniko.yaml:4:1: unknown key "puhs" [unknown-key]\n'
        "  4 | puhs: never\n"
        "    | ^^^^\n"
        '    = hint: did you mean "push"?\n'
        "    = the same in 11 more files: repos/r01/ci-kaniko.yaml:4, "
    )
    assert "repos/r06/ci-kaniko.yaml:4 and 5 more files\n" in done.err
    assert done.err.count("unknown-key") == 2
    listed = json.loads(fleet.call("validate", "-f", "repos/*", "--format", "json").out)
    assert len(listed) == 13
    assert [each["line"] for each in listed] == [4] * 11 + [6, 7]
    one = json.loads(fleet.call("validate", "-f", "repos/r11", "--format", "json").out)
    assert listed[-2:] == one


def test_equal_differences_are_shown_once(fleet: Repository) -> None:
    assert fleet.call("sync", "-f", "repos/*").code == 0
    for name in NAMES:
        path = f"repos/{name}/.gitlab-ci.yml"
        fleet.write(path, fleet.text(path).replace("umask 022", "umask 077"))
    other = "repos/r05/.gitlab-ci.yml"
    fleet.write(other, fleet.text(other).replace("set -eu", "set -u"))
    done = fleet.call("check", "-f", "repos/*")
    assert done.code == 1
    assert done.out.count("+      umask 022\n") == 2
    assert "the same in 10 more files: repos/r01/.gitlab-ci.yml, " in done.err
    hints = [line for line in done.err.splitlines() if line.startswith("hint: ")]
    assert hints == [
        "hint: ci-kaniko sync -f 'repos/*' gitlab",
        "hint: ci-kaniko sync -f repos/r05/ci-kaniko.yaml gitlab",
    ]
    assert len(json.loads(fleet.call("check", "-f", "repos/*", "--format", "json").out)) == 12
    assert fleet.call("sync", "-f", "repos/*", "gitlab").err.count("updated ") == 12
    assert fleet.call("check", "-f", "repos/*") == (0, "", "")


def test_the_exit_code_is_the_worst(fleet: Repository) -> None:
    assert fleet.call("sync", "-f", "repos/*").code == 0
    break_(fleet, ["r11"], "rules: 7\n")
    assert fleet.call("sync", "-f", "repos/*").code == 1
    assert fleet.call("check", "-f", "repos/*").code == 1
    assert fleet.call("validate", "-f", "repos/*").code == 1
    assert fleet.call("validate", "-f", "repos/r0*").code == 0


def test_a_pattern_is_remembered(fleet: Repository) -> None:
    assert fleet.call("sync", "-f", "repos/*", CI="").code == 0
    assert len([*fleet.cache.rglob("*")]) == len(NAMES) + 1
    assert fleet.call("check", "-f", "repos/*", CI="") == (0, "", "")
    fleet.write("repos/r07/.gitlab-ci.yml", "")
    assert fleet.call("check", "-f", "repos/*", CI="").code == 1


def test_a_folder_has_the_pipelines_of_a_repository(fleet: Repository) -> None:
    call = "/kaniko/executor --context . --destination quay.io/acme/a:latest --force"
    job = f"build: {{image: 'gcr.io/kaniko-project/executor:v1.9.0', script: ['{call}']}}\n"
    for name, text in {"r00": job, "r01": job, "docs": "test: {script: [make]}\n"}.items():
        fleet.write(f"repos/{name}/.gitlab-ci.yml", text)
    fleet.write("repos/r00/Jenkinsfile", "// nothing\n")
    fleet.write("repos/r01/.tekton/x.yaml", "kind: Nothing\n")
    fleet.write("repos/r01/notes.yml", "kaniko: 1\n")
    one = json.loads(fleet.call("lint", "repos/r00/.gitlab-ci.yml", "--format", "json").out)
    assert one
    done = fleet.call("lint", "repos/r00", "repos/r01", "repos/docs", "repos/r02", "--format=json")
    found = json.loads(done.out)
    assert done.code == 1
    assert found[: len(one)] == one
    assert found[len(one) :] == [{**each, "path": "repos/r01/.gitlab-ci.yml"} for each in one]
    without = [
        f"repos/{name}: no job here calls kaniko, BuildKit or Buildah in a script"
        for name in ("docs", "r02")
    ]
    assert done.err.splitlines() == without
    text = fleet.call("lint", "repos/r00", "repos/r01").err
    assert text.count("= the same in 1 more file: repos/r01/.gitlab-ci.yml") == len(one)
    assert "r02: no job" in fleet.call("lint", "repos/r02", "--from", "github").err


def test_missing_digests_of_many_specs_are_told_once(fleet: Repository) -> None:
    done = fleet.call("pin", "--check", "-f", "repos/*")
    assert done.code == 1
    assert done.err.count(" has no digest in ") == 2
    assert done.err.count("= the same in 11 more files: repos/r01/ci-kaniko.yaml:1, ") == 2
    found = json.loads(fleet.call("pin", "--check", "-f", "repos/*", "--format", "json").out)
    assert len(found) == 24
    assert {each["rule"] for each in found} == {"pinned-images"}
    assert fleet.call("render", "gitlab", "-f", "repos/r00").out.count("v1.28.3-debug") == 1
    plain, debug = (f"v1.28.3{kind}@sha256:{'0' * 64}" for kind in ("", "-debug"))
    break_(fleet, NAMES, f"executor: {{digests: {{plain: '{plain}', debug: '{debug}'}}}}\n")
    assert fleet.call("pin", "--check", "-f", "repos/*", "--format", "json").out == "[]\n"
    assert fleet.call("pin", "--check", "-f", "repos/*").out.count("its digest") == 12
    break_(fleet, ["r03"], "puhs: never\n")
    assert fleet.call("pin", "--check", "-f", "repos/*").code == 1


# -- who waits --------------------------------------------------------------------------------

SLOW = """
import time
from ci_kaniko.cli import main
from ci_kaniko.spec import loading
clock, real = time.monotonic, loading.load
passed = 0

def load(path):
    global passed
    passed += 0.3
    return real(path)

time.monotonic = lambda: clock() + passed
loading.load = load
main.main()
"""
"""Each spec takes long by the clock, for which nobody here has to wait."""


def seen(fleet: Repository, code: str, *words: str, **settings: str) -> bytes:
    """What a person sees on a terminal of standard error."""
    shown, writer = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=fleet.folder,
        env=fleet.environment(**{"TERM": "xterm", **settings}),
        stdout=subprocess.DEVNULL,
        stderr=writer,
    )
    os.close(writer)
    return everything(shown) + (b"" if process.wait() == 0 else b"failed")


def test_who_waits_sees_how_far_it_is(fleet: Repository) -> None:
    slow = seen(fleet, SLOW, "validate", "-f", "repos/r0[0-5]")
    assert slow.startswith(b"\r\x1b[Kreading ")
    assert b"\r\x1b[Kreading 6 of 6: repos/r05/ci-kaniko.yaml" in slow
    assert slow.endswith(b"\r\x1b[K")
    assert b"reading 1 of 6" not in slow, "nobody waits for what takes less than a second"


def test_nobody_waits(fleet: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe, in CI, on a terminal that erases nothing, and for one spec."""
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    code = "from ci_kaniko.cli import main, progress\nprogress._PATIENCE = 0\nmain.main()"
    assert fleet.call("validate", "-f", "repos/*", CI="").err == ""
    assert seen(fleet, code, "validate", "-f", "repos/*", CI="true") == b""
    assert seen(fleet, code, "validate", "-f", "repos/r00") == b""
    assert seen(fleet, code, "validate", "-f", "repos/*", TERM="dumb") == b""
    assert b"1 of 12" in seen(fleet, code, "validate", "-f", "repos/*")
