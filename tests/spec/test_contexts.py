"""Where a build's files come from: the forms that kaniko knows, and what each needs."""

from __future__ import annotations

from typing import Any

import pytest

from ci_kaniko import Spec, SpecError
from ci_kaniko.plan.clouds import context_cloud
from ci_kaniko.plan.resolve import resolve
from ci_kaniko.spec.loading import warnings

SHA = "0123456789abcdef0123456789abcdef01234567"
GIT = "git://git.example.com/acme/shop.git"
FETCHED = "/kaniko/buildcontext"
UNPACKED = f"{FETCHED}/Dockerfile"
BLOB = "https://acme.blob.core.windows.net/contexts/shop.tar.gz"
FORM = {"gitlab": {"form": "include"}}
KEY = {"context_login": {"azure_storage_key": "AZURE_KEY"}}


def words(**fields: Any) -> list[str]:
    """The executor's arguments; the checkout is `<checkout>`, this repository `<repository>`."""
    clone = fields.pop("directory_is_git", False)
    plan = resolve(Spec(push="never", **fields), "gitlab", directory_is_git=clone)
    found = []
    for argument in plan.arguments:
        parts = (
            part if isinstance(part, str) else f"<{part.name.removeprefix('@')}>"
            for part in argument.value or ()
        )
        found.append(f"--{argument.name}={''.join(parts)}")
    return found


FORMS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "root": ({}, ["dir://<checkout>", "<checkout>/Dockerfile"]),
    "directory": (
        {"context": "./a/../services/shop/", "dockerfile": "docker/Dockerfile"},
        ["dir://<checkout>/services/shop", "<checkout>/services/shop/docker/Dockerfile"],
    ),
    "outside": (
        {"context": "services/shop", "dockerfile": "../../docker/x"},
        ["dir://<checkout>/services/shop", "<checkout>/docker/x"],
    ),
    "url": (
        {"dockerfile": "https://example.com/Dockerfile"},
        ["dir://<checkout>", "https://example.com/Dockerfile"],
    ),
    "git": ({"context": GIT}, [GIT, UNPACKED]),
    "ref": ({"context": f"{GIT}#refs/pull/1/merge"}, [f"{GIT}#refs/pull/1/merge", UNPACKED]),
    "commit": (
        {"context": f"{GIT}#refs/tags/v1#{SHA}", "dockerfile": "d/D"},
        [f"{GIT}#refs/tags/v1#{SHA}", f"{FETCHED}/d/D"],
    ),
    "tar": ({"context": "tar://out/c.tgz"}, ["tar://<checkout>/out/c.tgz", UNPACKED]),
    "absolute tar": ({"context": "tar:///srv/c.tgz"}, ["tar:///srv/c.tgz", UNPACKED]),
    "s3": ({"context": "s3://bucket/a/c.tgz"}, ["s3://bucket/a/c.tgz", UNPACKED]),
    "folder": ({"context": "https://h.example/a/"}, ["https://h.example/a/", UNPACKED]),
    "gs": ({"context": "gs://bucket/c.tgz"}, ["gs://bucket/c.tgz", UNPACKED]),
    "https": (
        {"context": "https://h.example/c.tgz?a=b#c"},
        ["https://h.example/c.tgz?a=b#c", UNPACKED],
    ),
    "azure": ({"context": BLOB, **KEY}, [BLOB, UNPACKED]),
    "input": (
        {"context": "${input.folder}", **FORM, "inputs": {"folder": {}}},
        ["dir://<checkout><folder>", "<checkout><folder>/Dockerfile"],
    ),
    "below an input": (
        {"context": "${input.folder}/a", **FORM, "inputs": {"folder": {}}},
        ["dir://<checkout>/<input.folder>/a", "<checkout>/<input.folder>/a/Dockerfile"],
    ),
}


@pytest.mark.parametrize(("fields", "expected"), FORMS.values(), ids=FORMS)
def test_context_and_dockerfile(fields: dict[str, Any], expected: list[str]) -> None:
    """The Dockerfile is absolute: the executor looks in its working directory first."""
    context, dockerfile = expected
    assert words(**fields) == [f"--context={context}", f"--dockerfile={dockerfile}"]


@pytest.mark.parametrize(
    "name", [name for name, (fields, _) in FORMS.items() if "://" in str(fields)]
)
def test_a_sub_path_of_what_is_fetched(name: str) -> None:
    fields, (context, _) = FORMS[name]
    if name == "url":
        return
    found = words(**{**fields, "dockerfile": "../D", "context_sub_path": "services/./shop"})
    sub_path = "--context-sub-path=services/shop"
    assert found == [f"--context={context}", sub_path, f"--dockerfile={FETCHED}/services/D"]


def test_a_directory_that_the_executor_clones_itself() -> None:
    assert words(context="services/shop", dockerfile="D", directory_is_git=True) == [
        "--context=<repository>",
        "--context-sub-path=services/shop",
        f"--dockerfile={FETCHED}/services/shop/D",
    ]
    root = words(dockerfile="D", directory_is_git=True)
    assert root == ["--context=<repository>", f"--dockerfile={FETCHED}/D"]


REFUSED = {
    "tar://": "bad-context", "tar://stdin": "bad-context", "tar://../c.tgz": "bad-context",
    "tar://.": "bad-context", "s3://bucket": "bad-context", "s3://": "bad-context",
    "gs://bucket/": "bad-context", "gs:///c.tgz": "bad-context", "https://": "bad-context",
    "https://h.example": "bad-context", "http://h.example/c.tgz": "bad-context",
    "dir:///workspace": "bad-context", "dir://workspace": "bad-context",
    "ftp://h.example/c.tgz": "bad-context", "git://": "bad-context",
    "git://github.com": "bad-context",
    "git://https://github.com/a/b": "bad-context", "git://git@github.com:a/b": "written-secret",
    "git@github.com:acme/shop.git": "bad-context", "ssh://github.com/a/b": "bad-context",
    f"{GIT}#main": "bad-context", f"{GIT}#{SHA}": "bad-context", f"{GIT}#": "bad-context",
    f"{GIT}#refs/heads/main#abc": "bad-context", f"{GIT}#refs/heads/main#{SHA}#x": "bad-context",
    "/workspace": "bad-path", "..": "bad-path", "a/../../b": "bad-path", "~/a": "bad-path",
    "C:\\shop": "bad-path", BLOB: "missing-context-login",
}  # fmt: skip


@pytest.mark.parametrize(("context", "rule"), REFUSED.items(), ids=REFUSED)
def test_what_kaniko_could_not_fetch(context: str, rule: str) -> None:
    with pytest.raises(SpecError) as error:
        Spec(push="never", context=context)
    assert {problem.rule for problem in error.value.problems} == {rule}


AWS = {"aws": "ambient", "region": "eu-west-1"}
MINIO = {
    "aws": {"credentials_file": "AWS_FILE"},
    "s3_endpoint": "https://m.example",
    "s3_path_style": True,
}
STORES: dict[str, tuple[str, dict[str, Any], dict[str, str], tuple[str, ...]]] = {
    "role": ("s3://b/c", AWS, {"AWS_REGION": "eu-west-1"}, ()),
    "file": (
        "s3://b/c",
        MINIO,
        {"S3_ENDPOINT": "https://m.example", "S3_FORCE_PATH_STYLE": "true"},
        ("AWS_SHARED_CREDENTIALS_FILE",),
    ),
    "google": (
        "gs://b/c",
        {"google": {"key_file": "KEY"}},
        {},
        ("GOOGLE_APPLICATION_CREDENTIALS",),
    ),
    "workload identity": ("gs://b/c", {"google": "ambient"}, {}, ()),
    "azure": (BLOB, {"azure_storage_key": "KEY"}, {}, ("AZURE_STORAGE_ACCESS_KEY",)),
}


def of(context: str, login: dict[str, Any]) -> Spec:
    given = {"push": "never", "context": context, "context_login": login}
    return Spec.model_validate(given)


@pytest.mark.parametrize(("context", "login", "texts", "secrets"), STORES.values(), ids=STORES)
def test_what_a_store_asks_for(
    context: str, login: dict[str, Any], texts: dict[str, str], secrets: tuple[str, ...]
) -> None:
    spec = of(context, login)
    cloud = context_cloud(spec, "gitlab")
    assert cloud is not None
    assert cloud.variables == texts
    assert set(cloud.names) == {*texts, *secrets}
    assert not warnings(spec)


@pytest.mark.parametrize(
    ("context", "login"),
    [
        ("gs://b/c", {"aws": "ambient"}),
        ("s3://b/c", {"google": "ambient"}),
        ("https://h.example/c.tgz", {"region": "eu-west-1"}),
        (GIT, {"google": "ambient"}),
        (".", {"aws": "ambient"}),
    ],
)
def test_a_login_that_nothing_asks_for(context: str, login: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="unused-context-login"):
        of(context, login)


@pytest.mark.parametrize(
    "fields",
    [
        {"context": "s3://b/c", "git": {"branch": "main"}},
        {"context": f"{GIT}#refs/heads/main", "git": {"branch": "other"}},
        {
            "context": "s3://b/c",
            "context_login": {"aws": "ambient", "s3_path_style": True},
        },
    ],
    ids=["no git", "two refs", "no endpoint"],
)
def test_settings_without_effect(fields: dict[str, Any]) -> None:
    found = warnings(Spec(push="never", **fields))
    assert {problem.rule for problem in found} == {"no-effect"}
