"""Names that a script uses itself, and those a spec may not take."""

from __future__ import annotations

from ci_kaniko.kaniko.builders import BUILDER_NAMES
from ci_kaniko.kaniko.hosts import ecr_region
from ci_kaniko.kaniko.systems import GIT_SERVERS, system
from ci_kaniko.problems.finding import Finding, Where, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.variables import ENV_PREFIX, NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan


SHELL_NAMES = {
    *("auth", "auths", "branch", "committed", "config", "container", "login", "match", "name"),
    *("name_lower", "output", "owner", "owner_lower", "path", "repository_lower", "pull_request"),
    *("push", "ref", "ref_slug", "ref_tag", "repository_name", "repository_path", "short"),
    *("repository_url", "tag", "timestamp", "token", "date", "commit_date", "zone", "seconds"),
    *("clock", "platform", "COMMITTED"),
    *("number", "word", "semver", "metadata", "version", "numbers", "version_minor"),
    *("version_major", "ref_version", "artifact", "files", "folder", "hex", "names", "range"),
    *("settings", "variable", "git", "line", "now", "patience", "stored"),
    *("PATH", "HOME", "IFS", "PWD", "OLDPWD", "SHELL", "USER", "PS1", "PS2", "PS4", "ENV"),
    *("OPTIND", "OPTARG", "PPID", "LINENO", "MAIL", "CI", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG"),
    *("GIT_USERNAME", "GIT_PASSWORD", "DEFAULT_BRANCH", "PULL_REQUEST", "RANDOM", "UID", "EUID"),
    *("AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "GOOGLE_APPLICATION_CREDENTIALS"),
    *("AZURE_STORAGE_ACCESS_KEY", "S3_ENDPOINT", "S3_FORCE_PATH_STYLE", "AWS_ROLE_ARN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_SESSION_TOKEN", "AWS_ROLE_SESSION_NAME", "AWS_PROFILE", "SSL_CERT_DIR", "answer"),
    *("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "certificates"),
    *("http_proxy", "https_proxy", "no_proxy"),
    *("AWS_ID_TOKEN", "GOOGLE_ID_TOKEN", "AZURE_ID_TOKEN", "digest", "destination", "image"),
    *("BASH_ENV", "HOSTNAME", "SHLVL", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH"),
}
SHELL_PREFIXES = (
    *(
        "KANIKO_",
        "FF_KANIKO_",
        "default_",
        "beside_",
        "key_",
        "ref_tag_",
        "ref_version_",
        "to_",
        "whole_",
        "BUILDKITE",
    ),
    *("BK_", "AGOLA_", "INPUT_", "DIGEST_"),
)


def git_token(plan: Plan) -> list[Finding]:
    login, known = plan.git_login, system(plan.target)
    if login is None or login.secret:
        return []
    message = f"{plan.target} gives a job no token for repositories"
    if known.repository_token:
        context = plan.spec.context
        host = "" if context.is_directory else context.location.partition("/")[0]
        if not any(name in host for name in GIT_SERVERS if name != known.name):
            return []
        message = f"{quoted(host)} is not {plan.target}'s own server and would get its token"
    hint = "name a secret that holds one"
    return [Finding("foreign-ci-token", ("git", "token"), message, hint)]


def config_names(plan: Plan) -> Iterator[Finding]:
    """A ready docker config is an object on some targets and a variable on the others."""
    for login in plan.logins:
        name = login.login.docker_config
        if name is None:
            continue
        if system(plan.target).secret_objects:
            valid, expected = grammar.is_object_name(name), "a Secret: lower case, digits, - and ."
        else:
            valid, expected = (
                grammar.is_variable_name(name),
                "a variable: letters, digits and _, and no word of YAML",
            )
        if not valid:
            yield Finding(
                "bad-docker-config",
                login.where,
                f"{quoted(name)} cannot be a ready docker config on {plan.target}",
                f"there it is the name of {expected}; {plan.target}: gives it another one",
            )


def reserved_names(plan: Plan) -> Iterator[Finding]:
    """Secrets and run-time variables whose names already mean something in the job."""
    used = secret_places(plan)
    if not system(plan.target).needs_values:
        for where, name in plan.uses():
            if name.startswith(ENV_PREFIX):
                used.setdefault(name.removeprefix(ENV_PREFIX), where)
    own = BUILDER_NAMES[plan.spec.built_by(plan.target)]
    if _regions(plan) == {f"${{{ENV_PREFIX}AWS_REGION}}"}:
        used.pop("AWS_REGION", None)
    for name, where in used.items():
        if name in SHELL_NAMES or name in own or name.startswith(SHELL_PREFIXES):
            from ci_kaniko.kaniko.variables import owner_of_variable

            portable = NATIVE.get(name)
            other = f"call it ACME_{name.upper()} or the like"
            if owner_of_variable(name) == "proxy":
                other = "proxy: hands it to the executor and to RUN lines"
            yield Finding(
                "reserved-name",
                where,
                f"{quoted(name)} already has a meaning in the job",
                f"write ${{{portable}}}" if portable else other,
            )


def _regions(plan: Plan) -> set[str]:
    """The regions that the job is led to in AWS."""
    clouds = (cloud.variables.get("AWS_REGION") for cloud in plan.every_cloud)
    return {text for text in (*clouds, *(ecr_region(login.host) for login in plan.logins)) if text}


def secret_places(plan: Plan) -> dict[str, Where]:
    """Every secret and where the spec first names it."""
    used: dict[str, Where] = {}
    for login in plan.logins:
        for secret in login.secrets:
            used.setdefault(secret, login.where)
        if login.login.docker_config:
            used.setdefault(login.login.docker_config, login.where)
    if plan.git_login and plan.git_login.secret:
        used.setdefault(plan.git_login.secret, ("git", "token"))
    for name, secret in plan.spec.build_secrets.items():
        used.setdefault(secret, ("build_secrets", name))
    for name in plan.certificates.values():
        used.setdefault(name, ("certificates",))
    for variable, name in plan.proxy_secrets.items():
        used.setdefault(name, ("proxy", variable.lower().removesuffix("_proxy"), "secret"))
    if plan.context_cloud:
        used.update(dict.fromkeys(plan.context_cloud.secrets, ("context_login",)))
    return used
