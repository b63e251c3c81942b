"""The programs that can build an image, and the images that hold those beside kaniko."""

from __future__ import annotations

KANIKO = "kaniko"
BUILDERS = (KANIKO, "buildkit", "buildah")
FETCHING = frozenset({KANIKO})
"""Those that fetch the repository of the job itself, where nothing has checked it out."""
HELPED = frozenset({KANIKO})
"""Those whose image has a helper for the registries of each cloud."""
GITLESS = frozenset({"buildah"})
"""Those whose image has no git, and that fetch a repository with that of another image."""
CURLED = frozenset({"buildah"})
"""Those whose image has curl; the others have busybox."""

BUILDER_HOMES = {KANIKO: "/kaniko", "buildkit": "/home/user", "buildah": "/root"}
"""The folder of each in its image, where a job's own files lie: what it builds never gets them."""

BUILDER_IMAGES = {
    "buildkit": "docker.io/moby/buildkit:v0.33.1-rootless",
    "buildah": "quay.io/buildah/stable:v1.43.0",
}
"""The tags as published files of several projects pin them, read 2026-11-29."""

BUILDER_NAMES = {
    KANIKO: frozenset({"KANIKO_NO_PUSH"}),
    "buildkit": frozenset({"BUILDKITD_FLAGS", "BUILDKIT_HOST", "DOCKER_CONFIG"}),
    "buildah": frozenset(
        {
            *("BUILDAH_FORMAT", "BUILDAH_ISOLATION", "BUILDAH_LAYERS", "DOCKER_CONFIG"),
            *("REGISTRY_AUTH_FILE", "STORAGE_DRIVER"),
        }
    ),
}
"""The variables that a script sets or takes away for each, which can be nobody else's."""
