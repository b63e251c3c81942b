"""init: the first spec of any repository is valid, renders, and overwrites nothing."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import Event
from ci_kaniko.repository.checkout import https_url
from harness import expectation, tools
from harness.expectation import Run
from harness.repository import Repository, git, unprivileged
from harness.runs import SHELLS, execute

if TYPE_CHECKING:
    from pathlib import Path

FROM = "FROM scratch\n"
MOUNTS = "FROM scratch AS base\n{}FROM base\n".format(
    "".join(
        f"RUN --mount=type=secret,id={key} x\n"
        for key in ("npm", "npm_token", "github.token", "2x", "PATH", "${X}")
    )
)
REMOTES = {
    "": "ghcr.io/acme/shop",
    "git@github.com:acme/depot.git": "ghcr.io/acme/depot",
    "https://github.com/Acme/Depot": "ghcr.io/acme/depot",
    "ssh://git@github.com:22/acme/depot.git": "ghcr.io/acme/depot",
    "https://user:hunter2@gitlab.com/group/sub/depot.git": "${registry.image}",
    "git@gitlab.acme.example:group/depot.git": "${registry.image}",
    "https://github.acme.example/team/depot.git": "docker.io/team/depot",
    "https://bitbucket.org/acme/depot_.git": "docker.io/acme/shop",
    "git@codeberg.org:team/depot.git": "docker.io/team/depot",
    "https://gitea.example:3000/~me/-weird-/name.git": "docker.io/acme/shop",
    "git@ssh.dev.azure.com:v3/acme/all/depot": "docker.io/acme/depot",
    "https://acme@dev.azure.com/acme/all/_git/depot": "docker.io/acme/depot",
    "https://bitbucket.acme.example/scm/team/depot.git": "docker.io/team/depot",
    "https://github.com/acme/Größe.git": "ghcr.io/acme/shop",
    "https://github.com/a": "ghcr.io/acme/shop",
    "/srv/git/depot.git": "ghcr.io/acme/shop",
    "file:///srv/git/depot.git": "ghcr.io/acme/shop",
    "../depot": "ghcr.io/acme/shop",
    "git@[::1]:acme/depot.git": "ghcr.io/acme/shop",
    "https://github.com/acme/" + "x" * 300: "ghcr.io/acme/shop",
}
"""A remote, and what a first spec pushes to: acme/shop where the remote names no image."""
EXISTING: dict[str, dict[str, str]] = {
    "nothing": {},
    "gitlab": {".gitlab-ci.yml": "stages: [a]\n"},
    "gitlab taken": {".gitlab-ci.yml": "a\n", ".gitlab/ci/image.yml": "b\n"},
    "gitlab full": {
        ".gitlab-ci.yml": "a\n",
        ".gitlab/ci/image.yml": "b\n",
        ".gitlab/ci/image-2.yml": "c\n",
    },
    "gitlab folder only": {".gitlab/issue_templates/bug.md": "a\n"},
    "github": {".github/workflows/test.yml": "on: push\n"},
    "github taken": {".github/workflows/image.yml": "on: push\n"},
    "github file": {".github/workflows": "not a folder\n"},
    "buildkite": {".buildkite/pipeline.yml": "steps: []\n"},
    "buildkite taken": {".buildkite/image.yml": "steps: []\n"},
    "agola": {".agola/config.yml": "runs: []\n"},
    "agola empty": {".agola/config.star": "def main(ctx): pass\n"},
    "all": {
        ".gitlab-ci.yml": "a\n",
        ".github/workflows/image.yml": "b\n",
        ".buildkite/image.yml": "c\n",
        ".agola/config.yml": "d\n",
    },
    "one": {"Dockerfile": FROM},
    "secrets": {"Dockerfile": MOUNTS},
    "secrets of several": {"a/Dockerfile": MOUNTS, "b/Dockerfile": FROM},
    "several": {"Dockerfile": FROM, "web/Dockerfile": FROM, "api/docker/Containerfile": FROM},
    "below": {"services/web/Dockerfile": FROM, "services/api/Dockerfile": FROM},
    "named": {"web.Dockerfile": FROM, "api.Dockerfile": FROM},
    "blanks": {"my service/Dockerfile": FROM},
    "colon": {"a: b/Dockerfile": FROM, "c:d/Dockerfile": FROM},
    "scheme": {"git:/Dockerfile": FROM, "s3:/x/Dockerfile": FROM},
    "comment": {"a #b/Dockerfile": FROM},
    "unicode": {"Größe ✓/é.Dockerfile": FROM},
    "quotes": {'it\'s "so"/Dockerfile': FROM, "back\\slash/Dockerfile": FROM},
    "dollar": {"a${b}/$c.Dockerfile": FROM, "${commit.sha}/Dockerfile": FROM},
    "yaml": {"- a/Dockerfile": FROM, "yes/Dockerfile": FROM, "[x]/Dockerfile": FROM},
    "template": {"<%= 1 %>/Dockerfile": FROM, "{{ x }}/Dockerfile": FROM},
    "controls": {
        "new\nline/Dockerfile": FROM,
        "esc\x1b/Dockerfile": FROM,
    },
    "not text": {"bad\udcff/Dockerfile": FROM},
    "blank ends": {" a /Dockerfile": FROM, "b./Dockerfile": FROM},
    "ignored": {"node_modules/x/Dockerfile": FROM, ".hidden/Dockerfile": FROM},
    "deep": {"a/b/c/d/e/f/Dockerfile": FROM},
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path, git="none")
    git(repository.folder, "init", "-q", "-b", "main")
    return repository


def works(repository: Repository) -> ci_kaniko.Spec:
    """``init`` writes a spec, and everything that follows from it is fine; the spec."""
    before = repository.files()
    printed = repository.call("init", "--stdout")
    assert (printed.code, printed.err) == (0, "")
    assert repository.files() == before
    done = repository.call("init")
    assert (done.code, done.out) == (0, "")
    first, *steps = done.err.splitlines()
    assert first == "wrote ci-kaniko.yaml; next:"
    edited = steps[0].startswith("  edit ci-kaniko.yaml  # ")
    assert steps[edited] == "  ci-kaniko validate  # does it fit this checkout?"
    assert repository.text("ci-kaniko.yaml") == printed.out
    assert "\n\n\n" not in printed.out
    assert printed.out.endswith("\n")
    assert not printed.out.endswith("\n\n")
    spec = ci_kaniko.loads(printed.out)
    outputs = {target: paths for target, paths in spec.outputs if paths}
    assert outputs, "a first spec has something to sync"
    path = f"{spec.builds[0].context}/{spec.builds[0].dockerfile}".replace("$${", "${")
    if not (repository.folder / path).exists():
        assert "[missing-dockerfile]" in repository.call("validate").err
        before[path.removeprefix("./")] = FROM.encode()
        repository.write(path, FROM)
    assert repository.call("validate", "--strict").code == 0
    synced = repository.call("sync", "--strict")
    assert synced.code == 0, synced.err
    assert set(synced.err.split()[::4]) == {"created"}
    assert repository.call("check").code == 0
    after = repository.files()
    assert {name: after[name] for name in before} == before
    assert "hunter2" not in printed.out
    return spec


def fill(repository: Repository, files: dict[str, str]) -> None:
    for name, text in files.items():
        repository.write(name, text)


@pytest.mark.parametrize("remote", REMOTES, ids=lambda remote: remote[:40] or "none")
def test_any_remote(repository: Repository, remote: str) -> None:
    if remote:
        git(repository.folder, "remote", "add", "origin", remote)
    spec = works(repository)
    images = [destination.image for destination in spec.destinations]
    systems = {target for target, paths in spec.outputs if paths}
    if "gitlab" in remote:
        assert systems == {"gitlab"}
        assert "  compressed: false\n" in repository.text("ci-kaniko.yaml")
        assert not spec.registries
    elif "//github." in remote or "@github." in remote:
        assert systems == {"github"}
    if "github.com" in remote and "x" * 300 not in remote:
        assert not spec.registries
    assert images[0] == REMOTES[remote] + ":${commit.short}"


@pytest.mark.parametrize("kind", EXISTING)
def test_any_files(repository: Repository, kind: str) -> None:
    fill(repository, EXISTING[kind])
    works(repository)


@pytest.mark.parametrize("kind", ["gitlab", "github taken", "github file", "agola", "all"])
def test_any_files_of_a_project_on_github(repository: Repository, kind: str) -> None:
    git(repository.folder, "remote", "add", "origin", "git@github.com:acme/shop.git")
    fill(repository, EXISTING[kind])
    spec = works(repository)
    own = {login.github.use for login in spec.registries.values() if login.github}
    assert own == ({"ci-token"} if kind == "all" else set())


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        ("gitlab", {"gitlab": ".gitlab/ci/image.yml"}),
        ("gitlab taken", {"gitlab": ".gitlab/ci/image-2.yml"}),
        ("gitlab folder only", {"gitlab": ".gitlab-ci.yml"}),
        ("github", {"github": ".github/workflows/image.yml"}),
        ("github taken", {"github": ".github/workflows/image-2.yml"}),
        ("buildkite", {"buildkite": ".buildkite/image.yml"}),
        ("agola empty", {"agola": ".agola/config.yml"}),
        ("nothing", {"gitlab": ".gitlab-ci.yml"}),
        (
            "all",
            {
                "gitlab": ".gitlab/ci/image.yml",
                "github": ".github/workflows/image-2.yml",
                "buildkite": ".buildkite/pipeline.yml",
            },
        ),
    ],
)
def test_outputs_are_for_the_ci_that_is_there(
    repository: Repository, kind: str, targets: dict[str, str]
) -> None:
    fill(repository, EXISTING[kind])
    outputs = works(repository).outputs
    assert {target: files[0].path for target, files in outputs if files} == targets


@pytest.mark.parametrize(
    ("kind", "context", "dockerfile"),
    [
        ("nothing", ".", "Dockerfile"),
        ("one", ".", "Dockerfile"),
        ("blanks", "my service", "Dockerfile"),
        ("unicode", "Größe ✓", "é.Dockerfile"),
        ("comment", "a #b", "Dockerfile"),
        ("ignored", ".", "Dockerfile"),
        ("deep", ".", "Dockerfile"),
        ("controls", ".", "Dockerfile"),
        ("not text", ".", "Dockerfile"),
    ],
)
def test_one_dockerfile_is_one_image(
    repository: Repository, kind: str, context: str, dockerfile: str
) -> None:
    fill(repository, EXISTING[kind])
    exists = (repository.folder / context / dockerfile).exists()
    spec = works(repository)
    assert (spec.context, spec.dockerfile) == (context, dockerfile)
    assert not spec.images
    note = "# No Dockerfile was found" in repository.text("ci-kaniko.yaml")
    assert note != exists


@pytest.mark.parametrize(
    ("kind", "images"),
    [
        ("several", {"app": ".", "web": "web", "api": "api/docker Containerfile"}),
        ("below", {"api": "services/api", "web": "services/web"}),
        ("named", {"api": ". api.Dockerfile", "web": ". web.Dockerfile"}),
        ("yaml", {"x": "[x]", "a": "- a", "yes": "yes"}),
    ],
)
def test_several_dockerfiles_are_images(
    repository: Repository, kind: str, images: dict[str, str]
) -> None:
    fill(repository, EXISTING[kind])
    spec = works(repository)
    assert {
        name: f"{build.context} {build.dockerfile}".removesuffix(" Dockerfile")
        for name, build in spec.images.items()
    } == images
    for build in spec.builds:
        assert build.destinations[0].image.endswith(f"/{build.name}:${{commit.short}}")


def test_names_of_images_are_unique_and_valid(repository: Repository) -> None:
    for path in ("a/web", "b/web", "c/Web", "ü", "x" * 60, "web-3", "docker"):
        repository.write(f"{path}/Dockerfile", FROM)
    assert len(works(repository).images) == 7


def test_what_the_user_asks_for(repository: Repository) -> None:
    repository.write("Dockerfile", FROM)
    printed = repository.call(
        *("init", "--stdout", "--target", "github", "--target=buildkite"),
        *("--image", "registry.example.com/team/shop"),
    )
    spec = ci_kaniko.loads(printed.out)
    assert {name for name, files in spec.outputs if files} == {"github", "buildkite"}
    assert spec.destinations[0].image == "registry.example.com/team/shop:${commit.short}"
    login = spec.registries["registry.example.com"].default
    assert login
    assert (login.username, login.password) == ("team", "REGISTRY_PASSWORD")
    assert spec.cache
    assert spec.cache.repo == "registry.example.com/team/shop/cache"
    for target in ("github", "buildkite"):
        assert ci_kaniko.render(spec, target)
    hub = repository.call("init", "--stdout", "--image", "acme/shop", "--target", "agola").out
    assert ci_kaniko.render(ci_kaniko.loads(hub), "agola")
    assert "acme/shop-cache" in hub
    own = repository.call("init", "--stdout", "--image", "${registry.image}").out
    assert ci_kaniko.render(ci_kaniko.loads(own), "gitlab")
    assert "registries:" not in own


@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "jenkins"],
        ["--image", "ghcr.io/acme/shop:1.0"],
        ["--image", "ghcr.io/Acme/shop"],
        ["--image", "shop"],
        ["--image", "ghcr.io/${branch}/shop"],
        ["--image", "${env.HOST}/acme/shop"],
        ["--image", "a", "--image", "b"],
        ["--merge"],
    ],
    ids=" ".join,
)
def test_what_nobody_can_ask_for(repository: Repository, arguments: list[str]) -> None:
    done = repository.call("init", *arguments)
    assert (done.code, done.out) == (2, "")
    assert not (repository.folder / "ci-kaniko.yaml").exists()


PIPELINES = {
    "gitlab": (".gitlab-ci.yml", "test:\n  script: [make]\n", 'add "- local: .gitlab/ci/'),
    "buildkite": (".buildkite/pipeline.yml", "steps:\n  - command: make\n", "pipeline upload"),
    "agola": (
        ".agola/config.yml",
        "version: v0\n\nruns:\n  - name: test\n    tasks:\n      - name: a\n",
        "mode: merge",
    ),
}


@pytest.mark.parametrize("target", PIPELINES)
def test_a_pipeline_that_is_there(repository: Repository, target: str) -> None:
    """The next steps say how to use both; --merge writes a spec that puts jobs into it."""
    path, text, way = PIPELINES[target]
    repository.write("Dockerfile", FROM)
    repository.write(path, text)
    said = repository.call("init").err
    assert way in said
    assert f"{{path: {path}, mode: merge}}" in said
    assert "import" not in said
    (repository.folder / "ci-kaniko.yaml").unlink()
    done = repository.call("init", "--merge")
    assert f"\n  ci-kaniko sync  # writes {path}\n" in done.err
    assert "mode: merge" not in done.err
    assert repository.call("validate", "--strict").code == 0
    assert repository.call("sync").err == f"updated {path} for {target}\n"
    assert "/kaniko/executor" in repository.text(path)
    for line in text.splitlines():
        assert line in repository.text(path)


@pytest.mark.parametrize("stages", ["", "stages: [build]\n"], ids=["no stages", "stages"])
@pytest.mark.parametrize("target", PIPELINES)
def test_the_other_way_to_use_a_pipeline_works(
    repository: Repository, target: str, stages: str
) -> None:
    path, text, _ = PIPELINES[target]
    repository.write("Dockerfile", FROM)
    repository.write(path, stages * (target == "gitlab") + text)
    said = re.search(
        r'write "(?P<outputs>outputs: [^"]+)" into the spec'
        r'(?: and (?:"(?P<new>[^"]+)" in place of|remove) "(?P<old>[^"]+)")?',
        repository.call("init").err,
    )
    assert said
    spec = re.sub(r"(?ms)^outputs:.*", said["outputs"] + "\n", repository.text("ci-kaniko.yaml"))
    repository.write("ci-kaniko.yaml", spec.replace(said["old"] or "\0", said["new"] or ""))
    assert repository.call("validate", "--strict").err == ""
    assert repository.call("sync").err == f"updated {path} for {target}\n"


def test_a_dockerfile_of_a_submodule_is_fetched(repository: Repository) -> None:
    repository.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n')
    for path in ("lib/Dockerfile", "app/Dockerfile"):
        repository.write(path, FROM)
        text = repository.call("init", "--stdout").out
        assert ci_kaniko.loads(text).checkout == ci_kaniko.Checkout(submodules="recursive")
    repository.call("init")
    assert repository.call("validate", "--strict").code == 0


def test_a_file_for_gitlabs_include_takes_nothing_from_it(repository: Repository) -> None:
    repository.write("Dockerfile", FROM)
    repository.write(".gitlab-ci.yml", "default: {before_script: [exit 1]}\n")
    assert repository.call("init").code == 0
    assert repository.call("sync").code == 0
    job = yaml11.load(repository.text(".gitlab/ci/image.yml"))["build-image"]
    assert job["inherit"] == {"default": ["tags", "timeout"]}


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        ("stages: [lint, build, deploy]", "build"),
        ("stages:\n  # first\n  - lint # fast\n\n  - 'ship it'\n", "lint"),
        ("stages:\n- test\n- build", "build"),
        ("stages: [build, test, docker]", "docker"),
        ("stages: [build, test, deploy]\ny: {script: [make], artifacts: {paths: [x]}}", None),
        ("stages: [lint, test]", None),
        ("variables: {stages: none}", None),
    ],
)
def test_a_stage_that_gitlab_knows(repository: Repository, stages: str, wanted: str | None) -> None:
    """Without a word a job is in the stage test, which a list of stages may leave out."""
    repository.write("Dockerfile", FROM)
    for arguments, path in (((), ".gitlab/ci/image.yml"), (("--merge",), ".gitlab-ci.yml")):
        repository.write(".gitlab-ci.yml", f"{stages}\nx: {{script: [make], stage: .pre}}\n")
        assert repository.call("init", *arguments).code == 0
        assert repository.call("validate", "--strict").code == 0
        assert repository.call("sync").code == 0
        job = yaml11.load(repository.text(path))["build-image"]
        assert job.get("stage") == wanted
        (repository.folder / "ci-kaniko.yaml").unlink()


def test_github_has_nothing_to_merge_into(repository: Repository) -> None:
    repository.write(".github/workflows/test.yml", "on: push\n")
    done = repository.call("init", "--merge")
    assert done.code == 2
    assert "GitHub reads every workflow" in done.err


@pytest.mark.parametrize("others", [[], ["--target", "gitlab"]])
def test_no_manifest_is_committed(repository: Repository, others: list[str]) -> None:
    """It holds one commit, and a spec that says so could never be synchronized."""
    repository.write("Dockerfile", FROM)
    done = repository.call("init", "--target", "kubernetes", *others)
    assert "\n  ci-kaniko render kubernetes | kubectl create -f -  # " in done.err
    assert "\n  ci-kaniko setup kubernetes  # " in done.err
    assert repository.call("sync").code == (0 if others else 1)
    assert "kubernetes:" not in repository.text("ci-kaniko.yaml")


@pytest.mark.parametrize(
    ("remote", "arguments", "examples"),
    [
        ("", [], "ghcr.io/acme/shop and gitlab are examples"),
        ("", ["--target", "buildkite"], "ghcr.io/acme/shop is an example"),
        ("", ["--image", "quay.io/team/web"], "gitlab is an example"),
        ("", ["--target", "github", "--image", "quay.io/team/web"], ""),
        ("https://bitbucket.org/team/web", [], "docker.io/team/web and gitlab are examples"),
        ("https://gitlab.com/team/web", [], ""),
        ("https://github.com/acme/shop", [], ""),
    ],
)
def test_what_is_only_an_example_is_said(
    repository: Repository, remote: str, arguments: list[str], examples: str
) -> None:
    if remote:
        git(repository.folder, "remote", "add", "origin", remote)
    step = repository.call("init", *arguments).err.splitlines()[1]
    assert step.startswith("  edit ") == bool(examples)
    assert f"# {examples}: " in step or not examples


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".gitlab-ci.yml", "build:\n  script: [docker build -t a ., docker push a]\n"),
        (".github/workflows/a.yml", "steps: [{uses: docker/build-push-action@v6}]\n"),
        ("Jenkinsfile", "docker.build('a').push()\n"),
    ],
)
def test_a_pipeline_that_builds_otherwise_can_be_imported(
    repository: Repository, path: str, text: str
) -> None:
    repository.write(path, text)
    said = repository.call("init").err
    assert f"\n  ci-kaniko import {path}  # it builds images already" in said


def test_a_workflow_that_runs_kaniko_can_be_imported(repository: Repository) -> None:
    repository.write(".github/workflows/test.yml", "on: push\n")
    repository.write(".github/workflows/a b.yml", "on: push # aevea/action-kaniko\n")
    said = repository.call("init").err
    assert said.count(" import ") == 1
    assert "\n  ci-kaniko import '.github/workflows/a b.yml'  # " in said


def test_a_pipeline_that_runs_kaniko_can_be_imported(repository: Repository) -> None:
    repository.write(".gitlab-ci.yml", "build:\n  script: [/kaniko/executor --no-push]\n")
    said = repository.call("init").err
    assert "\n  ci-kaniko import .gitlab-ci.yml  # it builds images already" in said


def test_every_next_step_can_be_taken(repository: Repository) -> None:
    repository.write("Dockerfile", FROM)
    repository.write(".gitlab-ci.yml", "build:\n  script: [/kaniko/executor --no-push]\n")
    lines = repository.call("init").err.splitlines()
    commands = [line.partition("  #")[0].split() for line in lines if line[:12] == "  ci-kaniko "]
    assert [words[1] for words in commands] == ["validate", "import", "sync", "setup"]
    for words in commands:
        assert repository.call(*words[1:]).code == 0
    (folds,) = (line for line in lines if ">> .gitattributes" in line)
    subprocess.run([*tools.shell(), "-c", folds], cwd=repository.folder, check=True)
    assert ".gitlab/ci/image.yml: gitlab-generated: set" in git(
        repository.folder, "check-attr", "gitlab-generated", ".gitlab/ci/image.yml"
    )
    (repository.folder / "ci-kaniko.yaml").unlink()
    (repository.folder / ".gitlab/ci/image.yml").unlink()
    assert ">> .gitattributes" not in repository.call("init").err


@pytest.mark.parametrize(
    ("copied", "files", "context"),
    [
        ("COPY package.json ./", ["package.json"], "."),
        ('ADD ["src/", "/x/"]', ["src/a"], "."),
        ("COPY /main.go .", ["main.go", "docker/main.go"], "docker"),
        ("COPY conf main.go ./", ["docker/conf", "main.go"], "docker"),
        ("COPY . .", ["main.go"], "docker"),
        ("COPY --from=base main.go .", ["main.go"], "docker"),
        ("COPY $FILE *.go none.go .", ["main.go"], "docker"),
    ],
)
def test_a_dockerfile_is_built_from_where_its_files_are(
    repository: Repository, copied: str, files: list[str], context: str
) -> None:
    repository.write("docker/Dockerfile", f"FROM scratch AS base\nFROM scratch\n{copied}\n")
    for file in files:
        repository.write(file, "")
    spec = works(repository)
    assert spec.context == context
    assert spec.dockerfile == ("docker/Dockerfile" if context == "." else "Dockerfile")


def test_secrets_that_a_dockerfile_mounts_have_a_name(repository: Repository) -> None:
    repository.write("Dockerfile", MOUNTS)
    spec = works(repository)
    assert spec.build_secrets == {
        "npm": "NPM_SECRET",
        "npm_token": "NPM_TOKEN",
        "github.token": "BUILD_GITHUB_TOKEN",
        "2x": "BUILD_2X_SECRET",
        "PATH": "PATH_SECRET",
    }
    assert repository.call("validate").err == ""


@pytest.mark.parametrize(
    ("branches", "remote_head", "wanted"),
    [
        (["main"], "", "main"),
        (["master"], "", "master"),
        (["trunk", "fix"], "", "trunk"),
        (["main", "fix"], "", "main"),
        (["fix"], "", "fix"),
        (["fix"], "develop", "develop"),
        (["release/1.x"], "", "release/1.x"),
        (["on"], "", "on"),
        (["1.10"], "", "1.10"),
        (["ü"], "", "ü"),
        (["a{b"], "", "main"),  # no branch that a spec can name
    ],
)
def test_the_default_branch(
    repository: Repository, branches: list[str], remote_head: str, wanted: str
) -> None:
    git(repository.folder, "checkout", "-q", "-b", branches[0])
    git(repository.folder, "commit", "-q", "--allow-empty", "-m", "first")
    for name in branches[1:]:
        git(repository.folder, "checkout", "-q", "-b", name)
    if remote_head:
        git(repository.folder, "update-ref", f"refs/remotes/origin/{remote_head}", "HEAD")
        target = f"refs/remotes/origin/{remote_head}"
        git(repository.folder, "symbolic-ref", "refs/remotes/origin/HEAD", target)
    assert works(repository).default_branch == wanted


def test_a_detached_head(repository: Repository) -> None:
    git(repository.folder, "commit", "-q", "--allow-empty", "-m", "first")
    git(repository.folder, "tag", "v1")
    git(repository.folder, "checkout", "-q", "v1")
    assert works(repository).default_branch == "main"


def test_without_git(tmp_path: Path) -> None:
    repository = Repository(tmp_path, git="none")
    repository.write("Dockerfile", FROM)
    works(repository)


def test_without_the_program_git(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = repository.call("init", PATH=str(tmp_path / "empty"))
    assert done.code == 0
    assert ci_kaniko.load(repository.folder / "ci-kaniko.yaml").default_branch == "main"


def test_links_that_lead_out_are_left_alone(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in (".github", ".buildkite"):
        (repository.folder / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "workflows").mkdir()
    (repository.folder / ".gitlab-ci.yml").symlink_to("nowhere.yml")
    works(repository)
    assert [path.name for path in (tmp_path / "elsewhere").rglob("*")] == ["workflows"]
    assert not (repository.folder / "nowhere.yml").exists()


@pytest.mark.parametrize("below", [".", "services/shop"])
@pytest.mark.parametrize("name", ["ci-kaniko.yaml", "ci-kaniko.yml", "ci-kaniko.json"])
def test_a_spec_is_never_overwritten(repository: Repository, name: str, below: str) -> None:
    (repository.folder / "services/shop").mkdir(parents=True)
    repository.write(name, "push: never\n")
    before = repository.files()
    done = repository.call("init", below=below)
    path = os.path.relpath(name, below)
    assert done == (1, "", f"{path}: there is a spec already; --stdout prints a new one\n")
    assert repository.files() == before
    assert repository.call("init", "--stdout", below=below).code == 0


def test_a_link_or_folder_of_that_name_is_never_overwritten(repository: Repository) -> None:
    (repository.folder / "ci-kaniko.yaml").symlink_to("nowhere")
    assert repository.call("init").code == 1
    (repository.folder / "ci-kaniko.yaml").unlink()
    (repository.folder / "ci-kaniko.yaml").mkdir()
    assert repository.call("init").code == 1
    assert not (repository.folder / "nowhere").exists()


def test_the_spec_lies_at_the_root(repository: Repository) -> None:
    (repository.folder / "services/shop").mkdir(parents=True)
    done = repository.call("init", below="services/shop")
    assert done.code == 0
    assert done.err.splitlines()[:2] == [
        "wrote ../../ci-kaniko.yaml; next:",
        "  cd ../..  # the root of the repository",
    ]
    assert repository.call("sync", below="services/shop").code == 0


def test_a_folder_that_cannot_be_written(repository: Repository) -> None:
    repository.folder.chmod(0o555)
    done = repository.start("init", prefix=unprivileged())
    repository.folder.chmod(0o755)
    assert done == (1, "", "ci-kaniko: ci-kaniko.yaml: Permission denied\n")


def test_a_first_spec_reads_well(repository: Repository) -> None:
    """No blank is left over, comments come before what they explain, prettier would agree."""
    git(repository.folder, "remote", "add", "origin", "git@github.com:acme/shop.git")
    repository.write("Dockerfile", FROM)
    works(repository)
    text = repository.text("ci-kaniko.yaml")
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    first, *others = text.splitlines()
    assert first.startswith("# yaml-language-server: $schema=https://")
    assert first.endswith(f"/v{ci_kaniko.__version__}/docs/ci-kaniko.schema.json")
    assert max(map(len, others)) < 100
    assert text.count("#") == text.count("\n#") + 1


@pytest.mark.parametrize("target", ["gitlab", "github"])
def test_a_first_spec_pushes_what_a_release_is_known_by(
    repository: Repository, target: str
) -> None:
    git(repository.folder, "remote", "add", "origin", "git@github.com:acme/shop.git")
    repository.write("Dockerfile", FROM)
    assert repository.call("init", "--target", target, "--image", "quay.io/acme/shop").code == 0
    text = repository.text("ci-kaniko.yaml")
    branch = expectation.read(text).data["default_branch"]
    release = Event(name="release", tag="v1.2.3", default_branch=branch)
    pushed = {
        event: _pushed(text, target, event)
        for event in (
            release,
            replace(release, tag="v2.0.0-rc.1"),
            replace(release, tag="nightly"),
            replace(release, tag="", branch=branch),
        )
    }
    assert [*pushed.values()] == [
        ["12345e67", "1.2.3", "1.2", "1", "latest"],
        ["12345e67", "2.0.0-rc.1"],
        ["12345e67"],
        ["12345e67"],
    ]


def _pushed(text: str, target: str, event: Event) -> list[str]:
    """The tags that the rendered script pushes."""
    rendered = rendering.render(ci_kaniko.loads(text), target)
    got = execute(Run(expectation.read(text), target, event), rendered, SHELLS[0])
    assert got.status == 0, got.stderr
    words = got.argv or ()
    return [word.rpartition(":")[2] for word in words if word.startswith("--destination=")]


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop"),
        ("git@github.com:123/shop.git", "https://github.com/123/shop"),
        ("github:acme/shop", "https://github/acme/shop"),
        ("ssh://git@host:2222/123/shop.git", "https://host/123/shop"),
        ("ssh://host/acme/shop", "https://host/acme/shop"),
        ("https://me:pw@gitlab.com/a/b.git/", "https://gitlab.com/a/b"),
        ("http://host:80/a/b", "https://host:80/a/b"),
        ("git@h:~x/y.git", "https://h/~x/y"),
        ("git@ssh.dev.azure.com:v3/a/b/c", "https://dev.azure.com/a/b/_git/c"),
        ("a@vs-ssh.visualstudio.com:v3/a/b/c", "https://dev.azure.com/a/b/_git/c"),
        *((remote, "") for remote in ("", "/srv/x.git", "./a:b", "../x", "C:/x", "C:\\x")),
        *((remote, "") for remote in ("file:///x", "git://h/a", "https://github.com", "x")),
    ],
)
def test_the_page_of_a_remote(remote: str, page: str) -> None:
    assert https_url(remote) == page
