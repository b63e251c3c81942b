"""What a spec may say in Python, for type checkers. Made by: python3 docs/make."""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci_kaniko.spec.model import Model

__all__ = [
    "AgolaDict",
    "AwsLoginDict",
    "AzureLoginDict",
    "BuildkiteDict",
    "CacheDict",
    "CheckoutDict",
    "ClientCertificateDict",
    "ContextLoginDict",
    "DestinationDict",
    "DestinationWhenDict",
    "DigestsDict",
    "ExecutorDict",
    "GitDict",
    "GitHubDict",
    "GitLabDict",
    "GoogleLoginDict",
    "InputDict",
    "KubernetesDict",
    "LoginDict",
    "LoginUsernameDict",
    "NamedImageDict",
    "OptionsDict",
    "OutputFileDict",
    "OutputsDict",
    "PrepareDict",
    "ProxyDict",
    "ProxyHttpDict",
    "ProxyHttpsDict",
    "ProxyNoProxyDict",
    "RegistryDict",
    "RuleSettingDict",
    "SpecDict",
    "TolerationDict",
    "ToolsDict",
    "TriggersDict",
]


class CheckoutDict(TypedDict, total=False):
    """What is checked out beside the files of the commit."""

    submodules: Literal[True, "recursive"] | None
    lfs: bool | None
    depth: int | None


class GitDict(TypedDict, total=False):
    """How a git context is fetched."""

    token: str | None
    username: str | None
    branch: str | None
    single_branch: bool | None
    recurse_submodules: bool | None
    depth: int | None
    insecure_skip_tls: bool | None


class AwsLoginDict(TypedDict, total=False):
    """AWS: by the machine's role, a file, keys, or a role that the CI's identity may take."""

    use: Literal["ambient"] | None
    credentials_file: str | None
    access_key_id: str | None
    secret_access_key: str | None
    role: str | None


class GoogleLoginDict(TypedDict, total=False):
    """Google Cloud: by workload identity, a key file, or the CI's identity (OIDC)."""

    use: Literal["ambient"] | None
    key_file: str | None
    provider: str | None
    service_account: str | None


class ContextLoginDict(TypedDict, total=False):
    """How the executor may fetch a context from a store."""

    aws: Literal["ambient"] | AwsLoginDict | Model | None
    region: str | None
    s3_endpoint: str | None
    s3_path_style: bool | None
    google: Literal["ambient"] | GoogleLoginDict | Model | None
    azure_storage_key: str | None


class DestinationWhenDict(TypedDict, total=False):
    """What stands in Destination When."""

    branch: str | Sequence[str] | None
    tag: str | Sequence[str] | None


class DestinationDict(TypedDict, total=False):
    """An image reference to push to."""

    image: str | None
    when: (
        Literal["always", "default-branch", "other-branch", "pull-request", "schedule", "manual", "version", "release"]
        | DestinationWhenDict
        | Sequence[Literal["always", "default-branch", "other-branch", "pull-request", "schedule", "manual", "version", "release"] | DestinationWhenDict]
        | None
    )


class AzureLoginDict(TypedDict, total=False):
    """Azure: by workload identity, a service principal, or the CI's identity (OIDC)."""

    use: Literal["ambient"] | None
    tenant_id: str | None
    client_id: str | None
    client_secret: str | None


class LoginUsernameDict(TypedDict, total=False):
    """What stands in Login Username."""

    secret: str | None


class LoginDict(TypedDict, total=False):
    """One way to log in: exactly one kind."""

    use: Literal["ci-token", "anonymous"] | None
    username: str | LoginUsernameDict | None
    password: str | None
    docker_config: str | None
    aws: Literal["ambient"] | AwsLoginDict | Model | None
    google: Literal["ambient"] | GoogleLoginDict | Model | None
    azure: Literal["ambient"] | AzureLoginDict | Model | None
    pull: bool | None


class RegistryDict(TypedDict, total=False):
    """How to log in to one registry, per target where needed."""

    default: Literal["ci-token", "anonymous"] | LoginDict | Model | None
    gitlab: Literal["ci-token", "anonymous"] | LoginDict | Model | None
    github: Literal["ci-token", "anonymous"] | LoginDict | Model | None
    buildkite: Literal["ci-token", "anonymous"] | LoginDict | Model | None
    agola: Literal["ci-token", "anonymous"] | LoginDict | Model | None
    kubernetes: Literal["ci-token", "anonymous"] | LoginDict | Model | None


class CacheDict(TypedDict, total=False):
    """Layer cache."""

    repo: str | None
    ttl: str | None
    copy_layers: bool | None
    run_layers: bool | None
    compressed: bool | None
    dir: str | None


class TriggersDict(TypedDict, total=False):
    """Which events start the job; what is left out does not."""

    branches: str | Sequence[str] | None
    tags: str | Sequence[str] | None
    pull_requests: bool | None
    schedules: str | Sequence[str] | None
    manual: bool | None
    pipelines: bool | None
    paths: str | Sequence[str] | None
    repository: str | None


class ToolsDict(TypedDict, total=False):
    """What runs beside the executor; each has a default that is pinned to a version."""

    regctl: str | None
    git: str | None
    curl: str | None
    buildkit: str | None
    buildah: str | None
    checkout: str | None


class DigestsDict(TypedDict, total=False):
    """Tags of the executor's image with their digests, one per variant."""

    plain: str | None
    debug: str | None


class ExecutorDict(TypedDict, total=False):
    """Which kaniko runs."""

    distribution: Literal["osscontainertools", "chainguard", "google"] | None
    version: str | None
    image: str | None
    digests: DigestsDict | Model | None


class OptionsDict(TypedDict, total=False):
    """The remaining flags of the executor, one field each; a field that is left out passes none."""

    cleanup: bool | None
    compression: Literal["gzip", "zstd"] | None
    compression_level: int | None
    credential_helpers: Sequence[Literal["env", "google", "ecr", "acr", "gitlab"]] | None
    custom_platform: str | None
    digest_file: str | None
    dryrun: bool | None
    force: bool | None
    force_build_metadata: bool | None
    ignore_path: Sequence[str] | None
    ignore_var_run: bool | None
    image_download_retry: int | None
    image_format: Literal["docker", "oci"] | None
    image_fs_extract_retry: int | None
    image_name_tag_with_digest_file: str | None
    image_name_with_digest_file: str | None
    insecure: bool | None
    insecure_pull: bool | None
    insecure_registry: Sequence[str] | None
    log_format: Literal["text", "color", "json"] | None
    log_timestamp: bool | None
    materialize: bool | None
    oci_layout_path: str | None
    pre_cleanup: bool | None
    preserve_context: bool | None
    push_ignore_immutable_tag_errors: bool | None
    push_retry: int | None
    registry_certificate: Mapping[str, str | None] | None
    registry_client_cert: Mapping[str, str | None] | None
    registry_map: Mapping[str, str | Sequence[str] | None] | None
    registry_mirror: Sequence[str] | None
    reproducible: bool | None
    secret: Sequence[str] | None
    single_snapshot: bool | None
    skip_default_registry_fallback: bool | None
    skip_push_permission_check: bool | None
    skip_tls_verify: bool | None
    skip_tls_verify_pull: bool | None
    skip_tls_verify_registry: Sequence[str] | None
    skip_unused_stages: bool | None
    snapshot_mode: Literal["full", "redo", "time"] | None
    tar_path: str | None
    use_new_run: bool | None
    verbosity: Literal["trace", "debug", "info", "warn", "error", "fatal", "panic"] | None


class ClientCertificateDict(TypedDict, total=False):
    """A client certificate and its key."""

    certificate: str | None
    key: str | None


class ProxyHttpDict(TypedDict, total=False):
    """What stands in Proxy Http."""

    secret: str | None


class ProxyHttpsDict(TypedDict, total=False):
    """What stands in Proxy Https."""

    secret: str | None


class ProxyNoProxyDict(TypedDict, total=False):
    """What stands in Proxy No Proxy."""

    secret: str | None


class ProxyDict(TypedDict, total=False):
    """Proxies of the executor and of RUN lines."""

    http: str | ProxyHttpDict | None
    https: str | ProxyHttpsDict | None
    no_proxy: str | ProxyNoProxyDict | None


class GitLabDict(TypedDict, total=False):
    """GitLab CI."""

    builder: Literal["kaniko", "buildkit", "buildah"] | None
    form: Literal["pipeline", "child", "include", "component"] | None
    job: str | None
    stage: str | None
    tags: str | Sequence[str] | None
    platform_tags: Mapping[str, str | Sequence[str] | None] | None
    timeout: str | None
    retry: int | None
    needs: Sequence[str] | None
    resource_group: str | None
    interruptible: bool | None
    dependency_proxy: bool | None
    extra: Mapping[str, Any | None] | None


class GitHubDict(TypedDict, total=False):
    """GitHub Actions."""

    builder: Literal["kaniko", "buildkit", "buildah"] | None
    mode: Literal["docker", "container"] | None
    form: Literal["workflow", "jobs", "reusable"] | None
    workflow: str | None
    job: str | None
    runs_on: str | Sequence[str] | None
    platform_runs_on: Mapping[str, str | Sequence[str] | None] | None
    timeout_minutes: int | None
    environment: str | None
    extra: Mapping[str, Any | None] | None


class TolerationDict(TypedDict, total=False):
    """A taint that the Pod tolerates."""

    key: str | None
    operator: Literal["Equal", "Exists"] | None
    value: str | None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None


class BuildkiteDict(TypedDict, total=False):
    """Buildkite with agent-stack-k8s."""

    builder: Literal["kaniko", "buildkit", "buildah"] | None
    form: Literal["pipeline", "steps"] | None
    label: str | None
    key: str | None
    queue: str | None
    agents: Mapping[str, str | None] | None
    timeout_minutes: int | None
    retry: int | None
    concurrency_group: str | None
    secret: str | None
    oidc_lifetime_seconds: int | None
    secrets: Literal["kubernetes", "buildkite"] | None
    service_account: str | None
    cpu: str | None
    memory: str | None
    ephemeral_storage: str | None
    node_selector: Mapping[str, str | None] | None
    platform_node_selector: Mapping[str, Mapping[str, str | None] | None] | None
    tolerations: Sequence[TolerationDict | Model] | None
    cache_claim: str | None
    extra: Mapping[str, Any | None] | None


class AgolaDict(TypedDict, total=False):
    """Agola."""

    builder: Literal["kaniko", "buildkit", "buildah"] | None
    run: str | None
    arch: Literal["386", "amd64", "arm", "arm64"] | None
    timeout: str | None
    extra: Mapping[str, Any | None] | None


class KubernetesDict(TypedDict, total=False):
    """A Kubernetes manifest."""

    builder: Literal["kaniko", "buildkit", "buildah"] | None
    kind: Literal["Pod", "Job"] | None
    clone: bool | None
    ttl_seconds: int | None
    name: str | None
    namespace: str | None
    secret: str | None
    service_account: str | None
    cpu: str | None
    memory: str | None
    ephemeral_storage: str | None
    node_selector: Mapping[str, str | None] | None
    tolerations: Sequence[TolerationDict | Model] | None
    annotations: Mapping[str, str | None] | None
    labels: Mapping[str, str | None] | None
    image_pull_secrets: Sequence[str] | None
    cache_claim: str | None
    deadline_seconds: int | None
    extra: Mapping[str, Any | None] | None


class PrepareDict(TypedDict, total=False):
    """Commands that run in another image, in the checkout, before the image is built."""

    image: str | None
    commands: str | Sequence[str] | None
    artifacts: str | Sequence[str] | None


class InputDict(TypedDict, total=False):
    """A value that whoever includes the job gives it; texts read it as `${input.NAME}`."""

    type: Literal["string", "number", "boolean", "platforms"] | None
    default: str | None
    options: Sequence[str] | None
    description: str | None


class NamedImageDict(TypedDict, total=False):
    """One of several images: what it does not say, the top of the spec says for all."""

    default_branch: str | None
    tag_prefix: str | None
    context: str | None
    checkout: CheckoutDict | Model | None
    git: GitDict | Model | None
    context_sub_path: str | None
    context_login: ContextLoginDict | Model | None
    dockerfile: str | None
    target: str | None
    build_args: Mapping[str, str | None] | None
    labels: Literal["oci"] | Mapping[str, str | bool | None] | None
    annotations: Mapping[str, str | None] | None
    destinations: Sequence[str | DestinationDict | Model] | None
    push: Literal["auto", "always", "never"] | None
    registries: (
        Mapping[str, Literal["ci-token", "anonymous"] | LoginDict | Model | RegistryDict | None]
        | None
    )
    cache: CacheDict | Model | None
    triggers: TriggersDict | Model | None
    tools: ToolsDict | Model | None
    mirrors: Mapping[str, str | None] | None
    builder: Literal["kaniko", "buildkit", "buildah"] | None
    executor: ExecutorDict | Model | None
    options: OptionsDict | Model | None
    extra_args: Sequence[str] | None
    build_secrets: Mapping[str, str | None] | None
    certificates: Mapping[str, str | None] | None
    client_certificates: Mapping[str, ClientCertificateDict | Model | None] | None
    env: Mapping[str, str | None] | None
    proxy: ProxyDict | Model | None
    gitlab: GitLabDict | Model | None
    github: GitHubDict | Model | None
    buildkite: BuildkiteDict | Model | None
    agola: AgolaDict | Model | None
    kubernetes: KubernetesDict | Model | None
    prepare: PrepareDict | Model | None
    platforms: str | Sequence[str] | None
    digest: bool | None
    inputs: Mapping[str, InputDict | Model | None] | None
    needs: str | Sequence[str] | None


class OutputFileDict(TypedDict, total=False):
    """A file that holds rendered configuration."""

    path: str | None
    only: str | Sequence[str] | None
    mode: Literal["own", "merge"] | None


class OutputsDict(TypedDict, total=False):
    """Files that hold the rendered configuration, from the repository root."""

    gitlab: str | OutputFileDict | Model | Sequence[str | OutputFileDict | Model] | None
    github: str | OutputFileDict | Model | Sequence[str | OutputFileDict | Model] | None
    buildkite: str | OutputFileDict | Model | Sequence[str | OutputFileDict | Model] | None
    agola: str | OutputFileDict | Model | Sequence[str | OutputFileDict | Model] | None
    kubernetes: str | OutputFileDict | Model | Sequence[str | OutputFileDict | Model] | None


class RuleSettingDict(TypedDict, total=False):
    """How bad it is to break a rule."""

    severity: Literal["off", "warning", "error"] | None
    locked: bool | None
    registries: str | Sequence[str] | None


class SpecDict(TypedDict, total=False):
    """One image, or several that share what they have in common."""

    default_branch: str | None
    tag_prefix: str | None
    context: str | None
    checkout: CheckoutDict | Model | None
    git: GitDict | Model | None
    context_sub_path: str | None
    context_login: ContextLoginDict | Model | None
    dockerfile: str | None
    target: str | None
    build_args: Mapping[str, str | None] | None
    labels: Literal["oci"] | Mapping[str, str | bool | None] | None
    annotations: Mapping[str, str | None] | None
    destinations: Sequence[str | DestinationDict | Model] | None
    push: Literal["auto", "always", "never"] | None
    registries: (
        Mapping[str, Literal["ci-token", "anonymous"] | LoginDict | Model | RegistryDict | None]
        | None
    )
    cache: CacheDict | Model | None
    triggers: TriggersDict | Model | None
    tools: ToolsDict | Model | None
    mirrors: Mapping[str, str | None] | None
    builder: Literal["kaniko", "buildkit", "buildah"] | None
    executor: ExecutorDict | Model | None
    options: OptionsDict | Model | None
    extra_args: Sequence[str] | None
    build_secrets: Mapping[str, str | None] | None
    certificates: Mapping[str, str | None] | None
    client_certificates: Mapping[str, ClientCertificateDict | Model | None] | None
    env: Mapping[str, str | None] | None
    proxy: ProxyDict | Model | None
    gitlab: GitLabDict | Model | None
    github: GitHubDict | Model | None
    buildkite: BuildkiteDict | Model | None
    agola: AgolaDict | Model | None
    kubernetes: KubernetesDict | Model | None
    prepare: PrepareDict | Model | None
    platforms: str | Sequence[str] | None
    digest: bool | None
    inputs: Mapping[str, InputDict | Model | None] | None
    images: Mapping[str, NamedImageDict | Model | None] | None
    outputs: OutputsDict | Model | None
    templates: str | None
    extends: str | Sequence[str] | None
    requires: str | None
    rules: (
        Mapping[str, Literal["off", "warning", "error"] | Sequence[str] | RuleSettingDict | Model | None]
        | None
    )
