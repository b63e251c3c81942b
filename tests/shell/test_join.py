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
    jobs = yaml11.load(rendering.render(spec, "gitlab")).values()
    (script,) = (text for job in jobs for text in job.get("script", ()) if "regctl" in text)
    stub = tmp_path / "regctl"
    stub.write_text(REGCTL)
    stub.chmod(0o755)
    done = subprocess.run(
        [*tools.shell(), "-c", script],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "MIRROR": "quay.io",
            **dict.fromkeys(("DIGEST_AMD64", "DIGEST_ARM64"), f"sha256:{'0' * 64}"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    words = (tmp_path / "regctl.asked").read_text().splitlines()
    asked = [after for word, after in pairwise(words) if word == "--host"]
    assert asked == WAYS[options]


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
