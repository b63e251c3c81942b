"""What a file may cost that was written to cost much: one second of CPU, 200 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from ci_kaniko import import_files

if TYPE_CHECKING:
    from collections.abc import Callable

CALL = "/kaniko/executor --context . --destination=x/y:1"
SIZE = 100 * 1024
LINES = 20_000
"""Longer scripts are not followed at all."""


def filled(line: Callable[[int], str], *, head: str = "", tail: str = CALL) -> str:
    """As many lines as a file may have."""
    lines: list[str] = []
    left = LINES - len(head) - len(tail)
    while (left := left - len(line(len(lines))) - 1) > 0:
        lines.append(line(len(lines)))
    return "\n".join([head, *lines, tail])


def nested(head: str, tail: str, times: int) -> str:
    """A command within commands."""
    return head * times + "a" + tail * times + "\n" + CALL


SCRIPTS = {
    "commands": filled(lambda _: "a"),
    "all of it": "a\n" * 50_000 + CALL,
    "ifs": filled(lambda n: f'if [ "$X{n}" = 1 ]; then A{n}=$A{n}x; fi'),
    "exits": filled(lambda n: f'[ "$X{n}" = 1 ] || exit 1'),
    "ifs on one variable": filled(lambda n: f'[ "$X" = {n} ] && A=$A{n}'),
    "patterns": filled(lambda n: f"case $X in *{n}*{n}*{n}*) A=$A$B{n};; esac"),
    "flags": filled(lambda n: f'[ "$X{n}" ] && A="$A --build-arg=A{n}"', tail=f"{CALL} $A"),
    "lists": filled(lambda n: f'[ "$X{n}" ] && set -- "$@" {n}', tail=f'{CALL} "$@"'),
    "doubled": filled(lambda _: "A=$A$A", head="A=aaaaaaaaaa", tail=f"{CALL} --label=a=$A"),
    "doubled list": filled(lambda _: 'set -- "$@" "$@"', head="set -- a b", tail=f'{CALL} "$@"'),
    "cases": filled(lambda n: f"case $A{n} in x) B=$B{n};; y) B=$B;; *) B=z$B;; esac"),
    "nested cases": nested("case $A in x) ", ";; esac", 150),
    "nested ifs": nested("if a; then ", "; fi", 300),
    "nested ifs of one variable": nested('if [ "$A" ]; then A=b; ', "; else A=c; fi", 60),
    "nested brackets": nested("(", ")", 2000),
    "nested substitutions": nested("$(echo ", ")", 60),
    "functions": "\n".join(
        ["f0() { " + CALL + "; }", *(f"f{n + 1}() {{ f{n}; f{n}; }}" for n in range(25)), "f25"]
    ),
    "loops": "for a in 1 2 3 4 5 6 7 8 9; do " * 8 + CALL + "; done" * 8,
    "evals": filled(lambda n: f"eval 'A{n}=$A'"),
    "options in variables": "\n".join(
        [
            *(f'X{n}="${{IN_{n}:+--build-arg=B{n}=$IN_{n}}}"' for n in range(12)),
            f'eval "{CALL} ' + " ".join(f"$X{n}" for n in range(12)) + '"',
        ]
    ),
    "braces": f"{CALL} --label=a=" + "{a,b}" * 60,
    "long word": f"{CALL} --label=a=" + "a" * (SIZE - 100),
    "long expansion": f"A={'a' * 30_000}\n" + "B=${A%%*a*a*a*b}\n" * 100 + CALL,
    "grep": f"A={'a' * 40}\n" + 'echo "$A" | grep -qE "(a+)+b" && exit\n' * 50 + CALL,
    "sed": 'A=$(echo "$X" | sed "s/\\(a*\\)*\\(.*\\)*\\(.*\\)*b/c/")\n' * 50
    + f"{CALL} --label=a=$A",
    "grown by sed": "A=a\n" + 'A=$(echo "$A" | sed s/a/aaaa/g)\n' * 50 + CALL,
    "printf": f"A=$(printf %0999999999d 1)\n{CALL} --label=a=$A",
    "quotes": f"{CALL} " + "''" * 40_000,
    "here-documents": filled(lambda n: f"cat <<EOF > f{n}\n$A{n}\nEOF"),
    "pipes": "a | " * 3_000 + "cat\n" + CALL,
    "and": "a && " * 3_000 + CALL,
}
RULES = {
    "brackets": "(" * 40_000 + "$A" + ")" * 40_000,
    "not": "!" * 50_000 + "$A",
    "regex": "$CI_COMMIT_BRANCH =~ /" + "(a|b)" * 3_000 + "/",
    "regex with bars": "$CI_COMMIT_BRANCH =~ /" + "|".join(f"x{n}" for n in range(9_000)) + "/",
    "or": " || ".join(f'$CI_COMMIT_BRANCH == "x{n}"' for n in range(2_000)),
    "and": " && ".join(f"$X{n}" for n in range(8_000)),
}


def run(number: int) -> str:
    """One of many builds, with options that no executor knows."""
    return f"{CALL}{number} --snapshot-mode=x{number} --target=''"


JOB = {"image": "gcr.io/kaniko-project/executor:debug"}
MANY = {
    "calls.sh": "\n".join(run(n) for n in range(1_000)),
    "destinations.sh": f"#!/bin/sh\n{CALL}" + "".join(f" -d=x/Y:{3_000 - n}" for n in range(3_000)),
    "calls.gitlab-ci.yml": json.dumps({f"j{n}": {**JOB, "script": [run(n)]} for n in range(600)}),
    "calls.yml": json.dumps({"steps": [{"command": run(n)} for n in range(900)]}),
    "calls.groovy": "pipeline { stages {\n"
    + "\n".join(f"stage('b{n}') {{ steps {{ sh '{CALL}{n}' }} }}" for n in range(1_000))
    + "\n} }",
    "pods.yml": "\n---\n".join(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"p{n}"},
                "spec": {"containers": [{"name": "k", **JOB, "args": run(n).split()[1:]}]},
            }
        )
        for n in range(390)
    ),
}
"""Files with very many builds: those that are not followed have a line of the report."""
MEASURE = """
import gc, json, os, sys, time
gc.disable()  # as the command does
from ci_kaniko.importing.pipelines import read_all
from ci_kaniko.problems.problem import SpecError

files = json.load(sys.stdin)
read_all([("ci.sh", "/kaniko/executor --destination=x/y:1")], None)

def pace():
    start = time.process_time()
    for number in range(1000):
        json.loads(json.dumps({"a": [number, str(number)]}))
    return time.process_time() - start

for name, text in files.items():
    slow = min(pace() for _ in range(3)) / 0.004
    child = os.fork()
    if not child:
        try:
            answer = read_all([(name, text)], None).spec_text
        except SpecError as error:
            answer = str(error)
        print(json.dumps([name, answer[-2000:]]), flush=True)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    seconds = (used.ru_utime + used.ru_stime) / max(1, slow)
    print(json.dumps([status, seconds, used.ru_maxrss / 1024]), flush=True)
"""


def measured(files: dict[str, str]) -> tuple[dict[str, str], dict[str, list[float]]]:
    """What import answers for each file, and what that costs."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input=json.dumps(files),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    answers = dict(lines[::2])
    return answers, dict(zip(answers, lines[1::2], strict=True))


def test_no_file_costs_more_than_a_second_and_200_megabytes() -> None:
    """Seconds of a machine that has its usual pace: others work beside us."""
    files = {f"{name}.sh": text for name, text in SCRIPTS.items()}
    for name, rule in RULES.items():
        job = {**JOB, "script": [CALL], "rules": [{"if": rule}]}
        files[f"{name}.gitlab-ci.yml"] = json.dumps({"a": job})
    files.update(MANY)
    assert all(len(text) <= SIZE + 1024 for text in files.values())
    answers, costs = measured(files)
    assert answers.keys() == files.keys()
    # What others do beside us only adds: a file is too dear that is so each time.
    for _ in range(3):
        dear = [name for name, cost in costs.items() if cost[1] > 1 or cost[2] > 200]
        costs = measured({name: files[name] for name in dear})[1] if dear else {}
    assert costs == {}
    carried = {name for name, answer in answers.items() if "x/y:1" in answer}
    refused = {name for name, answer in answers.items() if "followed [bad-shell]" in answer}
    deep = {name for name, answer in answers.items() if "deeply [bad-shell]" in answer}
    assert carried | refused | deep == files.keys()
    assert {f"{name}.gitlab-ci.yml" for name in RULES} | MANY.keys() <= carried
    assert {"cases.sh", "flags.sh", "options in variables.sh", "sed.sh", "grep.sh"} <= carried


def test_calls_that_are_not_followed_are_told_and_the_others_carried() -> None:
    jobs = {f"j{n}": {**JOB, "script": [f"{CALL}{n}"]} for n in range(110)}
    one = import_files([("calls.sh", "\n".join(f"{CALL}{n} --target=a{n}" for n in range(105)))])
    many = import_files([("calls.gitlab-ci.yml", json.dumps(jobs, indent=1))])
    for found, rule, left in ((one, "too-many-calls", 5), (many, "bad-shell", 10)):
        told = {entry.line for entry in found.report if entry.rule == rule}
        assert len(told) == left
        assert len(found.spec.images or ()) == 100


def test_what_is_refused_in_one_of_many_images_leaves_the_image() -> None:
    lines = [f"{run(n).replace('x/y:', 'x/y')}:1 --compression-level=a" for n in range(90)]
    found = import_files([("calls.sh", "\n".join(lines))])
    assert len(found.spec.images or ()) == 90
    assert len([entry for entry in found.report if "snapshot_mode: " in entry.message]) == 90
