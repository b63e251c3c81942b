"""Problems in the formats that code scanning reads: SARIF 2.1.0, and Code Quality of GitLab."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

from ci_kaniko import __version__
from ci_kaniko.cli.wording import worded_all
from ci_kaniko.problems.catalogue import faults
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.repository.discovery import place_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko.problems.problem import Problem

FORMATS = ("sarif", "codequality")
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/ci-kaniko/ci-kaniko"


def report(problems: Sequence[Problem], form: str) -> str:
    """All problems in one of FORMATS, without a final newline; none are a report, too."""
    problems = worded_all(problems)
    made: Any = _sarif(problems) if form == "sarif" else _code_quality(problems)
    return json.dumps(made, ensure_ascii=False, indent=2)


def _sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    ids = sorted({problem.rule for problem in problems})
    driver = {
        "name": "ci-kaniko",
        "version": __version__,
        "informationUri": _HOME,
        "rules": [_rule(name) for name in ids],
    }
    marks = _fingerprints(problems)
    results = [
        _result(problem, ids.index(problem.rule), mark)
        for problem, mark in zip(problems, marks, strict=True)
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rule(name: str) -> dict[str, Any]:
    fault = faults().faults.get(name)
    if fault is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": fault.says},
        "help": {"text": fault.fix},
        "defaultConfiguration": {"level": fault.severity},
    }


def _result(problem: Problem, index: int, mark: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(_path(problem))}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": _text(problem)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"ciKaniko/v1": mark},
    }


def _code_quality(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    severities = {"error": "major", "warning": "minor"}
    return [
        {
            "description": _text(problem),
            "check_name": problem.rule,
            "fingerprint": mark,
            "severity": severities[problem.severity],
            "location": {"path": _path(problem), "lines": {"begin": problem.line or 1}},
        }
        for problem, mark in zip(problems, _fingerprints(problems), strict=True)
    ]


def _text(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


def _path(problem: Problem) -> str:
    """From the root of the repository, wherever the command runs."""
    return place_here(problem.path)


def _fingerprints(problems: Sequence[Problem]) -> list[str]:
    """What a problem is known by in the next run: not its line, which moves with each edit."""
    seen: dict[tuple[str, ...], int] = {}
    found = []
    for problem in problems:
        key = (problem.rule, _path(problem), problem.message)
        seen[key] = seen.get(key, 0) + 1
        text = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return found
