"""The variables that the executor reads, and the field of the spec that owns each.

Source: what the executors of the releases in ``executors.py`` ask their environment for.
"""

from __future__ import annotations

import re

_SHELL = "remove it: the job has its own"
_CLOUD = "registries or context_login"
_OWNERS = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"), "proxy"),
    "KANIKO_NO_PUSH": "push",
    "KANIKO_REGISTRY_MIRROR": "options.registry_mirror",
    "KANIKO_REGISTRY_MAP": "options.registry_map",
    "KANIKO_CLEANUP": "options.cleanup",
    "KANIKO_PRE_CLEANUP": "options.pre_cleanup",
    "KANIKO_PRESERVE_CONTEXT": "options.preserve_context",
    "KANIKO_DIR": "remove it: the paths that ci-kaniko writes lie under /kaniko",
    "CONTAINER": "remove it: ci-kaniko sets it where kaniko does not notice",
    **dict.fromkeys(("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG"), "registries"),
    **dict.fromkeys(("CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"), "registries"),
    **dict.fromkeys(("GIT_TOKEN", "GIT_USERNAME", "GIT_PASSWORD"), "git.token"),
    **dict.fromkeys(("AZURE_STORAGE_ACCESS_KEY", "S3_ENDPOINT"), "context_login"),
    "S3_FORCE_PATH_STYLE": "context_login.s3_path_style",
    **dict.fromkeys(("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), _CLOUD),
    **dict.fromkeys(("AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"), _CLOUD),
    **dict.fromkeys(("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE"), _CLOUD),
    **dict.fromkeys(("GOOGLE_APPLICATION_CREDENTIALS", "AZURE_TENANT_ID"), _CLOUD),
    **dict.fromkeys(("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"), _CLOUD),
    "AZURE_FEDERATED_TOKEN_FILE": _CLOUD,
    **dict.fromkeys(("PATH", "HOME", "IFS", "PWD", "UID", "EUID", "PPID", "SHELLOPTS"), _SHELL),
    **dict.fromkeys(("BASHOPTS", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"), _SHELL),
}
_READ = re.compile(
    r"FF_KANIKO_\w+|SSL_CERT_(?:DIR|FILE)|AWS_PROFILE|GO(?:DEBUG|GC|MEMLIMIT|MAXPROCS)"
)
_LOGIN = re.compile(r"KANIKO_[A-Z0-9_]+_(?:USER|PASSWORD)")


def is_read(name: str) -> bool:
    """Whether the executor, or the language that it is written in, reads a variable of no field.

    >>> is_read("FF_KANIKO_OCI_WARMER"), is_read("SSL_CERT_DIR"), is_read("VERSION")
    (True, True, False)
    """
    return _READ.fullmatch(name) is not None


def flag_of_variable(name: str) -> str:
    """The flag that a variable of the executor stands for: what it says is said by no argument.

    >>> flag_of_variable("KANIKO_NO_PUSH"), flag_of_variable("KANIKO_REGISTRY_MIRROR")
    ('no-push', 'registry-mirror')
    """
    owner = _OWNERS.get(name, "") if name.startswith("KANIKO_") else ""
    if owner == "push":
        return "no-push"
    return owner.removeprefix("options.").replace("_", "-") if owner.startswith("options.") else ""


def owner_of_variable(name: str) -> str | None:
    """The field that sets a variable of the executor.

    >>> owner_of_variable("http_proxy"), owner_of_variable("FF_KANIKO_OCI_WARMER")
    ('proxy', None)
    """
    if _LOGIN.fullmatch(name):
        return "registries"
    return _OWNERS.get(name.upper())
