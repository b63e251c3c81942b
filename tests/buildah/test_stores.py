"""Contexts in the stores of clouds, fetched by curl and by busybox from servers that verify."""

from __future__ import annotations

import io
import random
import tarfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

import ci_kaniko
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import values
from ci_kaniko.rehearsing.told import gitlab
from ci_kaniko.rendering import render
from harness import clouds
from harness.box import FILE, SHELLS, Box, boxed, script_of
from harness.events import DEFAULT_BRANCH

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = "aws: {access_key_id: ID, secret_access_key: KEY}"
HELD = {"ID": clouds.KEY_ID, "KEY": clouds.KEY}
AWKWARD = "\u00fc b/~+(1)'$x%41;&=.tar.gz"
BLOB = "https://acme.blob.core.windows.net"
MINIO = "s3_endpoint: 'http://minio.example.com:9000', region: us-east-1"


class Case(NamedTuple):
    """A context, its login, what its job has, and what the object is called."""

    context: str
    login: str
    env: dict[str, str]
    name: str


CASES = {
    "s3 keys": Case(
        "s3://acme/shop.tar.gz",
        f"{KEYS}, region: eu-west-1",
        {**HELD, "AWS_SESSION_TOKEN": "of-somebody-else"},
        "acme/shop.tar.gz",
    ),
    "s3 file": Case(
        "s3://acme.builds/shop.tar.gz",
        "aws: {credentials_file: FILE}, region: eu-west-1",
        {"FILE": FILE},
        "acme.builds/shop.tar.gz",
    ),
    "s3 role": Case(
        "s3://acme/a/${commit.sha}.tar.gz",
        f"aws: {{role: '{clouds.ROLE}'}}, region: eu-west-1",
        {"AWS_ID_TOKEN": clouds.JOB},
        f"acme/a/{DEFAULT_BRANCH.sha}.tar.gz",
    ),
    "s3 machine": Case("s3://acme/a", "region: eu-west-1", {}, "acme/a"),
    "s3 written out": Case(f"s3://acme/{AWKWARD}", f"{KEYS}, {MINIO}", HELD, f"acme/{AWKWARD}"),
    "s3 of a run": Case(
        "s3://${env.BUCKET}/${env.WHERE}",
        f"{KEYS}, {MINIO}, s3_path_style: true",
        {**HELD, "BUCKET": "acme", "WHERE": AWKWARD},
        f"acme/{AWKWARD}",
    ),
    "gs machine": Case("gs://acme/a b.tgz", "google: ambient", {}, "acme/a b.tgz"),
    "gs identity": Case(
        "gs://acme/${env.WHERE}",
        f"google: {{{clouds.ACCOUNT}}}",
        {"GOOGLE_ID_TOKEN": clouds.JOB, "WHERE": AWKWARD},
        f"acme/{AWKWARD}",
    ),
    "azure key": Case(
        f"{BLOB}/builds/a%20b.tar.gz",
        "azure_storage_key: KEY",
        {"KEY": clouds.STORAGE_KEY},
        "builds/a b.tar.gz",
    ),
    "azure of a run": Case(
        f"{BLOB}/builds/${{env.WHERE}}",
        "azure_storage_key: KEY",
        {"KEY": clouds.STORAGE_KEY, "WHERE": AWKWARD},
        f"builds/{AWKWARD}",
    ),
}
LARGE = random.Random(1).randbytes(2_000_000)  # noqa: S311


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for name, content in {"Dockerfile": b"FROM scratch\n", "large": LARGE}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return file.getvalue()


ARCHIVE = archive()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with boxed(tmp_path_factory.mktemp("box")) as made:
        yield made


def told(case: Case, builder: str) -> str:
    """A spec that builds it."""
    context = case.context.replace("'", "''")
    return (
        f"builder: {builder}\ndefault_branch: main\npush: never\n"
        f"context: '{context}'\ncontext_login: {{{case.login}}}\n"
    )


def unpacked(box: Box) -> dict[str, bytes]:
    folder = box.folder / "root" / "buildcontext"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.mark.parametrize("builder", ["buildah", "buildkit"])
@pytest.mark.parametrize("name", CASES)
def test_a_context_comes_out_of_its_store(box: Box, name: str, builder: str) -> None:
    """In every shell and run; no secret is an argument, printed, or left for the build."""
    case = CASES[name]
    turn = [*CASES].index(name) % len(SHELLS)
    turned = [*SHELLS[turn:], *SHELLS[:turn]]
    clouds.OBJECTS.clear()
    clouds.OBJECTS[case.name] = ARCHIVE
    env = {**gitlab.environment(DEFAULT_BRANCH), **case.env}
    # Curl does for Buildah what functions of the shell do for BuildKit.
    for shell in turned[:1] if builder == "buildah" else turned[1:]:
        status, printed = box.run(f"{script_of(told(case, builder))}\nenv\n", env, shell)
        assert status == 0, printed
        assert unpacked(box) == {"Dockerfile": b"FROM scratch\n", "large": LARGE}, shell
        assert not [each for each in clouds.SECRETS if each in box.words + printed]


@pytest.mark.parametrize("builder", ["buildah", "buildkit"])
def test_what_a_store_refuses_stops_the_job(box: Box, builder: str) -> None:
    """Another key, or no such object: nothing is unpacked, and the answer is printed."""
    wrong = ("s3 keys", "KEY"), ("azure key", "KEY"), ("gs machine", ""), ("s3 machine", "")
    for number, (name, held) in enumerate(wrong):
        case = CASES[name]
        clouds.OBJECTS.clear()
        if held:
            clouds.OBJECTS[case.name] = ARCHIVE
        env = {**gitlab.environment(DEFAULT_BRANCH), **case.env}
        env |= {held: "YW5vdGhlcg=="} if held else {}
        script = script_of(told(case, builder))
        status, printed = box.run(script, env, SHELLS[number % len(SHELLS)])
        assert (status != 0, unpacked(box)) == (True, {}), name
        assert "403" in printed, (name, printed)


def test_a_container_of_a_pod_fetches_for_the_next(box: Box) -> None:
    """BuildKit's RUN lines share no container with a key: the archive comes from another."""
    for name in ("s3 keys", "s3 file", "s3 role", "s3 machine", "gs identity", "azure key"):
        case = CASES[name]
        given = values(DEFAULT_BRANCH) | {"env.WHERE": AWKWARD}
        pod = yaml11.load(render(ci_kaniko.loads(told(case, "buildkit")), "kubernetes", given))
        (before,) = pod["spec"]["initContainers"]
        (container,) = pod["spec"]["containers"]
        assert "env" not in container
        written, read = ([*each["volumeMounts"]] for each in (before, container))
        (stored,) = (each for each in written if each["name"] == "stored")
        assert {**stored, "readOnly": True} in read
        clouds.OBJECTS.clear()
        clouds.OBJECTS[case.name] = ARCHIVE
        folder = box.folder / "root" / "secrets"
        folder.mkdir(exist_ok=True, parents=True)
        for cloud in ("aws", "google"):
            (folder / f"{cloud}-token").write_text(clouds.JOB)
        status, printed = box.run(before["args"][0].replace("$$", "$"), case.env, ["dash"])
        assert status == 0, (name, printed)
        assert not unpacked(box)
        assert not [each for each in clouds.SECRETS if each in box.words + printed]
        archive = box.folder / "root" / "stored" / "context.tar.gz"
        assert archive.read_bytes() == ARCHIVE
