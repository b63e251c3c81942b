"""What git knows of a checkout's history."""

from __future__ import annotations

import subprocess

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import SelectionError


def commit_of(root: str, revision: str) -> str:
    """The commit that a revision names. Raises SelectionError."""
    name = f"{revision}^{{commit}}"
    found = None
    if not revision.startswith("-"):
        found = output(root, "rev-parse", "--verify", "--quiet", name)
    if found is None:
        raise SelectionError(f"git knows no commit {quoted(revision)} here{more_history(root)}")
    return found.strip()


def more_history(root: str) -> str:
    """What helps when history is missing."""
    if (output(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true":
        return ": the clone is shallow, so fetch more of it, such as git fetch --unshallow"
    return "; is it fetched?"


def git(root: str, *arguments: str, otherwise: str) -> str:
    """What git says; ``otherwise`` begins the message when it fails. Raises SelectionError."""
    done = _run(root, *arguments)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise SelectionError(f"{otherwise}: {said[0].removeprefix('fatal: ')}")
    return done.stdout


def output(root: str, *arguments: str) -> str | None:
    """What git says, None when it fails. Raises SelectionError without git."""
    done = _run(root, *arguments)
    return done.stdout if done.returncode == 0 else None


def _run(root: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603
            ["git", "-C", root, *arguments],  # noqa: S607
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            timeout=120,
        )
    except FileNotFoundError:
        raise SelectionError("this needs git, which is not installed here") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SelectionError(f"git does not answer: {error}") from error
