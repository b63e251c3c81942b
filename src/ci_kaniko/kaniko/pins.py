"""What generated files pin besides the executor, each with the source it was read from."""

from __future__ import annotations

CHECKOUT_ACTION = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
CHECKOUT_VERSION = "v7.0.1"
"""As the workflows of github.com/int128/kaniko-action at v1.69.0 pin it, 2026-08-21."""
GIT_IMAGE = "docker.io/alpine/git:2.52.0"
"""The tag as published files of several projects pin it, read 2026-11-21."""
CURL_IMAGE = "docker.io/curlimages/curl:8.21.0"
"""The tag as published files of several projects pin it, read 2026-11-29."""
JOIN_IMAGE = "ghcr.io/regclient/regctl:v0.11.5-alpine"
"""A tool that writes lists of images, with a shell; github.com/regclient/regclient, 2026: its
release publishes each version with and without -alpine."""
