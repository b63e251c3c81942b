"""BuildKit in the container of a job, which root has made ready: it is its own user there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ci_kaniko.rehearsing import yaml11
from harness import tools
from harness.runs import render

RECORDER = """#!/bin/sh
id -u
echo "$HOME" "$BUILDKITD_FLAGS"
for word; do echo "$word"; done
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_su_starts_it_with_the_words_and_the_environment() -> None:
    tools.program("su")
    (job,) = yaml11.load(render("builder-buildkit-inside", "github"))["jobs"].values()
    assert "--user 0" in job["container"]["options"]
    script = job["steps"][-1]["run"]
    (owned,) = re.findall(r"(?m)^chown -R 1000 /home/user\nsu ", script)
    (start,) = re.findall(r"(?ms)^(su .*?)^if ", script)
    assert owned
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        program = Path(folder) / "buildctl-daemonless.sh"
        program.write_text(RECORDER)
        program.chmod(0o755)
        text = start.replace(" -- user ", " -- nobody ").replace(program.name, str(program))
        flags = "--oci-worker-no-process-sandbox"
        env = {"PATH": os.environ["PATH"], "HOME": "/github/home", "BUILDKITD_FLAGS": flags}
        given = ["sh", "-euc", text, "sh", "--output=a 'b' $c", "--metadata-file=d"]
        done = subprocess.run(
            given,
            env={**env, "GITHUB_WORKSPACE": "/__w/a b"},
            capture_output=True,
            text=True,
            check=True,
        )
    user, told, *words = done.stdout.splitlines()
    assert user not in {"", "0"}
    assert told.endswith(f" {flags}")
    assert not told.startswith("/github/home")
    assert words == [
        "build",
        "--frontend=dockerfile.v0",
        "--local=context=/__w/a b/app",
        "--local=dockerfile=/__w/a b",
        "--opt=filename=Dockerfile",
        *given[4:],
    ]
