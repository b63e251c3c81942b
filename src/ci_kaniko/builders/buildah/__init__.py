"""Buildah."""

from ci_kaniko.builders.buildah.building import BUILDER as BUILDER
