"""``ci-kaniko lint``: the faults of pipelines, in each format."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ci_kaniko import import_files, lint, loads, render
from ci_kaniko.importing.sentences import sentences
from ci_kaniko.importing.shell.parsing import NoProgramError
from ci_kaniko.problems.catalogue import faults
from ci_kaniko.rehearsing import yaml11
from harness.cases import ROOT, snapshots
from harness.repository import Repository

IMPORTS = ROOT / "tests" / "imports"
SARIF = json.loads(Path(__file__).with_name("sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR: Any = importlib.import_module("jsonschema").Draft7Validator
FAULTY = """\
build:
  image: {name: "gcr.io/kaniko-project/executor:latest", entrypoint: [""]}
  script:
    - set -x
    - echo '{"auths":{"quay.io":{"username":"me","password":"hunter2-Xk39sfj2LL"}}}'
      > /kaniko/.docker/config.json
    - /kaniko/executor --context "$CI_PROJECT_DIR" --destination "quay.io/acme/a:1" --push
"""


def _mended() -> set[str]:
    """The rules of what import calls a fault."""
    return {name.partition("/")[0] for name, said in sentences().items() if said.kind == "mended"}


def test_each_fault_of_an_import_is_one_of_lint_or_a_change_of_words() -> None:
    known = faults()
    assert not known.changes & known.faults.keys()
    assert _mended() <= known.faults.keys() | known.changes
    for fault in known.faults.values():
        assert fault.severity in {"error", "warning"}
        assert fault.says.endswith(".")
        assert fault.fix
    told = {name.partition("/")[0] for name in sentences()}
    assert known.faults.keys() | known.changes <= told


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.write("ci/.gitlab-ci.yml", FAULTY)
    made.write("other.yml", "a: b\n")
    made.write("build.yml", "test: {script: [make]}\n")
    made.write("broken.yml", "a: [kaniko\n")
    made.write("odd/a b.sh", "/kaniko/executor --context . --destination quay.io/acme/a:1 --push\n")
    return made


def test_text_says_the_line_the_rule_and_the_fix(repository: Repository) -> None:
    found = repository.call("lint", "ci/.gitlab-ci.yml", "other.yml", "build.yml")
    assert found.code == 1
    assert found.out == ""
    assert "ci/.gitlab-ci.yml:4:1: set -x prints" in found.err
    assert "[trace-shows-secrets]\n  hint: Take it away." in found.err
    assert ": warning: gcr.io/kaniko-project/executor:latest is a moving tag" in found.err
    assert "hunter2" not in found.err
    for name in ("other.yml", "build.yml"):
        assert f"{name}: no job here calls kaniko, BuildKit or Buildah in a script\n" in found.err
        alone = repository.call("lint", name)
        assert (alone.code, alone.out) == (0, "")
        assert repository.call("lint", name, "--format", "json").out == "[]\n"


def test_what_is_wrong_with_the_command_line_or_the_file(repository: Repository) -> None:
    assert repository.call("lint", "broken.yml").code == 1
    assert "[bad-yaml]" in repository.call("lint", "broken.yml").err
    assert "missing.yml" in repository.call("lint", "missing.yml").err
    assert repository.call("lint", "missing.yml").code == 1
    assert repository.call("lint").code == 2
    assert repository.call("lint", "build.yml", "--format", "xml").code == 2
    assert repository.call("lint", "build.yml", "--from", "travis").code == 2


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("[/kaniko/executor --no-push, 'if then ((']", "build.yml:2:1: warning: this is no shell"),
        ("['foreach ($i in 1..3) { docker build . }']", "no job here calls kaniko"),
    ],
)
def test_a_script_that_cannot_be_read_is_told_where_it_may_build(
    repository: Repository, script: str, said: str
) -> None:
    repository.write("build.yml", f"build:\n  script: {script}\n")
    done = repository.call("lint", "build.yml")
    assert (done.code, done.err.count("\n")) == (0, 2 if "warning" in said else 1)
    assert said in done.err


def test_without_the_parser_of_the_shell_nothing_is_called_fine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> str:
        raise NoProgramError("python3 -m pip install 'ci-kaniko[import]'")

    monkeypatch.setattr("ci_kaniko.importing.shell.parsing._program", missing)
    text = FAULTY.replace("set -x", "echo never read before")
    said = [str(one) for one in lint([("build.yml", text)]).problems]
    assert len(said) == 1
    assert "shfmt is not installed" in said[0]


def test_machines_get_each_fault_once_with_its_place(repository: Repository) -> None:
    files = ("ci/.gitlab-ci.yml", "odd/a b.sh")
    listed = json.loads(repository.call("lint", *files, "--format", "json").out)
    places = [(item["rule"], item["path"], item["line"], item["severity"]) for item in listed]
    assert ("unknown-flag", "odd/a b.sh", 1, "error") in places

    sarif = json.loads(repository.call("lint", *files, "--format", "sarif").out)
    assert [error.message for error in VALIDATOR(SARIF).iter_errors(sarif)] == []
    (run,) = sarif["runs"]
    assert [
        (
            run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"],
            location["artifactLocation"]["uri"].replace("%20", " "),
            location["region"]["startLine"],
            result["level"],
        )
        for result in run["results"]
        for location in [result["locations"][0]["physicalLocation"]]
    ] == places

    quality = json.loads(repository.call("lint", *files, "--format", "codequality").out)
    severities = {"major": "error", "minor": "warning"}
    assert [
        (
            item["check_name"],
            item["location"]["path"],
            item["location"]["lines"]["begin"],
            severities[item["severity"]],
        )
        for item in quality
    ] == places
    marks = {item["fingerprint"] for item in quality}
    assert len(marks) == len(quality)
    repository.write("ci/.gitlab-ci.yml", f"# moved\n{FAULTY}")
    moved = json.loads(repository.call("lint", *files, "--format", "codequality").out)
    assert {item["fingerprint"] for item in moved} == marks

    github = repository.call("lint", *files, "--format", "github").out
    assert "::error file=odd/a b.sh,line=1,col=1::--push is no kaniko flag" in github
    empty = json.loads(repository.call("lint", "build.yml", "--format", "sarif").out)
    assert [error.message for error in VALIDATOR(SARIF).iter_errors(empty)] == []


def test_a_wrong_report_is_noticed() -> None:
    assert list(VALIDATOR(SARIF).iter_errors({"version": "2.1.0", "runs": [{"results": [{}]}]}))


def test_the_faults_are_those_of_the_import() -> None:
    path = str(IMPORTS / "pipelines" / "gitlab-faults" / ".gitlab-ci.yml")
    found = {(problem.rule, problem.line) for problem in lint([path]).problems}
    known = faults().faults
    entries = [entry for entry in import_files([path]).report if entry.rule in known]
    assert found == {(entry.rule, entry.line) for entry in entries}
    assert len(found) > 10


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "agola", "kubernetes"])
def test_what_we_render_has_no_fault(target: str) -> None:
    paths = snapshots(target)
    rare = [path for path in paths if path.match("builder-*") or path.match("*secret*")]
    there = sorted({str(path) for path in [*paths[::7], *rare[::2]]})
    assert len(there) > 9
    asked_for = {"frozen-executor"}
    found = [str(one) for one in lint(there).problems if one.rule not in asked_for]
    assert found == []


def test_a_login_of_docker_itself_is_in_its_place() -> None:
    """GitHub's docker pulls the image of a preparation with a config of its own."""
    text = "default_branch: main\ndestinations: ['quay.io/acme/shop:1']\nregistries:\n"
    text += "  quay.io: {username: a, password: QUAY}\n  docker.io: {username: b, password: HUB}\n"
    text += "prepare: {image: 'docker.io/library/go:1', commands: make, artifacts: bin}\n"
    rendered = render(loads(text), "github")
    assert rendered.count("config.json") == 2
    assert lint([(".github/workflows/image.yml", rendered)]).problems == ()


def test_the_docs_show_jobs_that_lint() -> None:
    page = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    blocks = [yaml11.load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    step, upload = next(block for block in blocks if isinstance(block, list))
    assert "--format sarif > kaniko.sarif" in step["run"]
    assert upload["with"]["sarif_file"] == "kaniko.sarif"
    job = next(block["lint-kaniko"] for block in blocks if "lint-kaniko" in block)
    assert job["script"][-1].endswith(job["artifacts"]["reports"]["codequality"])
