"""Values that a local git checkout knows."""

from __future__ import annotations

import os
import subprocess

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_SSH = pattern(r"ssh://(?:[^@/\s]+@)?([^:/\s]+)(?::\d+)?/(\S.*)")
_SCP = pattern(r"(?![A-Za-z]:)(?:[^@:/\s]+@)?([^@:/\[\s]+):(?!//)(\S.*)")

_AZURE = pattern(r"(?:ssh\.dev\.azure|vs-ssh\.visualstudio)\.com/v3/([^/]+)/([^/]+)/([^/]+)")
"""Azure has another host, and another path, for those who come by SSH."""

_COMMITTED = (
    "--no-show-signature",
    "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
    "--format=%H%n%cd",
)


def values(folder: str = ".") -> dict[str, str]:
    """Portable variables of the commit that is checked out in ``folder``; {} outside of git.

    The branch is the one that HEAD names; a detached HEAD on a tag is that tag.
    """
    sha, _, committed = _git(folder, "show", "-s", *_COMMITTED).partition("\n")
    head = branch(folder)
    if not sha and not head:
        return {}
    found = {"commit.sha": sha, "commit.timestamp": committed}
    if head:
        found["branch"] = head
    else:
        found["tag"] = _git(folder, "describe", "--tags", "--exact-match")
    found["repository.url"] = repository_url(folder)
    found["default_branch"] = default_branch(folder)
    return {name: value for name, value in found.items() if value}


def branch(folder: str) -> str:
    """The branch that HEAD names, whether or not it has a commit; empty without one."""
    return _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")


def default_branch(folder: str) -> str:
    """The branch that is the default one of ``origin``; empty where a clone has not noted it."""
    head = _git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return head.removeprefix("origin/")


def repository_url(folder: str) -> str:
    """The https page of ``origin``; empty when there is none."""
    return https_url(_git(folder, "remote", "get-url", "origin"))


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
    if not match:
        return ""
    host, place = match[1], match[2].lstrip("/")
    azure = _AZURE.fullmatch(f"{host}/{place}")
    if azure:
        owner, project, name = azure.groups()
        return f"https://dev.azure.com/{owner}/{project}/_git/{name}"
    return f"https://{host}/{place}"


def known_branches(folder: str, names: Sequence[str]) -> list[str]:
    """Which of some branches the checkout in ``folder`` knows, its own or of ``origin``."""
    places = ("refs/heads/", "refs/remotes/origin/")
    asked = [f"{place}{name}" for name in names for place in places]
    refs = _git(folder, "for-each-ref", "--format=%(refname)", *asked).split()
    return [name for name in names if any(f"{place}{name}" in refs for place in places)]


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
