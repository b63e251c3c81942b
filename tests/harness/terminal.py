"""What a person would see."""

from __future__ import annotations

import os


def everything(shown: int) -> bytes:
    """What comes out of a terminal or a pipe until its other end is closed."""
    out = b""
    while True:
        try:
            piece = os.read(shown, 4096)
        except OSError:  # Linux says so when the other end of a terminal is closed
            break
        if not piece:
            break
        out += piece
    os.close(shown)
    return out
