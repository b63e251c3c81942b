"""The inputs of a reusable form arrive, and one that no image can have stops the job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_kaniko.rehearsing.documents import NotModelled
from harness import expectation, images
from harness.built import built
from harness.pipelines import Given, Ran, ended, run_pipeline
from harness.runs import PIPELINES_RENDERED, SHELLS, read_pipeline, render, text_of

GIVEN = {
    "inputs-reusable": {
        "channel": "stable",
        "greeting": "it's `id` {{x}} %s # & ; 'q' ${{ x }} | ü",
        "jobs": "12",
        "debug": "true",
    },
    "inputs-required": {"version": "7.1-rc_2", "quick": "false"},
    "reusable-one-image": {"tag": "v1.2_3"},
    "inputs-of-a-fleet": {
        "context": "services/web.app",
        "dockerfile": "docker/a+b/Dockerfile",
        "app": "web",
        "registry": "docker.io",
        "runner": "large",
        "stage": "deploy",
    },
    "inputs-in-paths": {"app": "web", "folder": "team/web_2", "variant": "alpine-3.22"},
}
REUSABLE = [
    (case, target)
    for case, target in PIPELINES_RENDERED
    if case in GIVEN and read_pipeline(case).form(target)
]


@pytest.mark.parametrize(("case", "target"), REUSABLE)
def test_inputs_arrive(case: str, target: str) -> None:
    given = {name: text.replace("$", "") for name, text in GIVEN[case].items()}
    given = given if target == "gitlab" else GIVEN[case]
    pipeline = images.given(text_of(case), tuple(given.items()))
    event = replace(expectation.events(expectation.Spec({}))[2])
    for shell in SHELLS:
        ran = run_pipeline(
            target, render(case, target), pipeline, event, shell, Given(inputs=given)
        )
        for job in pipeline.jobs:
            got = ended(ran, job, target)
            assert got
            built(got, job, event, target)


@pytest.mark.parametrize(
    ("case", "name", "text"),
    [
        ("inputs-reusable", "channel", "nightly"),
        ("inputs-reusable", "channel", "a b"),
        ("inputs-required", "version", "a/b"),
        ("inputs-required", "version", ".x"),
        ("reusable-one-image", "tag", "a b"),
        ("reusable-one-image", "tag", "$(id)"),
        *(
            (case, name, text)
            for case, name in (
                ("inputs-of-a-fleet", "context"),
                ("inputs-of-a-fleet", "dockerfile"),
                ("inputs-in-paths", "folder"),
            )
            for text in ("", "..", "a/../../b", "/etc", "a/", "a//b", "./a", "a b", "$(id)", "a\nb")
        ),
        *(("inputs-of-a-fleet", name, ".") for name in ("dockerfile", "app")),
        *(("inputs-of-a-fleet", "app", text) for text in ("-x", "A b", "x'y")),
        *(("inputs-of-a-fleet", "registry", text) for text in ("evil.example.com", "")),
        ("inputs-of-a-fleet", "runner", "theirs"),
    ],
)
@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
def test_an_input_that_no_image_can_have_stops_the_job(
    case: str, name: str, text: str, target: str
) -> None:
    given = {key: value.replace("$", "") for key, value in GIVEN[case].items()}
    pipeline = images.given(text_of(case), tuple(given.items()))
    event = expectation.events(expectation.Spec({}))[2]
    given[name] = text
    if target == "buildkite" and not text:
        return  # its upload takes the default then

    def play() -> Ran:
        return run_pipeline(
            target, render(case, target), pipeline, event, "dash", Given(inputs=given)
        )

    if target == "gitlab" and (case == "inputs-reusable" or {*text} & {*"$\n"}):
        with pytest.raises(NotModelled, match="GitLab refuses"):
            play()
        return
    try:
        ran = play()
    except NotModelled as error:
        # GitLab looks at an input before there is a job, as far as a pattern can.
        if target == "gitlab" and "GitLab refuses" in str(error):
            return
        raise
    first = next(one for job, one in ran.recorded.items() if job != "changes")
    assert first.status
    assert not first.calls
    assert name in first.stderr
