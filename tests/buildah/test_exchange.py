"""Logins to clouds without a helper: curl and busybox ask servers that refuse as clouds do."""

from __future__ import annotations

import hmac
import re
import subprocess
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import values
from ci_kaniko.rehearsing.told import gitlab
from ci_kaniko.rendering import render
from ci_kaniko.shell.functions import FUNCTIONS
from harness import clouds, tools
from harness.box import FILE, SHELLS, Box, boxed, script_of
from harness.clouds import ACR, ECR, GAR, IDS
from harness.events import DEFAULT_BRANCH, PULL_REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.rehearsing.events import Event

POD_AWS = {"AWS_ROLE_ARN": clouds.ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "POD"}
AGENT = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "AGENT"}
POD_AZURE = {
    "AZURE_CLIENT_ID": clouds.CLIENT,
    "AZURE_TENANT_ID": clouds.TENANT,
    "AZURE_FEDERATED_TOKEN_FILE": "POD",
}


class Case(NamedTuple):
    """A login, what its job has, and what opens the registry in the end.

    ``written`` is the host as a spec writes it whose variables the job has.
    """

    host: str
    login: str
    env: dict[str, str]
    opens: tuple[str, str]
    written: str = ""


AWS = ("AWS", clouds.PASSWORDS["ecr"])
GOOGLE = ("oauth2accesstoken", clouds.PASSWORDS["google"])
AZURE = ("00000000-0000-0000-0000-000000000000", clouds.PASSWORDS["azure"])
KEYS = "{aws: {access_key_id: ID, secret_access_key: KEY}}"
HELD = {"ID": clouds.KEY_ID, "KEY": clouds.KEY}
CASES = {
    "aws keys": Case(ECR, KEYS, {**HELD, "AWS_SESSION_TOKEN": "of-somebody-else"}, AWS),
    "aws file": Case(ECR, "{aws: {credentials_file: FILE}}", {"FILE": FILE}, AWS),
    "aws file variable": Case(ECR, "{aws: {credentials_file: FILE}}", {"FILE": "AWS_FILE"}, AWS),
    "aws role": Case(ECR, f"{{aws: {{role: '{clouds.ROLE}'}}}}", {"AWS_ID_TOKEN": clouds.JOB}, AWS),
    "aws pod": Case(ECR, "{aws: ambient}", POD_AWS, AWS),
    "aws agent": Case(
        ECR,
        "{aws: ambient}",
        {
            **AGENT,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v2/credentials/image-push",
        },
        AWS,
    ),
    "aws container": Case(
        ECR,
        "{aws: ambient}",
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/image-push"},
        AWS,
    ),
    "aws machine": Case(ECR, "{aws: ambient}", {}, AWS),
    "aws variables": Case(
        ECR,
        "{aws: ambient}",
        {"AWS_ACCESS_KEY_ID": clouds.KEY_ID, "AWS_SECRET_ACCESS_KEY": clouds.KEY},
        AWS,
    ),
    "aws public": Case("public.ecr.aws", KEYS, HELD, AWS),
    "aws china": Case(
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        KEYS,
        {**HELD, "PLACE": "north"},
        AWS,
        "123456789012.dkr.ecr.cn-${env.PLACE}-1.amazonaws.com.cn",
    ),
    "aws fips": Case("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", KEYS, HELD, AWS),
    "aws in a region": Case(
        ECR,
        f"{{aws: {{role: '{clouds.ROLE}'}}}}",
        {"AWS_ID_TOKEN": clouds.JOB, "ACCOUNT": "123456789012", "AWS_REGION": "eu-west-1"},
        AWS,
        "${env.ACCOUNT}.dkr.ecr.${env.AWS_REGION}.amazonaws.com",
    ),
    "google in a place": Case(
        GAR,
        "{google: ambient}",
        {"PLACE": GAR.partition("-docker")[0]},
        GOOGLE,
        "${env.PLACE}-docker.pkg.dev",
    ),
    "azure by name": Case(
        ACR,
        f"{{azure: {{{IDS}}}}}",
        {"AZURE_ID_TOKEN": clouds.JOB, "REGISTRY": ACR.partition(".")[0]},
        AZURE,
        "${env.REGISTRY}.azurecr.io",
    ),
    "google machine": Case(GAR, "{google: ambient}", {}, GOOGLE),
    "google identity": Case(
        GAR,
        f"{{google: {{{clouds.ACCOUNT}}}}}",
        {"GOOGLE_ID_TOKEN": clouds.JOB},
        GOOGLE,
    ),
    "google key": Case(
        GAR, "{google: {key_file: KEY}}", {"KEY": '{"a":\n"b"}'}, ("_json_key", '{"a":\n"b"}')
    ),
    "azure machine": Case(ACR, "{azure: ambient}", {}, AZURE),
    "azure pod": Case(ACR, "{azure: ambient}", POD_AZURE, AZURE),
    "azure identity": Case(ACR, f"{{azure: {{{IDS}}}}}", {"AZURE_ID_TOKEN": clouds.JOB}, AZURE),
    "azure principal": Case(
        ACR,
        f"{{azure: {{{IDS}, client_secret: KEY}}}}",
        {"KEY": "s3cret"},
        (clouds.CLIENT, "s3cret"),
    ),
}


def told(case: Case, builder: str) -> str:
    """A spec that pushes there."""
    host = case.written or case.host
    return (
        f"builder: {builder}\ndefault_branch: main\ndestinations: ['{host}/acme/shop:1']\n"
        f"registries: {{'{host}': {case.login}}}\ncontext: s\n"
    )


def job(case: Case, event: Event, builder: str = "buildah") -> tuple[str, dict[str, str]]:
    """The script of a job of GitLab, and its environment."""
    return script_of(told(case, builder)), {**gitlab.environment(event), **case.env}


BUILT = [(name, builder) for builder in ("buildah", "buildkit") for name in CASES]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with boxed(tmp_path_factory.mktemp("box")) as made:
        yield made


@pytest.mark.parametrize(("name", "builder"), BUILT)
def test_a_cloud_opens_its_registry(box: Box, name: str, builder: str) -> None:
    """Whatever shell runs it; nobody sees a secret, and a request holds none."""
    case = CASES[name]
    turn = [*CASES].index(name) % len(SHELLS)
    turned = [*SHELLS[turn:], *SHELLS[:turn]]
    # The functions are the same in each case of busybox.
    for shell in turned[:2] if builder == "buildah" else turned[2:]:
        status, printed = box.run(*job(case, DEFAULT_BRANCH, builder), shell)
        assert status == 0, printed
        assert box.logins == {case.host: case.opens}, shell
        secrets = (*clouds.SECRETS, "s3cret")
        assert not [each for each in secrets if each in box.words + printed]
    status, printed = box.run(*job(case, PULL_REQUEST, builder), ["dash"])
    assert (status, box.words) == (0, ""), printed
    assert not (box.folder / "root" / ".docker" / "config.json").exists()


BESIDE = ("aws keys", "aws role", "aws pod", "aws file", "aws public", "google identity")
"""What a pod has a container for, so that RUN lines never share one with a key."""


@pytest.mark.parametrize("name", BESIDE)
def test_a_container_of_a_pod_logs_in_for_the_next(box: Box, name: str) -> None:
    """It holds the secrets, and the one that builds holds what they opened, and nothing else."""
    case = CASES[name]
    spec = ci_kaniko.loads(told(case, "buildkit"))
    for event, builds in ((DEFAULT_BRANCH, True), (PULL_REQUEST, False)):
        pod = yaml11.load(render(spec, "kubernetes", values(event)))["spec"]
        before = [each for each in pod["initContainers"] if each["name"] == "login"]
        (container,) = pod["containers"]
        assert "env" not in container
        assert bool(before) is builds, event
        for login in before:
            written, mounted = (
                next(each for each in one["volumeMounts"] if each["name"] == "docker-config")
                for one in (login, container)
            )
            assert {**written, "readOnly": True} == mounted
            users = [each["securityContext"]["runAsUser"] for each in (login, container)]
            assert len({*users}) == 1
            env = {each["name"]: each.get("value", "") for each in login.get("env", ())}
            env |= case.env
            secrets = box.folder / "root" / "secrets"
            secrets.mkdir(exist_ok=True)
            for cloud in ("aws", "google"):
                (secrets / f"{cloud}-token").write_text(clouds.JOB)
            turn = BESIDE.index(name) % len(SHELLS)
            for shell in SHELLS[turn:][:1]:
                script = login["args"][0].replace("$$", "$")
                status, printed = box.run(script, env, shell)
                assert status == 0, printed
                assert box.logins == {case.host: case.opens}, shell
                assert not [each for each in clouds.SECRETS if each in box.words + printed]


def test_busybox_goes_through_a_proxy(box: Box) -> None:
    """To servers of https alone, and not to those that ``no_proxy`` names."""
    ecr, sts = (f"{name}.eu-west-1.amazonaws.com:443" for name in ("api.ecr", "sts"))
    runs: tuple[tuple[str, dict[str, str], list[str]], ...] = (
        ("aws role", {"HTTPS_PROXY": clouds.PROXY}, [sts, ecr]),
        ("aws machine", {"https_proxy": clouds.PROXY, "http_proxy": clouds.PROXY}, [ecr]),
        ("aws role", {"https_proxy": clouds.PROXY, "no_proxy": f"x,{sts[:-4]}"}, [ecr]),
        ("aws role", {"https_proxy": clouds.PROXY, "NO_PROXY": ".y, .amazonaws.com"}, []),
        ("aws role", {"https_proxy": clouds.PROXY, "NO_PROXY": "*"}, []),
    )
    for number, (name, env, through) in enumerate(runs):
        for shell in SHELLS[number % len(SHELLS) :][:1] if number else SHELLS:
            box.tunnelled.clear()
            script, given = job(CASES[name], DEFAULT_BRANCH, "buildkit")
            status, printed = box.run(script, {**given, **env}, shell)
            assert status == 0, printed
            assert box.logins == {ECR: AWS}, shell
            assert box.tunnelled == through, (env, shell)
            assert "its-p4ss" not in box.words + printed
            assert clouds.PROXY_LOGIN[6:] not in box.words + printed
    script, given = job(CASES["aws role"], DEFAULT_BRANCH, "buildkit")
    refused = clouds.PROXY.replace("its", "no")
    status, printed = box.run(script, {**given, "https_proxy": refused}, ["dash"])
    assert status != 0
    assert "the proxy has answered: 407" in printed


@settings(max_examples=5, deadline=None)
@example([(bytes(range(256)), bytes(range(256))), (b"", b"")])
@given(st.lists(st.tuples(st.binary(max_size=70), st.binary(max_size=70)), min_size=1, max_size=8))
def test_busybox_signs_as_python_does(pairs: list[tuple[bytes, bytes]]) -> None:
    given = "".join(f"{key.hex()}:{message.hex()}\n" for key, message in pairs)
    asked = 'while IFS=: read -r key message; do raw "$message" 0 | hmac "$key"; done'
    script = f"set -eu\n{FUNCTIONS['raw']}{FUNCTIONS['hmac']}\n{asked}\n"
    signed = [hmac.new(key, message, "sha256").hexdigest() for key, message in pairs]
    for shell in SHELLS:
        program = [tools.program(shell[0]), *shell[1:], "-c", script]
        done = subprocess.run(program, input=given, capture_output=True, text=True)  # noqa: PLW1510
        assert (done.stdout.split(), done.stderr) == (signed, ""), shell


def test_what_a_cloud_refuses_stops_the_job(box: Box) -> None:
    """Another key, another token: nothing is built, and a sentence says what was empty."""
    wrong = {
        "aws keys": {"KEY": "another"},
        "aws file": {"FILE": "[other]\n"},
        "aws role": {"AWS_ID_TOKEN": "another"},
        "google identity": {"GOOGLE_ID_TOKEN": "another"},
        "azure identity": {"AZURE_ID_TOKEN": "another"},
        "aws agent": {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/dev/null"},
    }
    # Each refusal in two of the shells, and each shell with both builders.
    builders = enumerate(("buildah", "buildkit"))
    for (number, (name, env)), (turn, builder) in product(enumerate(wrong.items()), builders):
        shell = SHELLS[(number + turn) % len(SHELLS)]
        script, given = job(CASES[name], DEFAULT_BRANCH, builder)
        status, printed = box.run(script, {**given, **env}, shell)
        assert status != 0, name
        refused = "returned error: 403" in printed or "has answered: HTTP/1.0 403" in printed
        assert refused or " is empty: " in printed, (name, printed)


@pytest.mark.parametrize("builder", ["kaniko", "buildah", "buildkit"])
def test_a_build_secret_may_be_a_file_of_gitlab(box: Box, builder: str) -> None:
    """What RUN lines see is the text, never the path that the variable of such a file holds."""
    whole = script_of(
        f"builder: {builder}\ndefault_branch: main\npush: never\ncontext: s\n"
        "build_secrets: {npm: POD, again: POD, pip: PIP}\ncertificates: {quay.io: POD}\n"
    )
    before, program, _ = re.split(r"(?m)^(/kaniko|buildah|buildctl)", whole, maxsplit=1)
    assert program
    script = f"{before}env > {box.folder}/seen\n".replace("/kaniko", str(box.folder / "kaniko"))
    env = {**gitlab.environment(DEFAULT_BRANCH), "POD": "POD", "PIP": "it's $5\n[pip]"}
    for shell in SHELLS:
        status, printed = box.run(script, env, shell)
        assert status == 0, printed
        seen = (box.folder / "seen").read_text()
        assert f"\nPOD={clouds.POD}\n" in f"\n{seen}"
        assert "\nPIP=it's $5\n[pip]\n" in f"\n{seen}"
