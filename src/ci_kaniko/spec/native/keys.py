"""The keys that a platform knows below ``extra:``, besides those that ci-kaniko writes.

A mapping lists what can stand below a key, also in each item of a list; ``*`` is a free name, and
None says that anything can. From GitLab's and Buildkite's published schemas, GitHub's workflow
syntax, Agola's configuration types and Kubernetes' PodSpec.
"""

from __future__ import annotations

from ci_kaniko.quick.hints import Any

Keys = dict[str, Any]


def _keys(*names: str, **below: Any) -> Keys:
    return {**dict.fromkeys(names), **below}


_GITLAB_CACHE = _keys(
    *("fallback_keys", "paths", "policy", "unprotect", "untracked", "when"),
    key=_keys("files", "files_commits", "prefix"),
)
_GITLAB_SECRET = _keys(
    *("file", "token", "akeyless"),
    aws_secrets_manager=_keys(
        *("field", "region", "role_arn", "role_session_name", "secret_id", "version_id"),
        "version_stage",
    ),
    azure_key_vault=_keys("name", "version"),
    gcp_secret_manager=_keys("name", "version"),
    gitlab_secrets_manager=_keys("name", "source"),
    vault=_keys("field", "path", engine=_keys("name", "path")),
)
_GITLAB_REPORTS = _keys(
    *("accessibility", "annotations", "api_fuzzing", "browser_performance", "codequality"),
    *("container_scanning", "coverage_fuzzing", "cyclonedx", "dast", "dependency_scanning"),
    *("dotenv", "junit", "license_management", "license_scanning", "load_performance", "lsif"),
    *("metrics", "repository_xray", "requirements", "sarif", "sast", "secret_detection"),
    "terraform",
    coverage_report=_keys("coverage_format", "path"),
)
GITLAB = _keys(
    *("after_script", "coverage", "dependencies", "extends", "identity", "manual_confirmation"),
    *("publish", "start_in", "when"),
    allow_failure=_keys("exit_codes"),
    artifacts=_keys(
        *("access", "exclude", "expire_in", "expose_as", "name", "paths", "public", "untracked"),
        "when",
        reports=_GITLAB_REPORTS,
    ),
    cache=_GITLAB_CACHE,
    dast_configuration=_keys("scanner_profile", "site_profile"),
    environment=_keys(
        *("action", "auto_stop_in", "deployment_tier", "name", "on_stop", "url"),
        kubernetes=_keys(
            *("agent", "flux_resource_path", "namespace"),
            dashboard=_keys("flux_resource_path", "namespace"),
            managed_resources=_keys("enabled"),
        ),
    ),
    hooks=_keys("pre_get_sources_script"),
    inherit=_keys("default", "variables"),
    inputs=_keys("*"),
    pages=_keys("expire_in", "path_prefix", "publish"),
    parallel=_keys("matrix"),
    release=_keys(
        *("description", "milestones", "name", "ref", "released_at", "tag_message", "tag_name"),
        assets=_keys(links=_keys("filepath", "link_type", "name", "url")),
    ),
    secrets={"*": _GITLAB_SECRET},
    services=_keys(
        *("alias", "command", "entrypoint", "name", "pull_policy", "variables"),
        docker=_keys("platform", "user"),
        kubernetes=_keys("user"),
    ),
    variables={"*": _keys("expand", "value")},
)
GITHUB = _keys(
    *("cache-mode", "continue-on-error", "env", "name", "needs", "outputs"),
    defaults=_keys(run=_keys("shell", "working-directory")),
    services={
        "*": _keys(
            *("command", "entrypoint", "env", "image", "options", "ports", "volumes"),
            credentials=_keys("password", "username"),
        )
    },
    snapshot=_keys("image-name", "version"),
    strategy=_keys("fail-fast", "matrix", "max-parallel"),
)
BUILDKITE = _keys(
    *("allow_dependency_failure", "cancel_on_build_failing", "concurrency_method", "env"),
    *("parallelism", "priority", "skip", "type"),
    cache=_keys("name", "paths", "size"),
    checkout=_keys(
        *("commit_verification", "depth", "flags", "lfs", "skip", "sparse", "ssh_secret"),
        "submodules",
    ),
    depends_on=_keys("allow_failure", "step"),
    if_changed=_keys("exclude", "include"),
    matrix=_keys("adjustments", "setup"),
    notify=_keys("basecamp_campfire", "github_check", "github_commit_status", "if", "slack"),
    signature=_keys("algorithm", "signed_fields", "value"),
    soft_fail=_keys("exit_status"),
)
_AGOLA_TEXT = _keys("from_variable")
AGOLA = _keys(
    *("approval", "ignore_failure", "user"),
    docker_registries_auth={
        "*": _keys("type", auth=_AGOLA_TEXT, password=_AGOLA_TEXT, username=_AGOLA_TEXT)
    },
)
_TERMS = (
    "preferredDuringSchedulingIgnoredDuringExecution",
    "requiredDuringSchedulingIgnoredDuringExecution",
)
KUBERNETES = _keys(
    *("dnsPolicy", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "hostname"),
    *("hostnameOverride", "nodeName", "overhead", "preemptionPolicy", "priority"),
    *("priorityClassName", "runtimeClassName", "schedulerName", "setHostnameAsFQDN"),
    *("shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds"),
    affinity=_keys(
        nodeAffinity=_keys(*_TERMS), podAffinity=_keys(*_TERMS), podAntiAffinity=_keys(*_TERMS)
    ),
    dnsConfig=_keys("nameservers", "searches", options=_keys("name", "value")),
    hostAliases=_keys("hostnames", "ip"),
    os=_keys("name"),
    readinessGates=_keys("conditionType"),
    resourceClaims=_keys("name", "resourceClaimName", "resourceClaimTemplateName"),
    resources=_keys("claims", "limits", "requests"),
    schedulingGates=_keys("name"),
    topologySpreadConstraints=_keys(
        *("labelSelector", "matchLabelKeys", "maxSkew", "minDomains", "nodeAffinityPolicy"),
        *("nodeTaintsPolicy", "topologyKey", "whenUnsatisfiable"),
    ),
)
KNOWN: dict[str, Keys] = {
    "gitlab": GITLAB,
    "github": GITHUB,
    "buildkite": BUILDKITE,
    "agola": AGOLA,
    "kubernetes": KUBERNETES,
}
