"""The inputs of a form, and their defaults where nobody gives them."""

from __future__ import annotations

from ci_kaniko.kaniko.systems import known_names, system
from ci_kaniko.problems.finding import Finding, dotted, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any, TypeVar
from ci_kaniko.spec.given import CHOICE, chooser, given_in
from ci_kaniko.spec.pushed import named_hosts
from ci_kaniko.spec.texts import texts_of, texts_with_variables
from ci_kaniko.syntax.variables import (
    INPUT_PREFIX,
    INPUT_READ,
    Part,
    Parts,
    Ref,
    inputs_in,
    names,
    parts_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Input
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syntax.references import Reference

AnyBuild = TypeVar("AnyBuild", bound="Build")
_NONE: Mapping[str, str] = {}


def settled(build: AnyBuild, given: Mapping[str, str] = _NONE) -> AnyBuild:
    """A build whose paths, stage and registries hold what is ``given``, or the defaults.

    What has neither stays, for others to refuse.
    """
    if not build.inputs:
        return build
    known = {INPUT_PREFIX + name: item.default for name, item in build.inputs.items()}
    inputs = _Inputs({**known, **given})
    return build.with_hosts(inputs.text, inputs.changed(build))


def input_hint(target: str) -> str:
    """What to do about an input that nobody gives."""
    form = system(target).inputs
    give = "give the input a default"
    return f"{target}: {{form: {form}}} takes inputs, or {give}" if form else give


def chosen(build: AnyBuild) -> AnyBuild:
    """A build for the platforms that it is for when nobody gives the input that chooses them."""
    item = build.inputs.get(chooser(build))
    if item is None or item.default is None:
        return build
    return build.model_copy(update={"platforms": _some_of(build, item.default)})


def _some_of(build: Build, text: str) -> tuple[str, ...]:
    """The platforms of a build that the text of an input chooses."""
    wanted = text.split(",")
    return tuple(platform for platform in build.platforms if platform in wanted)


def settled_images(spec: Spec, given: Mapping[str, str]) -> Spec:
    """A spec with ``settled`` builds."""
    if not spec.inputs:
        return spec
    images = {name: settled(image, given) for name, image in spec.images.items()}
    return settled(spec, given).model_copy(update={"images": images})


def declared(spec: Spec, target: str) -> dict[str, Input]:
    """The inputs that the form of a target has: all but those that only another one reads."""
    read: dict[str, set[str]] = {}
    for build in spec.builds if spec.inputs else ():
        for (place, *_), text in texts_with_variables(build):
            for name in inputs_in(text):
                read.setdefault(name, set()).add(str(place))
        for reader in known_names():
            section = getattr(build, reader)
            for native in texts_of(section, "extra", type(section)):
                for name in spec.inputs:
                    if f"inputs.{name}" in native.text:
                        read.setdefault(name, set()).add(reader)
    others = {*known_names()} - {target}
    return {
        name: _described(spec, name, item)
        for name, item in spec.inputs.items()
        if not read.get(name) or read[name] - others
    }


def _described(spec: Spec, name: str, item: Input) -> Input:
    """An input; one that chooses platforms says which there are."""
    given = (each for build in spec.builds for each in given_in(build))
    known = next((each.known for each in given if (each.what, each.name) == (CHOICE, name)), ())
    if not known:
        return item
    which = ",".join(known)
    text = f"{item.description} (some of {which})" if item.description else f"Some of {which}"
    return item.model_copy(update={"description": text})


def unfit_inputs(spec: Spec, given: Mapping[str, str]) -> Iterator[Finding]:
    """Given values that make no path, stage or host."""
    for build in spec.builds:
        for each in given_in(build):
            text = given.get(INPUT_PREFIX + each.name)
            if text is not None and not each.fits(text):
                message = f"input.{each.name} cannot be {quoted(text)}"
                hint = f"{dotted(each.where)} is made of it: {each.hint}"
                yield Finding("bad-value", (), message, hint)


class _Inputs:
    def __init__(self, known: Mapping[str, str | None]) -> None:
        self._known = known

    def text(self, text: str) -> str:
        """A text with what is known."""
        return text_of(self._parts(parts_of(text))) if INPUT_READ in text else text

    def _parts(self, parts: Parts) -> Parts:
        return tuple(map(self._part, parts))

    def _part(self, part: Part) -> Part:
        known = self._known.get(part.name) if isinstance(part, Ref) else None
        return part.cut(known) if known and isinstance(part, Ref) else part

    def _reference(self, reference: Reference) -> Reference:
        registry = self._parts(reference.registry)
        return type(reference).of(registry, reference.repository, reference.tag)

    def changed(self, build: Build) -> dict[str, Any]:
        """The fields that hold inputs, with what is known."""
        paths = {"dockerfile": build.dockerfile, "target": build.target}
        if build.context.is_directory:
            paths["context"] = build.context
        update: dict[str, Any] = {
            name: self.text(text) for name, text in paths.items() if text and INPUT_READ in text
        }
        if any(map(_has_input, (item.image for item in build.destinations))):
            update["destinations"] = tuple(
                item.model_copy(update={"image": self._reference(item.image)})
                for item in build.destinations
            )
        cache = build.cache
        if cache and cache.remote and _has_input(cache.remote):
            repo = self._reference(cache.remote)
            update["cache"] = cache.model_copy(update={"repo": repo})
        if wanted := self._known.get(f"{INPUT_PREFIX}{chooser(build)}"):
            update["platforms"] = _some_of(build, wanted)
        if any(INPUT_READ in host for host in build.registries):
            # Destinations know which piece of a value is the host; keys of registries: do not.
            hosts = {host: host for host in named_hosts(build)}
            update["registries"] = {
                self.text(hosts.get(written, written)): login
                for written, login in build.registries.items()
            }
        return update


def _has_input(reference: Reference) -> bool:
    return any(name.startswith(INPUT_PREFIX) for name in names(reference.registry))
