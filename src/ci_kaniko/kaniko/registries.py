"""Registries that a CI platform or a cloud brings along."""

from __future__ import annotations

OWN_REGISTRIES = {
    "github": "ghcr.io",
    "gitlab": "registry.gitlab.com",
    "buildkite": "packages.buildkite.com",
}
"""The public registry of the CI that runs the job."""
FIXED_REGISTRIES = {"github": "ghcr.io", "buildkite": "packages.buildkite.com"}
"""Where the CI's own registry has one name everywhere."""

FOREIGN_REGISTRIES = (
    *("docker.io", "ghcr.io", "quay.io", "gcr.io", "pkg.dev", "azurecr.io", "amazonaws.com"),
    *("public.ecr.aws", "packages.buildkite.com", "registry.gitlab.com"),
)
"""Registries that belong to somebody in particular."""
