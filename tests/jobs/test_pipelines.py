"""Whole pipelines are run: each image gets what its spec asks for, and nothing of the others."""

from __future__ import annotations

import functools
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.events import Event
from ci_kaniko.rehearsing.logins import lookup
from ci_kaniko.rehearsing.recorded import File, Handed
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.triggers import NotUnderstood
from harness import checks, expectation, expected_logins, pipelines
from harness.built import assert_digest, built
from harness.cases import PIPELINE_CASES
from harness.execution import run
from harness.expectation import Run
from harness.foretold import does_as_foretold, foretold, kind_of
from harness.pipelines import (
    Given,
    Ran,
    digest_of,
    ended,
    fed,
    names,
    native_name,
    play_with,
    run_pipeline,
    shell_for,
)
from harness.runs import (
    INPUTS,
    PIPELINES_RENDERED,
    SHELLS,
    TARGETS,
    in_its_store,
    read_pipeline,
    refused,
    render,
    spec_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.rehearsing.recorded import Joined, Recorded
    from harness.images import Job, Pipeline


WITH_PLATFORMS = [
    (case, target)
    for case, target in PIPELINES_RENDERED
    if any(image.is_staged for image in read_pipeline(case).images.values())
]
WITH_PREPARE = [
    (case, target) for case, target in PIPELINES_RENDERED if read_pipeline(case).preparations()
]


def events_for(case: str, target: str) -> list[Event]:
    """The first event on each target; every other one on one of them, in turn.

    And on each what starts a job that no other event starts.
    """
    first, *others = pipelines.events(case)
    able = [name for name in TARGETS if refused(case, name) is None]
    number = able.index(target) + PIPELINE_CASES.index(case)
    turned = enumerate(others)
    found = [first, *(event for turn, event in turned if not (number + 2 * turn) % len(able))]
    started = {name for event in found for name in work(case, target, event)}
    for event in others:
        more = work(case, target, event) - started
        found += [event] if more else []
        started |= more
    return found


@functools.cache
def work(case: str, target: str, event: Event) -> set[str]:
    """The jobs that an event starts."""
    return {job.name for job in read_pipeline(case).jobs if has_to_run(job, event, target)}


def test_every_event_is_run() -> None:
    """Of each case, on some target."""
    for case in PIPELINE_CASES:
        targets = [target for target in TARGETS if refused(case, target) is None]
        found = {event for target in targets for event in events_for(case, target)}
        assert found == {*pipelines.events(case)}, case


def run_all(case: str, target: str) -> Iterator[tuple[Event, Ran]]:
    """Every event of a case, two at a time."""
    events = events_for(case, target)

    def play(event: Event) -> Ran:
        return pipelines.ran(case, target, event, shell_for(case, target, event))

    with ThreadPoolExecutor(2) as pool:
        yield from zip(events, pool.map(play, events), strict=True)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "agola"])
def test_nothing_is_built_in_a_fork(target: str) -> None:
    """Agola starts the tasks; then each ends before it prepares, logs in, builds or joins."""
    for branch, tag in (("main", ""), ("", "v1.2.3")):
        here = Event(name="here", branch=branch, tag=tag)
        event = replace(here, name="a-fork", repository="Mallory/Shop")
        assert _builds("one-repository", target, here)
        assert not _builds("one-repository", target, event)


def _builds(case: str, target: str, event: Event) -> list[object]:
    """What a run does, but for clones."""
    ran = pipelines.ran(case, target, event, SHELLS[0])
    assert {result.status for result in ran.results.values()} <= {"passed", "skipped"}
    done = [got for got in ran.recorded.values() if got.calls or got.joined or got.credentials]
    return [*done, *(got for got in ran.recorded.values() if b"page" in got.files.values())]


# -- runs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "target"), PIPELINES_RENDERED)
def test_every_job_does_its_part(case: str, target: str) -> None:
    """In every event: what it builds or joins, with which logins, and what it hands over."""
    found = set[str]()
    for event, ran in run_all(case, target):
        found |= ran.results.keys()
        checked(ran, case, event, target)
    are_called_as_the_spec_says(found, read_pipeline(case), target)


def checked(ran: Ran, case: str, event: Event, target: str) -> None:
    for job in read_pipeline(case).jobs:
        got = ran.recorded.get(native_name(job, target))
        if got is None or left_at_once(got):
            assert not has_to_run(job, event, target), (event, native_name(job, target))
        elif job.joins:
            joined(got, job, event, target)
        else:
            built(got, job, event, target)
            sees_what_was_prepared(got, job, case)
    commands_get_no_secret(ran, case, event, target)
    does_what_a_preview_says(ran, case, event, target)


def does_what_a_preview_says(ran: Ran, case: str, event: Event, target: str) -> None:
    said = foretold(spec_of(case), target, event, INPUTS.get(case, {}))
    for job in read_pipeline(case).jobs:
        run = said[job.image.name, kind_of(job)]
        got = ran.recorded.get(native_name(job, target))
        done = got is not None and not left_at_once(got)
        images = pushed(job, job.run(target, event))
        assert run.starts == done or (job.joins and not images), (event, run)
        assert [*run.destinations] == images * run.starts, (event, run)
        if got and got.calls:
            does_as_foretold(got, run)


def left_at_once(got: Recorded) -> bool:
    """What no condition of Agola or GitHub can say, the script says: it leaves."""
    words = {"agola": "this event does not start", "github": "does not start this job"}
    said = got.stderr if got.target == "agola" else got.stdout
    return words.get(got.target, "\0") in said and not got.status


def has_to_run(job: Job, event: Event, target: str) -> bool:
    """Whether an event has to start a job: not what a push has built, nor what pushes nothing.

    GitLab runs the request of a fork there.
    """
    wanted = job.run(target, event)
    if expectation.built_by_a_push(wanted.spec, event, target):
        return False
    if event.fork and target == "gitlab":
        event = replace(event, repository=event.fork_repository)
    return expectation.starts(wanted.spec, event) and (not job.joins or bool(pushed(job, wanted)))


def pushed(job: Job, wanted: Run) -> list[str]:
    return expectation.images(wanted)


def are_called_as_the_spec_says(found: set[str], pipeline: Pipeline, target: str) -> None:
    known = names(pipeline, target).keys()
    assert known <= found
    own = {*pipeline.preparations()} if target in ("gitlab", "buildkite", "agola") else set[str]()
    rest = {name for name in found - known if not name.endswith(("/clone", "/prepare"))}
    if re.search(r"\$\{commit\.(date|timestamp)", str(pipeline.images)):
        first = next(iter(pipeline.images))
        own |= {f"commit-time-{first}"} if target == "buildkite" else set()
        own |= {f"build-{first}-commit-time"} if target == "github" else set()
    assert rest - {"changes", "checkout"} <= own


@pytest.mark.parametrize("case", PIPELINE_CASES)
def test_the_same_arguments_everywhere(case: str) -> None:
    """Law 1, job by job: what was recorded is what is expected, and that is the same."""
    targets = [target for target in TARGETS if refused(case, target) is None]
    for event in pipelines.events(case):
        for job in read_pipeline(case).jobs:
            lists = {
                tuple(
                    checks.anonymised(argument, expectation.own_values(job.run(target, event)))
                    for argument in job.arguments(target, event)
                )
                for target in targets
            }
            assert len(lists) == 1, lists


# -- several platforms ------------------------------------------------------------------------


def joined(got: Recorded, job: Job, event: Event, target: str) -> None:
    wanted = job.run(target, event)
    images = expectation.images(wanted)
    assert got.status == 0, got.stderr
    assert got.calls == 0
    assert [call.words[call.words.index("create") + 1] for call in got.joined] == images
    parts = [
        digest_of(native_name(replace(job, joins=False, platform=platform), target))
        for platform in job.image.platforms
    ]
    for call in got.joined:
        pairs = list(zip(call.words, call.words[1:], strict=False))
        assert ("index", "create") in pairs
        refs = [word for option, word in pairs if option == "--ref"]
        assert [ref.partition("@")[2] for ref in refs] == parts
        assert len({ref.partition("@")[0] for ref in refs}) == 1
        assert {word for option, word in pairs if option == "--host"} == ways_in(job, wanted)
        docker = job.image.data.get("options", {}).get("image_format") == "docker"
        assert ("--media-type" in call.words) == docker
        joined_with_logins(got, call, job, wanted)
    assert_digest(got, job, images)
    checks.kept_secret(got, wanted)
    assert not left_on_a_runner(got)


def ways_in(job: Job, wanted: Run) -> set[str]:
    """How registries are reached that are not reached the usual way."""
    options = job.image.data.get("options", {})
    used = expected_logins.push_hosts(wanted)
    kinds = {"insecure_registry": "disabled", "skip_tls_verify_registry": "insecure"}
    return {
        f"reg={host},tls={way}"
        for name, way in kinds.items()
        for host in expectation.listed(options.get(name, []))
        if host in used
    }


def joined_with_logins(got: Recorded, call: Joined, job: Job, wanted: Run) -> None:
    """The destinations' logins and that of the repository in which the platforms wait."""
    first = job.staged_at(wanted)
    config = json.loads(call.config_text or "{}")
    for host, login in expected_logins.all_logins(
        Run(job.whole, wanted.target, wanted.event)
    ).items():
        needed = host in expected_logins.logins(wanted) or host == first
        if needed and login.is_cloud:
            helper = {"aws": "ecr-login", "google": "gcr"}[login.kind]
            assert config["credHelpers"][host] == helper
            joined_with_cloud(got, call, login, wanted)
        elif not login.is_cloud and (needed or login.kind != "docker-config"):
            seen = replace(got, env={}, config_text=call.config_text)
            assert lookup(seen, host) == ((login.user, login.password) if needed else None), host
    if call.config_text is not None and not checks.mounts_config(got):
        assert call.config_mode == 0o600


def joined_with_cloud(
    got: Recorded, call: Joined, login: expected_logins.Login, wanted: Run
) -> None:
    """The helper finds what the executor's own client would find."""
    every = expected_logins.all_logins(wanted).values()
    for name, value in login.environment.items():
        allowed = {value} | {other.environment.get(name) for other in every if name == "AWS_REGION"}
        assert call.env[name].rpartition("/")[2] in {
            each and each.rpartition("/")[2] for each in allowed
        }
    for name, text in login.files.items():
        held = call.credentials[name].removesuffix("\n")
        if held.startswith("{"):
            held = got.files[json.loads(held)["credential_source"]["file"]].decode()
        assert text == held


def left_on_a_runner(got: Recorded) -> list[str]:
    """A container is gone with what it holds; GitHub's runner and a checkout are not."""
    return [
        path
        for path in got.files
        if path.startswith(("/home/runner", "/builds", "/workspace"))
        and not re.search(r"/digest(\.env)?\Z", path)
    ]


# -- preparation ------------------------------------------------------------------------------

AWKWARD = """\
here
$$ ${HOME} $(id)
it's \\ "q" x 3 {{x}} %s
ü
a  b
  two  blanks $HERE
	tab
"""
PREPARED = {
    ("prepare", ""): {"bin/agola-example-kaniko": File("program\n", 0o755)},
    ("prepare-shared", "api"): {"dist 1/index.js": File("build:api\n")},
    ("prepare-shared", "web"): {"dist 1/index.js": File("build:web\n")},
    ("prepare-shared", "docs"): {"html/index.html": File("html\n")},
    ("prepare-awkward", ""): {"out put/a.txt": File(AWKWARD), "single.txt": File("1\n", 0o755)},
    ("one-repository", "docs"): {"index.html": File("page")},
    ("everything", "api"): {"generated/code": File("api\n")},
    ("everything", "web"): {"generated/code": File("web\n")},
}
"""What the commands of a case make, below the context of the image."""


def sees_what_was_prepared(got: Recorded, job: Job, case: str) -> None:
    """And nothing else beside the repository."""
    if not got.calls or "--context=dir://" not in " ".join(got.argv or ()):
        return
    context = os.path.normpath(job.image.data.get("context", "."))
    expected = {
        os.path.relpath(path, context): File(text)
        for path, text in pipelines.repository(read_pipeline(case)).items()
        if context == "." or path.startswith(f"{context}/")
    }
    assert got.context == expected | PREPARED.get((case, job.image.name), {})


def commands_get_no_secret(ran: Ran, case: str, event: Event, target: str) -> None:
    """GitLab gives every job of a project its variables; GitHub's token fetches the commit."""
    theirs = [got for name, got in ran.recorded.items() if not name.endswith("-commit-time")]
    seen = "\n".join(line for got in theirs for line in got.tools_env)
    if seen and target != "gitlab":
        wanted = [job.run(target, event) for job in read_pipeline(case).jobs]
        secrets = {text for each in wanted for text in checks.all_secrets(each)}
        assert not [text for text in secrets if text in seen]


@pytest.mark.parametrize(("case", "target"), WITH_PREPARE)
def test_commands_run_at_the_root_and_stop_at_the_first_that_fails(case: str, target: str) -> None:
    event = pipelines.events(case)[0]
    ran = pipelines.ran(case, target, event, shell_for(case, target, event))
    called = [line for got in ran.recorded.values() for line in got.tools if "git" not in line]
    places = {line.rpartition(" in ")[2] for line in called}
    assert len(places) <= 1
    first = called[0].split(" ")[0] if called else "none"
    broken = play_with(case, target, event, Given(failing_tools=[first]))
    for job in read_pipeline(case).jobs:
        got = ended(broken, job, target)
        prepared_by_it = first in " ".join((job.image.prepare or {"commands": ""})["commands"])
        if prepared_by_it:
            assert got is None or (got.status and not got.calls and not got.joined)
        elif not job.joins and not job.image.needs:
            assert got, job.name
            assert got.calls == 1


@pytest.mark.parametrize(("case", "target"), WITH_PLATFORMS)
def test_a_missing_digest_stops_the_join(case: str, target: str) -> None:
    """And nothing is joined from less than all platforms."""
    event = pipelines.events(case)[0]
    text, shell = render(case, target, event), shell_for(case, target, event)
    for job in read_pipeline(case).jobs:
        if job.joins and expectation.images(job.run(target, event)):
            ran = pipelines.ran(case, target, event, shell)
            outputs = {name: got.outputs for name, got in ran.recorded.items()}
            artifacts = {name: got.artifacts for name, got in ran.recorded.items()}
            lost = native_name(replace(job, joins=False, platform=job.image.platforms[-1]), target)
            del outputs[lost]
            kept = {path: file for path, file in artifacts[lost].items() if "digest" not in path}
            got = run(
                Request(
                    target,
                    text,
                    event,
                    **in_its_store(fed(read_pipeline(case), target, event), target),
                    shell=shell,
                    job=native_name(job, target),
                    handed=Handed(artifacts={**artifacts, lost: kept}, outputs=outputs),
                )
            )
            assert got.status
            assert not got.joined
            assert f"the job of {job.image.platforms[-1]} has pushed nothing" in got.stderr


# -- the oracle itself ------------------------------------------------------------------------

FAULTS = {
    "a platform twice": ("two-platforms", '@$DIGEST_ARM64"', '@$DIGEST_AMD64"'),
    "a platform of another kind": ("two-platforms", "platform=linux/arm64", "platform=linux/arm"),
    "a cache for both": ("two-platforms", "shop/cache-arm64", "shop/cache-amd64"),
    "a public tag too early": ("two-platforms", "SHA-arm64", "SHORT_SHA"),
    "no artifacts": ("prepare", "needs:\n    - prepare\n", "needs: []\n"),
    "another name": ("digest-of-images", '"API_DIGEST=', '"WEB_DIGEST='),
    "another login": ("shared-logins", "login quay.io", "login mirror.example.com"),
    "an open file": ("two-platforms", "(umask 077; ", "("),
    "another image": ("three-images-in-order", "services/api", "services/web"),
    "a job that never starts": ("image-triggers", "$CI_COMMIT_TAG =~ /^v", "$CI_COMMIT_TAG =~ /^w"),
    "a command that may fail": ("prepare-awkward", "set -e\n      mkdir", "false\n      mkdir"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_noticed(fault: str) -> None:
    case, old, new = FAULTS[fault]
    text = render(case, "gitlab")
    assert old in text
    faulty = text.replace(old, new)

    def play() -> None:
        for event in pipelines.events(case)[:3]:
            ran = run_pipeline("gitlab", faulty, read_pipeline(case), event, "dash")
            checked(ran, case, event, "gitlab")

    with pytest.raises((AssertionError, NotModelled, NotUnderstood, KeyError)):
        play()
