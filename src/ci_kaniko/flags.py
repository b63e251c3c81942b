"""The executor's flags and the field of the spec that owns each.

Source: ``cmd/executor/cmd/root.go`` of the releases named in ``executors.py``.
"""

from __future__ import annotations

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
