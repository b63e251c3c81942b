"""How large a file may be that is imported, wherever it comes from."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from ci_kaniko import SpecError
from ci_kaniko.importing.originals import opened
from ci_kaniko.importing.ticked import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIVEN: dict[str, Callable[[bytes], str | bytes]] = {"text": bytes.decode, "bytes": bytes}


@pytest.mark.parametrize("kind", [*GIVEN, "file"])
def test_a_file_of_the_limit_is_read_and_no_larger_one(kind: str, tmp_path: Path) -> None:
    def read(data: bytes) -> str:
        if kind in GIVEN:
            return opened(("a.yml", GIVEN[kind](data))).text
        (tmp_path / "a.yml").write_bytes(data)
        return opened(tmp_path / "a.yml").text

    most = "ü".encode() * (MAX_BYTES // 2)
    assert read(most) == most.decode()
    with pytest.raises(SpecError) as error:
        read(most + b"a")
    assert [problem.rule for problem in error.value.problems] == ["too-large"]


def test_what_has_no_end_is_not_read_to_the_end(tmp_path: Path) -> None:
    path, taken = tmp_path / "pipe", 0
    os.mkfifo(path)

    def fill() -> None:
        nonlocal taken
        with open(path, "wb", buffering=0) as pipe:
            try:
                while taken < 4 * MAX_BYTES:
                    taken += pipe.write(b"#" * 65536)
            except BrokenPipeError:
                pass

    writer = threading.Thread(target=fill, daemon=True)
    writer.start()
    with pytest.raises(SpecError) as error:
        opened(path)
    writer.join()
    assert [problem.rule for problem in error.value.problems] == ["too-large"]
    assert taken < 2 * MAX_BYTES
