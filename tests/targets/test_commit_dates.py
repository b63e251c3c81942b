"""The commit's date: on GitLab in the zone of whoever committed, on Buildkite by the upload."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from harness import tools
from harness.cases import ROOT
from harness.repository import Repository, git
from harness.tools import shells

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_upload_says_on_buildkite_what_a_job_cannot_know(tmp_path: Path) -> None:
    """The line of the page, in a checkout; what it gives reaches the executor."""
    page = (ROOT / "docs" / "reusable.md").read_text("utf-8")
    (command,) = re.findall(r"INPUT_COMMITTED=\$\((TZ=UTC git show .*?)\)`", page)
    made = Repository(tmp_path)
    git(made.folder, "init", "-q")
    dates = {"GIT_COMMITTER_DATE": "2026-01-02T05:04:05+02:00", "PATH": os.environ["PATH"]}
    script = f"git -c user.name=a -c user.email=a@b commit -qm a --allow-empty && {command}"
    done = subprocess.run(
        [*tools.shell(), "-c", script],
        cwd=made.folder,
        env=dates,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "20260102030405\n"
    spec = ci_kaniko.loads(
        "default_branch: main\ndestinations: ['ghcr.io/acme/shop:${input.committed}']\n"
        "registries: {ghcr.io: {username: bot, password: TOKEN}}\n"
        "inputs: {committed: {description: in UTC}}\n"
        "buildkite: {form: steps, key: 'shop-${input.committed}'}\n"
    )
    values = {"input.committed": done.stdout.strip()}
    (job, *_) = ci_kaniko.rehearse(spec, "buildkite", values=values).jobs
    assert job.recorded
    assert "--destination=ghcr.io/acme/shop:20260102030405" in (job.recorded.argv or ())
