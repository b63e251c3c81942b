"""The Pods of a pipeline: images that wait for each other are built in one, in their order."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import FETCHING
from ci_kaniko.plan.jobs import job_name, preparation_name
from ci_kaniko.plan.model import proxies
from ci_kaniko.plan.platforms import DEFAULT
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple, dataclass, field, replace
from ci_kaniko.targets.kubernetes.containers import (
    Container,
    building_containers,
    clone_container,
    prepare_container,
)
from ci_kaniko.targets.pods import cloud_labels, documents, pull_secrets, toleration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Preparation
    from ci_kaniko.plan.values import Values
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.native.kubernetes import Kubernetes

ARCHITECTURE = "kubernetes.io/arch"

_JOINED = (
    *("kind", "namespace", "service_account", "image_pull_secrets", "node_selector"),
    *("tolerations", "labels", "annotations", "deadline_seconds", "extra"),
)
"""Settings that a Pod has once."""
_WIDER = {"arm": "arm64", "386": "amd64"}
_CLONED: tuple[Where, ...] = (
    ("git", "token"),
    ("git", "username"),
    ("proxy",),
)
"""What the container depends on that clones the repository."""


class Group(NamedTuple):
    """Images that are built in one Pod, in this order."""

    images: tuple[Image, ...]

    @property
    def last(self) -> Image:
        """The image that nothing in the Pod waits for: its container is the main one."""
        return self.images[-1]

    @property
    def name(self) -> str:
        """What the Pod's name begins with."""
        given = next((name for image in self.images if (name := _section(image).name)), None)
        return given or native(job_name(None, self.last))


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A Pod, or the Job that makes it, as the template writes it."""

    section: Kubernetes
    name: str
    init: list[Container]
    main: Container
    node_selector: dict[str, str]
    labels: dict[str, str]
    identity: dict[str, str]
    """Labels by which a cloud knows the Pod itself."""
    annotations: dict[str, str]
    volumes: list[dict[str, Any]]
    pull_secrets: list[str]

    @property
    def containers(self) -> list[Container]:
        """All of them, in the order in which they run."""
        return [*self.init, self.main]

    @property
    def size(self) -> int:
        """About how many bytes the Pod has where Kubernetes keeps it."""
        from json import dumps

        return len(dumps(self.containers, default=vars, ensure_ascii=False))

    @property
    def tolerations(self) -> list[dict[str, str]]:
        """As Kubernetes writes them."""
        return [toleration(item) for item in self.section.tolerations]

    @property
    def metadata(self) -> dict[str, Any]:
        """Of the Pod, or of the Job."""
        metadata: dict[str, Any] = {"generateName": f"{self.name}-"}
        if self.section.namespace:
            metadata["namespace"] = self.section.namespace
        told = self.pod_metadata if self.section.kind == "Pod" else {"labels": self.labels}
        return {**metadata, **told}

    @property
    def pod_metadata(self) -> dict[str, Any]:
        """What the Pod is told, also as a Job's."""
        labels = {"labels": {**self.labels, **self.identity}}
        return {**labels, "annotations": self.annotations} if self.annotations else labels


def grouped(images: Iterable[Image]) -> list[Group]:
    """The images of each Pod: those that wait for each other, in the order of the pipeline."""
    images = list(images)
    numbers: dict[str, int] = {}
    for number, image in enumerate(images):
        joined = {number, *(numbers[name] for name in image.needs)}
        numbers[image.name] = number
        first = min(joined)
        numbers |= {name: first for name, number in numbers.items() if number in joined}
    groups: dict[int, list[Image]] = {}
    for image in images:
        groups.setdefault(numbers[image.name], []).append(image)
    return [Group(tuple(group)) for group in groups.values()]


def native(name: str) -> str:
    """A name as Kubernetes takes it.

    >>> native("build-web_ui.v2")
    'build-web-ui-v2'
    """
    return name.replace(".", "-").replace("_", "-")


def node_selector(image: Image) -> dict[str, str]:
    """The labels of the nodes that can build the image."""
    platform = image.jobs[0].platform
    chosen = {} if platform in {"", DEFAULT} else {ARCHITECTURE: architecture(platform)}
    return {**chosen, **_section(image).node_selector}


def architecture(platform: str) -> str:
    """What Kubernetes calls the machine of a platform.

    >>> architecture("linux/arm/v7")
    'arm'
    """
    return platform.split("/")[1]


def can_build(machine: str, platform: str) -> bool:
    """Whether nodes of an architecture run what is built for a platform.

    >>> can_build("arm64", "linux/arm/v7"), can_build("amd64", "linux/arm64")
    (True, False)
    """
    return machine in {architecture(platform), _WIDER.get(architecture(platform))}


def fetches(build: Build) -> bool:
    """Whether the builder itself fetches the repository at the commit."""
    by_itself = build.built_by("kubernetes") in FETCHING
    return by_itself and not build.kubernetes.clone and build.prepare is None


def uses_workspace(image: Image) -> bool:
    """Whether the Pod clones the repository for this image."""
    cloned = image.build.context.is_checked_out and not fetches(image.build)
    return cloned or _section(image).clone or image.preparation is not None


def pod_of(group: Group, plans: Mapping[str, Plan], known: Values) -> Pod:
    """The Pod that builds a group of images."""
    containers = list(_containers(group, plans, known))
    volumes = _Volumes()
    annotations = _Annotations()
    placed = []
    for plan, container in containers:
        renamed = annotations.add(plan) if plan else {}
        placed.append(volumes.mounted(container, renamed))
    section = _section(group.last)
    names = (pull_secrets(image.build, "kubernetes") for image in group.images)
    ready = dict.fromkeys(name for found in names for name in found)
    labels = [cloud_labels(plan) for plan, _ in containers if plan]
    return Pod(
        section=section,
        name=group.name,
        init=placed[:-1],
        main=placed[-1],
        node_selector=node_selector(group.last),
        labels={**_recommended(group, plans[group.last.name]), **section.labels},
        identity={key: text for each in labels for key, text in each.items()},
        annotations={**section.annotations, **annotations.texts},
        volumes=volumes.volumes,
        pull_secrets=[
            *section.image_pull_secrets,
            *(name for name in ready if name not in section.image_pull_secrets),
        ],
    )


def _recommended(group: Group, plan: Plan) -> dict[str, str]:
    """The labels by which Kubernetes' tools group what belongs together."""
    return {
        "app.kubernetes.io/name": builder_of(plan).name,
        "app.kubernetes.io/component": group.name,
        "app.kubernetes.io/managed-by": "ci-kaniko",
    }


def _containers(
    group: Group, plans: Mapping[str, Plan], known: Values
) -> Iterator[tuple[Plan | None, Container]]:
    """The containers in the order in which they run; those that build come with their plan."""
    workspaces = dict.fromkeys(image.preparation for image in group.images if uses_workspace(image))
    filled: set[Preparation | None] = set()
    for image in group.images:
        preparation, workspace = image.preparation, ""
        if uses_workspace(image):
            several = len(workspaces) > 1 and preparation is not None
            suffix = f"-{native(preparation.name)}" if several and preparation else ""
            workspace = f"workspace{suffix}"
            if preparation not in filled:
                filled.add(preparation)
                source = known.source()
                yield None, clone_container(image.build, source, f"clone{suffix}", workspace)
                if preparation is not None:
                    name = native(preparation_name(preparation)) if several else "prepare"
                    prepare = preparation.prepare
                    yield None, prepare_container(image.build, prepare, name, workspace)
        ending = f"-{native(image.name)}" if len(group.images) > 1 else ""
        yield from building_containers(plans[image.name], workspace, ending)


@dataclass
class _Volumes:
    """The volumes of a Pod: equal ones are shared, others of one name get a number."""

    volumes: list[dict[str, Any]] = field(default_factory=list)
    _names: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    def mounted(self, container: Container, annotations: Mapping[str, str]) -> Container:
        """The container with the volumes as the Pod names them."""
        names = {}
        for volume in container.volumes:
            given = volume["name"]
            content = _with_annotations({**volume, "name": ""}, annotations)
            names[given] = self._name(given, content)
        mounts = [{**mount, "name": names[mount["name"]]} for mount in container.mounts]
        return replace(container, mounts=mounts)

    def _name(self, given: str, content: dict[str, Any]) -> str:
        alike = [(known, name) for wish, known, name in self._names if wish == given]
        for known, name in alike:
            if known == content:
                return name
        name = f"{given}-{len(alike) + 1}" if alike else given
        self._names.append((given, content, name))
        self.volumes.append({**content, "name": name})
        return name


def _with_annotations(value: Any, renamed: Mapping[str, str]) -> Any:
    """``value`` with other names for the annotations that it reads."""
    if isinstance(value, dict):
        return {key: _with_annotations(item, renamed) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_annotations(item, renamed) for item in value]
    return renamed.get(value, value)


@dataclass
class _Annotations:
    """The documents of clouds, each in an annotation of its own."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, plan: Plan) -> dict[str, str]:
        """Note those of a plan; the paths of the fields that got another name."""
        renamed = {}
        for given, text in documents(plan).items():
            name, number = given, 1
            while self.texts.setdefault(name, text) != text:
                number += 1
                name = f"{given}-{number}"
            renamed[_path(given)] = _path(name)
        return renamed


def _path(annotation: str) -> str:
    return f"metadata.annotations['{annotation}']"


def _section(image: Image) -> Kubernetes:
    return image.build.kubernetes


def disagreements(group: Group) -> Iterator[Finding]:
    """Settings of a Pod in which the images that it builds differ, each once."""
    images = group.images
    fields = [*_JOINED, *(["ttl_seconds"] if _section(images[0]).kind == "Job" else [])]
    yield from _differences(images, [*(("kubernetes", name) for name in fields), ("platforms",)])
    named = [image for image in images if _section(image).name]
    yield from _differences(named, [("kubernetes", "name")])
    cloned = [image for image in images if uses_workspace(image)]
    for preparation in dict.fromkeys(image.preparation for image in cloned):
        users = [image for image in cloned if image.preparation == preparation]
        with_secret = any(_clones_with_secret(image.build) for image in users)
        secret = [("kubernetes", "secret")] if with_secret else []
        yield from _differences(users, [*_CLONED, *secret])


def _clones_with_secret(build: Build) -> bool:
    return bool(build.git.token) or any(not isinstance(item, str) for _, item in proxies(build))


def _differences(images: Sequence[Image], fields: Iterable[Where]) -> Iterator[Finding]:
    for where in fields:
        for image in images[1:]:
            if _value(image, where) != _value(images[0], where):
                yield _disagreement(images[0], image, where)
                break


def _value(image: Image, where: Where) -> Any:
    if where == ("platforms",):
        return image.jobs[0].platform or DEFAULT
    value: Any = image.build
    for step in where:
        value = getattr(value, str(step))
    return value


def _disagreement(one: Image, other: Image, where: Where) -> Finding:
    says = other if _is_given(other, where) or not _is_given(one, where) else one
    dotted = ".".join(map(str, where))
    return Finding(
        "joined-images",
        says.build.at(where),
        f"{quoted(one.name)} and {quoted(other.name)} are built in one Pod, because needs: joins "
        f"them, and differ in {dotted}",
        f"give them the same {dotted}, such as once at the top; without needs: each has a Pod",
    )


def _is_given(image: Image, where: Where) -> bool:
    """Whether the spec says it rather than leaving it to the default."""
    section = image.build
    for step in where[:-1]:
        section = getattr(section, str(step))
    default = type(section).model_fields[str(where[-1])].get_default(call_default_factory=True)
    return bool(getattr(section, str(where[-1])) != default)
