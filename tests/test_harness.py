"""The harness itself, on hand-written files in the shape that ci-kaniko renders."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci_kaniko.importing.shell import parsing
from ci_kaniko.rehearsing import events, kubelet, sandbox
from ci_kaniko.rehearsing.buildkite_upload import UploadError, interpolate, upload
from ci_kaniko.rehearsing.comparable import normalise
from ci_kaniko.rehearsing.documents import NotModelled
from ci_kaniko.rehearsing.logins import lookup
from ci_kaniko.rehearsing.recorded import Mount, Recorded
from ci_kaniko.rehearsing.request import Request
from harness import answers, pace, shared, tools, verdicts
from harness.events import DEFAULT_BRANCH, FEATURE_BRANCH, FORK_PULL_REQUEST, PULL_REQUEST, TAG
from harness.execution import run
from harness.expectation import TOLD
from harness.rows import AWKWARD, KUBELET, REFUSED, UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SECRETS = {"TOKEN": "p'a\"s$s\\w:örd" + "x" * 80}


def quoted(text: str) -> str:
    parts = re.split(r"(?<=[\\${])(?=[$(\[{])", text)
    return "".join("'" + part.replace("'", "'\\''") + "'" for part in parts)


LOGIN = """\
set -eu
: "${TOKEN:?is not set: create it in the settings}"
auth() { printf '%s:%s' "$1" "$2" | base64 | tr -d '\\n'; }
login=$(auth me "$TOKEN")
mkdir -p "$CONFIG"
(umask 077; printf '{"auths":{"%s":{"auth":"%s"}}}\\n' ghcr.io "$login" > "$CONFIG/config.json")
"""


def script(arguments: Sequence[str], call: str = '/kaniko/executor "$@"') -> str:
    words = " ".join(quoted(argument) for argument in arguments)
    return f"CONFIG=${{CONFIG:-/kaniko/.docker}}\n{LOGIN}set -- {words}\n{call}\n"


def block(text: str, spaces: int) -> str:
    return textwrap.indent(text, " " * spaces, lambda line: line != "\n").lstrip(" ")


def gitlab(text: str) -> str:
    return f"""\
stages: [build]
variables: {{BASE: $CI_REGISTRY_IMAGE/base, RAW: {{value: "a$b", expand: false}}}}
.hidden: {{script: [exit 1]}}
image-build:
  stage: build
  image:
    name: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
    entrypoint: [""]
  script:
    - |
      {block(text, 6)}
  rules:
    - if: $CI_COMMIT_TAG
"""


def github(text: str) -> str:
    return f"""\
name: image
on:
  push: {{branches: [main]}}
permissions: {{}}
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - name: build
        env:
          TOKEN: ${{{{ secrets.TOKEN }}}}
          DEFAULT_BRANCH: ${{{{ github.event.repository.default_branch }}}}
        run: |
          {block(text, 10)}
"""


DOCKER = """\
trap 'rm -rf "$CONFIG" || :' EXIT
docker run --rm -e container=docker -e TOKEN \\
  --volume "$GITHUB_WORKSPACE:/kaniko/context:ro" \\
  --mount type=bind,source="$CONFIG/config.json",target=/kaniko/.docker/config.json,readonly \\
  ghcr.io/osscontainertools/kaniko:v1.28.3 "$@\""""


def github_docker(arguments: Sequence[str]) -> str:
    return github("CONFIG=$RUNNER_TEMP/login\n" + script(arguments, DOCKER))


def github_container(text: str) -> str:
    return github(text).replace(
        "    steps:", "    container: {image: 'kaniko:v1-debug'}\n    steps:"
    )


def pod(container: str, extra: str = "") -> str:
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{generateName: image-}}
spec:
  restartPolicy: Never
  containers:
    - name: kaniko
      image: ghcr.io/osscontainertools/kaniko:v1.28.3
      {block(container, 6)}
  {block(extra, 2)}
"""


def kubernetes_plain(arguments: Sequence[str]) -> str:
    words = [argument.replace("$", "$$") for argument in arguments]
    return pod(f"args: {json.dumps(words, ensure_ascii=False)}\nenv: [{{name: HOME, value: x}}]")


def kubernetes_script(text: str) -> str:
    return pod(f"""\
command: [/busybox/sh, -c]
env:
  - name: TOKEN
    valueFrom: {{secretKeyRef: {{name: ci-kaniko, key: TOKEN}}}}
args:
  - |
    {block(text.replace("$", "$$"), 4)}
""")


def buildkite(text: str) -> str:
    return f"""\
steps:
  - label: ":docker: image"
    key: image
    agents: {{queue: kubernetes}}
    command: |
      {block(text.replace("$", "$$"), 6)}
    plugins:
      - kubernetes:
          podSpecPatch:
            containers:
              - name: container-0
                image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
                env:
                  - name: TOKEN
                    valueFrom: {{secretKeyRef: {{name: ci-kaniko, key: TOKEN}}}}
"""


def agola(text: str) -> str:
    return f"""\
version: v0
runs:
  - name: image
    tasks:
      - name: checkout
        runtime: {{containers: [{{image: alpine/git}}]}}
        steps:
          - clone:
          - save_to_workspace: {{contents: [{{source_dir: ".", dest_dir: ".", paths: ["**"]}}]}}
      - name: image
        runtime: {{containers: [{{image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug}}]}}
        environment: {{TOKEN: {{from_variable: TOKEN}}}}
        shell: /busybox/sh -e
        working_dir: /kaniko
        depends: [checkout]
        steps:
          - restore_workspace: {{dest_dir: /kaniko/src}}
          - run:
              name: build
              tty: false
              command: |
                {block(text, 16)}
"""


SHELL_DRIVEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "gitlab": ("gitlab", gitlab),
    "github-container": ("github", github_container),
    "kubernetes-script": ("kubernetes", kubernetes_script),
    "buildkite": ("buildkite", buildkite),
    "agola": ("agola", agola),
}


def through(form: Callable[[str], str]) -> Callable[[Sequence[str]], str]:
    return lambda arguments: form(script(arguments))


ALL_FORMS: dict[str, tuple[str, Callable[[Sequence[str]], str]]] = {
    **{name: (target, through(form)) for name, (target, form) in SHELL_DRIVEN.items()},
    "github-docker": ("github", github_docker),
    "kubernetes-plain": ("kubernetes", kubernetes_plain),
}
shells = pytest.mark.parametrize("shell", tools.shells())
shell_driven = pytest.mark.parametrize("form", SHELL_DRIVEN)
all_forms = pytest.mark.parametrize("form", ALL_FORMS)


def run_form(form: str, arguments: Sequence[str], **options: object) -> Recorded:
    target, text = ALL_FORMS[form]
    options = {"secrets": SECRETS, **options}
    return run(Request(target, text(arguments), DEFAULT_BRANCH, **options))  # type: ignore[arg-type]


def run_script(form: str, text: str, **options: object) -> Recorded:
    target, rendered = SHELL_DRIVEN[form]
    options = {"secrets": SECRETS, **options}
    return run(Request(target, rendered(text), DEFAULT_BRANCH, **options))  # type: ignore[arg-type]


@all_forms
@shells
def test_arguments_arrive_byte_for_byte(form: str, shell: str) -> None:
    recorded = run_form(form, AWKWARD, shell=shell)
    assert (recorded.status, recorded.stderr, recorded.calls) == (0, "", 1)
    assert recorded.argv == AWKWARD


@all_forms
def test_the_executors_status_passes_through(form: str) -> None:
    recorded = run_form(form, ["x"], executor_status=42)
    assert recorded.status == 42
    assert recorded.calls == 1


@pytest.mark.parametrize("form", [form for form in ALL_FORMS if form != "kubernetes-plain"])
@shells
def test_the_config_is_what_the_executor_would_read(form: str, shell: str) -> None:
    recorded = run_form(form, ["x"], shell=shell)
    assert lookup(recorded, "ghcr.io") == ("me", SECRETS["TOKEN"])
    assert lookup(recorded, "quay.io") is None
    assert recorded.config_mode == 0o600
    assert recorded.umask == 0o022


@shell_driven
@shells
def test_a_missing_secret_stops_before_the_executor(form: str, shell: str) -> None:
    recorded = run_form(form, ["x"], shell=shell, secrets={})
    assert recorded.status != 0
    assert (recorded.argv, recorded.calls, recorded.config) == (None, 0, None)
    assert "TOKEN" in recorded.stderr


@shell_driven
def test_a_failing_line_stops_the_job(form: str) -> None:
    text = "set -e\nfalse\n/kaniko/executor\n"
    assert run_script(form, text).calls == 0
    assert run_script(form, "set +e\nfalse\n/kaniko/executor\n").calls == 1


@shell_driven
def test_a_leaked_umask_and_a_second_call_are_seen(form: str) -> None:
    recorded = run_script(form, "umask 077\n/kaniko/executor a\n/kaniko/executor b\n")
    assert (recorded.umask, recorded.calls, recorded.argv) == (0o077, 2, ("a",))


@shell_driven
@shells
def test_the_clock_stands_still(form: str, shell: str) -> None:
    text = '/kaniko/executor "$(date -u +%Y-%m-%dT%H:%M:%SZ)"\n'
    assert run_script(form, text, shell=shell).argv == (events.NOW,)


def test_busybox_runs_have_the_applets_only() -> None:
    text = "readlink -f /busybox/base64; command -v git || echo none; /kaniko/executor\n"
    recorded = run_script("gitlab", text, shell="busybox")  # noqa: S604
    assert recorded.stdout.splitlines()[0].endswith("busybox")
    assert recorded.stdout.splitlines()[1] == "none"


def test_runs_share_nothing_and_leave_nothing() -> None:
    text = "ls /kaniko; echo x > /kaniko/left; mkdir /tmp/made\n/kaniko/executor\n"
    first, second = (run_script("gitlab", text) for _ in range(2))
    assert first.stdout == second.stdout == "executor\n"
    assert first.files == {"/kaniko/left": b"x\n"}


@pytest.mark.skipif(not sandbox.ISOLATED, reason="no mount namespaces")
def test_scripts_cannot_write_to_the_machine() -> None:
    recorded = run_script("gitlab", "touch /usr/harness /etc/harness || echo refused\n")
    assert recorded.stdout == "refused\n"


@all_forms
def test_without_namespaces_paths_are_swapped(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_form(form, AWKWARD)
    monkeypatch.setattr(sandbox, "ISOLATED", False)
    monkeypatch.delenv("CI", raising=False)
    assert run_form(form, AWKWARD) == expected
    monkeypatch.setenv("CI", "true")
    with pytest.raises(RuntimeError, match="namespaces"):
        run_form(form, AWKWARD)


def test_gitlab_variables_and_file_secrets() -> None:
    text = (
        '/kaniko/executor "$BASE" "$RAW" "$(cat "$CONFIG_FILE")" "$PLAIN" "${CI_COMMIT_TAG-no}"\n'
    )
    recorded = run_script(
        "gitlab", text, file_secrets={"CONFIG_FILE": "{}"}, variables={"PLAIN": "p"}
    )
    assert recorded.argv == ("registry.example.com/acme/shop/base", "a$b", "{}", "p", "no")
    assert recorded.image == "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"
    assert recorded.workspace == "/builds/Acme/Shop"


def test_gitlab_needs_the_entrypoint_cleared() -> None:
    with pytest.raises(NotModelled, match="entrypoint"):
        run(Request("gitlab", gitlab("true\n").replace('[""]', "[]"), TAG))


def test_files_stand_in_the_checkout() -> None:
    for form in ("gitlab", "buildkite", "agola"):
        place = {"agola": "/kaniko/src/"}.get(form, "")
        text = f'/kaniko/executor "$(cat {place}sub/a)"\n'
        assert run_script(form, text, files={"sub/a": "content"}).argv == ("content",)


def test_docker_mounts_environment_and_cleaning() -> None:
    recorded = run_form("github-docker", ["--a"])
    workspace, config = recorded.mounts
    assert workspace == Mount("/home/runner/work/Shop/Shop", "/kaniko/context", read_only=True)
    assert config.target == "/kaniko/.docker/config.json"
    assert recorded.env == {"container": "docker", "TOKEN": SECRETS["TOKEN"]}
    assert recorded.image == "ghcr.io/osscontainertools/kaniko:v1.28.3"
    assert recorded.command[:2] == ("docker", "run")
    assert SECRETS["TOKEN"] not in " ".join(recorded.command)
    assert not [path for path in recorded.files if path.startswith("/home")]


@pytest.mark.parametrize(
    "call",
    [
        "docker run --privileged image",
        "docker build .",
        "docker run -v name:/kaniko/x image",
        "docker run -v /home/runner/nowhere:/kaniko/x image",
        "docker run -v /home/runner:/kaniko image",
        "docker run --rm",
    ],
)
def test_docker_calls_outside_the_model_are_loud(call: str) -> None:
    with pytest.raises(NotModelled):
        run(Request("github", github(f"{call}\n"), TAG))


def test_docker_writes_the_digest_through_the_mount() -> None:
    for option in ('-v "$out:/kaniko/out"', '--mount "type=bind,source=$out,target=/kaniko/out"'):
        recorded = run(
            Request(
                "github",
                github(
                    'out=$RUNNER_TEMP/out; mkdir "$out"\n'
                    f"docker run --rm {option} image --digest-file=/kaniko/out/digest\n"
                    'echo "digest=$(cat "$out/digest")" >> "$GITHUB_OUTPUT"\n'
                ),
                TAG,
            )
        )
        assert recorded.stderr == ""
        outputs = [data for path, data in recorded.files.items() if path.endswith("/output")]
        assert outputs == [b"digest=sha256:" + b"0" * 64 + b"\n"]


def test_github_expressions() -> None:
    text = github('docker run image "$A" "$B" "$C" "$D"\n').replace(
        "          TOKEN:",
        "          A: ${{ vars.NONE || 'it''s' }}\n"
        "          B: x-${{ github.event.repository.default_branch }}\n"
        "          C: ${{ github.event.pull_request.head.repo.fork }}\n"
        "          D: ${{ vars.HOST || secrets.TOKEN }}\n"
        "          TOKEN:",
    )
    recorded = run(Request("github", text, FORK_PULL_REQUEST, variables={"HOST": "h"}))
    assert recorded.argv == ("it's", "x-main", "true", "h")
    for bad in ("format()", "github.nope", "a && b"):
        with pytest.raises(NotModelled):
            run(Request("github", text.replace("vars.NONE || 'it''s'", bad), TAG))
    with pytest.raises(NotModelled, match="expression in run"):
        run(Request("github", github("echo ${{ github.ref }}\n"), TAG))


def test_git_tells_the_commit_time_in_the_committers_zone() -> None:
    text = github(
        'TZ=UTC; export TZ; docker run image "$(git show -s --format=%cI)" '
        '"$(git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"\n'
    )
    recorded = run(Request("github", text, TAG))
    assert recorded.argv == ("2026-01-01T13:00:00+01:00", "2026-01-01T12:00:00Z")


SECRET_VOLUME = """\
volumes:
  - name: docker-config
    secret:
      secretName: regcred
      items: [{key: .dockerconfigjson, path: config.json}]"""
SECRET_MOUNT = """\
args: [x]
volumeMounts: [{name: docker-config, mountPath: /kaniko/.docker, readOnly: true}]"""


def test_kubernetes_mounts_a_docker_config() -> None:
    config = json.dumps({"auths": {"ghcr.io": {"username": "me", "password": "secret"}}})
    text = pod(SECRET_MOUNT, SECRET_VOLUME)
    recorded = run(Request("kubernetes", text, TAG, docker_configs={"regcred": config}))
    assert lookup(recorded, "ghcr.io") == ("me", "secret")
    assert recorded.mounts == (Mount("secret:regcred", "/kaniko/.docker", read_only=True),)
    assert recorded.config_mode == 0o644
    without_items = re.sub(r"      items:.*", "", text)
    recorded = run(Request("kubernetes", without_items, TAG, docker_configs={"regcred": config}))
    assert recorded.config is None


def test_kubernetes_waits_for_a_missing_secret() -> None:
    recorded = run(Request("kubernetes", pod(SECRET_MOUNT, SECRET_VOLUME), TAG))
    assert (recorded.status, recorded.argv) == (125, None)
    assert 'secret "regcred" not found' in recorded.stderr


@pytest.mark.skipif(not sandbox.ISOLATED, reason="no mount namespaces")
def test_a_secret_volume_is_read_only() -> None:
    mount = SECRET_MOUNT.removeprefix("args: [x]\n")
    text = pod(
        "command: [/busybox/sh, -c]\nargs: ['echo > /kaniko/.docker/x || /kaniko/executor no']\n"
        + mount,
        SECRET_VOLUME,
    )
    assert run(Request("kubernetes", text, TAG, docker_configs={"regcred": "{}"})).argv == ("no",)


def test_a_job_is_a_pod_in_a_template() -> None:
    text = """\
apiVersion: batch/v1
kind: Job
metadata: {name: image}
spec:
  template:
    spec:
      containers:
        - name: build
          image: k:v1
          env:
            - {name: A, value: a}
            - {name: B, value: $(A)$(C)$$(A)}
            - {name: C, value: c}
          args: ["--b=$(B)", "--no=$(NOPE)"]
"""
    recorded = run(Request("kubernetes", text, TAG))
    assert recorded.argv == ("--b=a$(C)$(A)", "--no=$(NOPE)")
    with pytest.raises(TypeError):
        run(Request("kubernetes", text.replace("value: a}", "value: 1}"), TAG))


def test_buildkite_upload_knows_neither_step_env_nor_the_jobs_checkout() -> None:
    text = buildkite('/kaniko/executor "$REG"\n').replace(
        "    agents:", "    env: {REG: x, DIR: $BUILDKITE_BUILD_CHECKOUT_PATH}\n    agents:"
    )
    secrets = {"secrets": SECRETS}
    assert run(Request("buildkite", text, TAG, **secrets)).argv == ("x",)  # type: ignore[arg-type]
    eager = text.replace("$$REG", "$REG-$DIR$BUILDKITE_BUILD_CHECKOUT_PATH")
    assert run(Request("buildkite", eager, TAG, **secrets)).argv == ("-/upload",)  # type: ignore[arg-type]


def test_buildkite_refuses_what_the_upload_or_the_controller_would() -> None:
    recorded = run(Request("buildkite", buildkite("x\n").replace("x\n", "${A%x}\n", 1), TAG))
    assert recorded.status == 125
    for old, new in (("container-0", "kaniko"), ("- kubernetes:", "- kubernetes#v1:")):
        with pytest.raises(NotModelled):
            run(Request("buildkite", buildkite("true\n").replace(old, new), TAG, secrets=SECRETS))


def test_buildkite_secrets_of_its_own_store() -> None:
    text = buildkite('/kaniko/executor "$A"\n').replace(
        "    key:", "    secrets: {A: TOKEN}\n    key:"
    )
    recorded = run(Request("buildkite", text, TAG, secrets=SECRETS))
    assert recorded.argv == (SECRETS["TOKEN"],)
    recorded = run(Request("buildkite", text.replace("A: TOKEN", "A: B"), TAG, secrets=SECRETS))
    assert (recorded.status, recorded.calls) == (125, 0)


def test_agola_refuses_what_its_parser_refuses() -> None:
    text = agola("true # /kaniko/executor\n")
    for old, new in (("              name: build\n", ""), ("{from_variable: TOKEN}", "1")):
        with pytest.raises(NotModelled):
            run(Request("agola", text.replace(old, new), TAG))


def test_agola_without_e_goes_on_after_a_failing_line() -> None:
    text = agola("false\n/kaniko/executor\n")
    assert run(Request("agola", text, TAG)).calls == 0
    assert run(Request("agola", text.replace("/busybox/sh -e", "/busybox/sh"), TAG)).calls == 1


def test_the_same_build_reads_the_same_on_every_target() -> None:
    event = TAG
    git = f"git://git.example.com/acme/shop.git#refs/tags/v1.2.3#{event.sha}"
    rest = ["--build-arg=A=1", "--digest-file={}/digest"]

    def local(root: str) -> list[str]:
        rendered = [f"--context=dir://{root}/sub", f"--dockerfile={root}/docker/x", *rest]
        return [argument.replace("{}", root) for argument in rendered]

    clone = [
        f"--context={git}",
        "--context-sub-path=sub",
        "--git=branch=x",
        "--dockerfile=/kaniko/buildcontext/docker/x",
        *rest,
    ]
    runs = [
        run_form("gitlab", local("/builds/Acme/Shop")),
        run_form("buildkite", local("/workspace/build/buildkite")),
        run_form("agola", local("/kaniko/src")),
        run_form("github-docker", local("/kaniko/context")),
        run_form("github-container", clone),
        run_form("kubernetes-plain", clone),
    ]
    for recorded in runs:
        assert normalise(replace(recorded, event=event)) == [
            "--context=<context>/sub",
            "--dockerfile=<context>/docker/x",
            "--build-arg=A=1",
            "--digest-file=digest",
        ]
    other = replace(runs[-1], event=replace(event, sha="f" * 40))
    assert normalise(other)[0] == f"--context={git}/sub"


def with_config(config: object, **env: str) -> Recorded:
    text = config if isinstance(config, str) else json.dumps(config)
    return replace(run_script("gitlab", "/kaniko/executor\n"), config_text=text, env=env)


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_lookup_follows_kanikos_rules() -> None:
    hub = "https://index.docker.io/v1/"
    config = {
        "auths": {
            "ghcr.io": auth("a:b:c"),
            "docker.io": auth("x:y"),
            "https://q.io/v2/": auth("q:q"),
        }
    }
    recorded = with_config(config, KANIKO_DOCKER_IO_USER="u", KANIKO_DOCKER_IO_PASSWORD="p")
    assert lookup(recorded, "ghcr.io") == ("a", "b:c")
    assert lookup(recorded, "q.io") == ("q", "q")
    assert lookup(recorded, "docker.io") == ("u", "p")
    assert lookup(with_config(config), "docker.io") is None
    assert lookup(with_config({"auths": {hub: auth("h:h")}}), "docker.io") == ("h", "h")
    strict = json.dumps({"auths": {"ghcr.io": auth("env:env")}})
    assert lookup(with_config(config, DOCKER_AUTH_CONFIG=strict), "ghcr.io") == ("env", "env")
    loose = json.dumps({"auths": {"ghcr.io": {"username": "u", "password": "p"}}})
    assert lookup(with_config(config, DOCKER_AUTH_CONFIG=loose), "ghcr.io") == ("a", "b:c")
    gitlab_env = TOLD["gitlab"].environment(TAG)
    assert lookup(with_config({}, **gitlab_env), "registry.example.com") == (
        "gitlab-ci-token",
        "glcbt-job",
    )


@pytest.mark.parametrize(
    "config",
    [
        "not json",
        {"auths": {"ghcr.io": {"auth": "not base64!"}}},
        {"auths": {"ghcr.io": {"auth": base64.b64encode(b"a:b").decode() + "\n"}}},
        {"auths": {"ghcr.io": auth("a:b\n")}},
        {"auths": {"ghcr.io": auth("nocolon")}},
        {"auths": {"other.io": {"auth": "*"}}},
        {"auths": {"ghcr.io/a": auth("a:b"), "ghcr.io/b": auth("a:b")}},
    ],
)
def test_a_broken_config_is_loud(config: object) -> None:
    with pytest.raises(NotModelled):
        lookup(with_config(config), "ghcr.io")


@pytest.mark.parametrize(("text", "expected"), KUBELET.items(), ids=KUBELET)
def test_kubelet_expansion(text: str, expected: str) -> None:
    assert kubelet.expand(text, {"FOO": "hello"}) == expected
    assert kubelet.expand(text.replace("$", "$$"), {"FOO": "hello"}) == text


UPLOAD_ENV = {"FOO": "hello", "EMPTY": ""}


@pytest.mark.parametrize(("text", "expected"), UPLOAD.items(), ids=UPLOAD)
def test_upload_interpolation(text: str, expected: str) -> None:
    assert interpolate(text, UPLOAD_ENV) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_upload_refuses(text: str) -> None:
    with pytest.raises(UploadError):
        interpolate(text, UPLOAD_ENV)


ODD_BACKSLASHES = re.compile(r"(?<!\\)\\(\\\\)*\$")


@pytest.mark.parametrize(
    "text", [text for text in (*UPLOAD, *REFUSED, *AWKWARD) if not ODD_BACKSLASHES.search(text)]
)
def test_doubling_every_dollar_survives_the_upload(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), UPLOAD_ENV) == text


def test_upload_interpolates_keys_and_the_top_env_in_order() -> None:
    pipeline = {"env": {"A": "$FOO", "B": "$A-$C", "C": "c"}, "steps": [{"$A": ["$B", 1]}]}
    assert upload(pipeline, UPLOAD_ENV) == {
        "env": {"A": "hello", "B": "hello-", "C": "c"},
        "steps": [{"hello": ["hello-", 1]}],
    }


def test_environments_follow_their_platforms() -> None:
    gitlab_tag = TOLD["gitlab"].environment(TAG)
    assert "CI_COMMIT_BRANCH" not in gitlab_tag
    assert gitlab_tag["CI_COMMIT_TAG"] == "v1.2.3"
    assert "CI_COMMIT_BRANCH" not in TOLD["gitlab"].environment(PULL_REQUEST)
    slug = TOLD["gitlab"].environment(FEATURE_BRANCH)["CI_COMMIT_REF_SLUG"]
    assert slug == "feature-add-x-1-2"
    pull = TOLD["github"].environment(PULL_REQUEST)
    assert (pull["GITHUB_REF_NAME"], pull["GITHUB_REF_TYPE"]) == ("12/merge", "branch")
    assert TOLD["github"].environment(TAG)["GITHUB_HEAD_REF"] == ""
    build = TOLD["buildkite"].environment(TAG)
    assert build["BUILDKITE_BRANCH"] == build["BUILDKITE_TAG"] == "v1.2.3"
    assert build["BUILDKITE_PULL_REQUEST"] == "false"
    assert TOLD["agola"].environment(PULL_REQUEST)["AGOLA_GIT_BRANCH"] == ""
    assert events.values(TAG)["branch"] == ""


def test_answers_are_kept_while_the_same_program_is_asked_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    program, source = tmp_path / "shfmt", tmp_path / "parsing.py"
    monkeypatch.setattr(parsing, "_program", lambda: str(program))
    monkeypatch.setattr(parsing, "__file__", str(source))
    cache = pytest.Cache(tmp_path / "cache", request.config, _ispytest=True)
    before = ""
    for one, other in ((b"1", b"1"), (b"2", b"1"), (b"2", b"2")):
        program.write_bytes(one)
        source.write_bytes(other)
        folder = answers.lasting(cache)
        assert folder != before
        assert answers.lasting(cache) == folder
        assert [str(each) for each in (tmp_path / "cache" / "d" / "shfmt").iterdir()] == [folder]
        before = folder


@pytest.mark.parametrize(("seconds", "tries"), [(0.9, 1), (1.9, 1), (2.1, pace.TRIES)])
def test_a_limit_of_time_is_that_of_a_usual_machine(
    seconds: float, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one that is twice as slow twice the time is enough, and more is not."""
    monkeypatch.setattr(pace, "slowness", lambda: 2.0)
    clock = itertools.count(step=seconds)
    done: list[None] = []
    with contextlib.nullcontext() if seconds < 2 else pytest.raises(AssertionError):
        pace.within(1, lambda: done.append(None), lambda: next(clock))
    assert len(done) == tries


def test_a_text_is_made_once_for_all_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be made is tried again, and another thing has another text."""
    monkeypatch.setattr(shared, "_folders", [str(tmp_path)])
    made = iter(["one ü\r\n", "two"])
    for of, text in ((("a", {"b": "1"}), "one ü\r\n"), (("a", {"b": "2"}), "two")):
        assert [shared.text(of, lambda: next(made)) for _ in range(2)] == [text, text]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            shared.text("c", lambda: str(1 / 0))
    assert len([*tmp_path.iterdir()]) == 2


def test_what_passes_is_judged_again_when_it_or_the_judge_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    kept = pytest.Cache(tmp_path / "cache", request.config, _ispytest=True)
    monkeypatch.setattr(verdicts, "_kept", [kept])
    tool = tmp_path / "tool"
    tool.write_bytes(b"1")
    texts = {"a": b"a", "b": b"b"}
    first = verdicts.Verdicts("tool", "how", tool)
    assert first.left(texts) == ["a", "b"]
    first.passes({"a": b"a"})
    again = verdicts.Verdicts("tool", "how", tool)
    assert again.left(texts) == ["b"]
    assert again.left({"a": b"changed"}) == ["a"]
    assert verdicts.Verdicts("tool", "otherwise", tool).left(texts) == ["a", "b"]
    tool.write_bytes(b"2")
    assert verdicts.Verdicts("tool", "how", tool).left(texts) == ["a", "b"]
    monkeypatch.setattr(verdicts, "_kept", [])
    tool.write_bytes(b"1")
    assert verdicts.Verdicts("tool", "how", tool).left(texts) == ["a", "b"]
