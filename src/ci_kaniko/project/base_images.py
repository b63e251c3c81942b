"""The base images of Dockerfiles, compared with the registries that a spec allows."""

from __future__ import annotations

from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.project.dockerfile import Unread
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.policy import ALLOWED, severity_of
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.spec.rules.requested import is_allowed, repository_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.problems.finding import Where
    from ci_kaniko.project.dockerfile import Dockerfiles
    from ci_kaniko.spec.build import Build, SpecFields


def base_images(
    spec: SpecFields, dockerfiles: Dockerfiles, only: Collection[str]
) -> Iterator[Finding]:
    """Images that come from elsewhere, mirrors considered; what a variable names nobody knows."""
    severity: Any = severity_of(spec.rules, ALLOWED)
    if severity == "off":
        return
    allowed = spec.rules[ALLOWED].registries
    for build in spec.builds:
        if build.name not in only:
            continue
        for image in _images(build, dockerfiles):
            name = repository_of(mirrored(image, build))
            if not is_allowed(name, allowed):
                message = f"{quoted(name)} is in no registry that is allowed: {', '.join(allowed)}"
                hint = "the Dockerfile begins with it; mirrors: brings it from one of them"
                where = _place(build)
                yield Finding("allowed-registries", where, message, hint, severity)


def _images(build: Build, dockerfiles: Dockerfiles) -> list[str]:
    try:
        found = dockerfiles.of(build)
    except Unread:
        return []
    return sorted(found.images() or ()) if found else []


def _place(build: Build) -> Where:
    """Where the Dockerfile is named, or the rule where it has its usual name."""
    is_written = "dockerfile" in build.model_fields_set
    return build.at(("dockerfile",)) if is_written else ("rules", ALLOWED)
