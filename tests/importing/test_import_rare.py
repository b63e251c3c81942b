"""What few pipelines have, and what no pipeline should: each is carried or told."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from ci_kaniko import SpecError, import_files, lint
from ci_kaniko.importing import ticked
from ci_kaniko.importing.pipelines import read_all
from ci_kaniko.importing.readers import matrices
from ci_kaniko.importing.report import report_text
from ci_kaniko.importing.shell import guards, parsing
from ci_kaniko.importing.translate import languages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"
CALL = "/kaniko/executor --context . --destination quay.io/acme/shop:1\n"

REFUSED = {
    "functions": ("a.sh", f"f() {{ f; }}\nf\n{CALL}", "f calls itself", 1),
    "eval": ("a.sh", f'A=\'eval "$A"\'\neval "$A"\n{CALL}', "the script calls itself", 2),
    "characters": ("a.sh", f"echo \ue000\n{CALL}", "characters that no shell reads", 1),
    "length": ("a.sh", "# " + "x" * 300_000 + f"\n{CALL}", "longer than 256 KiB", 1),
    "expressions": ("a.sh", "echo " + "${{a}}" * 6_500 + f"\n{CALL}", "too many expressions", 0),
    "a comment": ("a.yml", "# kaniko, one day\njob: {script: make}\n", "no job here builds", 0),
    "a mention": (
        *("a.yml", "job:\n  script:\n    # kaniko\n    - load gcr.io/kaniko:v1\n"),
        "no job here builds an image: import does not read gcr.io/kaniko:v1 here",
        4,
    ),
    "a pipeline that another one starts": (
        ".gitlab-ci.yml",
        "shop:\n  trigger:\n    include:\n      - local: shop/build.yml\n",
        "no job here builds an image: a job here starts the pipeline shop/build.yml",
        4,
    ),
    "a script that is not there": (
        "w.yml",
        "on: push\njobs: {a: {steps: [{run: sudo ./build.sh}]}}\n",
        "no job here builds an image: nothing here tells what ./build.sh does",
        2,
    ),
    "commands of Windows": (
        "Jenkinsfile",
        "node {\n  bat 'docker build -t acme/app:%TAG% .'\n}\n",
        "no job here builds an image: bat runs commands of Windows",
        2,
    ),
    "nothing": ("a.sh", "#!/bin/sh\necho hello\n", "no job here builds an image", 0),
    "ways": ("a.sh", "if a; then b; " + "elif a; then b; " * 290 + f"fi\n{CALL}", "deeply", 1),
    "anchors": ("a.yml", "a: *nobody\n", "the alias \\*nobody names nothing", 1),
    "escapes": ("a.yml", 'a: "' + "\\." * 60 + '"\n', "too many wrong escapes", 0),
    "values": ("a.yml", f"a: [{'b,' * 30}]\n", "too many values", 1),
    "braces": ("a.groovy", "a {" * 120 + "\n", "nested too deeply", 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_pipeline_is_refused_where_it_is_wrong(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == "values":
        monkeypatch.setattr(ticked, "_MAX_NODES", 20)
    name, text, message, line = REFUSED[case]
    with pytest.raises(SpecError, match=message) as refused:
        import_files([(name, text)])
    assert line in {0, refused.value.problems[0].line}


def test_what_is_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second script after as many calls as are followed, scripts in texts, cells of a matrix."""
    monkeypatch.setattr(guards, "_CALLS", 1)
    one = {"script": ["f() { " + CALL.strip() + "; }; f"]}
    two = import_files([("a.gitlab-ci.yml", json.dumps({"a": one, "b": one}))])
    assert "the calls before this one are as many as can be followed" in report_text(two.report)
    monkeypatch.setattr(guards, "_SCRIPTS", 1)
    with pytest.raises(SpecError, match="does more than can be followed"):
        import_files([("a.sh", f"eval 'A=a'\n{CALL}")])
    monkeypatch.setattr(languages, "_MOST_CASES", 50)
    rules = [{"if": "$CI_COMMIT_TAG =~ /^v[0-9.]*1[0-9.]{9}$/"}]
    cases = import_files([("a.gitlab-ci.yml", json.dumps({"a": {**one, "rules": rules}}))])
    assert "push: never" in cases.spec_text
    monkeypatch.undo()
    monkeypatch.setattr(matrices, "MAX_CELLS", 1)
    script = CALL.replace("shop", "$A").strip()
    gitlab = {"a": {"script": [script], "parallel": {"matrix": [{"A": ["x", "y"]}]}}}
    step = {"run": script.replace("$A", "${{ matrix.A }}")}
    github = {"strategy": {"matrix": {"A": ["x", "y"]}}, "steps": [step], "container": IMAGE}
    buildkite = {"command": script.replace("$A", "{{matrix}}"), "matrix": ["x", "y"]}
    for name, given in (
        ("a.gitlab-ci.yml", gitlab),
        ("a.yml", {"jobs": {"a": github}}),
        ("a.yml", {"steps": [buildkite]}),
    ):
        found = import_files([(name, json.dumps(given))])
        assert "matrix" in {entry.rule for entry in found.report}
        assert "acme/x:1" in found.spec_text


def test_what_looks_like_a_token_is_kept_nowhere() -> None:
    token = "ghp_" + "a1B2" * 9
    found = import_files([("a.sh", f"{CALL.strip()} --label 'a=***x{token}'\n")])
    assert token not in found.spec_text + report_text(found.report)


def test_a_folder_stands_for_the_pipelines_in_it(tmp_path: Path) -> None:
    place = tmp_path / ".github" / "workflows" / "a.yml"
    place.parent.mkdir(parents=True)
    steps = [{"run": CALL}]
    place.write_text(json.dumps({"jobs": {"a": {"steps": steps, "container": IMAGE}}}))
    assert {problem.path for problem in lint([tmp_path]).problems} == {str(place)}


def test_a_script_that_is_no_text_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_bytes(b"kaniko \xff")
    place = tmp_path / ".gitlab-ci.yml"
    place.write_text(json.dumps({"a": {"script": ["./a.sh", CALL]}}))
    report = report_text(import_files([place]).report)
    assert "./a.sh is not carried over" in report


def test_bytes_are_a_text_in_utf8_of_no_more_than_a_mebibyte() -> None:
    assert read_all([("a.sh", b"\xef\xbb\xbf" + CALL.encode())], None).spec.destinations
    for data, message in ((b"\xff", "no text in UTF-8"), (b"#" * 1_100_000, "larger than 1 MiB")):
        with pytest.raises(SpecError, match=message):
            read_all([("a.sh", data)], None)


@pytest.fixture
def _no_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    parsing._program.cache_clear()
    yield
    monkeypatch.undo()
    parsing._program.cache_clear()


@pytest.mark.usefixtures("_no_program")
def test_without_the_parser_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SpecError, match="shfmt is not installed") as caught:
        import_files([("a.sh", f"echo no parser\n{CALL}")])
    assert caught.value.problems[0].hint == "python3 -m pip install 'ci-kaniko[import]'"


@pytest.mark.usefixtures("_no_program")
@pytest.mark.parametrize("body", ["exit 1", "exec /nowhere/shfmt", "sleep 9"])
def test_a_parser_that_does_not_work(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "shfmt"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    monkeypatch.setattr(parsing, "_TIMEOUT", 0.2)
    with pytest.raises(SpecError, match=r"shfmt|no shell"):
        import_files([("a.sh", f"echo {body}\n{CALL}")])
