"""The executor's flags and the field of the spec that owns each.

Source: ``cmd/executor/cmd/root.go`` of the releases named in ``executors.py``.
"""

from __future__ import annotations

from typing import NamedTuple


class Since(NamedTuple):
    """The first release of each distribution that has a flag; None where none has."""

    osscontainertools: str | None
    chainguard: str | None
    google: str | None


FLAGS: dict[str, Since] = {
    "annotation": Since("v1.25.3", "v1.25.1", None),
    "bucket": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "build-arg": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "cache": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "cache-copy-layers": Since("v1.24.1", "v1.25.0", "v1.4.0"),
    "cache-dir": Since("v1.24.1", "v1.25.0", "v0.5.0"),
    "cache-repo": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "cache-run-layers": Since("v1.24.1", "v1.25.0", "v1.9.0"),
    "cache-ttl": Since("v1.24.1", "v1.25.0", "v0.8.0"),
    "cleanup": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "compressed-caching": Since("v1.24.1", "v1.25.0", "v1.7.0"),
    "compression": Since("v1.24.1", "v1.25.0", "v1.10.0"),
    "compression-level": Since("v1.24.1", "v1.25.0", "v1.10.0"),
    "context": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "context-sub-path": Since("v1.24.1", "v1.25.0", "v0.20.0"),
    "credential-helpers": Since("v1.25.2", None, None),
    "custom-platform": Since("v1.24.1", "v1.25.0", "v1.9.1"),
    "destination": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "digest-file": Since("v1.24.1", "v1.25.0", "v0.10.0"),
    "dockerfile": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "dryrun": Since("v1.26.6", None, None),
    "force": Since("v1.24.1", "v1.25.0", "v0.1.0"),
    "force-build-metadata": Since("v1.24.1", "v1.25.0", "v1.7.0"),
    "git": Since("v1.24.1", "v1.25.0", "v1.0.0"),
    "ignore-path": Since("v1.24.1", "v1.25.0", "v1.6.0"),
    "ignore-var-run": Since("v1.24.1", "v1.25.0", "v1.7.0"),
    "image-download-retry": Since("v1.24.1", "v1.25.0", "v1.19.0"),
    "image-format": Since("v1.28.1", None, None),
    "image-fs-extract-retry": Since("v1.24.1", "v1.25.0", "v1.7.0"),
    "image-name-tag-with-digest-file": Since("v1.24.1", "v1.25.0", "v1.4.0"),
    "image-name-with-digest-file": Since("v1.24.1", "v1.25.0", "v0.14.0"),
    "insecure": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "insecure-pull": Since("v1.24.1", "v1.25.0", "v0.6.0"),
    "insecure-registry": Since("v1.24.1", "v1.25.0", "v0.8.0"),
    "kaniko-dir": Since("v1.24.1", "v1.25.0", "v1.8.1"),
    "label": Since("v1.24.1", "v1.25.0", "v0.19.0"),
    "log-format": Since("v1.24.1", "v1.25.0", "v0.18.0"),
    "log-timestamp": Since("v1.24.1", "v1.25.0", "v0.20.0"),
    "materialize": Since("v1.24.1", None, None),
    "no-push": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "no-push-cache": Since("v1.24.1", "v1.25.0", "v1.9.0"),
    "oci-layout-path": Since("v1.24.1", "v1.25.0", "v0.12.0"),
    "pre-cleanup": Since("v1.25.4", None, None),
    "preserve-context": Since("v1.24.1", None, None),
    "push-ignore-immutable-tag-errors": Since("v1.24.1", "v1.25.0", "v1.21.0"),
    "push-retry": Since("v1.24.1", "v1.25.0", "v1.5.1"),
    "registry-certificate": Since("v1.24.1", "v1.25.0", "v0.19.0"),
    "registry-client-cert": Since("v1.24.1", "v1.25.0", "v1.10.0"),
    "registry-map": Since("v1.24.1", "v1.25.0", "v1.21.0"),
    "registry-mirror": Since("v1.24.1", "v1.25.0", "v0.18.0"),
    "reproducible": Since("v1.24.1", "v1.25.0", "v0.2.0"),
    "secret": Since("v1.26.3", None, None),
    "single-snapshot": Since("v1.24.1", "v1.25.0", "v0.2.0"),
    "skip-default-registry-fallback": Since("v1.24.1", "v1.25.0", "v1.13.0"),
    "skip-push-permission-check": Since("v1.24.1", "v1.25.0", "v1.14.0"),
    "skip-tls-verify": Since("v1.24.1", "v1.25.0", "v0.4.0"),
    "skip-tls-verify-pull": Since("v1.24.1", "v1.25.0", "v0.6.0"),
    "skip-tls-verify-registry": Since("v1.24.1", "v1.25.0", "v0.8.0"),
    "skip-unused-stages": Since("v1.24.1", "v1.25.0", "v0.20.0"),
    "snapshot-mode": Since("v1.24.1", "v1.25.0", "v1.9.1"),
    "tar-path": Since("v1.24.1", "v1.25.0", "v1.9.1"),
    "target": Since("v1.24.1", "v1.25.0", "v0.3.0"),
    "use-new-run": Since("v1.24.1", "v1.25.0", "v0.24.0"),
    "verbosity": Since("v1.24.1", "v1.25.0", "v0.1.0"),
}

GIT_DEPTH = Since("v1.25.4", None, None)

OWNERS: dict[str, str] = {
    "annotation": "annotations",
    "bucket": "context",
    "build-arg": "build_args",
    "cache": "cache",
    "cache-copy-layers": "cache.copy_layers",
    "cache-dir": "cache.dir",
    "cache-repo": "cache.repo",
    "cache-run-layers": "cache.run_layers",
    "cache-ttl": "cache.ttl",
    "compressed-caching": "cache.compressed",
    "context": "context",
    "context-sub-path": "context_sub_path",
    "destination": "destinations",
    "dockerfile": "dockerfile",
    "git": "git",
    "label": "labels",
    "no-push": "push",
    "no-push-cache": "push",
    "target": "target",
}

RENAMED: dict[str, str] = {
    "customPlatform": "custom-platform",
    "snapshotMode": "snapshot-mode",
    "tarPath": "tar-path",
    "whitelist-var-run": "ignore-var-run",
}

RESERVED: dict[str, str] = {
    "kaniko-dir": "the paths that ci-kaniko writes lie under /kaniko",
    "help": "it builds nothing",
}


def flag_of(option: str) -> str:
    """The flag of a field of ``options``."""
    return option.replace("_", "-")


def owner_of(flag: str, options: set[str]) -> str | None:
    """The field that owns a flag, or None; ``options`` are the fields of ``options``."""
    flag = RENAMED.get(flag, flag)
    field = flag.replace("-", "_")
    return OWNERS.get(flag) or (f"options.{field}" if field in options else None)
