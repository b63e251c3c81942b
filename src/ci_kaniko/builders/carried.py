"""What only kaniko can do: a plan that asks for it is refused for other builders."""

from __future__ import annotations

from ci_kaniko.kaniko.flags import FLAGS, fields_below
from ci_kaniko.problems.finding import Finding
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.destinations import Cache
    from ci_kaniko.spec.options import Options

_NO_SNAPSHOT = "it compares no file systems, so nothing has to be left out or wiped: remove it"
_NO_LOG = "remove it: it logs in its own way"
_BY_ITSELF = "remove it: it does so by itself"
_ONE_FILE = "digest: true in its place hands the digest to later jobs"
_FALSE = "remove it: false is what it does anyway"
_WITHOUT = "remove it, or keep kaniko on this target"

INSTEAD: Mapping[str, str] = {
    "cache-copy-layers": "remove it: its cache holds every step",
    "cache-run-layers": "remove it: its cache holds every step",
    "compressed-caching": "remove it: its cache is compressed as it likes",
    "cache-dir": "remove it: it looks for base images in registries only; mirrors: is faster",
    "credential-helpers": "remove it: its image has no helpers",
    "digest-file": _ONE_FILE,
    "dryrun": "ci-kaniko preview shows what would happen",
    "force": "remove it: it does not ask whether it is in a container",
    "image-name-tag-with-digest-file": _ONE_FILE,
    "image-name-with-digest-file": _ONE_FILE,
    "log-format": _NO_LOG,
    "log-timestamp": _NO_LOG,
    "verbosity": _NO_LOG,
    "registry-certificate": "certificates: names the secret that holds it",
    "registry-client-cert": "client_certificates: names the secrets that hold it",
    "secret": "build_secrets: names the secret",
    **dict.fromkeys(
        (
            *("cleanup", "ignore-path", "ignore-var-run", "image-fs-extract-retry", "pre-cleanup"),
            *("preserve-context", "single-snapshot", "snapshot-mode", "use-new-run"),
            *("force-build-metadata", "materialize"),
        ),
        _NO_SNAPSHOT,
    ),
    **dict.fromkeys(
        (
            *("skip-unused-stages", "skip-push-permission-check"),
            *("push-retry", "image-download-retry"),
        ),
        _BY_ITSELF,
    ),
    "skip-tls-verify": "skip_tls_verify_registry: names the hosts",
    "skip-tls-verify-pull": "skip_tls_verify_registry: names the hosts",
    "insecure-pull": "insecure_registry: names the hosts",
}
"""What to do about a flag that a builder does not carry; what is not here has to go."""
_OWN = {
    ("buildkit", "cache-ttl"): "remove it: the registry says how long it keeps a cache",
    ("buildkit", "skip-default-registry-fallback"): (
        "remove it: where no mirror has an image, the daemon asks its registry"
    ),
}
"""The same about what is true of one builder alone."""


def instead(name: str, flag: str) -> str:
    """What to do about a flag that a builder does not carry."""
    return _OWN.get((name, flag)) or INSTEAD.get(flag, _WITHOUT)


PLACES: Mapping[str, str] = {
    "digest-file": "digest",
    "registry-certificate": "certificates",
    "registry-client-cert": "client_certificates",
    "secret": "build_secrets",
}
"""Flags whose option names a place in kaniko's container, and the field that works everywhere."""


def foreign(
    plan: Plan,
    name: str,
    carried: Mapping[str, str],
    git: Collection[str],
    no_dockerfile: str = "",
) -> Iterator[Finding]:
    """What a builder does not do of a plan that only kaniko does.

    ``carried`` are the flags that it does, and ``git`` what it does for a repository.
    ``no_dockerfile`` tells why it fetches no Dockerfile, if it does not.
    """
    spec = plan.spec
    for where, flag, value in _flags(plan):
        if flag in PLACES:
            yield refusal(where, f"{name} hears this from another field", INSTEAD[flag])
        elif flag not in carried:
            yield refusal(where, _nothing(name), instead(name, flag))
        elif value is False and FLAGS[flag].kind == "switch":
            yield refusal(where, _nothing(name), _FALSE)
    for option, info in type(spec.executor).model_fields.items():
        if getattr(spec.executor, option) != info.default:
            hint = f"remove it; tools: {{{name}: IMAGE}} names the image that builds"
            yield refusal(("executor", option), f"{name} builds here, and not kaniko", hint)
    if spec.extra_args:
        yield refusal(("extra_args",), _nothing(name), "remove them: they are flags of kaniko")
    for variable in spec.env:
        if variable.startswith(("KANIKO_", "FF_KANIKO_")):
            yield refusal(("env", variable), _nothing(name), "remove it: kaniko alone reads it")
    if spec.dockerfile.is_remote and no_dockerfile:
        hint = "a path from the context, where prepare: can put it"
        yield refusal(("dockerfile",), no_dockerfile, hint)
    if spec.cache and spec.cache.repo and not spec.cache.remote:
        yield refusal(
            ("cache", "repo"), f"{name} keeps no layers there", "a repository in a registry"
        )
    for field, info in type(spec.git).model_fields.items():
        value = getattr(spec.git, field)
        if field not in git and value != info.default:
            yield refusal(("git", field), _nothing(name), _GIT.get(field, _WITHOUT))
        elif value is False:
            yield refusal(("git", field), _nothing(name), _FALSE)
    yield from _logins(plan, name)


def refusal(where: Where, message: str, hint: str) -> Finding:
    """What only kaniko does."""
    return Finding("kaniko-only", where, message, hint)


def _nothing(name: str) -> str:
    return f"{name} has nothing of the kind"


def _flags(plan: Plan) -> Iterator[tuple[Where, str, Any]]:
    """The flags that options and the cache of a spec ask for, and where."""
    parts: dict[str, Options | Cache | None] = {
        "options": plan.spec.options,
        "cache": plan.spec.cache,
    }
    for section, part in parts.items():
        if part is None:
            continue
        flags = fields_below(section)
        for field, info in type(part).model_fields.items():
            value = getattr(part, field)
            if value != info.default and field in flags:
                yield (section, field), flags[field], value


_GIT = {
    "depth": "remove it: it fetches the one commit that it builds",
    "single_branch": "remove it: it fetches nothing but what it builds",
    "recurse_submodules": "remove it: it fetches them with their own",
}


def _logins(plan: Plan, name: str) -> Iterator[Finding]:
    """Two kinds of logins at once."""
    written = plan.password_logins
    if plan.docker_config and written:
        yield Finding(
            "mixed-logins",
            written[0].where,
            f"{name} reads one config.json: a ready one, or what is written here",
            "use docker_config for all hosts, or for none",
        )
