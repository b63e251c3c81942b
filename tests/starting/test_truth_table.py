"""What starts a job and what it pushes then: every event against every condition, everywhere."""

from __future__ import annotations

import functools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing.triggers import Result, play
from harness import expectation, images, validators
from harness.events import (
    CHAT,
    DEFAULT_BRANCH,
    FEATURE_BRANCH,
    FORK_PULL_REQUEST,
    MANUAL,
    MERGE_GROUP,
    PARENT_OF_A_REQUEST,
    PIPELINE,
    PROGRAM,
    PULL_REQUEST,
    SCHEDULE,
    TAG,
    TARGET_OF_A_REQUEST,
    TOKEN,
)
from harness.execution import steps_of
from harness.expectation import Run
from harness.pipelines import looked, native_name, stays
from harness.runs import SHELLS, TARGETS, execute, in_parallel, values_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.triggers import Step
    from harness.expectation import Spec

EVENTS = (
    DEFAULT_BRANCH,
    FEATURE_BRANCH,
    replace(FEATURE_BRANCH, name="release-branch", branch="release/1.x"),
    replace(FEATURE_BRANCH, name="deep-branch", branch="release/1/x"),
    replace(DEFAULT_BRANCH, name="shouted-branch", branch="Main"),
    replace(FEATURE_BRANCH, name="shouted-release", branch="Release/1.x"),
    replace(FEATURE_BRANCH, name="new-branch", branch="release/2.x", is_new=True),
    replace(DEFAULT_BRANCH, name="a-watched-file", changed=("docs/a.md", "src/deep/main.go")),
    replace(DEFAULT_BRANCH, name="another-file", changed=("docs/a.md", "srcs/x", "Dockerfile.x")),
    TAG,
    replace(TAG, name="another-tag", tag="nightly"),
    replace(TAG, name="deep-tag", tag="v1/2"),
    replace(TAG, name="candidate", tag="v1.3.0-rc.1"),
    replace(TAG, name="shouted-tag", tag="V1.2.3"),
    replace(TAG, name="shouted-candidate", tag="v1-RC"),
    PULL_REQUEST,
    replace(PULL_REQUEST, name="pull-request-of-release", source_branch="release/1.x"),
    replace(PULL_REQUEST, name="pull-request-of-a-shouted-release", source_branch="Release/1.x"),
    replace(PULL_REQUEST, name="pull-request-elsewhere", changed=("docs/a.md",)),
    FORK_PULL_REQUEST,
    replace(FORK_PULL_REQUEST, name="fork-of-a-feature", source_branch="patch-1"),
    SCHEDULE,
    MANUAL,
    PIPELINE,
    PARENT_OF_A_REQUEST,
    PROGRAM,
    TOKEN,
    CHAT,
    MERGE_GROUP,
    TARGET_OF_A_REQUEST,
    replace(DEFAULT_BRANCH, name="a-fork", repository="Mallory/Shop"),
    replace(PULL_REQUEST, name="request-in-a-fork", repository="Mallory/Shop"),
    replace(TAG, name="tag-of-a-suffix", repository="Mallory/Acme/Shop"),
    replace(SCHEDULE, name="schedule-of-a-fork", repository="Mallory/Shop"),
)
ONLY_ON = {
    "schedule": ("gitlab", "github", "buildkite"),
    "manual": ("gitlab", "github", "buildkite"),
    "pipeline": ("gitlab", "buildkite"),
    "parent_pipeline": ("gitlab",),
    "api": ("gitlab", "github", "buildkite"),
    "trigger": ("gitlab",),
    "chat": ("gitlab",),
    "merge_group": ("github",),
    "pull_request_target": ("github",),
}
"""The platforms that have a source of events; the others are everywhere."""
TRIGGERS = {
    "absent": None,
    "default": {"branches": ["main"]},
    "release": {"branches": ["release/*"], "tags": ["v*"]},
    "below": {"branches": ["release/**"]},
    "tags": {"tags": ["v*", "nightly"]},
    "without": {
        "branches": ["!release/*", "**", "main"],
        "tags": ["v**", "!v*.2.*", "nightly"],
        "pull_requests": True,
    },
    "requests": {"pull_requests": True},
    "clock": {"branches": ["main"], "schedules": ["0 3 * * 1"]},
    "button": {"tags": ["v*"], "manual": True},
    "upstream": {"pull_requests": True, "pipelines": True},
    "paths": {"branches": ["main"], "tags": ["v*"], "pull_requests": True, "paths": ["src/**"]},
    "everything": {"branches": ["**"], "tags": ["**"], "pull_requests": True},
    "here": {
        "branches": ["main"],
        "tags": ["v*"],
        "pull_requests": True,
        "schedules": ["0 3 * * 1"],
        "repository": "acme/shop",
    },
    "there": {"branches": ["**"], "pull_requests": True, "repository": "Acme/Shop"},
}
WHENS = {
    "always": "always",
    "default-branch": "default-branch",
    "other-branch": "other-branch",
    "release": {"branch": "release/*"},
    "below": {"branch": "release/**"},
    "branches": {"branch": "**"},
    "feature": {"branch": "feature/Add-x_1.2"},
    "version": {"tag": "v*"},
    "tags": {"tag": ["v**", "nightly"]},
    "stable": {"tag": ["!**-*", "v*"]},
    "no-feature": {"branch": ["**", "!feature/**", "!main"]},
    "either": ["default-branch", {"tag": "v*"}],
    "one-feature": [{"branch": "feature/Add-x_1.2"}, {"branch": ["**", "!feature/**"]}],
    "requests": "pull-request",
    "clock": "schedule",
    "button": "manual",
    "semver": "version",
    "final": "release",
}
SHELL_TARGETS = tuple(target for target in TARGETS if target != "kubernetes")
"""Nothing starts a manifest but whoever applies it."""


def spec_of(trigger: str, whens: Mapping[str, object]) -> str:
    """A spec that pushes a tag for each condition, one a line from the fourth on."""
    tags = [
        json.dumps({"image": f"quay.io/acme/shop:{name}", "when": when})
        for name, when in whens.items()
    ]
    triggers = json.dumps(TRIGGERS[trigger])
    return (
        "default_branch: main\n"
        "registries: {quay.io: anonymous}\n"
        "destinations:\n"
        + "".join(f"  - {tag}\n" for tag in tags)
        + (f"triggers: {triggers}\n" if TRIGGERS[trigger] else "")
        + ("push: always\n" if trigger == "requests" else "")
    )


loads = functools.cache(ci_kaniko.loads)


@functools.cache
def rendered_for(text: str, target: str, event: Event | None = None) -> str:
    """The text of a target; only a manifest differs from event to event."""
    values = values_for(target, event or DEFAULT_BRANCH)
    if values is None and event:
        return rendered_for(text, target)
    return rendering.render(loads(text), target, values)


@functools.cache
def reachable(trigger: str, target: str) -> tuple[str, frozenset[str]]:
    """A spec with every condition that the target knows and that some event can fulfil.

    And by which rules the other conditions, or the triggers, are refused.
    """
    whens, rules = dict(WHENS), set[str]()
    while True:
        text = spec_of(trigger, whens)
        try:
            rendered_for(text, target)
        except ci_kaniko.SpecError as refused:
            names = list(whens)
            rules |= {problem.rule for problem in refused.problems}
            lines = {problem.line - 4 for problem in refused.problems if problem.line}
            if lines - {*range(len(names))} or not lines:
                return "", frozenset(rules)
            whens = {name: whens[name] for at, name in enumerate(names) if at not in lines}
        else:
            return text, frozenset(rules)


def starts(spec: Spec, event: Event, target: str) -> bool:
    """Whether an event starts a job on a target."""
    if target == "github" and event.is_new:
        # GitHub itself finds something to compare a new branch with.
        return expectation.starts(spec, replace(event, is_new=False))
    if target == "gitlab" and event.fork:
        return expectation.starts(spec, replace(event, repository=event.fork_repository))
    return expectation.starts(spec, event)


def started(target: str, text: str, event: Event) -> set[str]:
    """The jobs that an event starts; what GitHub's own job looks at is really looked at."""

    def perform(step: Step) -> Result:
        if step.name != "changes":
            return Result("passed", {"digest": "sha256:0"})
        return looked(text, event, SHELLS[-1])

    results = play(steps_of(target, text, event, {}), perform)
    return {name for name, result in results.items() if result.status == "passed"}


def agrees(*, answer: bool, spec: Spec, event: Event, target: str) -> bool:
    """Whether a cell is right; a request whose branch a push has built may be left out.

    GitLab always does, GitHub and Buildkite where they can tell, Agola never can.
    """
    expected = starts(spec, event, target)
    if expected and expectation.built_by_a_push(spec, event, target):
        return not answer or target != "gitlab"
    return answer == expected


# -- one image --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", SHELL_TARGETS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_starts_the_job(trigger: str, target: str) -> None:
    for text in {plain(trigger, target), reachable(trigger, target)[0]} - {""}:
        rendered = rendered_for(text, target)
        spec = expectation.read(text)
        for event in events_of(target):
            answer = bool(started_images(target, rendered, event))
            assert agrees(answer=answer, spec=spec, event=event, target=target), event


def events_of(target: str) -> tuple[Event, ...]:
    return tuple(event for event in EVENTS if target in ONLY_ON.get(event.source, TARGETS))


def plain(trigger: str, target: str) -> str:
    """A spec whose destination has no condition: nothing but the triggers starts it."""
    text = spec_of(trigger, {"always": "always"})
    try:
        rendered_for(text, target)
    except ci_kaniko.SpecError:
        return ""
    return text


IMPOSSIBLE = {
    ("agola", "clock"),
    ("agola", "here"),
    ("agola", "button"),
    ("agola", "upstream"),
    ("agola", "paths"),
    ("buildkite", "paths"),
}
"""The triggers that a target refuses."""


def test_the_triggers_that_a_target_refuses() -> None:
    found = {(target, t) for target in SHELL_TARGETS for t in TRIGGERS if not plain(t, target)}
    assert found == IMPOSSIBLE
    for target, trigger in found:
        assert "impossible-trigger" in reachable(trigger, target)[1]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_condition_is_refused_when_nothing_fulfils_it(trigger: str, target: str) -> None:
    text, rules = reachable(trigger, target)
    refusals = {"never-pushed", "impossible-condition", "impossible-trigger"}
    assert rules <= {*refusals, "credentials-in-pull-request"}
    left_out = {name: WHENS[name] for name in WHENS if f"shop:{name}" not in text}
    spec = expectation.read(spec_of(trigger, {"always": "always"}))
    for name, when in left_out.items() if text else ():
        for event in EVENTS:
            unpushed = event.source == "merge_group" or (
                event.pull_request and spec.data.get("push") != "always"
            )
            if not unpushed and event in events_of(target) and starts(spec, event, target):
                assert not expectation.holds(when, event), (name, event.name)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_is_pushed(trigger: str, target: str) -> None:
    """Every event with some of the triggers, all events with what everything starts."""
    text, _ = reachable(trigger, target)
    spec = expectation.read(text)

    def job(number: int, event: Event) -> None:
        wanted = Run(spec, target, event)
        rendered = rendered_for(text, target, event)
        got = execute(wanted, rendered, SHELLS[number % len(SHELLS)])
        assert (got.status, got.calls) == (0, 1), got.stderr
        pushed = [a for a in got.argv or () if a.startswith("--destination=")]
        assert pushed == [f"--destination={image}" for image in expectation.images(wanted)]
        assert ("--no-push" in (got.argv or ())) == (not pushed)

    in_parallel(
        functools.partial(job, number, event)
        for number, event in enumerate(events_of(target) if text else ())
        if (number + [*TRIGGERS].index(trigger)) % 4 == 0 or trigger == "everything"
        if starts(spec, event, target)
    )


# -- several images ---------------------------------------------------------------------------

CASES = {
    "stable-tags": {"branches": ["main", "!release/**", "**"], "tags": ["v*", "!v*.2.*"]},
    "quiet": {"branches": ["main"], "tags": ["v*", "**-rc"]},
    "shouted": {"branches": ["Main", "RELEASE/**"], "tags": ["V*", "**-RC"]},
    "asked": {"branches": ["release/**"], "pull_requests": True},
}
TOGETHER = {
    "case": ("quiet", "shouted", "asked"),
    "excluded": ("release", "stable-tags"),
    "flat": ("absent", "default", "tags", "requests", "everything"),
    "without": ("without", "absent", "button"),
    "paths": ("absent", "paths", "everything", "tags"),
    "folders": ("below", "release", "default"),
    "elsewhere": ("there", "default", "tags"),
    "others": ("clock", "button", "upstream", "default"),
}


def together(*groups: str) -> str:
    """A spec with an image for each of several triggers."""
    names = dict.fromkeys(name for group in groups for name in TOGETHER.get(group, (group,)))
    data = {
        "default_branch": "main",
        "push": "never",
        "images": {name: {"triggers": {**TRIGGERS, **CASES}[name]} for name in names},
    }
    return json.dumps(data)


@pytest.mark.parametrize("target", SHELL_TARGETS)
@pytest.mark.parametrize("group", TOGETHER)
def test_each_image_has_its_own_events(group: str, target: str) -> None:
    text = together(group)
    if (target, group) in NOT_TOGETHER:
        with pytest.raises(ci_kaniko.SpecError) as refused:
            rendered_for(text, target)
        assert {problem.rule for problem in refused.value.problems} == {"impossible-trigger"}
        return
    rendered = rendered_for(text, target)
    for event in events_of(target):
        found = started_images(target, rendered, event)
        for name, image in images.read(text).images.items():
            answer = native_name(images.Job(image), target) in found
            assert agrees(answer=answer, spec=image.spec, event=event, target=target), (name, event)


def started_images(target: str, text: str, event: Event) -> set[str]:
    """The jobs that an event starts, and that do not leave at once."""
    found = started(target, text, event) - {"checkout", "changes"}
    return {name for name in found if stays(target, text, event, name)}


NOT_TOGETHER = {
    ("agola", "without"),
    ("agola", "others"),
    ("agola", "paths"),
    ("buildkite", "paths"),
}


@pytest.mark.parametrize("form", ["reusable", "jobs"])
def test_jobs_among_those_of_somebody_else(form: str) -> None:
    """Whatever starts the workflow around them, they start at what the spec lists."""
    groups = (("absent",), ("release",), ("without",), ("quiet", "shouted", "paths"))
    for names in (*groups, ("absent", "tags", "asked")):
        data = {**json.loads(together(*names)), "github": {"form": form}}
        if names not in groups:
            del data["default_branch"]
        text = json.dumps(data)
        rendered = rendered_for(text, "github")
        assert ("  changes:" in rendered) == bool({"release", "without", "paths"} & {*names})
        for event in events_of("github"):
            found = started_images("github", rendered, event)
            for image in images.read(text).images.values():
                answer = native_name(images.Job(image), "github") in found
                assert agrees(answer=answer, spec=image.spec, event=event, target="github"), event


# -- another reader ---------------------------------------------------------------------------

COMPARED = (*EVENTS[1:4], TAG, PULL_REQUEST, SCHEDULE)


def test_gitlab_ci_local_reads_the_rules_alike(tmp_path: Path) -> None:
    """Of `changes:` it knows only a comparison with the default branch, so those are left out."""
    text = together(*(group for group in TOGETHER if group != "paths"))
    rendered = rendered_for(text, "gitlab")
    (tmp_path / ".gitlab-ci.yml").write_text(rendered, encoding="utf-8")
    validators.git_repository(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(functools.partial(validators.gitlab_ci_jobs, tmp_path), COMPARED)
        for event, jobs in zip(COMPARED, found, strict=True):
            assert jobs == started("gitlab", rendered, event), event


# -- filters ----------------------------------------------------------------------------------

FILTERS: dict[str, dict[str, object]] = {
    "paths": {"paths": ["src/**"]},
    "one path": {"paths": ["docs/a.md"]},
    "no feature": {"branches": ["**", "!feature/**"]},
    "no candidate": {"tags": ["**", "!**-rc*"]},
    "main": {"branches": ["main"]},
    "versions": {"tags": ["v*"]},
}
"""Each lets fewer events through than a list that has everything, or none."""


@pytest.mark.parametrize("target", SHELL_TARGETS)
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_never_adds_a_run(name: str, target: str) -> None:
    """Whatever starts a job without a filter, less or the same starts it with one."""
    for word in ("branches", "tags", "pull_requests", "schedules", "manual", "pipelines"):
        given: object = {"schedules": ["0 3 * * 1"], "branches": ["**"], "tags": ["**"]}.get(word)
        plain = {word: given or True}
        filtered = {**plain, **FILTERS[name]}
        if not filtered.keys() - {"paths"} <= plain.keys():
            continue
        for destinations in ("push: never", "push: auto"):
            wide, narrow = (
                _started_by(json.dumps(each), destinations, target) for each in (plain, filtered)
            )
            assert wide is None or narrow is None or narrow <= wide, (word, narrow, wide)


@functools.cache
def _started_by(triggers: str, push: str, target: str) -> set[str] | None:
    """The events that start the job; None where the target refuses the triggers."""
    text = (
        f"default_branch: main\n{push}\ntriggers: {triggers}\n"
        "destinations: ['quay.io/acme/shop:1']\nregistries: {quay.io: anonymous}\n"
    )
    try:
        rendered = rendered_for(text, target)
    except ci_kaniko.SpecError:
        return None
    return {event.name for event in events_of(target) if started(target, rendered, event)}


def test_a_filter_alone_starts_nothing() -> None:
    for target in SHELL_TARGETS:
        with pytest.raises(ci_kaniko.SpecError, match="no-trigger"):
            rendering.render(ci_kaniko.loads("push: never\ntriggers: {paths: ['src/**']}"), target)
