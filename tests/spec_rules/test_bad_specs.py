"""Every rule has a bad spec with the exact text that a user reads, from Python and as a command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import ci_kaniko
from ci_kaniko.cli.commands import app
from ci_kaniko.cli.wording import worded_all
from ci_kaniko.problems.catalogue import groups, rules
from ci_kaniko.spec.placing import InvalidSpec
from harness.bad_specs import (
    FOLDER,
    Case,
    explained,
    first_of_each_rule,
    made,
    problems_of,
    rules_of,
    written,
)
from harness.checkout import lay_out
from harness.pace import within
from harness.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci_kaniko import Problem
    from ci_kaniko.spec.build import SpecFields

GROUPS, RULES = groups(), rules()
CASES = [*written(), *explained(), *made()]
SECRETS = re.compile(
    rb"hunter2|ter2|(?:ghp|npm)_0123|glpat-0123|AKIA0|MIIEo|BEGIN RSA|YWNtZT|a1b2c3d4|my password"
)
LEAKS = re.compile(
    r"Input should|validation error|function-|__root__|pydantic|Traceback|<class|object at 0x"
)


def read_of(case: Case) -> SpecFields | None:
    """The spec, or what can be read of it."""
    try:
        return ci_kaniko.loads(case.data)
    except InvalidSpec as invalid:
        return invalid.rest
    except ci_kaniko.SpecError:
        return None


def text_of(problems: Sequence[Problem]) -> str:
    return "\n\n".join(problem.explain() for problem in worded_all(problems)) + "\n"


def names_of(case: Case) -> str:
    return case.name


def command_of(case: Case) -> list[str]:
    settings = [word for name in case.values for word in ("--set", f"{name}={case.values[name]}")]
    command = ["render", case.target] if case.target else ["validate"]
    return [*command, "--spec", case.file_name, *settings]


@pytest.mark.parametrize("case", CASES, ids=names_of)
def test_what_python_says(case: Case, request: pytest.FixtureRequest) -> None:
    text = within(1, lambda: text_of(problems_of(case)))
    if request.config.getoption("--update-snapshots"):
        case.expected.write_bytes(text.encode())
    assert text == case.expected.read_bytes().decode()


@pytest.mark.parametrize("case", first_of_each_rule(CASES), ids=names_of)
def test_what_the_command_says(case: Case, tmp_path: Path) -> None:
    """What Python says; each rule in one case."""
    repository = Repository(tmp_path)
    repository.write(case.file_name, case.data)
    only_warnings = all(problem.severity == "warning" for problem in problems_of(case))
    if spec := read_of(case):
        lay_out(repository, spec)
    plain = repository.call(*command_of(case))
    assert plain.err == case.expected.read_bytes().decode()
    assert plain.code == (0 if only_warnings else 1)
    assert bool(plain.out) == only_warnings
    if only_warnings:
        strict = repository.call(*command_of(case), "--strict")
        assert (strict.code, strict.out) == (1, "")


def test_every_rule_has_a_bad_spec() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.errors.txt")]
    shown = {rule for text in texts for rule in rules_of(text)}
    # test_bases.py, test_unpushed.py, and in tests/project test_hosts.py and test_surroundings.py
    # have the others.
    beside = {*GROUPS["Outputs"], *GROUPS["The checkout"]} - {"unread-output"}
    beside |= {"unused-host", "unused-login", "push-only-login", "shared-login"}
    beside |= {"circular-extends", "locked-rule", "missing-base", "unpushed-image"}
    assert shown == set(RULES) - beside


def test_every_bad_spec_is_named_for_a_rule_it_breaks() -> None:
    free = {"alias-and-merge", "json", "twenty-problems", "written-secret-beside-others"}
    for case in CASES:
        shown = rules_of(case.expected.read_text(encoding="utf-8"))
        assert case.name in free or any(case.name.startswith(rule) for rule in shown), case.name


def test_no_expected_text_is_orphaned() -> None:
    expected = {case.expected.name for case in CASES}
    expected |= {f"{name}.errors.txt" for name in UNREADABLE}
    assert {path.name for path in FOLDER.glob("*.errors.txt")} == expected


def test_no_message_shows_a_secret_or_our_insides() -> None:
    for path in FOLDER.glob("*.errors.txt"):
        assert not SECRETS.search(path.read_bytes()), path.name
        assert not LEAKS.search(path.read_text(encoding="utf-8")), path.name


def test_problems_stand_in_file_order() -> None:
    for case in CASES:
        places = [(problem.line or 0, problem.column or 0) for problem in problems_of(case)]
        assert places == sorted(places), case.name


def replacement_of(problem: Problem) -> tuple[str, str] | None:
    """What to replace, and by what, when a hint says it in so many words."""
    column = problem.column or 1
    marked = problem.excerpt[column - 1 : column - 1 + problem.width]
    if problem.hint.startswith("write ") and not problem.hint.startswith("write what"):
        new = problem.hint.removeprefix("write ")
        is_text = problem.rule not in {"bad-boolean", "bad-integer", "wrong-type"}
        is_text = is_text and not new.startswith(("{", "["))
        quote = marked[0] if is_text and marked[:1] in {'"', "'"} else ""
        return marked, f"{quote}{new}{quote}"
    if found := re.match(r'did you mean (?:"(.+?)"|(\S+))\?', problem.hint):
        word = re.search(r'"(.+?)"', problem.message)
        new = found.group(1) or found.group(2)
        inside = word and not new.startswith("${")
        return marked, marked.replace(word.group(1), new) if word and inside else new
    return None


@pytest.mark.parametrize("case", CASES, ids=names_of)
def test_hints_that_name_a_replacement_work(case: Case) -> None:
    """Each ends its problem; followed one after the other they come to an end.

    What is left was there before, or says what to do about it.
    """
    first = problems_of(case)
    for problem in first:
        followed(case, problem)
    known = {(problem.rule, problem.message) for problem in first}
    steps = 0
    while step := next(filter(None, (followed(case, each) for each in problems_of(case))), None):
        case, steps = step, steps + 1
        assert steps < 50, "each hint leads to another one"
    for problem in problems_of(case) if steps else ():
        assert problem.hint or (problem.rule, problem.message) in known, problem.explain()


def followed(case: Case, problem: Problem) -> Case | None:
    """The spec without a problem, if its hint names what to write instead."""
    found = replacement_of(problem) if problem.where else None
    if not found:
        return None
    mended = case._replace(data=replaced(case.data, problem, *found))
    left = {(each.line, each.column, each.rule) for each in problems_of(mended)}
    assert (problem.line, problem.column, problem.rule) not in left, problem.hint
    return mended


def replaced(data: bytes, problem: Problem, old: str, new: str) -> bytes:
    lines = data.decode("utf-8-sig").splitlines()
    line, column = (problem.line or 1) - 1, (problem.column or 1) - 1
    assert lines[line].startswith(old, column)
    lines[line] = lines[line][:column] + new + lines[line][column + len(old) :]
    return "\n".join(lines).encode()


UNREADABLE = {"no-spec": "missing.yaml", "not-a-file": "folder.yaml", "unreadable": "closed.yaml"}


@pytest.mark.parametrize(("name", "file"), UNREADABLE.items(), ids=UNREADABLE)
def test_files_that_cannot_be_read(
    name: str, file: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "folder.yaml").mkdir()
        Path(folder, "closed.yaml").touch(mode=0)
        monkeypatch.chdir(folder)
        # Whoever owns the packages imports what the command needs: nobody may not even see them.
        CliRunner().invoke(app, ["validate", "-f", file])
        if user == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(ci_kaniko.SpecError) as raised:
                ci_kaniko.load(file)
            shown = CliRunner().invoke(app, ["validate", "-f", file])
        finally:
            os.seteuid(user)
        monkeypatch.undo()
    text = text_of(raised.value.problems)
    expected = FOLDER / f"{name}.errors.txt"
    if request.config.getoption("--update-snapshots"):
        expected.write_text(text, encoding="utf-8")
    assert text == shown.stderr == expected.read_text(encoding="utf-8")
    assert (shown.exit_code, shown.stdout) == (1, "")


def test_a_real_process_says_the_same(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "twenty-problems")
    (tmp_path / case.file_name).write_bytes(case.data)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = subprocess.run(
        [sys.executable, "-m", "ci_kaniko", *command_of(case)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == case.expected.read_text(encoding="utf-8")


def test_standard_input() -> None:
    shown = CliRunner().invoke(app, ["validate", "-f", "-"], input=b"contxt: .\npush: never\n")
    assert shown.stderr.splitlines()[0] == '<stdin>:1:1: unknown key "contxt" [unknown-key]'
    assert (shown.exit_code, shown.stdout) == (1, "")
    empty = CliRunner().invoke(app, ["validate", "-f", "-"], input=b"")
    assert empty.stderr.splitlines()[0] == "<stdin>:1:1: the spec is empty [empty-spec]"
    assert empty.exit_code == 1
