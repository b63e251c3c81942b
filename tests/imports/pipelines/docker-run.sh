#!/bin/sh
# Containers that run the executor, by all that starts them.
set -e
echo "$HUB_TOKEN" | docker login --username "$USER" --password-stdin
podman run --rm -it --mount type=bind,source="$(pwd)/api",target=/workspace -e=SSL_CERT_DIR=/certs -e TOKEN \
  --entrypoint /kaniko/executor gcr.io/kaniko-project/executor:v1.24.0 \
  --context /workspace --destination acme/api:1
docker run --rm -v "$PWD":/src -w /src registry.example.com/tools/kaniko:v1.24.0-debug \
  sh -c '/kaniko/executor --context web --destination acme/web:1'
docker run --rm -v ./worker:/workspace --volume="$(git rev-parse --show-toplevel)":/repo -- \
  builder/image:2 -c /workspace -d acme/worker:1
docker images
docker run --rm alpine true
docker --version
regctl image copy acme/api:1 acme/api:latest
