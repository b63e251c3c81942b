"""What must exist on a platform before the first run, and how it is made there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko.clouds import ecr_region
from ci_kaniko.plan import Plan, resolve
from ci_kaniko.problems import SpecError
from ci_kaniko.references import parse_repository
from ci_kaniko.shell import quote
from ci_kaniko.variables import ENV_PREFIX, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec import Spec


class Requirement(NamedTuple):
    """One thing to create: what it is, what for, and the steps."""

    kind: str
    name: str
    purpose: str
    steps: tuple[str, ...]


def requirements(spec: Spec, target: str) -> list[Requirement]:
    """What a spec needs on a target, in the order of a first setup. Raises SpecError."""
    from ci_kaniko.loading import errors, placed
    from ci_kaniko.targets import target as find_target

    if problems := errors(spec):
        raise SpecError(problems)
    plan = resolve(spec, target, directory_is_git=target == "kubernetes")
    chosen = find_target(target)
    # What a manifest needs at the time of a run is not known yet.
    findings = plan.findings if chosen.needs_values else chosen.prepare(spec, {}).findings
    if findings:
        raise SpecError(placed(findings, spec.source))
    found = [*_secrets(plan), *_ready_configs(plan), *_variables(plan), *_clouds(plan)]
    return [*found, *_notes(plan)]


def setup_text(found: list[Requirement], target: str) -> str:
    """The requirements for people."""
    if not found:
        return f"{target} needs nothing before the first run.\n"
    blocks = []
    for item in found:
        title = f"{item.kind} {item.name}: {item.purpose}" if item.name else item.purpose
        blocks.append("\n".join([title, *(f"  {step}" for step in item.steps)]))
    return "\n\n".join(blocks) + "\n"


def setup_json(found: list[Requirement]) -> str:
    """The requirements for machines."""
    import json

    return json.dumps([item._asdict() for item in found], indent=2, ensure_ascii=False) + "\n"


class Use(NamedTuple):
    """What a secret is for; ``is_file`` when the value is a file's text."""

    purpose: str
    is_file: bool = False


def _uses(plan: Plan) -> dict[str, Use]:
    """The secrets of a plan and what each is for."""
    used: dict[str, Use] = {}
    for login in plan.logins:
        user = login.login.username
        if user is not None and not isinstance(user, str):
            used.setdefault(user.secret, Use(f"user name for {login.host}"))
        if login.login.password:
            used.setdefault(login.login.password, Use(f"password or token for {login.host}"))
        if login.cloud:
            if login.cloud.secret:
                use = Use(f"{login.cloud.file} for {login.host}", is_file=True)
                used.setdefault(login.cloud.secret, use)
            for variable, name in login.cloud.secret_variables.items():
                used.setdefault(name, Use(f"{variable} for {login.host}"))
    if plan.git_login and plan.git_login.secret:
        used.setdefault(plan.git_login.secret, Use("token that may read the repository"))
    if plan.context_cloud:
        for name in plan.context_cloud.secrets:
            is_file = name == plan.context_cloud.secret
            used.setdefault(name, Use("credentials for the build context", is_file=is_file))
    for build_secret, name in plan.spec.build_secrets.items():
        used.setdefault(name, Use(f"build secret {build_secret}"))
    for file, name in plan.certificates.items():
        used.setdefault(name, Use(f"PEM text of {file}", is_file=True))
    return used


def _secrets(plan: Plan) -> Iterator[Requirement]:
    uses = _uses(plan)
    if plan.target in {"kubernetes", "buildkite"} and _in_cluster(plan):
        if uses:
            yield _cluster_secret(plan, uses)
        return
    for name, use in uses.items():
        yield Requirement("secret", name, use.purpose, tuple(_steps(plan, name, use)))


def _in_cluster(plan: Plan) -> bool:
    return plan.target == "kubernetes" or plan.spec.buildkite.secrets == "kubernetes"


def _cluster_secret(plan: Plan, uses: dict[str, Use]) -> Requirement:
    section = plan.spec.kubernetes if plan.target == "kubernetes" else plan.spec.buildkite
    keys = " ".join(f"--from-file={name}=./{name}" for name in uses)
    steps = [f"{name}: {use.purpose}" for name, use in uses.items()]
    command = f"{_kubectl(plan)} create secret generic {section.secret} {keys}"
    steps += [
        "write each value into a file of its name, without a final newline, then:",
        command,
        f"rm {' '.join(uses)}",
    ]
    return Requirement("Secret", section.secret, f"holds {', '.join(uses)}", tuple(steps))


def _kubectl(plan: Plan) -> str:
    namespace = plan.spec.kubernetes.namespace if plan.target == "kubernetes" else "buildkite"
    return f"kubectl --namespace {namespace}" if namespace else "kubectl"


def _steps(plan: Plan, name: str, use: Use) -> Iterator[str]:
    if plan.target == "gitlab":
        kind = " --type file" if use.is_file else " --masked"
        yield f"glab variable set {name} --raw{kind} < FILE_WITH_THE_VALUE"
        yield "or: Settings > CI/CD > Variables, with 'Expand variable reference' off"
        if use.is_file:
            yield "a file variable cannot be masked"
        else:
            yield "masked: one line of at least 8 characters; leave --masked out for a user name"
        yield "add --protected when only protected branches and tags push"
    elif plan.target == "github":
        environment = plan.spec.github.environment
        where = f" --env {environment}" if environment else ""
        yield f"gh secret set {name}{where} < FILE_WITH_THE_VALUE"
    elif plan.target == "agola":
        yield f"agola projectsecret create --project PROJECT --name {name} -f - <<'END'"
        yield f"{name}: THE_VALUE"
        yield "END"
        yield from _agola_variable(name)
    else:
        yield f"Buildkite: Agents > CLUSTER > Secrets > New Secret, with the key {name}"


def _agola_variable(name: str) -> Iterator[str]:
    yield f"agola projectvariable create --project PROJECT --name {name} -f - <<'END'"
    yield f"- secret_name: {name}"
    yield f"  secret_var: {name}"
    yield "END"


def _ready_configs(plan: Plan) -> Iterator[Requirement]:
    name = plan.docker_config
    if name is None:
        return
    hosts = [login.host for login in plan.logins if login.login.docker_config]
    purpose = f"a ready config.json with logins for {', '.join(hosts)}"
    if plan.target in {"kubernetes", "buildkite"}:
        command = (
            f"{_kubectl(plan)} create secret generic {name} "
            "--type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=./config.json"
        )
        yield Requirement("Secret", name, purpose, (command,))
    else:
        steps = tuple(_steps(plan, name, Use(purpose, is_file=True)))
        yield Requirement("secret", name, purpose, steps)


def _variables(plan: Plan) -> Iterator[Requirement]:
    for variable in sorted(plan.variables):
        if not variable.startswith(ENV_PREFIX):
            continue
        name = variable.removeprefix(ENV_PREFIX)
        steps = {
            "gitlab": f"glab variable set {name} VALUE --raw, or Settings > CI/CD > Variables",
            "github": f"gh variable set {name} --body VALUE",
            "buildkite": f"the pipeline's settings, or env: at its top: {name}",
            "agola": f"agola projectsecret and projectvariable create, as for a secret: {name}",
            "kubernetes": f"ci-kaniko render kubernetes --set {variable}=VALUE",
        }
        yield Requirement(
            "variable", name, "read when the job runs; it is no secret", (steps[plan.target],)
        )


_ECR_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_ECR_PUSH = (
    *_ECR_PULL,
    *("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
)
_ISSUERS = {
    "gitlab": "your GitLab's address",
    "github": "https://token.actions.githubusercontent.com",
    "buildkite": "https://agent.buildkite.com",
    "kubernetes": "the cluster's service account issuer",
}


def _clouds(plan: Plan) -> Iterator[Requirement]:
    pushed = _repositories(plan)
    for host, repositories in pushed.items():
        login = next((item for item in plan.logins if item.host == host), None)
        if region := ecr_region(host):
            steps = tuple(_ecr_steps(host, region, repositories))
            purpose = f"to push to {', '.join(repositories)}"
            yield Requirement("permission", host, purpose, steps)
        elif login and login.login.google:
            role = ("roles/artifactregistry.writer on the repository",)
            yield Requirement("permission", host, "to push", role)
        elif login and login.login.azure:
            yield Requirement("permission", host, "to push", ("the role AcrPush on the registry",))
    roles = {
        "aws": f"ecr:GetAuthorizationToken on *, {', '.join(_ECR_PULL)} on the repositories",
        "google": "roles/artifactregistry.reader on the repository",
        "azure": "the role AcrPull on the registry",
    }
    for login in plan.logins:
        if login.login.kind in roles and login.host not in pushed:
            step = roles[login.login.kind]
            yield Requirement("permission", login.host, "to pull base images", (step,))
    if plan.context_cloud and plan.context_cloud.name in {"aws", "google"}:
        store = "s3:GetObject" if plan.context_cloud.name == "aws" else "roles/storage.objectViewer"
        where = plan.spec.context.partition("://")[2].partition("/")[0]
        yield Requirement("permission", where, "to fetch the context", (f"{store} on the bucket",))
    yield from _identities(plan)


def _ecr_steps(host: str, region: str, repositories: list[str]) -> Iterator[str]:
    public = host == "public.ecr.aws"
    service = "ecr-public" if public else "ecr"
    yield f"{service}:GetAuthorizationToken on *"
    if public:
        yield "sts:GetServiceBearerToken on *"
        # The first part of a public name is the registry's alias.
        repositories = [name.partition("/")[2] or name for name in repositories]
    actions = [action.replace("ecr:", f"{service}:") for action in _ECR_PUSH]
    if public:
        pulls = {"ecr-public:BatchGetImage", "ecr-public:GetDownloadUrlForLayer"}
        actions = [action for action in actions if action not in pulls]
    yield f"{', '.join(actions)} on the repositories"
    for name in repositories:
        yield f"aws {service} create-repository --region {region} --repository-name {quote(name)}"
    yield "a lifecycle policy keeps a cache repository below its limit of images"


def _identities(plan: Plan) -> Iterator[Requirement]:
    for name, token in plan.identities.items():
        steps = [
            f"issuer: {_ISSUERS[plan.target]}",
            f"audience: {token.audience}",
            *_trusting(plan, name),
            "restrict the subject to this repository and to the branches that push",
        ]
        if plan.target == "kubernetes":
            account = plan.spec.kubernetes.service_account or "default"
            namespace = plan.spec.kubernetes.namespace or "NAMESPACE"
            steps[-1] = f"restrict the subject to system:serviceaccount:{namespace}:{account}"
        if plan.target == "buildkite":
            lifetime = plan.spec.buildkite.oidc_lifetime_seconds
            steps.append(
                f"the token lives {lifetime} seconds, and the push comes last: "
                "buildkite.oidc_lifetime_seconds makes it longer than a build"
            )
        yield Requirement("identity", name, "the cloud trusts the CI's identity", tuple(steps))
    if plan.target not in {"kubernetes", "buildkite"}:
        return
    section = plan.spec.kubernetes if plan.target == "kubernetes" else plan.spec.buildkite
    account = section.service_account or "default"
    for cloud in plan.clouds:
        if not cloud.secrets and not cloud.token:
            command = (
                f"{_kubectl(plan)} annotate serviceaccount {account} {_ANNOTATIONS[cloud.name]}"
            )
            purpose = f"the pod's role in the cloud: {cloud.name}"
            yield Requirement("service account", account, purpose, (command,))


_ANNOTATIONS = {
    "aws": "eks.amazonaws.com/role-arn=ARN_OF_THE_ROLE",
    "google": "iam.gke.io/gcp-service-account=ADDRESS_OF_THE_SERVICE_ACCOUNT",
    "azure": "azure.workload.identity/client-id=CLIENT_ID",
}


def _trusting(plan: Plan, name: str) -> Iterator[str]:
    """Who trusts the identity."""
    logins = [login.login for login in plan.logins]
    context = plan.spec.context_login
    if name == "aws":
        roles = [login.aws.role for login in logins if login.aws and login.aws.role]
        roles += [context.aws.role] if context and context.aws and context.aws.role else []
        for role in dict.fromkeys(roles):
            yield f"trusted by: {role}, with sts:AssumeRoleWithWebIdentity"
    elif name == "google":
        accounts = [login.google.service_account for login in logins if login.google]
        accounts += [context.google.service_account] if context and context.google else []
        for account in dict.fromkeys(accounts):
            if account:
                yield f"trusted by: {account}, with roles/iam.workloadIdentityUser"
    else:
        ids = [login.azure.client_id for login in logins if login.azure and login.azure.client_id]
        for client in dict.fromkeys(ids):
            yield f"trusted by: a federated credential of the application {client}"


def _repositories(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    references = [(push.host, push.reference) for push in plan.pushes]
    for host in plan.cache_hosts:
        cache = plan.spec.cache
        if cache:
            references.append((host, parse_repository(cache.repo)))
    for host, reference in references:
        names = found.setdefault(host, [])
        name = text_of(reference.repository)
        if name not in names:
            names.append(name)
    return found


def _notes(plan: Plan) -> Iterator[Requirement]:
    for login in plan.logins:
        if login.login.kind == "ci-token" and plan.target == "gitlab":
            yield Requirement(
                "note", "", "the container registry must be switched on: Settings > General", ()
            )
        if login.login.kind == "ci-token" and plan.target == "buildkite":
            yield Requirement(
                "note",
                "",
                f"the Package Registry's OIDC policy must allow this pipeline, and tokens of "
                f"{plan.spec.buildkite.oidc_lifetime_seconds} seconds",
                (),
            )
    if plan.started.pull_requests and plan.secrets and plan.target != "kubernetes":
        yield _about_forks(plan)


def _about_forks(plan: Plan) -> Requirement:
    never = "never hand secrets to them: a Dockerfile can read what its executor can"
    if plan.target == "buildkite":
        purpose = "pull requests of forks get what the step names, when the pipeline builds them"
        setting = (
            "leave them off: the pipeline's settings > GitHub > Build pull requests from forks"
        )
        return Requirement("note", "", purpose, (setting, never))
    always = plan.push == "always" or any(not login.pushes for login in plan.logins)
    needs = always or plan.spec.build_secrets or plan.certificates or plan.git_login
    end = "their builds stop where one is needed" if needs else "they are built and not pushed"
    return Requirement("note", "", f"pull requests of forks get no secrets: {end}", (never,))
