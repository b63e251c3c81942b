"""A first spec for a repository, from what lies in it."""

from __future__ import annotations

import os
import re
from itertools import islice
from shlex import quote

from ci_kaniko import __version__
from ci_kaniko.kaniko.builders import BUILDERS, KANIKO
from ci_kaniko.kaniko.systems import NAMES, SYSTEMS, system
from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import CiKanikoError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.repository import checkout
from ci_kaniko.repository.files import OutsideRepository, in_submodule, inside, read_bytes
from ci_kaniko.syntax.references import DOCKER_HUB, Reference
from ci_kaniko.targets.registry import target as find_target
from ci_kaniko.text.patterns import pattern
from ci_kaniko.text.site import page

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ci_kaniko.project.dockerfile import Dockerfile
    from ci_kaniko.targets.target import Init

_MAX_DEPTH = 4
_USUAL = ("main", "master", "trunk")
_SCHEMAS = "https://raw.githubusercontent.com/ci-kaniko/ci-kaniko"
_SECRETS = {"ghcr.io": "GHCR_TOKEN", "docker.io": "DOCKER_HUB_TOKEN"}
_PLAIN_FOLDERS = {"", "docker", "build", "container", "ci"}
_NO_USER = pattern(r"[^A-Za-z0-9._-]")
_NO_SECRET = pattern(r"[^A-Z0-9]+")
_OF_PLATFORMS = tuple(start for each in SYSTEMS.values() for start in each.prefixes)
_NO_NAME = pattern(r"[^a-z0-9]+")
_SERVED = "scm/"
"""Where Bitbucket Data Center offers repositories to git; it is nobody's name."""
_IGNORED = {"node_modules", "vendor", "third_party", "venv", "dist", "build", "target"}
_FOREIGN = ("Jenkinsfile",)
"""Pipelines of platforms that are no targets, and that import reads."""
_BUILDS = pattern(
    r"kaniko|build-push-action|\b(?:buildah|buildctl|docker\.build)\b"
    r"|\b(?:docker|podman|nerdctl)\s+(?:(?:buildx|image)\s+)?build\b"
)


class CannotStart(CiKanikoError):
    """What was asked for cannot be had; the message says why."""


class Wishes(NamedTuple):
    """What the user says of a first spec: targets, what to push, whether to use pipelines."""

    targets: tuple[str, ...] = ()
    image: str = ""
    merge: bool = False
    builder: str = KANIKO


class Facts(NamedTuple):
    """What a repository shows of itself.

    ``outputs`` are paths that no file has yet, ``pipelines`` the main files that there are,
    ``building`` files that build images already.
    """

    dockerfiles: list[str]
    host: str
    path: str
    default_branch: str
    outputs: dict[str, str]
    pipelines: dict[str, str]
    building: list[str]


class Image(NamedTuple):
    """One of several images."""

    name: str
    context: str
    dockerfile: str
    secrets: dict[str, str]


class Starter(NamedTuple):
    """The text of a first spec, and what to do with it."""

    text: str
    steps: list[str]


class Login(NamedTuple):
    """A registry and the secret that a first spec names for it, and the CI whose own it is."""

    host: str
    owner: str
    secret: str
    own: str = ""


def _init(target: str) -> Init:
    return find_target(target).init


def _outputs(target: str) -> Iterator[str]:
    """Files that can be committed; a manifest for Kubernetes holds one commit."""
    init = _init(target)
    yield from init.outputs
    if init.numbered:
        yield f"{init.numbered}.yml"
        yield from (f"{init.numbered}-{number}.yml" for number in range(2, 100))


def look(root: str, targets: tuple[str, ...] = ()) -> Facts:
    """Read the repository in ``root``: Dockerfiles, git remote, existing CI files."""
    host, _, path = checkout.repository_url(root).partition("://")[2].partition("/")
    systems = list(targets) or [
        name
        for name in NAMES
        if any(os.path.exists(os.path.join(root, place)) for place in _init(name).seen)
    ]
    if not systems:
        hosts = ((name, _init(name).hosts) for name in NAMES)
        systems = [name for name, regex in hosts if regex and re.fullmatch(regex, host)][:1]
    found = {name: main for name in systems if (main := _pipeline(root, name))}
    free = {name: _free(root, _beside(name, found)) for name in systems}
    outputs = {name: path for name, path in free.items() if path}
    files = [*found.values(), *(file for name in systems for file in _all_in(root, name))]
    files += [path for path in _FOREIGN if os.path.isfile(os.path.join(root, path))]
    return Facts(
        dockerfiles=sorted(filter(_is_usable, _dockerfiles(root)), key=_plainness),
        host=host,
        path=path,
        default_branch=_default_branch(root),
        outputs=outputs,
        pipelines=found,
        building=[path for path in files if _BUILDS.search(_text(root, path))],
    )


def _pipeline(root: str, target: str) -> str:
    """The main file of a platform, if there is one."""
    paths = (path for path in _init(target).pipelines if os.path.isfile(os.path.join(root, path)))
    return next(paths, "")


def _beside(target: str, found: dict[str, str]) -> tuple[str, ...]:
    """Where a new file can go: not to another spelling of the main file that there is."""
    main = _init(target).pipelines if target in found else ()
    return tuple(path for path in _outputs(target) if path not in main)


def _all_in(root: str, target: str) -> list[str]:
    """The files of a platform that reads a folder."""
    folder = _init(target).folder
    if not folder:
        return []
    try:
        names = sorted(os.listdir(os.path.join(root, folder)))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names[:100] if name.endswith((".yml", ".yaml"))]


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


def _default_branch(root: str) -> str:
    found = checkout.default_branch(root)
    found = found or next(iter(checkout.known_branches(root, _USUAL)), "") or checkout.branch(root)
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


def _is_valid(**fields: str | dict[str, str]) -> bool:
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.spec import Spec

    try:
        Spec.model_validate({"push": "never", **fields})
    except (SpecError, ValueError):
        return False
    return True


def _plainness(path: str) -> tuple[int, bool, str]:
    return path.count("/"), not path.endswith("Dockerfile"), path


def starter(root: str, wishes: Wishes) -> Starter:
    """A first spec, with comments. It validates and renders as it is. Raises CannotStart."""
    from ci_kaniko.layouts.fill import fill

    if wishes.builder not in BUILDERS:
        known = ", ".join(BUILDERS)
        raise CannotStart(f"`builder`: {quoted(wishes.builder)} is none of {known}")
    facts = look(root, wishes.targets)
    merged = _merged(facts) if wishes.merge else {}
    wished = [target for target in wishes.targets or NAMES[:1] if any(_outputs(target))]
    guessed = {}
    if wished and not facts.outputs and not merged:
        guessed = {wished[0]: _free(root, tuple(_outputs(wished[0])))}
    others = [name for name in NAMES if guessed and name not in guessed]
    outputs = {**facts.outputs, **merged}
    named = _wished(wishes.image, facts) if wishes.image else _image(facts)
    image, login = named or _example(facts)
    text = fill(
        "spec.yaml.j2",
        {
            "reference": page("spec/"),
            "schema": f"{_SCHEMAS}/v{__version__}/docs/ci-kaniko.schema.json",
            "default_branch": facts.default_branch,
            "builder": wishes.builder,
            "builds": KANIKO,
            **_built(root, facts),
            **_pushed(image, login, several=len(facts.dockerfiles) > 1),
            "login": login,
            "outputs": outputs,
            "others": {one: path for one in others for path in islice(_outputs(one), 1)},
            "merged": merged,
            "sections": [*filter(None, (_section(root, one, facts, merged) for one in outputs))],
            "guessed": {system: path for system, path in guessed.items() if path},
        },
    )
    if wishes.image:
        _check(text)
    attributes = _text(root, ".gitattributes")
    steps = _replaced([*([] if named else [image]), *([] if wishes.targets else guessed)])
    steps += _steps(root, facts, {**outputs, **guessed}, merged, attributes)
    steps += [step for target in dict.fromkeys(wishes.targets) for step in _init(target).steps]
    return Starter(text, steps)


def _built(root: str, facts: Facts) -> dict[str, object]:
    """What is built, in the words of the template."""
    fetched = any(in_submodule(root, path) for path in facts.dockerfiles)
    if len(facts.dockerfiles) > 1:
        return {"images": _images(root, facts), "secrets": {}, "fetched": fetched}
    path = facts.dockerfiles[0] if facts.dockerfiles else "Dockerfile"
    context, name = _context(root, path)
    return {
        "images": [],
        "context": context,
        "dockerfile": name,
        "found": bool(facts.dockerfiles),
        "fetched": fetched,
        "secrets": _secrets(root, path),
    }


def _pushed(image: str, login: Login | None, *, several: bool) -> dict[str, str]:
    """Where it is pushed and cached; Docker Hub has no folders."""
    hub = image.startswith("docker.io/") or (login is not None and login.host == DOCKER_HUB)
    joint = "-" if hub else "/"
    return {
        "image": f"{image}{joint}${{image.name}}" if several else image,
        "cache": f"{image}{joint}cache",
    }


def _merged(facts: Facts) -> dict[str, str]:
    """The pipelines that jobs are put into. Raises CannotStart without any."""
    if facts.pipelines:
        return facts.pipelines
    for target in facts.outputs:
        if reason := _init(target).no_merge:
            raise CannotStart(reason)
    known = ", ".join(path for name in NAMES for path in _init(name).pipelines[:1])
    raise CannotStart(f"there is no pipeline to merge into, such as {known}")


def _section(root: str, target: str, facts: Facts, merged: Collection[str]) -> str:
    """What the spec says for a platform that has a pipeline already."""
    if target not in facts.pipelines:
        return ""
    text = _text(root, facts.pipelines[target])
    return _init(target).section(text, merged=target in merged)


def _check(text: str) -> None:
    """Whether the wished image can be pushed. Raises CannotStart."""
    from ci_kaniko.problems.problem import SpecError
    from ci_kaniko.spec.loading import loads

    try:
        loads(text)
    except SpecError as error:
        raise CannotStart(f"`image`: {error.problems[0].message}") from None


def _text(root: str, path: str) -> str:
    """What a file begins with; nothing where it cannot be read."""
    try:
        data = read_bytes(os.path.join(root, path)) or b""
    except OSError:
        data = b""
    return data[: 1 << 20].decode("utf-8", "replace")


def _replaced(examples: list[str]) -> list[str]:
    """What a user has to write because nothing tells it."""
    if not examples:
        return []
    what = "is an example" if len(examples) == 1 else "are examples"
    told = f"{' and '.join(examples)} {what}: this repository does not tell yours"
    return [f"edit ci-kaniko.yaml  # {told}"]


def _steps(
    root: str, facts: Facts, outputs: dict[str, str], merged: dict[str, str], attributes: str
) -> list[str]:
    """What to do next, a line each."""
    steps = ["ci-kaniko validate  # does it fit this checkout?"]
    steps += [
        f"ci-kaniko import {quote(path)}  # it builds images already: this prints its spec"
        for path in facts.building
    ]
    if paths := [path for path in outputs.values() if path]:
        steps.append(f"ci-kaniko sync  # writes {', '.join(paths)}")
    steps += [
        f"echo {quote(f'{path} {name}')} >> .gitattributes  # reviews fold what is generated"
        for target, path in outputs.items()
        if path and target not in merged and path not in attributes
        for name in [_init(target).folded_by]
        if name
    ]
    for target in facts.pipelines:
        if target not in merged:
            steps.append(_used(root, target, facts, outputs.get(target, "")))
    steps += [
        f"ci-kaniko setup {target}  # what must exist there before the first run"
        for target, path in outputs.items()
        if path
    ]
    return steps


def _used(root: str, target: str, facts: Facts, output: str) -> str:
    """How a pipeline that there is gets to know the new file."""
    way, pipeline = _init(target).uses, facts.pipelines[target]
    section, instead = (
        _section(root, target, facts, merged).rpartition("\n")[2] for merged in ((), (target,))
    )
    merge = f'write "outputs: {{{target}: {{path: {pipeline}, mode: merge}}}}" into the spec'
    if section != instead:
        merge += f' and "{instead}" in place of' if instead else " and remove"
        merge += f' "{section}"'
    if not way or not output or output == pipeline:
        return f"{merge}: it puts the job into {pipeline}"
    return f"{way.format(output=output, pipeline=pipeline)}, or {merge}"


def _images(root: str, facts: Facts) -> list[Image]:
    """An image for each Dockerfile, named for the folder or the file."""
    from ci_kaniko.problems.finding import Refused
    from ci_kaniko.spec.outputs import check_image_name

    found: dict[str, Image] = {}
    for number, path in enumerate(facts.dockerfiles, start=1):
        folder, _, file = path.rpartition("/")
        parts = [part for part in folder.split("/") if part.lower() not in _PLAIN_FOLDERS]
        word = file.removesuffix(".Dockerfile") if file.endswith(".Dockerfile") else ""
        word = word or (parts[-1] if parts else facts.path.rpartition("/")[2]) or "app"
        name = _NO_NAME.sub("-", word.lower()).strip("-")
        try:
            check_image_name(name)
        except Refused:
            name = ""
        if not name or name in found:
            name = f"{name or 'image'}-{number}"
        found[name] = Image(name, *_context(root, path), _secrets(root, path))
    return [*found.values()]


def _context(root: str, path: str) -> tuple[str, str]:
    """The context and the Dockerfile in it: its folder, or the root if that alone has its files."""
    dockerfile = _opened(root, path)
    copied = {one.name for stage in dockerfile.stages for one in stage.copied} if dockerfile else ()

    def held(folder: str) -> set[str]:
        places = {name: os.path.join(root, folder, name.lstrip("/")) for name in copied}
        return {name for name, place in places.items() if os.path.lexists(place)}

    in_folder, in_root = held(os.path.dirname(path)), held("")
    if in_root > in_folder:
        return ".", path.replace("${", "$${")
    return _split(path)


def _opened(root: str, path: str) -> Dockerfile | None:
    from ci_kaniko.project.dockerfile import Unread, opened

    try:
        return opened(root, path)
    except Unread:
        return None


def _secrets(root: str, path: str) -> dict[str, str]:
    """The secrets that a Dockerfile mounts, each with a name by which the CI may keep it."""
    dockerfile = _opened(root, path)
    if dockerfile is None or (number := dockerfile.number(None)) is None:
        return {}
    names = {one.name: _secret_name(one.name) for one in dockerfile.secrets(number)}
    return {key: name for key, name in names.items() if _is_valid(build_secrets={key: name})}


def _secret_name(key: str) -> str:
    """A name for the secret with an id: npm is kept as NPM_SECRET, npm-token as NPM_TOKEN."""
    name = _NO_SECRET.sub("_", key.upper()).strip("_")
    name = name if "_" in name else f"{name}_SECRET"
    return f"BUILD_{name}" if name.startswith(_OF_PLATFORMS) or name[:1].isdigit() else name


def _wished(image: str, facts: Facts) -> tuple[str, Login | None]:
    """What the user wants to push, and the login that it needs."""
    if image == "${registry.image}":
        return image, None
    try:
        reference = Reference(f"{image}:x")
    except ValueError:
        raise CannotStart(
            f"{quoted(image)} is not the name of an image without a tag, such as ghcr.io/acme/shop"
        ) from None
    host = reference.home
    owner = image.removeprefix(f"{host}/").partition("/")[0]
    if _NO_USER.search(owner) or "$" in host:
        raise CannotStart(
            "`image` names a registry and an image in so many words, or is ${registry.image}"
        )
    is_ours = facts.path.lower().partition("/")[0] == owner
    return image, _login(facts, host, owner, is_ours=is_ours)


def _login(facts: Facts, host: str, owner: str, *, is_ours: bool = True) -> Login | None:
    """The login to a registry; None where the CI's own does for all that is rendered."""
    home = [name for name in facts.outputs if is_ours and facts.host == _init(name).home]
    own = next((name for name in home if system(name).registry == host), "")
    if own and len(facts.outputs) == 1:
        return None
    return Login(host, owner, _SECRETS.get(host, "REGISTRY_PASSWORD"), own)


def _image(facts: Facts) -> tuple[str, Login | None] | None:
    """What to push, and the login that it needs, as CI and remote tell; None where they do not."""
    only = next(iter(facts.outputs)) if len(facts.outputs) == 1 else ""
    known = system(only) if only else None
    if known and known.self_hosted:
        return "${registry.image}", None
    return _named(facts, "ghcr.io") if facts.host == "github.com" else None


def _example(facts: Facts) -> tuple[str, Login | None]:
    """An image and its login that a user replaces: on Docker Hub the remote may be called alike."""
    host = "ghcr.io" if facts.host in {"github.com", ""} else DOCKER_HUB
    return _named(facts, host) or (f"{host}/acme/shop", _login(facts, host, "acme"))


def _named(facts: Facts, host: str) -> tuple[str, Login | None] | None:
    """An image with the name of the repository, and its login; None for a name of no image."""
    owner, _, rest = facts.path.lower().removeprefix(_SERVED).partition("/")
    if host == DOCKER_HUB:
        rest = rest.rpartition("/")[2]
    image = f"{host}/{owner}/{rest}"
    try:
        Reference(f"{image}:x")
    except ValueError:
        return None
    return image, _login(facts, host, owner)
