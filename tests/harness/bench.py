"""A place where a builder builds what rendered files say, beside a registry."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import ci_kaniko
from ci_kaniko.kaniko.builders import BUILDER_HOMES
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.rehearsing.events import Event, values
from ci_kaniko.rehearsing.rehearse import rehearse
from ci_kaniko.rehearsing.told import github, gitlab
from ci_kaniko.rendering import render
from harness import buildkit, cloned, tools
from harness.clouds import secured
from harness.events import DEFAULT_BRANCH, PULL_REQUEST, TAG
from harness.registry import PASSWORD, USER, serving
from harness.told import Told, by_kaniko

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AWKWARD = """a, "b" = 'c' $d \\ `e` {{ f }} ü
g"""
DOCKERFILE = """\
FROM scratch AS tools
COPY root /
FROM tools AS early
ENV STAGE=early
FROM tools
ARG VERSION=none
ARG AWKWARD=none
ENV VERSION=$VERSION AWKWARD=$AWKWARD
LABEL in.the.dockerfile=$VERSION
HEALTHCHECK CMD ["/bin/busybox", "true"]
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox echo $VERSION > /version"]
"""
NPM_TOKEN = "s3cret '$x' \"y\""
WITH_SECRET = """\
FROM scratch
COPY root /
COPY sums /
RUN --mount=type=secret,id=npm ["/bin/busybox", "md5sum", "-c", "/sums"]
"""
SUMS = f"{hashlib.md5(NPM_TOKEN.encode()).hexdigest()}  /run/secrets/npm\n"  # noqa: S324 - busybox has it
FROM_HUB = "FROM acme/base:1\nENV ON=base\n"
FROM_FILES = "FROM scratch\nARG VERSION=none\nLABEL in.the.dockerfile=$VERSION\nCOPY of-{} /\n"
"""Builds from the context of this folder alone, and runs nothing."""
DOCKER = """#!/usr/bin/env python3
import os, re, sys
words, env, volumes, entrypoint = sys.argv[2:], {}, {}, None
while words[0].startswith("-"):
    option = words.pop(0)
    if option in ("--rm", "--interactive"):
        continue
    value = words.pop(0)
    if option == "--env":
        name, given, text = value.partition("=")
        if given or name in os.environ:
            env[name] = text if given else os.environ[name]
    elif option == "--volume":
        source, target = value.removesuffix(":ro").split(":")
        volumes[target] = source
    elif option == "--entrypoint":
        entrypoint = value
hosted = os.environ["RUNNER_ENVIRONMENT"] == "github-hosted"
assert os.path.exists(os.environ["BOX"] + "/allowed") is hosted, "unshare: not permitted"
image, dash_c, script, *rest = words
assert (entrypoint, dash_c) == ("sh", "-c"), words
home = os.environ["BOX"] + "/root"
inward = lambda text: re.sub("(/root|/home/user)(?=/)", home, text)
for target, source in volumes.items():
    place = inward(target)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(place):
        os.unlink(place)
    os.symlink(source, place)
keep = ("PATH", "CONTAINERS_STORAGE_CONF", "SSL_CERT_FILE")
env |= {name: os.environ[name] for name in keep} | {"HOME": home}
os.execvpe("sh", ["sh", "-c", inward(script), *map(inward, rest)], env)
"""

SUDO = r"""#!/bin/sh
wanted="sysctl --ignore --quiet --write kernel.apparmor_restrict_unprivileged_userns=0"
test "$*" = "$wanted" && : > "$BOX/allowed"
"""


class Case(NamedTuple):
    """A spec, the event that it is built in, and its Dockerfile."""

    spec: dict[str, Any]
    event: Event = DEFAULT_BRANCH
    dockerfile: str = DOCKERFILE


def cases(host: str, repository: str = "shop", files: str = "https://a") -> dict[str, Case]:
    one = [f"{host}/acme/{repository}:${{commit.short}}"]
    later = {"image": f"{host}/acme/{repository}:latest", "when": "default-branch"}
    tagged = {"image": f"{host}/other/{repository}:${{version}}", "when": {"tag": "v*"}}
    revision = {"org.opencontainers.image.revision": "${commit.sha}"}
    cache = {"repo": f"{host}/acme/{repository}/kept", "ttl": "24h"}
    return {
        "several": Case(
            {
                "destinations": [*one, later, tagged],
                "labels": revision,
                "annotations": {"com.example.awkward": AWKWARD},
                "options": {"reproducible": True},
            },
            TAG,
        ),
        "request": Case({"destinations": one, "cache": cache}, PULL_REQUEST),
        "awkward": Case(
            {
                "destinations": one,
                "build_args": {"AWKWARD": AWKWARD, "VERSION": "${tag:-dev}"},
                "labels": {"com.example.awkward": AWKWARD},
            }
        ),
        "cache": Case({"destinations": [*one, later], "cache": cache, "digest": True}),
        "stage": Case(
            {
                "destinations": one,
                "target": "early",
                "context": "app",
                "dockerfile": "../Dockerfile",
            }
        ),
        "secret": Case(
            {"destinations": one, "build_secrets": {"npm": "NPM_TOKEN"}}, TAG, WITH_SECRET
        ),
        "mirror": Case(
            {
                "destinations": one,
                "mirrors": {"docker.io": f"{host}/hub"},
                "options": {"skip_default_registry_fallback": True},
            },
            TAG,
            FROM_HUB,
        ),
        "archive": Case(
            {
                "destinations": one,
                "context": f"{files}/shop.tar.gz?version=$1",
                "options": {"compression": "zstd"},
            },
            dockerfile=FROM_FILES.format("checkout").replace("of-checkout", "sums"),
        ),
        "address": Case(
            {
                "destinations": one,
                "context": "app",
                "dockerfile": f"{files}/Dockerfile",
                "github": {"mode": "container"},
            },
            dockerfile=FROM_FILES.format("app"),
        ),
        "unpacked": Case(
            {"destinations": one, "context": "tar://out/the 'shop'.tgz"},
            TAG,
            FROM_FILES.format("checkout"),
        ),
        "part": Case(
            {
                "destinations": one,
                "context": f"{files}/shop.tar.gz",
                "context_sub_path": "app",
                "dockerfile": "../Dockerfile",
            },
            dockerfile=FROM_FILES.format("app"),
        ),
        "repository": Case(
            {
                "destinations": [f"{host}/acme/{repository}:1"],
                "context": f"git://{files.removeprefix('https://')}/shop.git"
                "#refs/heads/release#${commit.sha}",
                "context_sub_path": "app",
                "dockerfile": "../Dockerfile",
                "git": {
                    "token": "GIT_TOKEN",
                    "username": cloned.READER,
                    "insecure_skip_tls": True,
                },
                "tools": {"git": f"{host}/tools/git:1"},
            },
            dockerfile=FROM_FILES.format("app"),
        ),
    }


NAMES = tuple(cases("127.0.0.1:5000"))
FETCHED = ("mirror", "archive", "address", "unpacked", "part", "repository")
"""Of these Buildah fetches the base, the context or the Dockerfile, or a script unpacks it."""
TARGETS = ("gitlab", "kubernetes", "github")
LESS = {
    "request": {"cache": {"ttl"}},
    "cache": {"cache": {"ttl"}},
    "repository": {
        "git": {"insecure_skip_tls"},
        "tools": set(),
        "context_sub_path": set(),
        "dockerfile": set(),
    },
}
"""What BuildKit has nothing of, or is not told by buildx: a folder of what it fetches."""


def case_of(bench: Bench, name: str) -> Case:
    """A case as a builder has it."""
    case = cases(bench.host, name, bench.files)[name]
    if bench.builder == "buildah" or name not in LESS:
        return case
    spec = dict(case.spec)
    for key, words in LESS[name].items():
        spec[key] = {**spec[key], **dict.fromkeys(words)} if words else None
    return case._replace(spec=spec, dockerfile=case.dockerfile.replace("of-app", "of-checkout"))


class Bench:
    """Folders in the place of a container's, and a registry."""

    def __init__(self, folder: Path, host: str, files: str, builder: str) -> None:
        self.box, self.host, self.files, self.builder = folder, host, files, builder
        (folder / "root").mkdir()
        (folder / "runner").mkdir()
        store = (
            f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
        )
        (folder / "storage.conf").write_text(store)
        for name, program in {"docker": DOCKER, "sudo": SUDO}.items():
            (folder / "bin" / name).write_text(program)
            (folder / "bin" / name).chmod(0o755)

    def checkout(self, case: Case) -> None:
        """A fresh container, with the files of a case checked out."""
        for name in ("checkout", "root"):
            shutil.rmtree(self.box / name, ignore_errors=True)
        (self.box / "root").mkdir()
        (self.box / "allowed").unlink(missing_ok=True)
        for context in ("checkout", "checkout/app"):
            of = self.box / context / f"of-{os.path.basename(context)}"
            of.parent.mkdir()
            of.touch()
            if "root" not in case.dockerfile:
                continue
            busybox = self.box / context / "root" / "bin" / "busybox"
            busybox.parent.mkdir(parents=True)
            shutil.copy(tools.program("busybox"), busybox)
            for library in libraries():
                place = self.box / context / "root" / library.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, place)
        (self.box / "checkout" / "Dockerfile").write_text(case.dockerfile)
        (self.box / "checkout" / "sums").write_text(SUMS)
        checkout, served = self.box / "checkout", self.box / "served"
        if self.files in str(case.spec):
            shutil.make_archive(str(served / "shop"), "gztar", checkout)
            shutil.move(checkout / "Dockerfile", served / "Dockerfile")
        elif case.spec.get("context", "").startswith("tar:"):
            made = shutil.make_archive(str(served / "unpacked"), "gztar", checkout)
            (checkout / "out").mkdir()
            shutil.move(made, checkout / "out" / "the 'shop'.tgz")
            (checkout / "Dockerfile").unlink()

    def telling(self, script: str) -> str:
        """A script that writes down in which environment Buildah builds: RUN lines may see it."""
        return re.sub(r"(?m)^( *)buildah build ", rf"\1env > {self.box}/environment\n\g<0>", script)

    def run(self, script: str, env: dict[str, str], shell: str = "sh") -> str:
        """Run a script whose folders are those of the bench."""
        places = {BUILDER_HOMES[self.builder]: "root", "/workspace": "checkout"}
        for name, place in places.items() if "docker run" not in script else ():
            script = re.sub(rf"(?<![\w.$-]){name}(?=/|\s)", str(self.box / place), script)
        known = {
            "PATH": f"{self.box}/bin:{os.environ['PATH']}",
            "HOME": f"{self.box}/root",
            "BOX": str(self.box),
            "CONTAINERS_STORAGE_CONF": f"{self.box}/storage.conf",
            "SSL_CERT_FILE": f"{self.box}/certificate.pem",
        }
        done = subprocess.run(
            [shell, "-e", "-c", script],
            env={**env, **known},
            cwd=self.box,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def look(self, *words: str) -> Any:
        login = f"{USER}:{PASSWORD}"
        verb, *rest = words
        command = ["skopeo", verb, "--tls-verify=false", "--creds", login, *rest]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None


@functools.cache
def libraries() -> list[str]:
    said = subprocess.run(["ldd", tools.program("busybox")], capture_output=True, text=True)  # noqa: PLW1510
    return re.findall(r"(/\S+) \(", said.stdout)


@contextmanager
def offering(folder: Path) -> Iterator[str]:
    """A server of files, with a certificate that the bench trusts."""
    tools.program("openssl")
    (folder / "served").mkdir()
    handler = partial(cloned.Handler, directory=str(folder / "served"))
    with secured(ThreadingHTTPServer(("127.0.0.1", 0), handler), folder) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def benched(tmp_path_factory: pytest.TempPathFactory, builder: str = "buildah") -> Iterator[Bench]:
    """A bench with a registry and a server of files; skips where a program is missing."""
    tools.program("skopeo")
    if os.geteuid() != 0:
        pytest.skip("root is needed to build with a real builder")
    folder = tmp_path_factory.mktemp("bench")
    (folder / "bin").mkdir()
    with (
        serving(tmp_path_factory.mktemp("registry")) as host,
        offering(folder) as files,
        BUILDERS[builder](folder),
    ):
        made = Bench(folder, host, files, builder)
        yield made
        # Layers hold folders that their builds made for others.
        subprocess.run(["rm", "-rf", str(folder)], check=False)


@contextmanager
def buildah(_: Path) -> Iterator[None]:
    tools.program("buildah")
    yield


BUILDERS = {"buildah": buildah, "buildkit": buildkit.serving}


SECRETS = {
    "REGISTRY_PASSWORD": PASSWORD,
    "NPM_TOKEN": NPM_TOKEN,
    "GIT_TOKEN": cloned.TOKEN,
}


def spec_of(case: Case, host: str, **more: str) -> ci_kaniko.Spec:
    return ci_kaniko.Spec.model_validate(
        {
            "default_branch": "main",
            "registries": {host: {"username": USER, "password": "REGISTRY_PASSWORD"}},
            "triggers": {"branches": ["**"], "tags": ["**"], "pull_requests": True},
            **case.spec,
            "options": {"insecure_registry": [host], **case.spec.get("options", {})},
            **more,
        }
    )


def build(bench: Bench, case: Case, target: str, change: Callable[[str], str] = str) -> str:
    """Run the job of a rendered file, as its platform would, and tell what it says.

    A judge of the bench may change the script.
    """
    spec = spec_of(case, bench.host, builder=bench.builder)
    event = case.event
    known = values(event) if target == "kubernetes" else None
    text = render(spec, target, known)
    checkout = str(bench.box / "checkout")
    told = {"gitlab": gitlab.environment, "github": github.environment}
    env = {**(told[target](event) if target in told else {}), **SECRETS}
    if target == "gitlab":
        (job,) = (each for each in yaml11.load(text).values() if "script" in each)
        return bench.run(change(job["script"][0]), {**env, "CI_PROJECT_DIR": checkout})
    if target == "kubernetes":
        container = yaml11.load(text)["spec"]["containers"][0]
        return bench.run(change(container["args"][0].replace("$$", "$")), env)
    (job,) = yaml11.load(text)["jobs"].values()
    (step,) = (each for each in job["steps"] if "run" in each)
    outputs = bench.box / "runner" / "outputs"
    outputs.touch()
    more = {"RUNNER_TEMP": str(bench.box / "runner"), "GITHUB_WORKSPACE": checkout}
    more |= {"GITHUB_OUTPUT": str(outputs), "DEFAULT_BRANCH": "main"}
    runner = "self-hosted" if case.event == TAG else "github-hosted"
    more["RUNNER_ENVIRONMENT"] = runner
    return bench.run(change(step["run"]), {**env, **more}, "bash")


def asked(case: Case, host: str, target: str) -> Told:
    """What kaniko is told there."""
    event = {"main": "default-branch"}.get(case.event.branch, "")
    event = event or (f"tag={case.event.tag}" if case.event.tag else "pull-request=7")
    done = rehearse(spec_of(case, host), target, event)
    (job,) = (job for job in done.jobs if job.recorded and job.recorded.calls)
    assert job.recorded
    return by_kaniko(job.recorded)


def check(bench: Bench, config: dict[str, Any], case: Case, wanted: Told) -> None:
    """Labels, environment and the like are those of the Dockerfile and of the spec."""
    labels = dict(each.partition("=")[::2] for each in wanted.labels)
    given = dict(each.partition("=")[::2] for each in wanted.arguments)
    env = dict(each.partition("=")[::2] for each in config.get("Env") or ())
    if case.dockerfile == DOCKERFILE and not wanted.stage:
        version = given.get("VERSION", "none")
        labels["in.the.dockerfile"] = version
        assert (env["VERSION"], env["AWKWARD"]) == (version, given.get("AWKWARD", "none"))
        if bench.builder == "buildkit" or not wanted.annotations:
            assert config["Healthcheck"] == {"Test": ["CMD", "/bin/busybox", "true"]}
    elif case.dockerfile == FROM_HUB:
        labels["in.the.dockerfile"] = "none"
        assert env["ON"] == "base"
    elif case.dockerfile.startswith("FROM scratch\nARG"):
        labels["in.the.dockerfile"] = "none"
    elif wanted.stage:
        assert env["STAGE"] == wanted.stage
    assert (config.get("Labels") or {}) == labels


def builds_what_kaniko_is_told(bench: Bench, name: str) -> None:
    """Build a case, and look at what is in the registry then."""
    case = case_of(bench, name)
    target = TARGETS[NAMES.index(name) % len(TARGETS)]
    if name == "mirror":
        base = Case(
            {"destinations": [f"{bench.host}/hub/acme/base:1"]},
            dockerfile=FROM_FILES.format("checkout"),
        )
        bench.checkout(base)
        build(bench, base, "gitlab")
    if case.spec.get("tools"):
        git = Case({"destinations": [f"{bench.host}/tools/git:1"]}, dockerfile=cloned.IMAGE)
        bench.checkout(git)
        cloned.git_image(bench.box / "checkout")
        build(bench, git, "gitlab")
    bench.checkout(case)
    if name == "repository":
        sha = cloned.commit(bench.box / "checkout", bench.box / "served", "shop.git")
        case = case._replace(event=replace(case.event, sha=sha))
    wanted = asked(case, bench.host, target)
    build(bench, case, target, bench.telling)
    if name == "repository" and bench.builder == "buildah":
        assert cloned.TOKEN not in (bench.box / "environment").read_text()
    for destination in wanted.destinations:
        config = bench.look("inspect", "--config", "--raw", f"docker://{destination}")["config"]
        check(bench, config, case, wanted)
    if name == "several":
        manifest = bench.look("inspect", "--raw", f"docker://{wanted.destinations[0]}")
        assert case.spec["annotations"].items() <= manifest["annotations"].items()
    if name == "archive":
        manifest = bench.look("inspect", "--raw", f"docker://{wanted.destinations[0]}")
        kinds = {each["mediaType"] for each in manifest["layers"]}
        assert kinds == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    if name == "cache":
        pushed = bench.look("inspect", f"docker://{wanted.destinations[0]}")
        handed = (bench.box / "checkout" / "digest.env").read_text()
        assert handed == f"IMAGE_DIGEST={pushed['Digest']}\n"
        tags = bench.look("list-tags", f"docker://{wanted.cache}")["Tags"]
        assert tags == ["buildkit"] if bench.builder == "buildkit" else len(tags) > 3
    if name == "request":
        assert (wanted.destinations, wanted.writes_cache) == ((), False)
        assert bench.look("list-tags", f"docker://{bench.host}/acme/{name}") is None
        assert bench.look("list-tags", f"docker://{wanted.cache}") is None
        assert not (bench.box / "root" / ".docker" / "config.json").exists()


def leaves_the_image_in_files(bench: Bench, target: str) -> tuple[list[str], tuple[str, ...]]:
    """Build one that lies in files, too; the names in its archive, and where it is pushed to."""
    name = f"{bench.host}/acme/{target}"
    case = Case(
        {
            "destinations": [f"{name}:1", f"{name}:2"],
            "triggers": {"branches": ["main"], "pull_requests": True},
            "options": {
                "tar_path": "out/the image, as tar.tar",
                "oci_layout_path": "layout",
                "reproducible": True,
            },
        },
        DEFAULT_BRANCH if target == "github" else PULL_REQUEST,
        FROM_FILES.format("checkout"),
    )
    bench.checkout(case)
    wanted = asked(case, bench.host, target)
    assert bool(wanted.destinations) == (target == "github")
    build(bench, case, target)
    checkout = bench.box / "checkout"
    tar = checkout / "out" / "the image, as tar.tar"
    config = bench.look("inspect", "--config", "--raw", f"docker-archive:{tar}")["config"]
    check(bench, config, case, wanted)
    layout = bench.look("inspect", "--config", "--raw", f"oci:{checkout}/layout")["config"]
    assert [layout[key] for key in ("Env", "Labels")] == [config[key] for key in ("Env", "Labels")]
    for layer in bench.look("inspect", "--raw", f"oci:{checkout}/layout")["layers"]:
        with tarfile.open(
            checkout / "layout" / "blobs" / layer["digest"].replace(":", "/")
        ) as files:
            assert {each.mtime for each in files} == {0}
    with tarfile.open(tar) as opened:
        listed = json.load(opened.extractfile("manifest.json"))  # type: ignore[arg-type]
    return listed[0]["RepoTags"] or [], wanted.destinations
