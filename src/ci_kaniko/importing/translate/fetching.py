"""How a context is checked out or fetched, and the login for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import literal, only_var
from ci_kaniko.importing.jobs import put

if TYPE_CHECKING:
    from ci_kaniko.importing.translate.work import Work


def take_fetching(work: Work) -> None:
    """The login for a git context."""
    if not (work.fetched or work.fetches_itself) or "token" in work.git:
        return
    password = work.logins.environment("GIT_PASSWORD") or work.logins.environment("GIT_TOKEN")
    if not password:
        return
    if var := only_var(password):
        secret = work.job.secrets.get(var.name)
        name = secret.name if secret else var.name.rpartition(".")[2]
        own = {"GITHUB_TOKEN", "CI_JOB_TOKEN", "github.token", "token"}
        work.logins.note_store(var.name)
        in_own = name in own and work.job.target in {"github", "gitlab"}
        work.git["token"] = "ci-token" if in_own else work.logins.secret_name(name, 0)
    else:
        work.git["token"] = "GIT_TOKEN_SECRET"
        work.job.tell("literal-secret/git", work.call.line)
    user = literal(work.logins.environment("GIT_USERNAME"))
    if user and user not in {"oauth2", "x-access-token"}:
        work.git["username"] = user


def take_checkout(work: Work) -> None:
    """What ``--git`` says of this repository: a directory is checked out."""
    if work.fetched:
        return
    given = {
        "submodules": "recursive" if work.git.pop("recurse_submodules", False) else None,
        "depth": work.git.pop("depth", None),
    }
    put(work.build, "checkout", {name: item for name, item in given.items() if item})
    for name in ("branch", "single_branch", "insecure_skip_tls"):
        if name in work.git:
            value = str(work.git.pop(name)).lower()
            flag = f"--git={name.replace('_', '-')}={value}"
            work.job.tell("git-of-a-directory", work.call.line, flag)


def take_context_login(work: Work) -> None:
    context = str(work.build.get("context", ""))
    environment = work.logins.environment
    if context.startswith("s3://"):
        found: dict[str, Any] = {}
        login = work.logins.aws()
        region = literal(environment("AWS_REGION"))
        endpoint = literal(environment("S3_ENDPOINT"))
        if login == "ambient" and not region and not endpoint:
            return
        found["aws"] = login
        put(found, "region", region)
        put(found, "s3_endpoint", endpoint)
        if literal(environment("S3_FORCE_PATH_STYLE")) == "true":
            found["s3_path_style"] = True
        work.build["context_login"] = found
    elif context.startswith("gs://"):
        login = work.logins.google()
        work.build["context_login"] = {"google": login}
    elif ".blob.core." in context:
        key = environment("AZURE_STORAGE_ACCESS_KEY")
        name = work.logins.key(key, "AZURE_STORAGE_ACCESS_KEY")
        if name:
            work.build["context_login"] = {"azure_storage_key": name}
