"""The spec: what a user asks for, without a word about any CI system's syntax.

Every field carries its description and an example; the JSON Schema and ``docs/spec.md`` are made
from them.
"""

# No deferred annotations here: pydantic would have to compile the text of each.

import re

from ci_kaniko.kaniko.builders import CURLED, HELPED, KANIKO
from ci_kaniko.kaniko.systems import NAMES
from ci_kaniko.quick.declaring import Field, PrivateAttr
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.builder import BuilderName
from ci_kaniko.spec.clouds import ContextLogin
from ci_kaniko.spec.context import (
    BuildContext,
    BuildSecretId,
    Checkout,
    ClientCertificate,
    DockerfilePath,
    Git,
    Proxy,
    PushPolicy,
    Stage,
)
from ci_kaniko.spec.destinations import Cache, Destination
from ci_kaniko.spec.executor import Executor
from ci_kaniko.spec.extends import Bases
from ci_kaniko.spec.fields import (
    UNSAID,
    Boolean,
    BuildArgName,
    LabelName,
    Line,
    Lines,
    NotEmpty,
    PlainHost,
    Present,
    RegistryHost,
    RelativePath,
    SecretName,
    TagPrefix,
    Text,
)
from ci_kaniko.spec.labels import OrOci
from ci_kaniko.spec.logins import Registry
from ci_kaniko.spec.model import Later, Model
from ci_kaniko.spec.native.agola import Agola
from ci_kaniko.spec.native.buildkite import Buildkite
from ci_kaniko.spec.native.github import GitHub
from ci_kaniko.spec.native.gitlab import GitLab
from ci_kaniko.spec.native.kubernetes import Kubernetes
from ci_kaniko.spec.options import EnvName, Mirror, Options
from ci_kaniko.spec.outputs import ImageName, ImageNames, Outputs
from ci_kaniko.spec.policy import RuleId, RuleSetting
from ci_kaniko.spec.prepare import Input, InputName, Platforms, Prepare
from ci_kaniko.spec.releases import Requires
from ci_kaniko.spec.tools import Tools
from ci_kaniko.spec.triggers import Triggers
from ci_kaniko.syntax.contexts import Context, Dockerfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self, Unpack

    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.source.source import Source
    from ci_kaniko.spec.model import Section
    from ci_kaniko.spec.typed import NamedImageDict


class Build(Model):
    """How an image is built and where it is pushed."""

    default_branch: Present | None = Field(
        default=None,
        description="The repository's default branch, for targets that do not know it.",
        examples=["main"],
    )
    tag_prefix: TagPrefix = Field(
        default="",
        description="What stands before the version in a git tag, without a v: api/ of "
        "api/v1.2.3. Only such tags are versions then.",
        examples=["api/"],
    )
    context: BuildContext = Field(
        default=Context("."),
        description="The build context: a directory of the repository, or git:// s3:// gs:// "
        "https:// tar://.",
        examples=["services/shop", "git://github.com/acme/shop.git#refs/heads/main"],
    )
    checkout: Later[Checkout] | None = Field(
        default=None,
        description="What is checked out for a context that is a directory.",
        examples=[{"submodules": "recursive"}],
    )
    git: Later[Git] = Field(
        default=Git.model_construct(),
        description="What the executor needs to fetch a git context.",
        examples=[{"token": "GIT_TOKEN"}],
    )
    context_sub_path: RelativePath | None = Field(
        default=None,
        description="Directory inside a fetched context (git, s3, gs, https, tar).",
        examples=["services/shop"],
    )
    context_login: Later[ContextLogin] | None = Field(
        default=None,
        description="How the executor may fetch a context from s3, gs or Azure.",
        examples=[{"aws": "ambient", "region": "eu-west-1"}],
    )
    dockerfile: DockerfilePath = Field(
        default=Dockerfile("Dockerfile"),
        description="Path of the Dockerfile from the context; it may lie outside of it.",
        examples=["docker/Dockerfile"],
    )
    target: Stage | None = Field(
        default=None, description="Stage of the Dockerfile to build.", examples=["runtime"]
    )
    build_args: dict[BuildArgName, Lines] = Field(
        default={},
        description="Values of the Dockerfile's ARGs. They are visible in the image.",
        examples=[{"GO_VERSION": "1.26", "VERSION": "${tag:-dev}"}],
    )
    labels: Annotated[dict[LabelName, Lines], OrOci()] = Field(
        default={},
        description="Labels of the image. oci: true, or labels: oci, makes those of the OCI image "
        "specification: source, revision, created, version, url, ref.name; a reproducible image "
        "has no created.",
        examples=[{"oci": True, "org.opencontainers.image.title": "shop"}, "oci"],
    )
    annotations: dict[LabelName, Lines] = Field(
        default={},
        description="Annotations of the image's manifest; not with Google's kaniko.",
        examples=[{"org.opencontainers.image.version": "${ref.tag}"}],
    )
    destinations: tuple[Later[Destination], ...] = Field(
        default=(),
        description="Where to push: an image, or a mapping with image and when.",
        examples=[["ghcr.io/acme/shop:${commit.short}"]],
    )
    push: PushPolicy = Field(
        default="auto",
        description="auto: not for pull requests; always; never.",
        examples=["never"],
    )
    registries: dict[RegistryHost, Later[Registry]] = Field(
        default={},
        description="How to log in, by host; one login, or one per target with a default.",
        examples=[{"ghcr.io": {"username": "acme-bot", "password": "GHCR_TOKEN"}}],
    )
    cache: Later[Cache] | None = Field(
        default=None,
        description="Layer cache; without it nothing is cached.",
        examples=[{"repo": "ghcr.io/acme/shop/cache", "ttl": "168h"}],
    )
    triggers: Later[Triggers] | None = Field(
        default=None,
        description="What starts the job; without it: the default branch, tags, pull requests.",
        examples=[{"branches": ["main"], "tags": ["v*"], "pull_requests": True}],
    )
    tools: Later[Tools] = Field(
        default=Tools.model_construct(),
        description="The images and the action that rendered files name beside one's own; one "
        "entry changes it on every target.",
        examples=[{"regctl": "registry.example.com/mirror/regctl:v0.11.5-alpine"}],
    )
    mirrors: Annotated[dict[PlainHost, Mirror], UNSAID] = Field(
        default={},
        description="Where to pull from instead, by host: base images, the executor, the tools "
        "and what prepares. docker.io is Docker Hub.",
        examples=[{"docker.io": "registry.example.com/hub"}],
    )
    builder: BuilderName = Field(
        default=KANIKO,
        description="The program that builds: kaniko, which needs least from a runner, buildkit or "
        "buildah. A target can have another one: gitlab: {builder: buildah}.",
        examples=["buildah"],
    )
    executor: Later[Executor] = Field(
        default=Executor.model_construct(),
        description="The kaniko to run: its distribution, version, image and digests.",
        examples=[{"distribution": "osscontainertools", "version": "v1.28.3"}],
    )
    options: Later[Options] = Field(
        default=Options.model_construct(),
        description="The remaining flags of the executor.",
        examples=[{"snapshot_mode": "redo"}],
    )
    extra_args: tuple[Line, ...] = Field(
        default=(),
        description="Arguments without a field, each --flag=value.",
        examples=[["--some-new-flag=value"]],
    )
    build_secrets: dict[BuildSecretId, SecretName] = Field(
        default={},
        description="Secrets for RUN --mount=type=secret,id=ID, by id: the NAME of each. "
        "With osscontainertools' kaniko only.",
        examples=[{"npm": "NPM_TOKEN"}],
    )
    certificates: dict[PlainHost, SecretName] = Field(
        default={},
        description="Private certificate authorities, by host: the NAME of the secret that holds "
        "the PEM text. They are trusted beside the public ones.",
        examples=[{"registry.example.com": "ACME_CA"}],
    )
    client_certificates: dict[PlainHost, Later[ClientCertificate]] = Field(
        default={},
        description="Certificates that the executor shows to a registry, by host.",
        examples=[{"registry.example.com": {"certificate": "ACME_CERT", "key": "ACME_CERT_KEY"}}],
    )
    env: dict[EnvName, Text] = Field(
        default={},
        description="Variables of the executor that no field sets; RUN lines do not see them.",
        examples=[{"FF_KANIKO_NEW_CACHE_LOOKUP": "1", "SSL_CERT_DIR": "/etc/ssl/certs"}],
    )
    proxy: Later[Proxy] | None = Field(
        default=None,
        description="Proxies for the executor and for RUN lines; the image keeps none of them.",
        examples=[{"https": "http://proxy.example.com:3128", "no_proxy": "registry.local"}],
    )
    gitlab: Later[GitLab] = Field(
        default=GitLab.model_construct(),
        description="GitLab's own settings.",
        examples=[{"stage": "build"}],
    )
    github: Later[GitHub] = Field(
        default=GitHub.model_construct(),
        description="GitHub's own settings.",
        examples=[{"timeout_minutes": 30}],
    )
    buildkite: Later[Buildkite] = Field(
        default=Buildkite.model_construct(),
        description="Buildkite's own settings.",
        examples=[{"queue": "kubernetes"}],
    )
    agola: Later[Agola] = Field(
        default=Agola.model_construct(),
        description="Agola's own settings.",
        examples=[{"arch": "amd64"}],
    )
    kubernetes: Later[Kubernetes] = Field(
        default=Kubernetes.model_construct(),
        description="Kubernetes' own settings.",
        examples=[{"memory": "4Gi"}],
    )
    prepare: Later[Prepare] | None = Field(
        default=None,
        description="What runs in another image first, such as a compiler.",
        examples=[
            {
                "image": "docker.io/library/golang:1.26",
                "commands": ["go build -o bin/shop ./cmd/shop"],
                "artifacts": ["bin/shop"],
            }
        ],
    )
    platforms: Platforms = Field(
        default=(),
        description="Platforms to build for, each by a job on a runner of its own kind; one more "
        "job joins them into one image.",
        examples=[["linux/amd64", "linux/arm64"]],
    )
    digest: Boolean = Field(
        default=False,
        description="Hand the digest of what was pushed to later jobs.",
        examples=[True],
    )
    inputs: dict[InputName, Later[Input]] = Field(
        default={},
        description="Values that whoever includes the job gives it; for the reusable forms of "
        "GitLab, GitHub and Buildkite.",
        examples=[{"channel": {"default": "dev"}}],
    )

    _name: str = PrivateAttr(default="")
    _elsewhere: frozenset[str] = PrivateAttr(default=frozenset())

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @property
    def name(self) -> str:
        """The image's name; empty when it is the only one of its spec."""
        return self._name

    @property
    def context_folder(self) -> str:
        """The folder that is built from: one of the repository, or in what is fetched."""
        return self.context if self.context.is_directory else self.context_sub_path or "."

    @property
    def elsewhere(self) -> frozenset[str]:
        """Hosts whose logins are there for other jobs to push with."""
        return self._elsewhere

    def built_by(self, target: str) -> str:
        """The program that builds on a target: its own, or that of all."""
        section: Section | None = getattr(self, target, None)
        return (section and section.builder) or self.builder

    def asks_store(self, target: str) -> bool:
        """Whether a script fetches the context: the builder is no client of stores."""
        return self.built_by(target) not in HELPED and bool(self.context.store)

    def asks_before(self, target: str) -> bool:
        """Whether a cloud is asked for something by a container before the one that builds."""
        if self.built_by(target) in HELPED | CURLED:
            return False
        if self.asks_store(target):
            return True
        logins = (entry.on(target) for entry in self.registries.values())
        return any(login is not None and login.is_signed for login in logins)

    @property
    def kaniko_builds(self) -> bool:
        """Whether it does on a target."""
        return any(self.built_by(target) == KANIKO for target in NAMES)

    def with_hosts(self, rename: "Callable[[str], str]", update: "Mapping[str, Any]") -> "Self":
        """A copy with other values, in which registries have other names."""
        copy = self.model_copy(update=update)
        elsewhere = frozenset(map(rename, self._elsewhere))
        copy._elsewhere = elsewhere  # noqa: SLF001 - another of the same class
        return copy

    @property
    def differs(self) -> frozenset[str] | None:
        """What may be other than in the other images of the spec; None for everything."""
        return None

    def at(self, where: "Where") -> "Where":
        """Where in the spec a part of this build was written."""
        return where


IGNORED = r"^(x-.*|\$schema|version)$"


def is_ignored(key: object) -> bool:
    """Whether a key at the top is for other readers of the file, as in compose files."""
    return isinstance(key, str) and re.match(IGNORED, key) is not None


OF_THE_SPEC = ("images", "outputs", "templates", "extends", "rules", "requires")
TOP_ONLY = ("default_branch", "checkout", "tools", "mirrors", "inputs", *OF_THE_SPEC)
"""What is said once, for all images; no build has what is only OF_THE_SPEC."""
PLACED = ("name", "needs", "elsewhere", "differs", "at")
"""What comes of where an image was written."""


class NamedImage(Build):
    """One of several images: what it does not say, the top of the spec says for all."""

    needs: ImageNames = Field(
        default=(),
        description="Images that must be finished before this one is built.",
        examples=[["base"]],
    )

    _own: Any = PrivateAttr(default_factory=dict)
    _shared: Any = PrivateAttr(default_factory=dict)
    _differs: frozenset[str] | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[NamedImageDict]") -> None: ...

    def __eq__(self, other: object) -> bool:
        """Two images are equal when they ask for the same, wherever they were written."""
        return (
            isinstance(other, NamedImage)
            and (self._name, self._elsewhere) == (other._name, other._elsewhere)
            and self.__dict__ == other.__dict__
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def own(self) -> "Mapping[str, Any]":
        """What this image says itself, as it was written."""
        own: Mapping[str, Any] = self._own
        return own

    def model_copy(self, **options: Any) -> "NamedImage":
        """A copy, of which nobody knows what it has in common with the other images."""
        copy = super().model_copy(**options)
        copy._differs = None  # noqa: SLF001
        return copy

    @property
    def differs(self) -> frozenset[str] | None:
        """What this image says itself, what holds its name, and what comes of both."""
        return self._differs

    def at(self, where: "Where") -> "Where":
        """Where in the spec a part of this image was written: here, or at the top for all."""
        here = ("images", self._name, *where)
        own, shared = _depth(self._own, where), _depth(self._shared, where)
        return where if shared > own else here


def _depth(data: Any, where: "Where") -> int:
    """How many steps of ``where`` there are in ``data``."""
    for depth, step in enumerate(where):
        found = (isinstance(data, dict) and data.get(str(step)) is not None) or (
            isinstance(data, list | tuple) and step in range(len(data))
        )
        if not found:
            return depth
        data = data[step]
    return len(where)


class Checked:
    """What the rules say about one spec, and about no copy of it, which may be a changed one."""

    def __init__(self, spec: "SpecFields", findings: "list[Finding]") -> None:
        self.spec = spec
        self.findings = findings

    def __deepcopy__(self, memo: object) -> "Checked":
        return self


class SpecFields(Build):
    """What a spec holds; Spec is what users make of it."""

    images: Annotated[dict[ImageName, Later[NamedImage]], NotEmpty("an image"), UNSAID] = Field(
        default={},
        description="Several images, by name. Each inherits the rest of the spec: its own texts "
        "and lists replace, its mappings are merged key by key, null removes; ${image.name} is "
        "its name in every text.",
        examples=[{"api": {"context": "services/api"}, "web": {"needs": ["api"]}}],
    )
    outputs: Later[Outputs] = Field(
        default=Outputs.model_construct(),
        description="Files that hold the rendered configuration.",
        examples=[{"gitlab": ".gitlab-ci.yml"}],
    )
    templates: RelativePath | None = Field(
        default=None,
        description="A folder with templates of your own, from the repository root: "
        "gitlab.yml.j2 there is filled in the place of ci-kaniko's.",
        examples=["ci/templates"],
    )

    extends: Bases = Field(
        default=(),
        description="Files under this one, or several, the last one uppermost: a path from the "
        "folder of this file, or package:NAME/FILE of an installed Python package. What is said "
        "here lies over what they say, as an image lies over the top: texts and lists replace, "
        "mappings are merged key by key, null removes.",
        examples=["base.yaml", ["package:fleet/base.yaml", "../team.yaml"]],
    )
    requires: Requires | None = Field(
        default=None,
        description="The releases of ci-kaniko that may read this spec. With it, each rendered "
        "file names the release that made it.",
        examples=[">=0.1,<1"],
    )
    rules: Annotated[dict[RuleId, Later[RuleSetting]], UNSAID] = Field(
        default={},
        description="How bad a problem is: error, warning or off, by the rule in brackets behind "
        "its message. For warnings, and for the rules pinned-images and allowed-registries, which "
        "are off; an error stays one.",
        examples=[
            {"allowed-registries": ["ghcr.io", "docker.io"], "unused-login": "off"},
            {"native-variable": {"severity": "error", "locked": True}},
        ],
    )

    _source: "Source | None" = PrivateAttr(default=None)
    _checked: Checked | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @property
    def source(self) -> "Source | None":
        """Where the spec was written; None when it was built in Python."""
        return self._source

    @property
    def repository(self) -> str:
        """The repository it lies in; without a place of its own, that of the current folder."""
        from ci_kaniko.repository.discovery import FILE_NAMES, root_of

        source = self._source
        return root_of(source.path if source and source.place else FILE_NAMES[0])

    @property
    def findings(self) -> "list[Finding] | None":
        """What the rules say about the spec; None for a changed copy, which nobody has asked."""
        known = self._checked
        return known.findings if known and known.spec is self else None

    @property
    def builds(self) -> tuple[Build, ...]:
        """Every image of the spec with all that it inherits: itself when it has no ``images``."""
        return tuple(self.images.values()) or (self,)

    def first_of(self, names: tuple[str, ...]) -> Build | None:
        """The first image of some, or of all; None when one of them is none."""
        if not set(names) <= set(self.images):
            return None
        return self.images[names[0]] if names else self.builds[0]


def check_spec(given: object) -> None:
    """Raises TypeError for what is no spec, such as the path of one."""
    if not isinstance(given, SpecFields):
        raise TypeError(f"spec is a Spec, as load(PATH) reads one, not {given!r:.80}")
