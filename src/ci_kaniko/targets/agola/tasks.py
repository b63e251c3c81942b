"""The runs of a pipeline in Agola and the tasks in each of them.

Images of one ``agola.run`` are tasks of one run, which starts when any of them does.

Agola decides about a task's ``when`` before anything has run. It does not wait for what a skipped
task depends on, and restoring the workspace fails when a task further up has saved nothing. So a
task that others depend on is never skipped while one of them runs: its ``when`` takes in theirs,
and its script ends at once in events that are not its own. Only a task that nothing depends on has
a ``when`` of its own.

Restoring fails where a file or a folder is there already. So as soon as one task restores what
several have saved, these lie side by side: the repository in ``src``, what was prepared in a folder
with the name of its task, the time of the commit in ``commit``, digests in ``digests`` and other
files in ``outputs``.
"""

from __future__ import annotations

import re

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.jobs import preparation_name
from ci_kaniko.plan.model import DIGEST
from ci_kaniko.plan.pipeline import met
from ci_kaniko.plan.pulls import pull_login
from ci_kaniko.plan.tools import git_image, join_image
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.dialect import Cell
from ci_kaniko.shell.join import Join, digest_variable, joined
from ci_kaniko.shell.script import Script, only_files, read_digest
from ci_kaniko.spec.logins import SecretText
from ci_kaniko.spec.pulled import mirrored, pulled_images
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.syntax.variables import text_of
from ci_kaniko.targets.agola.dialect import DIALECT, DIGESTS, OUTPUTS, SOURCE, output_folders
from ci_kaniko.targets.agola.model import Task, arch_of, run_name, task_name
from ci_kaniko.targets.agola.steps import checking, clone, commands, given, restore, save
from ci_kaniko.targets.agola.when import covers, native, only_for, only_in, union, when_of
from ci_kaniko.targets.shared import GIT_TIME, preparing, told_time
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.shell.dialect import Site
    from ci_kaniko.targets.agola.when import When

Fields = dict[str, Any]

_REGISTRIES = "docker_registries_auth"
_CHECKOUT = "checkout"
_REPOSITORY = "src"
"""Where the repository lies in the workspace when other things do, too."""
_TIME_FOLDER = "/tmp/commit"  # noqa: S108
_TIME = "commit/timestamp"
"""Where a clone leaves the time of its commit, and where that lies in the workspace."""
_JOIN_FOLDER = "/tmp/join"  # noqa: S108
_JOINED = "digest"
"""The image that joins has a user of its own, who may write there; below it lies the digest."""


def runs_of(pipeline: Pipeline) -> list[Run]:
    """The runs of a pipeline, in the order of their first images."""
    images: dict[str, list[Image]] = {}
    for image in pipeline.images:
        images.setdefault(run_name(image), []).append(image)
    return [Run(name, members) for name, members in images.items()]


class Run:
    """A run: its tasks, each after those that it depends on."""

    def __init__(self, name: str, images: list[Image]) -> None:
        self.name = name
        self.images = {image.name: image for image in images}
        self.tasks: list[Task] = []
        self._ancestors: dict[str, set[str]] = {}
        self._apart = self._is_prepared_apart()
        timed = [_source(image) for image in images if image.tells_time]
        self._timed = {_CHECKOUT if self._apart else name for name in timed}
        self._add_sources()
        for image in images:
            self._add_image(image)
        self._spread_when()
        dependents = {name for task in self.tasks for name in task.depends}
        self._side_by_side = (
            self._apart
            or bool(self._timed)
            or any(
                task.name in dependents for task in self.tasks if task.hands_over or task.outputs
            )
        )

    # -- which tasks there are ------------------------------------------------------------------

    def _is_prepared_apart(self) -> bool:
        """Whether preparations get the repository from a checkout and save their artifacts only.

        So they do when their image has no git, and when a task would get two clones.
        """
        clones: dict[str, set[str]] = {}
        for image in self.images.values():
            mine = {source for source in [_source(image)] if source}
            clones[image.name] = mine.union(*(clones[name] for name in self._needs(image)))
        prepared = [image for image in self.images.values() if image.preparation]
        given = any(image.build.tools.git for image in prepared)
        return bool(prepared) and (given or any(len(names) > 1 for names in clones.values()))

    def _needs(self, image: Image) -> list[str]:
        return [name for name in image.needs if name in self.images]

    def _add_sources(self) -> None:
        """What gives the images the repository: a clone, or what prepares it."""
        first: dict[str, Image] = {}
        for image in self.images.values():
            first.setdefault(_source(image), image)
        sources = {name: image for name, image in first.items() if name}
        if self._apart:
            sources = {_CHECKOUT: next(iter(sources.values())), **sources}
        for name, image in sources.items():
            is_clone = name == _CHECKOUT
            depends = [_CHECKOUT] if self._apart and not is_clone else []
            preparation = None if is_clone else image.preparation
            self._add(Task(name, image, depends, preparation=preparation))

    def _add_image(self, image: Image) -> None:
        default = image.plan.spec.default_branch
        built = []
        for job in image.jobs:
            before = [name for name in [_source(image)] if name]
            for name in self._needs(image):
                before += _last_tasks(self.images[name], job)
            own = when_of(job.plan.started, default)
            self._add(Task(task_name(image, job), image, before, own, job=job))
            built += [task_name(image, job)] * (not job.requests)
        if pushing := _pushing(image):
            self._add(Task(task_name(image), image, built, when_of(pushing.started, default)))

    def _add(self, task: Task) -> None:
        """Agola refuses a dependency that another one has already."""
        above = [self._ancestors[name] for name in task.depends]
        inherited = set[str]().union(*above)
        task.depends = [name for name in dict.fromkeys(task.depends) if name not in inherited]
        self._ancestors[task.name] = inherited.union(task.depends)
        self.tasks.append(task)

    def _spread_when(self) -> None:
        wanted: dict[str, list[When]] = {}
        for task in reversed(self.tasks):
            own = [] if task.own is None else [task.own]
            task.when = union([*own, *wanted.get(task.name, ())])
            for name in task.depends:
                wanted.setdefault(name, []).append(task.when)

    # -- what they say --------------------------------------------------------------------------

    def fields(self) -> Fields:
        """The run as Agola reads it."""
        when = union(task.own for task in self.tasks if task.own is not None)
        logins: dict[str, Any] = {}
        for image in self.images.values():
            written = image.build.agola.extra.get(_REGISTRIES, {})
            logins = {**_pulls(image), **written, **logins}
        tasks = []
        for task in self.tasks:
            fields = self._fields_of(task, logins)
            if not covers(task.when, when):
                fields["when"] = native(task.when)
            tasks.append(fields)
        return given({"name": self.name, "when": native(when), _REGISTRIES: logins, "tasks": tasks})

    def _fields_of(self, task: Task, logins: Mapping[str, Any]) -> Fields:
        if task.preparation:
            return self._preparing(task, task.preparation)
        if task.own is None:
            return self._cloning(task)
        return self._building(task, task.job, logins) if task.job else self._joining(task)

    def _cloning(self, task: Task) -> Fields:
        image = git_image(task.image.build)
        steps = [clone(task.image.build), *self._timing(task), self._saving_source(task)]
        fields = self._task(task, image, steps)
        return {**fields, **given({"environment": _proxies(task.plan)})}

    def _timing(self, task: Task) -> Iterator[Fields]:
        """The step that reads when the commit was made, where git and a clone are."""
        if task.name in self._timed:
            told = f'TZ=UTC {GIT_TIME} "$AGOLA_GIT_COMMITSHA" > {_TIME_FOLDER}/timestamp'
            yield commands("Read the time of the commit", f"mkdir -p {_TIME_FOLDER}\n{told}\n")

    def _saving_source(self, task: Task) -> Fields:
        time = [(_TIME_FOLDER, "commit", ["timestamp"])] * (task.name in self._timed)
        return save((".", _REPOSITORY if self._side_by_side else ".", ["**"]), *time)

    def _preparing(self, task: Task, preparation: Preparation) -> Fields:
        prepare, agola = preparation.prepare, task.image.build.agola
        enter = [f"cd {_REPOSITORY}"] if self._apart else []
        enter = [*only_in(preparation.started, task.name), *enter]
        before = [restore(".")] if self._apart else [clone(task.image.build)]
        before += self._timing(task)
        saving = self._saving_source(task)
        if self._apart:
            paths = [path for name in prepare.artifacts for path in (name, f"{name}/**")]
            saving = save((_REPOSITORY, task.name, paths))
        steps = [
            *before,
            commands("Prepare", preparing(prepare.commands, enter)),
            commands("Check the artifacts", checking(prepare.artifacts, enter)),
            saving,
        ]
        fields = self._task(task, mirrored(prepare.image, task.image.build), steps, agola.arch)
        return {**fields, **given({"environment": {} if self._apart else _proxies(task.plan)})}

    def _building(self, task: Task, job: Job, logins: Mapping[str, Any]) -> Fields:
        plan, builder = job.plan, builder_of(job.plan)
        asks = plan.spec.digest or bool(plan.pushed_outputs)
        script = Script(plan, DIALECT, self._site_of(task), asks=asks)
        text = script.build(lambda words: [*script.called(words), *_left(script, task)])
        fields = self._task(
            task,
            builder.image(plan.spec, with_shell=True),
            [*self._restoring(task), commands(f"Run {builder.name}", text), *self._saving(task)],
            arch_of(job),
            is_privileged=not builder.confined,
        )
        more = {
            "environment": _from_variables(plan, script),
            "shell": f"{builder.shell} -e",
            "working_dir": builder.home,
            **_own_extra(task.image, logins),
        }
        return {**fields, **given(more)}

    def _site_of(self, task: Task) -> Site:
        """Where a build runs, with what has to be said before."""
        site = DIALECT.site
        digest = Cell(literal=f"{DIGESTS}/{task.name}")
        site = site._replace(places={**site.places, DIGEST: digest})
        stops = self._stops(task, task.plan)
        place = builder_of(task.plan).path
        time = _time(task.plan, f"{builder_of(task.plan).home}/{_TIME}")
        if not stops and not time:
            return site
        kept = (
            [f"mkdir -p {place(OUTPUTS)}"]
            if stops and task.outputs and not output_folders(task.plan)
            else []
        )
        first = [*site.opening(task.plan), *kept, *stops, *time]
        return site._replace(opening=lambda _: first)

    def _stops(self, task: Task, plan: Plan) -> list[str]:
        """Lines that end a script which is started where it has nothing to do."""
        elsewhere = only_in([plan.started], task.name)
        return [*elsewhere, *(only_for(plan, task.name) if self._is_widened(task) else ())]

    def _is_widened(self, task: Task) -> bool:
        """Whether a task is started for the sake of others, too."""
        own = when_of(task.plan.started, task.plan.spec.default_branch)
        return not covers(own, task.when)

    def _restoring(self, task: Task) -> Iterator[Fields]:
        if not task.plan.reads_checkout and not task.plan.tells_time:
            return
        builder = builder_of(task.plan)
        source = builder.path(SOURCE)
        yield restore(builder.home if self._side_by_side else source)
        if self._apart and task.image.preparation:
            prepared = f"{builder.home}/{preparation_name(task.image.preparation)}"
            yield commands("Add what was prepared", f"cp -Rp {quote(prepared)}/. {source}/")

    def _saving(self, task: Task) -> Iterator[Fields]:
        place_of = builder_of(task.plan).path
        digests = [(place_of(DIGESTS), "digests", [task.name])] if task.hands_over else []
        place = f"outputs/{task.name}" if self._side_by_side else "."
        outputs = [(place_of(OUTPUTS), place, _patterns(task.plan))] if task.outputs else []
        if digests or outputs:
            yield save(*outputs, *digests)

    def _joining(self, task: Task) -> Fields:
        image, plan = task.image, task.image.plan
        if covers(task.own or {}, task.when):
            plan = _pushing(image) or plan
        site = joined(DIALECT.site)
        first = [f"mkdir {_JOINED}"] if task.hands_over else []
        first += self._stops(task, plan)
        first += [*site.opening(plan), *_time(plan, _TIME)]
        join = Join(image, plan, DIALECT, site._replace(opening=lambda _: first))
        file = quote(f"{_JOINED}/{task.name}")
        after = [f'printf %s "$digest" > {file}'] if task.hands_over else []
        text = join.build(_digests(image), after)
        saving = [save((_JOINED, "digests", ["**"]))] if task.hands_over else []
        steps = [restore("."), commands("Join the platforms", text), *saving]
        fields = self._task(task, join_image(image.build), steps, image.build.agola.arch)
        extra = image.build.agola.extra
        more = {
            "environment": _from_variables(plan, join.script),
            "working_dir": _JOIN_FOLDER,
            "ignore_failure": extra.get("ignore_failure"),
        }
        return {**fields, **given(more)}

    def _task(
        self,
        task: Task,
        image: str,
        steps: list[Fields],
        arch: str | None = None,
        *,
        is_privileged: bool = False,
    ) -> Fields:
        container = {"image": image, **({"privileged": True} if is_privileged else {})}
        runtime = given({"arch": arch, "containers": [container]})
        fields = {
            "name": task.name,
            "runtime": runtime,
            "task_timeout_interval": task.image.build.agola.timeout,
            "depends": task.depends,
            "steps": steps,
        }
        return given(fields)


def _source(image: Image) -> str:
    """The task that an image gets the repository from; empty when it needs none."""
    if not image.jobs[0].plan.reads_checkout and not image.tells_time:
        return ""
    return preparation_name(image.preparation) if image.preparation else _CHECKOUT


def _time(plan: Plan, file: str) -> list[str]:
    """Lines that read when the commit was made, where a script says so."""
    return told_time(f"cat {file}") if plan.tells_time else []


def _pushing(image: Image) -> Plan | None:
    """The plan of the job that joins, for the events that push; None when none does."""
    plan = image.join
    if plan is None or plan.push != "auto":
        return plan
    started = plan.started.but_requests
    return plan._replace(started=started) if started else None


def _last_tasks(image: Image, job: Job) -> list[str]:
    """The tasks that end an image for a job that needs it: that which joins, or all."""
    jobs = met(job, image)
    if not _pushing(image):
        return [task_name(image, each) for each in jobs]
    joined = [task_name(image)] * any(not each.requests for each in jobs)
    return joined + [task_name(image, each) for each in jobs if each.requests]


def _digests(image: Image) -> list[str]:
    files = {
        job.platform: quote(f"digests/{task_name(image, job)}")
        for job in image.jobs
        if not job.requests
    }
    return [f"{digest_variable(name)}=$(cat {file} || true)" for name, file in files.items()]


def _left(script: Script, task: Task) -> list[str]:
    """What a build may leave to later tasks: named files, and a digest that is one."""
    lines, place = [], builder_of(task.plan).path
    if task.hands_over:
        file = quote(f"{place(DIGESTS)}/{task.name}")
        written = [*read_digest(file), f"rm -rf {file}", f'printf %s "$digest" > {file}']
        lines += script.if_pushed(written, [f"rm -rf {file}"])
    if task.outputs:
        lines += [*script.forget_unless_pushed(), *only_files(place(OUTPUTS))]
    return lines


def _patterns(plan: Plan) -> list[str]:
    """The output files as patterns, which take a folder and what is in it apart."""
    found = []
    for path in plan.outputs:
        name = re.sub(r"([*?\[\]{}\\])", r"\\\1", inside_repository(path) or path)
        found += [name, f"{name}/**"] if path == plan.spec.options.oci_layout_path else [name]
    return found


def _from_variables(plan: Plan, script: Script) -> Fields:
    names = dict.fromkeys([*plan.secrets, *script.environment])
    return {name: {"from_variable": name} for name in names}


def _proxies(plan: Plan) -> Fields:
    """What leads git through a proxy: for http:// it reads the small letters only."""
    texts = {spelled: text for name, text in plan.proxy.items() for spelled in (name, name.lower())}
    secrets = {name: {"from_variable": key} for name, key in plan.proxy_secrets.items()}
    return {**texts, **secrets}


def _pulls(image: Image) -> Fields:
    """The logins with which Agola pulls the images of the tasks: no task sees them."""
    found: Fields = {}
    plan = image.jobs[0].plan
    for name in pulled_images(image.build, "agola"):
        if login := pull_login(plan, name, pulls_with):
            user, secret = login.login.username, login.login.password
            held = {"from_variable": user.secret} if isinstance(user, SecretText) else user
            key = text_of(login.key)
            found[key] = {"username": held, "password": {"from_variable": secret}}
    return found


def _own_extra(image: Image, logins: Mapping[str, Any]) -> Fields:
    """Raw keys of the executor's task; a login that the run has is not repeated."""
    extra = dict(image.build.agola.extra)
    own = extra.pop(_REGISTRIES, {})
    differing = {host: login for host, login in own.items() if logins[host] != login}
    return {**extra, **({_REGISTRIES: differing} if differing else {})}


# -- what Agola cannot do ---------------------------------------------------------------------


def pulls_with(plan: Plan, login: HostLogin) -> bool:
    """Whether a task can hand a login on: Agola takes a user name and a password."""
    return login.login.kind == "password"
