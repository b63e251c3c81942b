"""One meaning of "line" for every position that is told: LF, CR LF or CR ends one, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = {"next line": "\x85", "line separator": "\u2028", "paragraph separator": "\u2029"}
OTHERS |= {"form feed": "\x0c", "vertical tab": "\x0b", "file separator": "\x1c"}
YAML = list(OTHERS)[:3]
BREAKS = {"LF": "\n", "CR LF": "\r\n", "CR": "\r"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("name", YAML[1:])
def test_a_spec(repository: Repository, name: str, end: str) -> None:
    text = f"# {OTHERS[name]}a: b{end}push: never # {OTHERS[name]}{end}contxt: .{end}"
    repository.write("ci-kaniko.yaml", text)
    done = repository.call("validate")
    assert done.err.splitlines()[:2] == [
        'ci-kaniko.yaml:3:1: unknown key "contxt" [unknown-key]',
        "  3 | contxt: .",
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_a_character_that_no_spec_holds(repository: Repository, name: str) -> None:
    repository.write("ci-kaniko.yaml", f"# \u2028\npush: never\ntarget: a{OTHERS[name]}\n")
    found = repository.call("validate").err.split("\n")
    assert found[0].startswith("ci-kaniko.yaml:3:")
    assert found[1] == "  3 | target: a\ufffd"


@pytest.mark.parametrize("name", OTHERS)
def test_a_dockerfile(repository: Repository, name: str) -> None:
    other = OTHERS[name]
    text = f"FROM alpine\n# {other}\nRUN echo '{other}' && \\\n  echo {other} > /kaniko/a\n"
    repository.write("Dockerfile", text)
    repository.write("ci-kaniko.yaml", "push: never\n")
    assert 'Dockerfile:4 names "/kaniko/a"' in repository.call("validate", "gitlab").err


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("name", YAML)
def test_a_shared_file(repository: Repository, name: str, end: str) -> None:
    other = OTHERS[name]
    head = f"# {other}# b{end}a: {{script: 'b{other}  c'}} # {other}{end}"
    repository.spec("{gitlab: {path: .gitlab-ci.yml, mode: merge}}")
    repository.write(".gitlab-ci.yml", f"{head}build-image: {{script: b}}{end}")
    found = repository.call("sync").err.split("\n")
    assert found[0].startswith('.gitlab-ci.yml:3:1: the job "build-image" is written by hand')
    assert found[1] == "  3 | build-image: {script: b}"
    repository.write(".gitlab-ci.yml", f"{head}b: {{b{end}")
    found = repository.call("sync").err.split("\n")
    assert found[:2] == ['.gitlab-ci.yml:3:4: "{" is never closed [merge-conflict]', "  3 | b: {b"]


@pytest.mark.parametrize("name", YAML)
def test_a_file_of_ours_that_differs(repository: Repository, name: str) -> None:
    repository.spec()
    repository.call("sync")
    lines = repository.text(".gitlab-ci.yml").split("\n")
    repository.write(".gitlab-ci.yml", "\n".join([f"{lines[0]}{OTHERS[name]}", *lines[1:]]))
    assert repository.call("check").err.startswith(".gitlab-ci.yml:1:1: ")


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("name", YAML)
def test_an_imported_pipeline(repository: Repository, name: str, end: str) -> None:
    other = OTHERS[name]
    lines = [
        f"# {other}a: b",
        "build:",
        "  image: {name: gcr.io/kaniko-project/executor:debug, entrypoint: ['']}",
        f"  variables: {{A: 'b{other}c'}}",
        "  script:",
        "    - |",
        f"      # {other}",
        "      echo hello | tee /dev/null",
        "      /kaniko/executor --context . --destination ghcr.io/acme/shop:1 --bogus",
        "  services: [other]",
    ]
    repository.write(".gitlab-ci.yml", end.join(lines))
    told = repository.call("import", ".gitlab-ci.yml").err
    assert "--bogus" in next(line for line in told.split("\n") if "yml:9: --bogus" in line)
    assert "other" in next(line for line in told.split("\n") if "yml:10: " in line)


@pytest.mark.parametrize("name", YAML)
def test_a_wrong_escape_of_an_imported_pipeline(repository: Repository, name: str) -> None:
    """The one that is wrong is mended, not the like of it on its line."""
    step = "  - {label: '\\d', command: \"/kaniko/executor -d ghcr.io/acme/shop:1 # \\d\"}\n"
    repository.write("pipeline.yml", f"# {OTHERS[name]}\nsteps: # {OTHERS[name]}\n{step}")
    told = repository.call("import", "--from", "buildkite", "pipeline.yml").err
    assert r"pipeline.yml:3: \d in double quotes is no YAML" in told
    assert told.count("in double quotes") == 1
