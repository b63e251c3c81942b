"""How ci-kaniko came to where it runs, so that a hint names what works there."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution


def install(requirement: str) -> str:
    """The command that brings another release or an extra of ci-kaniko into this installation."""
    wanted = shlex.quote(requirement)
    if _holds("pipx_metadata.json"):
        return f"pipx install --force {wanted}"
    if _holds("uv-receipt.toml"):
        return f"uv tool install --force {wanted}"
    return f"uv pip install {wanted}" if _by_uv() else f"python3 -m pip install {wanted}"


def _holds(name: str) -> bool:
    """Whether the environment has a file that only one installer puts there."""
    return os.path.exists(os.path.join(sys.prefix, name))


def _by_uv() -> bool:
    """Whether uv has made this installation: its environments have no pip."""
    try:
        return (distribution("ci-kaniko").read_text("INSTALLER") or "").strip() == "uv"
    except PackageNotFoundError:
        return False
