"""Whole pipelines on Buildkite: steps, what they wait for, and what they hand to each other."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko.rehearsing import kubelet, yaml11
from ci_kaniko.rehearsing.buildkite_upload import UploadError, upload
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.told import buildkite as told
from ci_kaniko.targets.buildkite import TARGET
from harness import buildkite, tools
from harness.cases import PIPELINE_CASES, snapshots
from harness.events import DEFAULT_BRANCH, PULL_REQUEST, TAG
from harness.execution import run

if TYPE_CHECKING:
    from pathlib import Path

    from ci_kaniko.rehearsing.events import Event

SHELLS = tools.shells()
SECRETS = {"GHCR_TOKEN": "ghcr-secret", "QUAY_USER": "acme", "QUAY_PASSWORD": "quay-secret"}

BASE = """
default_branch: main
destinations: ["ghcr.io/acme/${image.name}:${commit.short}"]
registries: {ghcr.io: anonymous}
"""
LOGIN = "{username: acme-bot, password: GHCR_TOKEN}"
ONE = BASE.replace("${image.name}", "shop")
PUSHED = "triggers: {branches: [main]}\n"
"""Without pull requests, which have steps of their own as soon as a secret is at stake."""


def rendered(spec: str) -> str:
    return ci_kaniko.render(ci_kaniko.loads(spec), "buildkite")


def uploaded(text: str, env: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Every step by its key, as Buildkite receives it."""
    document = yaml11.load(text)
    return {step["key"]: step for step in upload(document, env or {})["steps"]}


def steps(spec: str) -> dict[str, dict[str, Any]]:
    return uploaded(rendered(spec))


def refused(spec: str) -> dict[str, str]:
    """The problems by rule: message and hint."""
    with pytest.raises(ci_kaniko.SpecError) as error:
        rendered(spec)
    return {item.rule: f"{item.message}: {item.hint}" for item in error.value.problems}


def pod_of(step: dict[str, Any]) -> Any:
    return step["plugins"][0]["kubernetes"]["podSpecPatch"]


def container_of(step: dict[str, Any]) -> Any:
    return pod_of(step)["containers"][0]


# -- what is uploaded --------------------------------------------------------------------------


FILES = [path for path in snapshots("buildkite") if path.stem in PIPELINE_CASES]
"""Every pipeline that Buildkite can run; fragments as somebody includes them."""


def needed(text: str) -> dict[str, str]:
    """The inputs without which nothing is uploaded."""
    return dict.fromkeys(re.findall(r"\$\{(INPUT_[A-Z_]+)\?", text), "x")


def test_every_pod_is_one() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for step in uploaded(text, needed(text)).values():
            assert buildkite.complaints(step) == []


def test_nothing_but_inputs_is_replaced_at_upload() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        given = needed(text)
        known = {**told.environment(DEFAULT_BRANCH), **given}
        assert uploaded(text, given) == uploaded(text, known)


def test_paths_are_refused_with_the_way_out() -> None:
    problems = refused(ONE + "triggers: {branches: [main], paths: ['src/**']}")
    assert "default branch" in problems["impossible-trigger"]
    assert "render buildkite --changed-since" in problems["impossible-trigger"]


# -- several images ---------------------------------------------------------------------------

THREE = (
    BASE
    + """
context: services/${image.name}
images:
  web: {needs: [api, base.v1]}
  api: {needs: base.v1}
  base.v1:
"""
)


def test_a_step_for_each_image_in_order() -> None:
    found = steps(THREE)
    assert [*found] == ["build-base-v1", "build-api", "build-web"]
    assert [step["label"] for step in found.values()] == [
        *(":docker: Build base.v1", ":docker: Build api", ":docker: Build web")
    ]
    assert [step.get("depends_on") for step in found.values()] == [
        *(None, "build-base-v1", ["build-api", "build-base-v1"])
    ]


def test_each_step_has_conditions_of_its_own() -> None:
    found = steps(
        BASE
        + """
triggers: {branches: [main]}
images:
  api: {triggers: {tags: ["v*"]}}
  web: {triggers: {branches: null, pull_requests: true}, needs: api}
"""
    )
    main = 'build.pull_request.id == null && build.tag == null && build.branch == "main"'
    pushed = 'build.source == "webhook" && '
    assert found["build-api"]["if"] == f"{pushed}(({main}) || build.tag =~ /^v[^\\/]*$/)"
    assert found["build-web"]["if"] == f"{pushed}build.pull_request.id != null"


def test_native_settings_of_each_image() -> None:
    found = steps(
        BASE
        + """
images:
  api: {buildkite: {key: api, label: "API", queue: big, extra: {priority: 2}}}
  web: {needs: api, buildkite: {extra: {depends_on: [{step: test, allow_failure: true}]}}}
  cli: {buildkite: {extra: {depends_on: test}}}
  doc: {needs: cli, buildkite: {extra: {depends_on: test}}}
"""
    )
    assert (found["api"]["label"], found["api"]["priority"]) == ("API", 2)
    assert found["api"]["agents"] == {"queue": "big"}
    assert found["build-web"]["depends_on"] == ["api", {"step": "test", "allow_failure": True}]
    assert found["build-cli"]["depends_on"] == "test"
    assert found["build-doc"]["depends_on"] == ["build-cli", "test"]


def test_equal_plugins_are_written_once() -> None:
    spec = THREE.replace("anonymous", LOGIN) + PUSHED
    assert re.findall(r"plugins:(.*)", rendered(spec)) == [" &kaniko", " *kaniko", " *kaniko"]
    plugins = [step["plugins"] for step in steps(spec).values()]
    assert plugins[0] == plugins[1] == plugins[2]
    assert container_of({"plugins": plugins[2]})["env"][0]["name"] == "GHCR_TOKEN"


def test_different_plugins_have_different_names() -> None:
    text = rendered(
        BASE
        + """
images:
  a: {}
  b: {buildkite: {memory: 4Gi}}
  c: {buildkite: {memory: 8Gi}}
  d: {buildkite: {memory: 4Gi}}
  e: {}
"""
    )
    found = re.findall(r"plugins:(.*)", text)
    assert found == [" &kaniko", " &build-b", "", " *build-b", " *kaniko"]
    sizes = [container_of(step).get("resources") for step in uploaded(text).values()]
    assert sizes[1] == sizes[3] != sizes[2]
    assert sizes[0] is sizes[4] is None


def test_a_step_of_several_runs() -> None:
    got = run(
        Request("buildkite", rendered(THREE), DEFAULT_BRANCH, secrets=SECRETS, job="build-web")
    )
    assert got.status == 0
    assert "--context=dir:///workspace/build/buildkite/services/web" in (got.argv or ())
    assert "--destination=ghcr.io/acme/web:12345e67" in (got.argv or ())


def test_three_hundred_images_are_one_upload() -> None:
    names = [f"service-{number}" for number in range(300)]
    text = rendered(BASE + "images:\n" + "".join(f"  {name}: {{}}\n" for name in names))
    found = uploaded(text)
    assert [*found] == [f"build-{name}" for name in names]
    assert text.count("podSpecPatch") == 1


def test_more_steps_than_an_upload_takes_are_refused() -> None:
    names = "".join(f"  s{number}: {{}}\n" for number in range(167))
    problems = refused(BASE + "platforms: [linux/amd64, linux/arm64]\nimages:\n" + names)
    assert "500 jobs in one upload, and these are 501" in problems["too-many-jobs"]
    assert "only:" in problems["too-many-jobs"]


def test_steps_of_one_key_are_refused() -> None:
    problems = refused(BASE + "images: {a: {buildkite: {key: x}}, b: {buildkite: {key: x}}}")
    assert '"x"' in problems["duplicate-job"]
    problems = refused(
        BASE
        + "platforms: [linux/amd64, linux/arm64]\n"
        + "images: {a: {}, b: {buildkite: {key: build-a-arm64}}}"
    )
    assert '"build-a-arm64"' in problems["duplicate-job"]
    problems = refused(
        BASE + PREPARE + "images: {a: {buildkite: {key: b}}, b: {buildkite: {key: prepare-b}}}"
    )
    assert '"prepare-b"' in problems["duplicate-job"]


@pytest.mark.parametrize("extra", ["", "triggers: {branches: [main]}\n", "digest: true\n"])
def test_one_platform_leaves_no_trace(extra: str) -> None:
    assert rendered(ONE + extra + "platforms: linux/amd64") == rendered(ONE + extra)


# -- running steps ----------------------------------------------------------------------------

_AGENT = """#!/bin/sh
set -eu
store={box}/store
echo "$*" >> {box}/agent.log
case "$1 $2" in
  "meta-data set")
    [ $# -eq 4 ] && [ -n "$4" ] || exit 1
    printf %s "$4" > "$store/meta-data/$3" ;;
  "meta-data get")
    if [ -f "$store/meta-data/$3" ]; then cat "$store/meta-data/$3"
    elif [ "${{4-}}" = --default ] && [ $# -eq 5 ]; then printf %s "$5"
    else echo "no meta-data $3" >&2; exit 1; fi ;;
  "artifact download")
    [ "$5" = --step ] && [ -f "$store/artifacts/$6/$3" ] || {{
      echo "no artifacts found for downloading" >&2; exit 1; }}
    cat "$store/artifacts/$6/$3" > "$4$3" ;;
  *) exit 2 ;;
esac
"""
_EXECUTOR = """#!/bin/sh
printf '%s\\n' "$@" > {box}/argv
[ ! -f {box}/fails ] || exit 1
for a; do case $a in --digest-file=*) printf %s sha256:{digest} > "${{a#*=}}" ;; esac; done
"""
_REGCTL = """#!/bin/sh
printf '%s\\n' "$@" >> {box}/regctl.log
cp "$DOCKER_CONFIG/config.json" {box}/config.json
echo sha256:{digest}
"""


class Build:
    """One build: its steps run one after the other, and share artifacts and meta-data."""

    def __init__(self, box: Path, spec: str, event: Event, shell: str) -> None:
        self.box, self.event = box, event
        self.shell = tools.shell(shell)
        self.steps = steps(spec)
        for name in ("store/meta-data", "store/artifacts", "bin", "kaniko/secrets"):
            (box / name).mkdir(parents=True)
        self.put("agent", _AGENT)
        self.put("bin/regctl", _REGCTL, digest="f" * 64)

    def put(self, name: str, text: str, digest: str = "") -> None:
        path = self.box / name
        path.write_text(text.format(box=self.box, digest=digest))
        path.chmod(0o755)

    def run(
        self,
        key: str,
        *,
        files: dict[str, str] | None = None,
        digest: str = "a" * 64,
        env: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a step in a pod of its own, as the controller does, and keep its artifacts."""
        step = self.steps[key]
        checkout = self.box / f"checkout of {key}"
        checkout.mkdir()
        for name, text in (files or {}).items():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text(text)
        self.put("kaniko/executor", _EXECUTOR, digest)
        (self.box / "kaniko" / "digest").unlink(missing_ok=True)
        known = {
            **told.environment(self.event),
            "BUILDKITE_BUILD_CHECKOUT_PATH": str(checkout),
            "PATH": f"{self.box}/bin:/usr/bin:/bin",
            "HOME": str(self.box),
            **(step.get("env") or {}),
            **(SECRETS if secrets is None else secrets),
            **(env or {}),
        }
        script = kubelet.expand(step["command"], known)
        script = script.replace("/workspace/buildkite-agent", f"{self.box}/agent")
        script = script.replace("/kaniko/", f"{self.box}/kaniko/")
        script = script.replace("/kaniko/.docker", "/kaniko/docker")
        done = subprocess.run(
            [*self.shell, "-ec", script],
            cwd=checkout,
            env=known,
            capture_output=True,
            text=True,
            check=False,
        )
        for path in step.get("artifact_paths", ()):
            if done.returncode == 0 and (checkout / path).is_file():
                folder = self.box / "store" / "artifacts" / key
                folder.mkdir(exist_ok=True)
                (folder / path).write_bytes((checkout / path).read_bytes())
        return done

    def checkout(self, key: str) -> Path:
        return self.box / f"checkout of {key}"

    @property
    def argv(self) -> list[str]:
        return (self.box / "argv").read_text().splitlines()

    @property
    def meta_data(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.box / "store/meta-data").iterdir()}


# -- prepare ----------------------------------------------------------------------------------

PREPARE = r"""
prepare:
  image: docker.io/library/golang:1.26
  commands:
    - mkdir -p bin "out put/empty"
    - printf '#!/bin/sh\n' > bin/shop && chmod 750 bin/shop
    - echo hidden > 'out put/.hidden'
    - cd bin
  artifacts: [bin/shop, "out put"]
"""


def test_what_is_prepared_is_a_step_of_its_own() -> None:
    found = steps(ONE + PREPARE + "buildkite: {memory: 2Gi, service_account: builder, retry: 1}")
    assert [*found] == ["prepare", "build-image"]
    step = found["prepare"]
    assert step["if"] == found["build-image"]["if"]
    assert step["artifact_paths"] == ["prepare.tar"]
    assert found["build-image"]["depends_on"] == "prepare"
    assert container_of(step)["image"] == "docker.io/library/golang:1.26"
    assert container_of(step)["resources"] == container_of(found["build-image"])["resources"]
    assert "env" not in container_of(step)
    assert "serviceAccountName" not in pod_of(step)


@pytest.mark.parametrize("shell", SHELLS)
def test_files_and_folders_arrive_with_their_modes(shell: str, tmp_path: Path) -> None:
    build = Build(tmp_path, ONE + PREPARE, DEFAULT_BRANCH, shell)
    assert build.run("prepare").returncode == 0
    done = build.run("build-image", files={"Dockerfile": "FROM scratch"})
    assert done.returncode == 0, done.stderr
    checkout = build.checkout("build-image")
    assert (checkout / "bin/shop").stat().st_mode & 0o777 == 0o750
    assert (checkout / "out put/.hidden").read_text() == "hidden\n"
    assert (checkout / "out put/empty").is_dir()
    assert (checkout / "Dockerfile").exists()
    assert "--destination=ghcr.io/acme/shop:12345e67" in build.argv
    assert not [*tmp_path.glob("**/kaniko/*.tar"), *checkout.glob("*.tar")]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_missing_artifact_stops_the_build(shell: str, tmp_path: Path) -> None:
    spec = ONE + PREPARE.replace("[bin/shop, ", "[bin/shopp, ")
    build = Build(tmp_path, spec, DEFAULT_BRANCH, shell)
    done = build.run("prepare")
    assert (done.returncode, done.stderr) == (1, "ci-kaniko: the commands made no bin/shopp\n")
    assert build.run("build-image").returncode == 1
    assert not (tmp_path / "argv").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["false", r"echo \$5; false; true", "cd nowhere"])
def test_the_first_command_that_fails_ends_the_step(
    command: str, shell: str, tmp_path: Path
) -> None:
    prepare = {"image": "x:1", "commands": [command, "touch a"], "artifacts": ["a"]}
    build = Build(tmp_path, ONE + yaml.dump({"prepare": prepare}), DEFAULT_BRANCH, shell)
    assert build.run("prepare").returncode != 0
    assert not (build.checkout("prepare") / "a").exists()


AWKWARD = (
    r"printf '%s\n' '\$HOME' > out",
    r"printf '%s\n' '$$' '$$HOME' '$(BUILDKITE_COMMIT)' '\\\$x' > out",
    "printf '%s\\n' \"cost: \\$5\" 'it'\\''s' \"$(echo sub)\" \"$((1 + 2))\" > out",
    "[ $$ -gt 0 ] && echo $$ | tr -d 0-9 > out",
    "cat > out <<'END'\n  $$ \\$x ${HOME} ${x%y} {{matrix}}\n\tend\nEND",
    'for x in a b; do\n  echo "$x" >> out\ndone\necho "${x%b}${x:-c}${#x}" >> out\n',
    'x=1\ny=\\\n2\necho "$x$y" > out',
    "echo $(printf '%s' \"$BUILDKITE_BRANCH\") > out",
)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", AWKWARD)
def test_commands_arrive_as_they_were_written(command: str, shell: str, tmp_path: Path) -> None:
    prepare = {"image": "x:1", "commands": [command, "cd /"], "artifacts": ["out"]}
    build = Build(tmp_path, ONE + yaml.dump({"prepare": prepare}), DEFAULT_BRANCH, shell)
    done = build.run("prepare")
    assert done.returncode == 0, done.stderr
    (tmp_path / "wanted").mkdir()
    known = {**told.environment(DEFAULT_BRANCH), "PATH": "/usr/bin:/bin"}
    known["HOME"] = str(tmp_path)
    subprocess.run([*build.shell, "-euc", command], cwd=tmp_path / "wanted", env=known, check=True)
    wanted = (tmp_path / "wanted/out").read_text()
    assert (build.checkout("prepare") / "out").read_text() == wanted


@given(st.text(st.sampled_from("$\\({[})'\"`aFOU_{$\n "), max_size=30))
def test_the_shell_reads_every_command_as_it_was_written(text: str) -> None:
    written = f"{text}a"
    prepare = {"image": "x:1", "commands": [written], "artifacts": ["out"]}
    step = steps(ONE + yaml.dump({"prepare": prepare}))["prepare"]
    script = kubelet.expand(step["command"], {"FOO": "hello", "A": "b", "F": "f", "U": "u"})
    commands = script.removeprefix("set -e\n").partition('\ncd "$BUILDKITE')[0]
    if not commands.startswith("# in quotes"):
        assert commands == written
        return
    _, head, *lines = commands.split("\n")
    if lines:
        lines = [shlex.split(line.removesuffix(" \\"))[0] for line in lines[1:-1]]
    assert "\n".join(lines or shlex.split(head)[1:]) == written


def test_commands_are_quoted_only_when_they_must_be() -> None:
    text = rendered(ONE + PREPARE)
    assert "eval" not in text
    assert "printf '#!/bin/sh\\n' > bin/shop && chmod 750 bin/shop" in text


def test_a_path_is_never_an_option(tmp_path: Path) -> None:
    prepare = {"image": "x:1", "commands": ["echo x > ./-x"], "artifacts": ["-x"]}
    build = Build(tmp_path, ONE + yaml.dump({"prepare": prepare}), DEFAULT_BRANCH, "dash")
    assert build.run("prepare").returncode == 0
    assert build.run("build-image").returncode == 0
    assert (build.checkout("build-image") / "-x").read_text() == "x\n"


SHARED = (
    BASE
    + PREPARE
    + """
images:
  api: {triggers: {branches: [main]}}
  web: {triggers: {branches: [main, dev], tags: ["v*"]}}
  doc.en: {triggers: {pull_requests: true}, needs: web}
"""
)


def test_a_shared_preparation_runs_for_any_of_its_images() -> None:
    found = steps(SHARED)
    assert [*found] == ["prepare-api", "build-api", "build-web", "build-doc-en"]
    assert found["prepare-api"]["if"] == (
        'build.source == "webhook" && ((build.pull_request.id == null && build.tag == null && '
        '(build.branch == "main" || build.branch == "dev")) || '
        r"build.tag =~ /^v[^\/]*$/ || build.pull_request.id != null)"
    )
    assert found["build-doc-en"]["depends_on"] == ["prepare-api", "build-web"]


def test_preparations_of_their_own() -> None:
    found = steps(
        SHARED.replace("needs: web", "prepare: {image: 'python:3.14', commands: make}, needs: web")
    )
    assert [*found][:2] == ["prepare-api", "prepare-doc-en"]
    assert found["prepare-doc-en"]["artifact_paths"] == ["prepare-doc-en.tar"]
    assert found["build-web"]["depends_on"] == "prepare-api"
    assert (
        "download prepare-doc-en.tar /kaniko/ --step prepare-doc-en"
        in (found["build-doc-en"]["command"])
    )


def test_an_artifact_called_like_the_archive_is_refused() -> None:
    assert {*refused(ONE + PREPARE.replace("bin/shop, ", "prepare.tar, "))} == {"impossible-output"}


# -- platforms and digests --------------------------------------------------------------------

PLATFORMS = ONE + "platforms: [linux/amd64, linux/arm64]\n"
KEYS = ["build-image-amd64", "build-image-arm64", "build-image"]


def test_a_step_for_each_platform_and_one_that_joins() -> None:
    spec = PLATFORMS.replace("anonymous", LOGIN) + PUSHED
    found = steps(spec + "buildkite: {node_selector: {pool: ci}, service_account: kaniko}")
    assert [*found] == KEYS
    assert [step["label"] for step in found.values()] == [
        ":docker: Build image for linux/amd64",
        ":docker: Build image for linux/arm64",
        ":docker: Join image",
    ]
    assert [pod_of(step)["nodeSelector"] for step in found.values()] == [
        {"pool": "ci", "kubernetes.io/arch": "amd64"},
        {"pool": "ci", "kubernetes.io/arch": "arm64"},
        {"pool": "ci"},
    ]
    join = found["build-image"]
    assert join["depends_on"] == KEYS[:2]
    assert container_of(join)["image"].startswith("ghcr.io/regclient/regctl:")
    assert container_of(join)["securityContext"] == {"runAsUser": 0}
    assert container_of(join)["env"] == container_of(found[KEYS[0]])["env"]
    assert {pod_of(step)["serviceAccountName"] for step in found.values()} == {"kaniko"}


def test_nothing_is_joined_for_pull_requests() -> None:
    found = steps(PLATFORMS)
    assert "pull_request.id != null" in found["build-image-amd64"]["if"]
    assert "pull_request.id != null" not in found["build-image"]["if"]
    assert "PULL_REQUEST" not in found["build-image"]["command"]
    always = steps(PLATFORMS + "push: always\n")
    assert always["build-image"]["if"] == always["build-image-amd64"]["if"]
    assert [*steps(PLATFORMS + "push: never\n")] == KEYS[:2]
    assert [*steps(PLATFORMS + "triggers: {pull_requests: true}\n")] == KEYS[:2]


def test_who_needs_an_image_waits_for_its_platforms_too() -> None:
    spec = BASE + "images: {base: {platforms: [linux/amd64, linux/arm64]}, web: {needs: base}}\n"
    keys = ["build-base-amd64", "build-base-arm64", "build-base"]
    assert steps(spec)["build-web"]["depends_on"] == keys
    pushes = spec + "triggers: {branches: [main]}\n"
    assert steps(pushes)["build-web"]["depends_on"] == "build-base"
    assert steps(spec + "push: never\n")["build-web"]["depends_on"] == keys[:2]


def test_nodes_of_other_platforms() -> None:
    spec = ONE + "platforms: [linux/amd64, linux/arm/v7]\n"
    assert "linux/arm/v7" in refused(spec)["missing-runner"]
    given = "buildkite: {platform_node_selector: {linux/arm/v7: {board: pi}}}"
    assert pod_of(steps(spec + given)["build-image-arm-v7"])["nodeSelector"] == {"board": "pi"}
    alone = steps(ONE + "platforms: linux/arm64")
    assert [*alone] == ["build-image"]
    assert pod_of(alone["build-image"])["nodeSelector"] == {"kubernetes.io/arch": "arm64"}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_list_is_made_of_what_was_pushed(shell: str, tmp_path: Path) -> None:
    spec = PLATFORMS.replace("anonymous", LOGIN) + PUSHED + "digest: true\n"
    build = Build(tmp_path, spec, DEFAULT_BRANCH, shell)
    for key, digit in zip(KEYS, "ab", strict=False):
        done = build.run(key, digest=digit * 64)
        assert done.returncode == 0, done.stderr
        assert f"--destination=ghcr.io/acme/shop:{DEFAULT_BRANCH.sha}-{key[-5:]}" in build.argv
    done = build.run("build-image")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "regctl.log").read_text().splitlines() == [
        *("index", "create", "ghcr.io/acme/shop:12345e67"),
        *("--ref", f"ghcr.io/acme/shop@sha256:{'a' * 64}"),
        *("--ref", f"ghcr.io/acme/shop@sha256:{'b' * 64}"),
        *("--format", "{{ .Manifest.GetDescriptor.Digest }}"),
    ]
    assert (tmp_path / "config.json").read_text().startswith('{"auths":{"ghcr.io":')
    assert build.meta_data == {
        f"{key}:digest": f"sha256:{digit * 64}" for key, digit in zip(KEYS, "abf", strict=True)
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_a_list_without_one_of_its_platforms_is_not_made(shell: str, tmp_path: Path) -> None:
    build = Build(tmp_path, PLATFORMS, DEFAULT_BRANCH, shell)
    assert build.run("build-image-amd64").returncode == 0
    done = build.run("build-image")
    assert done.returncode != 0
    assert "the job of linux/arm64 has pushed nothing" in done.stderr
    assert not (tmp_path / "regctl.log").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_pull_request_hands_nothing_over(shell: str, tmp_path: Path) -> None:
    build = Build(tmp_path, PLATFORMS, PULL_REQUEST, shell)
    for key in KEYS[:2]:
        assert build.run(key, secrets={}).returncode == 0
        assert "--no-push" in build.argv
    assert build.meta_data == {}


CONDITIONAL = """
default_branch: main
digest: true
destinations: [{image: "ghcr.io/acme/shop:${tag}", when: {tag: "v*"}}]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
"""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("event", "pushes"), [(TAG, True), (DEFAULT_BRANCH, False)])
def test_a_join_has_the_conditions_of_its_destinations(
    event: Event,
    pushes: bool,  # noqa: FBT001
    shell: str,
    tmp_path: Path,
) -> None:
    spec = CONDITIONAL + "platforms: [linux/amd64, linux/arm64]\n"
    build = Build(tmp_path, spec, event, shell)
    assert [build.run(key).returncode for key in KEYS] == [0, 0, 0]
    assert (tmp_path / "regctl.log").exists() == pushes
    assert len(build.meta_data) == (3 if pushes else 0)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("spec", [ONE + "digest: true\n", CONDITIONAL])
@pytest.mark.parametrize("event", [TAG, DEFAULT_BRANCH, PULL_REQUEST])
def test_a_digest_is_handed_over_when_something_was_pushed(
    spec: str, event: Event, shell: str, tmp_path: Path
) -> None:
    build = Build(tmp_path, spec, event, shell)
    done = build.run("build-image")
    assert done.returncode == 0, done.stderr
    pushed = any(word.startswith("--destination=") for word in build.argv)
    assert pushed == (event is TAG or (spec != CONDITIONAL and event is not PULL_REQUEST))
    assert build.meta_data == ({"build-image:digest": f"sha256:{'a' * 64}"} if pushed else {})


def test_a_build_that_fails_hands_nothing_over(tmp_path: Path) -> None:
    build = Build(tmp_path, ONE + "digest: true\n", TAG, "dash")
    (tmp_path / "fails").touch()
    assert build.run("build-image").returncode == 1
    assert build.meta_data == {}


def test_logins_of_a_join() -> None:
    """Files, the own store and a ready docker config come as they come to a build."""
    config = PLATFORMS.replace("anonymous", "{docker_config: reg}")
    join = steps(config)["build-image"]
    (mount,) = container_of(join)["volumeMounts"]
    assert mount == {"name": "docker-config", "mountPath": "/kaniko/.docker", "readOnly": True}
    assert "export DOCKER_CONFIG=/kaniko/.docker" in join["command"]
    spec = PLATFORMS.replace("anonymous", LOGIN) + "buildkite: {secrets: buildkite}"
    join = steps(spec)["build-image"]
    assert join["secrets"] == ["GHCR_TOKEN"]
    assert "env" not in container_of(join)
    assert "add" not in join["command"].partition("is not set: ")[2].partition("}")[0]


def test_a_join_needs_nothing_of_the_build() -> None:
    spec = PLATFORMS.replace("anonymous", LOGIN) + PUSHED
    spec += "context: git://github.com/acme/shop.git\ngit: {token: GIT_TOKEN}\n"
    spec += "build_secrets: {npm: NPM_TOKEN}\nbuildkite: {memory: 4Gi}\n"
    found = steps(spec)
    assert "GIT_TOKEN" in found["build-image-amd64"]["command"]
    assert "resources" in container_of(found["build-image-amd64"])
    join = found["build-image"]
    assert "GIT_TOKEN" not in join["command"]
    assert [item["name"] for item in container_of(join)["env"]] == ["GHCR_TOKEN"]
    assert "resources" not in container_of(join)


def test_a_key_has_room_for_the_platform() -> None:
    problems = refused(PLATFORMS + f"buildkite: {{key: {'k' * 95}}}")
    assert "leave room for -arm64" in problems["buildkite-key"]


# -- steps for others -------------------------------------------------------------------------

INPUTS = """
default_branch: main
inputs:
  channel: {default: dev, options: [dev, "stable*"], description: Which channel}
  greeting: {default: "hello: there"}
  jobs: {type: number, default: "4"}
  debug: {type: boolean, default: "false"}
  tag: {}
build_args:
  CHANNEL: ${input.channel}
  GREETING: say ${input.greeting}
  JOBS: ${input.jobs}
  DEBUG: ${input.debug}
destinations: ["ghcr.io/acme/shop:${input.tag}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
buildkite: {form: steps, extra: {env: {MODE: "a $b"}}}
"""


def test_steps_for_others_differ_by_their_inputs_only() -> None:
    assert "#   INPUT_CHANNEL: Which channel\n" in rendered(INPUTS)
    assert rendered(ONE + "buildkite: {form: steps}") == rendered(ONE)


def test_inputs_come_from_the_environment_of_the_upload() -> None:
    given = {"INPUT_TAG": "v1", "INPUT_CHANNEL": "stable*", "INPUT_GREETING": "$HOME `id` ${x}"}
    step = uploaded(rendered(INPUTS), given)["build-image"]
    assert step["env"] == {
        "INPUT_CHANNEL": "stable*",
        "INPUT_GREETING": "$HOME `id` ${x}",
        "INPUT_JOBS": "4",
        "INPUT_DEBUG": "false",
        "INPUT_TAG": "v1",
        "MODE": "a $b",
    }
    usual = uploaded(rendered(INPUTS), {"INPUT_TAG": "v1"})["build-image"]
    assert usual["env"]["INPUT_GREETING"] == "hello: there"
    assert usual["command"] == step["command"]
    with pytest.raises(UploadError, match="the input tag has no value"):
        uploaded(rendered(INPUTS), {})


WRONG = {
    "INPUT_CHANNEL": ["prod", "stable", "dev\nx", "stableX", ""],
    "INPUT_JOBS": ["", "x", "1x", "-", "1-2", "1.", ".5", "1.2.3", "4\n5", "$(id)"],
    "INPUT_DEBUG": ["True", "yes", "", "true\n"],
    "INPUT_TAG": ["", "a b", "-x", "$(id)", "a/b"],
}
RIGHT = {
    "INPUT_CHANNEL": ["dev", "stable*"],
    "INPUT_JOBS": ["0", "-3", "0.5", "12"],
    "INPUT_DEBUG": ["true", "false"],
    "INPUT_GREETING": ["$(id) `id` '\" \\ $HOME", ""],
    "INPUT_TAG": ["v1", "1.0_x-y"],
}


def run_with(tmp_path: Path, shell: str, name: str, value: str) -> tuple[int, Build]:
    """Run the step with one input changed, as it reaches the shell."""
    env = {"INPUT_TAG": "v1"}
    build = Build.__new__(Build)
    original = uploaded(rendered(INPUTS), env)
    build.__dict__.update(
        box=tmp_path,
        event=DEFAULT_BRANCH,
        shell=tools.shell(shell),
        steps=original,
    )
    (tmp_path / "kaniko").mkdir()
    return build.run("build-image", env={name: value}).returncode, build


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_inputs_that_are_not_what_they_may_be(
    name: str, value: str, shell: str, tmp_path: Path
) -> None:
    status, _ = run_with(tmp_path, shell, name, value)
    assert status != 0
    assert not (tmp_path / "argv").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values]
)
def test_inputs_are_never_code(name: str, value: str, shell: str, tmp_path: Path) -> None:
    status, build = run_with(tmp_path, shell, name, value)
    assert status == 0
    wanted = {
        "INPUT_CHANNEL": "--build-arg=CHANNEL={}",
        "INPUT_GREETING": "--build-arg=GREETING=say {}",
        "INPUT_JOBS": "--build-arg=JOBS={}",
        "INPUT_DEBUG": "--build-arg=DEBUG={}",
        "INPUT_TAG": "--destination=ghcr.io/acme/shop:{}",
    }
    assert wanted[name].format(value) in build.argv


def test_inputs_of_a_whole_pipeline_are_their_defaults() -> None:
    spec = INPUTS.replace("form: steps", "form: pipeline").replace("tag: {}", "tag: {default: v2}")
    step = steps(spec)["build-image"]
    assert step["env"] == {"MODE": "a $b"}
    assert "INPUT_" not in step["command"]
    assert "--destination=ghcr.io/acme/shop:v2" in step["command"]


def test_a_join_reads_and_checks_the_inputs_that_it_needs() -> None:
    spec = INPUTS.replace("buildkite:", "platforms: [linux/amd64, linux/arm64]\nbuildkite:")
    found = uploaded(rendered(spec), {"INPUT_TAG": "v1"})
    assert found["build-image"]["env"] == {"INPUT_TAG": "v1", "MODE": "a $b"}
    assert "INPUT_CHANNEL" in found["build-image-amd64"]["command"]


def test_what_an_input_cannot_be() -> None:
    assert {*refused(INPUTS.replace("hello: there", "a}b"))} == {"bad-character"}
    assert {*refused(INPUTS.replace("MODE", "INPUT_TAG"))} == {"owned-key"}
    assert {*refused(INPUTS.replace('{MODE: "a $b"}', "text"))} == {"wrong-type"}


def test_one_file_has_one_form() -> None:
    spec = BASE + "images: {a: {}, b: {buildkite: {form: steps}}}"
    assert {*refused(spec)} == {"several-forms"}


# -- what stands between the template and the file ---------------------------------------------

WHOLE = BASE + PREPARE + "platforms: [linux/amd64, linux/arm64]\nimages: {a: {}, b: {needs: a}}"
TAMPERED = {
    "missing": lambda found: found.pop(),
    "order": lambda found: found.reverse(),
    "key": lambda found: found[1].update(key="x"),
    "depends_on": lambda found: found[1].pop("depends_on"),
    "another": lambda found: found[1].update(depends_on=["x"]),
    "command": lambda found: found[0].update(command="true"),
    "plugins": lambda found: found[2].update(plugins=found[1]["plugins"]),
    "field": lambda found: found[3].update(timeout=1),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_document_is_noticed(name: str) -> None:
    spec = ci_kaniko.loads(WHOLE)
    document = yaml11.load(ci_kaniko.render(spec, "buildkite"))
    view = TARGET.prepare(spec, {}).view
    assert [*TARGET.verify(document, view)] == []
    TAMPERED[name](document["steps"])
    assert [*TARGET.verify(document, view)]


def test_tampered_inputs_are_noticed() -> None:
    spec = ci_kaniko.loads(INPUTS)
    document = yaml11.load(ci_kaniko.render(spec, "buildkite"))
    view = TARGET.prepare(spec, {}).view
    assert [*TARGET.verify(document, view)] == []
    document["steps"][0]["env"]["INPUT_TAG"] = "$INPUT_TAG"
    assert [*TARGET.verify(document, view)]
