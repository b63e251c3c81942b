"""Digests beside tags, commits of actions: who knows them tells them, and a spec's bytes stay."""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import os
import subprocess
import sys
import threading
import urllib.request
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from typer.testing import CliRunner

import ci_kaniko
from ci_kaniko.cli.commands import app
from ci_kaniko.pinning.actions import ActionError, commit
from ci_kaniko.pinning.pins import with_pins
from ci_kaniko.pinning.registry import Registries, RegistryError
from ci_kaniko.problems.problem import CannotPin
from ci_kaniko.spec.running import unpinned
from harness.registry import PASSWORD, USER, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
IMAGES = ("tools/git:2.52.0", "tools/regctl:v0.11.5", "oss/kaniko:v1.28.3-debug", "acme/go:1.26")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry that wants a password, with some images."""
    with serving(tmp_path_factory.mktemp("registry")) as host:
        for image in IMAGES:
            _push(host, image)
        yield host


def _call(method: str, url: str, body: bytes = b"", kind: str = "") -> str:
    """An answer's Location."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {auth}", **({"Content-Type": kind} if kind else {})}
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(answer.headers.get("Location", ""))


def manifest(image: str) -> bytes:
    config = image.encode()
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [],
        }
    ).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _push(host: str, image: str) -> None:
    name, _, tag = image.partition(":")
    base = f"http://{host}/v2/{name}"
    place = _call("POST", f"{base}/blobs/uploads/")
    joint = "&" if "?" in place else "?"
    kind = "application/octet-stream"
    _call("PUT", f"{place}{joint}digest={digest_of(image.encode())}", image.encode(), kind)
    _call("PUT", f"{base}/manifests/{tag}", manifest(image), MANIFEST_TYPE)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of docker's own client."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def log_in(folder: Path, host: str, password: str = PASSWORD) -> None:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


OUTPUTS = "outputs: {gitlab: .gitlab-ci.yml}\n"
SPEC = """\
# ours
destinations: ["{host}/acme/app:1"]   # for now
registries: {{"{host}": anonymous}}
default_branch: main
executor: {{image: "{host}/oss/kaniko:v1.28.3-debug"}}  # the mirror's
tools:
  git: {host}/tools/git:2.52.0

  # joins
  regctl: '{host}/tools/regctl:v0.11.5'
  checkout: actions/checkout@v5 # the action's
prepare: {{image: {host}/acme/go:1.26, commands: [make], artifacts: [bin]}}
platforms: [linux/amd64, linux/arm64]
outputs: {{gitlab: .gitlab-ci.yml, agola: .agola/config.yml}}
"""


def pin(path: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and what is said."""
    done = CliRunner().invoke(app, ["pin", "-f", str(path), *arguments])
    return done.exit_code, done.output


@pytest.fixture
def action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Commits of actions/checkout, which git finds in a folder, by what names them."""
    bare, work = tmp_path / "actions" / "checkout", tmp_path / "work"
    config = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    config.write_text("[user]\nname = a\nemail = a@example.com\n[init]\ndefaultBranch = main\n")

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(work), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    work.mkdir()
    git("init", "--quiet")
    commits = {}
    for name in ("v4", "v5", "main"):
        git("commit", "--quiet", "--allow-empty", "-m", name)
        commits[name] = git("rev-parse", "HEAD")
        if name != "main":
            git("tag", *(["-a", "-m", "annotated"] if name == "v5" else []), name)
    git("branch", "v4")
    git("clone", "--quiet", "--bare", str(work), str(bare))
    config.write_text(
        "".join(
            f'[url "file://{tmp_path}/"]\ninsteadOf = https://{server}/\n'
            for server in ("github.com", "me:pw@git.example.com")
        )
    )
    return commits


def test_an_action_gets_its_commit(action: dict[str, str], tmp_path: Path) -> None:
    """The commit and not the object of an annotated tag; a tag before a branch of its name."""
    for name, expected in action.items():
        assert commit(f"actions/checkout/deeper@{name}") == expected
    elsewhere = {"GITHUB_SERVER_URL": "https://me:pw@git.example.com/"}
    assert commit("actions/checkout@v5", {**os.environ, **elsewhere}) == action["v5"]
    for name, said in (
        ("actions/checkout@v6", "git.example.com/actions/checkout has no tag and no branch v6"),
        ("actions/none@v5", "git.example.com/actions/none cannot be reached: fatal: "),
    ):
        with pytest.raises(ActionError, match=said) as refused:
            commit(name, {**os.environ, **elsewhere})
        assert "pw" not in str(refused.value)
    path = tmp_path / "ci-kaniko.json"
    path.write_text('{"push": "never", "tools": {"checkout": "actions/checkout@v5"}}')
    where = ("tools", "checkout")
    (found,) = (item for item in unpinned(ci_kaniko.load(path)) if item.where == where)
    pinned = found.pinned(action["v5"])
    for text in (path.read_text(), "{push: never, tools: {checkout: actions/checkout@v5}}\n"):
        changed = with_pins(text, "ci-kaniko.json" if '"' in text else "a.yaml", {where: pinned})
        assert changed.replace('"', "") == text.replace('"', "").replace("checkout@v5", pinned[8:])
        workflow = ci_kaniko.render(ci_kaniko.loads(changed), "github")
        assert f"- uses: {pinned}\n" in workflow


class _Proxy(BaseHTTPRequestHandler):
    """Writes down what it is asked for; opens no tunnel, and answers every image by one digest."""

    asked: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:
        self.asked.append(self.requestline)
        self.send_error(403)

    def do_HEAD(self) -> None:
        self.asked.append(self.requestline)
        self.send_response(200)
        self.send_header("Docker-Content-Digest", A)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a proxy was asked for, which the environment names."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    _Proxy.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Proxy) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        address = f"http://me:pw-of-proxy@127.0.0.1:{server.server_port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("http_proxy", address)
        yield _Proxy.asked
        server.shutdown()
    if sys.version_info < (3, 11):  # it does not close a tunnel that is refused
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def test_proxies_are_those_of_the_environment(
    proxy: list[str], docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    assert Registries().digest("127.0.0.1:9/acme/app:1") == A
    said = []
    with pytest.raises(RegistryError, match=r"registry\.invalid cannot be reached: ") as refused:
        Registries().digest("registry.invalid/acme/app:1")
    said.append(str(refused.value))
    with pytest.raises(ActionError, match=r"github\.com/acme/run cannot be reached: ") as denied:
        commit("acme/run@v5")
    said.append(str(denied.value))
    assert [line.split(" HTTP/")[0] for line in proxy] == [
        "HEAD http://127.0.0.1:9/v2/acme/app/manifests/1",
        "CONNECT registry.invalid:443",
        "CONNECT github.com:443",
    ]
    assert "pw-of-proxy" not in " ".join(said)
    proxy.clear()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.invalid")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.invalid")
    for image in ("127.0.0.1:9/acme/app:1", "registry.invalid/acme/app:1"):
        with pytest.raises(RegistryError, match=" cannot be reached: "):
            Registries().digest(image)
    with pytest.raises(ActionError, match=r"git\.invalid/acme/run cannot be reached: "):
        commit("acme/run@v5")
    assert (proxy, [*docker.iterdir()]) == ([], [])


def test_every_tag_gets_its_digest(
    registry: str, docker: Path, action: dict[str, str], tmp_path: Path
) -> None:
    log_in(docker, registry)
    path = tmp_path / "ci-kaniko.yaml"
    before = "\ufeff" + SPEC.format(host=registry)
    path.write_text(before, encoding="utf-8")
    code, said = pin(path, "--check")
    assert (code, path.read_text(encoding="utf-8")) == (1, before)
    assert f'"{registry}/tools/git:2.52.0" has no digest in tools.git [pinned-images]' in said
    assert '"actions/checkout@v5" has no commit in tools.checkout [pinned-images]' in said
    assert pin(path)[0] == 0
    after = before
    for image in IMAGES:
        after = after.replace(image, f"{image}@{digest_of(manifest(image))}")
    after = after.replace("actions/checkout@v5", f'"actions/checkout@{action["v5"]} # v5"')
    assert path.read_text(encoding="utf-8") == after
    assert [pin(path, "--check")[0], pin(path)[0]] == [0, 0]
    assert path.read_text(encoding="utf-8") == after
    spec = ci_kaniko.load(path)
    rendered = {target: ci_kaniko.render(spec, target) for target in ("gitlab", "buildkite")}
    for text in rendered.values():
        assert all(f"{image}@sha256:" in text for image in IMAGES if "git" not in image)


@pytest.mark.parametrize(
    ("password", "image", "said"),
    [
        (PASSWORD, "tools/git:0", "has no "),
        ("wrong", "tools/git:2.52.0", "denies "),
        ("", "tools/git:2.52.0", "wants a login: docker login "),
    ],
)
def test_what_a_registry_refuses(
    registry: str, docker: Path, password: str, image: str, said: str
) -> None:
    if password:
        log_in(docker, registry, password)
    with pytest.raises(RegistryError, match=said) as refused:
        Registries().digest(f"{registry}/{image}")
    assert PASSWORD not in str(refused.value)


def test_nobody_answers(docker: Path, tmp_path: Path) -> None:
    path = tmp_path / "ci-kaniko.yaml"
    text = "push: never\nexecutor: {image: '127.0.0.1:9/oss/kaniko:v1.28.3-debug'}\n" + OUTPUTS
    path.write_text(text, encoding="utf-8")
    code, said = pin(path)
    assert code == 1
    assert "127.0.0.1:9 cannot be reached: " in said
    assert path.read_text(encoding="utf-8") == text
    assert list(docker.iterdir()) == []


A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


NEW = f"plain: v1.28.3@{A}, debug: v1.28.3-debug@{B}"
OLD = f"plain: v1.27.1@{A}, debug: v1.27.1-debug@{B}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "push: never\n",
            f"push: never\nexecutor: {{digests: {{{NEW}}}}}\n",
        ),
        (
            "push: never\nexecutor: {version: v1.27.1} # old\n",
            (f"push: never\nexecutor: {{version: v1.27.1, digests: {{{OLD}}}}} # old\n"),
        ),
        (
            "executor:\r\n    version: v1.27.1 # old\r\n\r\npush: never\r\n",
            (
                "executor:\r\n    version: v1.27.1 # old\r\n"
                f"    digests: {{{OLD}}}\r\n\r\npush: never\r\n"
            ),
        ),
        (
            f"push: never\nexecutor: {{digests: {{plain: 'v1.28.3@{A}'}}}}\n",
            (
                f"push: never\nexecutor: {{digests: {{plain: 'v1.28.3@{A}', "
                f"debug: v1.28.3-debug@{B}}}}}\n"
            ),
        ),
        (
            "push: never\nimages: {a: {executor: {version: v1.27.1}}}",
            (f"push: never\nimages: {{a: {{executor: {{version: v1.27.1, digests: {{{OLD}}}}}}}}}"),
        ),
        (
            '{"push": "never", "executor": {}}',
            (
                '{"push": "never", "executor": { "digests": '
                f'{{"plain": "v1.28.3@{A}", "debug": "v1.28.3-debug@{B}"}}}}}}'
            ),
        ),
    ],
)
def test_pins_are_put_where_a_spec_has_room(before: str, after: str) -> None:
    path = "ci-kaniko.json" if before.startswith("{") else "ci-kaniko.yaml"
    digests = {"plain": A, "debug": B}
    found = [item for item in unpinned(ci_kaniko.loads(before)) if item.where[0] != "tools"]
    pins = {item.where: item.pinned(digests[str(item.where[-1])]) for item in found}
    assert with_pins(before, path, pins) == after


def test_what_cannot_be_changed_is_told() -> None:
    with pytest.raises(CannotPin, match="write it by hand: executor: "):
        with_pins("push: never\nexecutor:\n", "ci-kaniko.yaml", {("executor", "digests"): A})
