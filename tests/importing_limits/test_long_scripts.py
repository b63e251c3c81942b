"""What a script may cost that was written to cost much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.costs import CALL, JOB, SIZE, affordable

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "exits": filled(lambda n: f'[ "$X{n}" = 1 ] || exit 1'),
    "ifs on one variable": filled(lambda n: f'[ "$X" = {n} ] && A=$A{n}'),
    "flags": filled(lambda n: f'[ "$X{n}" ] && A="$A --build-arg=A{n}"', tail=f"{CALL} $A"),
    "lists": filled(lambda n: f'[ "$X{n}" ] && set -- "$@" {n}', tail=f'{CALL} "$@"'),
    "doubled": filled(
        lambda n: ("A=$A$A", 'set -- "$@" "$@"')[n % 2],
        head="A=aaaaaaaaaa; set -- a b",
        tail=f'{CALL} --label=a=$A "$@"',
    ),
    "cases": filled(lambda n: f"case $A{n} in x) B=$B{n};; y) B=$B;; *) B=z$B;; esac"),
    "nested cases": nested("case $A in x) ", ";; esac", 150),
    "nested ifs": nested("if a; then ", "; fi", 300),
    "ways": "if a; then b; " + "elif a; then b; " * 1_100 + "fi\n" + CALL,
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
    "variables": f"{CALL} " + "$" * 99_000,
    "here-documents": filled(lambda n: f"cat <<EOF > f{n}\n$A{n}\nEOF"),
    "pipes": "a | " * 3_000 + "cat\n" + CALL,
    "and": "a && " * 3_000 + CALL,
    "pushes": "buildah build -t x .\n" + "\n".join(f"buildah push x x/y:{n}" for n in range(1_500)),
}
RULES = {
    "brackets": "(" * 40_000 + "$A" + ")" * 40_000,
    "not": "!" * 50_000 + "$A",
    "regex": "$CI_COMMIT_BRANCH =~ /" + "(a|b)" * 3_000 + "/",
    "regex with bars": "$CI_COMMIT_BRANCH =~ /" + "|".join(f"x{n}" for n in range(9_000)) + "/",
    "or": " || ".join(f'$CI_COMMIT_BRANCH == "x{n}"' for n in range(2_000)),
    "and": " && ".join(f"$X{n}" for n in range(8_000)),
}


def test_no_script_costs_more_than_a_second_and_200_megabytes() -> None:
    files = {f"{name}.sh": text for name, text in SCRIPTS.items()}
    answers = affordable(files)
    carried = {name for name, answer in answers.items() if "x/y:1" in answer}
    refused = {name for name, answer in answers.items() if "followed [bad-shell]" in answer}
    deep = {name for name, answer in answers.items() if "deeply [bad-shell]" in answer}
    assert carried | refused | deep == files.keys()
    assert {"cases.sh", "flags.sh", "options in variables.sh", "sed.sh", "grep.sh"} <= carried


def test_no_rule_costs_more_than_a_second_and_200_megabytes() -> None:
    jobs = {
        name: {"a": {**JOB, "script": [CALL], "rules": [{"if": rule}]}}
        for name, rule in RULES.items()
    }
    files = {f"{name}.gitlab-ci.yml": json.dumps(job) for name, job in jobs.items()}
    assert all("x/y:1" in answer for answer in affordable(files).values())
