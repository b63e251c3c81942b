"""What a builder beside kaniko gets, needs and is refused."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from typer.testing import CliRunner

import ci_kaniko
from ci_kaniko.builders.registry import builder
from ci_kaniko.cli.commands import app
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.flags import FLAGS, owner_of
from ci_kaniko.problems.problem import CannotRehearse, SpecError
from ci_kaniko.project.starter import CannotStart
from ci_kaniko.rehearsing.standins import secret
from ci_kaniko.requirements import requirements
from ci_kaniko.spec.loading import warnings
from harness import clouds, tools
from harness.bad_specs import FOLDER
from harness.cases import BUILDER_CASES, ROOT
from harness.events import DEFAULT_BRANCH
from harness.execution import rehearse
from harness.runs import render as text_for
from harness.runs import rendering, spec_of
from harness.told import EVENTS, OTHERS, READ, TARGETS, built, by_kaniko

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("case", BUILDER_CASES)
@pytest.mark.parametrize("target", TARGETS)
def test_snapshot(case: str, target: str, snapshot: Callable[[str, str, str | None], None]) -> None:
    snapshot(target, case, text_for(case, target))


@pytest.mark.parametrize("case", BUILDER_CASES)
@pytest.mark.parametrize("event", EVENTS[:2])
def test_a_digest_is_handed_over_where_something_is_pushed(case: str, event: str) -> None:
    """BuildKit writes nothing about what it does not push, and such a run passes all the same."""
    number = [*BUILDER_CASES].index(case)
    # In turn: each builder on each target.
    for target in TARGETS[number % 2 :: 2] if event == EVENTS[0] else TARGETS[number % 3 :: 3]:
        done = rehearse(spec_of(case), target, event)
        (job,) = built(done)
        assert (done.failed, done.leaks, job.status) == (False, (), "passed"), (target, done.jobs)
        assert job.recorded
        pushes = bool(READ[spec_of(case).builder](job.recorded).destinations)
        assert pushes == (event == EVENTS[0])
        assert "sha256:" in str(job.recorded.outputs) or not pushes or target == "agola", target
        assert "sha256:" not in str(job.recorded.outputs) or pushes, target


def test_what_kaniko_ignores_is_said_where_kaniko_builds() -> None:
    """Others turn an image's format where it cannot hold zstd."""
    text = f"{COMMON}options: {{compression: zstd}}\n"
    for name in BUILDERS:
        for more in ("", "gitlab: {builder: kaniko}\n"):
            warned = warnings(ci_kaniko.loads(f"{text}{more}builder: {name}\n"))
            wanted = bool(more) or name not in OTHERS
            assert [each.rule for each in warned] == ["no-effect"] * wanted, (name, more)


OF_CLOUDS = (
    (clouds.ACR, "{azure: ambient}"),
    (clouds.ACR, f"{{azure: {{{clouds.IDS}}}}}"),
    (clouds.ACR, f"{{azure: {{{clouds.IDS}, client_secret: SP_SECRET}}}}"),
    (clouds.GAR, "{google: ambient}"),
    (clouds.GAR, "{google: {key_file: GOOGLE_KEY}}"),
    (clouds.GAR, f"{{google: {{{clouds.ACCOUNT}}}}}"),
    (clouds.ECR, "{aws: ambient}"),
    (clouds.ECR, "{aws: {access_key_id: KEY_ID, secret_access_key: KEY}}"),
    (clouds.ECR, "{aws: {credentials_file: PROFILE}}"),
    (clouds.ECR, f"{{aws: {{role: '{clouds.ROLE}'}}}}"),
    ("public.ecr.aws", "{aws: ambient}"),
)
RECEIVED = ("ecr-rehearsal", "ya29.", "eyJ.", "key+/", "session+/")
"""What the clouds of a rehearsal hand out."""


@pytest.mark.parametrize("name", OTHERS)
def test_a_cloud_opens_its_registry_or_a_hint_says_what_does(name: str) -> None:
    """On every target; what is received stands in no argument, and in a log only to be masked."""
    opened = 0
    for number, (host, login) in enumerate(OF_CLOUDS):
        start = f"builder: {name}\ndefault_branch: main\ndestinations: ['{host}/acme/shop:1']\n"
        first, second = (TARGETS[turn % len(TARGETS)] for turn in (number, number + 2))
        for target, events in ((first, EVENTS[:2]), (second, EVENTS[:1])):
            text = f"{start}registries: {{{host}: {login}}}\n"
            refused = rendering(ci_kaniko.loads(text), target, DEFAULT_BRANCH)
            opened += isinstance(refused, str)
            if isinstance(refused, SpecError):
                problem = refused.problems[-1]
                assert problem.rule == "impossible-login"
                found = re.findall(r"\{.*\}", problem.hint or "")
                instead = next(iter(found), "{username: acme, password: REGISTRY_TOKEN}")
                text = f"{start}registries: {{{host}: {instead}}}\n"
            for event in events:
                done = rehearse(ci_kaniko.loads(text), target, event)
                (job,) = built(done)
                assert (done.failed, done.leaks) == (False, ()), (login, target, event)
                assert ([*job.hosts] == [host]) == (event == EVENTS[0]), (login, target, event)
                assert job.recorded
                lines = [*job.recorded.curl, *job.recorded.stdout.splitlines()]
                lines = [line for line in lines if not line.startswith("::add-mask::")]
                assert not [each for each in RECEIVED for line in lines if each in line]
                assert event == EVENTS[0] or not job.recorded.curl
    assert opened == {"buildah": 21, "buildkit": 21}[name]


IN_ONE_POD = """\
builder: buildkit
default_branch: main
proxy: {https: "http://proxy.example.com:3128"}
images:
  base: {context: base, destinations: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/base:1"]}
  app:
    context: app
    needs: [base]
    digest: true
    destinations:
      - quay.io/acme/app:1
      - 123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/app:1
  web: {context: web, needs: [app], destinations: ["quay.io/acme/web:1"]}
registries:
  123456789012.dkr.ecr.eu-west-1.amazonaws.com: {aws: {credentials_file: PROFILE}}
  quay.io: {username: {secret: QUAY_USER}, password: QUAY_TOKEN}
"""


@pytest.mark.parametrize("target", ["kubernetes", "buildkite"])
def test_each_image_has_the_logins_of_its_own_and_no_secret_of_theirs(target: str) -> None:
    hosts = {"base": [clouds.ECR], "app": ["quay.io", clouds.ECR], "web": ["quay.io"]}
    for event in EVENTS:
        done = rehearse(ci_kaniko.loads(IN_ONE_POD), target, event)
        assert (done.failed, done.leaks) == (False, ()), event
        pushes = event != EVENTS[1]
        for name, job in zip(hosts, built(done), strict=True):
            assert job.recorded
            assert sorted(job.hosts) == sorted(hosts[name] * pushes), (name, event)
            assert len(job.recorded.curl) == 0 or clouds.ECR in hosts[name]
            held = {key for key in job.recorded.env if key.startswith(("QUAY", "PROFILE", "AWS"))}
            # In a pod of Kubernetes whoever asks a cloud is another container.
            apart = target == "kubernetes" and clouds.ECR in hosts[name]
            secrets = {clouds.ECR: {"PROFILE"}, "quay.io": {"QUAY_USER", "QUAY_TOKEN"}}
            needed = [] if apart or not pushes else [secrets[host] for host in hosts[name]]
            assert held == set().union(*needed), (name, event)


AWKWARD = """a, "b" = 'c' $d \\ `e` {{ f }} ${{ g }} ü
h"""


@pytest.mark.parametrize("name", OTHERS)
def test_awkward_values_arrive(name: str) -> None:
    """Byte for byte, through the shell and, in BuildKit's annotations, through CSV."""
    text = AWKWARD.replace("${", "$${")
    data: dict[str, Any] = {
        "builder": name,
        "default_branch": "main",
        "build_args": {"AWKWARD": text},
        "labels": {"com.example.awkward": text, "com.example.empty": ""},
        "annotations": {"com.example.awkward": text, "com.example.plain": "plain"},
        "destinations": ["quay.io/acme/shop:1", "quay.io/acme/other:1"],
        "registries": {"quay.io": "anonymous"},
    }
    for target in TARGETS:
        done = rehearse(ci_kaniko.Spec.model_validate(data), target)
        (job,) = built(done)
        assert job.recorded
        found = READ[name](job.recorded)
        assert found.arguments == (f"AWKWARD={AWKWARD}",)
        assert found.labels == (f"com.example.awkward={AWKWARD}", "com.example.empty=")
        assert dict(each.partition("=")[::2] for each in found.annotations) == {
            "com.example.awkward": AWKWARD,
            "com.example.plain": "plain",
        }


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_carried_is_a_flag_of_kaniko(name: str) -> None:
    carried = builder(name).carried
    assert {*carried} <= {*FLAGS}
    assert all(owner_of(flag) for flag in carried)
    assert builder(name).image(ci_kaniko.loads("push: never"), with_shell=True)


COMMON = """\
destinations: ["quay.io/acme/shop:${commit.short}"]
registries: {quay.io: {username: acme, password: QUAY_TOKEN}}
default_branch: main
"""


@pytest.mark.parametrize("name", OTHERS)
def test_a_preview_says_what_another_builder_needs(name: str, tmp_path: Path) -> None:
    file = tmp_path / "ci-kaniko.yaml"
    file.write_text(f"{COMMON}gitlab: {{builder: kaniko}}\n", encoding="utf-8")
    words = ["preview", "--builder", name, "--format", "json", "-f", str(file)]
    said = json.loads(CliRunner().invoke(app, words).stdout)
    assert {each["target"] for each in said["builders"]} == {*TARGETS} == {*said["targets"]}
    for each in said["builders"]:
        assert each["then"] == [builder(name).image(ci_kaniko.loads(COMMON), with_shell=True)]
        assert each["now"] != each["then"]
        assert each["needs"]
    file.write_text(f"{COMMON}options: {{snapshot_mode: redo}}\n", encoding="utf-8")
    refused = CliRunner().invoke(app, [*words[:3], "-f", str(file)])
    assert (refused.exit_code, "kaniko-only" in refused.output) == (1, True)


def test_whoever_asks_for_json_is_refused_in_json(tmp_path: Path) -> None:
    """A spec that cannot be read, and one that cannot be rendered."""
    file = tmp_path / "ci-kaniko.yaml"
    only_kaniko = f"{COMMON}builder: buildah\noptions: {{snapshot_mode: redo}}\n"
    for command in ("preview", "setup gitlab", "show", "rehearse gitlab"):
        if command.startswith("rehearse"):
            tools.shell()
        for text, rule in ((only_kaniko, "kaniko-only"), ("tags: 1\n", "unknown-key")):
            if (command, rule) == ("show", "kaniko-only"):
                continue  # it shows what cannot be rendered as well
            file.write_text(text, encoding="utf-8")
            words = [*command.split(), "--format", "json", "-f", str(file)]
            done = CliRunner().invoke(app, words)
            shown = {"tags": 1} if command == "show" else {}  # one that breaks a rule as well
            assert json.loads(done.stdout or "{}").get("spec", {}) == shown, command
            assert done.exit_code == 1, command
            assert rule in {each["rule"] for each in json.loads(done.stderr)}, command


OF_KANIKO = {
    *("bad-action", "bad-version", "conflicting-options", "executor-version", "floating-image"),
    *("frozen-image", "kaniko-only", "missing-context-login", "missing-image", "owned-argument"),
    *("owned-variable", "unknown-flag", "unsupported-flag", "unpinned-image", "unknown-key"),
}
"""What is said of fields that only kaniko has, its image, its flags, what only it fetches, and what
lists the names of fields.
"""


def test_nobody_hears_of_kaniko_who_builds_with_another() -> None:
    """No sentence of a rule says that kaniko does what another builder does here."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))]
    said, blaming = 0, []
    for number, text in enumerate(text for text in texts if "builder:" not in text):
        name = OTHERS[number % len(OTHERS)]
        try:
            found = warnings(ci_kaniko.loads(f"{text}\nbuilder: {name}\n"))
        except SpecError as error:
            found = [*error.problems]
        for problem in found:
            said += 1
            written = (each for each in (problem.message, problem.hint) if each)
            # What a user wrote is quoted, and our own name is no builder's.
            words = re.sub(r'"[^"]*"|ci-kaniko|executor:|/kaniko\b', "", " ".join(written))
            blamed = re.search(r"\bkaniko\b|\bexecutor\b", words)
            if blamed and problem.rule not in OF_KANIKO:
                blaming.append((problem.rule, problem.message))
    assert not blaming
    assert said > 200


@pytest.mark.parametrize("name", BUILDERS)
def test_a_first_spec_builds_with_what_is_asked_for(name: Any, tmp_path: Path) -> None:
    """On every target that a first spec can be for."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    for target in TARGETS:
        text = ci_kaniko.init(
            tmp_path, [cast("Any", target)], image="quay.io/acme/shop", builder=name
        ).text
        spec = ci_kaniko.loads(text)
        assert (spec.builder, warnings(spec)) == (name, [])
        (job,) = built(rehearse(spec, target, EVENTS[0]))
        assert job.recorded
        assert READ[name](job.recorded).cache == "quay.io/acme/shop/cache"
    with pytest.raises(CannotStart, match="is none of kaniko"):
        ci_kaniko.init(tmp_path, builder=cast("Any", "podman"))


def test_a_path_of_buildah_is_no_executor() -> None:
    """It would not know the words of kaniko; the hint names what turns them into its own."""
    with pytest.raises(CannotRehearse, match="`executor` buildah, without a folder"):
        rehearse(ci_kaniko.loads(COMMON), "gitlab", executor="/usr/bin/buildah")


@pytest.mark.parametrize("name", BUILDERS)
def test_setup_says_what_has_to_be_allowed(name: str) -> None:
    """Kaniko needs nothing; the others need profiles that are off, on every target."""
    spec = ci_kaniko.loads(f"{COMMON}builder: {name}\n")
    for target in TARGETS:
        found = [each.name for each in requirements(spec, target) if each.kind == "builder"]
        assert found == ([] if builder(name).confined else [name])


@pytest.mark.parametrize("name", OTHERS)
def test_a_proxy_that_is_a_secret_is_a_variable_and_no_argument(name: str) -> None:
    """BuildKit takes the value of a build arg from its environment since 0.33."""
    text = f"{COMMON}builder: {name}\nproxy: {{https: {{secret: PROXY_URL}}}}\n"
    for target in TARGETS:
        done = rehearse(ci_kaniko.loads(text), target, EVENTS[0])
        (job,) = built(done)
        assert (done.failed, done.leaks) == (False, ()), target
        assert job.recorded
        assert READ[name](job.recorded).arguments == ("HTTPS_PROXY", "https_proxy")
        for variable in ("HTTPS_PROXY", "https_proxy"):
            assert job.recorded.env[variable] == secret("PROXY_URL"), target


def test_buildkit_clones_with_the_token() -> None:
    """As a header for git alone, whose secret no argument holds."""
    private = "context: git://github.com/acme/shop.git\ncontext_sub_path: services/shop\n"
    private += "git: {username: acme-bot, token: CLONE_TOKEN, branch: next}\n"
    private += "dockerfile: ../Dockerfile\n"
    for target in TARGETS:
        done = rehearse(ci_kaniko.loads(f"{COMMON}{private}builder: buildkit\n"), target)
        (job,) = built(done)
        (theirs,) = built(rehearse(ci_kaniko.loads(COMMON + private), target))
        assert (done.leaks, job.status) == ((), "passed")
        assert job.recorded
        assert theirs.recorded
        assert READ["buildkit"](job.recorded) == by_kaniko(theirs.recorded)
        kind, _, encoded = job.recorded.env["GIT_AUTH_HEADER"].partition(" ")
        user, _, token = base64.b64decode(encoded).decode().partition(":")
        assert (kind, user, token) == ("basic", "acme-bot", secret("CLONE_TOKEN"))
        assert "--secret=id=GIT_AUTH_HEADER,env=GIT_AUTH_HEADER" in (job.recorded.argv or ())
        masked = f"::add-mask::{encoded}" in job.recorded.stdout.splitlines()
        assert masked is (target == "github")


REACHING = """
mirrors: {docker.io: "registry.local:5000/hub"}
certificates: {registry.example.com: ACME_CA}
client_certificates: {registry.example.com: {certificate: ACME_CERT, key: ACME_KEY}}
options: {insecure_registry: ["registry.local:5000"], skip_tls_verify_registry: [quay.io]}
"""


def test_registries_are_reached_as_the_spec_says() -> None:
    """The files of settings are TOML, and lead to the certificates."""
    tomllib = pytest.importorskip("tomllib", reason="tomllib is not installed")
    found = {}
    for name in OTHERS:
        done = rehearse(ci_kaniko.loads(f"{COMMON}{REACHING}builder: {name}\n"), "gitlab")
        (job,) = built(done)
        assert job.recorded
        found[name] = job.recorded.files
    kept = "/home/user/certificates/registry.example.com"
    written = found["buildkit"]["/home/user/.config/buildkit/buildkitd.toml"]
    assert tomllib.loads(written.decode())["registry"] == {
        "docker.io": {"mirrors": ["registry.local:5000/hub"]},
        "registry.local:5000": {"http": True},
        "quay.io": {"insecure": True},
        "registry.example.com": {
            "ca": [f"{kept}.crt"],
            "keypair": [{"key": f"{kept}.client.key", "cert": f"{kept}.client.crt"}],
        },
    }
    assert {f"{kept}.crt", f"{kept}.client.key", f"{kept}.client.crt"} <= {*found["buildkit"]}
    folder = "/root/.config/containers"
    settings = tomllib.loads(found["buildah"][f"{folder}/registries.conf"].decode())
    mirror = {"location": "registry.local:5000/hub", "insecure": True}
    assert settings["registry"] == [
        {"location": "docker.io", "mirror": [mirror]},
        {"location": "registry.local:5000", "insecure": True},
        {"location": "quay.io", "insecure": True},
    ]
    names = ("ca.crt", "client.cert", "client.key")
    host = f"{folder}/certs.d/registry.example.com"
    assert {f"{host}/{name}" for name in names} <= {*found["buildah"]}


TRUSTING = """
builder: buildkit
push: never
certificates: {registry.example.com: ACME_CA}
mirrors: {docker.io: registry.example.com/hub}
"""


def test_a_user_of_the_container_reads_what_the_runner_wrote() -> None:
    """On GitHub the one is not the other; without root's rights only the modes say who reads."""
    assert builder("buildkit").user
    (job,) = built(rehearse(ci_kaniko.loads(TRUSTING), "github"))
    assert job.recorded
    (file,) = (each for path, each in job.recorded.inputs.items() if path.endswith(".crt"))
    assert (file.mode & 0o004, file.folder_mode & 0o005) == (0o004, 0o005)


@pytest.mark.parametrize("name", OTHERS)
def test_no_file_of_a_builder_is_longer_than_200_lines(name: str) -> None:
    room = ROOT / "src" / "ci_kaniko" / "builders" / name
    long = {each.name: len(each.read_text("utf-8").splitlines()) for each in room.glob("*.py")}
    assert "building.py" in long
    assert max(long.values()) <= 200, long
