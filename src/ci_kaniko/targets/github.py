"""GitHub Actions: the plain executor in ``docker run`` on the runner.

No JavaScript action runs in kaniko's image, so the checkout stays on the host; the workspace is
mounted read-only below ``/kaniko``, where the executor never looks for files of the image.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko import pins
from ci_kaniko.clouds import SESSION
from ci_kaniko.findings import Finding
from ci_kaniko.globs import is_literal, to_github
from ci_kaniko.plan import (
    CHECKOUT,
    OUTPUT,
    THIS_REPOSITORY,
    GitLogin,
    executor_image,
    no_shell,
    resolve,
    secret_places,
)
from ci_kaniko.script import (
    Cell,
    Dialect,
    Impossible,
    Script,
    impossible,
    impossible_identities,
)
from ci_kaniko.shell import continued, quote
from ci_kaniko.targets import Rendering, Target
from ci_kaniko.targets.common import config_folder, owned_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.clouds import Cloud, Token
    from ci_kaniko.plan import HostLogin, Plan
    from ci_kaniko.spec import Spec

_OWNED = {
    "runs-on": "github.runs_on",
    "timeout-minutes": "github.timeout_minutes",
    "environment": "github.environment",
    "container": "github.mode",
    "permissions": "the logins: each asks for what it needs",
    "steps": "the fields of the spec",
    "if": "triggers",
    "concurrency": "triggers",
}

_REPOSITORY_URL = "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
_COMMIT_TIME = "-s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd"
_BRANCH = ("case $GITHUB_REF in refs/heads/*) branch=$GITHUB_REF_NAME ;; *) branch='' ;; esac",)
_TAG = ("case $GITHUB_REF in refs/tags/*) tag=$GITHUB_REF_NAME ;; *) tag='' ;; esac",)

_CELLS: dict[str, Cell] = {
    "commit.sha": Cell("GITHUB_SHA"),
    "commit.timestamp": Cell(
        "committed",
        define=(f'committed=$(TZ=UTC git show {_COMMIT_TIME} "$GITHUB_SHA")',),
    ),
    "branch": Cell("branch", define=_BRANCH),
    "tag": Cell("tag", define=_TAG),
    "pull_request.number": Cell(
        "PULL_REQUEST", env=("PULL_REQUEST", "${{ github.event.pull_request.number }}")
    ),
    "repository.path": Cell("GITHUB_REPOSITORY"),
    "repository.owner": Cell("GITHUB_REPOSITORY_OWNER"),
    "repository.url": Cell(text=_REPOSITORY_URL),
    "registry.host": Cell(literal="ghcr.io"),
    "registry.image": Cell(
        text="ghcr.io/$repository_lower",
        define=('repository_lower=$(printf %s "$GITHUB_REPOSITORY" | tr A-Z a-z)',),
    ),
    "build.id": Cell("GITHUB_RUN_ID"),
    "build.number": Cell("GITHUB_RUN_NUMBER"),
    "build.url": Cell(text=f"{_REPOSITORY_URL}/actions/runs/$GITHUB_RUN_ID"),
}


def _cells(name: str, plan: Plan) -> Cell | None:
    if name.startswith("env."):
        variable = name.removeprefix("env.")
        return Cell(variable, env=(variable, f"${{{{ vars.{variable} }}}}"))
    if name == "default_branch":
        if plan.spec.default_branch:
            return Cell(literal=plan.spec.default_branch)
        return Cell(
            "DEFAULT_BRANCH",
            env=("DEFAULT_BRANCH", "${{ github.event.repository.default_branch }}"),
        )
    return _CELLS.get(name)


def _folders(plan: Plan) -> list[str]:
    """Folders on the runner for what is mounted; the runner may live on, so they are removed."""
    names = (
        ["config"] * plan.writes_files
        + ["certificates"] * bool(plan.certificates)
        + ["output"] * bool(plan.outputs)
    )
    if not names:
        return []
    removed = " ".join(f'"${name}"' for name in names)
    return [
        *(f'{name}=$(mktemp -d "$RUNNER_TEMP/kaniko.XXXXXX")' for name in names),
        f"trap 'rm -rf {removed} || :' EXIT",
        "trap 'exit 130' INT",
        "trap 'exit 143' TERM",
    ]


def _ci_login(script: Script, login: HostLogin, key: str) -> tuple[list[str], str, str]:
    script.environment["GITHUB_TOKEN"] = "${{ secrets.GITHUB_TOKEN }}"
    return [], '"$GITHUB_ACTOR"', "GITHUB_TOKEN"


def _id_token(plan: Plan, cloud: str, token: Token) -> list[str]:
    """Ask GitHub for the job's identity; its own token goes to curl by standard input."""
    why = "is not set: pull requests of forks have no identity, other runs need id-token: write"
    url = f"$ACTIONS_ID_TOKEN_REQUEST_URL&audience={token.audience}"
    return [
        f': "${{ACTIONS_ID_TOKEN_REQUEST_URL:?{why}}}"',
        "token=$(",
        "  printf 'Authorization: bearer %s' \"$ACTIONS_ID_TOKEN_REQUEST_TOKEN\" |",
        f'    {_CURL} --header @- "{url}" |',
        f"    {_json_field('value')}",
        ")",
        *_masked("token"),
    ]


_CURL = "curl --fail --silent --show-error --retry 3"


def _json_field(name: str) -> str:
    return f'sed -n \'s/.*"{name}": *"\\([^"]*\\)".*/\\1/p\''


def _masked(name: str) -> list[str]:
    """What was received is there, and the runner keeps it out of the log."""
    return [f': "${{{name}:?is empty: the answer holds none}}"', f'echo "::add-mask::${name}"']


def _session(cloud: Cloud) -> list[str]:
    """An hour in the role: the identity's own token lives for minutes, and a build for longer."""
    region = cloud.variables.get("AWS_REGION", "us-east-1")
    china = ".cn" if region.startswith("cn-") else ""
    request = (
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ci-kaniko"
        f"&RoleArn={cloud.role}"
    )
    fields = dict(zip(SESSION, ("AccessKeyId", "SecretAccessKey", "SessionToken"), strict=True))
    return [
        "answer=$(",
        '  printf %s "$token" |',
        f"    {_CURL} --data {quote(request)} \\",
        "      --data-urlencode WebIdentityToken@- \\",
        f"      https://sts.{region}.amazonaws.com{china}/",
        ")",
        *(
            f"{name}=$(printf %s \"$answer\" | sed -n 's:.*<{tag}>\\([^<]*\\)</{tag}>.*:\\1:p')"
            for name, tag in fields.items()
        ),
        f': "${{{SESSION[-1]}:?is empty: AWS did not hand out the role}}"',
        "printf '::add-mask::%s\\n' " + " ".join(f'"${name}"' for name in SESSION),
    ]


def _registry_token(login: HostLogin) -> list[str]:
    """Azure's three hours in one registry, for the identity and then for its token of Azure."""
    azure = login.login.azure
    assert azure is not None, "no other cloud has registry tokens"
    application = (
        "grant_type=client_credentials&scope=https://containerregistry.azure.net/.default"
        "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        f"&client_id={azure.client_id}"
    )
    registry = f"grant_type=access_token&service={login.host}&tenant={azure.tenant_id}"
    steps = (
        (
            application,
            "client_assertion",
            f"{_authority(login.host)}/{azure.tenant_id}/oauth2/v2.0/token",
        ),
        (registry, "access_token", f"https://{login.host}/oauth2/exchange"),
    )
    lines = []
    for (data, name, url), field in zip(steps, ("access_token", "refresh_token"), strict=True):
        lines += [
            "token=$(",
            '  printf %s "$token" |',
            f"    {_CURL} --data {quote(data)} \\",
            f"      --data-urlencode {name}@- {url} |",
            f"    {_json_field(field)}",
            ")",
            *_masked("token"),
        ]
    return lines


def _authority(host: str) -> str:
    """Where Azure's clouds log in."""
    places = {"cn": "login.chinacloudapi.cn", "us": "login.microsoftonline.us"}
    return f"https://{places.get(host.rpartition('.')[2], 'login.microsoftonline.com')}"


DIALECT = Dialect(
    target="github",
    cells=_cells,
    tests={
        "pull-request": '[ "$GITHUB_EVENT_NAME" = pull_request ]',
        "no-pull-request": '[ "$GITHUB_EVENT_NAME" != pull_request ]',
        "schedule": '[ "$GITHUB_EVENT_NAME" = schedule ]',
        "manual": '[ "$GITHUB_EVENT_NAME" = workflow_dispatch ]',
    },
    places={CHECKOUT: Cell(literal="/kaniko/context"), OUTPUT: Cell(literal="/kaniko/output")},
    config="$config",
    files="$config",
    secret_hint="add it in Settings > Secrets and variables > Actions",
    token_hint="GitHub gives every job this token",
    ci_token="GITHUB_TOKEN",
    ci_login=_ci_login,
    id_token=_id_token,
    session=_session,
    mask=('echo "::add-mask::$auth"',),
    registry_token=_registry_token,
    certificates="$certificates",
    unset=(),
    folders=_folders,
)


def _container_cells(name: str, plan: Plan) -> Cell | Impossible | None:
    if name == "commit.timestamp":
        return Impossible("there is no git in the executor's image", "use ${build.timestamp}")
    return _cells(name, plan)


_CLONE_URL = "git://${GITHUB_SERVER_URL#https://}/$GITHUB_REPOSITORY.git#$GITHUB_REF#$GITHUB_SHA"
_CONTAINER = replace(
    DIALECT,
    cells=_container_cells,
    id_token=None,
    identity_reason="a job in the executor's image has no tool that can ask for its identity",
    certificates="/kaniko/certificates",
    places={
        CHECKOUT: Cell("GITHUB_WORKSPACE"),
        OUTPUT: Cell("GITHUB_WORKSPACE"),
        THIS_REPOSITORY: Cell(text=_CLONE_URL),
    },
    config="/kaniko/.docker",
    files="/kaniko/.docker",
    unset=("KANIKO_NO_PUSH",),
    folders=config_folder,
)


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    section = spec.github
    in_container = section.mode == "container"
    dialect = _CONTAINER if in_container else DIALECT
    plan = resolve(spec, "github", directory_is_git=in_container)
    if in_container and plan.git_login is None and "://" not in spec.context:
        plan = replace(plan, git_login=GitLogin("oauth2", None))
    findings = (
        *plan.findings,
        *impossible(plan, dialect),
        *impossible_identities(plan, dialect),
        *(_container_findings(plan) if in_container else _docker_findings(plan)),
        *_secret_names(plan),
        *_never_scheduled(plan),
        *owned_keys("github", section.extra, _OWNED),
    )
    if findings:
        return Rendering(view={}, findings=findings)
    script = Script(plan, dialect)
    checkout = not in_container and (plan.reads_checkout or "commit.timestamp" in plan.variables)
    text = script.build(
        (lambda words: continued("/kaniko/executor", words))
        if in_container
        else (lambda words: _docker_run(plan, words))
    )
    for name in plan.secrets:
        script.environment[name] = f"${{{{ secrets.{name} }}}}"
    if plan.git_login and plan.git_login.secret is None:
        script.environment["GITHUB_TOKEN"] = "${{ secrets.GITHUB_TOKEN }}"
    return Rendering(
        view={
            "workflow": section.workflow,
            "events": _events(plan),
            "cancel": _cancel(plan),
            "job": section.job,
            "job_name": "Build and push the image" if plan.pushes else "Build the image",
            "condition": _condition(plan),
            "runs_on": section.runs_on,
            "timeout_minutes": section.timeout_minutes,
            "container": executor_image(spec.executor, with_shell=True) if in_container else "",
            "environment": section.environment,
            "permissions": _permissions(plan, checkout=checkout),
            "checkout": f"{pins.CHECKOUT_ACTION} # {pins.CHECKOUT_VERSION}" if checkout else "",
            "variables": script.environment,
            "script": text,
            "extra": section.extra,
        }
    )


def _container_findings(plan: Plan) -> Iterator[Finding]:
    yield from no_shell(plan.spec.executor)
    if plan.spec.context.startswith("tar://"):
        yield Finding(
            "impossible-context",
            ("context",),
            "a job in the executor's image has no checkout to take the archive from",
            "github: {mode: docker} has one",
        )


def _docker_findings(plan: Plan) -> Iterator[Finding]:
    if plan.spec.context.startswith("tar:///"):
        yield Finding(
            "impossible-context",
            ("context",),
            "only the checkout is mounted into the executor's container",
            "tar://PATH, from the repository root",
        )


def _docker_run(plan: Plan, words: list[str]) -> list[str]:
    passed = [*plan.proxy, *plan.spec.build_secrets.values()]
    passed += ["GIT_USERNAME", "GIT_PASSWORD"] * bool(plan.git_login)
    passed += ["DOCKER_AUTH_CONFIG"] * bool(plan.docker_config and plan.password_logins)
    passed += [name for cloud in plan.clouds for name in cloud.names]
    options = ["--env container=docker", *(f"--env {name}" for name in passed)]
    if plan.reads_checkout:
        options.append('--volume "$GITHUB_WORKSPACE:/kaniko/context:ro"')
    if plan.certificates:
        options.append('--volume "$certificates:/kaniko/certificates:ro"')
    if plan.writes_files:
        options.append('--volume "$config:/kaniko/.docker:ro"')
    if plan.outputs:
        options.append('--volume "$output:/kaniko/output"')
    image = executor_image(plan.spec.executor, with_shell=False)
    run = continued("docker run --rm", [*options, image, *words])
    # Folders that the executor makes belong to root, and the runner could not remove them.
    folders = sorted({path.rpartition("/")[0] for path in plan.outputs} - {""})
    run = [*(f'mkdir -p "$output"/{quote(folder)}' for folder in folders), *run]
    return [*run, 'cp -R "$output/." "$GITHUB_WORKSPACE/"'] if plan.outputs else run


def _never_scheduled(plan: Plan) -> Iterator[Finding]:
    if plan.spec.triggers and plan.spec.triggers.schedules:
        return
    for push in plan.pushes:
        if [condition.kind for condition in push.when] == ["schedule"]:
            yield Finding(
                "impossible-condition",
                (*push.where, "when"),
                "no schedule starts the workflow, so this never holds",
                'write schedules: ["30 3 * * 1"] under triggers:',
            )


def _secret_names(plan: Plan) -> Iterator[Finding]:
    for name, where in secret_places(plan).items():
        if name.upper().startswith("GITHUB_"):
            yield Finding(
                "github-secret-name",
                where,
                f'GitHub keeps names that begin with GITHUB_ for itself, so "{name}" '
                "cannot be a secret",
                "ci-token is the login that GitHub gives each job",
            )


class Permission(NamedTuple):
    """What the job's token may do, and why."""

    name: str
    access: str
    why: str


def _permissions(plan: Plan, *, checkout: bool) -> list[Permission]:
    granted = []
    if checkout or plan.git_login:
        granted.append(Permission("contents", "read", "to check out the repository"))
    if plan.identities:
        granted.append(Permission("id-token", "write", "to log in to the cloud"))
    tokens = [login for login in plan.logins if login.login.kind == "ci-token"]
    if any(login.host in plan.pushed_hosts for login in tokens):
        granted.append(Permission("packages", "write", "to push to the registry"))
    elif tokens:
        granted.append(Permission("packages", "read", "to pull from the registry"))
    return granted


def _events(plan: Plan) -> dict[str, Any]:
    """``on:``; a filter that lets everything through is left out."""
    started = plan.started
    default = plan.spec.default_branch
    branches = [to_github(glob) for glob in started.branches]
    events: dict[str, Any] = {}
    if started.default_branch and default is None:
        events["push"] = None
    else:
        if started.default_branch and default:
            branches = [to_github(default)]
        filters = {"branches": branches, "tags": [to_github(glob) for glob in started.tags]}
        filters = {key: globs for key, globs in filters.items() if globs}
        if filters:
            everything = {"branches": ["**"], "tags": ["**"]}
            events["push"] = None if filters == everything else filters
    if started.pull_requests:
        events["pull_request"] = None
    if plan.spec.triggers and plan.spec.triggers.schedules:
        events["schedule"] = [{"cron": line} for line in plan.spec.triggers.schedules]
    if started.manual:
        events["workflow_dispatch"] = None
    return events


def _condition(plan: Plan) -> str:
    """What ``on:`` cannot say: the default branch by its role, branches that are built already."""
    started = plan.started
    if started.default_branch and plan.spec.default_branch is None:
        always = ["pull_request"] + ["workflow_dispatch"] * started.manual
        tests = [f"github.event_name == '{event}'" for event in always]
        tests.append("github.ref_type == 'tag'")
        tests.append("github.ref_name == github.event.repository.default_branch")
        return " || ".join(tests)
    if not started.pull_requests:
        return ""
    fork = "github.event.pull_request.head.repo.full_name != github.repository"
    other = [_not_from(glob) for glob in started.branches if not is_literal(glob)]
    if "" in other:
        return f"github.event_name != 'pull_request' || {fork}"
    tests = [test for test in other if test]
    if not tests:
        return ""
    return f"github.event_name != 'pull_request' || {fork} || ({' && '.join(tests)})"


def _not_from(glob: str) -> str | None:
    """An expression that a request's branch does not match; None when expressions cannot say it."""
    if glob == "**":
        return ""
    prefix, stars, rest = glob.partition("**")
    if stars and not rest and "*" not in prefix and "'" not in prefix:
        return f"!startsWith(github.head_ref, '{prefix}')"
    return None


def _cancel(plan: Plan) -> str:
    if not plan.started.pull_requests:
        return "false"
    return "${{ github.event_name == 'pull_request' }}"


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    job = document["jobs"][view["job"]]
    step = job["steps"][-1]
    if step["run"] != view["script"]:
        yield "the step's script is not the planned one"
    if step.get("env", {}) != view["variables"]:
        yield "the step's environment is not the planned one"
    if "${{" in step["run"]:
        yield "an expression stands in the script"
    # YAML 1.1 readers take the key `on` for a boolean.
    if document.get("on", document.get(True)) != view["events"]:
        yield "the workflow's events are not the planned ones"


TARGET = Target(
    name="github",
    summary="GitHub Actions",
    output=".github/workflows/image.yml",
    template="github.yml.j2",
    prepare=_prepare,
    verify=_verify,
)
