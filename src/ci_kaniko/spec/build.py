"""The spec: what a user asks for, without a word about any CI system's syntax.

Every field carries its description and an example; the JSON Schema and ``docs/spec.md`` are made
from them.
"""

# No deferred annotations here: pydantic would have to compile the text of each.

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator
from pydantic_core import core_schema

from ci_kaniko.kaniko.executors import DEFAULT, DISTRIBUTIONS
from ci_kaniko.problems.finding import Refused, check_once, quoted, raise_all
from ci_kaniko.spec.fields import (
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
    Later,
    Lines,
    Model,
    NotEmpty,
    OwnImage,
    PlainHost,
    Platform,
    Present,
    PulledImage,
    Reads,
    RegistryHost,
    RelativePath,
    SecretName,
    Template,
    Text,
    Version,
    When,
    check_plain,
    check_present,
    checked,
    choice,
    whole,
)
from ci_kaniko.spec.logins import (
    SECRET,
    ContextLogin,
    Registry,
    SecretText,
    read_secret,
    short_or_long,
)
from ci_kaniko.spec.native.kubernetes import Agola, Buildkite, GitHub, GitLab, Kubernetes
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.conditions import ALWAYS, check_something_is_left
from ci_kaniko.syntax.scalars import as_bool, as_choice, as_list, as_text
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from ci_kaniko.problems.finding import Finding, Where
    from ci_kaniko.source.reading import Source


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

    repo: CacheRepo | None = Field(
        default=None,
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
        description="Compress layers before caching; false needs less memory, without a cache too.",
        examples=[False],
    )

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a mapping", "such as {repo: ghcr.io/acme/shop/cache}: where the layers are kept"

    dir: Present | None = Field(
        default=None,
        description="Folder of warmed base images in the executor's container, mounted where the "
        "target has a field for it: cache_claim. kaniko looks into /cache by itself.",
        examples=["/cache"],
    )

    @property
    def remote(self) -> str | None:
        """The repository in a registry, where layers are not kept in a folder."""
        return None if self.repo is None or self.repo.startswith("oci:") else self.repo


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


def _read_submodules(value: Any) -> Any:
    if value is True or value == "recursive":
        return value if value is True else "recursive"
    if isinstance(value, str) and value in {"true", "false"} and as_bool(value):
        return True
    raise Refused(
        "bad-choice",
        f"{quoted(str(value).lower())} is not one of: true, recursive",
        "recursive fetches those of submodules, too; without the key none is fetched",
    )


_SUBMODULES = {"enum": [True, "recursive"]}
Submodules = Annotated[bool | str, Reads(_read_submodules, _SUBMODULES)]


class Checkout(Model):
    """What is checked out beside the files of the commit."""

    submodules: Submodules | None = Field(
        default=None,
        description="true: the repository's submodules. recursive: those of submodules, too.",
        examples=["recursive"],
    )
    lfs: Boolean = Field(
        default=False,
        description="The files that git keeps in its large file storage.",
        examples=[True],
    )
    depth: Depth | None = Field(
        default=None,
        description="So many commits; without it as many as the platform fetches by itself.",
        examples=[50],
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


_NOT_IN_PATHS = pattern(r"[?\[\]{}\\~$]|^!|\*{3}")


def _check_path_glob(text: str) -> None:
    grammar.check_text(text)
    if not text or text.startswith(("/", "./", "../")) or text.endswith("/") or "//" in text:
        plain = re.sub(r"^(?:[.]?/)+", "", text) + "**" * text.endswith("/")
        raise Refused(
            "bad-path",
            f"{quoted(text)} matches no file: paths start at the repository root",
            f"write {plain}" if re.match(r"(?!.*//)[^.*]", plain) else "such as services/shop/**",
        )
    found = _NOT_IN_PATHS.search(text)
    if found:
        message = f"{quoted(text)}: platforms read {quoted(found.group())} differently"
        raise Refused("bad-path", message, "* matches within a path segment and ** across")


def _read_path_globs(value: Any) -> tuple[str, ...]:
    globs = _each(value, lambda text: _check_path_glob(text.removeprefix("!")), "paths")
    check_something_is_left(globs, (), "**")
    return tuple(globs)


def _read_schedules(value: Any) -> tuple[str, ...]:
    return tuple(_each(value, _check_cron, "schedules"))


Schedules = Annotated[tuple[str, ...], Reads(_read_schedules, LIST_OR_ONE)]
Paths = Annotated[tuple[str, ...], Reads(_read_path_globs, LIST_OR_ONE)]


class Triggers(Model):
    """Which events start the job; what is left out does not."""

    @property
    def starts_something(self) -> bool:
        """Whether one of them is an event; paths are a filter."""
        return any(value for name, value in self if name != "paths")

    @property
    def starts_any_ref(self) -> bool:
        """Whether one of them is an event that may be of any branch or tag."""
        return bool(self.schedules or self.manual or self.pipelines)

    @property
    def only_requests(self) -> bool:
        """Whether pull requests are all that starts the job."""
        others = self.branches or self.tags or self.starts_any_ref
        return self.pull_requests and not others

    @property
    def names_refs(self) -> bool:
        """Whether one of them tells refs or requests, which a child pipeline knows."""
        return bool(self.branches or self.tags or self.pull_requests)

    @property
    def compares(self) -> bool:
        """Whether paths are asked: pushes of branches and pull requests have changed files."""
        return bool(self.branches) or self.pull_requests

    branches: Globs = Field(
        default=(),
        description="Pushes to these branches; * within a path segment, ** across. An entry that "
        "begins with ! excludes, wherever it stands.",
        examples=[["main", "release/*"]],
    )
    tags: Globs = Field(
        default=(), description="Pushes of these tags; as branches.", examples=[["v*", "!*-*"]]
    )
    pull_requests: Boolean = Field(
        default=False, description="Pull and merge requests.", examples=[True]
    )
    schedules: Schedules = Field(
        default=(),
        description="Cron lines in UTC. GitHub runs them; GitLab and Buildkite let a schedule that "
        "you make in their settings start the job.",
        examples=[["30 3 * * 1"]],
    )
    manual: Boolean = Field(
        default=False, description="Runs that somebody starts by hand.", examples=[True]
    )
    pipelines: Boolean = Field(
        default=False,
        description="Runs that another pipeline or a program starts: GitLab's parent and upstream "
        "pipelines, trigger tokens and API; Buildkite's trigger steps and API; GitHub's "
        "repository_dispatch.",
        examples=[True],
    )
    paths: Paths = Field(
        default=(),
        description="Pushes and pull requests start the job only when they change one of these "
        "files, from the repository root; * within a path segment, ** across. Nothing else is "
        "asked, and paths alone start nothing.",
        examples=[["services/shop/**", "libs/**"]],
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
    image: OwnImage | None = Field(
        default=None,
        description="A mirror's repository: the version and variant are appended; with a tag of "
        "its own it is used as it is.",
        examples=["registry.example.com/mirror/kaniko"],
    )
    digests: Later[Digests] = Field(
        default=Digests.model_construct(),
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
CredentialHelpers = Annotated[tuple[str, ...], Reads(_read_helpers, _HELPERS)]
BuildSecret = Annotated[str, Reads(checked(_check_build_secret), STRING)]
ImageFormat = Annotated[str, choice("docker", "oci")]
Compression = Annotated[str, choice("gzip", "zstd")]
CompressionLevel = Annotated[int, whole(-1, 22)]
Retries = Annotated[int, whole(0, 100)]
LogFormat = Annotated[str, choice("text", "color", "json")]
SnapshotMode = Annotated[str, choice("full", "redo", "time")]
Verbosity = Annotated[str, choice("trace", "debug", "info", "warn", "error", "fatal", "panic")]


def _check_mirror(text: str) -> None:
    check_present(text)
    if ";" in text:
        hint = f"a list: [{', '.join(part.strip() for part in text.split(';') if part.strip())}]"
        raise Refused("bad-host", f"{quoted(text)} is not one registry", hint)


Mirrors = Annotated[
    tuple[str, ...],
    Reads(lambda value: tuple(_each(value, _check_mirror, "registry_map")), LIST_OR_ONE),
]


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
    registry_map: dict[PlainHost, Mirrors] = Field(
        default={},
        description="Pull from other registries, by host, in this order; Docker Hub is "
        "index.docker.io.",
        examples=[{"index.docker.io": ["mirror.example.com/hub", "mirror.gcr.io"]}],
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


def _each(value: Any, check: Callable[[str], None], name: str, *, once: bool = True) -> list[str]:
    """Every text of a list, or the only one; ``once`` refuses a text that is there already."""
    items = as_list(value)
    if not items:
        raise Refused("empty-value", f"{name}: is empty", "name at least one")
    texts: list[str] = []
    refusals: list[Refused] = []
    for index, item in enumerate(items):
        try:
            text = as_text(item)
            check(text)
            if once:
                check_once(text, texts)
            texts.append(text)
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            refusals.append(refused)
    raise_all(refusals)
    return texts


def _check_one(value: Any, rule: str, what: str) -> None:
    """Refuse a text that lists several things with commas."""
    if isinstance(value, str) and "," in value:
        words = ", ".join(word.strip() for word in value.split(",") if word.strip())
        raise Refused(rule, f"{quoted(value)} is not {what}", f"write [{words}]")


def check_image_name(text: str) -> None:
    """A name that every platform takes as a part of its own. Raises Refused."""
    if not re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", text) or len(text) > 40:
        mended = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
        raise Refused(
            "image-name",
            f"{quoted(text)} is not a name for an image",
            "lower-case letters and digits, with single . _ - between, at most 40"
            + (f": {mended}" if mended else ""),
        )


def _read_image_names(value: Any) -> tuple[str, ...]:
    _check_one(value, "image-name", "a name for an image")
    return tuple(_each(value, check_image_name, "needs")) if as_list(value) else ()


def _read_only(value: Any) -> tuple[str, ...]:
    _check_one(value, "image-name", "a name for an image")
    return tuple(_each(value, check_image_name, "only"))


ImageName = Annotated[str, Reads(checked(check_image_name), STRING)]
ImageNames = Annotated[tuple[str, ...], Reads(_read_image_names, LIST_OR_ONE)]
OnlyNames = Annotated[tuple[str, ...], Reads(_read_only, LIST_OR_ONE)]


def _check_file(text: str) -> str:
    path = grammar.check_path(text, what="output")
    if grammar.inside_repository(path) == "." or path.endswith("/"):
        raise Refused("bad-path", f"{quoted(path)} is a folder", "name a file")
    return path


OutputPath = Annotated[str, Reads(checked(_check_file), STRING)]


class OutputFile(Model):
    """A file that holds rendered configuration."""

    __get_pydantic_json_schema__ = short_or_long(lambda long: long["properties"]["path"])

    path: OutputPath = Field(
        description="The file, from the repository root.", examples=[".gitlab-ci.yml"]
    )
    only: OnlyNames = Field(
        default=(),
        description="The images that the file is for; all of them when left out.",
        examples=[["api", "web"]],
    )
    mode: Annotated[str, choice("own", "merge")] = Field(
        default="own",
        description="own: ci-kaniko writes the whole file. merge: the file is written by hand, and "
        "only the entries below a # ci-kaniko: comment are ci-kaniko's.",
        examples=["merge"],
    )

    @classmethod
    def _expand(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a path, or a mapping with path and only", ""


class _OneOrMany:
    """A list, or its only item."""

    @staticmethod
    def _listed(value: Any) -> list[Any]:
        return [value] if isinstance(value, dict) else as_list(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


OutputFiles = Annotated[tuple[Later[OutputFile], ...], _OneOrMany()]


def _output(target: str, example: str) -> Any:
    return Field(default=(), description=f"The file, or several, for {target}.", examples=[example])


class Outputs(Model):
    """Files that hold the rendered configuration, from the repository root."""

    gitlab: OutputFiles = _output("GitLab", ".gitlab-ci.yml")
    github: OutputFiles = _output("GitHub", ".github/workflows/image.yml")
    buildkite: OutputFiles = _output("Buildkite", ".buildkite/pipeline.yml")
    agola: OutputFiles = _output("Agola", ".agola/config.yml")
    kubernetes: OutputFiles = _output("Kubernetes", "deploy/build.yaml")


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
            "bad-proxy",
            f"{quoted(text)} is not a proxy",
            "http://proxy.example.com:3128, or {secret: NAME} for what a secret holds",
        )


def _or_secret(check: Callable[[str], None], hint: str) -> Reads:
    """Reads a text, or the name of the secret that holds it."""

    def read(value: Any) -> str | SecretText:
        try:
            return read_secret(value) or checked(check)(value)
        except Refused as refused:
            if isinstance(value, str) and "@" in value:
                refused.hint = hint
            raise

    return Reads(read, {"anyOf": [STRING, SECRET]})


BuildSecretId = Annotated[str, Reads(checked(_check_secret_id), STRING)]
ProxyUrl = Annotated[
    str | SecretText,
    _or_secret(_check_proxy, "keep an address with a login as a secret: {secret: NAME}"),
]
NoProxy = Annotated[str | SecretText, _or_secret(check_present, "")]


def _check_env_name(text: str) -> None:
    if not grammar.is_identifier(text):
        hint = "letters, digits and _, not beginning with a digit"
        raise Refused("bad-env", f"{quoted(text)} cannot name a variable", hint)


EnvName = Annotated[str, Reads(checked(_check_env_name), STRING)]


class ClientCertificate(Model):
    """A client certificate and its key."""

    certificate: SecretName = Field(
        description="The NAME of the secret with the PEM certificate.", examples=["ACME_CERT"]
    )
    key: SecretName = Field(
        description="The NAME of the secret with the PEM key.", examples=["ACME_CERT_KEY"]
    )


class Proxy(Model):
    """Proxies of the executor and of RUN lines."""

    http: ProxyUrl | None = Field(
        default=None,
        description="For http://; an address, or the name of the secret that holds it.",
        examples=["http://proxy.example.com:3128", {"secret": "PROXY_URL"}],
    )
    https: ProxyUrl | None = Field(
        default=None, description="For https://.", examples=["http://proxy.example.com:3128"]
    )
    no_proxy: NoProxy | None = Field(
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


def _check_command(text: str) -> None:
    grammar.check_text(text, newlines=True)
    if not text.strip():
        raise Refused("empty-value", "the command is empty", "a line for a POSIX shell")


def _check_artifact(text: str) -> None:
    if not text:
        raise Refused("empty-value", "the artifact is empty", "a file or folder, such as bin/shop")
    check_plain(text)
    path = grammar.check_path(text, what="artifact")
    if re.search(r"[*?\[\]{}~;,]", text):
        raise Refused(
            "bad-path",
            f"{quoted(text)} is not a file or folder: patterns differ between platforms",
            "name the folder; everything in it is handed over",
        )
    if grammar.inside_repository(path) == ".":
        raise Refused("bad-path", f"{quoted(text)} is the whole repository", "such as bin/shop")


Command = Annotated[str, Reads(checked(_check_command), STRING)]
Artifact = Annotated[str, Reads(checked(_check_artifact), STRING)]


def _read_commands(value: Any) -> tuple[str, ...]:
    return tuple(_each(value, _check_command, "commands", once=False))


def _read_artifacts(value: Any) -> tuple[str, ...]:
    return tuple(
        str(grammar.inside_repository(text)) for text in _each(value, _check_artifact, "artifacts")
    )


Commands = Annotated[tuple[str, ...], Reads(_read_commands, LIST_OR_ONE, "command")]
Artifacts = Annotated[tuple[str, ...], Reads(_read_artifacts, LIST_OR_ONE)]


class Prepare(Model):
    """Commands that run in another image, in the checkout, before the image is built."""

    image: PulledImage = Field(
        description="The image that has the tools; it needs a POSIX shell as sh.",
        examples=["docker.io/library/golang:1.26"],
    )
    commands: Commands = Field(
        description="Commands for sh, run at the root of the repository; the first that fails "
        "ends the job.",
        examples=[["go build -o bin/shop ./cmd/shop"]],
    )
    artifacts: Artifacts = Field(
        description="Files and folders, from the repository root, that the image build gets.",
        examples=[["bin/shop"]],
    )


_ARCHITECTURES = {
    **{name: name for name in ("amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64")},
    **dict.fromkeys(("x86_64", "x86-64"), "amd64"),
    "aarch64": "arm64",
    "armv7": "arm/v7",
    "armv6": "arm/v6",
    "i386": "386",
}


def _check_linux(text: str) -> None:
    known = _ARCHITECTURES.get(text.removeprefix("linux/").lower())
    if known and text != f"linux/{known}":
        message = f"{quoted(text)} is not a platform"
        raise Refused("bad-platform", message, f"write linux/{known}")
    grammar.check_platform(text)
    if not text.startswith("linux/"):
        message = f"{quoted(text)}: kaniko builds for Linux only"
        raise Refused("bad-platform", message, "such as linux/arm64")


def _read_platforms(value: Any) -> tuple[str, ...]:
    _check_one(value, "bad-platform", "a platform")
    return tuple(_each(value, _check_linux, "platforms"))


Platforms = Annotated[tuple[str, ...], Reads(_read_platforms, LIST_OR_ONE)]


def _check_input_name(text: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text) or not grammar.is_variable_name(text):
        raise Refused(
            "bad-input",
            f"{quoted(text)} is not the name of an input",
            "lower-case letters, digits and _, beginning with a letter; no switch such as on",
        )


InputName = Annotated[str, Reads(checked(_check_input_name), STRING)]


class Input(Model):
    """A value that whoever includes the job gives it; texts read it as `${input.NAME}`."""

    type: Annotated[str, choice("string", "number", "boolean")] = Field(
        default="string", description="What callers may give.", examples=["boolean"]
    )
    default: Text | None = Field(
        default=None,
        description="What it is when a caller gives nothing; without it the input is required.",
        examples=["dev"],
    )
    options: Annotated[tuple[Present, ...], NotEmpty("a text that callers may give")] = Field(
        default=(), description="The only texts that callers may give.", examples=[["dev", "prod"]]
    )
    description: Present | None = Field(
        default=None, description="What it is for.", examples=["The channel of the release"]
    )


class Build(Model):
    """How an image is built and where it is pushed."""

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
    destinations: tuple[Later[Destination], ...] = Field(
        default=(),
        description="Where to push; a text, or a mapping with image and when.",
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
    def elsewhere(self) -> frozenset[str]:
        """Hosts whose logins are there for other jobs to push with."""
        return self._elsewhere

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


TOP_ONLY = ("default_branch", "checkout", "inputs", "images", "outputs")
"""What is said once, for all images."""


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

        def __init__(self, /, **data: Any) -> None: ...

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

    def __init__(self, spec: "Spec", findings: "list[Finding]") -> None:
        self.spec = spec
        self.findings = findings

    def __deepcopy__(self, memo: object) -> "Checked":
        return self


class Spec(Build):
    """One image, or several that share what they have in common."""

    images: Annotated[dict[ImageName, Later[NamedImage]], NotEmpty("an image")] = Field(
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

    _source: "Source | None" = PrivateAttr(default=None)
    _checked: Checked | None = PrivateAttr(default=None)

    if TYPE_CHECKING:

        def __init__(self, /, **data: Any) -> None: ...

    @model_validator(mode="wrap")
    @classmethod
    def _examine(cls, data: Any, handler: "ModelWrapValidatorHandler[Spec]") -> "Spec":
        from ci_kaniko.spec.loading import examined

        return examined(data, handler)

    @property
    def source(self) -> "Source | None":
        """Where the spec was written; None when it was built in Python."""
        return self._source

    @property
    def findings(self) -> "list[Finding] | None":
        """What the rules say about the spec; None for a changed copy, which nobody has asked."""
        known = self._checked
        return known.findings if known and known.spec is self else None

    @property
    def builds(self) -> tuple[Build, ...]:
        """Every image of the spec with all that it inherits: itself when it has no ``images``."""
        return tuple(self.images.values()) or (self,)

    def __eq__(self, other: object) -> bool:
        """Two specs are equal when they ask for the same, wherever they were written."""
        return isinstance(other, Spec) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]
