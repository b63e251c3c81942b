"""Values that a local git checkout knows."""

from __future__ import annotations

import os
import subprocess

from ci_kaniko.text.patterns import pattern

_SSH = pattern(r"ssh://(?:[^@/\s]+@)?([^:/\s]+)(?::\d+)?/(\S.*)")
_SCP = pattern(r"(?![A-Za-z]:)(?:[^@:/\s]+@)?([^@:/\[\s]+):(?!//)(\S.*)")

_COMMITTED = ("show", "-s", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd")


def values(folder: str = ".") -> dict[str, str]:
    """Portable variables of the commit that is checked out in ``folder``; {} outside of git.

    The branch is the one that HEAD names; a detached HEAD on a tag is that tag.
    """
    found = {
        "commit.sha": _git(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
        "commit.timestamp": _git(folder, *_COMMITTED),
    }
    branch = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    if branch:
        found["branch"] = branch
    else:
        found["tag"] = _git(folder, "describe", "--tags", "--exact-match")
    url = https_url(_git(folder, "remote", "get-url", "origin"))
    if url:
        found["repository.url"] = url
    head = _git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if head:
        found["default_branch"] = head.removeprefix("origin/")
    return {name: value for name, value in found.items() if value}


def https_url(remote: str) -> str:
    """The https page of a git remote, without user and ``.git``; empty when there is none.

    >>> https_url("git@github.com:acme/shop.git"), https_url("https://me:pw@gitlab.com/a/b.git")
    ('https://github.com/acme/shop', 'https://gitlab.com/a/b')
    """
    path = remote.strip().removesuffix("/").removesuffix(".git")
    if path.startswith(("https://", "http://")):
        host, _, rest = path.partition("://")[2].partition("/")
        return f"https://{host.rpartition('@')[2]}/{rest}" if rest else ""
    match = (_SSH if "://" in path else _SCP).fullmatch(path)
    return f"https://{match[1]}/{match[2].lstrip('/')}" if match else ""


def has_branch(folder: str, name: str) -> bool:
    """Whether the checkout in ``folder`` knows a branch, its own or of ``origin``."""
    refs = (f"refs/heads/{name}", f"refs/remotes/origin/{name}")
    return any(_git(folder, "rev-parse", "--verify", "--quiet", ref) for ref in refs)


def _git(folder: str, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", folder, *arguments],  # noqa: S607
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=10,
            env={**os.environ, "TZ": "UTC"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
