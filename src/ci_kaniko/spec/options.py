"""The executor's further options."""

from collections.abc import Callable

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.quick.latest import latest
from ci_kaniko.spec.fields import (
    LIST_OR_ONE,
    STRING,
    Boolean,
    PlainHost,
    Platform,
    Present,
    Reads,
    RelativePath,
    check_plain,
    check_present,
    checked,
    choice,
    whole,
)
from ci_kaniko.spec.lists import read_each
from ci_kaniko.spec.logins import SECRET, SecretText, read_secret
from ci_kaniko.spec.model import Model
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_choice, as_list

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import OptionsDict


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


Mirror = Annotated[str, Reads(checked(_check_mirror), STRING)]
Mirrors = Annotated[
    tuple[str, ...],
    Reads(lambda value: tuple(read_each(value, _check_mirror, "registry_map")), LIST_OR_ONE),
]


FILES = (
    "digest_file",
    "image_name_with_digest_file",
    "image_name_tag_with_digest_file",
    "tar_path",
    "oci_layout_path",
)
"""The options that name a file which the executor writes."""


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

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[OptionsDict]") -> None: ...

    @property
    def files(self) -> dict[str, str]:
        """The files that the executor writes, by the options that name them."""
        return _files(self)


@latest
def _files(options: Options) -> dict[str, str]:
    return {name: path for name in FILES if (path := getattr(options, name))}


def or_secret(check: Callable[[str], None], hint: str) -> Reads:
    """Reads a text, or the name of the secret that holds it."""

    def read(value: Any) -> str | SecretText:
        try:
            return read_secret(value) or checked(check)(value)
        except Refused as refused:
            if isinstance(value, str) and "@" in value:
                refused.hint = hint
            raise

    return Reads(read, {"anyOf": [STRING, SECRET]})


NoProxy = Annotated[str | SecretText, or_secret(check_present, "")]


def _check_env_name(text: str) -> None:
    if not grammar.is_identifier(text):
        hint = "letters, digits and _, not beginning with a digit"
        raise Refused("bad-env", f"{quoted(text)} cannot name a variable", hint)


EnvName = Annotated[str, Reads(checked(_check_env_name), STRING)]
