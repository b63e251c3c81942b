"""How a login is written in a script."""

from __future__ import annotations

ENTRY = """'"%s":{"auth":"%s"}'"""
ENCODED = """printf '%s:%s' "$2" "$3" | base64 | tr -d '\\n'"""


def path_in(folder: str, name: str) -> str:
    return f'"{folder}/{name}"' if "$" in folder else f"{folder}/{name}"
