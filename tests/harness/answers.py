"""What shfmt answers, kept for the other tests of a run, for its other workers and the next run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ci_kaniko.importing.shell import parsing
from harness import shared

if TYPE_CHECKING:
    import pytest

_MOST = 10_000


def lasting(cache: pytest.Cache) -> str:
    """A folder for the next run as well, as long as the same shfmt is asked in the same way.

    Raises ShellError where there is none.
    """
    asked = hashlib.sha256()
    for path in (parsing.__file__, parsing._program()):
        asked.update(Path(path).read_bytes())
    folder = cache.mkdir("shfmt") / asked.hexdigest()
    for other in folder.parent.iterdir():
        if other != folder or len(os.listdir(other)) > _MOST:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    return str(folder)


class _RefusedError(Exception):
    """What is no script has no answer that could be kept."""


def keep(folder: str) -> None:
    """Start shfmt once for each script that it takes. One that it refuses is asked again."""
    ask = parsing._answer

    def answer(text: bytes) -> subprocess.CompletedProcess[bytes]:
        def made() -> bytes:
            done = ask(text)
            if done.returncode:
                raise _RefusedError(done)
            return zlib.compress(done.stdout, 1)  # a tree is long

        try:
            tree = zlib.decompress(shared.kept(folder, text, made))
        except _RefusedError as error:
            refused: subprocess.CompletedProcess[bytes] = error.args[0]
            return refused
        return subprocess.CompletedProcess("shfmt", 0, tree, b"")

    parsing._answer = answer
