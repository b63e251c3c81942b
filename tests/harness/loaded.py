"""What a program has imported when it ends."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from harness.repository import Repository

COMMAND = "from ci_kaniko.cli.main import command; command()"
SEEN = {
    "ci_kaniko",
    "ci_kaniko.cli",
    "ci_kaniko.cli.main",
    "ci_kaniko.repository",
    "ci_kaniko.repository.discovery",
    "ci_kaniko.syncing",
    "ci_kaniko.syncing.memory",
}
"""All that is needed of ours to tell that nothing has changed."""

_PROGRAM = """
import sys
code = 0
try:
    exec(sys.argv.pop(1))
except SystemExit as stopped:
    code = stopped.code
print("loaded:", *sys.modules, file=sys.stderr)
sys.exit(code)
"""


def loaded(
    code: str,
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    statuses: Collection[int] = (0,),
) -> set[str]:
    """Every module that is loaded at the end, but for those that Python needs itself."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in statuses, done.stderr
    return {*done.stderr.splitlines()[-1].split()[1:]} - _of_python()


def imported(repository: Repository, *arguments: str, status: int = 0) -> set[str]:
    """Every module that a command has imported when it ends as it should."""
    return loaded(
        COMMAND,
        *arguments,
        folder=repository.folder,
        environment=repository.environment(),
        statuses=(status,),
    )


@functools.cache
def _of_python() -> frozenset[str]:
    """What an interpreter loads that does nothing."""
    code = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True
    )
    return frozenset(done.stdout.split())
