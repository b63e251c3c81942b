"""Every rule has an example: what is said of it names the rule, and the fix leaves nothing."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ci_kaniko.cli.commands import app
from ci_kaniko.cli.knowledge import explain
from ci_kaniko.cli.lesson import lesson, problems_in
from ci_kaniko.cli.shared import Misuse
from ci_kaniko.problems.catalogue import Rule, faults, groups, rules
from ci_kaniko.problems.severities import CHANGEABLE
from harness.bad_specs import FOLDER
from harness.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

RULES = rules()
SPECS = [rule for rule in RULES.values() if not rule.situation and not rule.files]
CHECKOUTS = [rule for rule in RULES.values() if rule.files]
SITUATIONS = [rule for rule in RULES.values() if rule.situation]


def name_of(rule: Rule) -> str:
    return rule.id


def test_every_rule_has_an_example_and_a_way_out() -> None:
    assert len(SPECS) + len(CHECKOUTS) + len(SITUATIONS) == len(RULES)
    assert sum(map(len, groups().values())) == len(RULES)
    for rule in RULES.values():
        assert rule.says.endswith("."), rule.id
        assert rule.why.endswith("."), rule.id
        assert rule.fix is not None or rule.fixed_files or rule.remedy.endswith("."), rule.id


@pytest.mark.parametrize("rule", SPECS, ids=name_of)
def test_an_example_breaks_its_rule_and_no_other(rule: Rule) -> None:
    assert {problem.rule for problem in problems_in(rule.bad, rule)} == {rule.id}


@pytest.mark.parametrize("rule", [rule for rule in SPECS if rule.fix is not None], ids=name_of)
def test_a_fix_leaves_no_problem(rule: Rule) -> None:
    assert rule.fix != rule.bad
    assert [problem.explain() for problem in problems_in(rule.fix or "", rule)] == []


@pytest.mark.parametrize("rule", [rule for rule in SPECS if rule.fix is not None], ids=name_of)
def test_a_fix_changes_only_what_is_spoken_of(rule: Rule) -> None:
    """The line of a problem, or one with a field or another word of what is said."""
    problems = problems_in(rule.bad, rule)
    said = " ".join(f"{each.message} {each.hint} {each.where}" for each in problems)
    words = {word for word in re.split(r"[\s/,{}]+", said) if len(word) >= 7}
    old, new = rule.bad.splitlines(), (rule.fix or "").splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, start, end, *other in matcher.get_opcodes():
        changed = [*old[start:end], *new[slice(*other)]] if kind != "equal" else []
        fields = {found[1] for line in changed if (found := re.match(r'[ "\'-]*([\w-]+)', line))}
        spoken = fields & {*re.findall(r"[\w-]+", said)} or any(
            word in line for word in words for line in changed
        )
        at_its_line = any(start < (each.line or 0) <= end for each in problems)
        assert not changed or spoken or at_its_line, changed


@pytest.mark.parametrize("rule", CHECKOUTS, ids=name_of)
def test_an_example_in_a_checkout(rule: Rule, tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("ci-kaniko.yaml", rule.bad)
    for path, text in rule.files.items():
        repository.write(path, text)
    assert rule.message in repository.call(rule.command).err
    if rule.fix is not None or rule.fixed_files:
        repository.write("ci-kaniko.yaml", rule.fix or rule.bad)
        for path, text in rule.fixed_files.items():
            repository.write(path, text)
        assert "[" not in repository.call(rule.command).err
    else:
        (words,) = re.findall(r"`ci-kaniko (sync[^`]*)`", rule.remedy)
        assert repository.call(*words.split()).code == 0
        assert repository.call(rule.command) == (0, "", "")


@pytest.mark.parametrize("rule", SITUATIONS, ids=name_of)
def test_the_message_of_a_situation_is_one_that_is_said(rule: Rule) -> None:
    said = (FOLDER / f"{rule.id}.errors.txt").read_text(encoding="utf-8")
    assert rule.message == said


@pytest.mark.parametrize("rule", RULES.values(), ids=name_of)
def test_explain_shows_a_rule(rule: Rule) -> None:
    text = lesson(rule)
    assert text.startswith(f"{rule.id}: ")
    assert f"[{rule.id}]" in text
    assert ("rules: makes it" in " ".join(text.split())) == (rule.id in CHANGEABLE)
    assert "npm_0123" not in text
    assert all(ord(character) >= 32 or character == "\n" for character in text)


def test_the_command() -> None:
    shown = CliRunner().invoke(app, ["explain", "bad-glob"])
    assert (shown.exit_code, shown.stdout) == (0, lesson(RULES["bad-glob"]))
    listed = CliRunner().invoke(app, ["explain"]).stdout
    assert re.findall(r"(?m)^  (\S+)$", listed) == [*RULES, *faults().faults]
    assert re.findall(r"(?m)^(\S.*):$", listed) == [*groups(), faults().title]
    both = CliRunner().invoke(app, ["explain", "set-output", "bad-glob"]).stdout
    assert "[set-output]" in both
    assert lesson(RULES["bad-glob"]) in both


@pytest.mark.parametrize(
    ("word", "hint"),
    [("bad-glb", 'did you mean "bad-glob"?'), ("zzz", "ci-kaniko explain lists the rules")],
)
def test_an_unknown_rule(word: str, hint: str) -> None:
    with pytest.raises(Misuse, match=re.escape(hint)):
        explain([word])
    assert CliRunner().invoke(app, ["explain", word]).exit_code == 2
