"""Meaning kept: an original and what its import renders pass the same to the executor.

Both run in the harness. What differs is what the report says was mended: the tests name it.
"""

from __future__ import annotations

import functools
import os.path
from typing import TYPE_CHECKING, Any

import pytest

from ci_kaniko import import_files, loads, rendering
from ci_kaniko.importing.shell.commands.flags import one_word_each
from ci_kaniko.importing.shell.conditions import Conditions
from ci_kaniko.importing.shell.guards import YES, Budget
from ci_kaniko.importing.shell.values import Item
from ci_kaniko.rehearsing import sandbox, yaml11
from ci_kaniko.rehearsing.request import Request
from harness.cases import ROOT
from harness.events import DEFAULT_BRANCH, FEATURE_BRANCH, PULL_REQUEST, TAG
from harness.execution import run

if TYPE_CHECKING:
    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded

IMPORTS = ROOT / "tests" / "imports"
EVENTS = (DEFAULT_BRANCH, FEATURE_BRANCH, TAG, PULL_REQUEST)
BRANCHES = (DEFAULT_BRANCH, FEATURE_BRANCH)
PUSHES = (DEFAULT_BRANCH, FEATURE_BRANCH, TAG)
PAIRS: tuple[tuple[str, str, tuple[Event, ...]], ...] = (
    ("pipelines/gitlab-build-args/.gitlab-ci.yml", "gitlab", (DEFAULT_BRANCH, TAG)),
    ("pipelines/gitlab-ecr/.gitlab-ci.yml", "gitlab", BRANCHES),
    ("pipelines/gitlab-hidden-extends/.gitlab-ci.yml", "gitlab", (TAG,)),
    ("pipelines/gitlab-latest-if/.gitlab-ci.yml", "gitlab", PUSHES),
    ("pipelines/gitlab-literal-secret/.gitlab-ci.yml", "gitlab", PUSHES),
    ("pipelines/gitlab-mr-pushes/.gitlab-ci.yml", "gitlab", (PULL_REQUEST,)),
    (
        "pipelines/gitlab-no-push-on-requests/.gitlab-ci.yml",
        "gitlab",
        (DEFAULT_BRANCH, PULL_REQUEST),
    ),
    ("pipelines/github-env.yml", "github", (DEFAULT_BRANCH, TAG)),
    ("pipelines/buildkite-command.yml", "buildkite", BRANCHES),
    ("pipelines/agola-branches.yml", "agola", PUSHES),
    ("pipelines/agola.json", "agola", BRANCHES),
    ("seeds/gitlab-own-registry.yml", "gitlab", PUSHES),
)
"""Originals that the harness can run as they are, and the events that start them."""

MENDED = {
    ("gitlab-build-args", "12345e6"): "short-commit",
    ("gitlab-build-args", "12345e67"): "short-commit",
    ("gitlab-ecr", "shop/cache"): "cache-repo",
    ("gitlab-ecr", "cache-dir=/base"): "cache-folder",
    ("gitlab-latest-if", "shop:feature"): "unknown-condition",
    ("gitlab-latest-if", "no-push"): "unknown-condition",
    ("gitlab-literal-secret", "NPM_TOKEN"): "literal-secret",
    ("buildkite-command", "shop"): "short-commit",
    ("buildkite-command", "12345e6"): "short-commit",
    ("agola-branches", "shop:main"): "never-pushed",
    ("agola-branches", "shop:feature"): "never-pushed",
}
"""What may differ, by a part of the argument: the entry of the report that says so."""

_SECRETS = {
    "REGISTRY_PASSWORD": "secret-one",
    "password": "secret-one",
    "hub_password": "secret-two",
    "QUAY_TOKEN": "secret-three",
    "GITHUB_TOKEN": "secret-four",
    "DOCKER_HUB_PASSWORD": "secret-five",
    "DOCKER_HUB_USER": "acme",
    "REGISTRY_EXAMPLE_COM_PASSWORD": "secret-six",
    "dockerauth": "YWNtZTpzZWNyZXQtZml2ZQ==",
    "credentials": "[default]",
    "kaniko_secret_json": "{}",
}
_VARIABLES = {"NPM_TOKEN": "secret-seven"}
_STORES = {"buildkite-command": "registry", "buildkite-ecr": "aws-ecr-credentials"}
_STORES |= {"buildkite-artifact-registry": "kaniko-secret"}


@pytest.fixture(autouse=True)
def _docker_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kaniko's image has /kaniko/.docker, which the harness leaves out."""
    prepare = sandbox.Sandbox.prepare

    def prepared(box: Any, *given: Any) -> None:
        prepare(box, *given)
        box.mkdir("/kaniko/.docker")

    monkeypatch.setattr(sandbox.Sandbox, "prepare", prepared)


@functools.cache
def imported(case: str) -> Any:
    return import_files([str(IMPORTS / case)])


def _run(case: str, target: str, text: str, event: Event) -> Recorded:
    store = next((name for key, name in _STORES.items() if key in case), "ci-kaniko")
    return run(
        Request(
            target,
            text,
            event,
            secrets=_SECRETS,
            variables={**_VARIABLES, **(_SECRETS if target == "gitlab" else {})},
            shell="bash" if target == "github" else "busybox",
            secret=store,
        )
    )


def _words(recorded: Recorded, workspace: str) -> set[str]:
    """What reached the executor, told in one way."""
    given = [Item(YES, (word,)) for word in recorded.argv or () if word]
    words = one_word_each(given, Conditions(Budget()), YES, lambda *_, **__: None)
    texts = ["".join(str(part) for part in word.text) for word in words]
    found = set()
    context = "."
    for text in texts:
        name, _, value = text.removeprefix("--").partition("=")
        if name == "context":
            folder = os.path.join(workspace, value.removeprefix("dir://"))
            context = os.path.relpath(folder, workspace)
            found.add(f"context={context}")
    for text in texts:
        name, _, value = text.removeprefix("--").partition("=")
        if name == "context":
            continue
        if name == "dockerfile":
            below = value if os.path.isabs(value) else os.path.join(workspace, context, value)
            value = os.path.relpath(below, workspace)
        if name.endswith("-file"):
            value = os.path.basename(value)
        if name == "no-push-cache" or text == "":
            continue
        found.add(f"{name}={'' if value == 'true' else value}")
    found.discard(f"dockerfile={os.path.normpath(os.path.join(context, 'Dockerfile'))}")
    return found


_ROOTS = {"github": "/workspace", "agola": "/workspace"}


def _workspace(recorded: Recorded) -> str:
    """The repository as the executor saw it."""
    for mount in recorded.mounts:
        if mount.source.rstrip("/") == "/home/runner/work/shop/shop" or (
            mount.target in {"/workspace", "/kaniko/context"}
        ):
            return mount.target
    return recorded.workspace


def compare(case: str, target: str, event: Event) -> list[str]:
    """What differs for one event."""
    original = _run(case, target, (IMPORTS / case).read_text(encoding="utf-8"), event)
    rendered = rendering.render(imported(case).spec, target)
    again = _run(case, target, rendered, event)
    if original.argv is None and again.argv is None:
        return []
    before = _words(original, _workspace(original))
    after = _words(again, _workspace(again))
    lost = [f"- {word}" for word in sorted(before - after)]
    return [*lost, *(f"+ {word}" for word in sorted(after - before))]


@pytest.mark.parametrize(
    ("case", "target", "event"),
    [
        pytest.param(case, target, event, id=f"{case}-{event.name}")
        for case, target, events in PAIRS
        for event in events
    ],
)
def test_an_import_passes_what_the_original_did(case: str, target: str, event: Event) -> None:
    rules = {entry.rule for entry in imported(case).report}
    unexplained = []
    for line in compare(case, target, event):
        found = [rule for (name, part), rule in MENDED.items() if name in case and part in line]
        if not any(rule in rules for rule in found):
            unexplained.append(line)
    assert unexplained == []


_TASK_OF_AGOLA = """\
      - name: {0}
        runtime:
          type: pod
          containers: [{{image: "gcr.io/kaniko-project/executor:v1.23.2-debug"}}]
        shell: /busybox/sh -e
        steps:
          - clone:
          - run: /kaniko/executor --context=. --destination=ghcr.io/acme/{0}:1
"""


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["ci", "ci"], ["ci", "ci"]),
        (["ci", "other"], ["ci", "other"]),
        (["build-images", "build-images"], [None, None]),
    ],
)
def test_images_stay_in_their_runs_of_agola(names: list[str], runs: list[str | None]) -> None:
    tasks: dict[str, str] = {}
    for name, image in zip(names, ("api", "web"), strict=True):
        tasks[name] = tasks.get(name, "") + _TASK_OF_AGOLA.format(image)
    text = "".join(f"  - name: {name}\n    tasks:\n{text}" for name, text in tasks.items())
    made = import_files([("config.yml", f"version: v0\nruns:\n{text}")], "agola")
    assert [image.agola.run for image in made.spec.images.values()] == runs
    assert not [entry.message for entry in made.report if entry.rule == "not-carried"]
    spec = loads(f"{made.spec_text}registries: {{ghcr.io: anonymous}}\n")
    rendered = yaml11.load(rendering.render(spec, "agola"))
    assert [run["name"] for run in rendered["runs"]] == [*tasks]
