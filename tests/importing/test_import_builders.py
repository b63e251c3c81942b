"""Pipelines that build with BuildKit and Buildah, as people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci_kaniko import Spec, import_files, lint
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rendering import render


@pytest.mark.parametrize("target", ["kubernetes", "buildkite"])
def test_a_container_that_logs_in_is_read_with_the_one_that_builds(target: str) -> None:
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    keys = {"access_key_id": "KEY_ID", "secret_access_key": "KEY"}
    data: dict[str, Any] = {
        "builder": "buildkit",
        "default_branch": "main",
        "context": "git://github.com/acme/shop.git",
        "destinations": [f"{host}/acme/shop:1"],
        "registries": {host: {"aws": keys}},
    }
    text = render(Spec.model_validate(data), target, {} if target == "kubernetes" else None)
    found = import_files([(f".{target}/pipeline.yml", text)])
    assert yaml11.load(found.spec_text)["registries"] == {host: {"aws": keys}}
    assert "login" not in {entry.message.split(" ")[0] for entry in found.report}


LINE = """
build:
  image: {{name: moby/buildkit:rootless, entrypoint: [""]}}
  script:
    - >-
      buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=. --local dockerfile=.
      {words}
"""


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("--output type=oci,dest=shop.tar", "builder-flag"),
        ("--output type=image,name=quay.io/acme/shop:1,push=true,unpack=true", "builder-flag"),
        ("--import-cache type=gha", "builder-flag"),
        ("--allow network.host", "builder-flag"),
        ("--import-cache type=registry,ref=quay.io/acme/shop:old", "builder-cache-tag"),
        ("--output type=image,name=quay.io/acme/shop:1", "builder-flag"),
        ("--output type=image,name=quay.io/acme/shop:1,push=false", "builder-flag"),
        ("--output type=image,name=quay.io/acme/shop:1,push=$PUSH", "unknown-condition"),
    ],
)
def test_what_has_no_field_is_told(words: str, rule: str) -> None:
    found = import_files([("a.gitlab-ci.yml", LINE.format(words=words))])
    assert yaml11.load(found.spec_text)["builder"] == "buildkit"
    assert rule in {entry.rule for entry in found.report}


@pytest.mark.parametrize(
    ("words", "pushed"),
    [
        ("--push", True),
        ("--push=true", True),
        ("--push=1", True),
        ("--push=false", False),
        ("--push=$PUSH", False),
        ("--output type=image,push=True", True),
        ("--output type=image,push=$PUSH", False),
        ("--output type=registry", True),
    ],
)
def test_what_a_run_decides_is_not_pushed(words: str, *, pushed: bool) -> None:
    call = f"docker buildx build {words} -t quay.io/acme/shop:1 ."
    found = import_files([("a.gitlab-ci.yml", f"a: {{image: docker, script: ['{call}']}}\n")])
    spec = yaml11.load(found.spec_text)
    assert (spec.get("push") != "never") == pushed
    assert spec["destinations"] == ["quay.io/acme/shop:1"] if "false" not in words else True


PUSHED = "--output type=image,name=quay.io/acme/shop:1,push="


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("--output type=docker,dest=a.tar,name=quay.io/acme/shop:1", ["1"]),
        (f"--output type=docker,dest=a.tar,name=quay.io/acme/shop:1 {PUSHED}true", []),
        (f"{PUSHED}true,oci-mediatypes=true", []),
        (f"{PUSHED}true --output type=docker,dest=a.tar,name=quay.io/acme/shop:1", []),
        (f"--output type=docker,dest=a.tar,name=quay.io/acme/shop:2 {PUSHED}true", ["2"]),
        (f"--output type=docker,dest=a.tar,name=quay.io/acme/shop:1 {PUSHED}$PUSH", ["1"]),
        (f"{PUSHED}false {PUSHED}true", []),
        ("'--output=\"name=quay.io/acme/shop:1,quay.io/acme/shop:2\"'", ["1", "2"]),
        ("--output type=image,name=quay.io/acme/shop:1,name=quay.io/acme/shop:2,push=true", ["1"]),
    ],
)
def test_a_name_is_kept_where_something_pushes_it(words: str, lost: list[str]) -> None:
    """An archive is called what is pushed beside it; what nothing pushes has no field."""
    found = import_files([("a.gitlab-ci.yml", LINE.format(words=words))])
    told = [entry.message for entry in found.report if entry.rule == "builder-flag"]
    of = "--output=name=quay.io/acme/shop:{} of buildkit has no field"
    assert told == [of.format(tag) for tag in lost]


ARCHIVE = "https://downloads.example.com/a.tar.gz?b=1"
OF_ARCHIVES = (
    f"buildctl build --opt filename=s/app/Dockerfile --opt contextsubdir=s --opt context={ARCHIVE}",
    f"buildah build -f app/Dockerfile {ARCHIVE}",
)


@pytest.mark.parametrize("call", OF_ARCHIVES)
def test_an_archive_is_no_repository(call: str) -> None:
    found = import_files([("a.gitlab-ci.yml", f"a: {{image: a, script: ['{call}']}}\n")])
    spec = yaml11.load(found.spec_text)
    assert spec["context"] == ARCHIVE
    assert spec["dockerfile"] == "app/Dockerfile"
    assert spec.get("context_sub_path", "s") == "s"


def test_a_dockerfile_stands_beside_the_folder_that_is_built() -> None:
    """Behind the ref a folder is all that there is; as an option it is not."""
    for words, sub, dockerfile in (
        ("#next:app --opt filename=build/Dockerfile", "app", "build/Dockerfile"),
        ("#next --opt contextsubdir=app --opt filename=Dockerfile", "app", "../Dockerfile"),
    ):
        call = f"buildctl build --opt context=https://github.com/acme/shop.git{words}"
        found = import_files([("a.gitlab-ci.yml", f"a: {{image: a, script: ['{call}']}}\n")])
        spec = yaml11.load(found.spec_text)
        assert (spec["context_sub_path"], spec["dockerfile"]) == (sub, dockerfile)


@pytest.mark.parametrize(
    ("folder", "dockerfile"),
    [(".", "../Dockerfile"), ("./", "../Dockerfile"), ("app/", None), ("ci", "../ci/Dockerfile")],
)
def test_buildkit_looks_for_a_dockerfile_in_one_place(folder: str, dockerfile: str | None) -> None:
    call = f"buildctl build --local context=app --local dockerfile={folder} {PUSHED}true"
    found = import_files([("a.gitlab-ci.yml", f"a: {{image: a, script: ['{call}']}}\n")])
    assert yaml11.load(found.spec_text).get("dockerfile") == dockerfile


def test_the_usual_format_and_folder_are_those_of_every_run() -> None:
    script = (
        'if [ -n "$CI_COMMIT_TAG" ]; then of=one; else of=two; fi\n'
        "buildah bud -t $of\nbuildah push $of docker://quay.io/acme/shop:1\n"
    )
    found = import_files([("a.sh", script)])
    assert yaml11.load(found.spec_text)["options"] == {"image_format": "oci"}
    assert not {"conditional-flag", "no-context"} & {entry.rule for entry in found.report}


LISTS = {
    "buildah bud --platform=linux/amd64 --manifest a .\n"
    "buildah bud --platform linux/arm64 --manifest a .\n": (["linux/amd64", "linux/arm64"], None),
    "for it in amd64 arm64; do podman build --arch $it --manifest a .; done\n": (
        ["linux/amd64", "linux/arm64"],
        None,
    ),
    "buildah bud --platform linux/amd64 --manifest a .\n"
    "buildah bud --platform linux/arm64 --build-arg A=1 --manifest a .\n": (None, 3),
    "buildah bud --arch arm64 --manifest a .\n": (None, None),
    "buildah manifest create a\n"
    "for it in amd64 arm64; do buildah bud --arch $it -t b:$it .; done\n"
    "for it in amd64 arm64; do buildah manifest add a b:$it; done\n": (
        ["linux/amd64", "linux/arm64"],
        None,
    ),
    "podman build --arch amd64 -t b . && podman build --arch arm64 -t c . &&\n"
    "podman manifest create a localhost/b c\n": (["linux/amd64", "linux/arm64"], None),
}


@pytest.mark.parametrize("script", LISTS)
def test_builds_into_one_list_are_one_image(script: str) -> None:
    """Where they differ in more than their platform, that is told."""
    platforms, line = LISTS[script]
    push = "buildah manifest push --all a docker://quay.io/acme/shop:1\n"
    found = import_files([("a.sh", f"#!/bin/bash\n{script}{push}")])
    spec = yaml11.load(found.spec_text)
    assert spec.get("platforms") == platforms
    pushed = [build for build in spec.get("images", {"": spec}).values() if "destinations" in build]
    assert len(pushed) == 1
    if platforms is None:
        assert pushed[0]["options"]["custom_platform"] == "linux/arm64"
    assert [e.line for e in found.report if e.rule == "builder-flag"] == ([line] if line else [])


@pytest.mark.parametrize(
    "script",
    [
        (
            "for it in amd64 arm64; do buildah bud --arch $it --label it=$it -t b:$it .; done\n"
            "buildah manifest add a b:amd64; buildah manifest add a b:arm64\n"
        ),
        (
            "buildah bud --arch amd64 -t b . && buildah bud --arch arm64 -t c .\n"
            "buildah manifest add a b; buildah manifest add a docker://quay.io/acme/c\n"
        ),
        "buildah bud --arch amd64 -t b . && buildah manifest add --variant v3 a b\n",
        "buildah bud -t b . && if [ $A ]; then buildah manifest add a b; fi\n",
    ],
)
def test_a_list_that_no_spec_can_say_is_not_pushed(script: str) -> None:
    push = "buildah manifest push --all a docker://quay.io/acme/shop:1\n"
    found = import_files([("a.sh", f"#!/bin/bash\nbuildah manifest create a\n{script}{push}")])
    assert "destinations" not in found.spec_text
    told = [entry.message for entry in found.report if entry.rule == "skipped-command"]
    assert [told[0].startswith("buildah manifest add"), "manifest push" in told[-1]] == [True, True]


DOCKER: tuple[tuple[str, dict[str, str]], ...] = (
    ("docker build -t quay.io/acme/shop:1 .", {"push": "never"}),
    ("docker build -t quay.io/acme/shop:1 . && docker push quay.io/acme/shop:1", {}),
    ("docker image build -t quay.io/acme/shop:1 .; docker image push quay.io/acme/shop:1", {}),
    ("sudo docker --debug build -tquay.io/acme/shop:1 . && docker push quay.io/acme/shop:1", {}),
    ("podman build --squash-all -t quay.io/acme/shop:1 .; podman push quay.io/acme/shop:1", {}),
    (
        "podman build --manifest a . && podman manifest push --all a docker://quay.io/acme/shop:1",
        {},
    ),
    ("docker buildx build --push -t quay.io/acme/shop:1 .", {}),
    ("docker buildx --builder b build -o type=registry -t quay.io/acme/shop:1 .", {}),
    ("docker buildx build --output type=image,push=true -t quay.io/acme/shop:1 .", {}),
    (
        "docker build -t a . && docker tag a quay.io/acme/shop:1; docker push quay.io/acme/shop:1",
        {},
    ),
    (
        "docker build --push -t quay.io/acme/shop:1 https://github.com/acme/shop.git#refs/heads/a:b",
        {
            "context": "git://github.com/acme/shop.git#refs/heads/a",
            "context_sub_path": "b",
        },
    ),
)


@pytest.mark.parametrize(("script", "wanted"), DOCKER)
def test_a_build_on_a_daemon_is_one_for_kaniko(script: str, wanted: dict[str, str]) -> None:
    """Whatever client asks for it, and however the image gets to its registry."""
    login = "docker login -u a -p $QUAY_TOKEN quay.io && cp ~/.docker/config.json /kaniko/.docker/"
    found = import_files([("a.sh", f"{login}\n{script}\n")])
    build = yaml11.load(found.spec_text)
    if "push" not in wanted:
        assert build["destinations"] == ["quay.io/acme/shop:1"]
        assert build["registries"] == {"quay.io": {"username": "a", "password": "QUAY_TOKEN"}}
    assert wanted.items() <= build.items()
    assert "builder" not in build
    rules = {entry.rule for entry in found.report}
    assert "daemon" in rules
    assert "unknown-config" not in rules


LOST = (
    "docker build $FLAGS -t quay.io/acme/shop:1 . && docker push quay.io/acme/shop:1",
    "docker build -t quay.io/acme/shop:1 && docker push quay.io/acme/shop:1",
    "docker build -t quay.io/acme/shop:1 - < Dockerfile",
    "docker build -t quay.io/acme/shop:1 -f - .",
    "docker buildx build --output type=local,dest=out .",
    "docker build --network host -t quay.io/acme/shop:1 .",
    "docker build -t quay.io/acme/shop:1 . && docker push --all-tags quay.io/acme/shop",
    "docker build -t quay.io/acme/shop:1 . && docker push quay.io/acme/other:1",
    "docker build -t quay.io/acme/shop:1 . && docker buildx bake --push",
)


@pytest.mark.parametrize("script", LOST)
def test_what_a_daemon_did_beside_is_told(script: str) -> None:
    found = import_files([("a.sh", f"{script}\n")])
    lost = {"builder-flag", "skipped-command", "unknown-words", "no-folder"}
    assert lost & {entry.rule for entry in found.report}


def test_nobody_is_told_to_take_away_the_daemon_that_builds() -> None:
    """Lint looks at pipelines that stay as they are; import is for those who leave."""
    name = "docker.gitlab-ci.yml"
    text = (Path(__file__).parent / "built" / name).read_text(encoding="utf-8")
    assert lint([(name, text)]).without == (name,)
    mixed = text + "kaniko:\n  image: {name: acme/kaniko:debug, entrypoint: ['']}\n"
    mixed += "  script: [/kaniko/executor --context . --no-push]\n"
    rules = {problem.rule for problem in lint([(name, mixed)]).problems}
    assert rules
    assert not rules & {"docker-in-docker", "service"}


def test_a_pod_that_builds_on_a_daemon_is_one_for_kaniko() -> None:
    text = """\
apiVersion: v1
kind: Pod
spec:
  containers:
    - image: docker:27
      securityContext: {privileged: true}
      command: [sh, -ec, docker build --push -t quay.io/acme/shop:1 .]
"""
    found = import_files([("pod.yaml", text)])
    assert found.spec_text == "destinations:\n  - quay.io/acme/shop:1\n"
    assert {"daemon", "privileged"} <= {entry.rule for entry in found.report}


def test_a_container_around_a_build_on_a_daemon_needs_no_privileges() -> None:
    script = "docker run --privileged docker:27 sh -c 'docker build -t quay.io/acme/shop:1 .'\n"
    found = import_files([("a.sh", script)])
    assert {"daemon", "privileged"} <= {entry.rule for entry in found.report}
