"""Shells complete what there is: each is asked as somebody who types asks it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from ci_kaniko.cli import completion, helped
from ci_kaniko.cli.commands import app
from harness import tools
from harness.repository import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
TARGETS = {"gitlab", "github", "buildkite", "agola", "kubernetes"}
TYPED: dict[str, set[str]] = {
    "": {*COMMANDS},
    "re": {"render", "rehearse"},
    "render ": TARGETS,
    "render gi": {"gitlab", "github"},
    "render gitlab --format ": {"text", "concise", "json", "github"},
    "render gitlab --format=c": {"concise"},
    "lint --format co": {"concise", "codequality"},
    "render gitlab --ch": {"--changed-since"},
    "preview gitlab --event pull": {"pull-request"},
    "import --from t": {"tekton"},
    "validate gitlab git": {"gitlab", "github"},
    "import Dock": {"Dockerfile"},
    "validate -f ci": {"ci-kaniko.yaml"},
    "explain too-l": {"too-large"},
    "completion f": {"fish"},
    "rehearse gitlab --executor bui": {"buildah"},
    "rehearse gitlab --executor Dock": {"Dockerfile"},
    "rehearse gitlab --executor PRO": set(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody types: with two files, and a program called ci-kaniko."""
    for name in ("Dockerfile", "ci-kaniko.yaml"):
        (tmp_path / name).write_text("")
    command = tmp_path / "bin" / "ci-kaniko"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ci_kaniko "$@"\n')
    command.chmod(0o755)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": PACKAGE,
        "HOME": str(folder),
        "TERM": "dumb",
    }


def said(folder: Path, words: list[str], script: str) -> str:
    done = subprocess.run(
        words,
        input=script,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_bash(folder: Path) -> None:
    """As readline calls the function: it offers files where that has no answer."""
    program = tools.program("bash")
    script = completion.script_for("bash")
    for typed in TYPED:
        words = f"ci-kaniko {typed}".replace("=", " = ").split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script += f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _ci_kaniko\n"
        script += 'printf "%s " "${COMPREPLY[@]}"; echo\n'
    found = said(folder, [program], script).splitlines()
    assert len(found) == len(TYPED)
    for (typed, expected), line in zip(TYPED.items(), found, strict=True):
        files = expected & {"Dockerfile", "ci-kaniko.yaml"}
        assert {*line.split()} - {"--help", "--version"} == expected - files, typed


def test_fish(folder: Path) -> None:
    program = tools.program("fish")
    script = completion.script_for("fish")
    for typed in TYPED:
        script += f"\ncomplete -C 'ci-kaniko {typed}'\necho END"
    *found, rest = said(folder, [program, "--no-config"], script).split("END\n")
    assert rest == ""
    for (typed, expected), text in zip(TYPED.items(), found, strict=True):
        offered = {line.partition("\t")[0].rpartition("=")[2] for line in text.splitlines()}
        assert offered == expected, typed


def test_zsh(folder: Path) -> None:
    """In a terminal: what fits alone is written, and of several their list is shown."""
    program = tools.program("zsh")
    (folder / "script").write_text(completion.script_for("zsh"))
    (folder / ".zshrc").write_text(
        "PS1='> '; unsetopt prompt_cr prompt_sp zle_bracketed_paste; setopt no_beep\n"
        "unsetopt list_ambiguous\n"
        "autoload -Uz compinit && compinit -u -D; source ./script\n"
        "zstyle ':completion:*' verbose no\n"
        'shown() { print -r -- "<$BUFFER>"; BUFFER=; zle accept-line; }\n'
        "zle -N shown; bindkey '^O' shown; bindkey '^I' complete-word\n"
        "stty columns 200; print READY\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve(program, [program, "-i"], environment(folder))  # noqa: S606 - a shell, to type into
    try:
        _until(terminal, "READY")
        for typed, expected in TYPED.items():
            os.write(terminal, f"ci-kaniko {typed}\t\x0f".encode())
            out = _until(terminal, ">\r\n")
            line = out.rpartition("<ci-kaniko ")[2].partition(">")[0].strip()
            if len(expected) == 1:
                assert line.replace("=", " ").split()[-1] == next(iter(expected)), (typed, out)
            else:
                assert all(word in out for word in expected), (typed, out)
    finally:
        os.write(terminal, b"\x03exit\n")
        os.close(terminal)
        os.waitpid(process, 0)


def _until(terminal: int, mark: str) -> str:
    out, end = "", time.monotonic() + 30
    while mark not in out and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            out += os.read(terminal, 65536).decode(errors="replace")
    assert mark in out, out
    return out


def test_the_build_has_written_the_scripts_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that was edited since then is completed as it is."""
    kept = {"texts": dict.fromkeys(completion.SHELLS, "kept")}
    monkeypatch.setattr(completion, "built", lambda _, made_of: made_of == "now" and kept)
    monkeypatch.setattr(completion, "made_of", lambda: "now")
    assert completion.script_for("zsh") == "kept"
    monkeypatch.setattr(completion, "made_of", helped.made_of)
    assert completion.script_for("zsh") == completion.texts()["zsh"]
