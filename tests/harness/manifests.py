"""What kubernetes-validate finds in manifests."""

from __future__ import annotations

import functools
from typing import Any

import kubernetes_validate
from kubernetes_validate import utils

KUBERNETES = "1.37"

# It would look for its versions and read all schemas for each manifest.
utils.all_versions = functools.cache(utils.all_versions)
utils.schema_contents = functools.cache(utils.schema_contents)


def fault(manifest: Any) -> str:
    """What is wrong with a manifest, and where; nothing if nothing is."""
    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{error.json_path} {error.message}"
    return ""
