"""The CI's own identity, for a registry whose cloud the context knows in another way."""

from __future__ import annotations

import pytest

import ci_kaniko
from harness.execution import rehearse

ROLE = "{aws: {role: 'arn:aws:iam::123456789012:role/push'}}"
PROVIDER = """{google: {
  provider: projects/1/locations/global/workloadIdentityPools/ci/providers/ci,
  service_account: push@acme.iam.gserviceaccount.com}}"""
CASES = {
    "aws": ("public.ecr.aws", ROLE, "s3://acme/shop.tar.gz", "{region: eu-west-1, aws: ambient}"),
    "google": ("gcr.io", PROVIDER, "gs://acme/shop.tar.gz", "{google: ambient}"),
}


@pytest.mark.parametrize("target", ["gitlab", "github", "buildkite", "kubernetes"])
@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
@pytest.mark.parametrize("cloud", CASES)
def test_the_job_has_it_beside_the_role_of_the_runner(
    cloud: str, builder: str, target: str
) -> None:
    host, login, context, fetched = CASES[cloud]
    spec = ci_kaniko.loads(f"""\
builder: {builder}
default_branch: main
destinations: ['{host}/acme/shop:1']
registries: {{{host}: {login}}}
context: {context}
context_login: {fetched}
""")
    for job in rehearse(spec, target).jobs:
        assert job.status == "passed", job.recorded and job.recorded.stderr
