"""Specs read by pydantic and by the small reader: what the command line says of them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from ci_kaniko.quick.choice import FORCED
from ci_kaniko.rehearsing import yaml11
from harness import bad_specs
from harness.cases import CASES, PIPELINE_CASES, ROOT, spec_path
from harness.runs import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PROGRAM = """
import gc, io, json, sys, traceback
from ci_kaniko.cli.main import run
spoken = sys.stdout
def said(words):
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in "oe")
    code = 0
    try:
        run(words)
    except SystemExit as stopped:
        code = stopped.code
    except Exception:
        code, _ = 3, traceback.print_exc()
    texts = []
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    sys.stdout, sys.stderr = spoken, sys.__stderr__
    return [code, *texts]
for text, *commands in json.load(sys.stdin):
    with open("ci-kaniko.yaml", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    print(json.dumps([said(words) for words in commands]))
    gc.collect(0)
print(json.dumps("pydantic" in sys.modules))
"""
"""A program that tells of each spec what some commands say of it, and which reader it had."""

_VALUES: tuple[Any, ...] = (
    *(None, "", " ", "~", True, False, 0, -1, 3, 1.5, "x", "true", "a b", "${commit.sha}", "${no}"),
    *("$HOME", "é", "../..", "a/b:1", "oci", "ci-token", "ambient", "always", "tag", "x" * 300),
    *([], {}, [[]], [None], [{}], {"a": None}, {"a": {"b": "c"}}, ["a", "a"], [1, True, "b"]),
    *(
        {"secret": "NAME"},
        {"username": "u", "password": "P"},
        {"oci": True},
        {"tag": ["v*", "!v0*"]},
    ),
)


def told(requests: list[list[Any]], reader: str, folder: Path) -> list[Any]:
    """What each command of a request says of its text, by one of the readers."""
    place = folder / reader / "repository"
    (place / ".git").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(requests),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path]),
            FORCED: reader,
        },
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    *answers, with_pydantic = map(json.loads, done.stdout.splitlines())
    assert with_pydantic == (reader == "pydantic")
    return answers


def bad() -> Iterator[list[Any]]:
    """A spec that each rule refuses."""
    every = (*bad_specs.written(), *bad_specs.explained())
    for case in bad_specs.first_of_each_rule(every):
        try:
            yield [case.data.decode(), ["render", case.target or "gitlab"]]
        except UnicodeDecodeError:
            continue


def mutated(count: int) -> Iterator[list[Any]]:
    """Specs of the corpus in which something was changed at random, alike in every run."""
    texts = [spec_path(case).read_text(encoding="utf-8") for case in (*CASES, *PIPELINE_CASES)]
    good = [read for text in texts if (read := _data(text))]
    texts += [case.data.decode("utf-8", "replace") for case in bad_specs.written()]
    known = [read for text in texts if isinstance(read := _data(text), dict)]
    for number in range(count):
        dice = random.Random(number)  # noqa: S311 - nothing depends on who guesses it
        target = dice.choice(TARGETS)
        commands = [["validate", "--format", "json"], ["render", target]]
        if number % 8 == 0:
            yield [_scratched(dice.choice(texts), dice), *commands]
            continue
        if number % 2:
            data = dict(dice.choice(good))
            data.update(dice.sample([*dice.choice(good).items()], 1))
            commands += [["preview", target], ["setup", target]]
        else:
            data = json.loads(json.dumps(dice.choice(known)))
            for _ in range(dice.choice((1, 1, 2, 5))):
                _change(data, known, dice)
        yield [yaml.safe_dump(data, sort_keys=False, allow_unicode=True), *commands]


def _data(text: str) -> Any:
    try:
        data = yaml11.load(text)
        json.dumps(data)
    except (yaml.YAMLError, TypeError, ValueError):
        return None
    return data


def _scratched(text: str, dice: random.Random) -> str:
    """A text with a line less, or some characters that are others."""
    lines = text.splitlines(keepends=True) or [""]
    at = dice.randrange(len(lines))
    found: dict[int, Callable[[str], str]] = {
        0: lambda _: "",
        1: lambda line: line * 2,
        2: lambda line: line.replace(":", "", 1),
        3: lambda line: f"  {line}",
        4: lambda line: line.lstrip(),
        5: lambda line: "".join(dice.sample(line, len(line))),
    }
    lines[at] = found[dice.randrange(len(found))](lines[at])
    return "".join(lines)


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Every collection in the data with each of its keys."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    pairs = [(data, key) for key, _ in items] if isinstance(data, dict | list) else []
    below = [data[key] for _, key in pairs if isinstance(data[key], dict | list)]
    return [*pairs, *(place for each in below for place in _places(each))]


def _change(data: Any, known: list[Any], dice: random.Random) -> None:
    owner, key = dice.choice(_places(data) or [(data, "context")])
    others = _places(dice.choice(known))
    other, other_key = dice.choice(others) if others else ({"a": "b"}, "a")
    change = dice.randrange(7)
    if change == 0:
        owner[key] = dice.choice(_VALUES)
    elif change == 1:
        owner.pop(key, None) if isinstance(owner, dict) else owner.pop(key)
    elif change == 2 and isinstance(owner, dict):
        owner[dice.choice((f"{key}s", str(key)[:-1], str(key).upper(), "", "x-y", "name"))] = (
            owner.pop(key, None)
        )
    elif change == 3 and key in (owner if isinstance(owner, dict) else range(len(owner))):
        owner[key] = [owner[key]]
    elif change == 4 and isinstance(owner, dict):
        owner[str(other_key)] = other[other_key]
    elif change == 5:
        owner[key] = other[other_key]
    else:
        data[str(other_key)] = other[other_key]
