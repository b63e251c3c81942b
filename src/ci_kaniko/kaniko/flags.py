"""The executor's flags: the field that owns each, what it takes, and which releases have it.

Source: ``cmd/executor/cmd/root.go`` of the releases named in ``executors.py``.
"""

from __future__ import annotations

from functools import cache

from ci_kaniko.quick.hints import Literal
from ci_kaniko.quick.records import NamedTuple

Kind = Literal["switch", "text", "number", "list", "mapping", "file"]
"""What a flag takes. A switch takes no word after it; a list and a mapping may be repeated; a file
is one that the executor writes."""


class Since(NamedTuple):
    """The first release of each distribution that has a flag; None where none has."""

    osscontainertools: str | None
    chainguard: str | None
    google: str | None

    @property
    def spelled(self) -> str:
        """The distributions that have it, with the first release of each."""
        return ", ".join(f"{name} since {first}" for name, first in self._asdict().items() if first)


class Flag(NamedTuple):
    """A flag: the field of the spec that owns it, and how the executor reads it.

    ``always`` is the release of osscontainertools since which the executor does so without it.
    """

    field: str | None
    kind: Kind
    since: Since
    short: str = ""
    old: tuple[str, ...] = ()
    always: str | None = None


def _all(google: str) -> Since:
    """Every release of those that began as copies of Google's."""
    return Since("v1.24.1", "v1.25.0", google)


FLAGS: dict[str, Flag] = {
    "annotation": Flag("annotations", "mapping", Since("v1.25.3", "v1.25.1", None)),
    "bucket": Flag("context", "text", _all("v0.1.0"), short="b"),
    "build-arg": Flag("build_args", "mapping", _all("v0.1.0")),
    "cache": Flag("cache", "switch", _all("v0.4.0")),
    "cache-copy-layers": Flag("cache.copy_layers", "switch", _all("v1.4.0")),
    "cache-dir": Flag("cache.dir", "text", _all("v0.5.0")),
    "cache-repo": Flag("cache.repo", "text", _all("v0.4.0")),
    "cache-run-layers": Flag("cache.run_layers", "switch", _all("v1.9.0")),
    "cache-ttl": Flag("cache.ttl", "text", _all("v0.8.0")),
    "cleanup": Flag("options.cleanup", "switch", _all("v0.4.0")),
    "compressed-caching": Flag("cache.compressed", "switch", _all("v1.7.0")),
    "compression": Flag("options.compression", "text", _all("v1.10.0")),
    "compression-level": Flag("options.compression_level", "number", _all("v1.10.0")),
    "context": Flag("context", "text", _all("v0.1.0"), short="c"),
    "context-sub-path": Flag("context_sub_path", "text", _all("v0.20.0")),
    "credential-helpers": Flag("options.credential_helpers", "list", Since("v1.25.2", None, None)),
    "custom-platform": Flag(
        "options.custom_platform", "text", _all("v1.9.1"), old=("customPlatform",)
    ),
    "destination": Flag("destinations", "list", _all("v0.1.0"), short="d"),
    "digest-file": Flag("options.digest_file", "file", _all("v0.10.0")),
    "dockerfile": Flag("dockerfile", "text", _all("v0.1.0"), short="f"),
    "dryrun": Flag("options.dryrun", "switch", Since("v1.26.6", None, None)),
    "force": Flag("options.force", "switch", _all("v0.1.0")),
    "force-build-metadata": Flag(
        "options.force_build_metadata", "switch", _all("v1.7.0"), always="v1.27.0"
    ),
    "git": Flag("git", "list", _all("v1.0.0")),
    "ignore-path": Flag("options.ignore_path", "list", _all("v1.6.0")),
    "ignore-var-run": Flag(
        "options.ignore_var_run", "switch", _all("v1.7.0"), old=("whitelist-var-run",)
    ),
    "image-download-retry": Flag("options.image_download_retry", "number", _all("v1.19.0")),
    "image-format": Flag("options.image_format", "text", Since("v1.28.1", None, None)),
    "image-fs-extract-retry": Flag("options.image_fs_extract_retry", "number", _all("v1.7.0")),
    "image-name-tag-with-digest-file": Flag(
        "options.image_name_tag_with_digest_file", "file", _all("v1.4.0")
    ),
    "image-name-with-digest-file": Flag(
        "options.image_name_with_digest_file", "file", _all("v0.14.0")
    ),
    "insecure": Flag("options.insecure", "switch", _all("v0.4.0")),
    "insecure-pull": Flag("options.insecure_pull", "switch", _all("v0.6.0")),
    "insecure-registry": Flag("options.insecure_registry", "list", _all("v0.8.0")),
    "kaniko-dir": Flag(None, "text", _all("v1.8.1")),
    "label": Flag("labels", "mapping", _all("v0.19.0")),
    "log-format": Flag("options.log_format", "text", _all("v0.18.0")),
    "log-timestamp": Flag("options.log_timestamp", "switch", _all("v0.20.0")),
    "materialize": Flag("options.materialize", "switch", Since("v1.24.1", None, None)),
    "no-push": Flag("push", "switch", _all("v0.4.0")),
    "no-push-cache": Flag("push", "switch", _all("v1.9.0")),
    "oci-layout-path": Flag("options.oci_layout_path", "file", _all("v0.12.0")),
    "pre-cleanup": Flag("options.pre_cleanup", "switch", Since("v1.25.4", None, None)),
    "preserve-context": Flag("options.preserve_context", "switch", Since("v1.24.1", None, None)),
    "push-ignore-immutable-tag-errors": Flag(
        "options.push_ignore_immutable_tag_errors", "switch", _all("v1.21.0")
    ),
    "push-retry": Flag("options.push_retry", "number", _all("v1.5.1")),
    "registry-certificate": Flag("options.registry_certificate", "mapping", _all("v0.19.0")),
    "registry-client-cert": Flag("options.registry_client_cert", "mapping", _all("v1.10.0")),
    "registry-map": Flag("options.registry_map", "mapping", _all("v1.21.0")),
    "registry-mirror": Flag("options.registry_mirror", "list", _all("v0.18.0")),
    "reproducible": Flag("options.reproducible", "switch", _all("v0.2.0")),
    "secret": Flag("options.secret", "list", Since("v1.26.3", None, None)),
    "single-snapshot": Flag("options.single_snapshot", "switch", _all("v0.2.0")),
    "skip-default-registry-fallback": Flag(
        "options.skip_default_registry_fallback", "switch", _all("v1.13.0")
    ),
    "skip-push-permission-check": Flag(
        "options.skip_push_permission_check", "switch", _all("v1.14.0")
    ),
    "skip-tls-verify": Flag("options.skip_tls_verify", "switch", _all("v0.4.0")),
    "skip-tls-verify-pull": Flag("options.skip_tls_verify_pull", "switch", _all("v0.6.0")),
    "skip-tls-verify-registry": Flag("options.skip_tls_verify_registry", "list", _all("v0.8.0")),
    "skip-unused-stages": Flag(
        "options.skip_unused_stages", "switch", _all("v0.20.0"), always="v1.27.0"
    ),
    "snapshot-mode": Flag("options.snapshot_mode", "text", _all("v1.9.1"), old=("snapshotMode",)),
    "tar-path": Flag("options.tar_path", "file", _all("v1.9.1"), old=("tarPath",)),
    "target": Flag("target", "text", _all("v0.3.0")),
    "use-new-run": Flag("options.use_new_run", "switch", _all("v0.24.0")),
    "verbosity": Flag("options.verbosity", "text", _all("v0.1.0"), short="v"),
}

GIT_DEPTH = Since("v1.25.4", None, None)

RESERVED: dict[str, str] = {
    "kaniko-dir": "the paths that ci-kaniko writes lie under /kaniko",
    "help": "it builds nothing",
}

RENAMED: dict[str, str] = {old: name for name, flag in FLAGS.items() for old in flag.old}


def flag_of(option: str) -> str:
    """The flag of a field of ``options``."""
    return option.replace("_", "-")


def owner_of(flag: str) -> str | None:
    """The field that owns a flag, under whatever name; None where none does.

    >>> owner_of("tarPath"), owner_of("label"), owner_of("kaniko-dir")
    ('options.tar_path', 'labels', None)
    """
    known = FLAGS.get(RENAMED.get(flag, flag))
    return known.field if known else None


@cache
def fields_below(field: str) -> dict[str, str]:
    """The flags of the fields of a mapping, by those.

    >>> fields_below("cache")["ttl"]
    'cache-ttl'
    """
    return {
        flag.field.partition(".")[2]: name
        for name, flag in FLAGS.items()
        if flag.field and flag.field.startswith(f"{field}.")
    }


def of_kind(kind: Kind) -> frozenset[str]:
    """The flags that take such a value."""
    return frozenset(name for name, flag in FLAGS.items() if flag.kind == kind)


def short_names() -> dict[str, str]:
    """The flags that have a letter, by it."""
    return {flag.short: name for name, flag in FLAGS.items() if flag.short} | {"h": "help"}


def switches() -> frozenset[str]:
    """The flags that take no word after them, their old names too."""
    new = of_kind("switch")
    return new | {"help"} | {old for old, name in RENAMED.items() if name in new}
