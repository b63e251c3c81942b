"""What joins platforms reaches each registry as the build does."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.rehearsing import yaml11
from harness import tools

if TYPE_CHECKING:
    from pathlib import Path

REGCTL = '#!/bin/sh\nprintf "%s\\n" "$@" >> "$0.asked"\necho "$DIGEST_AMD64"\n'
WAYS = {
    "insecure: true": ["reg=quay.io,tls=disabled"],
    "skip_tls_verify: true": ["reg=quay.io,tls=insecure"],
    "insecure: true, skip_tls_verify: true": ["reg=quay.io,tls=disabled"],
    "insecure_registry: [other.example.com]": [],
    "insecure: false": [],
}


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("host", ["quay.io", "${env.MIRROR}"])
def test_a_registry_is_reached_as_its_options_say(options: str, host: str, tmp_path: Path) -> None:
    spec = ci_kaniko.loads(
        "default_branch: main\nplatforms: [linux/amd64, linux/arm64]\n"
        f"destinations: ['{host}/acme/shop:1']\nregistries: {{'{host}': anonymous}}\n"
        f"options: {{{options}}}\n"
    )
    done, words = joined(spec, tmp_path, {"MIRROR": "quay.io"})
    assert done.returncode == 0, done.stderr
    asked = [after for word, after in pairwise(words) if word == "--host"]
    assert asked == WAYS[options]


@pytest.mark.parametrize("folder", ["services/shop", "../outside"])
def test_a_join_asks_nothing_of_what_only_a_build_reads(folder: str, tmp_path: Path) -> None:
    spec = ci_kaniko.loads(
        "default_branch: main\nplatforms: [linux/amd64, linux/arm64]\n"
        "inputs: {folder: {description: Where the files are}}\ncontext: '${input.folder}'\n"
        "destinations: ['quay.io/acme/shop:1']\nregistries: {quay.io: anonymous}\n"
        "gitlab: {form: include}\n"
    )
    done, words = joined(spec, tmp_path, {"INPUT_FOLDER": folder})
    assert done.returncode == 0, done.stderr
    assert "quay.io/acme/shop:1" in words


def joined(
    spec: ci_kaniko.Spec, folder: Path, env: dict[str, str]
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The job that joins on GitLab, and the words of its calls of regctl."""
    texts = yaml11.load_all(rendering.render(spec, "gitlab"))[-1].values()
    (script,) = (text for job in texts for text in job.get("script", ()) if "regctl" in text)
    stub = folder / "regctl"
    stub.write_text(REGCTL)
    stub.chmod(0o755)
    digests = dict.fromkeys(("DIGEST_AMD64", "DIGEST_ARM64"), f"sha256:{'0' * 64}")
    done = subprocess.run(
        [*tools.shell(), "-c", script],
        env={"PATH": f"{folder}:/usr/bin:/bin", **digests, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    asked = folder / "regctl.asked"
    return done, asked.read_text().splitlines() if asked.exists() else []


IDENTITY = "{azure: {tenant_id: T, client_id: T}}".replace(
    "T", "12345678-1234-1234-1234-123456789012"
)


@pytest.mark.parametrize(
    ("target", "login", "rules"),
    [
        ("github", IDENTITY, []),
        ("gitlab", IDENTITY, ["impossible-join"]),
        ("github", "{azure: ambient}", ["impossible-join"]),
        ("github", "{username: a, password: B}", []),
    ],
)
def test_a_cloud_without_a_helper_is_joined_with_what_a_script_writes(
    target: str, login: str, rules: list[str]
) -> None:
    spec = ci_kaniko.loads(
        "default_branch: main\nplatforms: [linux/amd64, linux/arm64]\n"
        f"destinations: ['acme.azurecr.io/shop:1']\nregistries: {{acme.azurecr.io: {login}}}\n"
    )
    try:
        rendering.render(spec, target)
        found = []
    except ci_kaniko.SpecError as error:
        found = [problem.rule for problem in error.problems]
    assert found == rules


def test_the_image_that_joins_platforms_has_no_tool_that_asks_for_an_identity() -> None:
    """Buildah's own has one, and GitHub's runner."""
    text = f"""\
default_branch: main
builder: buildah
destinations: ['acme.azurecr.io/shop:1']
registries: {{acme.azurecr.io: {IDENTITY}}}
"""
    inside, joined = "github: {mode: container}\n", "platforms: [linux/amd64, linux/arm64]\n"
    for more in (inside, joined):
        assert "curl" in rendering.render(ci_kaniko.loads(text + more), "github")
    with pytest.raises(ci_kaniko.SpecError) as caught:
        rendering.render(ci_kaniko.loads(text + inside + joined), "github")
    assert [problem.rule for problem in caught.value.problems] == ["impossible-login"]


HOSTS = {
    "acme.azurecr.io": IDENTITY,
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com": (
        "{aws: {role: 'arn:aws:iam::123456789012:role/push'}}"
    ),
    "europe-docker.pkg.dev/acme": (
        "{google: {provider: projects/1/locations/global/workloadIdentityPools/ci/providers/ci,"
        " service_account: push@acme.iam.gserviceaccount.com}}"
    ),
}
INSTEAD = {
    "client_secret": IDENTITY.replace("}}", ", client_secret: AZURE_SECRET}}"),
    "credentials_file": "{aws: {credentials_file: AWS_FILE}}",
    "key_file": "{google: {key_file: GOOGLE_KEY}}",
    "a username and a password": "{username: acme, password: REGISTRY_TOKEN}",
}


@pytest.mark.parametrize("platforms", ["", "platforms: [linux/amd64, linux/arm64]\n"])
@pytest.mark.parametrize("target", ["github", "agola"])
@pytest.mark.parametrize("place", HOSTS)
def test_what_is_said_in_the_place_of_an_identity_works(
    place: str, target: str, platforms: str
) -> None:
    def rendered(login: str) -> str:
        host = place.partition("/")[0]
        text = f"""\
default_branch: main
destinations: ['{place}/shop:1']
registries: {{{host}: {login}}}
github: {{mode: container}}
{platforms}"""
        return rendering.render(ci_kaniko.loads(text), target)

    with pytest.raises(ci_kaniko.SpecError) as caught:
        rendered(HOSTS[place])
    (said,) = {problem.hint for problem in caught.value.problems}
    (login,) = [login for word, login in INSTEAD.items() if word in said]
    assert rendered(login)


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "agola"])
def test_one_client_of_a_cloud_joins_the_platforms(target: str) -> None:
    """Buildah asks the cloud for each registry by itself; the job that joins has one client."""
    text = """\
default_branch: main
builder: buildah
destinations: [gcr.io/acme/shop:1, us-docker.pkg.dev/acme/images/shop:1]
registries:
  gcr.io: {google: {key_file: GOOGLE_KEY}}
  us-docker.pkg.dev: {google: ambient}
"""
    assert rendering.render(ci_kaniko.loads(text), target)
    several = ci_kaniko.loads(f"{text}platforms: [linux/amd64, linux/arm64]\n")
    with pytest.raises(ci_kaniko.SpecError) as caught:
        rendering.render(several, target)
    assert [problem.rule for problem in caught.value.problems] == ["several-cloud-logins"]
