"""What each kill of a sync leaves, by a process of its own."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
from typing import Any

from ci_kaniko.quick.choice import FORCED
from harness.cases import ROOT


@functools.cache
def _process() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", "from harness.kill import main; main()"],
        # One reader from the start: a command that changes it imports all modules anew.
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), FORCED: "small"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.__exit__, None, None, None)
    return process


def killed(prepare: str, variant: str) -> dict[str, Any]:
    """What ``harness/kill.py`` says of a state and of a way to be killed."""
    asked, answers = _process().stdin, _process().stdout
    assert asked
    assert answers
    asked.write(f"{json.dumps([prepare, variant])}\n")
    asked.flush()
    found: dict[str, Any] = json.loads(answers.readline())
    assert len(found["seen"]) > 15
    assert found["seen"][-1]["status"] == 0
    assert all(seen["status"] for seen in found["seen"][:-1])
    return found
