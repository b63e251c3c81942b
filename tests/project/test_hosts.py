"""What validate knows of registries: logins that are missing, unused, double or never found."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.cli.commands import app
from ci_kaniko.rehearsing import yaml11
from ci_kaniko.spec.loading import warnings

PUSH = "default_branch: main\ndestinations: [quay.io/acme/shop:1]\n"
QUAY = "quay.io: {username: acme, password: QUAY}"
OTHER = "registry.example.com: {username: acme, password: OTHER}"


def validated(spec: str, dockerfile: str | None, *arguments: str) -> tuple[int, str]:
    Path("ci-kaniko.yaml").write_text(spec, encoding="utf-8")
    if dockerfile is not None:
        Path("Dockerfile").write_text(dockerfile, encoding="utf-8")
    shown = CliRunner().invoke(app, ["validate", "gitlab", *arguments])
    return shown.exit_code, shown.stderr


def rules_of(spec: str, target: str) -> list[str]:
    try:
        loaded = ci_kaniko.loads(spec)
        rendering.render(loaded, target)
    except ci_kaniko.SpecError as error:
        return [problem.rule for problem in error.problems]
    return [problem.rule for problem in warnings(loaded)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM alpine:3.20\n",
        "FROM --platform=linux/amd64 quay.io/acme/base:1 AS build\nFROM build\n",
        "from scratch\n",
        "FROM alpine AS a\nCOPY --from=a /x /x\nCOPY --from=0 /y /y\n",
    ],
)
def test_a_login_that_nothing_uses(dockerfile: str) -> None:
    status, text = validated(f"{PUSH}registries: {{{QUAY}, {OTHER}}}\n", dockerfile)
    assert status == 0
    assert text.count("[unused-login]") == 1
    assert "no destination, cache, mirror or base image is on registry.example.com:" in text
    assert validated(f"{PUSH}registries: {{{QUAY}, {OTHER}}}\n", dockerfile, "--strict")[0] == 1


@pytest.mark.parametrize(
    "dockerfile",
    [
        None,
        "FROM registry.example.com/base:1\n",
        "FROM \\\n  registry.example.com/base:1 AS x\n",
        "ARG BASE=registry.example.com/base\nFROM $BASE\n",
        "FROM alpine\nCOPY --from=registry.example.com/tools /t /t\n",
        "FROM alpine\nRUN --mount=type=bind,from=registry.example.com/tools:1,target=/t t\n",
    ],
)
def test_a_login_that_may_be_used(dockerfile: str | None) -> None:
    spec = f"{PUSH}registries: {{{QUAY}, {OTHER}}}\n"
    status, text = validated(spec, dockerfile)
    assert "[unused-login]" not in text
    assert (status, text) == (0, "") or dockerfile is None


@pytest.mark.parametrize(
    "use",
    [
        "cache: {repo: registry.example.com/cache/shop}",
        "options: {registry_mirror: [registry.example.com/hub]}",
        "options: {registry_map: {index.docker.io: registry.example.com/hub}}",
        "context: git://github.com/acme/shop.git",
        "executor: {image: registry.example.com/oss/kaniko}",
        "prepare: {image: registry.example.com/node:24, commands: [make], artifacts: [dist]}",
        "kubernetes: {clone: true}\ntools: {git: registry.example.com/git:2}",
        "mirrors: {docker.io: registry.example.com/hub}",
    ],
)
def test_a_login_that_the_spec_uses(use: str) -> None:
    spec = f"{PUSH}registries: {{{QUAY}, {OTHER}}}\n{use}\n"
    assert validated(spec, "FROM alpine\n") == (0, "")


@pytest.mark.parametrize(
    "use",
    [
        "certificates: {HOST: ACME_CA}",
        "client_certificates: {HOST: {certificate: ACME_CERT, key: ACME_KEY}}",
        "options: {skip_tls_verify_registry: [HOST]}",
    ],
)
@pytest.mark.parametrize("host", ["registry.lan", "registry.lan:5001"])
def test_a_host_under_another_port_is_named(use: str, host: str) -> None:
    """It was meant: to remove what is said of it would leave a run without."""
    right = '"registry.lan:5000"'
    spec = (
        f"default_branch: main\ndestinations: [{right[1:-1]}/acme/shop:1]\n"
        f"registries: {{{right}: {{username: acme, password: LAN}}}}\n{use}\n"
    )
    status, text = validated(spec.replace("HOST", f'"{host}"'), "FROM alpine\n")
    assert (status, text.count("hint: did you mean")) == (0, 1)
    assert f"did you mean {right}?" in text
    assert validated(spec.replace("HOST", right), "FROM alpine\n") == (0, "")


def test_a_login_under_another_port_is_named() -> None:
    spec = f'{PUSH}registries: {{{QUAY}, "registry.lan:5000": {{username: acme, password: LAN}}}}\n'
    text = validated(spec, "FROM registry.lan/acme/base:1\n")[1]
    assert 'hint: did you mean "registry.lan"?' in text
    mended = spec.replace("registry.lan:5000", "registry.lan")
    assert validated(mended, "FROM registry.lan/acme/base:1\n") == (0, "")


def test_a_login_for_docker_hub_by_any_of_its_names() -> None:
    for name in ("docker.io", "index.docker.io"):
        spec = f"{PUSH}registries: {{{QUAY}, {name}: {{username: acme, password: HUB}}}}\n"
        assert "[unused-login]" not in validated(spec, "FROM alpine\n")[1]
        assert "[unused-login]" in validated(spec, "FROM quay.io/a/b\n")[1]


@pytest.mark.parametrize(
    ("use", "pull", "told"),
    [
        ("executor: {image: quay.io/acme/kaniko}", "", "github, agola"),
        ("prepare: {image: quay.io/acme/go:1, commands: make, artifacts: x}", "", "github, agola"),
        ("tools: {git: quay.io/acme/git:2}", "", "agola"),
        ("executor: {image: quay.io/acme/kaniko}", ", pull: true", ""),
        ("executor: {image: quay.io/oss/kaniko}", "", ""),
        ("executor: {image: registry.example.com/oss/kaniko}", "", ""),
    ],
)
def test_a_login_for_pushes_pulls_no_image_of_the_job(use: str, pull: str, told: str) -> None:
    spec = f"{PUSH}registries: {{quay.io: {{username: acme, password: QUAY{pull}}}}}\n{use}\n"
    targets = ("github", "buildkite", "agola")
    status, text = validated(spec, "FROM alpine\n", *targets)
    assert status == 0
    assert f"is pulled without this login on {told}: " in text if told else text == ""


@pytest.mark.parametrize(
    ("more", "dockerfile", "image"),
    [
        ("", "FROM quay.io/acme/base:1\n", "quay.io/acme/base:1"),
        ("", "FROM alpine\nCOPY --from=quay.io/acme/tools /t /t\n", "quay.io/acme/tools"),
        ("mirrors: {docker.io: quay.io/acme/hub}", "FROM alpine\n", "quay.io/acme/hub"),
        ("mirrors: {gcr.io: quay.io/acme/g}", "ARG A\nFROM $A\n", "quay.io/acme/g"),
        ("mirrors: {gcr.io: quay.io/acme/g}", "FROM ghcr.io/a/b\n", ""),
        ("options: {registry_map: {gcr.io: [a.b/c, quay.io/acme/g]}}", "FROM gcr.io/x/y\n", "g"),
        ("options: {registry_mirror: [quay.io/acme/hub]}", "FROM alpine\n", "quay.io/acme/hub"),
        ("", "FROM quay.io/oss/base:1\n", ""),
        ("", "FROM registry.example.com/acme/base:1\n", ""),
        ("push: always\ntriggers: {branches: [main]}", "FROM quay.io/acme/base:1\n", ""),
        ("triggers: {branches: [main]}", "FROM quay.io/acme/base:1\n", ""),
    ],
)
def test_a_login_for_pushes_pulls_no_base_image_of_a_request(
    more: str, dockerfile: str | None, image: str
) -> None:
    """Until the hint is followed; what the login of the CI itself is for is said alike."""
    others = "gcr.io: anonymous, ghcr.io: anonymous"
    spec = f"{PUSH}registries: {{{others}, quay.io: {{username: acme, password: QUAY}}}}\n{more}\n"
    targets = ("gitlab", "github", "buildkite", "agola")
    status, text = validated(spec, dockerfile, *targets)
    assert status == 0
    told = f'{image}" is pulled without this login on {", ".join(targets)}: ' in text
    assert (told, "[push-only-login]" in text) == (bool(image), bool(image))
    assert "push-only" not in validated(spec.replace("QUAY}", "QUAY, pull: true}"), dockerfile)[1]


def test_the_login_of_the_ci_itself_pulls_base_images_when_it_is_told_to() -> None:
    spec = "default_branch: main\ndestinations: [ghcr.io/acme/shop:1]\n"
    text = validated(spec, "FROM ghcr.io/acme/base:1\n", "github")[1]
    hint = "registries: {ghcr.io: {use: ci-token, pull: true}}"
    assert "under registries: ghcr.io: {use: ci-token, pull: true}" in text
    assert (
        "push-only" not in validated(f"{spec}{hint}\n", "FROM ghcr.io/acme/base:1\n", "github")[1]
    )


@pytest.mark.parametrize(
    ("triggers", "when", "told"),
    [
        ("{branches: [main, 'feature/**']}", "default-branch", '"feature/**"'),
        ("{branches: [main, 'feature/**', wip], tags: v*}", "{tag: v*}", '"feature/**" and "wip"'),
        ("{branches: ['**'], tags: ['v*']}", "version", '"**"'),
        (
            "{branches: [main, 'feature/**']}",
            "{branch: ['feature/**', '!feature/x']}",
            '"feature/**"',
        ),
        ("{branches: [main, 'feature/**']}", "[{branch: 'feature/**'}, default-branch]", ""),
        ("{branches: [main, 'feature/**']}", "always", ""),
        ("{branches: [main], tags: ['v*']}", "{tag: v*}", ""),
        ("{branches: [main, x/y], pull_requests: true}", "{branch: [x/*, main]}", ""),
        ("{tags: ['v*', nightly]}", "{tag: v*}", ""),
        ("", "default-branch", ""),
    ],
)
def test_a_login_in_runs_of_branches_that_push_nothing_there(
    triggers: str, when: str, told: str
) -> None:
    """Only where a platform has no way to hold it back, and until the hint is followed."""
    spec = (
        "default_branch: main\nregistries: {quay.io: {username: acme, password: QUAY}}\n"
        + (f"triggers: {triggers}\n" if triggers else "")
        + f"destinations:\n  - {{image: 'quay.io/acme/shop:1', when: {when}}}\n"
    )
    text = validated(spec, "FROM alpine\n", "github", "buildkite", "agola")[1]
    assert (f"on buildkite and agola runs of {told} hold this" in text) == bool(told)
    assert ("[shared-login]" in text) == bool(told)
    assert "shared-login" not in validated(spec, "FROM alpine\n", "github")[1]


def test_an_image_of_its_own_has_its_login_alone() -> None:
    spec = """
default_branch: main
registries: {quay.io: {username: acme, password: QUAY}, ghcr.io: {username: a, password: GHCR}}
images:
  shop: {triggers: {branches: "**"}, destinations: ["ghcr.io/acme/shop:${commit.short}"]}
  release: {triggers: {tags: v*}, destinations: ["quay.io/acme/shop:${ref.tag}"]}
"""
    assert validated(spec, "FROM alpine\n", "buildkite", "agola") == (0, "")
    steps = yaml11.load(ci_kaniko.render(ci_kaniko.loads(spec), "buildkite"))["steps"]
    holding = {step["key"] for step in steps if "QUAY" in str(step)}
    assert holding == {"build-release"}


def test_the_library_reads_no_dockerfile() -> None:
    Path("Dockerfile").write_text("FROM alpine\n", encoding="utf-8")
    assert not warnings(ci_kaniko.loads(f"{PUSH}registries: {{{QUAY}, {OTHER}}}\n"))


@pytest.mark.parametrize("target", ci_kaniko.available_targets())
def test_a_host_without_a_login(target: str) -> None:
    assert rules_of(PUSH, target) == ["missing-login"]
    cached = f"{PUSH}registries: {{{QUAY}}}\ncache: {{repo: registry.example.com/cache/shop}}\n"
    assert rules_of(cached, target) == ["missing-login"]


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ("registries: {docker.io: anonymous, index.docker.io: anonymous}", "duplicate-host"),
        ("registries: {quay.io: anonymous, QUAY.IO: anonymous}", "bad-host"),
        (
            (
                "registries: {quay.io: anonymous, docker.io: anonymous}\n"
                "cache: {repo: docker.io/acme/shop/cache}"
            ),
            "bad-cache-repo",
        ),
        (
            (
                "registries: {quay.io: anonymous}\ncache: {repo: quay.io/acme/cache}\n"
                "build_args: {BUILT: '${build.timestamp}'}"
            ),
            "cold-cache",
        ),
    ],
)
def test_what_kaniko_would_silently_do_otherwise(lines: str, rule: str) -> None:
    assert rule in rules_of(f"{PUSH}{lines}\n", "gitlab")


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io"])
def test_docker_hub_is_found_by_its_only_key(name: str) -> None:
    spec = (
        "default_branch: main\ndestinations: [acme/shop:1]\n"
        f"registries: {{{name}: {{username: acme, password: HUB}}}}\n"
    )
    text = ci_kaniko.render(ci_kaniko.loads(spec), "gitlab")
    assert "https://index.docker.io/v1/" in text


@pytest.mark.parametrize("name", ["registry-1.docker.io", "registry.hub.docker.com"])
def test_a_name_of_docker_hub_that_is_never_found(name: str) -> None:
    assert "bad-host" in rules_of(f"{PUSH}registries: {{{QUAY}, {name}: anonymous}}\n", "gitlab")


IMAGES = """\
default_branch: main
destinations: ["quay.io/acme/${image.name}:1"]
images:
  api: {context: api}
  web: {context: web, destinations: ["ghcr.io/acme/web:1"]}
"""


def test_a_login_that_one_of_several_images_uses() -> None:
    for name in ("api", "web"):
        Path(name).mkdir()
        Path(name, "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    ghcr = "ghcr.io: {username: acme, password: GHCR}"
    status, text = validated(f"{IMAGES}registries: {{{QUAY}, {ghcr}}}\n", None, "--strict")
    assert (status, text) == (0, "")
    status, text = validated(f"{IMAGES}registries: {{{QUAY}, {ghcr}, {OTHER}}}\n", None)
    assert status == 0
    assert text.count("[unused-login]") == 1
    assert "is on registry.example.com:" in text
    Path("web", "Dockerfile").write_text("FROM registry.example.com/base:1\n", encoding="utf-8")
    assert validated(f"{IMAGES}registries: {{{QUAY}, {ghcr}, {OTHER}}}\n", None)[1] == ""


def test_a_login_of_one_image_stands_in_it() -> None:
    Path("api").mkdir()
    Path("api", "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    spec = IMAGES.replace("context: api", f"context: api, registries: {{{OTHER}}}")
    ghcr = "ghcr.io: {username: acme, password: GHCR}"
    _, text = validated(f"{spec}registries: {{{QUAY}, {ghcr}}}\n", None)
    assert text.count("[unused-login]") == 1
    assert text.startswith("ci-kaniko.yaml:4:36: warning:")


def test_the_login_that_some_images_lack_names_them() -> None:
    spec = f"{IMAGES}registries: {{{QUAY}}}\n".replace("api}", "api, registries: {quay.io: null}}")
    with pytest.raises(ci_kaniko.SpecError) as raised:
        ci_kaniko.render(ci_kaniko.loads(spec), "gitlab")
    messages = [problem.message for problem in raised.value.problems]
    assert messages == [
        'no login for "quay.io" on gitlab, for api',
        'no login for "ghcr.io" on gitlab',
    ]


HELD = """
certificates: {HOST: ACME_CA}
client_certificates: {HOST: {certificate: ACME_CERT, key: ACME_KEY}}
options:
  insecure_registry: [HOST]
  skip_tls_verify_registry: [HOST]
"""
FILES = "options: {registry_certificate: {HOST: /a.crt}, registry_client_cert: {HOST: '/a,/b'}}\n"
PULLED = """
mirrors: {HOST: mirror.example.com/a}
options: {registry_map: {quay.io: mirror.example.com/b}, registry_mirror: [mirror.example.com/c]}
"""
ACME = "registry.example.com"


@pytest.mark.parametrize(
    ("spec", "dockerfile", "told"),
    [
        (f"{PUSH}{HELD}", "FROM alpine\n", 4),
        (f"{PUSH}{HELD}", f"FROM {ACME}/base\n", 0),
        (f"{PUSH}{HELD}", "ARG BASE\nFROM $BASE\n", 0),
        (f"{PUSH}{HELD}", None, 0),
        (f"{PUSH}{FILES}", "FROM alpine\n", 2),
        (f"{PUSH}{FILES}", f"FROM {ACME}/base\n", 0),
        (f"{PUSH}{HELD}mirrors: {{docker.io: {ACME}/hub}}\n", "FROM alpine\n", 0),
        (f"{PUSH}{HELD}cache: {{repo: {ACME}/cache}}\n", "FROM alpine\n", 0),
        (f"default_branch: main\ndestinations: ['{ACME}/shop:1']\n{HELD}", "FROM alpine\n", 0),
        (f"push: never\ndestinations: ['{ACME}/shop:1']\n{HELD}", "FROM alpine\n", 4),
        (f"{PUSH}{PULLED}", "FROM scratch\n", 3),
        (f"{PUSH}{PULLED}", f"FROM {ACME}/base\n", 2),
        (f"{PUSH}{PULLED}", "FROM alpine\nCOPY --from=quay.io/a/b / /\n", 1),
        (f"{PUSH}{PULLED}executor: {{image: {ACME}/kaniko}}\n", "FROM alpine\n", 1),
        (f"{PUSH}{PULLED}", None, 0),
    ],
)
def test_hosts_that_no_run_reaches(spec: str, dockerfile: str | None, told: int) -> None:
    logins = f"registries: {{{QUAY}, {ACME}: anonymous}}\n"
    _, text = validated(spec.replace("HOST", ACME) + logins, dockerfile)
    assert text.count("[unused-host]") == told, text


def test_a_host_is_reached_by_one_of_several_images_or_by_another_spec_of_a_base() -> None:
    images = "images: {a: {}, b: {dockerfile: Other}}\n"
    held = f"certificates: {{{ACME}: ACME_CA}}\n"
    spec = "push: never\n"
    Path("Other").write_text(f"FROM {ACME}/base\n", encoding="utf-8")
    assert "[unused-host]" not in validated(spec + held + images, "FROM alpine\n")[1]
    Path("Other").write_text("FROM alpine\n", encoding="utf-8")
    status, text = validated(spec + held + images, "FROM alpine\n")
    assert (status, text.count("[unused-host]")) == (0, 1)
    assert (
        f"ci-kaniko.yaml:2:16: warning: no destination, cache, mirror or base image is on {ACME}"
        in text
    )
    Path("base.yaml").write_text(held, encoding="utf-8")
    assert "[unused-host]" not in validated(f"extends: base.yaml\n{spec}", "FROM alpine\n")[1]
