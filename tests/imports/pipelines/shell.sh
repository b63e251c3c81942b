#!/bin/sh
set -eu
REGISTRY=registry.example.com
VERSION=$(git describe --tags)
docker login -u ci -p "$REGISTRY_PASSWORD" "$REGISTRY"
docker run --rm -v "$(pwd)":/workspace -v "$HOME/.docker/config.json":/kaniko/.docker/config.json:ro \
  gcr.io/kaniko-project/executor:v1.24.0 \
  --context /workspace/app --dockerfile /workspace/app/Dockerfile \
  --destination "$REGISTRY/acme/app:$VERSION" --destination "$REGISTRY/acme/app:latest" \
  --single-snapshot --compressed-caching=false
