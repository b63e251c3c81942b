"""What each kill of a sync leaves, by a process of its own."""

from __future__ import annotations

import json
import os
from typing import Any

from harness import forked
from harness.cases import ROOT


def killed(prepare: str, variant: str) -> dict[str, Any]:
    """What ``harness/kill.py`` prints of a state and of a way to be killed."""
    code = "from harness.kill import main; main()"
    tests = {"PYTHONPATH": str(ROOT / "tests")}
    done = forked.run(prepare, variant, code=code, environment={**os.environ, **tests})
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    assert len(found["seen"]) > 15
    assert found["seen"][-1]["status"] == 0
    assert all(seen["status"] for seen in found["seen"][:-1])
    return found
