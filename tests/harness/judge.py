"""GitHub's own judgement: `@actions/workflow-parser` and `@actions/expressions`.

One node process for a whole test run: its start takes longer than a hundred answers.
"""

from __future__ import annotations

import atexit
import functools
import json
import re
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.rehearsing.expressions import Judge, Known, Refused, Value
from harness import tools

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = Path(__file__).with_name("judge.mjs")
_OPEN = ("secrets", "vars", "env", "steps")


class Workflow(NamedTuple):
    """What GitHub refuses, and the conditions of the jobs as it completes them."""

    errors: list[str]
    conditions: dict[str, str]


class _Judge:
    def __init__(self) -> None:
        node = tools.program("node")
        for package in ("workflow-parser", "expressions"):
            tools.module(f"@actions/{package}")
        command = [node, "--input-type=module", "--eval", _PROGRAM.read_text(encoding="utf-8")]
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            command,
            cwd=tools.MODULES.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        atexit.register(self.process.communicate)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin
        assert stdout
        with self.lock:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


_judge = functools.cache(_Judge)


@functools.cache
def workflow_of(text: str) -> Workflow:
    return Workflow(**_judge().ask({"kind": "workflow", "text": text}))


def calling(text: str, called: Mapping[str, str]) -> list[str]:
    """What GitHub has against a workflow beside those that it calls, by their paths."""
    request = {"kind": "workflow", "text": text, "called": dict(called)}
    errors: list[str] = _judge().ask(request)["errors"]
    return errors


def action(text: str) -> list[str]:
    """What GitHub has against the file of an action."""
    errors: list[str] = _judge().ask({"kind": "action", "text": text})["errors"]
    return errors


class _Official:
    def conditions(self, workflow: str) -> Mapping[str, str]:
        judged = workflow_of(workflow)
        if judged.errors:
            raise Refused("; ".join(judged.errors))
        return judged.conditions

    def evaluate(self, text: str, known: Known, statuses: Mapping[str, bool]) -> Value:
        asked = {name: value and name in text for name, value in statuses.items()}
        return _evaluated(text, _asked(text, known), tuple(asked.items()))


OFFICIAL: Judge = _Official()


_NAMES = re.compile(r"'(?:[^']|'')*'|([A-Za-z_][\w-]*(?:\.[\w-]+)*)(?![\w(-])")


def _asked(text: str, known: Known) -> tuple[tuple[str, str | bool | None], ...]:
    """What an expression reads of what is known; all of it where that is not plain to see."""
    names = {*filter(None, _NAMES.findall(text))} - {"true", "false", "null"}
    if "[" in text or "*" in text or not names <= known.keys():
        return tuple(known.items())
    return tuple((name, known[name]) for name in sorted(names))


@functools.cache
def _evaluated(
    text: str,
    known: tuple[tuple[str, str | bool | None], ...],
    statuses: tuple[tuple[str, bool], ...],
) -> Value:
    request = {"context": _context(dict(known)), "statuses": dict(statuses)}
    answer = _judge().ask({"kind": "expression", "text": text, **request})
    if "errors" in answer:
        raise Refused(f"{text}: {answer['errors'][0]}")
    return Value(**answer)


def _context(known: Known) -> dict[str, Any]:
    context: dict[str, Any] = {name: {} for name in _OPEN}
    for path, value in known.items():
        *folders, name = path.split(".")
        place = context
        for folder in folders:
            place = place.setdefault(folder, {})
        absent = value == "" and path.startswith("github.event.")
        place[name] = None if absent else value
    return context
