"""BuildKit."""

from ci_kaniko.builders.buildkit.building import BUILDER as BUILDER
