"""The spec: what a user asks for, without a word about any CI system's syntax.

Every field carries its description and an example; the JSON Schema and ``docs/spec.md`` are made
from them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from ci_kaniko import grammar
from ci_kaniko.conditions import ALWAYS
from ci_kaniko.executors import DEFAULT, DISTRIBUTIONS
from ci_kaniko.fields import (
    LIST_OR_ONE,
    STRING,
    TEXT,
    Boolean,
    BuildArgName,
    CacheRepo,
    Context,
    Digest,
    Dockerfile,
    Duration,
    GitToken,
    Globs,
    Image,
    LabelName,
    Lines,
    Model,
    PlainHost,
    Platform,
    Present,
    Reads,
    RegistryHost,
    RelativePath,
    SecretName,
    Template,
    Version,
    When,
    check_plain,
    checked,
    choice,
    whole,
)
from ci_kaniko.findings import Refused, quoted
from ci_kaniko.logins import ContextLogin, Registry, short_or_long
from ci_kaniko.native import Agola, Buildkite, GitHub, GitLab, Kubernetes
from ci_kaniko.scalars import as_choice, as_list, as_text

if TYPE_CHECKING:
    from ci_kaniko.nodes import Source


class Destination(Model):
    """An image reference to push to."""

    __get_pydantic_json_schema__ = short_or_long(lambda long: long["properties"]["image"])

    image: Image = Field(
        description="Where to push: registry, repository and tag; variables are replaced.",
        examples=["ghcr.io/acme/shop:${commit.short}"],
    )
    when: When = Field(
        default=ALWAYS,
        description="When to push there: always, default-branch, pull-request, schedule, manual, "
        "or a map with branch or tag and globs; any of a list is enough.",
        examples=["default-branch", {"tag": "v*"}],
        json_schema_extra={"default": "always"},
    )

    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"image": value} if isinstance(value, str) else value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a reference, or a mapping with image and when", ""


class Cache(Model):
    """Layer cache."""

    repo: CacheRepo = Field(
        description="A repository for cached layers, without a tag, or oci:/PATH.",
        examples=["ghcr.io/acme/shop/cache"],
    )
    ttl: Duration | None = Field(
        default=None, description="How old an entry may be, a Go duration.", examples=["168h"]
    )
    copy_layers: Boolean | None = Field(
        default=None, description="Cache COPY as well.", examples=[True]
    )
    run_layers: Boolean | None = Field(
        default=None, description="Cache RUN; kaniko's default is true.", examples=[False]
    )
    compressed: Boolean | None = Field(
        default=None,
        description="Compress layers before caching; false needs less memory.",
        examples=[False],
    )
    dir: Present | None = Field(
        default=None,
        description="Folder of warmed base images in the executor's container.",
        examples=["/cache"],
    )


Depth = Annotated[int, whole(1, 1_000_000)]


class Git(Model):
    """How a git context is fetched."""

    token: GitToken | None = Field(
        default=None,
        description="The NAME of the secret that may read a private repository, or ci-token for "
        "the token that the CI gives each job.",
        examples=["GIT_TOKEN", "ci-token"],
    )
    username: Present | None = Field(
        default=None,
        description="The user the token belongs to; GitHub and GitLab take the default, oauth2.",
        examples=["x-token-auth"],
    )
    branch: Present | None = Field(
        default=None, description="Branch or tag to clone instead of the ref.", examples=["main"]
    )
    single_branch: Boolean | None = Field(
        default=None, description="Fetch one branch only.", examples=[True]
    )
    recurse_submodules: Boolean | None = Field(
        default=None, description="Fetch submodules too.", examples=[True]
    )
    depth: Depth | None = Field(
        default=None, description="Fetch only so many commits.", examples=[1]
    )
    insecure_skip_tls: Boolean | None = Field(
        default=None, description="Do not verify the server's certificate.", examples=[True]
    )


def _check_cron(text: str) -> None:
    check_plain(text)
    fields = text.split()
    known = re.compile(r"(?:[0-9]{1,2}|[A-Za-z]{3}|\*)(?:-[0-9A-Za-z]{1,3})?(?:/[0-9]{1,2})?")
    parts = [part for field in fields for part in field.split(",")]
    if len(fields) != 5 or not all(known.fullmatch(part) for part in parts):
        raise Refused(
            "bad-cron",
            f"{quoted(text)} is not a cron line",
            "minute, hour, day, month, weekday, such as 30 3 * * 1",
        )


Cron = Annotated[str, Reads(checked(_check_cron), STRING)]


class Triggers(Model):
    """Which events start the job; what is left out does not."""

    branches: Globs = Field(
        default=(),
        description="Pushes to these branches; * within a path segment, ** across.",
        examples=[["main", "release/*"]],
    )
    tags: Globs = Field(default=(), description="Pushes of these tags.", examples=[["v*"]])
    pull_requests: Boolean = Field(
        default=False, description="Pull and merge requests.", examples=[True]
    )
    schedules: tuple[Cron, ...] = Field(
        default=(),
        description="Cron lines in UTC. GitHub runs them; GitLab and Buildkite let a schedule that "
        "you make in their settings start the job.",
        examples=[["30 3 * * 1"]],
    )
    manual: Boolean = Field(
        default=False, description="Runs that somebody starts by hand.", examples=[True]
    )


class Digests(Model):
    """Digests of the executor's image, one per variant."""

    plain: Digest | None = Field(
        default=None,
        description="Digest of vX.Y.Z, for targets that need no shell.",
        examples=["sha256:" + "0" * 64],
    )
    debug: Digest | None = Field(
        default=None,
        description="Digest of vX.Y.Z-debug, which has a shell.",
        examples=["sha256:" + "0" * 64],
    )


DistributionName = Annotated[str, choice(*DISTRIBUTIONS)]


class Executor(Model):
    """Which kaniko runs."""

    distribution: DistributionName = Field(
        default=DEFAULT,
        description="Whose kaniko: osscontainertools (maintained), chainguard, google (frozen).",
        examples=["osscontainertools"],
    )
    version: Version | None = Field(
        default=None,
        description="The release; the default is the newest one that ci-kaniko was tried with.",
        examples=["v1.28.3"],
    )
    image: Present | None = Field(
        default=None,
        description="A mirror's repository: the version and variant are appended; with a tag of "
        "its own it is used as it is.",
        examples=["registry.example.com/mirror/kaniko"],
    )
    digests: Digests = Field(
        default=Digests(),
        description="Digests that pin the image beyond its tag.",
        examples=[{"debug": "sha256:" + "0" * 64}],
    )


def _read_helpers(value: Any) -> tuple[str, ...]:
    return tuple(
        as_choice(item, ("env", "google", "ecr", "acr", "gitlab")) for item in as_list(value)
    )


def _check_build_secret(text: str) -> None:
    check_plain(text)
    pairs = [pair.partition("=") for pair in text.split(",")]
    keys = [key for key, _, _ in pairs]
    known = {"id", "type", "src", "source", "env"}
    sources = [key for key in keys if key in {"src", "source", "env"}]
    kind = next((value for key, _, value in pairs if key == "type"), None)
    well_formed = all(separator and value for _, separator, value in pairs)
    if (
        not well_formed
        or not set(keys) <= known
        or len(set(keys)) < len(keys)
        or "id" not in keys
        or len(sources) > 1
        or (kind == "file" and "env" in keys)
        or kind not in {None, "file", "env"}
    ):
        raise Refused(
            "bad-build-secret",
            f"{quoted(text)} is not a build secret",
            "id=NAME,src=/path/of/a/file or id=NAME,env=VARIABLE",
        )


_HELPERS = {"type": "array", "items": {"enum": ["env", "google", "ecr", "acr", "gitlab"]}}
CredentialHelpers = Annotated["tuple[str, ...]", Reads(_read_helpers, _HELPERS)]
BuildSecret = Annotated[str, Reads(checked(_check_build_secret), STRING)]
ImageFormat = Annotated[str, choice("docker", "oci")]
Compression = Annotated[str, choice("gzip", "zstd")]
CompressionLevel = Annotated[int, whole(-1, 22)]
Retries = Annotated[int, whole(0, 100)]
LogFormat = Annotated[str, choice("text", "color", "json")]
SnapshotMode = Annotated[str, choice("full", "redo", "time")]
Verbosity = Annotated[str, choice("trace", "debug", "info", "warn", "error", "fatal", "panic")]


class Options(Model):
    """The remaining flags of the executor, one field each; a field that is left out passes none."""

    cleanup: Boolean | None = Field(
        default=None, description="Wipe the file system when done.", examples=[True]
    )
    compression: Compression | None = Field(
        default=None, description="Layer compression.", examples=["gzip"]
    )
    compression_level: CompressionLevel | None = Field(
        default=None, description="Level of the compression; -1 is its default.", examples=[9]
    )
    credential_helpers: CredentialHelpers | None = Field(
        default=None,
        description="Which automatic credential sources are asked; [] for none.",
        examples=[["ecr"]],
    )
    custom_platform: Platform | None = Field(
        default=None,
        description="Platform to record and to pull base images for; nothing is emulated.",
        examples=["linux/arm64"],
    )
    digest_file: RelativePath | None = Field(
        default=None, description="File for the image's digest.", examples=["digest.txt"]
    )
    dryrun: Boolean | None = Field(
        default=None, description="Plan only; nothing is built or pushed.", examples=[True]
    )
    force: Boolean | None = Field(
        default=None, description="Run although no container is detected.", examples=[True]
    )
    force_build_metadata: Boolean | None = Field(
        default=None, description="Write metadata layers without changes.", examples=[True]
    )
    ignore_path: tuple[Present, ...] = Field(
        default=(),
        description="Absolute paths left out of snapshots.",
        examples=[["/product_uuid"]],
    )
    ignore_var_run: Boolean | None = Field(
        default=None, description="Leave /var/run out; kaniko's default is true.", examples=[False]
    )
    image_download_retry: Retries | None = Field(
        default=None, description="Retries for pulling base images.", examples=[3]
    )
    image_format: ImageFormat | None = Field(
        default=None,
        description="Format of the manifest; without it that of the base image.",
        examples=["oci"],
    )
    image_fs_extract_retry: Retries | None = Field(
        default=None, description="Retries for unpacking base images.", examples=[3]
    )
    image_name_tag_with_digest_file: RelativePath | None = Field(
        default=None, description="File for repository:tag@digest.", examples=["images.txt"]
    )
    image_name_with_digest_file: RelativePath | None = Field(
        default=None, description="File for repository@digest.", examples=["images.txt"]
    )
    insecure: Boolean | None = Field(
        default=None, description="Push over plain HTTP, everywhere.", examples=[True]
    )
    insecure_pull: Boolean | None = Field(
        default=None, description="Pull over plain HTTP, everywhere.", examples=[True]
    )
    insecure_registry: tuple[PlainHost, ...] = Field(
        default=(),
        description="Hosts to reach over plain HTTP.",
        examples=[["registry.local:5000"]],
    )
    log_format: LogFormat | None = Field(
        default=None, description="How the executor logs.", examples=["text"]
    )
    log_timestamp: Boolean | None = Field(
        default=None, description="Log with the time.", examples=[True]
    )
    materialize: Boolean | None = Field(
        default=None,
        description="Unpack the final image into the container's file system.",
        examples=[True],
    )
    oci_layout_path: RelativePath | None = Field(
        default=None, description="Folder for the image as an OCI layout.", examples=["layout"]
    )
    pre_cleanup: Boolean | None = Field(
        default=None, description="Wipe the file system before the build.", examples=[True]
    )
    preserve_context: Boolean | None = Field(
        default=None, description="Put the context back after the build.", examples=[True]
    )
    push_ignore_immutable_tag_errors: Boolean | None = Field(
        default=None, description="A tag that cannot be replaced is no failure.", examples=[True]
    )
    push_retry: Retries | None = Field(
        default=None, description="Retries for the final push.", examples=[3]
    )
    registry_certificate: dict[PlainHost, Present] = Field(
        default={},
        description="Certificate file in the executor's container, by host.",
        examples=[{"registry.example.com": "/kaniko/ssl/certs/acme.crt"}],
    )
    registry_client_cert: dict[PlainHost, Present] = Field(
        default={},
        description="Client certificate and key files, joined by a comma, by host.",
        examples=[{"registry.example.com": "/certs/client.crt,/certs/client.key"}],
    )
    registry_map: dict[PlainHost, Present] = Field(
        default={},
        description="Pull from another registry, by host; Docker Hub is index.docker.io.",
        examples=[{"index.docker.io": "mirror.example.com/hub"}],
    )
    registry_mirror: tuple[Present, ...] = Field(
        default=(),
        description="Mirrors of Docker Hub: host and path, no scheme.",
        examples=[["mirror.gcr.io"]],
    )
    reproducible: Boolean | None = Field(
        default=None, description="Strip timestamps.", examples=[True]
    )
    secret: tuple[BuildSecret, ...] = Field(
        default=(),
        description="Secrets for RUN --mount=type=secret: id= with src= (a file in the "
        "executor's container) or env= (a variable of it).",
        examples=[["id=npm,src=/kaniko/npm-token"]],
    )
    single_snapshot: Boolean | None = Field(
        default=None, description="One layer for the whole build.", examples=[True]
    )
    skip_default_registry_fallback: Boolean | None = Field(
        default=None, description="Fail when no mirror has the image.", examples=[True]
    )
    skip_push_permission_check: Boolean | None = Field(
        default=None, description="Do not try the push before the build.", examples=[True]
    )
    skip_tls_verify: Boolean | None = Field(
        default=None, description="Do not verify any registry's certificate.", examples=[True]
    )
    skip_tls_verify_pull: Boolean | None = Field(
        default=None, description="Accepted by every executor, read by none.", examples=[True]
    )
    skip_tls_verify_registry: tuple[PlainHost, ...] = Field(
        default=(),
        description="Hosts whose certificate is not verified.",
        examples=[["registry.local"]],
    )
    skip_unused_stages: Boolean | None = Field(
        default=None, description="Build only the stages the target needs.", examples=[True]
    )
    snapshot_mode: SnapshotMode | None = Field(
        default=None, description="How changed files are found.", examples=["redo"]
    )
    tar_path: RelativePath | None = Field(
        default=None, description="File for the image as a tar archive.", examples=["image.tar"]
    )
    use_new_run: Boolean | None = Field(
        default=None, description="Experimental detection of changes by RUN.", examples=[True]
    )
    verbosity: Verbosity | None = Field(
        default=None, description="How much the executor logs.", examples=["warn"]
    )


def _check_file(text: str) -> str:
    path = grammar.check_path(text, what="output")
    if grammar.inside_repository(path) == "." or path.endswith("/"):
        raise Refused("bad-path", f"{quoted(path)} is a folder", "name a file")
    return path


def _read_paths(value: Any) -> tuple[str, ...]:
    several = isinstance(value, list | tuple)
    paths = []
    for index, item in enumerate(as_list(value)):
        try:
            path = _check_file(as_text(item))
        except Refused as refused:
            refused.at = (index,) if several else ()
            raise
        paths.append(path)
    return tuple(paths)


OutputPaths = Annotated["tuple[str, ...]", Reads(_read_paths, LIST_OR_ONE)]


def _output(target: str, example: str) -> Any:
    return Field(default=(), description=f"The file, or several, for {target}.", examples=[example])


class Outputs(Model):
    """Files that hold the rendered configuration, from the repository root."""

    gitlab: OutputPaths = _output("GitLab", ".gitlab-ci.yml")
    github: OutputPaths = _output("GitHub", ".github/workflows/image.yml")
    buildkite: OutputPaths = _output("Buildkite", ".buildkite/pipeline.yml")
    agola: OutputPaths = _output("Agola", ".agola/config.yml")
    kubernetes: OutputPaths = _output("Kubernetes", "deploy/build.yaml")


def _check_secret_id(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise Refused(
            "bad-build-secret",
            f"{quoted(text)} is not the id of a build secret",
            "letters, digits, _ . and -, as in RUN --mount=type=secret,id=npm",
        )


def _check_proxy(text: str) -> None:
    check_plain(text)
    if not re.fullmatch(r"https?://[^/@\s]+/?", text):
        raise Refused(
            "bad-proxy", f"{quoted(text)} is not a proxy", "such as http://proxy.example.com:3128"
        )


BuildSecretId = Annotated[str, Reads(checked(_check_secret_id), STRING)]
ProxyUrl = Annotated[str, Reads(checked(_check_proxy), STRING)]


class ClientCertificate(Model):
    """A client certificate and its key."""

    certificate: SecretName = Field(
        description="The NAME of the secret with the PEM certificate.", examples=["ACME_CERT"]
    )
    key: SecretName = Field(
        description="The NAME of the secret with the PEM key.", examples=["ACME_CERT_KEY"]
    )


class Proxy(Model):
    """Proxies of the executor."""

    http: ProxyUrl | None = Field(
        default=None, description="For http://.", examples=["http://proxy.example.com:3128"]
    )
    https: ProxyUrl | None = Field(
        default=None, description="For https://.", examples=["http://proxy.example.com:3128"]
    )
    no_proxy: Present | None = Field(
        default=None,
        description="Hosts that are reached without, joined by commas.",
        examples=["localhost,registry.local"],
    )


def _check_stage(text: str) -> None:
    check_plain(text)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise Refused(
            "bad-stage",
            f"{quoted(text)} is not a stage of a Dockerfile",
            "letters, digits, _ . and -; one stage",
        )


Stage = Annotated[str, Reads(checked(_check_stage), TEXT)]
PushPolicy = Annotated[str, choice("auto", "always", "never")]


class Spec(Model):
    """One image: how it is built and where it is pushed."""

    default_branch: Present | None = Field(
        default=None,
        description="The repository's default branch, for targets that do not know it.",
        examples=["main"],
    )
    context: Context = Field(
        default=".",
        description="The build context: a directory of the repository, or git:// s3:// gs:// "
        "https:// tar://.",
        examples=["services/shop", "git://github.com/acme/shop.git#refs/heads/main"],
    )
    git: Git = Field(
        default=Git(),
        description="What the executor needs to fetch a git context.",
        examples=[{"token": "GIT_TOKEN"}],
    )
    context_sub_path: RelativePath | None = Field(
        default=None,
        description="Directory inside a fetched context (git, s3, gs, https, tar).",
        examples=["services/shop"],
    )
    context_login: ContextLogin | None = Field(
        default=None,
        description="How the executor may fetch a context from s3, gs or Azure.",
        examples=[{"aws": "ambient", "region": "eu-west-1"}],
    )
    dockerfile: Dockerfile = Field(
        default="Dockerfile",
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
    labels: dict[LabelName, Lines] = Field(
        default={},
        description="Labels of the image.",
        examples=[{"org.opencontainers.image.revision": "${commit.sha}"}],
    )
    annotations: dict[LabelName, Lines] = Field(
        default={},
        description="Annotations of the image's manifest; not with Google's kaniko.",
        examples=[{"org.opencontainers.image.version": "${ref.tag}"}],
    )
    destinations: tuple[Destination, ...] = Field(
        default=(),
        description="Where to push; a text, or a mapping with image and when.",
        examples=[["ghcr.io/acme/shop:${commit.short}"]],
    )
    push: PushPolicy = Field(
        default="auto",
        description="auto: not for pull requests; always; never.",
        examples=["never"],
    )
    registries: dict[RegistryHost, Registry] = Field(
        default={},
        description="How to log in, by host; one login, or one per target with a default.",
        examples=[{"ghcr.io": {"username": "acme-bot", "password": "GHCR_TOKEN"}}],
    )
    cache: Cache | None = Field(
        default=None,
        description="Layer cache; without it nothing is cached.",
        examples=[{"repo": "ghcr.io/acme/shop/cache", "ttl": "168h"}],
    )
    triggers: Triggers | None = Field(
        default=None,
        description="What starts the job; without it: the default branch, tags, pull requests.",
        examples=[{"branches": ["main"], "tags": ["v*"], "pull_requests": True}],
    )
    executor: Executor = Field(
        default=Executor(),
        description="The kaniko to run: its distribution, version, image and digests.",
        examples=[{"distribution": "osscontainertools", "version": "v1.28.3"}],
    )
    options: Options = Field(
        default=Options(),
        description="The remaining flags of the executor.",
        examples=[{"snapshot_mode": "redo"}],
    )
    extra_args: tuple[Template, ...] = Field(
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
    client_certificates: dict[PlainHost, ClientCertificate] = Field(
        default={},
        description="Certificates that the executor shows to a registry, by host.",
        examples=[{"registry.example.com": {"certificate": "ACME_CERT", "key": "ACME_CERT_KEY"}}],
    )
    proxy: Proxy | None = Field(
        default=None,
        description="Proxies for the executor and for the RUN steps' downloads of it.",
        examples=[{"https": "http://proxy.example.com:3128", "no_proxy": "registry.local"}],
    )
    gitlab: GitLab = Field(
        default=GitLab(), description="GitLab's own settings.", examples=[{"stage": "build"}]
    )
    github: GitHub = Field(
        default=GitHub(), description="GitHub's own settings.", examples=[{"timeout_minutes": 30}]
    )
    buildkite: Buildkite = Field(
        default=Buildkite(),
        description="Buildkite's own settings.",
        examples=[{"queue": "kubernetes"}],
    )
    agola: Agola = Field(
        default=Agola(), description="Agola's own settings.", examples=[{"arch": "amd64"}]
    )
    kubernetes: Kubernetes = Field(
        default=Kubernetes(), description="Kubernetes' own settings.", examples=[{"memory": "4Gi"}]
    )
    outputs: Outputs = Field(
        default=Outputs(),
        description="Files that hold the rendered configuration.",
        examples=[{"gitlab": ".gitlab-ci.yml"}],
    )

    _source: Source | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _examine(cls, data: Any, handler: ModelWrapValidatorHandler[Spec]) -> Spec:
        from ci_kaniko.loading import examined

        return examined(data, handler)

    @property
    def source(self) -> Source | None:
        """Where the spec was written; None when it was built in Python."""
        return self._source

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
