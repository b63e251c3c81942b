"""What each kill of a sync leaves, by a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from harness.cases import ROOT
from harness.repository import PACKAGE


def killed(prepare: str, variant: str) -> dict[str, Any]:
    """What ``harness/kill.py`` prints of a state and of a way to be killed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/harness/kill.py"), prepare, variant],
        env={**os.environ, "PYTHONPATH": PACKAGE},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert len(found["seen"]) > 20
    assert found["seen"][-1]["status"] == 0
    assert all(seen["status"] for seen in found["seen"][:-1])
    return found
