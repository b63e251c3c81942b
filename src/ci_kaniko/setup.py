"""What must exist on a platform before the first run, and how it is made there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.kaniko.hosts import ecr_region
from ci_kaniko.plan.pipeline import in_files, pipeline
from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.spec.pushed import pulled_images
from ci_kaniko.syntax.references import DOCKER_HUB, parse_repository, pulled_from
from ci_kaniko.syntax.variables import ENV_PREFIX, text_of
from ci_kaniko.targets.requirement import Requirement, Use
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.logins import Login
    from ci_kaniko.spec.native.buildkite import Buildkite
    from ci_kaniko.spec.native.kubernetes import Kubernetes
    from ci_kaniko.spec.spec import Spec


def requirements(spec: Spec, target: str) -> list[Requirement]:
    """What a spec needs on a target, in the order of a first setup. Raises SpecError."""
    from ci_kaniko.spec.loading import errors

    if problems := errors(spec):
        raise SpecError(problems)
    found = [one for path, part in in_files(spec, target) for one in _of_a_file(part, target, path)]
    return _merged(found)


def _of_a_file(spec: Spec, target: str, path: str | None) -> list[Requirement]:
    from ci_kaniko.spec.placing import placed
    from ci_kaniko.targets.registry import target as find_target

    whole = pipeline(spec, target, directory_is_git=lambda _: target == "kubernetes")
    chosen = find_target(target)
    # What a manifest needs at the time of a run is not known yet.
    rendering = None if chosen.needs_values else chosen.prepare(spec, {})
    findings = rendering.findings if rendering else whole.findings
    if findings:
        raise SpecError(placed(findings, spec.source))
    plans = [plan for image in whole.images for plan in image.plans]
    found = [*_secrets(plans), *_ready_configs(plans), *_variables(plans), *_clouds(plans)]
    found += [
        *_each(_pulls, plans),
        *_each(_claims, plans),
        *_each(_identities, plans),
        *_each(_notes, plans),
        *_forks(plans),
    ]
    found += [*_held_in_requests(plans), *_controller(plans)]
    if target == "github" and plans[0].reusable and rendering:
        found.append(_caller(path or chosen.output, rendering.view))
    return found


def _caller(path: str, view: dict[str, Any]) -> Requirement:
    """The job that calls a reusable workflow: what it may do, and what it hands over."""
    from ci_kaniko.text.yaml import scalar

    granted: dict[str, str] = {}
    for job in view["jobs"]:
        for permission in job.permissions:
            if granted.get(permission.name) != "write":
                granted[permission.name] = permission.access
    called = view["events"]["workflow_call"] or {}
    inputs = called.get("inputs", {})
    steps = ["permissions:", *(f"  {name}: {access}" for name, access in granted.items())]
    steps.append(f"uses: ./{path}")
    if inputs:
        given = {name: item.get("default", "VALUE") for name, item in inputs.items()}
        steps += ["with:", *(f"  {name}: {scalar(value)}" for name, value in given.items())]
    if called.get("secrets"):
        steps.append("secrets: inherit")
    return Requirement("caller", path, "a job of the workflow that calls it says", tuple(steps))


def _each(
    listed: Callable[[Plan], Iterable[Requirement]], plans: list[Plan]
) -> Iterator[Requirement]:
    for plan in plans:
        yield from listed(plan)


def _merged(found: list[Requirement]) -> list[Requirement]:
    """Each requirement once, with the steps of all its jobs."""
    merged: dict[tuple[str, str, str], Requirement] = {}
    for item in found:
        first = merged.setdefault(item[:3], item)
        merged[item[:3]] = first._replace(steps=_woven(first.steps, item.steps))
    return list(merged.values())


def _woven(steps: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Two lists of steps as one, each step once, before the steps that it stands before."""
    woven = list(steps)
    place = len(woven)
    for step in reversed(others):
        if step in woven:
            place = woven.index(step)
        else:
            woven.insert(place, step)
    return tuple(woven)


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


def _uses(plans: list[Plan]) -> dict[str, Use]:
    """The secrets of plans and what each is for."""
    used: dict[str, Use] = {}
    for plan in plans:
        _note_uses(plan, used)
    return used


def _note_uses(plan: Plan, used: dict[str, Use]) -> None:
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
    for variable, name in plan.proxy_secrets.items():
        used.setdefault(name, Use(f"address for {variable}"))
    for file, name in plan.certificates.items():
        used.setdefault(name, Use(f"PEM text of {file}", is_file=True))


def _secrets(plans: list[Plan]) -> Iterator[Requirement]:
    uses = _uses(plans)
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        if _in_cluster(plan):
            groups.setdefault((_kubectl(plan), _section(plan).secret), []).append(plan)
            continue
        for name in _uses([plan]):
            yield Requirement(
                "secret", name, uses[name].purpose, tuple(_steps(plan, name, uses[name]))
            )
    for members in groups.values():
        if held := _uses(members):
            yield _cluster_secret(members[0], held)


def _in_cluster(plan: Plan) -> bool:
    return plan.target == "kubernetes" or (
        plan.target == "buildkite" and plan.spec.buildkite.secrets == "kubernetes"
    )


def _section(plan: Plan) -> Kubernetes | Buildkite:
    return plan.spec.kubernetes if plan.target == "kubernetes" else plan.spec.buildkite


def _cluster_secret(plan: Plan, uses: dict[str, Use]) -> Requirement:
    section = _section(plan)
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
        where = f" --env {quote(environment)}" if environment else ""
        yield f"gh secret set {name}{where} < FILE_WITH_THE_VALUE"
    elif plan.target == "agola":
        yield f"agola projectsecret create --project PROJECT --name {name} -f - <<'END'"
        yield f"{name}: THE_VALUE"
        yield "END"
        from ci_kaniko.targets.agola.setup import agola_variable

        yield from agola_variable(name)
    else:
        yield f"Buildkite: Agents > CLUSTER > Secrets > New Secret, with the key {name}"


def _ready_configs(plans: list[Plan]) -> Iterator[Requirement]:
    hosts: dict[str, dict[str, None]] = {}
    for plan in plans:
        for login in plan.logins:
            if login.login.docker_config and plan.docker_config:
                hosts.setdefault(plan.docker_config, {})[login.host] = None
    for plan in plans:
        if name := plan.docker_config:
            yield _ready_config(plan, name, list(hosts[name]))


def _ready_config(plan: Plan, name: str, hosts: list[str]) -> Requirement:
    purpose = f"a ready config.json with logins for {', '.join(hosts)}"
    if plan.target in {"kubernetes", "buildkite"}:
        command = (
            f"{_kubectl(plan)} create secret generic {name} "
            "--type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=./config.json"
        )
        return Requirement("Secret", name, purpose, (command,))
    steps = tuple(_steps(plan, name, Use(purpose, is_file=True)))
    return Requirement("secret", name, purpose, steps)


def _claims(plan: Plan) -> Iterator[Requirement]:
    """The claim that a pod mounts for cache.dir; a pod waits for one that is not there."""
    folder = plan.spec.cache and plan.spec.cache.dir
    if folder and plan.target in {"kubernetes", "buildkite"} and _section(plan).cache_claim:
        yield Requirement(
            "claim",
            str(_section(plan).cache_claim),
            f"a PersistentVolumeClaim with base images, mounted at {folder}",
            ("kaniko's warmer fills it: --cache-dir=FOLDER --image=IMAGE",),
        )


def _pulls(plan: Plan) -> Iterator[Requirement]:
    """Logins for images that the platform pulls before anything of the job runs."""
    logins = {login.host: login for login in plan.logins}
    for image in dict.fromkeys(pulled_images(plan.spec, plan.target)):
        host = pulled_from(image)
        login = logins.get(host)
        if login is None or pull_login(plan, image) or _pulls_by_itself(plan, login.login):
            continue
        purpose = f"{image} is pulled before any login of the job is there"
        steps = [*_pull_steps(plan, host)]
        if pull_login(plan._replace(logins=(login._replace(pushes=False),)), image):
            every = f"pull: true at the login of {host}, for runs that do not push, too; or:"
            steps = [every, *steps]
        yield Requirement("pull login", host, purpose, tuple(steps))


def _pulls_by_itself(plan: Plan, login: Login) -> bool:
    """Whether GitLab's runner is logged in there, or the pod names a Secret for it."""
    if plan.target == "gitlab":
        return login.kind == "ci-token"
    if plan.target == "kubernetes" and plan.spec.kubernetes.image_pull_secrets:
        return True
    return plan.target in {"kubernetes", "buildkite"} and login.docker_config is not None


def _pull_steps(plan: Plan, host: str) -> Iterator[str]:
    secret = f"{_kubectl(plan)} create secret docker-registry mirror --docker-server={quote(host)}"
    if plan.target == "gitlab":
        yield "glab variable set DOCKER_AUTH_CONFIG --raw < config.json"
        yield f"a config.json with a login for {host}, which the runner reads and no script sees"
    elif plan.target == "github":
        yield f"on a runner of your own: docker login {host}"
        yield "GitHub's own runners pull only what is public"
    elif plan.target == "agola":
        key = "index.docker.io" if host == DOCKER_HUB else host
        yield f"agola: {{extra: {{docker_registries_auth: {{{key}: ...}}}}}} in the spec"
    elif plan.target == "kubernetes":
        yield "a docker_config of the spec for that host is used; or:"
        yield secret
        yield "kubernetes: {image_pull_secrets: [mirror]} in the spec"
    else:
        account = plan.spec.buildkite.service_account or "default"
        patch = quote('{"imagePullSecrets": [{"name": "mirror"}]}')
        yield "a docker_config of the spec for that host is used; or:"
        yield secret
        yield f"{_kubectl(plan)} patch serviceaccount {account} --patch {patch}"


def _variables(plans: list[Plan]) -> Iterator[Requirement]:
    for variable in sorted({name for plan in plans for name in plan.variables}):
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
            "variable", name, "read when the job runs; it is no secret", (steps[plans[0].target],)
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


def _clouds(plans: list[Plan]) -> Iterator[Requirement]:
    pushed = _repositories(plans)
    logins = {login.host: login for plan in reversed(plans) for login in plan.logins}
    for host, repositories in pushed.items():
        login = logins.get(host)
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
    for plan in plans:
        for item in plan.logins:
            if item.login.kind in roles and item.host not in pushed:
                step = roles[item.login.kind]
                yield Requirement("permission", item.host, "to pull base images", (step,))
    yield from _each(_buckets, plans)


def _buckets(plan: Plan) -> Iterator[Requirement]:
    if plan.context_cloud and plan.context_cloud.name in {"aws", "google"}:
        store = "s3:GetObject" if plan.context_cloud.name == "aws" else "roles/storage.objectViewer"
        where = plan.spec.context.partition("://")[2].partition("/")[0]
        yield Requirement("permission", where, "to fetch the context", (f"{store} on the bucket",))


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


def _repositories(plans: list[Plan]) -> dict[str, list[str]]:
    """The repositories that are pushed to, by host."""
    references = [(push.host, push.reference) for plan in plans for push in plan.pushes]
    references += [
        (host, parse_repository(plan.spec.cache.remote))
        for plan in plans
        if plan.spec.cache and plan.spec.cache.remote
        for host in plan.cache_hosts
    ]
    found: dict[str, dict[str, None]] = {}
    for host, reference in references:
        found.setdefault(host, {})[text_of(reference.repository)] = None
    return {host: list(names) for host, names in found.items()}


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


def _held_in_requests(plans: list[Plan]) -> Iterator[Requirement]:
    """GitLab gives every variable to every job: no file can keep one from merge requests."""
    names = {
        name: None
        for plan in plans
        if plan.target == "gitlab" and plan.started.pull_requests and plan.push == "auto"
        for login in plan.logins
        if login.pushes
        for name in (*login.secrets, *filter(None, [login.login.docker_config]))
    }
    if names:
        yield Requirement(
            "note",
            "",
            "merge requests push nothing, but GitLab gives them every variable that is not "
            f"protected: {', '.join(names)}",
            (
                "protect these variables: Settings > CI/CD > Variables",
                "protect the branches and tags that push: Settings > Repository",
            ),
        )


def _controller(plans: list[Plan]) -> Iterator[Requirement]:
    if any(plan.target == "buildkite" and plan.secrets for plan in plans):
        yield Requirement(
            "note",
            "",
            "agent-stack-k8s is 0.28 (June 2025) or newer: with older ones a branch called "
            "x-$(NAME) gets the secret NAME into its name",
            ("helm list --all-namespaces --filter agent-stack-k8s",),
        )


def _forks(plans: list[Plan]) -> Iterator[Requirement]:
    """What pull requests of forks get, said once for all jobs."""
    plans = [plan for plan in plans if plan.started.pull_requests and plan.secrets]
    if not plans or plans[0].target == "kubernetes":
        return
    never = "never hand secrets to them: a Dockerfile can read what its executor can"
    if plans[0].target == "buildkite":
        if not any(_needs_secrets(plan) for plan in plans):
            return
        purpose = "pull requests of forks get what the step names, when the pipeline builds them"
        setting = (
            "leave them off: the pipeline's settings > GitHub > Build pull requests from forks"
        )
        yield Requirement("note", "", purpose, (setting, never))
        return
    stops = any(_needs_secrets(plan) for plan in plans)
    end = "their builds stop where one is needed" if stops else "they are built and not pushed"
    yield Requirement("note", "", f"pull requests of forks get no secrets: {end}", (never,))


def _needs_secrets(plan: Plan) -> bool:
    """Whether a run that pushes nothing reads secrets."""
    always = plan.push == "always" or any(not login.pushes for login in plan.logins)
    return bool(
        always
        or plan.spec.build_secrets
        or plan.proxy_secrets
        or plan.certificates
        or plan.git_login
    )
