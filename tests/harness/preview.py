"""What a project's pipeline is once its includes are read: by gitlab-ci-local."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from ci_kaniko.rehearsing import yaml11
from harness import tools, validators

if TYPE_CHECKING:
    from pathlib import Path


def previewed(folder: Path, files: dict[str, str]) -> dict[str, Any]:
    """The pipeline of the project whose .gitlab-ci.yml is among the files."""
    command = [tools.program("gitlab-ci-local"), "--preview", "--state-dir", ".state"]
    command.append(validators.NO_SCHEMA)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    validators.git_repository(folder)
    env = {"PATH": tools.SEARCH, "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = yaml11.load(done.stdout)
    return found
