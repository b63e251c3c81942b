"""Contexts that a pipeline fetches itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Text


FETCHED = "/kaniko/buildcontext"
_THIS_REPOSITORY = re.compile(
    r"^git://[^#]*(?:GITHUB_REPOSITORY|github\.repository|CI_PROJECT_PATH|CI_REPOSITORY_URL"
    r"|CI_PROJECT_URL|BUILDKITE_REPO|AGOLA_REPOSITORY_URL|github\.repositoryUrl)"
)


def is_this_repository(value: Text) -> bool:
    names = "".join(part if isinstance(part, str) else getattr(part, "name", "") for part in value)
    if not names.startswith("git://"):
        names = f"git://{names}"
    return bool(_THIS_REPOSITORY.match(names)) or names.startswith("git://repository.url")
