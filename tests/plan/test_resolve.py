"""What a plan decides that shows on no single target alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.plan.model import Argument, Started
from ci_kaniko.plan.pipeline import pipeline
from ci_kaniko.plan.resolve import resolve
from harness.events import DEFAULT_BRANCH
from harness.repository import Repository
from harness.runs import TARGETS, values_for

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "default_branch: main\npush: never\n"


@pytest.mark.parametrize("target", TARGETS)
def test_a_registry_that_asks_for_no_login_leaves_no_trace(target: str) -> None:
    plain, named = (
        rendering.render(ci_kaniko.loads(text), target, values_for(target, DEFAULT_BRANCH))
        for text in (HEAD, HEAD + "registries: {quay.io: anonymous}\n")
    )
    assert named == plain


def test_the_events_beside_those_of_requests() -> None:
    where = {"paths": ("src/**",), "repository": "acme/shop"}
    requests = Started(pull_requests=True, each_request=True, **where)  # type: ignore[arg-type]
    assert requests.but_requests is None
    assert requests.outside_requests is None
    both = requests._replace(branches=("main",))
    assert both.but_requests == Started(branches=("main",), **where)  # type: ignore[arg-type]
    assert both.outside_requests == both.but_requests._replace(requests=False)
    assert not both.outside_requests.may_be_request
    assert both.in_requests == requests._replace(requests=True)


TRIGGERS: dict[str, dict[str, Any]] = {
    "schedules: ['0 3 * * *']": {"schedules": True},
    "manual: true": {"manual": True},
    "pull_requests: true": {"pull_requests": True},
    "tags: ['v*']": {"tags": ("v*",)},
}


@pytest.mark.parametrize("text", TRIGGERS)
def test_what_triggers_say_starts_a_job_and_nothing_else_does(text: str) -> None:
    spec = ci_kaniko.loads(f"push: never\ntriggers: {{branches: [main], {text}}}\n")
    expected = Started(branches=("main",))._replace(**TRIGGERS[text])
    assert resolve(spec, "gitlab").started == expected


@pytest.mark.parametrize(
    ("first", "place"),
    {
        "'quay.io/acme/one:1'": "quay.io",
        "{image: 'quay.io/acme/one:1', when: release}": "ghcr.io",
    }.items(),
)
def test_platforms_wait_where_every_run_that_pushes_logs_in(first: str, place: str) -> None:
    spec = ci_kaniko.loads(
        "default_branch: main\nplatforms: [linux/amd64, linux/arm64]\n"
        f"destinations: [{first}, 'ghcr.io/acme/two:1']\n"
        "registries: {quay.io: {username: a, password: A}, ghcr.io: {username: b, password: B}}\n"
    )
    (image,) = pipeline(spec, "gitlab").images
    assert [push.host for job in image.jobs for push in job.plan.pushes] == [place] * 2


def test_platforms_that_push_nothing_need_no_place_to_wait() -> None:
    text = f"{HEAD}platforms: [linux/amd64, linux/arm64]\ncontext: a\n"
    plain, named = (
        pipeline(ci_kaniko.loads(each), "kubernetes")
        for each in (text, text + "destinations: ['ghcr.io/acme/shop:1']\n")
    )
    for (one,), (other,) in ((plain.images, named.images),):
        assert len(one.jobs) == len(other.jobs) == 2
        for before, after in zip(one.jobs, other.jobs, strict=True):
            assert [*after.plan.uses()] == [*before.plan.uses()]
            assert after.plan.spec.destinations == ()


def test_no_credential_helper_is_an_empty_argument() -> None:
    spec = ci_kaniko.loads(f"{HEAD}options: {{credential_helpers: []}}\n")
    found = [each for each in resolve(spec, "gitlab").arguments if "helper" in each.name]
    assert found == [Argument("credential-helpers", ())]


def test_what_joins_platforms_holds_no_login_of_a_registry_that_it_does_not_push_to() -> None:
    """Not even of one that is the own registry of another CI."""
    spec = ci_kaniko.loads(
        "default_branch: main\nplatforms: [linux/amd64, linux/arm64]\n"
        'destinations: ["${registry.image}:1"]\n'
        "registries: {ghcr.io: {username: a, password: GHCR_TOKEN}}\n"
    )
    (image,) = pipeline(spec, "gitlab").images
    built = [job.plan.secrets for job in image.jobs if job.platform]
    assert built == [("GHCR_TOKEN",)] * 2
    assert image.join is not None
    assert image.join.secrets == ()


FORMS = {
    ("gitlab", "pipeline"): False,
    ("gitlab", "child"): False,
    ("gitlab", "component"): True,
    ("github", "workflow"): False,
    ("github", "reusable"): True,
    ("buildkite", "pipeline"): False,
    ("kubernetes", ""): False,
}


@pytest.mark.parametrize(("target", "form"), FORMS)
def test_a_form_may_be_given_inputs(target: str, form: str) -> None:
    text = f"{target}: {{form: {form}}}\n" if form else ""
    assert resolve(ci_kaniko.loads(HEAD + text), target).reusable is FORMS[target, form]


WORDS = {
    "ci-kaniko.yaml": "",
    "services/api/ci-kaniko.yaml": "api",
    "services/Web Shop/ci-kaniko.yml": "web-shop",
    "images/base.yaml": "base",
    "images/_x_.yaml": "x",
}


@pytest.mark.parametrize(("file", "word"), WORDS.items())
def test_jobs_of_several_specs_have_the_name_of_a_folder_or_a_file(
    file: str, word: str, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.write(file, HEAD)
    spec = ci_kaniko.load(repository.folder / file)
    assert [image.word for image in pipeline(spec, "gitlab").images] == [word]


OWN = {
    "push: always\ndestinations: [{image: 'ghcr.io/a/b:1', when: pull-request}]": True,
    "push: always\ndestinations: ['ghcr.io/a/b:${ref.tag}']": True,
    "push: always\ndestinations: ['ghcr.io/a/b:1']": False,
    "push: always\ndestinations: [{image: 'ghcr.io/a/b:${ref.tag}', when: default-branch}]": False,
    "destinations: ['ghcr.io/a/b:${ref.tag}']": False,
    "destinations: ['ghcr.io/a/b:1']\nlabels: {a: 'x${pull_request.number:-y}'}": True,
}


@pytest.mark.parametrize("text", OWN)
@pytest.mark.parametrize("triggers", ["", "triggers: {branches: ['**'], pull_requests: true}"])
def test_a_pull_request_makes_what_no_push_makes(text: str, triggers: str) -> None:
    spec = ci_kaniko.loads(f"{text}\n{triggers}\nregistries: {{ghcr.io: anonymous}}\n")
    assert resolve(spec, "gitlab").started.each_request is OWN[text]


@pytest.mark.parametrize("default", ["", "default: linux/amd64, "])
def test_platforms_that_nobody_chooses(default: str) -> None:
    spec = ci_kaniko.loads(
        f"{HEAD}platforms: [linux/amd64, linux/arm64]\n"
        f"inputs: {{where: {{{default}type: platforms}}}}\ngithub: {{form: reusable}}\n"
    )
    found = [(each.rule, each.where) for each in pipeline(spec, "gitlab").findings]
    assert found == [("target-variable", ("platforms",))] * (not default)
    assert not pipeline(spec, "github").findings
