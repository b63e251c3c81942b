"""Buildkite."""

from ci_kaniko.targets.buildkite.pipeline import TARGET as TARGET
