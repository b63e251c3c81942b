"""The commit's date on GitLab, which tells its time in the zone of whoever committed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from harness.tools import shells

TIMES = {
    "2026-01-02T03:04:05Z": "20260102030405",
    "2026-01-02T03:04:05+00:00": "20260102030405",
    "2026-01-01T23:30:00-05:30": "20260102050000",
    "2026-01-01T00:30:00+09:00": "20251231153000",
}
SPEC = 'push: never\nbuild_args: {DATE: "${commit.date}"}\n'


@pytest.mark.parametrize("shell", shells())
def test_a_date_is_in_utc(shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    pipeline = yaml11.load(ci_kaniko.render(ci_kaniko.loads(SPEC), "gitlab"))
    (script,) = pipeline["build-image"]["script"]
    lines = [line for line in script.splitlines() if not line.startswith(("chmod", "mkdir"))]
    head = "\n".join(lines[: next(i for i, line in enumerate(lines) if "/kaniko/executor" in line)])
    for time, date in TIMES.items():
        command = [found, *(["sh"] if shell == "busybox" else []), "-c"]
        environment = {"PATH": "/usr/bin:/bin", "CI_COMMIT_TIMESTAMP": time, "CI_PROJECT_DIR": "/"}
        done = subprocess.run(
            [*command, f'{head}\nprintf %s "$commit_date"'],
            env=environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        assert done.stdout == date
