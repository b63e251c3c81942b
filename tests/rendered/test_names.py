"""Names are unique where the platform keeps them: in a repository, a pipeline, a whole build."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.builders.registry import builder
from ci_kaniko.kaniko.builders import BUILDER_NAMES, BUILDERS
from ci_kaniko.plan.names import SHELL_NAMES, SHELL_PREFIXES
from ci_kaniko.rehearsing import expressions, yaml11
from ci_kaniko.rehearsing.buildkite_upload import upload
from ci_kaniko.syncing.compare import compare
from harness import tools
from harness.cases import SNAPSHOTS, snapshots
from harness.execution import rehearse
from harness.preview import previewed
from harness.repository import SPEC, Repository

if TYPE_CHECKING:
    from pathlib import Path


def written(text: str, root: Path) -> dict[str, str]:
    """The outputs of a spec by their paths."""
    found = compare(ci_kaniko.loads(text, "ci-kaniko.yaml"), str(root))
    assert not found.problems
    return {output.path: output.expected for output in found.outputs}


def problems(text: str, target: str) -> list[tuple[str, str]]:
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendering.render(ci_kaniko.loads(text), target)
    return [(problem.rule, problem.hint) for problem in error.value.problems]


# -- scripts ----------------------------------------------------------------------------------

_ASSIGNED = re.compile(
    r"^ *(?:export )?([a-z]\w*)=|\bfor (\w+)(?: in|;)|\bread -r (\w+)", re.MULTILINE
)
_WITHIN = re.compile(r"^( *)\w+\(\) \(\n.*?^\1\)$", re.MULTILINE | re.DOTALL)
"""A function with a shell of its own: what it sets is gone when it ends."""


def test_what_a_script_sets_is_no_name_of_a_variable_of_the_user() -> None:
    for one in BUILDERS:
        assert BUILDER_NAMES[one] == {*builder(one).unset, *builder(one).env}
    set_by_us: set[str] = set()
    for path in SNAPSHOTS.rglob("*.y*ml"):
        found = _ASSIGNED.findall(_WITHIN.sub("", path.read_text()))
        set_by_us |= {name for names in found for name in names if name}
    taken = {name for name in set_by_us if not name.startswith(SHELL_PREFIXES)}
    assert taken - SHELL_NAMES == {"service"}  # of commands that prepare
    assert {"folder", "settings"} <= taken


# -- pods -------------------------------------------------------------------------------------

_LISTS = dict.fromkeys(("env", "volumes", "containers", "initContainers"), "name")
_LISTS |= {"volumeMounts": "mountPath"}


def _twice(node: Any) -> list[str]:
    """What stands twice in a list of a pod whose entries are told apart by that."""
    if isinstance(node, list):
        return [name for item in node for name in _twice(item)]
    if not isinstance(node, dict):
        return []
    found = _twice([*node.values()])
    for key in node.keys() & _LISTS.keys():
        items = node[key] if isinstance(node[key], list) else []
        names = [item[_LISTS[key]] for item in items if _LISTS[key] in item]
        found += [f"{key} {name}" for name in {*names} if names.count(name) > 1]
    return found


def test_no_list_of_a_pod_names_anything_twice() -> None:
    """An API server takes the last of two variables and warns, and refuses two volumes."""
    assert _twice({"env": [{"name": "A"}, {"name": "B"}, {"name": "A"}]}) == ["env A"]
    for target in ("kubernetes", "buildkite"):
        for path in snapshots(target):
            documents = [*yaml.load_all(path.read_text(), yaml.CSafeLoader)]
            assert _twice(documents) == [], path.name


# -- GitHub -----------------------------------------------------------------------------------

_TWO_WORKFLOWS = """
default_branch: main
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
registries: {ghcr.io: ci-token}
images:
  api: {context: services/api, triggers: {branches: main, pull_requests: true, paths: ["api/**"]}}
  web: {context: services/web, triggers: {branches: main, pull_requests: true, paths: ["web/**"]}}
  docs: {context: docs}
outputs:
  github:
    - {path: .github/workflows/services.yml, only: [api, web]}
    - {path: .github/workflows/docs.yml, only: docs}
"""


def run_of(path: str, run: int, *, request: int | None = None, ref: str = "") -> expressions.Known:
    ref = ref or (f"refs/pull/{request}/merge" if request else "refs/heads/main")
    return {
        "github.workflow_ref": f"acme/shop/{path}@{ref}",
        "github.run_id": str(run),
        "github.event.pull_request.number": str(request or ""),
    }


def test_each_workflow_has_a_name_and_checks_of_its_own(tmp_path: Path) -> None:
    files = written(_TWO_WORKFLOWS, tmp_path)
    workflows = [yaml11.load(text) for text in files.values()]
    assert [each["name"] for each in workflows] == ["services", "docs"]
    checks = [job["name"] for each in workflows for job in each["jobs"].values()]
    assert len(set(checks)) == len(checks) == 4


def test_only_a_newer_run_of_a_request_cancels(tmp_path: Path) -> None:
    """And no run waits for its group: GitHub drops one that does when the next one comes."""
    files = written(_TWO_WORKFLOWS, tmp_path)
    paths = [*files]
    runs = [run_of(path, 10 + n, request=7) for n, path in enumerate(paths)]
    runs += [run_of(path, 7) for path in paths]
    runs += [run_of(path, 20 + n) for path in paths for n in range(3)]
    runs += [run_of(paths[0], 30 + n, ref="refs/tags/v1") for n in range(2)]
    settings = {
        (each["concurrency"]["group"], each["concurrency"]["cancel-in-progress"])
        for each in map(yaml11.load, files.values())
    }
    ((group, cancels),) = settings
    assert cancels is True
    found = [expressions.filled(group, one) for one in [*runs, run_of(paths[0], 99, request=7)]]
    assert len(set(found)) == len(runs)
    assert found[-1] == found[0]


def test_a_workflow_is_called_as_its_file_however_it_is_rendered(tmp_path: Path) -> None:
    from ci_kaniko.plan.select import select

    files = written(_TWO_WORKFLOWS, tmp_path)
    spec = ci_kaniko.loads(_TWO_WORKFLOWS, "ci-kaniko.yaml")
    assert ci_kaniko.render(select(spec, ["docs"]), "github") == files[".github/workflows/docs.yml"]
    one = "push: never\noutputs: {github: .github/workflows/shop.yml}\n"
    assert "name: shop\n" in ci_kaniko.render(ci_kaniko.loads(one), "github")
    given = one + "github: {workflow: Shop}\n"
    assert "(Shop)\n" in ci_kaniko.render(ci_kaniko.loads(given), "github")


def test_two_workflows_of_one_name_are_refused() -> None:
    found = problems(_TWO_WORKFLOWS + "github: {workflow: Images}\n", "github")
    assert [rule for rule, _ in found] == ["duplicate-workflow"]


# -- GitLab: files that one pipeline includes ---------------------------------------------------


def including(*files: str, own: str = "") -> str:
    return yaml.safe_dump({"include": [{"local": f"/{name}"} for name in files]}) + own


_IMAGES = """
default_branch: main
context: ${image.name}
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
gitlab: {form: include}
"""
_TWO_INCLUDES = f"""{_IMAGES}
images:
  a: {{triggers: {{branches: [main], pull_requests: true}}}}
  b: {{triggers: {{branches: [main], pull_requests: true}}}}
  c: {{triggers: {{tags: ["v*"]}}, executor: {{version: v1.28.2}}}}
  d: {{triggers: {{tags: ["v*"]}}, executor: {{version: v1.28.2}}}}
outputs:
  gitlab:
    - {{path: .gitlab/ab.yml, only: [a, b]}}
    - {{path: .gitlab/cd.yml, only: [c, d]}}
"""
_TEAM = """
.kaniko: {image: alpine, before_script: [exit 1], rules: [{when: never}]}
theirs: {extends: .kaniko, script: [echo theirs]}
default:
  before_script: [exit 1]
  after_script: [exit 1]
  services: [docker:dind]
  cache: {paths: [x]}
  artifacts: {paths: [x]}
  interruptible: true
  retry: 2
  tags: [k8s]
  timeout: 20m
"""


def test_files_of_one_pipeline_share_nothing(tmp_path: Path) -> None:
    files = written(_TWO_INCLUDES, tmp_path)
    found = previewed(tmp_path, {**files, ".gitlab-ci.yml": including(*files, own=_TEAM)})
    for name in "abcd":
        job = found[f"build-{name}"]
        version = "v1.28.3" if name in "ab" else "v1.28.2"
        assert job["image"]["name"].endswith(f":{version}-debug")
        tests = [rule["if"] for rule in job["rules"]]
        assert any("CI_COMMIT_TAG" in test for test in tests) == (name in "cd")
        assert job["tags"] == ["k8s"]
        assert not {"before_script", "after_script", "services", "cache", "artifacts"} & {*job}
        assert job["inherit"] == {"default": ["tags", "timeout"]}
    theirs = found["theirs"]
    assert (theirs["image"]["name"], theirs["rules"]) == ("alpine", [{"when": "never"}])


def test_preparations_of_two_files_both_run(tmp_path: Path) -> None:
    text = f"""{_IMAGES}
images:
  a: {{prepare: {{image: docker.io/library/golang:1.26, commands: [make a], artifacts: a/gen}}}}
  c: {{prepare: {{image: docker.io/library/node:24, commands: [npm ci], artifacts: c/dist}}}}
outputs:
  gitlab: [{{path: x/a.yml, only: a}}, {{path: x/c.yml, only: c}}]
  buildkite: [{{path: x/a.bk.yml, only: a}}, {{path: x/c.bk.yml, only: c}}]
"""
    files = written(text, tmp_path)
    included = [name for name in files if not name.endswith(".bk.yml")]
    found = previewed(tmp_path, {**files, ".gitlab-ci.yml": including(*included)})
    commands = {name: job["script"] for name, job in found.items() if name.startswith("prepare")}
    assert ["make a" in str(commands["prepare-a"]), "npm ci" in str(commands["prepare-c"])] == [
        *(True, True)
    ]
    uploaded = [yaml11.load(text)["steps"] for name, text in files.items() if ".bk." in name]
    keys = [step["key"] for steps in uploaded for step in steps]
    archives = [step["artifact_paths"] for steps in uploaded for step in steps[:1]]
    assert {"prepare-a", "build-a", "prepare-c", "build-c"} <= {*keys}
    assert len({*keys}) == len(keys)
    assert archives == [["prepare-a.tar"], ["prepare-c.tar"]]


_TWICE = """
default_branch: main
inputs: {channel: {default: dev, options: [dev, stable]}}
destinations: ["ghcr.io/acme/shop:${input.channel}-${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
prepare: {image: "docker.io/library/golang:1.26", commands: [make], artifacts: [gen]}
platforms: [linux/amd64, linux/arm64]
digest: true
triggers: {branches: main}
"""


@pytest.mark.parametrize("form", ["include", "component"])
def test_one_file_is_included_twice(form: str, tmp_path: Path) -> None:
    settings = f"gitlab: {{form: {form}, job: 'build-${{input.channel}}'}}\n"
    files = written(f"{_TWICE}{settings}outputs: {{gitlab: build.yml}}\n", tmp_path)
    include = [
        {"local": "/build.yml", "inputs": {"channel": channel}} for channel in ("dev", "stable")
    ]
    found = previewed(tmp_path, {**files, ".gitlab-ci.yml": yaml.safe_dump({"include": include})})
    ends = ("", "-amd64", "-arm64")
    wanted = {f"build-{channel}{end}" for channel in ("dev", "stable") for end in ends}
    wanted |= {"prepare-dev", "prepare-stable"}
    assert {name for name in found if name.startswith(("build", "prepare"))} == wanted
    for channel in ("dev", "stable"):
        assert f"prepare-{channel}" in str(found[f"build-{channel}-amd64"]["needs"])
        assert found[f"build-{channel}"]["variables"]["INPUT_CHANNEL"] == channel


def test_a_component_takes_the_stage_of_its_jobs(tmp_path: Path) -> None:
    text = f"{_IMAGES.replace('include', 'component, stage: build')}images: {{a: {{}}, b: {{}}}}\n"
    files = written(f"{text}outputs: {{gitlab: build.yml}}\n", tmp_path)
    own = "stages: [build, images]\n"
    for place, given, stage in (("one", {}, "build"), ("two", {"stage": "images"}, "images")):
        include = [{"local": "/build.yml", "inputs": given}]
        pipeline = own + yaml.safe_dump({"include": include})
        folder = tmp_path / place
        found = previewed(folder, {**files, ".gitlab-ci.yml": pipeline})
        assert {found[name]["stage"] for name in ("build-a", "build-b")} == {stage}


def test_the_names_of_digests_are_those_of_their_jobs() -> None:
    text = "destinations: ['ghcr.io/a/b:1']\nregistries: {ghcr.io: ci-token}\ndigest: true\n"
    text = text.replace("ci-token", "{username: a, password: B}")
    for job, variable in (
        ("build-shop", "SHOP_DIGEST"),
        ("build docs.v2", "BUILD_DOCS_V2_DIGEST"),
        ("2nd", "_2ND_DIGEST"),
    ):
        spec = ci_kaniko.loads(f"{text}gitlab: {{job: {job}}}\n")
        assert f'echo "{variable}=$digest"' in ci_kaniko.render(spec, "gitlab")
    assert 'echo "IMAGE_DIGEST=$digest"' in ci_kaniko.render(ci_kaniko.loads(text), "gitlab")


@pytest.mark.parametrize("platforms", ["", "platforms: [linux/amd64, linux/arm64]\n"])
def test_each_include_hands_over_a_digest_of_its_own(platforms: str) -> None:
    text = "default_branch: main\ninputs: {app: {}}\ndigest: true\n" + platforms
    text += "destinations: ['ghcr.io/acme/shop:1']\n"
    text += "registries: {ghcr.io: {username: a, password: B}}\n"
    text += "gitlab: {form: component, job: 'build-${input.app}'}\n"
    spec = ci_kaniko.loads(text)
    for app, variable in (("web", "WEB"), ("2nd docs.v2-", "_2ND_DOCS_V2")):
        played = rehearse(spec, "gitlab", given={"input.app": app}).jobs[-1].recorded
        assert played
        assert [*played.outputs] == [f"{variable}_DIGEST"]


# -- Buildkite: files that one build uploads ----------------------------------------------------


def test_steps_are_uploaded_twice() -> None:
    settings = "buildkite: {form: steps, key: 'build-${input.channel}'}\n"
    text = ci_kaniko.render(ci_kaniko.loads(_TWICE + settings), "buildkite")
    keys: list[str] = []
    for channel in ("dev", "stable"):
        steps = upload(yaml11.load(text), {"INPUT_CHANNEL": channel})["steps"]
        keys += [step["key"] for step in steps]
        prepare, amd64, arm64, join = steps
        assert amd64["depends_on"] == arm64["depends_on"] == prepare["key"] == f"prepare-{channel}"
        assert join["depends_on"] == [amd64["key"], arm64["key"]]
        assert join["key"] == f"build-{channel}"
        for step in (amd64, arm64, join):
            assert step["env"] == {"INPUT_CHANNEL": channel}
            asked = words_after(step["command"], "meta-data", step["env"])
            assert {word for word in asked if word.endswith(":digest")} <= {
                f"{each['key']}:digest" for each in steps
            }
        assert words_after(amd64["command"], "--step", amd64["env"]) == [prepare["key"]]
    assert len({*keys}) == len(keys)


def words_after(script: str, word: str, env: dict[str, str]) -> list[str]:
    """What follows a word on its lines, as a shell reads it."""
    lines = [line for line in script.split("\n") if f" {word} " in line]
    rest = [line.partition(f" {word} ")[2].partition(" --default")[0] for line in lines]
    done = subprocess.run(
        [*tools.shell(), "-c", "\n".join(f"printf '%s\\n' {words}" for words in rest)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


_EACH = """
destinations: ["ghcr.io/acme/shop:${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
platforms: [linux/amd64, linux/arm64]
digest: true
prepare: {image: "docker.io/library/golang:1.26", commands: [make], artifacts: [gen]}
triggers: {branches: "**", pull_requests: true}
"""


def test_requests_are_uploaded_twice_and_share_nothing() -> None:
    """Steps of requests stand beside those of pushes, in each of two uploads of one build."""
    settings = "buildkite: {form: steps, key: 'build-${input.channel}'}\n"
    top = "inputs: {channel: {default: dev}}\n"
    text = ci_kaniko.render(ci_kaniko.loads(_EACH + top + settings), "buildkite")
    found: list[str] = []
    for channel in ("dev", "stable"):
        steps = upload(yaml11.load(text), {"INPUT_CHANNEL": channel})["steps"]
        found += [step["key"] for step in steps]
        for step in steps:
            asked = words_after(step["command"], "meta-data", step.get("env", {}))
            keys = {word.removesuffix(":digest") for word in asked if word.endswith(":digest")}
            own = {other["key"] for other in steps}
            assert keys <= own
            waits = step.get("depends_on", [])
            assert {waits} if isinstance(waits, str) else {*waits} <= own
            loads = step["command"].count("artifact download")
            unpacked = words_after(step["command"], "--step", step.get("env", {}))
            assert unpacked == [f"prepare-{channel}"] * loads
    assert len({*found}) == len(found) == 2 * 6


# -- two specs of one repository ----------------------------------------------------------------

_FILES = """
gitlab: {form: include}
digest: true
prepare: {image: "docker.io/library/golang:1.26", commands: [make NAME], artifacts: [gen]}
outputs:
  gitlab: .gitlab/NAME.yml
  github: .github/workflows/NAME.yml
  buildkite: .buildkite/NAME.yml
"""


def nameless(folder: Path, settings: str = "") -> list[str]:
    """Two specs without a name in one repository, and the options that name them."""
    (folder / ".git").mkdir()
    for name in ("api", "web"):
        (folder / name).mkdir()
        (folder / name / "Dockerfile").write_text("FROM scratch\n")
        text = f"{SPEC}context: {name}\n{_FILES.replace('NAME', name)}{settings}"
        (folder / name / "ci-kaniko.yaml").write_text(text)
    return ["-f", "api/ci-kaniko.yaml", "-f", "web/ci-kaniko.yaml"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_two_nameless_specs_share_no_name(repository: Repository) -> None:
    folder = repository.folder
    shutil.rmtree(folder / ".git")
    both = nameless(folder)
    for command in ("validate", "sync", "check"):
        assert repository.call(command, *both).code == 0
    files = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yml")
    }
    included = [name for name in files if name.startswith(".gitlab/")]
    shutil.rmtree(folder / ".git")
    found = previewed(folder, {**files, ".gitlab-ci.yml": including(*included)})
    for name in ("api", "web"):
        assert f"/{name}" in str(found[f"build-{name}"]["script"])
        assert f"make {name}" in str(found[f"prepare-{name}"]["script"])
        assert f"{name.upper()}_DIGEST" in str(found[f"build-{name}"]["script"])
    keys = [
        step["key"]
        for name, text in files.items()
        if name.startswith(".buildkite/")
        for step in yaml11.load(text)["steps"]
    ]
    assert {"build-api", "build-web"} <= {*keys}
    assert len({*keys}) == len(keys)
    workflows = [yaml11.load(text) for name, text in files.items() if "/workflows/" in name]
    checks = [job["name"] for each in workflows for job in each["jobs"].values()]
    assert len({*checks}) == len(checks)


@pytest.mark.parametrize(
    ("settings", "rule", "name"),
    [
        ("gitlab: {form: include, job: shop}", "duplicate-job", '"shop" is a job in ".gitlab/api'),
        ("buildkite: {key: shop}", "duplicate-job", '"shop" is a key in ".buildkite/api'),
        ("github: {workflow: Shop}", "duplicate-workflow", '"Shop" is a workflow in ".github/w'),
        ("gitlab: {form: child, job: shop}", None, ""),
        ("github: {form: reusable, workflow: Shop}", None, ""),
    ],
)
def test_two_specs_of_one_name_are_told(
    repository: Repository, settings: str, rule: str | None, name: str
) -> None:
    folder = repository.folder
    shutil.rmtree(folder / ".git")
    both = nameless(folder)
    for spec in ("api", "web"):
        path = folder / spec / "ci-kaniko.yaml"
        path.write_text(path.read_text().replace("gitlab: {form: include}\n", "") + settings)
    for command in ("validate", "sync", "check"):
        done = repository.call(command, *both)
        assert (done.code == 0) == (rule is None)
        told = [line for line in done.err.splitlines() if "[duplicate-" in line]
        assert len(told) == (rule is not None)
        if rule:
            assert "fine" not in done.out
            assert re.match(rf"web/ci-kaniko\.yaml:\d+:\d+: {re.escape(name)}", told[0])
            assert told[0].endswith(f"as well [{rule}]")
            assert not (folder / ".gitlab").exists(), "nothing was written"
    for alone in (both[:2], both[2:]):
        assert repository.call("validate", *alone).code == 0


def test_files_of_one_spec_are_told(repository: Repository) -> None:
    text = _TWO_INCLUDES.replace("{form: include}", "{form: include, job: shop}")
    repository.write("ci-kaniko.yaml", text)
    for command in ("validate", "sync", "check"):
        done = repository.call(command)
        assert done.code == 1
        assert "[duplicate-job]" in done.err


# -- what a name can hold -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("gitlab: {form: include, job: 'build-${input.chanel}'}", "unknown-input"),
        ("gitlab: {job: 'build-${commit.sha}'}", "variable-not-allowed"),
        ("gitlab: {job: 'build-${input.channel:-x}'}", "variable-not-allowed"),
        ("buildkite: {key: 'build-${tag}'}", "variable-not-allowed"),
        ("gitlab: {job: prepare}\nprepare: {image: x, commands: a, artifacts: b}", None),
        ("gitlab: {job: 'b-${input.needed}'}", "target-variable"),
    ],
)
def test_names_that_are_refused(text: str, rule: str | None) -> None:
    inputs = "push: never\ninputs: {channel: {default: dev}, needed: {}}\n"
    found: Any = None
    try:
        ci_kaniko.render(ci_kaniko.loads(f"{inputs}{text}\n"), "gitlab")
    except ci_kaniko.SpecError as error:
        (found,) = {problem.rule for problem in error.problems}
    assert found == rule
