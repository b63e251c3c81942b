"""What must exist before the first run: the names are those that the rendered file uses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import ci_kaniko
from ci_kaniko.cli.commands import app
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.requirements import requirements, setup_json, setup_text
from harness import expected_logins
from harness.cases import CASES, SPECS
from harness.events import DEFAULT_BRANCH
from harness.expectation import Run
from harness.runs import RENDERED, TARGETS, read, refused, render, spec_of
from make.matrix import LOGINS, TITLES, login_outcome, login_spec

if TYPE_CHECKING:
    from ci_kaniko.targets.requirement import Requirement

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET = re.compile(r"\$\{\{ (?:[^}]* && )?secrets\.(\w+) (?:\|\| '' )?\}\}")


def named(found: list[Requirement], kinds: tuple[str, ...]) -> set[str]:
    return {item.name for item in found if item.kind in kinds}


def keys_of(found: list[Requirement]) -> set[str]:
    """The keys of the Secrets that kubectl makes."""
    steps = [step for item in found for step in item.steps if "--from-file=" in step]
    return {key for step in steps for key in re.findall(r"--from-file=([^=]+)=", step)}


def used(target: str, text: str) -> set[str]:
    """The secrets that a rendered file names, as its platform finds them."""
    document = yaml11.load(text)
    if target == "github":
        return {*SECRET.findall(text)} - {"GITHUB_TOKEN"}
    if target == "agola":
        tasks = document["runs"][0]["tasks"]
        return {
            value["from_variable"]
            for task in tasks
            for value in task.get("environment", {}).values()
            if isinstance(value, dict)
        }
    if target == "gitlab":
        return {*re.findall(r"\$\{(\w+):\?is not set: add it in", text)}
    if target == "buildkite" and "secrets" in document["steps"][0]:
        return {*document["steps"][0]["secrets"]}
    return {*keys_in(document)}


def keys_in(node: object) -> list[str]:
    """Keys of Secrets: of variables, and of files."""
    if isinstance(node, list):
        return [key for item in node for key in keys_in(item)]
    if not isinstance(node, dict):
        return []
    found = [key for value in node.values() for key in keys_in(value)]
    if "secretKeyRef" in node:
        found.append(node["secretKeyRef"]["key"])
    if "items" in node and ("secretName" in node or "name" in node):
        found += [item["key"] for item in node["items"]]
    return found


def secrets_named(found: list[Requirement], target: str, *, in_cluster: bool) -> set[str]:
    if in_cluster:
        return keys_of(found)
    kinds = ("secret", "variable") if target == "agola" else ("secret",)
    return named(found, kinds)


@pytest.mark.parametrize(("case", "target"), RENDERED)
def test_every_secret_of_the_file_is_named_and_no_other(case: str, target: str) -> None:
    found = requirements(spec_of(case), target)
    own_store = read(case).section("buildkite").get("secrets") == "buildkite"
    in_cluster = target == "kubernetes" or (target == "buildkite" and not own_store)
    names = secrets_named(found, target, in_cluster=in_cluster)
    text = render(case, target, DEFAULT_BRANCH)
    if target == "kubernetes":
        # A manifest is for one run; the list is for all of them.
        assert used(target, text) <= names
        run = Run(read(case), target, DEFAULT_BRANCH)
        fed = expected_logins.fed(run)
        if read(case).section("kubernetes").get("clone") == "true":
            names -= {read(case).section("git").get("token", "")}
        ready = {".dockerconfigjson"} if fed.docker_configs else set()
        assert names == {*fed.secrets} | ready
    else:
        assert used(target, text) == names


@pytest.mark.parametrize("case", CASES)
def test_commands_are_well_formed(case: str) -> None:
    for target in (target for target in TARGETS if refused(case, target) is None):
        well_formed(requirements(spec_of(case), target), target)


def well_formed(found: list[Requirement], target: str) -> None:
    for item in found:
        assert item.purpose
        for step in item.steps:
            if step.split(" ")[0] in {"glab", "gh", "kubectl", "agola", "aws", "rm"}:
                assert shlex.split(step), step
                # kubectl wants user and password for it, and a password is no argument
                assert "docker-registry" not in step, step
    text = setup_text(found, target)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert json.loads(setup_json(found)) == [
        {"kind": item.kind, "name": item.name, "purpose": item.purpose, "steps": [*item.steps]}
        for item in found
    ]


def test_secrets_of_a_cluster_have_the_keys_and_types_that_pods_mount() -> None:
    for target in ("kubernetes", "buildkite"):
        ready = requirements(spec_of("docker-config"), target)
        commands = [step for item in ready for step in item.steps if step.startswith("kubectl")]
        (command,) = [step for step in commands if "dockerconfigjson" in step]
        words = shlex.split(command)
        assert "--type=kubernetes.io/dockerconfigjson" in words
        assert "--from-file=.dockerconfigjson=./config.json" in words
        text = render("docker-config", target, DEFAULT_BRANCH)
        name = words[words.index("generic") + 1]
        assert f"secretName: {name}" in text
        assert "key: .dockerconfigjson" in text
    named_secret = (
        "push: never\nbuild_secrets: {npm: NPM}\nkubernetes: {secret: acme, namespace: ci}"
    )
    (item, *_) = requirements(ci_kaniko.loads(named_secret), "kubernetes")
    assert "kubectl --namespace ci create secret generic acme --from-file=NPM=./NPM" in item.steps


@pytest.mark.parametrize(
    ("kind", "column"),
    [(k, c) for k in LOGINS for c in TITLES if "-" not in c],
)
def test_every_login_kind_is_explained(kind: str, column: str) -> None:
    if login_outcome(kind, column):
        return
    spec = ci_kaniko.loads(login_spec(kind, column))
    found = requirements(spec, column)
    text = setup_text(found, column)
    plain = re.findall(r"NAME|TOKEN|ACME_USER|AWS_FILE|ECR_ID|ECR_KEY|GOOGLE_KEY|ACR_SECRET", kind)
    assert bool(plain) <= bool(found)
    if kind.endswith(("{role: ARN}}", "service_account: …}}", "client_id: …}}")):
        (identity,) = [item for item in found if item.kind == "identity"]
        steps = "\n".join(identity.steps)
        assert re.search(r"^issuer: \S", steps, re.MULTILINE)
        assert re.search(r"^audience: \S", steps, re.MULTILINE)
        assert re.search(r"^trusted by: \S", steps, re.MULTILINE)
        assert "restrict the subject" in steps
    if "aws" in kind:
        assert "ecr:GetAuthorizationToken on *" in text
        for action in ("ecr:PutImage", "ecr:UploadLayerPart", "ecr:BatchGetImage"):
            assert action in text
        assert "aws ecr create-repository --region eu-west-1 --repository-name shop" in text
    if "google" in kind:
        assert "roles/artifactregistry.writer" in text
    if "azure" in kind:
        assert "AcrPush" in text
    if "ambient" in kind and column in {"kubernetes", "buildkite"}:
        assert "annotate serviceaccount default" in text


def test_public_ecr_has_actions_of_its_own() -> None:
    spec = (
        "destinations: [public.ecr.aws/acme/shop:1]\nregistries: {public.ecr.aws: {aws: ambient}}"
    )
    text = setup_text(requirements(ci_kaniko.loads(spec), "gitlab"), "gitlab")
    assert "sts:GetServiceBearerToken on *" in text
    assert "ecr-public:PutImage" in text
    assert "aws ecr-public create-repository --region us-east-1 --repository-name shop" in text
    assert " ecr:" not in text


def test_pulling_asks_for_less_than_pushing() -> None:
    spec = f"push: never\nregistries: {{{ECR}: {{aws: ambient}}}}"
    text = setup_text(requirements(ci_kaniko.loads(spec), "gitlab"), "gitlab")
    assert "ecr:BatchGetImage" in text
    assert "PutImage" not in text
    assert "create-repository" not in text


def test_the_bucket_of_a_context_is_named() -> None:
    found = requirements(spec_of("context-s3"), "gitlab")
    assert any("s3:GetObject" in step for item in found for step in item.steps)


def test_forks_are_spoken_of_where_secrets_are_used() -> None:
    spec = "destinations: [quay.io/a/b:1]\nregistries: {quay.io: {username: a, password: QUAY}}\n"
    spec = f"default_branch: main\n{spec}"
    for target in ("gitlab", "github", "agola"):
        text = setup_text(requirements(ci_kaniko.loads(spec), target), target)
        assert "pull requests of forks get no secrets: they are built and not pushed" in text
        needing = ci_kaniko.loads(f"{spec}build_secrets: {{npm: NPM}}\n")
        assert "their builds stop" in setup_text(requirements(needing, target), target)
    text = setup_text(requirements(ci_kaniko.loads(spec), "buildkite"), "buildkite")
    assert "leave them off" not in text
    assert "agent-stack-k8s is 0.28" in text
    assert "leave them off" in setup_text(requirements(needing, "buildkite"), "buildkite")
    text = setup_text(requirements(ci_kaniko.loads(spec), "gitlab"), "gitlab")
    assert "every variable that is not protected: QUAY" in text
    branches = ci_kaniko.loads(f"{spec}triggers: {{branches: [main]}}\n")
    assert "forks" not in setup_text(requirements(branches, "gitlab"), "gitlab")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    shown = runner.invoke(app, ["setup", "gitlab", "-f", str(SPECS / "build-secrets.yaml")])
    assert shown.exit_code == 0
    assert "secret NPM_TOKEN: build secret npm" in shown.stdout
    assert not shown.stderr
    data = runner.invoke(
        app, ["setup", "gitlab", "-f", str(SPECS / "build-secrets.yaml"), "--format", "json"]
    )
    assert {item["name"] for item in json.loads(data.stdout)} >= {"NPM_TOKEN", "PIP_CONFIG"}
    Path("nothing.yaml").write_text("default_branch: main\npush: never\n", encoding="utf-8")
    for target in ci_kaniko.available_targets():
        nothing = runner.invoke(app, ["setup", target, "-f", "nothing.yaml"])
        assert (nothing.exit_code, nothing.stdout) == (
            0,
            f"{target} needs nothing before the first run.\n",
        )
    wrong = runner.invoke(app, ["setup", "jenkins", "-f", "nothing.yaml"])
    assert wrong.exit_code == 2
    form = runner.invoke(app, ["setup", "gitlab", "-f", "nothing.yaml", "--format", "xml"])
    assert form.exit_code == 2
    Path("bad.yaml").write_text("destinations: [quay.io/a/b:1]\n", encoding="utf-8")
    bad = runner.invoke(app, ["setup", "gitlab", "-f", "bad.yaml"])
    assert (bad.exit_code, bad.stdout) == (1, "")
    assert "[missing-login]" in bad.stderr
    role = f"{login_spec('{aws: {role: ARN}}', 'agola')}"
    Path("role.yaml").write_text(role, encoding="utf-8")
    impossible = runner.invoke(app, ["setup", "agola", "-f", "role.yaml"])
    assert (impossible.exit_code, impossible.stdout) == (1, "")
    assert "[impossible-login]" in impossible.stderr


IMAGES = f"""\
default_branch: main
destinations: ["{ECR}/${{image.name}}:1"]
cache: {{repo: {ECR}/cache}}
registries:
  {ECR}: {{aws: {{access_key_id: KEY_ID, secret_access_key: KEY}}}}
platforms: [linux/amd64, linux/arm64]
images:
  api: {{build_secrets: {{npm: NPM_TOKEN}}}}
  web: {{build_args: {{CHANNEL: "${{env.CHANNEL}}"}}}}
"""


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
def test_several_images_and_platforms_need_each_thing_once(target: str) -> None:
    found = requirements(ci_kaniko.loads(IMAGES), target)
    assert len({(item.kind, item.name, item.purpose) for item in found}) == len(found)
    assert secrets_named(found, target, in_cluster=target == "buildkite") == {
        *("KEY_ID", "KEY", "NPM_TOKEN")
    }
    assert named(found, ("variable",)) == {"CHANNEL"}
    (permission,) = [item for item in found if item.kind == "permission"]
    assert permission.purpose == "to push to api, web, cache-amd64, cache-arm64"
    created = [step for step in permission.steps if "create-repository" in step]
    assert len(created) == 4
    assert permission.steps[0] == "ecr:GetAuthorizationToken on *"


def test_secrets_of_images_in_environments_of_their_own() -> None:
    spec = """\
destinations: ["ghcr.io/acme/${image.name}:1"]
registries: {ghcr.io: {username: acme-bot, password: GHCR}}
images: {api: {github: {environment: a}}, web: {github: {environment: b}}, docs: {}}
"""
    (secret, *_) = requirements(ci_kaniko.loads(spec), "github")
    assert secret.steps == (
        "gh secret set GHCR --env a < FILE_WITH_THE_VALUE",
        "gh secret set GHCR --env b < FILE_WITH_THE_VALUE",
        "gh secret set GHCR < FILE_WITH_THE_VALUE",
    )


def test_the_secret_of_a_cluster_holds_the_keys_of_all_images() -> None:
    spec = """\
destinations: ["ghcr.io/acme/${image.name}:1"]
registries: {ghcr.io: {username: acme-bot, password: GHCR}}
images:
  api: {build_secrets: {npm: NPM_TOKEN}}
  web: {kubernetes: {secret: of-web}, build_secrets: {pip: PIP_TOKEN}}
"""
    found = requirements(ci_kaniko.loads(spec), "kubernetes")
    held = {item.name: item.purpose for item in found if item.kind == "Secret"}
    assert held == {"ci-kaniko": "holds GHCR, NPM_TOKEN", "of-web": "holds GHCR, PIP_TOKEN"}


def test_an_option_of_the_command_for_a_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ci-kaniko.yaml").write_text(IMAGES)
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["setup", "gitlab"])
    assert shown.exit_code == 0
    assert shown.stdout.count("secret KEY_ID:") == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("gitlab", "DOCKER_AUTH_CONFIG"),
        ("github", "docker login"),
        ("buildkite", "patch serviceaccount"),
        ("agola", "docker_registries_auth"),
        ("kubernetes", "image_pull_secrets"),
    ],
)
def test_a_login_for_an_image_that_the_platform_pulls(target: str, words: str) -> None:
    host = "mirror.example.com"
    base = (
        "default_branch: main\npush: never\n"
        f"registries: {{{host}: {{username: reader, password: MIRROR}}}}\n"
    )
    mirror = f"executor: {{image: {host}/oss/kaniko}}\n"
    given = target in {"github", "agola"}

    def pulls(text: str) -> list[Requirement]:
        found = requirements(ci_kaniko.loads(text), target)
        return [item for item in found if item.kind == "pull login"]

    assert not pulls(base)
    assert len(pulls(base + mirror)) == (not given)
    pushed = base.replace("push: never", f"destinations: ['{host}/acme/shop:1']") + mirror
    (item,) = pulls(pushed)
    assert item.name == host
    assert words in "\n".join(item.steps)
    assert ("pull: true" in item.steps[0]) is given
    well_formed([item], target)
    assert len(pulls(pushed.replace("MIRROR}", "MIRROR, pull: true}"))) == (not given)


def test_what_pulls_an_image_needs_the_certificate_of_its_registry() -> None:
    host = "mirror.example.com:8443"
    base = f"default_branch: main\npush: never\ncertificates: {{'{host}': ACME_CA}}\n"
    mirror = f"executor: {{image: '{host}/oss/kaniko'}}\n"
    for target in TARGETS:
        kinds = {item.kind for item in requirements(ci_kaniko.loads(base), target)}
        assert "certificate" not in kinds
        found = requirements(ci_kaniko.loads(base + mirror), target)
        (item,) = [item for item in found if item.kind == "certificate"]
        assert host in item.name
        assert f"/etc/docker/certs.d/{host}/ca.crt" in item.steps[0]
        well_formed(found, target)


CALLED = """\
default_branch: main
inputs: {channel: {default: dev}, level: {type: number}}
destinations: ["ghcr.io/acme/shop:${input.channel}-${input.level}"]
registries: {ghcr.io: {github: ci-token, default: {username: acme, password: TOKEN}}}
build_secrets: {npm: NPM_TOKEN}
github: {form: reusable}
outputs: {github: .github/workflows/build.yml}
"""


def test_a_caller_is_told_what_to_hand_over() -> None:
    """What is printed is a job, and it grants and gives whatever the called workflow asks for."""
    spec = ci_kaniko.loads(CALLED)
    caller = next(item for item in requirements(spec, "github") if item.kind == "caller")
    job = yaml11.load("\n".join(caller.steps))
    called = yaml11.load(ci_kaniko.render(spec, "github"))
    wanted = called["on"]["workflow_call"]
    assert job["uses"] == "./.github/workflows/build.yml"
    assert set(wanted["secrets"]) == {"NPM_TOKEN"}
    assert job["secrets"] == {name: f"${{{{ secrets.{name} }}}}" for name in wanted["secrets"]}
    assert set(job["with"]) == set(wanted["inputs"])
    assert (
        job["permissions"]
        == called["jobs"]["image"]["permissions"]
        == {
            "contents": "read",
            "packages": "write",
        }
    )
    own = ci_kaniko.loads(
        CALLED.replace("{form: reusable}", "{job: image}").replace("input.", "env.")
    )
    assert not [item for item in requirements(own, "github") if item.kind == "caller"]


@pytest.mark.parametrize("target", ["gitlab", "github"])
def test_who_sees_no_spec_reads_no_placeholder_of_it(target: str) -> None:
    """Neither what is printed nor what a called workflow says of its secrets holds ``${``."""
    spec = ci_kaniko.loads(
        "default_branch: main\n"
        "inputs: {registry: {default: ghcr.io, options: [ghcr.io, quay.io]}}\n"
        'destinations: ["${input.registry}/acme/shop:1", "${env.HOST}/acme/b:1"]\n'
        "registries:\n"
        "  ${input.registry}: {username: {secret: ACME_USER}, password: TOKEN}\n"
        "  ${env.HOST}: {username: acme, password: OTHER}\n"
        "gitlab: {form: include, job: 'build-${input.registry}'}\n"
        "github: {form: reusable}\n"
    )
    told = {item.name: item.purpose for item in requirements(spec, target) if item.kind == "secret"}
    assert told == {
        "ACME_USER": "user name for the registry that input.registry names",
        "TOKEN": "password or token for the registry that input.registry names",
        "OTHER": "password or token for the registry that env.HOST names",
    }
    if target == "github":
        called = yaml11.load(ci_kaniko.render(spec, "github"))["on"]["workflow_call"]
        said = {name: secret["description"] for name, secret in called["secrets"].items()}
        assert said == {name: purpose[:1].upper() + purpose[1:] for name, purpose in told.items()}
        assert called["inputs"]["registry"]["description"] == "One of ghcr.io, quay.io"


@pytest.mark.parametrize("target", TARGETS)
def test_a_certificate_is_told_by_its_host(target: str) -> None:
    """No file of a script is known to somebody who creates the secret."""
    host = "registry.lan:5000"
    spec = ci_kaniko.Spec(
        push="never",
        default_branch="main",
        certificates={host: "ACME_CA"},
        client_certificates={host: {"certificate": "ACME_CERT", "key": "ACME_KEY"}},
    )
    text = setup_text(requirements(spec, target), target)
    told = [line for line in text.splitlines() if "ACME_" in line and "PEM text" in line]
    for line in told:
        assert host in line
    assert len(told) == 3
