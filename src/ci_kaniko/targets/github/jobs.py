"""The jobs of a workflow: one for each image or platform, and those around them."""

from __future__ import annotations

from functools import partial

from ci_kaniko.builders.builder import in_folder
from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.jobs import job_name, runner
from ci_kaniko.plan.model import CERTIFICATES, STORED, GitLogin
from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.plan.tools import git_image, join_image
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import replace
from ci_kaniko.shell.join import Join, digest_variable
from ci_kaniko.shell.script import Script, only_files, read_digest
from ci_kaniko.spec.pulled import mirrored, own_executor
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.syntax.variables import with_inputs
from ci_kaniko.targets.github.changes import SAFE
from ci_kaniko.targets.github.dialect import (
    CONTAINER,
    CONTEXT,
    DIALECT,
    JOIN,
    JOIN_INSIDE,
    TIME_VARIABLE,
    chosen_runner,
    container_that_stops,
    in_container,
)
from ci_kaniko.targets.github.held import Held
from ci_kaniko.targets.github.model import Job, Permission, Step
from ci_kaniko.targets.github.pulls import pulls_with, tool_login
from ci_kaniko.targets.shared import GIT_TIME, with_defaults
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.builders.builder import Contained
    from ci_kaniko.plan import pipeline
    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.pipeline import Image
    from ci_kaniko.shell.dialect import Dialect

RUNNERS = {"linux/amd64": ("ubuntu-24.04",), "linux/arm64": ("ubuntu-24.04-arm",)}
"""GitHub's own runners, by platform."""
_DIGEST = 'echo "digest=$digest"'
_PULL = Permission("packages", "read", "to pull from the registry")
_NO_COMMANDS = ('echo "::stop-commands::$(mktemp -u XXXXXXXXXXXXXXXX)"',)
"""From here on nothing that is printed sets an output."""
_UNCONFINED = [f"--security-opt {name}=unconfined" for name in ("seccomp", "apparmor")]
"""What a container needs for it: words of ``docker run``, and of the container of a job."""
_NAMESPACES = (
    "# Ubuntu lets only root make user namespaces, whatever profile a container has",
    'if [ "${RUNNER_ENVIRONMENT-}" = github-hosted ]; then',
    "  sudo sysctl --ignore --quiet --write kernel.apparmor_restrict_unprivileged_userns=0",
    "fi",
)
"""What a builder needs that is not confined; a runner of one's own is made ready by its owner."""


def adapted(image: Image) -> Image:
    """An image with what its plans get only on GitHub."""
    jobs = tuple(job._replace(plan=_adapted(job.plan)) for job in image.jobs)
    join = _adapted(image.join)._replace(git_login=None) if image.join else None
    return image._replace(jobs=jobs, join=join)


def _adapted(plan: Plan) -> Plan:
    # What starts pipelines starts none in a pull request there.
    requests = plan.started.pull_requests
    started = plan.started._replace(merge_groups=requests, requests=None if requests else False)
    plan = plan._replace(started=started)
    fetched = plan.spec.github.fetches(plan.spec) and plan.spec.context.is_directory
    if fetched and plan.git_login is None:
        plan = plan._replace(git_login=GitLogin("oauth2", None))
    return plan


def is_inside(plan: Plan) -> bool:
    """Whether the job runs in the executor's image."""
    return plan.spec.github.mode == "container"


def dialect_of(plan: Plan) -> Dialect:
    """The shell that runs the executor's script."""
    return CONTAINER if is_inside(plan) else DIALECT


def base_id(image: Image) -> str:
    """The id of an image's last job."""
    given = image.build.github.job
    return given or job_name(None, image, "image").translate(SAFE)


def job_id(image: Image, job: pipeline.Job) -> str:
    """The id of a job that runs the executor."""
    return f"{base_id(image)}-{job.suffix}" if job.suffix else base_id(image)


def ids(image: Image) -> list[str]:
    """The ids of all jobs of an image."""
    own = [job_id(image, job) for job in image.jobs]
    return [*own, base_id(image)] if image.join else own


def last_ids(image: Image) -> list[str]:
    """The jobs that others wait for."""
    return [base_id(image)] if image.join else ids(image)


def asking_for_time(images: Iterable[Image]) -> list[Image]:
    """The images whose jobs have no git to ask when the commit was made."""
    return [image for image in images if image.tells_time and is_inside(image.plan)]


def time_id(image: Image) -> str:
    """The id of the job that asks for an image, and for those after it."""
    return f"{base_id(image)}-commit-time"


def timing(image: Image) -> Job:
    """The job that reads when the commit was made, for jobs in an image without git."""
    helper = '!f() { echo username=oauth2; echo "password=$GITHUB_TOKEN"; }; f'
    lines = [
        "set -eu",
        'git init --quiet "$RUNNER_TEMP/commit"',
        'cd "$RUNNER_TEMP/commit"',
        *continued(
            f"git -c credential.helper={quote(helper)}",
            ["fetch --quiet --depth=1", '"$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "$GITHUB_SHA"'],
        ),
        f'committed=$(TZ=UTC {GIT_TIME} "$GITHUB_SHA")',
        'echo "timestamp=$committed" > "$GITHUB_OUTPUT"',
    ]
    plan = image.plan
    git = git_image(plan.spec)
    login = tool_login(image, git)
    pulls = login is not None and login.login.kind == "ci-token"
    token = {"GITHUB_TOKEN": "${{ secrets.GITHUB_TOKEN }}"}
    step = Step("Read the time of the commit", "\n".join(lines) + "\n", "sh", "git", token)
    return Job(
        id=time_id(image),
        name="Read the time of the commit",
        runs_on=labels(plan),
        timeout_minutes=min(plan.spec.github.timeout_minutes, 10),
        permissions=[Permission("contents", "read", "to fetch the commit"), *[_PULL] * pulls],
        container=_pulled(git, login),
        outputs={"timestamp": "${{ steps.git.outputs.timestamp }}"},
        steps=[step],
    )


def told(job: Job, plan: Plan, asking: Iterable[Image]) -> Job:
    """A job that waits for that one, where its script says when the commit was made."""
    if not (plan.tells_time and is_inside(plan)):
        return job
    name = time_id(next(iter(asking)))
    given = {TIME_VARIABLE: f"${{{{ needs.{name}.outputs.timestamp }}}}"}
    steps = [replace(step, env={**given, **step.env}) for step in job.steps]
    return replace(job, needs=(name, *job.needs), steps=steps)


def jobs_of_others(image: Image) -> list[str]:
    """Jobs of the file that ours is put into, when raw keys say that it waits for them."""
    needs = image.build.github.extra.get("needs") or []
    return [needs] if isinstance(needs, str) else [*needs]


def _of_the_image(plan: Plan) -> dict[str, Any]:
    """What all jobs of an image have in common."""
    section = plan.spec.github
    return {
        "timeout_minutes": section.timeout_minutes,
        "environment": section.environment,
        "extra": {key: item for key, item in section.extra.items() if key != "needs"},
    }


def building(image: Image, job: pipeline.Job) -> Job:
    """A job that runs the executor."""
    plan, section = job.plan, job.plan.spec.github
    inside = is_inside(plan)
    checkout = plan.reads_checkout or (plan.tells_time and not inside)
    digest = plan.spec.digest
    script = Script(plan, dialect_of(plan), asks=digest or bool(plan.pushed_outputs and not inside))
    run = _run_inside if inside else _run
    text = script.build(lambda words: run(script, words))
    shell = "sh" if inside else "bash"
    asking = Held(plan, inside=is_inside(plan)).asking(Script(plan, dialect_of(plan)), shell)
    name = builder_of(plan).name
    step = Step(f"Run {name}", text, shell, name * digest, _environment(script))
    what = _what(image) + (f" for {job.platform}" if job.suffix else "")
    pushes = plan.pushes and not job.suffix
    return Job(
        id=job_id(image, job),
        name=f"Build and push {what}" if pushes else f"Build {what}",
        runs_on=labels(plan, runner(job, section.platform_runs_on, RUNNERS)),
        permissions=_permissions(plan, checkout=checkout),
        container=_container(plan) if inside else {},
        outputs={"digest": f"${{{{ steps.{name}.outputs.digest }}}}"} if digest else {},
        checkout=_checkout(plan) if checkout else None,
        steps=[*([_preparing(plan)] if plan.spec.prepare else []), *asking, step],
        **_of_the_image(plan),
    )


def labels(plan: Plan, of_platform: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Where a job runs, as the file has it."""
    written = of_platform or plan.spec.github.runs_on
    if plan.reusable:
        return tuple(with_inputs(text, DIALECT.input_value) for text in written)
    return tuple(with_defaults(text, plan.spec) for text in written)


def _container(plan: Plan) -> dict[str, Any]:
    """The executor's image, and the login of one's own registry, which stays with the runner."""
    builder = builder_of(plan)
    name = builder.image(plan.spec, with_shell=True)
    own = own_executor(plan.spec) if builder.takes_arguments else name
    login = pull_login(plan, own, pulls_with) if own else None
    # What a runner mounts is for root to write.
    options = ["--user 0"] * bool(builder.user) + [*_UNCONFINED] * (not builder.confined)
    return _pulled(name, login, *options)


def _pulled(name: str, login: HostLogin | None, *options: str) -> dict[str, Any]:
    """An image that the runner pulls with a login, which stays with it."""
    image = {"image": name, **({"options": " ".join(options)} if options else {})}
    if login is None:
        return image
    user, password = login.login.username, login.login.password
    if user is None:
        user, password = "${{ github.actor }}", "GITHUB_TOKEN"
    else:
        user = _as_text(user) if isinstance(user, str) else f"${{{{ secrets.{user.secret} }}}}"
    credentials = {"username": user, "password": f"${{{{ secrets.{password} }}}}"}
    return {**image, "credentials": credentials}


def _as_text(text: str) -> str:
    """A text that GitHub takes as it is written."""
    escaped = text.replace("'", "''")
    return f"${{{{ '{escaped}' }}}}" if "${{" in text else text


def _checkout(plan: Plan) -> dict[str, Any]:
    """The settings of the checkout, in the order of the action's own documentation."""
    wanted = plan.spec.checkout
    if wanted is None:
        return {}
    given = {"fetch-depth": wanted.depth, "lfs": wanted.lfs, "submodules": wanted.submodules}
    return {name: item for name, item in given.items() if item}


def _what(image: Image) -> str:
    return image.name or "the image"


def _environment(script: Script) -> dict[str, str]:
    """What a script reads: values that GitHub knows, and secrets."""
    plan = script.plan
    secrets = {name: f"${{{{ secrets.{name} }}}}" for name in plan.secrets}
    environment = {**script.environment, **chosen_runner(plan), **secrets}
    if plan.git_login and plan.git_login.secret is None:
        environment["GITHUB_TOKEN"] = "${{ secrets.GITHUB_TOKEN }}"
    return {**environment, **Held(plan, inside=is_inside(plan)).environment}


_OWNED_BY_ROOT = """\
  trap "exit 143" TERM
  if [ "$(id -u)" = 0 ]; then
    trap "chown -R $OWNER . || :" EXIT
    chown -R 0:0 .
  fi
  sh -ec "$1" &
  wait "$!"
"""
"""Git and package managers want files of their own user; the runner gets back what it had.

It does when the step is cancelled, too: the commands run as a child that does not hold up a signal.
"""
_USUAL = (
    "CI GITHUB_ACTIONS GITHUB_SHA GITHUB_REF",
    "GITHUB_REF_NAME GITHUB_REF_TYPE GITHUB_HEAD_REF GITHUB_BASE_REF",
    "GITHUB_EVENT_NAME GITHUB_REPOSITORY GITHUB_REPOSITORY_OWNER GITHUB_SERVER_URL",
    "GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_RUN_ATTEMPT GITHUB_ACTOR",
)
"""What commands may know of the run; variables that lead to files of the runner are none of it."""


def _preparing(plan: Plan) -> Step:
    """The step before: in another image, in the checkout that the executor then reads."""
    prepare = plan.spec.prepare
    assert prepare is not None, "asked before"
    commands = "\n".join(prepare.commands)
    commands = _quoted(f"\n{commands}\n") if "\n" in commands else _quoted(commands)
    usual = [" ".join(f"--env {name}" for name in line.split()) for line in _USUAL]
    image = mirrored(prepare.image, plan.spec)
    login = pull_login(plan, image, pulls_with)
    run = in_container(
        [
            *usual,
            '--env OWNER="$(id -u):$(id -g)"',
            '--volume "$GITHUB_WORKSPACE:/workspace"',
            "--workdir /workspace",
            "--entrypoint sh",
            f"{quote(image)} -ec '\n{_OWNED_BY_ROOT}' sh {commands}",
        ],
        logged_in=login is not None,
    )
    site = DIALECT.site._replace(opening=_opening_of_preparing)
    script = Script(plan.only_with(*([login] if login else [])), DIALECT, site)
    text = script.build(lambda _: run)
    return Step("Prepare the build", text, env=_environment(script))


def _opening_of_preparing(plan: Plan) -> list[str]:
    """The container gives the files back before it ends."""
    return container_that_stops(["config"] * plan.writes_files, "stop -t 5")


def _quoted(commands: str) -> str:
    """Commands as one word that GitHub sees no expression in, else as they are."""
    return "'" + commands.replace("'", r"'\''").replace("${{", "$''{{") + "'"


def _run_inside(script: Script, words: list[str]) -> list[str]:
    """The executor in the job's own container, where a build can write what the job hands over."""
    builder = builder_of(script.plan)
    run = script.called(words, partial(_as_user, script) if builder.user else None)
    if not builder.takes_arguments:
        # In a container of a job GitHub sets another folder.
        run.insert(0, f"export HOME={builder.home}")
    if not script.plan.spec.digest:
        return run
    digest = builder.path("/kaniko/digest")
    handed = ["trap - EXIT", *read_digest(digest), f'{_DIGEST} > "$GITHUB_OUTPUT"']
    kept = ["trap ': > \"$GITHUB_OUTPUT\"' EXIT"]
    return [*_NO_COMMANDS, *kept, *run, *script.if_pushed(handed)]


def _as_user(script: Script, program: str, words: list[str]) -> list[str]:
    """The builder as its own user, in a container that root has made ready."""
    builder = builder_of(script.plan)
    start = f"su -s {builder.shell} -c 'exec \"$@\"' -- {builder.account} sh {program}"
    return [f"chown -R {builder.user} {builder.home}", *script.in_place(start, words)]


def _run(script: Script, words: list[str]) -> list[str]:
    """The executor in a container of its own, or another builder with a script of its own there."""
    plan = script.plan
    if not builder_of(plan).takes_arguments:
        return _run_apart(script, words)
    passed = ["GIT_USERNAME", "GIT_PASSWORD"] * bool(plan.git_login)
    passed += ["DOCKER_AUTH_CONFIG"] * bool(plan.docker_config and plan.password_logins)
    passed += [name for cloud in plan.clouds for name in cloud.names]
    options = ["--env container=docker", *_variables(plan, passed, plan.spec.env)]
    options += _read(plan, config=plan.writes_files)
    if plan.outputs or plan.spec.digest:
        options.append('--volume "$output:/kaniko/output"')
    image = quote(builder_of(plan).image(plan.spec, with_shell=False))
    run = _output_folders(plan)
    run += [*_NO_COMMANDS] * plan.spec.digest
    own = own_executor(plan.spec)
    logged_in = own is not None and pull_login(plan, own, pulls_with) is not None
    run += in_container([*options, image, *words], logged_in=logged_in)
    if plan.outputs or plan.spec.digest:
        run += only_files('"$output"')
    if plan.spec.digest:
        handed = [*read_digest('"$output/digest"'), f'{_DIGEST} >> "$GITHUB_OUTPUT"']
        run += script.if_pushed(handed)
    always = [path for path in plan.outputs if path not in plan.pushed_outputs]
    run += _kept(always)
    return [*run, *script.if_pushed(_kept(plan.pushed_outputs))] if plan.pushed_outputs else run


def _run_apart(script: Script, words: list[str]) -> list[str]:
    plan, builder = script.plan, builder_of(script.plan)
    call = script.contained(words)
    image = builder.image(plan.spec, with_shell=True)
    settings = builder.prepared(plan, "$settings", "$certificates")
    start = _start_apart(plan, call, image, settings=bool(settings))
    login = pull_login(plan, image, pulls_with)
    run = [*[*_NAMESPACES] * (not builder.confined), *settings, *call.before]
    # GitHub knows a secret as it was given, and not what was made of it.
    run += [f'echo "::add-mask::${{{name}#* }}"' for name in call.secrets]
    read = ['"$certificates"'] * bool(plan.certificates) + ['"$stored"'] * plan.fetches_store
    read += ['"$settings"'] * bool(settings)
    if builder.user and read:
        run.append(f"chmod -R go=rX {' '.join(read)}")
    if plan.outputs:
        run += _output_folders(plan)
        run += ['chmod -R go=rwX "$output"'] * bool(builder.user)
    run += [*_NO_COMMANDS] * plan.spec.digest
    run += in_container(start, logged_in=login is not None)
    if plan.outputs:
        run += [*only_files('"$output"'), *_kept(plan.outputs)]
    if plan.spec.digest:
        told = [f'{call.digest_in(in_folder("$output", "handed"))} > "$output/digest"']
        told += [*read_digest('"$output/digest"'), f'{_DIGEST} >> "$GITHUB_OUTPUT"']
        run += script.if_pushed(told)
    return run


def _start_apart(plan: Plan, call: Contained, image: str, *, settings: bool) -> list[str]:
    """The words of docker for a container with a script; a user gets config.json by stdin."""
    builder = builder_of(plan)
    given = plan.writes_files and builder.user
    options = _variables(plan, [*call.secrets, *call.passed], {**builder.env, **plan.spec.env})
    options += [*_UNCONFINED] * (not builder.confined)
    options += _read(plan, config=plan.writes_files and not given, settings=settings)
    options += ["--interactive"] * bool(given)
    if plan.outputs:
        options.append(f'--volume "$output:{builder.path("/kaniko/output")}"')
    inside = ["set -eu", *["exec 3>&1 >&2"] * plan.spec.digest, *call.script]
    text = "\n".join(["", *indented(inside), ""])
    start = [*options, "--entrypoint sh", f"{quote(image)} -c {quote(text)} sh", *call.words]
    start[-1] += ' < "$config/config.json"' * bool(given)
    start[-1] += ' > "$output/handed"' * plan.spec.digest
    return start


def _variables(plan: Plan, passed: list[str], written: Mapping[str, str]) -> list[str]:
    """Options that give a container variables: those of the step by name, others as written."""
    inputs = [*plan.proxy, *plan.proxy_secrets, *plan.spec.build_secrets.values()]
    options = [f"--env {name}" for name in dict.fromkeys((*inputs, *passed))]
    return options + [f"--env {quote(f'{name}={text}')}" for name, text in written.items()]


def _read(plan: Plan, *, config: bool, settings: bool = False) -> list[str]:
    """Options that mount folders of the runner where the builder reads them."""
    builder = builder_of(plan)
    folders = (
        ("GITHUB_WORKSPACE", builder.path(CONTEXT), plan.reads_checkout),
        ("certificates", builder.path(CERTIFICATES), plan.certificates),
        ("stored", builder.path(STORED), plan.fetches_store),
        ("settings", builder.settings, settings),
        ("config", builder.path("/kaniko/.docker"), config),
    )
    return [f'--volume "${name}:{place}:ro"' for name, place, is_read in folders if is_read]


def _output_folders(plan: Plan) -> list[str]:
    """Those that the builder makes belong to its user, and the runner could not remove them."""
    folders = sorted({_file(path).rpartition("/")[0] for path in plan.outputs} - {""})
    return [f'mkdir -p "$output"/{quote(folder)}' for folder in folders]


def _file(path: str) -> str:
    return inside_repository(path) or path


def _kept(outputs: Iterable[str]) -> list[str]:
    """Put the named files into the checkout, and nowhere else: the repository may hold links."""
    paths = [_file(path) for path in outputs]
    if not paths:
        return []
    folders = dict.fromkeys(
        path[:end] for path in paths for end, letter in enumerate(path) if letter == "/"
    )
    return [
        *_each(
            folders,
            'if [ -L "$GITHUB_WORKSPACE/$path" ]; then rm "$GITHUB_WORKSPACE/$path"; fi',
            'mkdir -p "$GITHUB_WORKSPACE/$path"',
        ),
        *_each(
            paths,
            'rm -rf "${GITHUB_WORKSPACE:?}/$path"',
            'cp -R "$output/$path" "$GITHUB_WORKSPACE/$path"',
        ),
    ]


def _each(paths: Iterable[str], *lines: str) -> list[str]:
    words = [quote(path) for path in paths]
    if len(words) == 1:
        return [f"path={words[0]}", *lines]
    return [f"for path in {' '.join(words)}; do", *indented(lines), "done"] if words else []


def _without_substitution(command: str, options: list[str]) -> list[str]:
    """How a list is created by a tool in a container: in ``$()`` the shell would hear no signal."""
    *others, last = options
    create = continued(command, [*others, f'{last} > "$output/digest"'])
    return [*create, 'read -r digest < "$output/digest"']


def _join(image: Image, plan: Plan, *, logged_in: bool) -> Join:
    if is_inside(plan):
        return Join(image, plan, CONTAINER, JOIN_INSIDE)
    regctl = _regctl(plan, logged_in=logged_in)
    site = JOIN._replace(opening=lambda _: [*JOIN.opening(plan), *regctl])
    return Join(image, plan, DIALECT, site, _without_substitution)


def joining(image: Image, join: Plan) -> Job:
    """The job that joins the platforms."""
    inside, regctl = is_inside(join), join_image(join.spec)
    login = tool_login(image, regctl)
    needed = [login] if login and login.host not in {each.host for each in join.logins} else []
    granted = join._replace(logins=(*needed, *join.logins))
    join = join if inside else granted
    made = _join(image, join, logged_in=login is not None)
    checkout = not inside and join.tells_time
    digest = image.hands_over
    text = made.build(after=[f'{_DIGEST} >> "$GITHUB_OUTPUT"'] * digest)
    needs = {job.platform: job_id(image, job) for job in image.jobs}
    digests = {
        digest_variable(platform): f"${{{{ needs.{name}.outputs.digest }}}}"
        for platform, name in needs.items()
    }
    name = "Join the platforms"
    return Job(
        id=base_id(image),
        name=f"{name} of {_what(image)}",
        needs=tuple(needs.values()),
        runs_on=labels(join),
        permissions=_permissions(granted, checkout=checkout),
        container=_pulled(regctl, login, "--user 0") if inside else {},
        outputs={"digest": "${{ steps.join.outputs.digest }}"} if digest else {},
        checkout=_checkout(join) if checkout else None,
        steps=[
            Step(
                name,
                text,
                "sh" if inside else "bash",
                "join" * digest,
                {**digests, **_environment(made.script)},
            )
        ],
        **_of_the_image(join),
    )


def _regctl(plan: Plan, *, logged_in: bool) -> list[str]:
    """A function that runs the tool in a container."""
    passed = [*plan.proxy, *plan.proxy_secrets]
    passed += [*(name for cloud in plan.clouds for name in cloud.names)]
    options = ["--user 0", *(f"--env {name}" for name in passed)]
    if plan.certificates:
        options.append("--env SSL_CERT_DIR=/kaniko/certificates:/etc/ssl/certs")
        options.append('--volume "$certificates:/kaniko/certificates:ro"')
    if plan.logins:
        options.append("--env DOCKER_CONFIG=/kaniko/.docker")
        options.append('--volume "$config:/kaniko/.docker:ro"')
    words = [*options, quote(join_image(plan.spec)), 'regctl "$@"']
    run = in_container(words, logged_in=logged_in)
    return ["regctl() {", *indented(run), "}"]


def _permissions(plan: Plan, *, checkout: bool) -> list[Permission]:
    granted = []
    if checkout or (plan.git_login and plan.git_login.secret is None):
        granted.append(Permission("contents", "read", "to check out the repository"))
    if plan.identities:
        granted.append(Permission("id-token", "write", "to log in to the cloud"))
    tokens = [login for login in plan.logins if login.login.kind == "ci-token"]
    if any(login.host in plan.pushed_hosts for login in tokens):
        granted.append(Permission("packages", "write", "to push to the registry"))
    elif tokens:
        granted.append(_PULL)
    return granted
