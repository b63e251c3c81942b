"""A first spec for a repository, from what lies in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.checkout import values
from ci_kaniko.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 4
_IGNORED = {"node_modules", "vendor", "third_party", "venv", "dist", "build", "target"}


class Facts(NamedTuple):
    """What a repository shows of itself."""

    dockerfiles: list[str]
    host: str
    path: str
    default_branch: str
    systems: list[str]
    taken: list[str]


class Login(NamedTuple):
    """A registry and the secret that a first spec names for it; no secret for ci-token."""

    host: str
    owner: str
    secret: str


def look(root: str) -> Facts:
    """Read the repository in ``root``: Dockerfiles, git remote, existing CI files."""
    known = values(root)
    host, _, path = known.get("repository.url", "").partition("://")[2].partition("/")
    files = {
        "gitlab": ".gitlab-ci.yml",
        "github": ".github/workflows",
        "buildkite": ".buildkite",
        "agola": ".agola",
    }
    systems = [name for name, file in files.items() if os.path.exists(os.path.join(root, file))]
    if not systems and host == "github.com":
        systems = ["github"]
    elif not systems and "gitlab" in host:
        systems = ["gitlab"]
    branch = known.get("default_branch") or known.get("branch") or "main"
    taken = [file for file in files.values() if os.path.isfile(os.path.join(root, file))]
    return Facts(sorted(_dockerfiles(root), key=_plainness), host, path, branch, systems, taken)


def _dockerfiles(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        depth = 0 if below == "." else below.count(os.sep) + 1
        folders[:] = sorted(
            name
            for name in folders
            if depth < _MAX_DEPTH and name not in _IGNORED and not name.startswith(".")
        )
        for name in files:
            if name in {"Dockerfile", "Containerfile"} or name.endswith(".Dockerfile"):
                yield os.path.normpath(os.path.join(below, name)).replace(os.sep, "/")


def _plainness(path: str) -> tuple[int, bool, str]:
    return path.count("/"), not path.endswith("Dockerfile"), path


def starter(root: str) -> str:
    """The text of a first spec, with comments. It validates as it is."""
    from ci_kaniko.rendering import fill

    facts = look(root)
    dockerfile = facts.dockerfiles[0] if facts.dockerfiles else "Dockerfile"
    context, _, name = dockerfile.rpartition("/")
    image, login = _image(facts)
    outputs = {system: _output(system, facts) for system in facts.systems}
    return fill(
        "spec.yaml.j2",
        {
            "default_branch": facts.default_branch,
            "context": context or ".",
            "dockerfile": name,
            "found": bool(facts.dockerfiles),
            "others": facts.dockerfiles[1:4],
            "image": image,
            "login": login,
            "outputs": {system: path for system, path in outputs.items() if path},
            "included": outputs.get("gitlab") == ".gitlab/ci/image.yml",
        },
    )


def _image(facts: Facts) -> tuple[str, Login | None]:
    path = facts.path.lower() or "acme/shop"
    if facts.systems == ["gitlab"]:
        return "${registry.image}", None
    owner = path.partition("/")[0]
    host = "ghcr.io" if facts.host in {"github.com", ""} else "docker.io"
    if host == "docker.io":
        path = f"{owner}/{path.rpartition('/')[2]}"
    image = f"{host}/{path}"
    try:
        parse_reference(f"{image}:x")
    except ValueError:
        image = f"{host}/acme/shop"
    if facts.systems == ["github"] and host == "ghcr.io":
        return image, None
    secret = "GHCR_TOKEN" if host == "ghcr.io" else "DOCKER_HUB_TOKEN"
    return image, Login(host, owner, secret)


def _output(system: str, facts: Facts) -> str:
    """A path that no existing file has."""
    if system == "gitlab" and ".gitlab-ci.yml" in facts.taken:
        return ".gitlab/ci/image.yml"
    return {
        "gitlab": ".gitlab-ci.yml",
        "github": ".github/workflows/image.yml",
        "buildkite": ".buildkite/image.yml",
    }.get(system, "")
