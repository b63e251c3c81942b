"""Image references: ``[registry/]repository[:tag]`` as kaniko and the registries read them."""

from __future__ import annotations

from itertools import zip_longest

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, cast
from ci_kaniko.syntax.grammar import is_host
from ci_kaniko.syntax.variables import (
    ENV_PREFIX,
    HOST_SIGN,
    INPUT_PREFIX,
    Part,
    Parts,
    Ref,
    Template,
    names,
    natives,
    parse,
    parts_of,
    text_of,
    variable,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import Self

DOCKER_HUB = "docker.io"
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
REGISTRY_HOST = "registry.host"
REGISTRY_IMAGE = "registry.image"
OWN_HOST = Template("${registry.host}")
"""The CI's own registry."""

DOCKER_HUB_NAMES = {"docker.io", "index.docker.io"}
DOCKER_HUB_LOOKALIKES = {"registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"}
_FIRST_SLOT = 0xE000
_SLOT = pattern("[\ue000-\ue3ff]")
_COMPONENT = pattern(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LAYOUT = pattern(r"oci:/[^/]")
_OF_SHELL = pattern(r"\$([A-Za-z_]\w*)")
_MAX_REPOSITORY = 255
MAX_TAG = 128
_EXAMPLE = "registry.example.com/team/app:1.0"
_LENGTHS = {"commit.sha": 40, "commit.short": 8}


class Reference(Template):
    """An image to push to, and its pieces; each may hold variables.

    ``registry`` is empty when none is written, and so is ``tag``.
    """

    __slots__ = ("host", "registry", "repository", "tag")
    host: str
    """The registry as a spec writes it: a host, or the variable that stands for it."""
    registry: Parts
    repository: Parts
    tag: Parts

    def __new__(cls, text: str) -> Self:
        """Read a reference. Raises Refused with what a registry or kaniko would not take."""
        return cls._made(text, *_read(text))

    @classmethod
    def of(cls, registry: Parts, repository: Parts, tag: Parts = ()) -> Self:
        """A reference made of known pieces."""
        return cls._made("", registry, repository, tag)

    @classmethod
    def _made(cls, text: str, registry: Parts, repository: Parts, tag: Parts) -> Self:
        parts = merge([*_joined(registry, repository), *(":" if tag else ""), *tag])
        made = cls.keeping(text or text_of(parts), parts)
        made.registry, made.repository, made.tag = registry, repository, tag
        made.host = canonical_host(Template.keeping(text_of(registry), registry))
        return made

    def replaced(self, replace: Callable[[Parts], Parts]) -> Self:
        """The reference with what ``replace`` makes of each piece."""
        return self.of(*map(replace, (self.registry, self.repository, self.tag)))

    @property
    def home(self) -> str:
        """The host that has it: Docker Hub where none is written."""
        return self.host or DOCKER_HUB

    @property
    def held(self) -> bool:
        """Whether a variable holds the registry with what comes behind it."""
        return _held(self.repository) is not None

    @property
    def may_hold_tag(self) -> bool:
        """Whether a variable holds all of it, and so maybe a tag."""
        return self.held and len(self.repository) == 1 and not self.tag

    @property
    def pushed_name(self) -> tuple[str, str, str]:
        """Host, repository and tag of a push: another one of the same overwrites it."""
        return self.home, text_of(self.repository), text_of(self.tag) or "latest"


class Repository(Reference):
    """A repository without a tag, in which layers are cached."""

    __slots__ = ()
    may_hold_tag = False

    def extended(self, end: str) -> Self:
        """Another repository: what its name ends with is appended."""
        return self.of(self.registry, merge([*self.repository, end]))

    def __new__(cls, text: str) -> Self:
        """Read a repository. Raises Refused."""
        made = super().__new__(cls, text)
        if made.tag:
            tag = ":" + text_of(made.tag)
            raise Refused(
                "bad-cache-repo",
                f"{quoted(text)} has a tag, and a cache is a repository",
                f"write {text.removesuffix(tag)}",
            )
        return made


class Layout(str):
    """A folder in which layers are cached: ``oci:/PATH``."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Read a layout. Raises Refused."""
        if not _LAYOUT.match(text):
            raise Refused(
                "bad-cache-repo",
                f"{quoted(text)} is not an absolute layout path",
                "such as oci:/cache/layers, a folder below a mount",
            )
        return super().__new__(cls, text)

    def extended(self, end: str) -> Self:
        """Another folder: what its name ends with is appended."""
        return type(self)(f"{self}{end}")

    def __deepcopy__(self, memo: object) -> Self:
        return self


def fits_image(text: str, *, may_hold_tag: bool) -> bool:
    """Whether a text is the name of an image that a variable may hold."""
    try:
        image = Reference(text)
    except Refused:
        return False
    return not names(image.parts) and (may_hold_tag or not image.tag)


def merge(parts: list[str | Ref]) -> Parts:
    """Neighbouring literal parts joined."""
    merged: list[Any] = []
    goes_on = False
    for part in parts:
        literal = isinstance(part, str)
        if literal and goes_on:
            merged[-1] += part
        elif part != "":
            merged.append(part)
            goes_on = literal
    return tuple(merged)


def _joined(registry: Parts, repository: Parts) -> list[Part]:
    """Both with what stands between them; a variable that holds both stands there once."""
    if held := _held(repository):
        return [held._replace(piece=""), *repository[1:]]
    return [*registry, *("/" if registry and repository else ""), *repository]


def _held(piece: Parts) -> Ref | None:
    """The variable that holds a registry with what comes behind it, where a piece begins so."""
    first = piece[0] if piece else ""
    return first if isinstance(first, Ref) and first.piece else None


def is_held(registry: Parts) -> bool:
    """Whether a registry is what the name of an image in a variable begins with."""
    return _held(registry) is not None


def canonical_host(host: str) -> str:
    """Docker Hub's names are one host, and the CI's own registry has one name."""
    if host in DOCKER_HUB_NAMES:
        return DOCKER_HUB
    return OWN_HOST if host == "${registry.image}" else host


def pulled_from(image: str) -> str:
    """The host that an image is pulled from; one without a host is on Docker Hub, as for docker."""
    return canonical_host(_written_host(image)) or DOCKER_HUB


def path_of(image: str) -> str:
    """An image without its host."""
    host = _written_host(image)
    return image[len(host) + 1 :] if host else image


def _written_host(image: str) -> str:
    head, slash, _ = image.partition("/")
    return head if slash and HOST_SIGN.search(head) else ""


def same_but_port(host: str, known: Iterable[str]) -> str | None:
    """The one of some hosts that has another port, or none, or the only one."""
    name = host.partition(":")[0]
    return next(
        (other for other in known if other.partition(":")[0] == name and other != host), None
    )


def is_run_time_host(registry: Parts) -> bool:
    """Whether a registry is, or holds, a variable of which nobody knows the value yet."""
    return any(name.startswith((ENV_PREFIX, INPUT_PREFIX)) for name in names(registry))


def can_be_host(registry: Parts) -> bool:
    """Whether a run-time variable is a whole registry, or such ones beside other text a part of it.

    An input is a whole one: whoever gives it is told what it may be.
    """
    if len(registry) == 1:
        return is_run_time_host(registry)
    written = [part for part in registry if isinstance(part, str)]
    given = [part for part in registry if isinstance(part, Ref)]
    return (
        all(ref.name.startswith(ENV_PREFIX) for ref in given)
        and any("." in text or ":" in text for text in written)
        # A digit can stand for any part that is missing: for a label or for the port.
        and is_host("".join([p if isinstance(p, str) else p.default or "1" for p in registry]))
    )


NO_PART = "is no part of a host"
PARTS = "${env.NAME} can be one, and an input the whole host"


def no_part_of_host(registry: Parts) -> str:
    """The first variable that cannot stand beside other text in a registry; empty without one."""
    given = (part for part in registry if isinstance(part, Ref))
    return next((f"${{{ref.name}}}" for ref in given if not ref.name.startswith(ENV_PREFIX)), "")


def can_be(registry: Parts, host: str) -> bool:
    """Whether a registry may turn out to be some host, by what is written around its variables."""
    first, last = registry[0], registry[-1]
    begins = not isinstance(first, str) or host.startswith(first)
    return begins and (not isinstance(last, str) or host.endswith(last))


def may_be(host: str, other: str) -> bool:
    """Whether a host that only a run knows may turn out to be another one.

    One with the same variables is the same or is written wrongly.
    """
    parts, others = parts_of(host), {*names(parts_of(other))}
    if not is_run_time_host(parts) or others & {*names(parts)}:
        return False
    return bool(others) or can_be(parts, other)


def usual_host(host: str, inputs: Mapping[str, str | None]) -> str:
    """The host that the defaults make of one that only a run knows; empty without them."""
    texts = [
        part.cut(part.default or inputs.get(part.name) or "") if isinstance(part, Ref) else part
        for part in parts_of(host)
    ]
    return canonical_host("".join(texts)) if all(texts) else ""


def check_lookalike(host: str) -> None:
    """Raise Refused for a name under which kaniko would not find a Docker Hub login."""
    if host in DOCKER_HUB_LOOKALIKES:
        raise Refused(
            "bad-host",
            f"{quoted(host)} is Docker Hub under a name by which no login is found",
            f"write {DOCKER_HUB}",
        )


def _read(text: str) -> tuple[Parts, Parts, Parts]:
    """Registry, repository and tag; a variable that holds both of the first begins both.

    Raises Refused.
    """
    flat, refs = _flatten(text)
    registry, repository = _split_registry(text, flat, refs)
    repository, colon, tag = repository.partition(":")
    if colon and not tag:
        raise _bad(text, "the tag is empty", _instead(text, f"{text}1.0"))
    held = refs[0] if len(registry) == 1 and repository.startswith(registry) else None
    if held and held.default:
        _check_held(text, held.default, may_hold_tag=not (repository[1:] or tag))
    checked = [held._replace(default=None), *refs[1:]] if held else refs
    _check_repository(text, registry, repository, flat, checked)
    _check_tag(text, tag, refs)
    host, path = _unflatten(registry, refs), _unflatten(repository, refs)
    if held:
        host, path = (held._replace(piece="host"),), (held._replace(piece="path"), *path[1:])
    return host, path, _cut_to_fit(_unflatten(tag, refs))


def _check_held(text: str, default: str, *, may_hold_tag: bool) -> None:
    """Check the default of a variable that holds a registry with what comes behind it."""
    if not fits_image(default, may_hold_tag=may_hold_tag):
        what = "an image" if may_hold_tag else "an image without a tag"
        raise _bad(text, f"{quoted(default)} is not {what}", "such as docker.io/acme/app")


def check_tag_text(tag: str) -> bool:
    """Whether ``tag`` is a valid image tag."""
    return _TAG.fullmatch(tag) is not None


def _flatten(text: str) -> tuple[str, list[Ref]]:
    """``text`` with one private-use character for each variable, and the variables."""
    flat = ""
    refs: list[Ref] = []
    holds_slot = False
    for part in parse(text):
        if isinstance(part, Ref):
            if part.default == "":
                name = f"${{{part.name}"
                fixed = text.replace(f"{name}:-}}", f"{name}}}")
                why = f"{quoted(f'{name}:-}}')} may be empty there"
                raise _bad(text, why, _instead(text, fixed))
            flat += chr(_FIRST_SLOT + len(refs))
            refs.append(part)
        else:
            flat += part
            holds_slot = holds_slot or not (part.isascii() or _SLOT.search(part) is None)
    if holds_slot:
        raise _bad(text, "it holds a character that no reference has", f"such as {_EXAMPLE}")
    found = natives(text)
    if found:
        native = found[0]
        raise Refused(
            "native-variable",
            f"{native.written} belongs to one CI only",
            f"${{{fit_for(text, native.written, native.portable)}}} works on every target"
            if native.portable
            else "a run-time variable of your own is ${env.NAME} on every target",
        )
    return flat, refs


def _unflatten(flat: str, refs: list[Ref]) -> Parts:
    if not refs or flat.isascii():
        return (flat,) if flat else ()
    pieces = _SLOT.split(flat)
    slots = [refs[ord(slot) - _FIRST_SLOT] for slot in _SLOT.findall(flat)]
    return tuple(part for pair in zip_longest(pieces, slots, fillvalue="") for part in pair if part)


def _sampled(flat: str, refs: list[Ref], sample: Callable[[Ref], str]) -> str:
    """A text as it may be one day: ``sample`` checks a variable, and gives a text for it."""
    if flat.isascii():
        return flat
    return _SLOT.sub(lambda slot: sample(refs[ord(slot[0]) - _FIRST_SLOT]), flat)


def _cut_to_fit(tag: Parts) -> Parts:
    """A tag whose cut variable is told what stands beside it."""
    at = next((index for index, part in enumerate(tag) if _is_cut(part)), None)
    if at is None or len(tag) == 1:
        return tag
    ref, beside = cast("Ref", tag[at]), merge([*tag[:at], *tag[at + 1 :]])
    return (*tag[:at], ref._replace(beside=beside), *tag[at + 1 :])


def _is_cut(part: Part) -> bool:
    return isinstance(part, Ref) and part.name in {"ref.tag", "ref.version"}


def _slot(character: str, refs: list[Ref]) -> Ref | None:
    index = ord(character) - _FIRST_SLOT
    return refs[index] if 0 <= index < len(refs) else None


def _bad(text: str, why: str, hint: str) -> Refused:
    return Refused("bad-reference", f"{quoted(text)} is not an image reference: {why}", hint)


def _split_registry(text: str, flat: str, refs: list[Ref]) -> tuple[str, str]:
    """The host of a reference, empty for Docker Hub, and the rest."""
    _refuse_forms(text, flat)
    first = _slot(flat[0], refs)
    if first is not None and first.name == REGISTRY_IMAGE:
        _check_after_registry_image(text, flat, first)
        return flat[0], flat[1:].removeprefix("/")
    head, slash, rest = flat.partition("/")
    if not slash and first is not None and can_be_host((first,)):
        return flat[0], flat
    if not slash:
        raise _bad(
            text,
            "it names no repository of yours",
            f"add the registry and the namespace: {_EXAMPLE}",
        )
    lone = _slot(head, refs) if len(head) == 1 else None
    if lone is not None and (lone.name == REGISTRY_HOST or can_be_host((lone,))):
        if lone.default is not None and lone.name.startswith(INPUT_PREFIX):
            raise _bad(text, "the host has two defaults", "the default of the input is one")
        return head, rest
    if head.lower() != head and ("." in head or ":" in head):
        raise _bad(text, "host names are lower case", _instead(text, _lowered(flat, refs)))
    check_lookalike(head)
    if is_host(head):
        return head, rest
    if "." not in head and ":" not in head:
        return "", flat
    parts = _unflatten(head, refs)
    if can_be_host(parts):
        return head, rest
    if odd := no_part_of_host(parts):
        raise _bad(text, f"{odd} {NO_PART}", PARTS)
    host = quoted(text_of(parts))
    raise _bad(text, f"{host} is not a registry host", f"such as {_EXAMPLE}")


def _refuse_forms(text: str, flat: str) -> None:
    """Refuse what is no reference at all, or more than one."""
    if not flat:
        raise _bad(text, "it is empty", f"such as {_EXAMPLE}")
    if "://" in flat:
        raise _bad(text, "it has a scheme", _instead(text, text.rpartition("://")[2]))
    if "@" in flat:
        raise _bad(
            text, "a digest is what a push results in", _instead(text, text.partition("@")[0])
        )
    if "," in flat:
        raise _bad(text, "each reference is an entry of its own", 'start a new line with "- "')
    if "$(" in flat or "`" in flat:
        raise _bad(text, "no command runs in a spec", f"such as {_EXAMPLE}")
    if "{{" in flat:
        raise _bad(text, "nothing replaces {{ }} in a spec", "${version} is a variable of a spec")
    if shell := _OF_SHELL.search(flat):
        hint = f"did you mean ${{{ENV_PREFIX}{shell[1]}}}?"
        raise _bad(text, f"{shell[0]} is no variable of a spec", hint)
    if flat != flat.strip() or " " in flat:
        raise _bad(text, "it has a space in it", _instead(text, text.strip()))


def _check_after_registry_image(text: str, flat: str, registry: Ref) -> None:
    """Check what follows ``${registry.image}``."""
    if registry.default is not None:
        raise _bad(text, "the registry cannot have a default", "it is ${registry.image}")
    if flat[1:2] not in {"", "/", ":"}:
        raise _bad(text, "after ${registry.image} comes / or :", "such as ${registry.image}/app")
    if flat[1:3] in {"/", "/:"}:
        fixed = text.replace("}/", "}", 1)
        raise _bad(text, "nothing follows its /", _instead(text, fixed))


def _check_repository(
    text: str, registry: str, repository: str, flat: str, refs: list[Ref]
) -> None:
    own = bool(registry) and _slot(registry[0], refs) == Ref(REGISTRY_IMAGE)
    if not repository:
        if own:
            return
        raise _bad(text, "it has no repository", f"such as {_EXAMPLE}")

    def in_path(ref: Ref) -> str:
        """A text that is as good as a variable there. Raises Refused."""
        if not variable(ref.name).in_path:
            raise Refused(
                "unsafe-variable",
                f"${{{ref.name}}} does not always make a valid repository name",
                "use ${ref.slug} or ${repository.path}",
            )
        return ("x/x" if ref.name == "repository.path" else "xx") + (ref.default or "")

    plain = _sampled(repository, refs, in_path)
    if plain.lower() != plain:
        raise _bad(text, "repository names are lower case", _instead(text, _lowered(flat, refs)))
    if text_is_docker_hub(registry) and plain.count("/") != 1:
        raise _bad(text, "Docker Hub has namespace/name only", f"such as {DOCKER_HUB}/acme/app")
    for component in repository.split("/"):
        if not all(map(_COMPONENT.fullmatch, _sampled(component, refs, in_path).split("/"))):
            written = text_of(_unflatten(component, refs))
            why = f"{quoted(written)} is not a valid part of a repository name"
            rule = "lower-case letters and digits, joined by one . or _, two _ or any number of -"
            raise _bad(text, why if component else 'a part between two "/" is empty', rule)
    if not 2 <= len(plain) + 4 * own <= _MAX_REPOSITORY:
        raise _bad(text, "a repository name has 2 to 255 characters", f"such as {_EXAMPLE}")


def text_is_docker_hub(registry: str) -> bool:
    """Whether a written registry (empty = none) means Docker Hub."""
    return not registry or registry in DOCKER_HUB_NAMES


def _lowered(flat: str, refs: list[Ref]) -> str:
    """A reference in lower case, but for its tag and its variables."""
    path, slash, last = flat.rpartition("/")
    name, colon, tag = last.partition(":")
    return text_of(_unflatten(f"{path.lower()}{slash}{name.lower()}{colon}{tag}", refs))


def _instead(text: str, mended: str) -> str:
    """A hint that names a mended reference, if it is a valid one."""
    try:
        if mended != text:
            _read(mended)
            return f"write {mended}"
    except Refused:
        pass
    return f"such as {_EXAMPLE}"


def _check_tag(text: str, tag: str, refs: list[Ref]) -> None:
    if not tag:
        return

    def in_tag(ref: Ref) -> str:
        """A text that is as good as a variable there. Raises Refused."""
        if not variable(ref.name).in_tag:
            raise Refused(
                "unsafe-variable",
                f"${{{ref.name}}} can hold characters that an image tag cannot",
                _safe_instead(ref.name),
            )
        if ref.default is not None and not check_tag_text("x" + ref.default):
            raise _bad(text, f"{quoted(ref.default)} cannot be in a tag", "letters, digits, _ . -")
        return "x" * _LENGTHS.get(ref.name, 1)

    plain = _sampled(tag, refs, in_tag)
    if not check_tag_text(plain):
        raise _bad(
            text,
            f"{quoted(text_of(_unflatten(tag, refs)))} is not a tag",
            "at most 128 letters, digits, _ . and -, not beginning with . or -; "
            "a branch or tag becomes one as ${ref.tag}",
        )


_SAFER = {
    **dict.fromkeys(("branch", "default_branch", "tag", "ref.name"), ("ref.tag", "ref.slug")),
    "repository.path": ("repository.name",),
    "commit.timestamp": ("commit.date",),
}
"""What stands for a variable that not every part of a reference can hold."""


def fit_for(text: str, written: str, portable: str) -> str:
    """The variable that a reference can hold in the place of what is written there."""
    for name in (portable, *_SAFER.get(portable, ())):
        try:
            _read(text.replace(written, f"${{{name}}}"))
        except Refused:
            continue
        return name
    return portable


def _safe_instead(name: str) -> str:
    if name in {"branch", "ref.name"}:
        return "${ref.tag} is the branch or tag made safe, ${ref.slug} the same in lower case"
    if name.endswith("timestamp"):
        return "${build.number} or ${commit.short} tell builds apart"
    return "${commit.short}, ${ref.tag} and ${build.number} are safe there"
