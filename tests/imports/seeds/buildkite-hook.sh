#!/bin/sh
set -euo pipefail

echo "--- Generating OIDC token for Kaniko inside container"

# Use buildkite-agent binary (mounted in the container at /workspace/buildkite-agent)
OIDC_TOKEN="$(/workspace/buildkite-agent oidc request-token --audience "https://packages.buildkite.com/{BUILDKITE_ORGANIZATION_SLUG}/{PACKAGE_REGISTRY_SLUG}" --lifetime 300)"

mkdir -p /kaniko/.docker
cat >/kaniko/.docker/config.json <<EOF
{
  "auths": {
    "packages.buildkite.com/{BUILDKITE_ORGANIZATION_SLUG}/{PACKAGE_REGISTRY_SLUG}": { "username": "buildkite", "password": "${OIDC_TOKEN}" }
  }
}
EOF

echo "--- Docker config written to /kaniko/.docker/config.json"
