"""The commit behind an action's version, as its repository tells it; git knows the proxies."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ci_kaniko.problems.problem import CannotPin
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 20
_LOGIN = pattern(r"(?<=://)[^/\s@]*@")
_LINE = pattern(r"([0-9a-f]{40})\t(\S+)")


class ActionError(CannotPin):
    """The commit of an action is not known; the message says why."""


def commit(action: str, environment: Mapping[str, str] = os.environ) -> str:
    """The commit of OWNER/NAME@VERSION: a tag's, else a branch's. Raises ActionError."""
    path, _, version = action.rpartition("@")
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    url = "/".join([server.rstrip("/"), *path.split("/")[:2]])
    # The commit of an annotated tag is what ^{} names, not the tag's own object.
    names = (f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}")
    known = _refs(url, names, environment)
    found = next((known[name] for name in names if name in known), None)
    if found is None:
        raise ActionError(f"{_shown(url)} has no tag and no branch {version}")
    return found


def _refs(url: str, names: tuple[str, ...], environment: Mapping[str, str]) -> dict[str, str]:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "ls-remote", "--", url, *names],  # noqa: S607
            capture_output=True,
            check=False,
            env={**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
        )
    except FileNotFoundError:
        raise ActionError(f"{_shown(url)} cannot be asked: git is not installed") from None
    except (OSError, subprocess.TimeoutExpired):
        raise ActionError(f"{_shown(url)} does not answer within {_SECONDS} seconds") from None
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["git ls-remote failed"]
        raise ActionError(f"{_shown(url)} cannot be reached: {_LOGIN.sub('', reason[0])}")
    return {match[2]: match[1] for match in map(_LINE.fullmatch, done.stdout.splitlines()) if match}


def _shown(url: str) -> str:
    """A repository without the login that its server may be named with."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
