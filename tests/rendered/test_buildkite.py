"""Buildkite drops misplaced fields and replaces every `$`: what arrives is what counts."""

from __future__ import annotations

import base64
import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.rehearsing import kubelet, yaml11
from ci_kaniko.rehearsing.buildkite_upload import upload
from ci_kaniko.rehearsing.told import buildkite as told
from ci_kaniko.shell.script import Script
from ci_kaniko.targets.buildkite import TARGET
from ci_kaniko.targets.buildkite.dialect import DIALECT
from ci_kaniko.text.quoting import continued
from harness import buildkite, expectation, expected_logins
from harness.cases import CASES, snapshots
from harness.events import DEFAULT_BRANCH, PULL_REQUEST, TAG
from harness.expectation import Run
from harness.rows import AWKWARD, KUBELET, REFUSED, UPLOAD
from harness.runs import execute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.spec.typed import OptionsDict

ROWS = tuple(dict.fromkeys([*UPLOAD, *REFUSED, *KUBELET, *AWKWARD]))
ENV = {"FOO": "hello", "EMPTY": "", "BUILDKITE_BUILD_CHECKOUT_PATH": "/upload", "date": "now"}
SNAPSHOTS = [path for path in snapshots("buildkite") if path.stem in CASES]
ODD_BACKSLASHES = re.compile(r"(?<!\\)\\(\\\\)*\$")


def spec_with(text: str) -> ci_kaniko.Spec:
    """A build arg, a label and an extra argument that hold a text."""
    written = text.replace("${", "$${")
    extra = written.replace("\n", " ").replace("\t", " ")
    return ci_kaniko.Spec(
        push="never",
        build_args={"ARG": written},
        labels={"label": written},
        extra_args=[f"--extra={extra}"],
    )


def all_uploaded(text: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return list(upload(yaml11.load(text), env or ENV)["steps"])


def uploaded(text: str) -> dict[str, Any]:
    """The step that pushes."""
    step, *others = all_uploaded(text)
    assert all(other["key"].endswith("-pull-request") for other in others)
    return step


def plain_script(spec: ci_kaniko.Spec) -> str:
    script = Script(resolve(spec, "buildkite"), DIALECT)
    return script.build(lambda words: continued("/kaniko/executor", words))


def arrives(spec: ci_kaniko.Spec) -> str:
    """The script as the shell gets it: after the upload and the kubelet."""
    command = uploaded(ci_kaniko.render(spec, "buildkite"))["command"]
    return kubelet.expand(command, ENV)


@pytest.mark.parametrize("text", ROWS)
def test_every_row_of_the_tables_arrives(text: str) -> None:
    spec = spec_with(text)
    assert arrives(spec) == plain_script(spec)


LAYERS = st.text(st.sampled_from("$\\({[})'\"`aF{$\n "), max_size=30)


@given(LAYERS)
def test_the_script_arrives_byte_for_byte(text: str) -> None:
    spec = spec_with(text)
    assert "$$" not in plain_script(spec)
    assert arrives(spec) == plain_script(spec)


@pytest.mark.parametrize("text", [*KUBELET, *AWKWARD])
def test_every_row_of_the_kubelets_table_arrives_in_arguments(text: str) -> None:
    values = {"commit.sha": "0" * 40, "repository.url": "https://h.example/a/b", "branch": "main"}
    rendered = ci_kaniko.render(spec_with(text), "kubernetes", {**values, "tag": ""})
    (container,) = yaml11.load(rendered)["spec"]["containers"]
    known = {**ENV, **{entry["name"]: "x" for entry in container["env"]}}
    arguments = [kubelet.expand(word, known) for word in container["args"]]
    assert f"--build-arg=ARG={text}" in arguments
    assert f"--label=label={text}" in arguments


@pytest.mark.parametrize("text", [row for row in ROWS if "\n" not in row and row.strip()])
def test_native_texts_arrive_or_are_refused(text: str) -> None:
    """The upload reads labels, agents and raw keys as well; no shell and no kubelet does."""
    written = text.replace("${", "$${")
    settings: dict[str, Any] = {"label": written, "agents": {"team": written}}
    settings |= {"concurrency_group": written, "extra": {"env": {"A": text}}}
    if ODD_BACKSLASHES.search(text):
        assert rules(settings) == {"bad-character"}
        return
    spec = ci_kaniko.Spec.model_validate({"push": "never", "buildkite": settings})
    step = uploaded(ci_kaniko.render(spec, "buildkite"))
    assert {step["label"], step["agents"]["team"], step["concurrency_group"]} == {written}
    assert step["env"]["A"] == text


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_the_patched_pod_is_one(path: Path) -> None:
    for step in all_uploaded(path.read_text(encoding="utf-8")):
        assert buildkite.complaints(step) == []
        container = buildkite.patched(step)["containers"][0]
        assert "-debug" in container["image"] or "executor" not in step["command"]
        assert {"name": "workspace", "mountPath": "/workspace"} in container["volumeMounts"]
        assert "args" not in container["name"]


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_nothing_is_replaced_at_upload(path: Path) -> None:
    """Upload twice with other variables: the pipeline is the same."""
    text = path.read_text(encoding="utf-8")
    assert all_uploaded(text, {}) == all_uploaded(text, told.environment(DEFAULT_BRANCH))


FULL = """
destinations: ["quay.io/acme/shop:${commit.short}"]
registries: {quay.io: {docker_config: regcred}}
buildkite: {memory: 4Gi, extra: {priority: 1}}
"""


def _plugin(step: Any) -> Any:
    return step["plugins"][0]["kubernetes"]


def _pod(step: Any) -> Any:
    return _plugin(step)["podSpecPatch"]


def _container(step: Any) -> Any:
    return _pod(step)["containers"][0]


TAMPERED: dict[str, Callable[[Any], object]] = {
    "step-field": lambda step: step.update(timeout=1),
    "plugin-version": lambda step: step["plugins"][0].update(
        {"kubernetes#v1": step["plugins"][0].pop("kubernetes")}
    ),
    "plugin-field": lambda step: _plugin(step).update(podSpecPatches={}),
    "pod-field": lambda step: _pod(step).update(nodeSelectors={}),
    "container-field": lambda step: _container(step).update(imag="x"),
    "extra-mounts": lambda step: _container(step).update(extraVolumeMounts=[]),
    "command": lambda step: _container(step).update(command=["sh"]),
    "container-name": lambda step: _container(step).update(name="kaniko"),
    "image": lambda step: _container(step).update(image="x"),
    "no-volume": lambda step: _pod(step)["volumes"].clear(),
    "no-mount": lambda step: _container(step)["volumeMounts"].clear(),
    "mounted-twice": lambda step: _container(step)["volumeMounts"].append(
        copy.deepcopy(_container(step)["volumeMounts"][0])
    ),
    "dollar": lambda step: step.update(label="for $USER"),
    "escaped-dollar": lambda step: step.update(label="for \\$$USER"),
    "dollar-in-a-key": lambda step: _pod(step).update(nodeSelector={"$X": "y"}),
    "script": lambda step: step.update(command="true"),
    "condition": lambda step: step.update({"if": "true"}),
}


def document() -> tuple[Any, dict[str, Any]]:
    spec = ci_kaniko.loads(FULL)
    text = ci_kaniko.render(spec, "buildkite")
    return yaml11.load(text), TARGET.prepare(spec, {}).view


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_document_is_noticed(tamper: Callable[[Any], object]) -> None:
    """What stands between the template and the file that is handed out."""
    whole, view = document()
    assert list(TARGET.verify(whole, view)) == []
    tamper(whole["steps"][0])
    assert list(TARGET.verify(whole, view))


SEEN_BY_KUBERNETES = ("pod-field", "container-field", "extra-mounts", "container-name", "no-volume")


@pytest.mark.parametrize("name", SEEN_BY_KUBERNETES)
def test_the_check_of_the_pod_can_fail(name: str) -> None:
    whole, _ = document()
    step = whole["steps"][0]
    assert buildkite.complaints(step) == []
    TAMPERED[name](step)
    assert buildkite.complaints(step)


# -- logins -----------------------------------------------------------------------------------

OIDC = """
destinations: ["packages.buildkite.com/acme/shop/app:${commit.short}"]
registries: {packages.buildkite.com: ci-token}
"""
PAIR = ("buildkite", "oidc-rehearsal")


def run(spec: str, event: Event = DEFAULT_BRANCH, **fed: dict[str, str]) -> Recorded:
    wanted = Run(expectation.read(spec), "buildkite", event)
    text = ci_kaniko.render(ci_kaniko.loads(spec), "buildkite")
    store = expected_logins.Fed(fed.get("secrets", {}), fed.get("docker_configs", {}))
    return execute(wanted, text, "busybox", fed=store)


@pytest.mark.parametrize("lifetime", [None, 1800])
def test_a_package_registry_is_opened_by_the_jobs_own_token(lifetime: int | None) -> None:
    settings = f"buildkite: {{oidc_lifetime_seconds: {lifetime}}}\n" if lifetime else ""
    got = run(OIDC + settings)
    audience = "https://packages.buildkite.com/acme/shop"
    words = ["oidc", "request-token", "--audience", audience, "--lifetime", str(lifetime or 300)]
    assert list(got.agent) == words
    assert (got.status, got.calls) == (0, 1)
    assert got.config == {"auths": {"packages.buildkite.com": {"auth": encoded(PAIR)}}}
    assert PAIR[1] not in "\0".join(got.command) + got.stdout + got.stderr


def encoded(pair: tuple[str, str]) -> str:
    return base64.b64encode(":".join(pair).encode()).decode()


def test_a_pull_request_asks_for_no_token() -> None:
    got = run(OIDC, PULL_REQUEST)
    assert (got.status, got.agent, got.config) == (0, (), None)
    assert "--no-push" in (got.argv or ())


def test_a_refused_token_stops_the_job() -> None:
    text = ci_kaniko.render(ci_kaniko.loads(OIDC), "buildkite")
    refused = text.replace("oidc request-token", "oidc refused")
    wanted = Run(expectation.read(OIDC), "buildkite", DEFAULT_BRANCH)
    got = execute(wanted, refused, "busybox")
    assert (got.status, got.calls) == (99, 0)


OWN_STORE = """
destinations: ["quay.io/acme/shop:1", "us-docker.pkg.dev/acme/shop/app:1"]
registries:
  quay.io: {username: acme, password: QUAY_PASSWORD}
  us-docker.pkg.dev: {google: {key_file: GOOGLE_KEY}}
buildkite: {secrets: buildkite}
"""


def test_buildkites_own_store() -> None:
    step = uploaded(ci_kaniko.render(ci_kaniko.loads(OWN_STORE), "buildkite"))
    assert step["secrets"] == ["QUAY_PASSWORD", "GOOGLE_KEY"]
    assert _container(step).keys() == {"name", "image"}
    assert _pod(step).keys() == {"containers"}
    secrets = {"QUAY_PASSWORD": "p", "GOOGLE_KEY": '{"type": "service_account"}\n\nx'}
    got = run(OWN_STORE, secrets=secrets)
    assert got.credentials == {"GOOGLE_APPLICATION_CREDENTIALS": secrets["GOOGLE_KEY"] + "\n"}
    assert got.env["GOOGLE_APPLICATION_CREDENTIALS"] == "/kaniko/credentials/google-key.json"
    assert run(OWN_STORE, secrets={"QUAY_PASSWORD": "p"}).calls == 0


@pytest.mark.parametrize("name", ["_TOKEN", "BK_TOKEN", "bkToken", "BuildkiteToken"])
def test_names_that_the_own_store_does_not_take(name: str) -> None:
    spec = OWN_STORE.replace("QUAY_PASSWORD", name)
    with pytest.raises(ci_kaniko.SpecError, match="reserved-name"):
        ci_kaniko.render(ci_kaniko.loads(spec), "buildkite")


CONFIG = """
destinations: ["quay.io/acme/shop:1"]
registries: {quay.io: {docker_config: regcred}}
"""


def test_a_ready_config_is_optional_until_something_is_pushed() -> None:
    got = run(CONFIG)
    assert got.calls == 0
    assert "regcred of type kubernetes.io/dockerconfigjson is not there" in got.stderr
    assert run(CONFIG, PULL_REQUEST).status == 0
    ready = '{"auths": {"quay.io": {"username": "a", "password": "b"}}}'
    got = run(CONFIG, docker_configs={"regcred": ready})
    assert got.config_text == ready
    (mount,) = got.mounts
    assert (mount.target, mount.read_only) == ("/kaniko/.docker", True)


def test_ambient_roles_need_nothing_but_a_service_account() -> None:
    spec = """
destinations: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1", "gcr.io/acme/shop:1"]
registries:
  123456789012.dkr.ecr.eu-west-1.amazonaws.com: {aws: ambient}
  gcr.io: {google: ambient}
buildkite: {service_account: kaniko}
"""
    step = uploaded(ci_kaniko.render(ci_kaniko.loads(spec), "buildkite"))
    assert _pod(step)["serviceAccountName"] == "kaniko"
    assert _container(step)["env"] == [{"name": "AWS_REGION", "value": "eu-west-1"}]
    got = run(spec)
    assert (got.calls, got.config, got.env["AWS_REGION"]) == (1, None, "eu-west-1")
    assert "AWS_REGION" not in step["command"]


# -- the step ---------------------------------------------------------------------------------


def rules(settings: dict[str, object], **fields: object) -> set[str]:
    given = {"push": "never", "buildkite": settings, **fields}
    spec = ci_kaniko.Spec.model_validate(given)
    try:
        ci_kaniko.render(spec, "buildkite")
    except ci_kaniko.SpecError as error:
        return {problem.rule for problem in error.problems}
    return set()


def test_raw_keys_of_a_step() -> None:
    assert rules({"extra": {"priority": 1, "checkout": {"submodules": False}}}) == set()
    assert rules({"extra": {"timeout": 5}}) == {"unknown-native-key"}
    assert rules({"extra": {"image": "x"}}) == {"owned-key"}
    assert rules({"agents": {"queue": "x"}}) == {"owned-key"}


def test_artifacts_are_globs() -> None:
    options: OptionsDict = {"digest_file": "out/{a}[1]*?.txt", "oci_layout_path": "out/layout"}
    step = uploaded(ci_kaniko.render(ci_kaniko.Spec(push="never", options=options), "buildkite"))
    assert step["artifact_paths"] == [r"out/\{a\}\[1\]\*\?.txt", "out/layout/**/*"]
    assert rules({}, options={"digest_file": "a;b"}) == {"impossible-output"}


def test_a_build_that_names_no_commit_is_not_tagged_head() -> None:
    spec = "destinations: ['quay.io/acme/shop:${commit.short}']\nregistries: {quay.io: anonymous}\n"
    text = ci_kaniko.render(ci_kaniko.loads(spec), "buildkite")
    wanted = Run(expectation.read(spec), "buildkite", TAG)
    got = execute(wanted, text, "busybox", extra_env={"BUILDKITE_COMMIT": "HEAD"})
    assert (got.status, got.calls) == (1, 0)
    assert "HEAD" in got.stderr
