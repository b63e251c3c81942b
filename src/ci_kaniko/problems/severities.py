"""What ``rules:`` of a spec may change: which rules warn, and which are asked only on request."""

from __future__ import annotations

WARNINGS = frozenset(
    {
        "abandoned-file",
        "cold-cache",
        "credentials-in-pull-request",
        "empty-variable",
        "floating-image",
        "frozen-image",
        "hidden-folder",
        "input-in-name",
        "missing-build-secret",
        "native-variable",
        "never-pushed",
        "no-effect",
        "public-build-arg",
        "push-only-login",
        "secret-in-text",
        "shared-login",
        "short-identity",
        "unfetched-submodule",
        "unknown-flag",
        "unlisted-image",
        "unpushed-image",
        "unread-dockerfile",
        "unused-build-arg",
        "unused-build-secret",
        "unused-host",
        "unused-input",
        "unused-login",
    }
)
"""The rules that warn, some of them beside an error of the same kind."""
OPTIONAL = frozenset({"allowed-registries", "pinned-images"})
CHANGEABLE = WARNINGS | OPTIONAL
LEVELS = ("off", "warning", "error")
"""From the loosest to the strictest."""
