"""GitHub Actions' shell: what a step knows, and how it logs in."""

from __future__ import annotations

from functools import partial

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.plan.model import CHECKOUT, DIGEST, OUTPUT, THIS_REPOSITORY
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell, CiLogin, CiToken, Impossible, PlainDialect, Site
from ci_kaniko.shell.join import joined
from ci_kaniko.spec.texts import settings_with_inputs
from ci_kaniko.syntax.variables import INPUT_PREFIX, inputs_in
from ci_kaniko.targets.shared import GIT_TIME, checked_platforms, config_folder, told_time
from ci_kaniko.text.quoting import TO_LOWER, continued, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci_kaniko.plan.clouds import Token
    from ci_kaniko.plan.model import HostLogin, Plan

TIME_VARIABLE = "COMMITTED"
"""How a job gets the time of the commit from another one."""
CONTEXT = "/kaniko/context"
"""Where the checkout is mounted."""
_REPOSITORY_URL = "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
_BRANCH = ("case $GITHUB_REF in refs/heads/*) branch=$GITHUB_REF_NAME ;; *) branch='' ;; esac",)
_TAG = ("case $GITHUB_REF in refs/tags/*) tag=$GITHUB_REF_NAME ;; *) tag='' ;; esac",)

_CELLS: dict[str, Cell] = {
    "commit.sha": Cell("GITHUB_SHA"),
    "commit.timestamp": Cell(
        "committed", define=(f'committed=$(TZ=UTC {GIT_TIME} "$GITHUB_SHA")',)
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
        define=(f'repository_lower=$(printf %s "$GITHUB_REPOSITORY" | {TO_LOWER})',),
    ),
    "build.id": Cell("GITHUB_RUN_ID"),
    "build.number": Cell("GITHUB_RUN_NUMBER"),
    "build.url": Cell(text=f"{_REPOSITORY_URL}/actions/runs/$GITHUB_RUN_ID"),
}


def _opening(plan: Plan) -> list[str]:
    """Folders on the runner for what is mounted, or given to a builder with a user of its own."""
    builder = builder_of(plan)
    settings = builder.prepared(plan, "$settings", "$certificates")
    names = (
        ["config"] * plan.writes_files
        + ["certificates"] * bool(plan.certificates)
        + ["stored"] * plan.fetches_store
        + ["settings"] * bool(settings)
        + ["output"] * bool(plan.outputs or plan.spec.digest)
    )
    lines = container_that_stops(names, name=builder.name)
    if builder.user:
        lines += ["(umask 077; echo '{}' > \"$config/config.json\")"] * plan.writes_files
    return [*_checked_inputs(plan), *lines]


def _join_opening(plan: Plan) -> list[str]:
    """Where a login of a cloud is by a helper, the config that names it is written as well."""
    names = ["config"] * bool(plan.logins) + ["certificates"] * bool(plan.certificates)
    return [*_checked_inputs(plan), *container_that_stops([*names, "output"])]


def container_that_stops(
    folders: list[str], stop: str = "rm --force", name: str = KANIKO
) -> list[str]:
    """Lines before a container of which nothing is left, however the step ends.

    The runner may live on, so folders are removed. GitHub cancels by signals to the shell, which
    hears them while it waits for a child; the child is killed first, for it may not have made
    its container yet.
    """
    names = " ".join(f'"${folder}"' for folder in folders)
    return [
        *(f'{folder}=$(mktemp -d "$RUNNER_TEMP/{name}.XXXXXX")' for folder in folders),
        f"container=$(mktemp -u {name}.XXXXXX)",
        *[f"trap 'rm -rf {names} || :' EXIT"] * bool(names),
        "stop() {",
        "  set +e",
        '  kill -9 "${!-}"',
        *[f"  rm -rf {names}"] * bool(names),
        f'  docker {stop} "$container"',
        "} > /dev/null 2>&1",
        "trap 'stop; exit 130' INT",
        "trap 'stop; exit 143' TERM",
    ]


def in_container(words: list[str], *, logged_in: bool = False) -> list[str]:
    """A container that ``container_that_stops`` knows; its status is that of the last line.

    With ``logged_in`` the image is pulled with what the script has written.
    """
    run = 'DOCKER_CONFIG="$config" docker run --rm' if logged_in else "docker run --rm"
    *lines, last = continued(run, ['--name "$container"', *words])
    return [*lines, f"{last} &", 'wait "$!"']


def _checked_inputs(plan: Plan) -> list[str]:
    """GitHub lets a caller give any text; the spec may list those that there are."""
    lines = []
    for name, given in plan.spec.inputs.items():
        variable = f"INPUT_{name.upper()}"
        read = f"{INPUT_PREFIX}{name}" in plan.variables or variable in chosen_runner(plan)
        if plan.reusable and given.options and read:
            known = quote(f"ci-kaniko: {name} is one of: {', '.join(given.options)}; it is:")
            lines += [
                f"case ${variable} in",
                f"  {' | '.join(quote(option) for option in given.options)}) ;;",
                "  *)",
                f'    echo {known} "${variable}" >&2',
                "    exit 1",
                "    ;;",
                "esac",
            ]
    if plan.chooser:
        lines += checked_platforms(plan.chooser, plan.spec.platforms)
    return lines


def chosen_runner(plan: Plan) -> dict[str, str]:
    """The inputs that choose runners, of which the spec lists those that there are."""
    if not plan.reusable:
        return {}
    found = [name for text in settings_with_inputs(plan.spec, "github") for name in inputs_in(text)]
    listed = [name for name in found if plan.spec.inputs[name].options]
    if plan.chooser:
        listed.append(plan.chooser)
    return {f"INPUT_{name.upper()}": DIALECT.input_value(name) for name in listed}


def _told_first(folders: Callable[[Plan], list[str]], plan: Plan) -> list[str]:
    """In an image without git another job says when the commit was made."""
    time = told_time(f'printf %s "${TIME_VARIABLE}"') if plan.tells_time else []
    return [*_checked_inputs(plan), *folders(plan), *time]


_CLONE_URL = "git://${GITHUB_SERVER_URL#https://}/$GITHUB_REPOSITORY.git#$GITHUB_REF#$GITHUB_SHA"
_SITE = Site(
    places={
        CHECKOUT: Cell(literal=CONTEXT),
        OUTPUT: Cell(literal="/kaniko/output"),
        DIGEST: Cell(literal="/kaniko/output/digest"),
    },
    opening=_opening,
    config="$config",
    files="$config",
    certificates="$certificates",
    stored="$stored",
    inherits=False,
)


class _GitHub(PlainDialect):
    target = "github"
    site = _SITE
    tests: Mapping[str, str] = {
        "pull-request": '[ "$GITHUB_EVENT_NAME" = pull_request ]',
        "no-pull-request": '[ "$GITHUB_EVENT_NAME" != pull_request ]',
        "merge-group": '[ "$GITHUB_EVENT_NAME" = merge_group ]',
        "no-merge-group": '[ "$GITHUB_EVENT_NAME" != merge_group ]',
        "schedule": '[ "$GITHUB_EVENT_NAME" = schedule ]',
        "manual": '[ "$GITHUB_EVENT_NAME" = workflow_dispatch ]',
    }
    secret_hint = "add it in Settings > Secrets and variables > Actions"
    ci_token = CiToken("GITHUB_TOKEN", "GitHub gives every job this token")

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        if name.startswith("env."):
            variable = name.removeprefix("env.")
            return Cell(variable, env=(variable, f"${{{{ vars.{variable} }}}}"))
        if name == "default_branch":
            if plan.spec.default_branch:
                return Cell(literal=plan.spec.default_branch)
            known = "github.event.repository.default_branch"
            if plan.started.schedules:
                # A schedule runs on the default branch, and its event does not say its name.
                known = f"{known} || github.ref_name"
            return Cell("DEFAULT_BRANCH", env=("DEFAULT_BRANCH", f"${{{{ {known} }}}}"))
        return _CELLS.get(name)

    def input_value(self, name: str) -> str:
        return f"${{{{ inputs.{name} }}}}"

    def ci_login(self, plan: Plan, login: HostLogin, key: str) -> CiLogin:
        token = ("GITHUB_TOKEN", "${{ secrets.GITHUB_TOKEN }}")
        return CiLogin([], '"$GITHUB_ACTOR"', "GITHUB_TOKEN", (token,))

    def identity(self, plan: Plan, cloud: str, token: Token) -> list[str]:
        """Ask GitHub for the job's identity; its own token goes to curl by standard input."""
        from ci_kaniko.shell.clients import CURL, Request, token_of

        why = "is not set: pull requests of forks have no identity, other runs need id-token: write"
        request = Request(
            f'"$ACTIONS_ID_TOKEN_REQUEST_URL&audience={token.audience}"',
            header="Authorization: bearer ",
            held="ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        )
        return [
            f': "${{ACTIONS_ID_TOKEN_REQUEST_URL:?{why}}}"',
            *token_of(CURL.asked(request), "value"),
            *self.masked("token"),
        ]

    def masked(self, *names: str) -> list[str]:
        if len(names) == 1:
            return [f'echo "::add-mask::${names[0]}"']
        return ["printf '::add-mask::%s\\n' " + " ".join(f'"${name}"' for name in names)]


class _InContainer(_GitHub):
    """The shell of the executor's own image, which has no tools."""

    no_identity = "in mode container this job has no tool that can ask for its identity"
    site = Site(
        places={
            CHECKOUT: Cell("GITHUB_WORKSPACE"),
            OUTPUT: Cell("GITHUB_WORKSPACE"),
            DIGEST: Cell(literal="/kaniko/digest"),
            THIS_REPOSITORY: Cell(text=_CLONE_URL),
        },
        opening=partial(_told_first, config_folder),
        withheld=True,
    )

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        return Cell("committed") if name == "commit.timestamp" else super().cell(name, plan)


DIALECT = _GitHub()
CONTAINER = _InContainer()
JOIN = _SITE._replace(opening=_join_opening)
"""Here the join's tool runs in a container, as the executor does."""
_JOIN_INSIDE = joined(CONTAINER.site)
JOIN_INSIDE = _JOIN_INSIDE._replace(opening=partial(_told_first, _JOIN_INSIDE.opening))
