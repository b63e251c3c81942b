"""What a file costs that was written to cost much: a second of CPU at most, and 200 MB."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
from typing import IO

from harness.cases import ROOT

CALL = "/kaniko/executor --context . --destination=x/y:1"
SIZE = 100 * 1024
JOB = {"image": "gcr.io/kaniko-project/executor:debug"}
MEASURE = """
import gc, json, os, resource, sys
gc.disable()  # as the command does
from ci_kaniko.importing.pipelines import read_all
from ci_kaniko.problems.problem import SpecError
from harness.pace import slowness

read_all([("ci.sh", "/kaniko/executor --destination=x/y:1")], None)

for line in sys.stdin:
    name, text = json.loads(line)
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        try:
            answer = read_all([(name, text)], None).spec_text
        except SpecError as error:
            answer = str(error)
        print(json.dumps([name, answer[-2000:]]), flush=True)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    if status:
        print(json.dumps([name, "ended before it answered"]))
    seconds = used.ru_utime + used.ru_stime
    seconds = seconds if seconds < 1 else seconds / slowness()
    print(json.dumps([status, seconds, used.ru_maxrss / 1024]), flush=True)
"""


def measured(files: dict[str, str]) -> tuple[dict[str, str], dict[str, list[float]]]:
    """What import answers for each file, and what that costs."""
    answers, costs = {}, {}
    for name, text in files.items():
        ask, told = _measurer()
        ask.write(json.dumps([name, text]) + "\n")
        ask.flush()
        answers[name] = json.loads(told.readline())[1]
        costs[name] = json.loads(told.readline())
    return answers, costs


@functools.cache
def _measurer() -> tuple[IO[str], IO[str]]:
    """A process that has imported what reads, of which each reading is a fork."""
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURE],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    atexit.register(process.communicate)
    return process.stdin, process.stdout


def _dear(costs: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: cost for name, cost in costs.items() if cost[1] > 1 or cost[2] > 200}


def affordable(files: dict[str, str]) -> dict[str, str]:
    """What import answers for each of the files, none of which is too dear.

    Seconds of a machine that has its usual pace: others work beside us.
    """
    assert all(len(text) <= SIZE + 1024 for text in files.values())
    answers, costs = measured(files)
    assert answers.keys() == files.keys()
    # What others do beside us only adds: a file is too dear that is so each time.
    for _ in range(3):
        costs = _dear(costs) and measured({name: files[name] for name in _dear(costs)})[1]
    assert not _dear(costs), costs
    return answers
