"""The spec: what a user asks for, without a word about any CI system's syntax.

Every field carries its description and an example; the JSON Schema and ``docs/spec.md`` are made
from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PrivateAttr, model_validator

from ci_kaniko import grammar
from ci_kaniko.conditions import ALWAYS
from ci_kaniko.executors import DEFAULT, DISTRIBUTIONS
from ci_kaniko.fields import (
    STRING,
    TARGETS,
    TEXT,
    Boolean,
    BuildArgName,
    CacheRepo,
    Context,
    Digest,
    Dockerfile,
    Duration,
    Globs,
    Image,
    LabelName,
    Lines,
    Model,
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
    choice,
    whole,
)
from ci_kaniko.findings import Refused, quoted
from ci_kaniko.native import GitHub, GitLab, Kubernetes
from ci_kaniko.scalars import as_text, wrong_type

if TYPE_CHECKING:
    from ci_kaniko.nodes import Source


class Destination(Model):
    """An image reference to push to."""

    image: Image = Field(
        description="Where to push: registry, repository and tag; variables are replaced.",
        examples=["ghcr.io/acme/shop:${commit.short}"],
    )
    when: When = Field(
        default=ALWAYS,
        description="When to push there: always, default-branch, pull-request, schedule, manual, "
        "or a map with branch or tag and globs; any of a list is enough.",
        examples=["default-branch", {"tag": "v*"}],
    )

    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"image": value} if isinstance(value, str) else value


class SecretText(Model):
    """A text that is kept as a secret."""

    secret: SecretName = Field(
        description="The name of the secret that holds the text.", examples=["DOCKER_HUB_USER"]
    )


def _parse_user(value: Any) -> str | SecretText:
    if isinstance(value, SecretText):
        return value
    if isinstance(value, dict):
        if set(value) != {"secret"}:
            raise wrong_type(value, "a text, or {secret: NAME}")
        try:
            return SecretText(secret=grammar.check_secret_name(as_text(value["secret"])))
        except Refused as refused:
            refused.at = ("secret",)
            raise
    text = as_text(value)
    check_plain(text)
    if not text or ":" in text:
        raise Refused(
            "bad-user-name",
            f"{quoted(text)} is not a user name",
            "it is not empty and has no colon: the colon ends it in every login",
        )
    return text


_SECRET = {
    "type": "object",
    "properties": {"secret": STRING},
    "required": ["secret"],
    "additionalProperties": False,
}
User = Annotated["str | SecretText", Reads(_parse_user, {"anyOf": [TEXT, _SECRET]})]

LoginWord = Annotated[str, choice("ci-token", "anonymous")]


class Login(Model):
    """One way to log in: exactly one kind."""

    use: LoginWord | None = Field(
        default=None,
        description="ci-token: the login that the CI gives each job; anonymous: none at all. "
        "The word alone means the same.",
        examples=["ci-token"],
    )
    username: User | None = Field(
        default=None,
        description="The user name: a text, or {secret: NAME}.",
        examples=["acme-bot", {"secret": "DOCKER_HUB_USER"}],
    )
    password: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds the password or token.",
        examples=["DOCKER_HUB_TOKEN"],
    )
    docker_config: Present | None = Field(
        default=None,
        description="The NAME of what holds a ready config.json: a file variable on GitLab, a "
        "secret on GitHub, Buildkite's and Kubernetes' kubernetes.io/dockerconfigjson Secret.",
        examples=["regcred"],
    )

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"use": value}
        if not isinstance(value, dict):
            return value
        kinds = [key for key in ("use", "docker_config") if value.get(key) is not None]
        missing = [key for key in ("username", "password") if value.get(key) is None]
        if len(missing) < 2:
            kinds.append("username and password")
        if len(kinds) != 1:
            several = f"{' beside '.join(kinds)}: a login is one of them"
            raise Refused("bad-login", several if kinds else "this login is empty", _LOGIN_HINT)
        if len(missing) == 1:
            raise Refused("bad-login", f"the login has no {missing[0]}", _LOGIN_HINT)
        return value

    @property
    def kind(self) -> str:
        """``ci-token``, ``anonymous``, ``password`` or ``docker-config``."""
        return self.use or ("docker-config" if self.docker_config else "password")


_LOGIN_HINT = "{username: acme-bot, password: NAME_OF_A_SECRET}, {docker_config: NAME}, ci-token"


class Registry(Model):
    """How to log in to one registry, per target where needed."""

    default: Login | None = Field(default=None, description="For every target without its own.")
    gitlab: Login | None = Field(default=None, description="On GitLab.")
    github: Login | None = Field(default=None, description="On GitHub.")
    buildkite: Login | None = Field(default=None, description="On Buildkite.")
    agola: Login | None = Field(default=None, description="On Agola.")
    kubernetes: Login | None = Field(default=None, description="On Kubernetes.")

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, dict) and value and value.keys() <= {"default", *TARGETS}:
            return value
        if isinstance(value, dict) and value.keys() & {"default", *TARGETS}:
            return value
        return {"default": value}

    def on(self, target: str) -> Login | None:
        """The login for a target."""
        login: Login | None = getattr(self, target)
        return login or self.default


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


class Git(Model):
    """How a git context is fetched."""

    token: Present | None = Field(
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
    insecure_skip_tls: Boolean | None = Field(
        default=None, description="Do not verify the server's certificate.", examples=[True]
    )

    @model_validator(mode="after")
    def _token_name(self) -> Git:
        if self.token and self.token != "ci-token":
            try:
                grammar.check_secret_name(self.token)
            except Refused as refused:
                refused.at = ("token",)
                raise
        return self


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


class Digests(Model):
    """Digests of the executor's image, one per variant."""

    plain: Digest | None = Field(default=None, description="Of vX.Y.Z.")
    debug: Digest | None = Field(default=None, description="Of vX.Y.Z-debug, which has a shell.")


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
        description="A mirror's repository, without a tag: the version and variant are appended.",
        examples=["registry.example.com/mirror/kaniko"],
    )
    digests: Digests = Field(
        default=Digests(),
        description="Digests that pin the image beyond its tag.",
        examples=[{"debug": "sha256:" + "0" * 64}],
    )


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
    custom_platform: Platform | None = Field(
        default=None,
        description="Platform to record and to pull base images for; nothing is emulated.",
        examples=["linux/arm64"],
    )
    digest_file: RelativePath | None = Field(
        default=None, description="File for the image's digest.", examples=["digest.txt"]
    )
    force: Boolean | None = Field(
        default=None, description="Run although no container is detected.", examples=[True]
    )
    force_build_metadata: Boolean | None = Field(
        default=None, description="Write metadata layers without changes.", examples=[True]
    )
    ignore_path: tuple[Present, ...] = Field(
        default=(), description="Absolute paths left out of snapshots.", examples=[["/product_uuid"]]
    )
    ignore_var_run: Boolean | None = Field(
        default=None, description="Leave /var/run out; kaniko's default is true.", examples=[False]
    )
    image_download_retry: Retries | None = Field(
        default=None, description="Retries for pulling base images.", examples=[3]
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
    insecure_registry: tuple[RegistryHost, ...] = Field(
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
    oci_layout_path: RelativePath | None = Field(
        default=None, description="Folder for the image as an OCI layout.", examples=["layout"]
    )
    push_ignore_immutable_tag_errors: Boolean | None = Field(
        default=None, description="A tag that cannot be replaced is no failure.", examples=[True]
    )
    push_retry: Retries | None = Field(
        default=None, description="Retries for the final push.", examples=[3]
    )
    registry_certificate: dict[RegistryHost, Present] = Field(
        default={},
        description="Certificate file in the executor's container, by host.",
        examples=[{"registry.example.com": "/kaniko/ssl/certs/acme.crt"}],
    )
    registry_client_cert: dict[RegistryHost, Present] = Field(
        default={},
        description="Client certificate and key files, joined by a comma, by host.",
        examples=[{"registry.example.com": "/certs/client.crt,/certs/client.key"}],
    )
    registry_map: dict[RegistryHost, Present] = Field(
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
    skip_tls_verify_registry: tuple[RegistryHost, ...] = Field(
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
    verbosity: Verbosity | None = Field(default=None, description="How much the executor logs.", examples=["warn"])


class Outputs(Model):
    """Files that hold the rendered configuration, one per target."""

    gitlab: RelativePath | None = Field(default=None, examples=[".gitlab-ci.yml"])
    github: RelativePath | None = Field(default=None, examples=[".github/workflows/image.yml"])
    buildkite: RelativePath | None = Field(default=None, examples=[".buildkite/pipeline.yml"])
    agola: RelativePath | None = Field(default=None, examples=[".agola/config.yml"])
    kubernetes: RelativePath | None = Field(default=None, examples=["deploy/build.yaml"])


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
        description="How a git context is fetched.",
        examples=[{"token": "GIT_TOKEN"}],
    )
    context_sub_path: RelativePath | None = Field(
        default=None,
        description="Directory inside a fetched context (git, s3, gs, https, tar).",
        examples=["services/shop"],
    )
    dockerfile: Dockerfile = Field(
        default="Dockerfile",
        description="Path of the Dockerfile from the context; it may lie outside of it.",
        examples=["docker/Dockerfile"],
    )
    target: Present | None = Field(
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
        description="Which kaniko runs.",
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
    gitlab: GitLab = Field(
        default=GitLab(), description="GitLab's own settings.", examples=[{"stage": "build"}]
    )
    github: GitHub = Field(
        default=GitHub(), description="GitHub's own settings.", examples=[{"timeout_minutes": 30}]
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

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
