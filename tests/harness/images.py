"""What each image of a pipeline is by itself: inheritance and platforms, worked out a second time.

Like the rest of the oracle it reads the YAML as text and shares no code with ci-kaniko. Every job
of a pipeline becomes a spec of one image, of which `expectation` knows what has to happen.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from harness import expectation, expected_arguments, expected_logins
from harness.expectation import Run, Spec, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.rehearsing.events import Event

LINUX = "linux/amd64"
_NULLS = {"", "~", "null", "Null", "NULL"}
_ABOVE = ("images", "outputs", "inputs")
_BESIDE = ("needs", "platforms", "prepare", "digest")


@dataclass(frozen=True)
class Image:
    """One image with everything that it says and inherits; its name is empty when it is alone."""

    name: str
    data: Mapping[str, Any]
    elsewhere: frozenset[str] = frozenset()

    @functools.cached_property
    def spec(self) -> Spec:
        """The image as the only one of its spec, without what makes it part of a pipeline."""
        data = {key: item for key, item in self.data.items() if key not in _BESIDE}
        if len(self.platforms) == 1 and self.platforms != (LINUX,):
            options = {**data.get("options", {}), "custom_platform": self.platforms[0]}
            data = {**data, "options": options}
        return Spec(_with_own_logins(data, self.elsewhere))

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(listed(self.data.get("needs", []))))

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(listed(self.data.get("platforms", [])))

    @property
    def is_staged(self) -> bool:
        return len(self.platforms) > 1

    @property
    def prepare(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.data.get("prepare")
        return found

    @property
    def digest(self) -> bool:
        return bool(self.data.get("digest") == "true")

    @property
    def pushes(self) -> bool:
        """Whether some event makes it push."""
        return bool(self.data.get("push") != "never")


@dataclass(frozen=True)
class Job:
    """A job of an image: `platform` is empty for the only one, `joins` for the last of several."""

    image: Image
    platform: str = ""
    joins: bool = False

    @property
    def name(self) -> str:
        """As most platforms call it."""
        return "-".join(filter(None, ["build", self.image.name or "image", slug(self.platform)]))

    @functools.cached_property
    def spec(self) -> Spec:
        if self.joins:
            return joining(self.image)
        return on_platform(self.image, self.platform) if self.platform else self.image.spec

    @property
    def hands_over(self) -> bool:
        """Whether later jobs get a digest from it."""
        return self.image.digest or bool(self.platform and self.image.pushes)

    @property
    def whole(self) -> Spec:
        """Everything that the image says, its login for other jobs included."""
        return Spec(self.image.data)

    def run(self, target: str, event: Event) -> Run:
        return Run(self.spec, target, event)

    def staged_at(self, wanted: Run) -> str:
        """The host of the repository in which platforms wait for the others."""
        first = _reference(listed(self.image.data["destinations"])[0])
        known = expectation.known(wanted.target, wanted.event)
        return expectation.host(expectation.replaced(first, known, in_image=True))

    def arguments(self, target: str, event: Event) -> list[str]:
        """What the executor gets; the file of a digest that is handed over comes last."""
        wanted = self.run(target, event)
        pushed = self.hands_over and expectation.images(wanted)
        return [
            *expected_arguments.arguments(wanted),
            *(["--digest-file=<digest>"] if pushed else []),
        ]

    def hosts_of_others(self, target: str, event: Event) -> set[str]:
        """Hosts whose login stands in the spec, but is none of this job's business."""
        whole = expected_logins.all_logins(Run(self.whole, target, event))
        own = expected_logins.all_logins(self.run(target, event))
        ready = {login.secrets for login in own.values() if login.kind == "docker-config"}
        return {host for host, login in whole.items() if login.secrets not in ready} - own.keys()


@dataclass(frozen=True)
class Pipeline:
    """Every image of a spec, each after those that it needs, otherwise as they were written."""

    images: Mapping[str, Image]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that build or join; what prepares is not among them."""
        return tuple(job for image in self.images.values() for job in _jobs(image))

    def form(self, target: str) -> str:
        """What the file is on a target; empty for what the platform starts by itself."""
        found = self.data.get(target, {}).get("form", "")
        return "" if found in ("pipeline", "workflow") else found

    def preparations(self) -> dict[str, list[Image]]:
        """The names of the jobs that prepare, each with the images that it is for."""
        groups: dict[str, list[Image]] = {}
        for image in self.images.values():
            if image.prepare:
                groups.setdefault(json.dumps(image.prepare, sort_keys=True), []).append(image)
        return {
            f"prepare-{members[0].name}" if members[0].name else "prepare": members
            for members in groups.values()
        }

    def preparation_of(self, image: Image) -> str | None:
        for name, members in self.preparations().items():
            if image in members:
                return name
        return None


def _jobs(image: Image) -> Iterator[Job]:
    if not image.is_staged:
        yield Job(image)
        return
    for platform in image.platforms:
        yield Job(image, platform)
    if image.pushes:
        yield Job(image, joins=True)


def slug(platform: str) -> str:
    return platform.removeprefix("linux/").replace("/", "-")


# -- inheritance ------------------------------------------------------------------------------


def plain(text: str) -> Any:
    """The document as texts, lists and mappings; what is null is None."""
    node = yaml.compose(text, yaml.CBaseLoader)
    return {} if node is None else _plain(node)


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return None if not node.style and node.value in _NULLS else node.value


@functools.cache
def read(text: str) -> Pipeline:
    """Every image of a spec; inputs are what they are when nobody gives them."""
    return given(text, ())


@functools.cache
def given(text: str, inputs: tuple[tuple[str, str], ...]) -> Pipeline:
    """Every image of a spec, with the inputs that somebody gives."""
    data = plain(text)
    declared = data.get("inputs") or {}
    values = {name: entry.get("default", "") for name, entry in declared.items()}
    data = _with_inputs(data, {**values, **dict(inputs)})
    top = {key: item for key, item in data.items() if key not in _ABOVE}
    if not data.get("images"):
        only = Image("", _without_nulls(top))
        return Pipeline({"": only}, declared, _without_nulls(data))
    wholes = {name: named(merged(top, own or {}), name) for name, own in data["images"].items()}
    pushed = {name: pushed_hosts(whole) for name, whole in wholes.items()}
    everybody = frozenset[str]().union(*pushed.values())
    images = {
        name: Image(name, whole, everybody - pushed[name] - _mentioned(data["images"][name]))
        for name, whole in wholes.items()
    }
    return Pipeline(_in_order(images), declared, _without_nulls(top))


def _in_order(images: Mapping[str, Image]) -> dict[str, Image]:
    ordered: dict[str, Image] = {}

    def place(name: str) -> None:
        for needed in images[name].needs:
            place(needed)
        ordered.setdefault(name, images[name])

    for name in images:
        place(name)
    return ordered


def merged(shared: Any, own: Any) -> Any:
    """Texts and lists replace, mappings are merged by key, and null takes away."""
    if not isinstance(own, dict):
        return own
    if not isinstance(shared, dict):
        shared = {}
    return {
        key: merged(shared.get(key), own[key]) if key in own else _without_nulls(shared[key])
        for key in [*shared, *(key for key in own if key not in shared)]
        if own.get(key, shared.get(key)) is not None
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def named(value: Any, name: str) -> Any:
    """`${image.name}` is the name, in texts and not in keys; `$${` stays what it is."""

    def put(found: re.Match[str]) -> str:
        return found[0] if found[0] == "$${" else name

    return _in_texts(value, lambda text: re.sub(_NAME, put, text))


_NAME = re.compile(r"\$\$\{|\$\{image\.name(?::-[^}]*)?\}")


def _with_inputs(value: Any, inputs: Mapping[str, str]) -> Any:
    """`${input.NAME}` is what was given, and nothing in it is read again."""

    def put(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return found[0]
        return (inputs[found[1]] or found[2] or "").replace("${", "$${")

    pattern = re.compile(r"\$\$\{|\$\{input\.(\w+)(?::-([^}]*))?\}")
    value = _in_texts(value, lambda text: pattern.sub(put, text))
    for part in (value, *(value.get("images") or {}).values()):
        if part and "registries" in part:
            hosts = part["registries"].items()
            part["registries"] = {pattern.sub(put, host): login for host, login in hosts}
    return value


def _in_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _in_texts(item, change) for key, item in value.items()}
    return [_in_texts(item, change) for item in value] if isinstance(value, list) else value


# -- logins -----------------------------------------------------------------------------------


def pushed_hosts(data: Mapping[str, Any]) -> set[str]:
    """The hosts, as they are written, that an image or its cache is pushed to."""
    if data.get("push") == "never":
        return set()
    texts = [_reference(item) for item in listed(data.get("destinations", []))]
    cache = (data.get("cache") or {}).get("repo", "oci:")
    if not cache.startswith("oci:"):
        texts.append(cache)
    return {_host(text) for text in texts}


def _host(text: str) -> str:
    """The host of a reference; the image of a CI's own registry is on that registry."""
    return expectation.host(text.replace("${registry.image}", "${registry.host}/x"))


def _mentioned(own: Mapping[str, Any] | None) -> set[str]:
    return {_host(f"{host}/x") for host in (own or {}).get("registries") or {}}


def _with_own_logins(data: Mapping[str, Any], others: frozenset[str]) -> dict[str, Any]:
    """What other jobs push with is left out; what pulls is for all."""
    kept = {
        host: entry
        for host, entry in (data.get("registries") or {}).items()
        if _host(f"{host}/x") not in others
        or (isinstance(entry, dict) and entry.get("pull") == "true")
    }
    return {**data, "registries": kept} if "registries" in data else dict(data)


# -- platforms --------------------------------------------------------------------------------


def _reference(destination: Any) -> str:
    return str(destination if isinstance(destination, str) else destination["image"])


def _condition(destination: Any) -> list[Any]:
    return listed("always" if isinstance(destination, str) else destination.get("when", "always"))


def repository(reference: str) -> str:
    """A reference without its tag; a colon in `${name:-text}` is none."""
    masked = re.sub(r"\$\{[^}]*\}", lambda found: "_" * len(found[0]), reference)
    colon = masked.rfind(":")
    return reference[:colon] if colon > masked.rfind("/") else reference


def staging(image: Image, platform: str) -> str:
    """Where a platform's image waits to be joined."""
    first = _reference(listed(image.data["destinations"])[0])
    name = f"{image.name}-" if image.name else ""
    return f"{repository(first)}:${{commit.sha}}-{name}{slug(platform)}"


def on_platform(image: Image, platform: str) -> Spec:
    """One of several platforms as an image by itself."""
    data = dict(image.data)
    if image.pushes:
        conditions = [item for each in listed(data["destinations"]) for item in _condition(each)]
        when = "always" if "always" in conditions else conditions
        data["destinations"] = [{"image": staging(image, platform), "when": when}]
    if "cache" in data:
        data["cache"] = {**data["cache"], "repo": f"{data['cache']['repo']}-{slug(platform)}"}
    data["options"] = {**data.get("options", {}), "custom_platform": platform}
    others = image.elsewhere | (pushed_hosts(image.data) - pushed_hosts(data))
    return replace(image, data=_without(data, *_BESIDE), elsewhere=frozenset(others)).spec


def joining(image: Image) -> Spec:
    """The job that joins the platforms: the public destinations, and their logins only."""
    wanted = ("default_branch", "destinations", "push", "registries", "triggers")
    data = {key: image.data[key] for key in wanted if key in image.data}
    reached = pushed_hosts(data)
    logins = data.get("registries") or {}
    kept = {host: entry for host, entry in logins.items() if _host(f"{host}/x") in reached}
    return Spec({**data, "registries": kept})


def _without(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item for key, item in data.items() if key not in keys}
