"""A login that several conditions ask for, and that has nothing of its own to do."""

from __future__ import annotations

import pytest

import ci_kaniko
from harness.execution import rehearse

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
KEYS = "{aws: {access_key_id: KEY_ID, secret_access_key: KEY}}"
FILE = "{aws: {credentials_file: AWS_FILE}}"
READY = "{docker_config: regcred}"
STORE = f"context: s3://acme/shop.tar.gz\ncontext_login: {{region: eu-west-1, {FILE[1:]}\n"
GOOGLE = "europe-docker.pkg.dev/acme/images"
CASES = {
    "a registry of the same cloud": ("public.ecr.aws/acme", KEYS, f"{ECR}/acme", KEYS, ""),
    "the role of the runner": ("quay.io/acme", "anonymous", f"{ECR}/acme", "{aws: ambient}", ""),
    "that of another cloud": ("quay.io/acme", "anonymous", GOOGLE, "{google: ambient}", ""),
    "a ready config": ("c1.example.com", READY, "c2.example.com", READY, ""),
    "the context": ("quay.io/acme", "anonymous", f"{ECR}/acme", FILE, STORE),
}


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite"])
@pytest.mark.parametrize("name", CASES)
def test_what_another_login_has_done_is_not_asked_again(name: str, target: str) -> None:
    always, first, late, second, more = CASES[name]
    spec = ci_kaniko.loads(f"""\
default_branch: main
triggers: {{branches: [main, next], schedules: ['0 3 * * *']}}
destinations:
  - {always}/shop:1
  - {{image: '{late}/shop:2', when: default-branch}}
  - {{image: '{late}/shop:3', when: schedule}}
registries:
  {always.partition("/")[0]}: {first}
  {late.partition("/")[0]}: {second}
{more}""")
    for event, pushed in {"branch=next": 1, "default-branch": 2, "schedule": 3}.items():
        (job,) = rehearse(spec, target, event).jobs
        done = job.recorded
        assert done is not None
        assert job.status == "passed", done.stderr
        words = done.argv or ()
        assert len([word for word in words if word.startswith("--destination=")]) == pushed
