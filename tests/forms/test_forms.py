"""Reusable forms beside those that include, call or upload them, as docs/reusable.md shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.buildkite_upload import upload
from harness import expectation, images, judge, validators
from harness.cases import ROOT
from harness.events import DEFAULT_BRANCH, PULL_REQUEST
from harness.foretold import foretold
from harness.pipelines import Given, run_pipeline
from harness.preview import previewed
from harness.runs import read_pipeline, render, spec_of

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "reusable.md").read_text("utf-8")
TEXT, *_ = re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE)
CALLERS = dict(re.findall(r"(?ms)^```yaml\n# (\S+)\n(.*?)^```$", PAGE))
CALLER = CALLERS[".github/workflows/release.yml"]
UPLOAD = CALLERS[".buildkite/images.yml"]


def rendered(target: str) -> str:
    return rendering.render(ci_kaniko.loads(TEXT), target)


# -- GitHub -----------------------------------------------------------------------------------

CALLED = ".github/workflows/image.yml"


def test_github_takes_the_caller_of_the_page() -> None:
    called = rendered("github")
    assert judge.calling(CALLER, {CALLED: called}) == []
    job = yaml11.load(CALLER)["jobs"]["image"]
    levels = ("none", "read", "write")
    for each in yaml11.load(called)["jobs"].values():
        for name, access in each["permissions"].items():
            assert levels.index(job["permissions"].get(name, "none")) >= levels.index(access)
    used = re.findall(r"needs\.image\.outputs\.(\w+)", CALLER)
    offered = yaml11.load(called)["on"]["workflow_call"]["outputs"]
    assert set(used) == set(offered)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("app: api, ", "", "Input app is required"),
        ("app: api", "app: api, stage: deploy", "Invalid input, stage is not defined"),
        ("      REGISTRY_TOKEN:", "      OTHER_TOKEN:", "Invalid secret, OTHER_TOKEN"),
        ("workflows/image.yml", "workflows/images.yml", "Unable to find reusable workflow"),
    ],
)
def test_github_refuses_a_caller_that_hands_over_something_else(
    was: str, now: str, said: str
) -> None:
    assert was in CALLER
    (error,) = judge.calling(CALLER.replace(was, now), {CALLED: rendered("github")})
    assert said in error


def test_github_asks_a_caller_for_what_every_run_needs() -> None:
    spec = ci_kaniko.loads(f"{TEXT}build_secrets: {{npm: NPM_TOKEN}}\n")
    called = {CALLED: ci_kaniko.render(spec, "github")}
    (error,) = judge.calling(CALLER, called)
    assert "Secret NPM_TOKEN is required" in error
    listed = CALLER.replace("    secrets:\n", "    secrets:\n      NPM_TOKEN: x\n")
    assert judge.calling(listed, called) == []
    secrets = yaml11.load(called[CALLED])["on"]["workflow_call"]["secrets"]
    assert all(secret["description"] for secret in secrets.values())


# -- GitLab -----------------------------------------------------------------------------------


def test_a_project_includes_the_component_twice(tmp_path: Path) -> None:
    document = yaml11.load(CALLERS[".gitlab-ci.yml"])
    for include in document["include"]:
        assert include.pop("component").endswith("/image@1.0.0")
        include["local"] = "/templates/image/template.yml"
    files = {
        "templates/image/template.yml": rendered("gitlab"),
        ".gitlab-ci.yml": yaml.safe_dump(document),
    }
    found = previewed(tmp_path, files)
    jobs = {name: job for name, job in found.items() if name.startswith("build-")}
    assert [(name, job["stage"], job["tags"]) for name, job in jobs.items()] == [
        ("build-api", "build", ["k8s"]),
        ("build-web", "deploy", ["large"]),
    ]
    for name, job in jobs.items():
        app = name.removeprefix("build-")
        assert job["variables"]["INPUT_APP"] == app
        assert job["variables"]["INPUT_CONTEXT"] == f"services/{app}"


# -- Buildkite --------------------------------------------------------------------------------


def test_the_steps_of_the_page_are_uploaded_twice() -> None:
    """Both uploads of one build run, and no step, key or meta-data of one is the other's."""
    (step,) = yaml11.load(UPLOAD)["steps"]
    uploads = [
        {name.lower(): value for name, value in re.findall(r"INPUT_(\w+)=(\S+)", line)}
        for line in step["command"].splitlines()
    ]
    assert len(uploads) == 2
    event = expectation.events(expectation.Spec({}))[2]
    keys: list[str] = []
    handed: list[str] = []
    text = rendered("buildkite")
    for given in uploads:
        environment = {f"INPUT_{name.upper()}": value for name, value in given.items()}
        document = upload(yaml11.load(text), environment)
        assert {step["agents"]["queue"] for step in document["steps"]} == {"k8s"}
        keys += [step["key"] for step in document["steps"]]
        pipeline = images.given(TEXT, tuple(given.items()))
        ran = run_pipeline("buildkite", text, pipeline, event, "dash", Given(inputs=given))
        for got in ran.recorded.values():
            assert got.status == 0
            handed += got.outputs
            context = f"/services/{given['app']}"
            assert any(
                re.fullmatch(f"--context=dir://.*{context}", word) for word in got.argv or ()
            )
    assert len({*keys}) == len(keys)
    assert handed == ["build-api:digest", "build-web:digest"]


# -- platforms --------------------------------------------------------------------------------

CHOSEN = "platforms-chosen"
BUILT = {
    "linux/amd64,linux/arm64": ["amd64", "arm64"],
    "linux/arm64,linux/amd64": ["amd64", "arm64"],
    "linux/amd64": ["amd64"],
    "linux/arm64": ["arm64"],
    "linux/arm64,linux/arm64": ["arm64"],
}
UNKNOWN = (
    "linux/386",
    "linux/arm64,linux/386",
    "linux/arm",
    "",
    ",linux/arm64",
    "*",
    "LINUX/ARM64",
)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
def test_callers_choose_platforms(target: str) -> None:
    """Those are built and joined, in the event of a request only built; others are left out."""
    text, pipeline = render(CHOSEN, target), read_pipeline(CHOSEN)
    turn = ["gitlab", "github", "buildkite"].index(target)
    for number, (given, built) in enumerate(BUILT.items()):
        # That of a request does no more: each choice on one target.
        for event in (DEFAULT_BRANCH, PULL_REQUEST)[: 2 if number % 3 == turn else 1]:
            inputs = Given(inputs={"platforms": given, "app": "shop"})
            ran = run_pipeline(target, text, pipeline, event, "dash", inputs)
            said = foretold(spec_of(CHOSEN), target, event, inputs.inputs)
            pushes = {"join"} if event is DEFAULT_BRANCH else set()
            starts = {
                job.removeprefix("build linux/") for (_, job), one in said.items() if one.starts
            }
            assert starts == {*built, "build", *pushes}
            assert {result.status for result in ran.results.values()} <= {"passed", "skipped"}
            names = {name.removeprefix("build-shop-") for name in ran.recorded} - {"checkout"}
            wanted = {f"{image}-{each}" for image in ("api", "web") for each in built} | {"docs"}
            joins = {"api", "web"} if pushes else set()
            assert {name.removeprefix("build-") for name in names} == wanted | joins
            for got in ran.recorded.values():
                refs = [
                    word[-64:] for call in got.joined for word in call.words if "@sha256" in word
                ]
                assert len(refs) == len({*refs}) == (len(built) if got.joined else 0)


@pytest.mark.parametrize("target", ["github", "buildkite"])
def test_a_platform_that_there_is_not_stops_the_build(target: str) -> None:
    text, pipeline = render(CHOSEN, target), read_pipeline(CHOSEN)
    event = DEFAULT_BRANCH
    for given in UNKNOWN if target == "github" else filter(None, UNKNOWN):
        inputs = Given(inputs={"platforms": given, "app": "shop"})
        ran = run_pipeline(target, text, pipeline, event, "dash", inputs)
        failed = [name for name, result in ran.results.items() if result.status == "failed"]
        assert failed
        for name in failed:
            said = "ci-kaniko: the input platforms is not some of linux/amd64,linux/arm64: "
            assert f"{said}{given}\n" in ran.recorded[name].stderr
        assert not any(got.calls or got.joined for got in ran.recorded.values())


def test_a_project_includes_some_platforms(tmp_path: Path) -> None:
    """GitLab itself refuses a choice of others, by the pattern of the input."""
    text = render(CHOSEN, "gitlab")
    (header, _) = yaml11.load_all(text)
    pattern = header["spec"]["inputs"]["platforms"]["regex"]
    assert [given for given in (*BUILT, *UNKNOWN) if re.search(pattern, given)] == [*BUILT]
    for given, built in BUILT.items():
        folder = tmp_path / given.replace("/", "-")
        include = {"local": "/image.yml", "inputs": {"platforms": given}}
        for name, content in (
            ("image.yml", text),
            (".gitlab-ci.yml", yaml.safe_dump({"include": [include]})),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        validators.git_repository(folder)
        wanted = {f"{image}-{each}" for image in ("api", "web") for each in built}
        found = validators.gitlab_ci_jobs(folder, DEFAULT_BRANCH)
        assert found == {f"build-shop-{name}" for name in (*wanted, "api", "web", "docs")}
