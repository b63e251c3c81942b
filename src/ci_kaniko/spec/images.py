"""Several images in one spec: what each inherits from the top, and what is its own."""

from __future__ import annotations

from functools import cache

from ci_kaniko.problems.finding import Finding, Refused, quoted
from ci_kaniko.quick.choice import is_small
from ci_kaniko.quick.declaring import ValidationError
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.spec.build import OF_THE_SPEC, PLACED, TOP_ONLY, Build, NamedImage
from ci_kaniko.spec.labels import long_form
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.outputs import check_image_name
from ci_kaniko.spec.pushed import pushed_hosts
from ci_kaniko.syntax.references import canonical_host
from ci_kaniko.syntax.scalars import wrong_type
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci_kaniko.spec.build import SpecFields


IMAGE_NAME = "${image.name}"
_ANY_NAME = "anynameofanimage"
_NAME = pattern(r"(?<!\$)\$\{image\.name(?::-[^}]*)?\}")


class Entries:
    """The images of a spec as they were written, and what they share.

    ``common`` is the part of the top that is the same for all images. ``varying`` holds
    ``${image.name}``, so it is read for each image anew. ``rests`` has, for images with errors,
    what could be read of them; ``named`` has all of these, for what others say of them.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        shared = {key: item for key, item in data.items() if key not in OF_THE_SPEC}
        if "labels" in shared:
            shared["labels"] = long_form(shared["labels"])
        self.shared = shared
        self.varying = {key: item for key, item in shared.items() if holds_name(item)}
        self.common = {key: item for key, item in shared.items() if key not in self.varying}
        self.findings: list[Finding] = []
        self.told: list[tuple[Build, Finding]] = []
        self.rests: dict[str, NamedImage] = {}
        self.named: dict[str, NamedImage] = {}
        self.own = dict(self._entries(data["images"]))

    def _entries(self, images: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, entry in images.items():
            try:
                check_image_name(str(name))
            except Refused as refused:
                self._refuse(refused, str(name), on_key=True)
                continue
            if entry is not None and not isinstance(entry, dict):
                expected = "a mapping"
                self._refuse(wrong_type(entry, expected, "lines such as context: ..."), str(name))
                continue
            for key in TOP_ONLY:
                if key in (entry or {}):
                    place = ("images", str(name), key)
                    message = f"{quoted(key)} is for the whole spec, not for one image"
                    hint = f"{key}: stands at the top, beside images:"
                    self.findings.append(Finding("top-only", place, message, hint, on_key=True))
            own = {key: item for key, item in (entry or {}).items() if key not in TOP_ONLY}
            if "labels" in own:
                own["labels"] = long_form(own["labels"])
            yield str(name), own

    def _refuse(self, refused: Refused, name: str, *, on_key: bool = False) -> None:
        self.findings.append(
            Finding(refused.rule, ("images", name), refused.message, refused.hint, on_key=on_key)
        )

    def completes(self, finding: Finding) -> bool:
        """Whether something is half said at the top, and every image says the other half."""
        partial = finding.rule in {"missing-key", "bad-login"}
        return partial and all(finding.where[0] in own for own in self.own.values())

    def part(self, name: str, called: str = "") -> dict[str, Any]:
        """What has to be read for one image: the rest it shares with all others.

        ``called`` is what stands for its name, when it is not the name itself.
        """
        own = self.own[name]
        keys = dict.fromkeys([*self.varying, *own])
        merged = {
            key: inherit(self.shared.get(key), own[key]) if key in own else self.shared[key]
            for key in keys
        }
        called, known = called or name, NamedImage.model_fields
        return {
            key: with_name(item, called)
            for key, item in merged.items()
            if item is not None or key not in known
        }

    def whole(self, name: str, called: str = "") -> dict[str, Any]:
        """Everything that an image says and inherits."""
        own = self.own[name]
        rest = {key: item for key, item in self.common.items() if key not in own}
        return {**rest, **self.part(name, called)}


def _removes(_path: tuple[str, ...], _shared: Any) -> bool:
    return True


def inherit(
    shared: Any,
    own: Any,
    removes: Callable[[tuple[str, ...], Any], bool] = _removes,
    at: tuple[str, ...] = (),
) -> Any:
    """``own`` over ``shared``: mappings are merged key by key, and null removes.

    ``removes`` decides whether a null removes, from its path and what is shared there; otherwise
    the null stays.
    """
    if not isinstance(own, dict):
        return own
    base = shared if isinstance(shared, dict) else {}
    merged = dict(base)
    for key, item in own.items():
        path = (*at, str(key))
        if item is None and removes(path, base.get(key)):
            merged.pop(key, None)
        else:
            merged[key] = inherit(base.get(key), item, removes, path)
    return merged


def said_by(image: NamedImage, said: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Of all that an image says, what it would not inherit from the top of its spec.

    A registry that it names itself stays: it is for the image, whatever else has the same login.
    """
    own = {key: value for key, value in said.items() if key not in TOP_ONLY}
    rest = {key: value for key, value in top.items() if key not in TOP_ONLY}
    found = _beyond(own, rest)
    mentioned = {canonical_host(str(host)) for host in image.own.get("registries") or {}}
    for host, login in (said.get("registries") or {}).items():
        if canonical_host(host) in mentioned and host not in found.get("registries", {}):
            found.setdefault("registries", {})[host] = login
    return found


def _beyond(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """What makes ``own`` of ``shared`` when it is inherited from: see ``inherit``."""
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*own, *shared)):
        mine, theirs = own.get(key), shared.get(key)
        if mine == theirs:
            continue
        merged = isinstance(mine, dict) and isinstance(theirs, dict)
        found[key] = _beyond(mine or {}, theirs or {}) if merged else mine
    return found


def holds_name(value: Any) -> bool:
    """Whether ``${image.name}`` stands in some text."""
    if isinstance(value, str):
        return "${image.name" in value and _NAME.search(value) is not None
    if isinstance(value, dict):
        return any(holds_name(key) or holds_name(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(holds_name(item) for item in value)


def with_name(value: Any, name: str) -> Any:
    """``value`` with an image's name in its texts; what has no ``${image.name}`` is kept."""
    if isinstance(value, str):
        return type(value)(_NAME.sub(name, value)) if "${image.name" in value else value
    if isinstance(value, dict):
        return {with_name(key, name): with_name(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_name(item, name) for item in value]
    return value


def read_images(
    entries: Entries,
    base: SpecFields,
    explain: Callable[
        [ValidationError, Any, Callable[[Any], Build], type[Build]],
        tuple[list[Finding], Build | None],
    ],
) -> dict[str, NamedImage]:
    """Every image that can be read; what is wrong with the others goes to ``entries.told``.

    ``base`` is what all images share, read once; ``explain`` turns pydantic's errors into findings.
    """
    images = {}
    common = {name: getattr(base, name) for name in Build.model_fields}
    # What is not an image's own comes from ``shared``. It is given here all the same, mappings as
    # empty ones: pydantic would make a copy of the default of each for each image.
    sections: dict[str, Any] = {
        name: value if isinstance(value, Model) else {}
        for name, value in common.items()
        if isinstance(value, Model | dict) and not is_small()
    }
    for name, own in entries.own.items():
        given = {key: item for key, item in sections.items() if key not in own}
        try:
            part = NamedImage.model_validate({**given, **entries.part(name)})
        except ValidationError as error:
            blank = _placed(_blank().model_copy(), name, entries)
            called, error = _with_any_name(entries, name, error)
            whole = entries.whole(name, called)
            found, rest = explain(error, whole, NamedImage.model_validate, NamedImage)
            entries.named[name] = blank
            if isinstance(rest, NamedImage) and whole == entries.whole(name):
                entries.rests[name] = entries.named[name] = _placed(rest, name, entries)
            for item in found:
                message = item.message.replace(_ANY_NAME, IMAGE_NAME)
                hint = item.hint.replace(_ANY_NAME, IMAGE_NAME)
                entries.told.append((blank, item._replace(message=message, hint=hint)))
            continue
        changed = {key: getattr(part, key) for key in (*entries.varying, *own)}
        image = NamedImage.model_construct(**{**common, "needs": part.needs, **changed})
        images[name] = _placed(image, name, entries)
    _note_logins_of_others(images, entries)
    return images


@cache
def _blank() -> NamedImage:
    """An image of which nothing is known: its defaults are copied once."""
    return NamedImage.model_construct()


def _with_any_name(
    entries: Entries, name: str, error: ValidationError
) -> tuple[str, ValidationError]:
    """The error of an image whatever its name is, so that a message can say ``${image.name}``."""
    try:
        NamedImage.model_validate(entries.part(name, _ANY_NAME))
    except ValidationError as general:
        return _ANY_NAME, general
    return name, error


def _placed(image: NamedImage, name: str, entries: Entries) -> NamedImage:
    image._name = name  # noqa: SLF001 - an image is told where it was written
    image._own = entries.own[name]  # noqa: SLF001
    image._shared = entries.shared  # noqa: SLF001
    image._differs = frozenset((*entries.varying, *entries.own[name], *PLACED))  # noqa: SLF001
    return image


def _note_logins_of_others(images: dict[str, NamedImage], entries: Entries) -> None:
    """Tell each image which logins at the top are there for other images to push with.

    A login that nothing pushes with is for base images, and every run gets it.
    """
    hosts = {name: pushed_hosts(image) for name, image in images.items()}
    pushed = {host for each in hosts.values() for host in each}
    for name, image in images.items():
        own = entries.own[name].get("registries") or {}
        mentioned = {canonical_host(host) for host in own}
        image._elsewhere = frozenset(pushed - hosts[name] - mentioned)  # noqa: SLF001
