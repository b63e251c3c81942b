"""Kubernetes."""

from ci_kaniko.targets.kubernetes.manifests import TARGET as TARGET
