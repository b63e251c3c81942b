"""What must exist on a platform before the first run, and how it is made there."""

from __future__ import annotations

from functools import partial

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.hosts import ecr_region
from ci_kaniko.plan.pipeline import pipeline
from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.plan.secrets import Use, uses_of_secrets
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import replace
from ci_kaniko.spec.pulled import pulled_images
from ci_kaniko.syntax.references import pulled_from
from ci_kaniko.syntax.variables import ENV_PREFIX, text_of
from ci_kaniko.targets.files import in_files
from ci_kaniko.targets.requirement import Requirement
from ci_kaniko.targets.setup import config_secret
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.setup import Cluster, Setup


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

    chosen = find_target(target)
    whole = pipeline(
        spec, target, directory_is_git=lambda b: chosen.needs_values or chosen.fetches(b)
    )
    # What a manifest needs at the time of a run is not known yet.
    rendering = None if chosen.needs_values else chosen.rendering(spec, {})
    findings = rendering.findings if rendering else whole.findings
    if findings:
        raise SpecError(placed(findings, spec.source))
    plans = whole.plans
    words = chosen.setup()
    found = [
        *_secrets(plans, words),
        *_ready_configs(plans, words),
        *_variables(plans, words),
        *_clouds(plans),
    ]
    for listed in (_pulls, _trusts, _claims, _identities, _notes):
        found += _each(partial(listed, words=words), plans)
    found += [*_builders(plans, words), *_forks(plans, words), *words.finally_(plans)]
    if rendering:
        found += words.caller(plans, path or chosen.output, rendering.view)
    return found


def _each(
    listed: Callable[[Plan], Iterable[Requirement]], plans: list[Plan]
) -> Iterator[Requirement]:
    for plan in plans:
        yield from listed(plan)


def _merged(required: list[Requirement]) -> list[Requirement]:
    """Each requirement once, with the steps of all its jobs."""
    merged: dict[tuple[str, str, str], Requirement] = {}
    for item in required:
        key = (item.kind, item.name, item.purpose)
        first = merged.setdefault(key, item)
        merged[key] = replace(first, steps=_woven(first.steps, item.steps))
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


def setup_text(required: list[Requirement], target: str) -> str:
    """The requirements for people."""
    if not required:
        return f"{target} needs nothing before the first run.\n"
    blocks = []
    for item in required:
        title = f"{item.kind} {item.name}: {item.purpose}" if item.name else item.purpose
        blocks.append("\n".join([title, *(f"  {step}" for step in item.steps)]))
    return "\n\n".join(blocks) + "\n"


def setup_json(required: list[Requirement]) -> str:
    """The requirements for machines."""
    import json

    return json.dumps([item.to_dict() for item in required], indent=2, ensure_ascii=False) + "\n"


def _secrets(plans: list[Plan], words: Setup) -> Iterator[Requirement]:
    uses = uses_of_secrets(plans)
    groups: dict[tuple[str, str], tuple[Cluster, list[Plan]]] = {}
    for plan in plans:
        cluster = words.cluster(plan)
        if cluster and cluster.secret:
            place = cluster.kubectl, cluster.secret
            groups.setdefault(place, (cluster, []))[1].append(plan)
            continue
        for name in uses_of_secrets([plan]):
            steps = tuple(words.secret(plan, name, uses[name]))
            yield Requirement("secret", name, uses[name].purpose, steps)
    for cluster, members in groups.values():
        if held := uses_of_secrets(members):
            yield _cluster_secret(cluster, held)


def _cluster_secret(cluster: Cluster, uses: dict[str, Use]) -> Requirement:
    keys = " ".join(f"--from-file={name}=./{name}" for name in uses)
    steps = [f"{name}: {use.purpose}" for name, use in uses.items()]
    command = f"{cluster.kubectl} create secret generic {cluster.secret} {keys}"
    steps += [
        "write each value into a file of its name, without a final newline, then:",
        command,
        f"rm {' '.join(uses)}",
    ]
    return Requirement("Secret", cluster.secret, f"holds {', '.join(uses)}", tuple(steps))


def _ready_configs(plans: list[Plan], words: Setup) -> Iterator[Requirement]:
    hosts: dict[str, dict[str, None]] = {}
    for plan in plans:
        for login in plan.logins:
            if login.login.docker_config and plan.docker_config:
                hosts.setdefault(plan.docker_config, {})[login.host] = None
    for plan in plans:
        if name := plan.docker_config:
            yield _ready_config(plan, name, list(hosts[name]), words)


def _ready_config(plan: Plan, name: str, hosts: list[str], words: Setup) -> Requirement:
    purpose = f"a ready config.json with logins for {', '.join(hosts)}"
    if cluster := words.cluster(plan):
        return Requirement("Secret", name, purpose, (config_secret(cluster, name),))
    steps = tuple(words.secret(plan, name, Use(purpose, is_file=True)))
    return Requirement("secret", name, purpose, steps)


def _claims(plan: Plan, words: Setup) -> Iterator[Requirement]:
    """The claim that a pod mounts for cache.dir; a pod waits for one that is not there."""
    folder = plan.base_images
    cluster = words.cluster(plan)
    if folder and cluster and cluster.cache_claim:
        yield Requirement(
            "claim",
            cluster.cache_claim,
            f"a PersistentVolumeClaim with base images, mounted at {folder}",
            ("kaniko's warmer fills it: --cache-dir=FOLDER --image=IMAGE",),
        )


def _pulls(plan: Plan, words: Setup) -> Iterator[Requirement]:
    """Logins for images that the platform pulls before anything of the job runs."""
    from ci_kaniko.targets.registry import target as find_target

    pulls_with = find_target(plan.target).pulls_with
    logins = {login.host: login for login in plan.logins}
    for image in dict.fromkeys(pulled_images(plan.spec, plan.target)):
        host = pulled_from(image)
        login = logins.get(host)
        if (
            login is None
            or pull_login(plan, image, pulls_with)
            or words.pulls_by_itself(plan, login.login)
        ):
            continue
        purpose = f"{image} is pulled before any login of the job is there"
        steps = [*words.pull(plan, host)]
        if pull_login(plan._replace(logins=(login._replace(pushes=False),)), image, pulls_with):
            every = f"pull: true at the login of {host}, for runs that do not push, too; or:"
            steps = [every, *steps]
        yield Requirement("pull login", host, purpose, tuple(steps))


def _trusts(plan: Plan, words: Setup) -> Iterator[Requirement]:
    """Private certificates of registries that the platform pulls from."""
    for image in dict.fromkeys(pulled_images(plan.spec, plan.target)):
        host = pulled_from(image)
        if host in plan.spec.certificates:
            purpose = f"{image} is pulled before any certificate of the job is there"
            step = f"what pulls it trusts {host}: Docker by /etc/docker/certs.d/{host}/ca.crt"
            yield Requirement("certificate", host, purpose, (step,))


def _variables(plans: list[Plan], words: Setup) -> Iterator[Requirement]:
    for variable in sorted({name for plan in plans for name in plan.variables}):
        if variable.startswith(ENV_PREFIX):
            name = variable.removeprefix(ENV_PREFIX)
            step = words.variable(plans[0], name)
            purpose = "read when the job runs; it is no secret"
            yield Requirement("variable", name, purpose, (step,))


_ECR_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_ECR_PUSH = (
    *_ECR_PULL,
    *("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
)


def _clouds(plans: list[Plan]) -> Iterator[Requirement]:
    pushed = _repositories(plans)
    logins = {login.host: login for plan in reversed(plans) for login in plan.logins}
    for host, repositories in pushed.items():
        login = logins.get(host)
        if region := ecr_region(host):
            region = "REGION" if "$" in region else region
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
        where = plan.spec.context.bucket
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


def _identities(plan: Plan, words: Setup) -> Iterator[Requirement]:
    for name, token in plan.identities.items():
        steps = [
            f"issuer: {words.issuer}",
            f"audience: {token.audience}",
            *_trusting(plan, name),
            "restrict the subject to this repository and to the branches that push",
        ]
        steps = words.trusted(plan, steps)
        yield Requirement("identity", name, "the cloud trusts the CI's identity", tuple(steps))
    cluster = words.cluster(plan)
    for cloud in plan.every_cloud if cluster else ():
        if cluster and not cloud.secrets and not cloud.token:
            annotation = _ANNOTATIONS[cloud.name]
            command = f"{cluster.kubectl} annotate serviceaccount {cluster.account} {annotation}"
            purpose = f"the pod's role in the cloud: {cloud.name}"
            yield Requirement("service account", cluster.account, purpose, (command,))


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
        (login.host, push.reference)
        for plan in plans
        for login in plan.logins
        for push in plan.pushes
        if push.host in login.serves
    ]
    references += [
        (host, plan.spec.cache.remote)
        for plan in plans
        if plan.spec.cache and plan.spec.cache.remote
        for host in plan.cache_hosts
    ]
    found: dict[str, dict[str, None]] = {}
    for host, reference in references:
        found.setdefault(host, {})[text_of(reference.repository)] = None
    return {host: list(names) for host, names in found.items()}


def _notes(plan: Plan, words: Setup) -> Iterator[Requirement]:
    for login in plan.logins:
        if login.login.kind == "ci-token" and (note := words.note(plan, login)):
            yield Requirement("note", "", note, ())


def _builders(plans: list[Plan], words: Setup) -> Iterator[Requirement]:
    """What a builder needs that the usual profiles of seccomp and AppArmor would stop."""
    for plan in plans:
        known = builder_of(plan)
        if plan.arguments and not known.confined:
            purpose = "it needs more than kaniko from what runs it"
            steps = tuple(words.allows(known, plan))
            yield Requirement("builder", known.name, purpose, steps)


def _forks(plans: list[Plan], words: Setup) -> Iterable[Requirement]:
    """What pull requests of forks get, said once for all jobs."""
    plans = [plan for plan in plans if plan.started.pull_requests and plan.secrets]
    return words.forks(plans) if plans else ()
