"""A target that somebody else has installed goes through every command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import Event
from harness import forked, tools
from harness.cases import ROOT
from harness.repository import PACKAGE, Done, Repository, git

if TYPE_CHECKING:
    from typing import Any

FOREIGN = Path(__file__).parents[1] / "foreign_target"
BESIDE = {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{FOREIGN}"}
SPEC = """\
default_branch: main
destinations: ["ghcr.io/acme/shop:${commit.sha}"]
registries: {ghcr.io: {default: {username: acme-bot, password: GHCR_TOKEN}, acme: anonymous}}
acme: {queue: large}
outputs: {acme: .acme.yml}
"""
SEVERAL = """\
default_branch: main
destinations: ["ghcr.io/acme/${image.name}:${commit.sha}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
images:
  api: {context: api, acme: {queue: small}}
  web: {context: web}
outputs: {acme: .acme.yml, gitlab: .gitlab-ci.yml}
"""


class Project(Repository):
    def installed(self, *arguments: str, code: int = 0) -> Done:
        """Run ``ci-kaniko`` beside the target."""
        done = self.run(*arguments, environment=BESIDE)
        assert done.code == code, done.err
        return done

    def jobs(self, *arguments: str) -> Any:
        return yaml11.load(self.installed("render", "acme", *arguments).out)["jobs"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path, git="none")
    found.write("ci-kaniko.yaml", SPEC)
    for folder in (".", "api", "web"):
        found.write(f"{folder}/Dockerfile", "FROM scratch\n")
    git(found.folder, "init", "--initial-branch=main")
    git(found.folder, "add", ".")
    git(found.folder, "commit", "--message=first")
    return found


def test_it_is_rendered_and_kept_in_sync(project: Project) -> None:
    assert project.jobs()["build"]["queue"] == "large"
    assert "fine for acme" in project.installed("validate").out
    assert "missing" in project.installed("check", code=1).err
    project.installed("sync")
    assert "GHCR_TOKEN" not in project.text(".acme.yml")
    project.installed("check")
    project.installed("check")
    project.write(".acme.yml", project.text(".acme.yml").replace("large", "small"))
    assert "+    queue: large" in project.installed("check", code=1).out


@pytest.mark.parametrize("triggers", ["", "triggers: {branches: [main]}\n"])
@pytest.mark.parametrize(("event", "pushes"), [("default-branch", True), ("pull-request", False)])
def test_it_is_rehearsed(project: Project, event: str, triggers: str, *, pushes: bool) -> None:
    """Its file says nothing of events, so a script never takes it for granted what started it."""
    tools.shell()
    project.write("ci-kaniko.yaml", SPEC.replace(", acme: anonymous", "") + triggers)
    done = project.installed("rehearse", "acme", "--event", event, "--format", "json")
    job, *others = json.loads(done.out)["jobs"]
    assert not others
    assert job["arguments"] == [
        "--context=dir:///workspace/acme",
        "--dockerfile=/workspace/acme/Dockerfile",
        f"--destination=ghcr.io/acme/shop:{Event(name=event).sha}" if pushes else "--no-push",
    ]


def test_what_a_rehearsal_lacks_is_said(project: Project, tmp_path: Path) -> None:
    """Of a target without a runner, and of one whose platform has no engine."""
    engine = project.installed("rehearse", "acme", "--engine", code=2)
    assert "no engine for acme: gitlab-ci-local for gitlab, act for github" in engine.err
    bare = tmp_path / "bare"
    shutil.copytree(FOREIGN, bare)
    module = bare / "acme_ci/__init__.py"
    lines = module.read_text().splitlines(keepends=True)
    module.write_text("".join(line for line in lines if "runner=" not in line))
    beside = {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{bare}"}
    done = project.run("rehearse", "acme", environment=beside)
    assert done.code == 2
    assert "nobody says how acme runs a job: its Target takes a runner" in done.err


def test_it_is_merged_into_a_file_of_somebody(project: Project) -> None:
    project.write(".acme.yml", "jobs:\n  test:\n    script: make test\n")
    project.write(
        "ci-kaniko.yaml", SPEC.replace("acme: .acme.yml", "acme: {path: .acme.yml, mode: merge}")
    )
    project.installed("sync")
    assert [*yaml11.load(project.text(".acme.yml"))["jobs"]] == ["test", "build"]
    project.installed("check")


def test_it_says_how_it_is_set_up(project: Project) -> None:
    project.write("ci-kaniko.yaml", SPEC.replace(", acme: anonymous", ""))
    found = json.loads(project.installed("setup", "acme", "--format=json").out)
    assert found[0]["steps"] == ["acme secret set GHCR_TOKEN < FILE_WITH_THE_VALUE"]


def test_a_first_spec_is_written_for_it(project: Project) -> None:
    text = project.installed("init", "--target=acme", "--stdout").out
    assert "  acme: .acme.yml\n" in text
    project.write("ci-kaniko.yaml", text)
    project.installed("validate")


PIPELINES = {
    "shell": """\
mkdir -p /kaniko/.docker
auth=$(printf '%s:%s' acme-bot "$GHCR_TOKEN" | base64 | tr -d '\\n')
printf '{"auths":{"ghcr.io":{"auth":"%s"}}}' "$auth" > /kaniko/.docker/config.json
/kaniko/executor --context=dir://. --destination=ghcr.io/acme/shop:1.0 --build-arg=A=b
""",
    "gitlab": """\
build:
  image: {name: "gcr.io/kaniko-project/executor:debug", entrypoint: [""]}
  script:
    - auth=$(printf '%s:%s' acme-bot "$GHCR_TOKEN" | base64 | tr -d '\\n')
    - printf '{"auths":{"ghcr.io":{"auth":"%s"}}}' "$auth" > /kaniko/.docker/config.json
    - /kaniko/executor --context "dir://$CI_PROJECT_DIR" --dockerfile "$CI_PROJECT_DIR/Dockerfile"
      --destination ghcr.io/acme/shop:1.0 --build-arg A=b
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
""",
}


@pytest.mark.parametrize("platform", PIPELINES)
def test_a_pipeline_becomes_one_of_its(project: Project, platform: str) -> None:
    project.write("pipeline", PIPELINES[platform])
    done = project.installed("import", "pipeline", f"--from={platform}", "--to=acme")
    script = yaml11.load(done.out)["jobs"]["build"]["script"]
    for word in ("--destination=ghcr.io/acme/shop:1.0", "--build-arg=A=b", "GHCR_TOKEN:?"):
        assert word in script
    assert "is ghcr.io/acme/shop:1.0 [destination]" in done.err


def test_what_it_cannot_do_is_said_of_an_import(project: Project) -> None:
    project.write(
        "ci.yml",
        "build:\n  image: gcr.io/kaniko-project/executor:debug\n"
        "  script: /kaniko/executor --context . --destination $CI_REGISTRY_IMAGE:1.0\n",
    )
    assert "Acme" in project.installed("import", "ci.yml", "--from=gitlab", "--to=acme", code=1).err
    done = project.installed("import", "ci.yml", "--from=acme", code=2)
    assert '"acme" is not one of: ' in done.err


def test_images_have_sections_of_their_own(project: Project) -> None:
    project.write("ci-kaniko.yaml", SEVERAL)
    jobs = project.jobs()
    assert {name: job["queue"] for name, job in jobs.items()} == {
        "build-api": "small",
        "build-web": "default",
    }
    project.installed("sync")
    project.installed("check")


def test_only_what_has_changed_is_rendered(project: Project) -> None:
    project.write("ci-kaniko.yaml", SEVERAL)
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--message=several")
    project.write("web/a", "a")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--message=web")
    assert [*project.jobs("--changed-since=HEAD~1")] == ["build-web"]
    assert project.jobs("--changed-since=HEAD") == {}


def test_an_input_that_nobody_gives_has_its_default(project: Project) -> None:
    project.write(
        "ci-kaniko.yaml",
        SPEC + "inputs: {channel: {default: dev}}\nlabels: {a: '${input.channel}'}\n",
    )
    assert "--label=a=dev" in project.jobs()["build"]["script"]


def test_it_is_listed_and_described(project: Project) -> None:
    assert "Acme CI" in project.installed("targets").out
    schema = json.loads(project.installed("schema").out)
    assert "queue" in json.dumps(schema["$defs"]["Acme"])
    assert {"acme"} <= schema["properties"].keys() & schema["$defs"]["Outputs"]["properties"].keys()


def test_it_has_its_rows_in_the_pages(project: Project) -> None:
    """What works where, and the fields, by the command that the page on targets shows."""
    page = (ROOT / "docs" / "adding-a-target.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"(?m)^python3 docs/make --into \S+ (.+)$", page)
    words = ("--into", ".", *shown.split())
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/make"), *words],
        cwd=project.folder,
        env={**os.environ, **BESIDE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    works, fields = project.text("matrix.md"), project.text("spec.md")
    assert "| variable | GitLab |" in works
    columns = works.count("| Acme CI |\n")
    assert columns == works.count("| Kubernetes | Acme CI |\n") > 5
    last = {
        cells[1].strip(): cells[-2].strip()
        for cells in (line.split("|") for line in works.splitlines())
        if len(cells) > 3
    }
    assert last["`${commit.sha}`"] == "`ACME_COMMIT`"
    assert last["`${ref.slug}`"] == "computed"
    assert last["`{tag: GLOBS}`"] == "yes"
    assert last["`pull_requests`"] == "yes"
    unheard = ("`schedules`", "`manual`", "`pipelines`", "`triggers.paths`", "`needs` of an image")
    refused_by_acme = ("`${repository.owner}`", "`${build.id}`", "`ci-token`", "`prepare`")
    for refused in (*refused_by_acme, *unheard):
        assert last[refused].startswith("no ("), refused
    assert "## Acme\n\nAcme CI." in fields
    assert "| `acme` | [Acme](#acme)" in fields


def test_its_settings_are_checked(project: Project) -> None:
    project.write("ci-kaniko.yaml", SPEC.replace("queue: large", "queues: large"))
    assert 'did you mean "queue"?' in project.installed("validate", code=1).err


def test_without_it_the_words_are_unknown(project: Project) -> None:
    done = project.run("validate")
    assert done.code == 1
    for told in ('4:1: unknown key "acme"', '5:11: unknown key "acme"'):
        assert told in done.err
    assert 'unknown target "acme"' in project.run("render", "acme").err


def test_a_spec_that_is_built_in_python_has_its_section() -> None:
    program = """
import ci_kaniko
old = ci_kaniko.Spec(push="never")
print(ci_kaniko.Spec(push="never", acme={"queue": "large"}).acme.queue, old.acme.queue)
print(ci_kaniko.render(old, "acme").count("--no-push"))
"""
    done = forked.run(code=program, environment={**os.environ, **BESIDE})
    assert done.stdout.split() == [b"large", b"default", b"1"], done.stderr


@pytest.mark.parametrize(
    "words", [["render"], ["validate"], ["setup"], ["render", "-o", ".acme.yml"]]
)
def test_a_spec_that_does_not_name_the_target_serves_it(project: Project, words: list[str]) -> None:
    plain = "default_branch: main\npush: never\ndockerfile: Dockerfile\n"
    project.write("ci-kaniko.yaml", plain)
    project.installed(words[0], "acme", *words[1:])


def test_a_spec_that_was_read_before_serves_it(project: Project) -> None:
    code = (
        "import ci_kaniko; from ci_kaniko.requirements import requirements\n"
        "spec = ci_kaniko.loads('push: never')\n"
        "assert 'jobs' in ci_kaniko.render(spec, 'acme')\n"
        "requirements(spec, 'acme')\n"
        "acme = ci_kaniko.available_targets()['acme']\n"
        "assert ci_kaniko.render(spec, acme) == ci_kaniko.render(spec, 'acme')\n"
        "assert ci_kaniko.check(spec, acme) == ci_kaniko.check(spec, [acme, 'gitlab']) == []\n"
        "assert ci_kaniko.Spec.model_validate({'push': 'never', 'acme': {}}).acme is not None\n"
    )
    environment = {**os.environ, **BESIDE}
    assert forked.run(code=code, environment=environment).returncode == 0


def test_threads_may_meet_the_target_at_once() -> None:
    code = (
        "import ci_kaniko\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Barrier\nimport sys\nsys.setswitchinterval(1e-6)\n"
        "barrier = Barrier(8)\n"
        "def work(number):\n"
        "    barrier.wait()\n"
        "    spec = ci_kaniko.Spec.model_validate({'push': 'never', 'acme': {}})\n"
        "    return ci_kaniko.render(spec, 'acme')\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    assert len({*pool.map(work, range(8))}) == 1\n"
        "from ci_kaniko.kaniko.systems import ADOPTED\nassert ADOPTED == ['acme']\n"
    )
    done = forked.run(code=code, environment={**os.environ, **BESIDE})
    assert done.returncode == 0, done.stderr.decode()[-2000:]


@pytest.mark.parametrize("words", [["render", "broken"], ["targets"], ["validate", "broken"]])
def test_a_target_that_does_not_load_is_told_by_its_distribution(
    tmp_path: Path, words: list[str]
) -> None:
    metadata = tmp_path / "site" / "broken_ci-0.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-ci\nVersion: 0.3\n")
    points = "[ci_kaniko.targets]\nbroken = broken_ci:TARGET\n"
    (metadata / "entry_points.txt").write_text(points)
    project = Project(tmp_path / "project", git="none")
    project.write("ci-kaniko.yaml", "push: never\n")
    done = project.run(
        *words, environment={"PYTHONPATH": f"{PACKAGE}{os.pathsep}{metadata.parent}"}
    )
    assert done.code == 1
    assert done.err == (
        'ci-kaniko: target "broken" of broken-ci 0.3 cannot be loaded: '
        "ModuleNotFoundError: No module named 'broken_ci'\n"
    )


def test_a_variable_that_it_does_not_tell_is_refused_where_it_is_used() -> None:
    """Each of those that it may be asked for, by three specs that ask."""
    program = """
import pathlib
import acme_ci, ci_kaniko
from ci_kaniko.shell.dialect import Impossible

tells, asked, hidden = acme_ci._Dialect.cell, set(), ""

def cell(self, name, plan):
    asked.add(name)
    return Impossible("it is hidden", "write it") if name == hidden else tells(self, name, plan)

acme_ci._Dialect.cell = cell
files = sorted(pathlib.Path("src/ci_kaniko/testing/specs").iterdir())
specs = [ci_kaniko.loads(file.read_text()) for file in files]
asking = {}
for spec in specs:
    asked.clear()
    try:
        ci_kaniko.render(spec, "acme")
    except ci_kaniko.SpecError:
        continue
    for name in asked:
        asking.setdefault(name, []).append(spec)
for hidden, found in asking.items():
    for spec in (*found[:2], found[-1]):
        asked.clear()
        try:
            ci_kaniko.render(spec, "acme")
        except ci_kaniko.SpecError as error:
            assert any("it is hidden" in problem.message for problem in error.problems), error
            assert all(problem.where for problem in error.problems), (hidden, error.problems)
        else:
            assert hidden not in asked or hidden in {"version", "ref.version"}, hidden
print(*sorted(asking))
"""
    done = forked.run(code=program, environment={**os.environ, **BESIDE}, folder=ROOT)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    asked = {*done.stdout.decode().split()}
    assert {"branch", "commit.sha", "default_branch", "repository.url"} <= asked
