"""What a script fetches for a builder is imported as the context that it was rendered from."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

import ci_kaniko
from ci_kaniko import import_files
from ci_kaniko.plan.resolve import resolve
from harness.reimported import compared

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LINK = "git://git.example.com/acme/other.git"
CONTEXTS: dict[str, dict[str, Any]] = {
    "a branch": {"context": f"{LINK}#refs/heads/next", "dockerfile": "docker/Dockerfile"},
    "a commit": {"context": f"{LINK}#refs/tags/v1#{COMMIT}", "context_sub_path": "app/web"},
    "the default branch": {"context": LINK, "git": {"depth": 1}},
    "a login": {
        "context": f"{LINK}#refs/heads/next",
        "git": {"token": "OTHER_TOKEN", "username": "bot", "depth": 3},
    },
    "submodules": {"context": LINK, "git": {"token": "OTHER_TOKEN", "recurse_submodules": True}},
    "a proxy": {"context": LINK, "proxy": {"https": "http://proxy.acme.dev:3128"}},
    "an archive": {"context": "tar://out/context.tar.gz", "dockerfile": "docker/Dockerfile"},
    "a folder of an archive": {
        "context": "https://downloads.example.com/shop.tar.gz?a=1&b=$2",
        "context_sub_path": "shop-1.0",
    },
}
STORES: dict[str, dict[str, Any]] = {
    "keys": {
        "context": "s3://acme/shop.tar.gz",
        "context_login": {
            "aws": {"access_key_id": "ID", "secret_access_key": "KEY"},
            "region": "eu-west-1",
        },
    },
    "of Google": {"context": "gs://acme/a b/c.tgz", "context_login": {"google": "ambient"}},
    "of Azure": {
        "context": "https://acme.blob.core.windows.net/builds/a%20b.tgz",
        "context_login": {"azure_storage_key": "STORAGE_KEY"},
    },
}
TARGETS: dict[str, dict[str, Any]] = {
    "gitlab": {},
    "github": {},
    "github container": {"mode": "container"},
    "buildkite": {"queue": "kubernetes"},
    "agola": {},
    "kubernetes": {},
}
WITHOUT_CHECKOUT = {"github container", "kubernetes"}
CASES = [
    (context, target)
    for context, data in CONTEXTS.items()
    for target in TARGETS
    if target not in WITHOUT_CHECKOUT or not data["context"].startswith("tar:")
]


@pytest.mark.parametrize(("context", "target"), CASES)
def test_a_context_that_a_script_fetches_comes_back(context: str, target: str) -> None:
    name: Any = target.partition(" ")[0]
    data = {
        "default_branch": "main",
        "builder": "buildah",
        "destinations": ["quay.io/acme/shop:1"],
        "registries": {"quay.io": {"username": "bot", "password": "QUAY_TOKEN"}},
        name: TARGETS[target],
        **CONTEXTS[context],
    }
    spec = ci_kaniko.loads(json.dumps(data))
    rendered = ci_kaniko.render(spec, name)
    found = import_files([("pipeline.yml", rendered)], name)
    again = resolve(found.spec, name)
    assert compared(again, branch="main") == compared(resolve(spec, name), branch="main")
    assert not [str(entry) for entry in found.report if entry.rule == "skipped-command"]


@pytest.mark.parametrize(("store", "builder"), [*product(STORES, ("buildah", "buildkit"))])
def test_what_a_script_gets_out_of_a_store_is_told_and_not_pushed(store: str, builder: str) -> None:
    data = {"builder": builder, "destinations": ["quay.io/acme/shop:1"], **STORES[store]}
    data["registries"] = {"quay.io": "anonymous"}
    rendered = ci_kaniko.render(ci_kaniko.loads(json.dumps(data)), "gitlab")
    found = import_files([(".gitlab-ci.yml", rendered)])
    assert found.spec.push == "never"
    assert "skipped-command" in {entry.rule for entry in found.report}


def test_what_a_script_adds_to_git_is_told() -> None:
    """Another line of its environment, another option, another command."""
    spec = {"builder": "buildah", "push": "never", **CONTEXTS["a login"]}
    rendered = ci_kaniko.render(ci_kaniko.loads(json.dumps(spec)), "gitlab")
    changes = {
        '"GIT_PASSWORD=$GIT_PASSWORD"': '"GIT_PASSWORD=$GIT_PASSWORD" "GIT_SSH_COMMAND=x"',
        "run_git init --quiet": "run_git init --quiet\n      run_git config core.autocrlf true",
        "run_git init": "run_git -c core.autocrlf=true init",
        "run_git -c": "run_git -c http.sslVerify=false -c",
        "--workingdir /git": "--workingdir /git --user 1000",
        "docker.io/alpine/git:2.52.0": "quay.io/acme/git:2.51.0",
    }
    for old, new in changes.items():
        assert old in rendered
        found = import_files([(".gitlab-ci.yml", rendered.replace(old, new))])
        told = {entry.rule for entry in found.report if entry.kind == "left"}
        assert told & {"skipped-command", "other-repository"}, new


@pytest.mark.parametrize(
    ("command", "context"),
    [
        ("tar xf out.tgz -C ctx", "tar://out.tgz"),
        ("tar -xzf out.tgz -C ctx", "tar://out.tgz"),
        ("curl --output a.tgz https://$STORE/a; tar xf a.tgz -C ctx", "https://${env.STORE}/a"),
        ("curl --user $ME --output a.tgz https://$STORE/a; tar xf a.tgz -C ctx", None),
        ("tar xzf - -C ctx", None),
        ('[ -z "$CI_COMMIT_TAG" ] || tar xf out.tgz -C ctx', None),
    ],
)
def test_an_archive_that_anybody_unpacks_is_the_context(command: str, context: str | None) -> None:
    text = (
        "build:\n  image: quay.io/buildah/stable:v1.43.0\n  script:\n"
        f"    - {command!r}\n    - buildah build -t quay.io/acme/shop:1 ctx\n"
        "    - buildah push quay.io/acme/shop:1\n"
    )
    found = import_files([(".gitlab-ci.yml", text)])
    assert str(found.spec.context) == (context or "ctx")
    told = {entry.rule for entry in found.report}
    assert ("skipped-command" in told) == (context is None)


@pytest.mark.parametrize("command", ["", " --", " -- git", " -- git -c", " -- sh -c", " -- sh"])
def test_a_command_in_a_container_that_is_not_finished_is_told(command: str) -> None:
    text = (
        "build:\n  image: quay.io/buildah/stable:v1.43.0\n  script:\n"
        "    - git=$(buildah from docker.io/alpine/git:2.52.0)\n"
        f'    - buildah run --volume ctx:/git --workingdir /git "$git"{command}\n'
        "    - buildah build -t quay.io/acme/shop:1 ctx\n"
        "    - buildah push quay.io/acme/shop:1\n"
    )
    found = import_files([(".gitlab-ci.yml", text)])
    assert "skipped-command" in {entry.rule for entry in found.report}
