"""render --only and --changed-since: which images a part of the history concerns."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko.plan.select import select
from ci_kaniko.problems.problem import SelectionError
from ci_kaniko.project.changes import affected, changes, named
from ci_kaniko.rehearsing import yaml11
from harness import tools
from harness.checkout import lay_out
from harness.repository import HEADER, Done, Repository, git

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
default_branch: main
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
triggers: {branches: [main], pull_requests: true}
images:
  base: {context: base}
  api: {context: services/api, needs: base}
  web: {context: services/web, dockerfile: ../../docker/web.Dockerfile, needs: [api]}
  docs: {context: docs, triggers: {paths: ["libs/*.md", "**/go.mod"]}}
  tool: {context: ., triggers: {paths: ["cmd/tool/**", Cargo.lock]}}
  remote: {context: "git://github.com/acme/remote.git#refs/heads/main"}
"""
ONE = """\
default_branch: main
destinations: ["ghcr.io/acme/shop:${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
context: services/shop
"""
CONCERNED = {
    "a file of a context": (["base/a/b"], ["base", "api", "web"]),
    "a file of the context in the middle": (["services/api/main.go"], ["api", "web"]),
    "a file of the last context": (["services/web/x"], ["web"]),
    "a Dockerfile outside": (["docker/web.Dockerfile"], ["web"]),
    "what a Dockerfile outside ignores": (["docker/web.Dockerfile.dockerignore"], ["web"]),
    "a context whose name begins alike": (["services/api2/x", "basement/x"], []),
    "a folder above a context": (["services/x"], []),
    "a path": (["libs/a.md"], ["docs"]),
    "a path in a deeper folder": (["libs/b/a.md"], []),
    "any folder, and none": (["go.mod"], ["docs"]),
    "any folder": (["a/b/go.mod"], ["docs"]),
    "an end that is alike": (["a/cargo.mod"], []),
    "a context beside paths": (["docs/index.md"], ["docs"]),
    "the whole repository with paths": (["README.md"], []),
    "paths of the whole repository": (["cmd/tool/main.go"], ["tool"]),
    "a lock file": (["Cargo.lock"], ["tool"]),
    "the Dockerfile of the whole repository": (["Dockerfile"], ["tool", "remote"]),
    "a submodule around a context": (["services"], ["api", "web"]),
    "the spec": (["ci-kaniko.yaml"], ["base", "api", "web", "docs", "tool", "remote"]),
    "nothing": ([], []),
    "names with awkward characters": (["base/a b\n$(x)é"], ["base", "api", "web"]),
}


def commit(repository: Repository, *paths: str) -> None:
    """A commit that changes files."""
    for path in paths:
        file = repository.folder / path
        before = file.read_bytes() if file.exists() else b""
        repository.write(path, before + b"# changed\n")
    git(repository.folder, "add", "--all")
    git(repository.folder, "commit", "--quiet", "--allow-empty", "--message", "A change")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path, git="")
    git(made.folder, "init", "--quiet", "--initial-branch=main")
    made.write("ci-kaniko.yaml", SPEC)
    commit(made, "base/Dockerfile", "services/api/old.go", "docs/a.md", "cmd/tool/old.go")
    git(made.folder, "tag", "start")
    return made


def jobs(done: Done) -> list[str]:
    """The images of a rendered pipeline for GitLab."""
    assert done.code == 0, done.err
    document = yaml11.load(done.out)
    return [name.removeprefix("build-") for name in document if name.startswith("build-")]


def steps(done: Done) -> list[str]:
    assert done.code == 0, done.err
    return [step["key"] for step in yaml11.load(done.out)["steps"]]


def waits(done: Done) -> dict[str, list[str]]:
    """The steps of a rendered pipeline for Buildkite, and the keys that each waits for."""
    assert done.code == 0, done.err
    found = {}
    for step in yaml11.load(done.out)["steps"]:
        keys = step.get("depends_on", [])
        found[step["key"]] = [keys] if isinstance(keys, str) else keys
    return found


def refused(done: Done) -> str:
    """What a wrong command line is told."""
    assert (done.code, done.out) == (2, "")
    return " ".join(done.err.partition("Invalid value: ")[2].split())


@pytest.mark.parametrize(("files", "images"), CONCERNED.values(), ids=CONCERNED)
def test_what_a_change_concerns(
    repository: Repository, files: list[str], images: list[str]
) -> None:
    spec = ci_kaniko.load(repository.folder / "ci-kaniko.yaml")
    assert affected(spec, str(repository.folder), changes(files)) == images


@pytest.mark.parametrize(
    ("fields", "file", "concerned"),
    [
        ("context: .", "README.md", True),
        ("context: services/shop", "README.md", False),
        ("context: services/shop", "services/shop/a", True),
        ("context: ./services//shop/", "services/shop/a", True),
        ("{prepare}\ncontext: dist", "cmd/main.go", True),
        (
            "{prepare}\ncontext: dist\ntriggers: {{branches: [main], paths: [go.mod]}}",
            "a.go",
            False,
        ),
        (
            "{prepare}\ncontext: dist\ntriggers: {{branches: [main], paths: [go.mod]}}",
            "go.mod",
            True,
        ),
        ("context: 'tar://dist/context.tar.gz'", "dist/context.tar.gz", True),
        ("context: 'tar://dist/context.tar.gz'", "dist/other", False),
        ("context: 'git://github.com/acme/shop.git#refs/heads/main'", "a", False),
        ("context: 'git://github.com/acme/shop.git#refs/heads/main'", "Dockerfile", True),
        *(
            (f"{{inputs}}\n{fields}", file, concerned)
            for fields, file, concerned in (
                ("context: 'services/${{input.app}}/src'", "services/web/src/a", True),
                ("context: 'services/${{input.app}}/src'", "libs/a", False),
                ("context: '${{input.app}}'", "libs/a", True),
                ("context: shop\ndockerfile: '${{input.app}}.Dockerfile'", "libs/a", False),
                ("context: shop\ndockerfile: '../${{input.app}}.Dockerfile'", "x.Dockerfile", True),
            )
        ),
    ],
)
def test_the_only_image_of_a_spec(fields: str, file: str, concerned: bool) -> None:  # noqa: FBT001
    prepare = "prepare: {image: golang, commands: [make], artifacts: [dist]}"
    inputs = "inputs: {app: {default: shop}}"
    text = fields.format(prepare=prepare, inputs=inputs)
    spec = ci_kaniko.loads(f"push: never\n{text}")
    assert affected(spec, ".", changes([file])) == [""] * concerned


def test_both_names_of_what_was_moved_count(repository: Repository) -> None:
    git(repository.folder, "mv", "services/api/old.go", "docs/new.go")
    commit(repository)
    done = repository.call("render", "gitlab", "--changed-since", "start")
    assert jobs(done) == ["api", "web", "docs"]


def test_what_was_deleted_counts(repository: Repository) -> None:
    git(repository.folder, "rm", "--quiet", "docs/a.md")
    commit(repository)
    assert jobs(repository.call("render", "gitlab", "--changed-since", "start")) == ["docs"]


def test_what_the_other_branch_changed_does_not_count(repository: Repository) -> None:
    git(repository.folder, "checkout", "--quiet", "-b", "work")
    commit(repository, "docs/b.md")
    git(repository.folder, "checkout", "--quiet", "main")
    commit(repository, "base/other")
    git(repository.folder, "checkout", "--quiet", "work")
    assert jobs(repository.call("render", "gitlab", "--changed-since", "main")) == ["docs"]


def test_what_is_not_committed_does_not_count(repository: Repository) -> None:
    commit(repository, "docs/b.md")
    repository.write("base/new", "x")
    assert jobs(repository.call("render", "gitlab", "--changed-since", "start")) == ["docs"]


def test_settings_of_git_change_nothing(repository: Repository) -> None:
    for name, value in (
        ("diff.renames", "copies"),
        ("diff.relative", "true"),
        ("diff.noprefix", "true"),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("diff.ignoreSubmodules", "all"),
    ):
        git(repository.folder, "config", name, value)
    git(repository.folder, "mv", "services/api/old.go", "docs/größe.go")
    commit(repository)
    done = repository.call("render", "gitlab", "--changed-since", "start", below="services")
    assert jobs(done) == ["api", "web", "docs"]


def test_links_are_followed(repository: Repository) -> None:
    (repository.folder / "docs" / "shared").symlink_to("../base")
    repository.write("ci-kaniko.yaml", SPEC.replace("context: docs", "context: docs/shared"))
    commit(repository)
    git(repository.folder, "tag", "linked")
    commit(repository, "base/new")
    done = repository.call("render", "gitlab", "--changed-since", "linked")
    assert jobs(done) == ["base", "api", "web", "docs"]


def test_a_spec_below_the_root(repository: Repository) -> None:
    shutil.move(repository.folder / "ci-kaniko.yaml", repository.folder / "docs" / "images.yaml")
    commit(repository)
    git(repository.folder, "tag", "moved")
    commit(repository, "base/new")
    arguments = ("render", "gitlab", "-f", "docs/images.yaml", "--changed-since")
    assert jobs(repository.call(*arguments, "moved")) == ["base", "api", "web"]
    assert len(jobs(repository.call(*arguments, "start"))) == 6


def test_a_worktree(repository: Repository, tmp_path: Path) -> None:
    commit(repository, "docs/b.md")
    git(repository.folder, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    inside = os.path.relpath(tmp_path / "tree", repository.folder)
    done = repository.call("render", "gitlab", "--changed-since", "start", below=inside)
    assert jobs(done) == ["docs"]


def test_only_renders_the_images_that_are_named(repository: Repository) -> None:
    for words in (
        ["--only", "web,base"],
        ["--only", "web", "--only", "base"],
        ["--only=base, web"],
    ):
        assert jobs(repository.call("render", "gitlab", *words)) == ["base", "web"]
        assert steps(repository.call("render", "buildkite", *words)) == [
            "build-base",
            "build-base-pull-request",
            "build-web",
            "build-web-pull-request",
        ]


def test_what_is_left_out_is_not_waited_for(repository: Repository) -> None:
    assert not any(waits(repository.call("render", "buildkite", "--only", "web,base")).values())
    assert waits(repository.call("render", "buildkite", "--only", "api,base")) == {
        "build-base": [],
        "build-base-pull-request": [],
        "build-api": ["build-base"],
        "build-api-pull-request": ["build-base-pull-request"],
    }


def test_all_images_by_name_are_the_whole_spec(repository: Repository) -> None:
    names = "base,api,web,docs,tool,remote"
    whole = repository.call("render", "gitlab")
    assert repository.call("render", "gitlab", "--only", names) == whole


def test_only_keeps_paths_and_changed_since_has_asked_them(repository: Repository) -> None:
    assert "changes:" in repository.call("render", "gitlab", "--only", "docs").out
    commit(repository, "docs/b.md")
    done = repository.call("render", "gitlab", "--changed-since", "start")
    assert jobs(done) == ["docs"]
    assert "changes:" not in done.out


def test_both_options_are_an_intersection(repository: Repository) -> None:
    commit(repository, "base/new")
    done = repository.call("render", "gitlab", "--changed-since", "start", "--only", "web,docs")
    assert jobs(done) == ["web"]


def test_outputs_of_other_images_do_not_matter(repository: Repository) -> None:
    outputs = "outputs: {gitlab: [{path: a.yml, only: base}, {path: b.yml, only: [api, web]}]}\n"
    repository.write("ci-kaniko.yaml", SPEC + outputs)
    assert jobs(repository.call("render", "gitlab", "--only", "base")) == ["base"]
    assert repository.call("sync").code == 0
    assert jobs(Done(0, repository.text("b.yml"), "")) == ["api", "web"]


def test_gitlab_renders_a_child_pipeline(repository: Repository) -> None:
    triggers = (
        "triggers: {branches: [main], pull_requests: true, manual: true, schedules: [0 3 * * 1]}"
    )
    text = SPEC.replace("triggers: {branches: [main], pull_requests: true}", triggers)
    repository.write("ci-kaniko.yaml", text)
    commit(repository)
    git(repository.folder, "tag", "clock")
    commit(repository, "base/new")
    done = repository.call("render", "gitlab", "--changed-since", "clock")
    rules = yaml11.load(done.out)
    tests = [rule["if"] for job in rules.values() if "rules" in job for rule in job["rules"]]
    assert "$CI_MERGE_REQUEST_IID" in tests
    assert not any("CI_PIPELINE_SOURCE" in test for test in tests)


def test_nothing_on_gitlab_is_a_job_that_says_so(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", SPEC + "gitlab: {tags: [k8s, '1']}\n")
    commit(repository)
    done = repository.call("render", "gitlab", "--changed-since", "HEAD")
    assert done == Done(
        0,
        f"""{HEADER}
nothing-to-build:
  image:
    name: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
    entrypoint: [""]
  tags: [k8s, "1"]
  variables:
    GIT_STRATEGY: none
  script:
    - echo 'no image has changed since HEAD'
  rules:
    - if: $CI_PIPELINE_SOURCE == "parent_pipeline"
""",
        "no image has changed since HEAD\n",
    )


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("buildkite", f"{HEADER}\nsteps: []\n"),
        ("github", ""),
        ("agola", ""),
        ("kubernetes", ""),
    ],
)
def test_nothing_elsewhere(repository: Repository, target: str, text: str) -> None:
    done = repository.call("render", target, "--changed-since", "HEAD", "--only", "api")
    assert done == Done(0, text, "api has not changed since HEAD\n")
    several = repository.call("render", target, "--changed-since=HEAD", "--only=api,web,docs")
    assert several == Done(0, text, "none of api, web and docs has changed since HEAD\n")


def test_nothing_for_others_to_upload(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", SPEC + "buildkite: {form: steps}\n")
    commit(repository)
    done = repository.call("render", "buildkite", "--changed-since", "HEAD")
    assert yaml11.load(done.out) == {"steps": []}


def test_nothing_replaces_an_old_file(repository: Repository) -> None:
    repository.write("pipeline.yml", "old")
    done = repository.call("render", "buildkite", "--changed-since", "HEAD", "-o", "pipeline.yml")
    assert (done.code, done.out) == (0, "")
    assert repository.text("pipeline.yml") == f"{HEADER}\nsteps: []\n"


def test_a_revision_is_no_code(repository: Repository) -> None:
    name = "a'b$(touch${IFS}pwned)"
    git(repository.folder, "branch", name)
    done = repository.call("render", "gitlab", "--changed-since", name)
    (line,) = yaml11.load(done.out)["nothing-to-build"]["script"]
    said = subprocess.run([*tools.shell(), "-c", line], capture_output=True, text=True, check=True)
    assert said.stdout == f"no image has changed since {name}\n"


def test_one_image_alone(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", ONE)
    commit(repository)
    git(repository.folder, "tag", "one")
    commit(repository, "base/new")
    done = repository.call("render", "buildkite", "--changed-since", "one")
    assert done.err == "the image has not changed since one\n"
    commit(repository, "services/shop/new")
    assert steps(repository.call("render", "buildkite", "--changed-since", "one")) == [
        "build-image",
        "build-image-pull-request",
    ]
    done = repository.call("render", "gitlab", "--only", "shop")
    assert refused(done) == "--only chooses among images:, and this spec lists none"


def test_a_spec_from_standard_input(repository: Repository) -> None:
    commit(repository, "docs/b.md")
    done = repository.run(
        *("render", "gitlab", "-f", "-", "--changed-since", "start"), text=SPEC.encode()
    )
    assert jobs(done) == ["docs"]


def test_validate_takes_only(repository: Repository) -> None:
    images = "  bad: {triggers: {schedules: [0 3 * * 1]}}\n"
    repository.write("ci-kaniko.yaml", SPEC + images)
    lay_out(repository, ci_kaniko.load(repository.folder / "ci-kaniko.yaml"))
    assert repository.call("validate", "agola").code == 1
    assert repository.call("validate", "agola", "--only", "base,api").code == 0
    assert refused(repository.call("validate", "agola", "--only", "bas")).endswith('"base"?')


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "wbe"], 'no image is called "wbe"; did you mean "web"?'),
        (
            ["--only", "zzz"],
            'no image is called "zzz"; known: base, api, web, docs, tool, remote',
        ),
        (["--only", ","], "--only names no image"),
        (["--changed-since", "mian"], 'git knows no commit "mian" here; is it fetched?'),
        (["--changed-since", "--all"], 'git knows no commit "--all" here; is it fetched?'),
        (
            ["--changed-since", "0" * 40],
            (
                "0000000... stands for no commit, as in the first push of a branch; "
                "name one, such as origin/main"
            ),
        ),
    ],
)
def test_wrong_words(repository: Repository, words: list[str], sentence: str) -> None:
    assert refused(repository.call("render", "gitlab", *words)) == sentence


def test_no_commit_in_common(repository: Repository) -> None:
    git(repository.folder, "checkout", "--quiet", "--orphan", "other")
    commit(repository, "docs/b.md")
    sentence = refused(repository.call("render", "gitlab", "--changed-since", "main"))
    assert sentence.startswith('git finds no commit that "main" and HEAD both come from')


def test_a_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    commit(repository, "base/new")
    commit(repository, "docs/new")
    shallow = Repository(tmp_path / "shallow", git="")
    source = repository.folder.as_uri()
    git(shallow.folder, "clone", "--quiet", "--depth=1", source, ".")
    sentence = refused(shallow.call("render", "gitlab", "--changed-since", "start"))
    advice = ": the clone is shallow, so fetch more of it, such as git fetch --unshallow"
    assert sentence == f'git knows no commit "start" here{advice}'
    git(shallow.folder, "fetch", "--quiet", "--depth=1", source, "refs/tags/start:refs/tags/start")
    sentence = refused(shallow.call("render", "gitlab", "--changed-since", "start"))
    assert sentence == f'git finds no commit that "start" and HEAD both come from{advice}'
    git(shallow.folder, "fetch", "--quiet", "--unshallow")
    assert jobs(shallow.call("render", "gitlab", "--changed-since", "start")) == [
        "base",
        "api",
        "web",
        "docs",
    ]


def test_outside_of_git(tmp_path: Path) -> None:
    outside = Repository(tmp_path, git="")
    outside.write("ci-kaniko.yaml", SPEC)
    environment = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    done = outside.call("render", "gitlab", "--changed-since", "main", **environment)
    assert refused(done).startswith("--changed-since needs a git checkout: not a git repository")


def test_without_git(repository: Repository) -> None:
    done = repository.call("render", "gitlab", "--changed-since", "main", PATH="/nowhere")
    assert refused(done) == "this needs git, which is not installed here"


def test_before_the_first_commit(tmp_path: Path) -> None:
    young = Repository(tmp_path, git="")
    git(young.folder, "init", "--quiet")
    young.write("ci-kaniko.yaml", SPEC)
    sentence = refused(young.call("render", "gitlab", "--changed-since", "HEAD"))
    assert sentence == 'git knows no commit "HEAD" here; is it fetched?'


def test_problems_of_the_spec_come_first(repository: Repository) -> None:
    repository.write("ci-kaniko.yaml", SPEC.replace("needs: base", "needs: bsae"))
    done = repository.call("render", "gitlab", "--changed-since", "mian")
    assert done.code == 1
    assert "[unknown-image]" in done.err


def test_names_keep_the_order_of_the_spec(repository: Repository) -> None:
    spec = ci_kaniko.load(repository.folder / "ci-kaniko.yaml")
    assert named(spec, ["docs,base", "web"]) == ["base", "web", "docs"]
    with pytest.raises(SelectionError):
        named(spec, ["base", "nope"])


def test_three_hundred_images_and_ten_thousand_files() -> None:
    images = "".join(f"  i{n}: {{context: s/{n}, needs: [i{n - 1}]}}\n" for n in range(1, 300))
    spec = ci_kaniko.loads(f"push: never\nimages:\n  i0: {{context: s/0}}\n{images}")
    found = changes(f"s/{n % 7 + 293}/{n}/file" for n in range(10_000))
    assert affected(spec, ".", found) == [f"i{n}" for n in range(293, 300)]


def test_a_file_of_exactly_the_images_that_are_chosen_stays() -> None:
    outputs = "outputs: {gitlab: [{path: a.yml, only: [web, api]}, {path: b.yml, only: [docs]}]}\n"
    spec = ci_kaniko.loads(SPEC + outputs)
    kept = {
        names: [file.path for file in select(spec, names).outputs.gitlab]
        for names in (("api", "web"), ("docs",), ("api",), ("api", "web", "docs"))
    }
    assert [*kept.values()] == [["a.yml"], ["b.yml"], [], []]
