"""GitLab CI: one job in the executor's debug image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.globs import is_literal, to_regex
from ci_kaniko.logins import Login
from ci_kaniko.plan import (
    CHECKOUT,
    OUTPUT,
    HostLogin,
    executor_image,
    mixed_logins,
    no_shell,
    resolve,
)
from ci_kaniko.script import Cell, Dialect, Script, impossible
from ci_kaniko.shell import continued
from ci_kaniko.targets import Rendering, Target
from ci_kaniko.targets.common import config_folder, owned_keys
from ci_kaniko.variables import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.clouds import Token
    from ci_kaniko.plan import Plan
    from ci_kaniko.spec import Spec

_PROXY = "@dependency-proxy"
_DEFAULT_STAGES = {".pre", "build", "test", "deploy", ".post"}

_OWNED = {
    "stage": "gitlab.stage",
    "image": "executor",
    "script": "the fields of the spec",
    "before_script": "the Dockerfile",
    "rules": "triggers",
    "only": "triggers",
    "except": "triggers",
    "tags": "gitlab.tags",
    "timeout": "gitlab.timeout",
    "retry": "gitlab.retry",
    "interruptible": "gitlab.interruptible",
    "id_tokens": "the logins: each asks for what it needs",
}

_CELLS: dict[str, Cell] = {
    "commit.sha": Cell("CI_COMMIT_SHA"),
    "commit.short": Cell("CI_COMMIT_SHORT_SHA"),
    "commit.timestamp": Cell("CI_COMMIT_TIMESTAMP"),
    "branch": Cell("CI_COMMIT_BRANCH", may_be_unset=True),
    "default_branch": Cell("CI_DEFAULT_BRANCH"),
    "tag": Cell("CI_COMMIT_TAG", may_be_unset=True),
    "pull_request.number": Cell("CI_MERGE_REQUEST_IID", may_be_unset=True),
    "repository.path": Cell("CI_PROJECT_PATH"),
    "repository.owner": Cell("CI_PROJECT_NAMESPACE"),
    "repository.name": Cell("CI_PROJECT_NAME"),
    "repository.url": Cell("CI_PROJECT_URL"),
    "registry.host": Cell("CI_REGISTRY"),
    "registry.image": Cell("CI_REGISTRY_IMAGE"),
    "build.id": Cell("CI_PIPELINE_ID"),
    "build.number": Cell("CI_PIPELINE_IID"),
    "build.url": Cell("CI_PIPELINE_URL"),
}


def _cells(name: str, plan: Plan) -> Cell | None:
    if name.startswith("env."):
        return Cell(name.removeprefix("env."), may_be_unset=True)
    if name in {"ref.name", "ref.slug"}:
        native = "CI_COMMIT_REF_" + name.removeprefix("ref.").upper()
        if not plan.started.pull_requests:
            return Cell(native)
        ref = "ref" if name == "ref.name" else "ref_slug"
        return Cell(
            ref,
            define=(
                f"{ref}=${{CI_MERGE_REQUEST_IID:+pr-$CI_MERGE_REQUEST_IID}}",
                f"{ref}=${{{ref}:-${native}}}",
            ),
        )
    return _CELLS.get(name)


def _with_proxy(plan: Plan) -> Plan:
    """The plan with a login for the dependency proxy, which every build may pull from."""
    if not plan.spec.gitlab.dependency_proxy:
        return plan
    where = ("gitlab", "dependency_proxy")
    login = HostLogin(_PROXY, (Ref(_PROXY),), Login(use="ci-token"), where, pushes=False)
    return replace(plan, logins=(*plan.logins, login))


def _ci_login(script: Script, login: HostLogin, key: str) -> tuple[list[str], str, str]:
    """The registry login that GitLab gives each job; it goes to GitLab's own registry only."""
    if login.host == _PROXY:
        guard = ': "${CI_DEPENDENCY_PROXY_PASSWORD:?is not set: the dependency proxy is off}"'
        return [guard], '"$CI_DEPENDENCY_PROXY_USER"', "CI_DEPENDENCY_PROXY_PASSWORD"
    lines = []
    if login.host != "${registry.host}":
        lines = [
            f'if [ "$CI_REGISTRY" != {key} ]; then',
            f'  echo "ci-kaniko: {key} is not the registry of this GitLab" >&2',
            "  exit 1",
            "fi",
        ]
    guard = ': "${CI_REGISTRY_PASSWORD:?is not set: the container registry is switched off}"'
    return [*lines, guard], '"$CI_REGISTRY_USER"', "CI_REGISTRY_PASSWORD"


def _id_token(plan: Plan, cloud: str, token: Token) -> list[str]:
    name = _id_token_name(cloud)
    return [f': "${{{name}:?is not set: GitLab gives the job this token}}"', f"token=${name}"]


def _id_token_name(cloud: str) -> str:
    return f"{cloud.upper()}_ID_TOKEN"


DIALECT = Dialect(
    target="gitlab",
    cells=_cells,
    tests={
        "pull-request": '[ "$CI_PIPELINE_SOURCE" = merge_request_event ]',
        "no-pull-request": '[ "$CI_PIPELINE_SOURCE" != merge_request_event ]',
        "schedule": '[ "$CI_PIPELINE_SOURCE" = schedule ]',
        "manual": '[ "$CI_PIPELINE_SOURCE" = web ]',
    },
    places={
        CHECKOUT: Cell("CI_PROJECT_DIR"),
        OUTPUT: Cell("CI_PROJECT_DIR"),
        # The variable names a port; kaniko looks up the host as image names write it.
        _PROXY: Cell(text="${CI_DEPENDENCY_PROXY_SERVER%:443}"),
    },
    config="/kaniko/.docker",
    secret_hint="add it in Settings > CI/CD > Variables; "
    "a protected one exists on protected refs only",
    token_hint="GitLab gives every job this token",
    ci_token="CI_JOB_TOKEN",
    ci_login=_ci_login,
    id_token=_id_token,
    file_variables=True,
    folders=config_folder,
)


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    plan = _with_proxy(resolve(spec, "gitlab"))
    section = spec.gitlab
    findings = (
        *plan.findings,
        *(mixed_logins(spec, plan.logins) if spec.gitlab.dependency_proxy else ()),
        *no_shell(spec.executor),
        *impossible(plan, DIALECT),
        *owned_keys("gitlab", section.extra, {**_OWNED, **_artifacts_owned(plan)}),
    )
    if findings:
        return Rendering(view={}, findings=findings)
    script = Script(plan, DIALECT).build(lambda words: continued("/kaniko/executor", words))
    return Rendering(
        view={
            "job": section.job,
            "stages": [section.stage] if section.stage not in {None, *_DEFAULT_STAGES} else [],
            "stage": section.stage,
            "image": executor_image(spec.executor, with_shell=True),
            "tags": section.tags,
            "timeout": section.timeout,
            "retry": section.retry,
            "interruptible": section.interruptible,
            "id_tokens": {
                _id_token_name(cloud.name): cloud.token.audience
                for cloud in plan.clouds
                if cloud.token
            },
            "script": script,
            "artifacts": plan.outputs,
            "rules": list(_rules(plan)),
            "extra": section.extra,
        }
    )


def _artifacts_owned(plan: Plan) -> dict[str, str]:
    return {"artifacts": "options: the output files are kept"} if plan.outputs else {}


class Rule(NamedTuple):
    """One entry of ``rules:``."""

    test: str
    when: str = ""
    why: str = ""


def _rules(plan: Plan) -> Iterator[Rule]:
    """What starts the job; a branch that a push builds is not built again for its request."""
    started = plan.started
    request = '$CI_PIPELINE_SOURCE == "merge_request_event"'
    if started.pull_requests:
        built = list(_branch_tests(plan, "$CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"))
        if built:
            own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
            source = f"({' || '.join(built)})" if len(built) > 1 else built[0]
            tests = [request, own] if "**" in started.branches else [request, own, source]
            yield Rule(" && ".join(tests), "never", "the push to that branch has built it already")
        yield Rule(request)
    for test in _branch_tests(plan, "$CI_COMMIT_BRANCH"):
        yield Rule(test)
    for glob in started.tags:
        yield Rule("$CI_COMMIT_TAG" if glob == "**" else _ref_test("$CI_COMMIT_TAG", glob))
    if started.schedules:
        yield Rule('$CI_PIPELINE_SOURCE == "schedule"')
    if started.manual:
        yield Rule('$CI_PIPELINE_SOURCE == "web"')


def _branch_tests(plan: Plan, variable: str) -> Iterator[str]:
    if plan.started.default_branch:
        yield f"{variable} == $CI_DEFAULT_BRANCH"
    for glob in plan.started.branches:
        yield variable if glob == "**" else _ref_test(variable, glob)


def _ref_test(variable: str, glob: str) -> str:
    if is_literal(glob) and '"' not in glob:
        return f'{variable} == "{glob}"'
    pattern = to_regex(glob, slash=r"\/")
    return f"{variable} =~ /^{pattern}$/"


def _verify(document: Any, view: dict[str, Any]) -> Iterator[str]:
    job = document[view["job"]]
    if job["image"]["name"] != view["image"]:
        yield "the job's image is not the planned one"
    if job["script"] != [view["script"]]:
        yield "the job's script is not the planned one"
    if [rule["if"] for rule in job["rules"]] != [rule.test for rule in view["rules"]]:
        yield "the job's rules are not the planned ones"


TARGET = Target(
    name="gitlab",
    summary="GitLab CI",
    output=".gitlab-ci.yml",
    template="gitlab.yml.j2",
    prepare=_prepare,
    verify=_verify,
)
