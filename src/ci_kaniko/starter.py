"""A first spec for a repository, from what lies in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.checkout import has_branch, values
from ci_kaniko.files import OutsideRepository, inside
from ci_kaniko.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 4
_IGNORED = {"node_modules", "vendor", "third_party", "venv", "dist", "build", "target"}


class Facts(NamedTuple):
    """What a repository shows of itself; ``outputs`` are paths that no file has yet."""

    dockerfiles: list[str]
    host: str
    path: str
    default_branch: str
    outputs: dict[str, str]


class Login(NamedTuple):
    """A registry and the secret that a first spec names for it; no secret for ci-token."""

    host: str
    owner: str
    secret: str


def _numbered(stem: str) -> tuple[str, ...]:
    return (f"{stem}.yml", *(f"{stem}-{number}.yml" for number in range(2, 100)))


_FOLDERS = {
    "gitlab": (".gitlab-ci.yml", ".gitlab"),
    "github": (".github/workflows",),
    "buildkite": (".buildkite",),
    "agola": (".agola",),
}
_OUTPUTS = {
    "gitlab": (".gitlab-ci.yml", *_numbered(".gitlab/ci/image")),
    "github": _numbered(".github/workflows/image"),
    "buildkite": _numbered(".buildkite/image"),
    "agola": (".agola/config.yml",),
}


def look(root: str) -> Facts:
    """Read the repository in ``root``: Dockerfiles, git remote, existing CI files."""
    known = values(root)
    host, _, path = known.get("repository.url", "").partition("://")[2].partition("/")
    systems = [
        name
        for name, places in _FOLDERS.items()
        if any(os.path.exists(os.path.join(root, place)) for place in places)
    ]
    if not systems and host.startswith("github."):
        systems = ["github"]
    elif not systems and "gitlab" in host:
        systems = ["gitlab"]
    free = {name: _free(root, _OUTPUTS[name]) for name in systems}
    outputs = {name: path for name, path in free.items() if path}
    return Facts(
        dockerfiles=sorted(filter(_is_usable, _dockerfiles(root)), key=_plainness),
        host=host,
        path=path,
        default_branch=_default_branch(root, known),
        outputs=outputs,
    )


def _free(root: str, paths: tuple[str, ...]) -> str:
    """The first path that can be created without touching anything that exists."""
    for path in paths:
        try:
            file = inside(root, path)
        except OutsideRepository:
            continue
        if not os.path.lexists(os.path.join(root, path)):
            folder = os.path.dirname(file)
            while not os.path.lexists(folder):
                folder = os.path.dirname(folder)
            if os.path.isdir(folder):
                return path
    return ""


def _default_branch(root: str, known: dict[str, str]) -> str:
    usual = (name for name in ("main", "master", "trunk") if has_branch(root, name))
    found = known.get("default_branch") or next(usual, "") or known.get("branch", "")
    return found if found and _is_valid(default_branch=found) else "main"


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


def _is_usable(dockerfile: str) -> bool:
    """Whether a spec can name it: no control character, nothing that is not text."""
    context, name = _split(dockerfile)
    return _is_valid(context=context, dockerfile=name)


def _split(dockerfile: str) -> tuple[str, str]:
    """The context and the Dockerfile in it, as a spec names them."""
    context, _, name = dockerfile.replace("${", "$${").rpartition("/")
    return context or ".", name


def _is_valid(**fields: str) -> bool:
    from ci_kaniko.problems import SpecError
    from ci_kaniko.spec import Spec

    try:
        Spec(**{"push": "never", **fields})
    except (SpecError, ValueError):
        return False
    return True


def _plainness(path: str) -> tuple[int, bool, str]:
    return path.count("/"), not path.endswith("Dockerfile"), path


def starter(root: str) -> str:
    """The text of a first spec, with comments. It validates and renders as it is."""
    from ci_kaniko.layouts import fill

    facts = look(root)
    context, name = _split(facts.dockerfiles[0] if facts.dockerfiles else "Dockerfile")
    image, login = _image(facts)
    guessed = {} if facts.outputs else {"gitlab": _free(root, _OUTPUTS["gitlab"])}
    included = facts.outputs.get("gitlab", ".gitlab-ci.yml")
    return fill(
        "spec.yaml.j2",
        {
            "default_branch": facts.default_branch,
            "context": context,
            "dockerfile": name,
            "found": bool(facts.dockerfiles),
            "others": facts.dockerfiles[1:4],
            "image": image,
            "login": login,
            "outputs": facts.outputs,
            "guessed": {system: path for system, path in guessed.items() if path},
            "included": included if included != ".gitlab-ci.yml" else "",
        },
    )


def _image(facts: Facts) -> tuple[str, Login | None]:
    """What to push, and the login it needs where the CI's own does not do."""
    if list(facts.outputs) == ["gitlab"]:
        return "${registry.image}", None
    host = "ghcr.io" if facts.host in {"github.com", ""} else "docker.io"
    owner, _, rest = (facts.path.lower() or "acme/shop").partition("/")
    if host == "docker.io":
        rest = rest.rpartition("/")[2]
    image = f"{host}/{owner}/{rest}"
    secret = "GHCR_TOKEN" if host == "ghcr.io" else "DOCKER_HUB_TOKEN"
    try:
        parse_reference(f"{image}:x")
    except ValueError:
        image, owner = f"{host}/acme/shop", "acme"
    if list(facts.outputs) == ["github"] and facts.host == "github.com":
        return image, None
    return image, Login(host, owner, secret)
