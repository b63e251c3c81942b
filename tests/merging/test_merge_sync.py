"""Outputs with mode: merge through the commands: what is theirs stays, whatever happens."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from ci_kaniko import loads, render
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.syncing import compare as sync
from ci_kaniko.targets.github.beside import merged
from ci_kaniko.targets.gitlab import beside as gitlab
from harness.killed import killed
from harness.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

TWO = """
default_branch: main
registries: {ghcr.io: {username: a, password: GHCR_TOKEN}}
context: services/${image.name}
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
"""
OUTPUTS = "outputs: {gitlab: {path: .gitlab-ci.yml, mode: merge}}\n"
API = f"{TWO}images: {{api: {{}}}}\n{OUTPUTS}"
BOTH = f"{TWO}images: {{api: {{}}, web: {{}}}}\n{OUTPUTS}"
RENAMED = f"{TWO}images: {{shop: {{}}, web: {{}}}}\n{OUTPUTS}"
AUTHOR = "# ours\nstages: [build, test]\n\ntest:\n    script: [make test]   # all\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    found.write(".gitlab-ci.yml", AUTHOR)
    return found


def jobs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1].isalpha() and line.endswith(":")]


def test_jobs_come_and_go_and_the_rest_stays(repository: Repository) -> None:
    for spec, names in (
        (API, ["test:", "build-api:"]),
        (BOTH, ["test:", "build-api:", "build-web:"]),
        (RENAMED, ["test:", "build-shop:", "build-web:"]),
        (BOTH, ["test:", "build-api:", "build-web:"]),
        (API, ["test:", "build-api:"]),
    ):
        repository.write("ci-kaniko.yaml", spec)
        assert repository.run("check").code == 1
        assert repository.run("sync").code == 0
        text = repository.text(".gitlab-ci.yml")
        assert text.startswith(AUTHOR)
        assert jobs(text) == names
        assert repository.run("check", "--no-cache") == (0, "", "")


def test_a_hand_edit_inside_an_entry_is_drift(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)
    repository.run("sync")
    text = repository.text(".gitlab-ci.yml")
    repository.write(".gitlab-ci.yml", text.replace("set -eu", "set -ex"))
    done = repository.run("check")
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines() if "set -e" in line] == [
        ["-", "set", "-ex"],
        ["+", "set", "-eu"],
    ]
    repository.run("sync")
    assert repository.text(".gitlab-ci.yml") == text


def test_an_edit_beside_it_is_none(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)
    repository.run("sync")
    text = repository.text(".gitlab-ci.yml")
    repository.write(
        ".gitlab-ci.yml", text.replace("# ours", "# theirs") + "\nlint: {script: [x]}\n"
    )
    assert repository.run("check", "--no-cache") == (0, "", "")


def test_a_conflict_names_both_and_nothing_is_written(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)
    repository.write(".gitlab-ci.yml", f"{AUTHOR}build-api: {{script: [x]}}\n")
    before = repository.files()
    for command in ("check", "sync"):
        done = repository.run(command)
        assert done.code == 1
        assert ".gitlab-ci.yml:6:1: " in done.err
        assert "[merge-conflict]" in done.err
    assert repository.files() == before


def test_what_gitlab_gives_every_job_is_not_for_kaniko(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)
    repository.write(".gitlab-ci.yml", f"default: {{tags: [k8s]}}\n{AUTHOR}")
    repository.run("sync")
    assert "inherit" not in repository.text(".gitlab-ci.yml")
    repository.write(".gitlab-ci.yml", f"default:\n  tags: [k8s]\n  before_script: [x]\n{AUTHOR}")
    repository.run("sync")
    assert "inherit" in repository.text(".gitlab-ci.yml")


@pytest.mark.parametrize(
    ("theirs", "folder"),
    [
        ("defaults: {run: {working-directory: app}}\n", "."),
        ("defaults:\n  # theirs\n\n  run:\n    shell: sh\n    working-directory: app\n", "."),
        ("defaults: {run: {shell: sh}}\n", None),
        ("env: {X: 'working-directory: app'}\n", None),
    ],
)
def test_the_folder_that_github_gives_every_job_is_not_for_kaniko(
    theirs: str, folder: str | None
) -> None:
    test = "  test:\n    defaults: {run: {working-directory: x}}\n    steps: [{run: x}]\n"
    spec = merged(loads(API), f"on: push\n{theirs}jobs:\n{test}")
    job = yaml11.load(render(spec, "github"))["jobs"]["build-api"]
    assert job.get("defaults", {}).get("run", {}).get("working-directory") == folder


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ("variables: {GIT_STRATEGY: none}\n", {"GIT_STRATEGY": "fetch"}),
        (
            "variables:\n  # theirs\n\n  A: b\n  GIT_CHECKOUT: 'false'\n  GIT_STRATEGY: \"none\"\n",
            {"GIT_STRATEGY": "fetch", "GIT_CHECKOUT": "true"},
        ),
        ("variables: {GIT_STRATEGY: clone}\n", {}),
        ("variables: {A: b}\ntest:\n  variables: {GIT_STRATEGY: none}\n", {}),
    ],
)
def test_what_gitlab_tells_the_runner_of_every_job_is_not_for_kaniko(
    theirs: str, told: dict[str, str]
) -> None:
    prepared = "prepare: {image: 'node:24', commands: make, artifacts: dist}\n"
    joined = "platforms: [linux/amd64, linux/arm64]\ngitlab: {extra: {variables: {A: own}}}\n"
    spec = gitlab.merged(loads(API + prepared + joined), theirs)
    jobs = YAML(typ="safe").load(render(spec, "gitlab"))  # refuses a key that is there twice
    found = {
        name: (jobs.get(job.get("extends")) or job).get("variables", {})
        for name, job in jobs.items()
        if "script" in job
    }
    assert found == {
        "prepare-api": told,
        "build-api-amd64": {"A": "own"} | told,
        "build-api-arm64": {"A": "own"} | told,
        "build-api": {"A": "own"} | told | {"GIT_STRATEGY": "none"},
    }


def test_a_missing_file_is_made(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)
    (repository.folder / ".gitlab-ci.yml").unlink()
    assert repository.run("sync").code == 0
    assert "# ci-kaniko: build-api\nbuild-api:" in repository.text(".gitlab-ci.yml")
    assert repository.run("check", "--no-cache") == (0, "", "")


def test_no_space(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", API)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))

    done = repository.start("sync", preexec_fn=limit, environment={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done == (1, "", "ci-kaniko: .gitlab-ci.yml: File too large\n")
    assert repository.text(".gitlab-ci.yml") == AUTHOR


def test_two_at_once(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", BOTH)

    def run(_: int) -> int:
        return repository.run("sync", environment={"CI": "true"}).code

    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(run, range(2)))
    assert 0 in codes
    text = repository.text(".gitlab-ci.yml")
    assert jobs(text) == ["test:", "build-api:", "build-web:"]
    assert repository.run("check", "--no-cache").code == 0


def test_what_the_author_saves_meanwhile_is_not_lost(repository: Repository) -> None:
    path = repository.write(".gitlab-ci.yml", AUTHOR)
    name = ".gitlab-ci.yml"
    output = sync.Output("gitlab", name, name, str(path), "new", AUTHOR, shared=True)
    path.write_text(f"{AUTHOR}# more\n")
    with pytest.raises(OSError, match="changed meanwhile"):
        list(sync.write_outputs([output]))
    assert repository.text(".gitlab-ci.yml") == f"{AUTHOR}# more\n"


@pytest.mark.parametrize("variant", ["usual", "named"])
def test_killed_at_every_file_operation(variant: str) -> None:
    prepare = (
        f"(root / 'ci-kaniko.yaml').write_text({API!r})\n"
        f"(root / '.gitlab-ci.yml').write_text({AUTHOR!r})\n"
    )
    found: dict[str, Any] = killed(prepare, variant)
    old, new = found["old"][".gitlab-ci.yml"], found["new"][".gitlab-ci.yml"]
    assert old == AUTHOR
    assert new.startswith(AUTHOR)
    for seen in found["seen"]:
        assert seen["killed"][".gitlab-ci.yml"] in (old, new)
