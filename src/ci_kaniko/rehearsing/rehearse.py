"""A rendered file run here in one event: every job, as its platform would run it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.previewing.events import occasions
from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import CannotRehearse, SpecError
from ci_kaniko.rehearsing import buildah, sandbox, triggers
from ci_kaniko.rehearsing.events import NOW, values
from ci_kaniko.rehearsing.execution import run, runner_of
from ci_kaniko.rehearsing.logins import lookup, told_hosts
from ci_kaniko.rehearsing.recorded import MEMORY, Handed
from ci_kaniko.rehearsing.request import Request
from ci_kaniko.rehearsing.shells import check_shell, program, serving
from ci_kaniko.rehearsing.standins import (
    checkout,
    event_of,
    repository,
    store,
    with_prepared,
)
from ci_kaniko.rehearsing.triggers import Result
from ci_kaniko.rendering import render
from ci_kaniko.spec.loading import errors
from ci_kaniko.syntax.variables import ENV_PREFIX, INPUT_PREFIX
from ci_kaniko.targets.registry import available_targets
from ci_kaniko.targets.registry import target as find_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.rehearsing.engines import Played
    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.standins import Store
    from ci_kaniko.rehearsing.triggers import Step
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.target import Target


VERSION = 1
"""Of the JSON format; fields may be added to it."""


class Ran(NamedTuple):
    """A job: passed, failed or skipped, and what it did, if it ran.

    ``hosts`` are the registries of the spec for which the executor finds a login.
    """

    name: str
    status: str
    recorded: Recorded | None
    hosts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What ``--format json`` prints of it."""
        done = self.recorded
        if done is None:
            return {"job": self.name, "status": self.status}
        return {
            "job": self.name,
            "status": self.status,
            "exit_status": done.status,
            "image": done.image,
            "arguments": [*(done.argv or ())] if done.calls else None,
            "joins": [[*call.words] for call in done.joined],
            "hosts": [*self.hosts],
            "files": sorted(done.files),
            "outputs": {**done.outputs},
            "stdout": done.stdout,
            "stderr": done.stderr,
        }


class Leak(NamedTuple):
    """A secret whose value appears where it must not."""

    job: str
    secret: str
    place: str


class Rehearsal(NamedTuple):
    """What a rendered file does in an event, in a shell. ``text`` is the file."""

    target: str
    occasion: Occasion
    shell: str
    text: str
    jobs: tuple[Ran, ...]
    leaks: tuple[Leak, ...]

    @property
    def failed(self) -> bool:
        """Whether a job failed, or showed a secret."""
        return bool(self.leaks) or any(job.status == "failed" for job in self.jobs)

    def to_dict(self) -> dict[str, Any]:
        """What ``ci-kaniko rehearse --format json`` prints."""
        return {
            "version": VERSION,
            "target": self.target,
            "event": self.occasion.word,
            "shell": self.shell,
            "jobs": [job.to_dict() for job in self.jobs],
            "leaks": [leak._asdict() for leak in self.leaks],
        }


def rehearse(
    spec: Spec,
    target: str,
    event: str = "default-branch",
    *,
    shell: str = "",
    given: Mapping[str, str] | None = None,
    executor: str | None = None,
) -> Rehearsal:
    """Run what is rendered for a target, with a recorder in the executor's place.

    ``event`` is written as for a preview, and ``given`` are values of inputs and run-time
    variables by name. Secrets get stand-ins, commands that prepare are replaced by such that make
    their artifacts, and nothing reaches the network or another folder. With an ``executor`` that
    program, or buildah, builds by the recorded arguments the files of the repository. Raises
    SpecError, UnknownTargetError, UnknownEvent, CannotRehearse.
    """
    stage = staged(spec, target, event, shell=shell, given=given)
    stage.refuse_what_is_not_read()
    if executor is not None:
        stage.build_with(executor)
    return stage.play()


def by_engine(
    spec: Spec,
    target: str,
    event: str = "default-branch",
    *,
    given: Mapping[str, str] | None = None,
) -> Played:
    """Run the same file by the engine of somebody else, for a platform that has one.

    Raises what ``rehearse`` does: CannotRehearse without such an engine as well.
    """
    engine = runner_of(find_target(target)).engine
    if engine is None:
        every = available_targets().values()
        known = ((t.name, t.runner.engine) for t in every if t.runner is not None)
        there = ", ".join(f"{found().program} for {name}" for name, found in known if found)
        raise CannotRehearse(f"there is no engine for {target}: {there}")
    from ci_kaniko.rehearsing import engines

    stage = staged(spec, target, event, given=given)
    stage.refuse_what_is_not_read()
    return engines.play(engine(), stage.request(""))


def staged(
    spec: Spec,
    target: str,
    event: str,
    *,
    shell: str = "",
    given: Mapping[str, str] | None = None,
) -> Stage:
    """The file and what its platform holds, before anything runs.

    Raises SpecError, UnknownTargetError, UnknownEvent, CannotRehearse.
    """
    chosen = find_target(target)
    runner = runner_of(chosen)
    if shell:
        check_shell(shell)
    if problems := errors(spec):
        raise SpecError(problems)
    (occasion,) = occasions(spec, [event])
    if occasion.event.source in runner.without:
        raise CannotRehearse(f"{target} has no such event: {occasion.title}")
    return Stage(
        with_prepared(spec), chosen, occasion, serving(shell or runner.runs_in), given or {}
    )


class Stage:
    """Where the jobs of one event run."""

    def __init__(
        self, spec: Spec, chosen: Target, occasion: Occasion, shell: str, given: Mapping[str, str]
    ) -> None:
        self.spec, self.chosen, self.occasion = spec, chosen, occasion
        self.runner, self.shell = runner_of(chosen), shell
        self.plans = chosen.planned(spec).plans
        self.event = event_of(occasion, spec, self.plans)
        self.store = store(self.plans, given, fork=occasion.fork)
        self.inputs = dict(_inputs(spec, given))
        read = {f"{ENV_PREFIX}{name}" for name in self.store.variables}
        read |= {f"{INPUT_PREFIX}{name}" for name in self.inputs}
        self.unread = [name for name in given if name not in read]
        self.text = render(spec, chosen.name, self._values())
        self.recorded: dict[str, Recorded] = {}
        self.files: Mapping[str, str] = checkout(spec.builds)
        self.executor: str | None = None

    def refuse_what_is_not_read(self) -> None:
        """Raises CannotRehearse for a value that somebody gave and nothing reads."""
        if self.unread:
            raise CannotRehearse(
                f"`values['{self.unread[0]}']` has no effect: the event says what is built, and"
                " of env.NAME and input.NAME those may be given that the spec reads"
            )

    def build_with(self, executor: str) -> None:
        """Let a program build the repository. Raises CannotRehearse where it cannot."""
        if executor == buildah.NAME:
            program(executor)
            if not sandbox.ISOLATED:
                raise CannotRehearse("buildah needs a root directory of its own, and here is none")
        elif os.path.basename(executor) == buildah.NAME:
            raise CannotRehearse(
                f"{quoted(executor)} does not know the words of kaniko; `executor` {buildah.NAME},"
                " without a folder, turns them into its own"
            )
        elif not (os.path.isfile(executor) and os.access(executor, os.X_OK)):
            raise CannotRehearse(f"`executor` wants a program, and {quoted(executor)} is none")
        others = {builder_of(plan).name for plan in self.plans} - {KANIKO}
        if others:
            name = min(others)
            raise CannotRehearse(
                f"`executor` stands in the place of kaniko's, and {name} builds here"
            )
        if any(plan.reads_checkout is False for plan in self.plans):
            raise CannotRehearse("the executor would fetch its context, and there is no network")
        self.executor, self.files = executor, repository(self.spec)

    def _values(self) -> dict[str, str] | None:
        """What a manifest has to be told when it is rendered."""
        if not self.chosen.needs_values:
            return None
        own = {f"{ENV_PREFIX}{name}": text for name, text in self.store.variables.items()}
        inputs = {f"{INPUT_PREFIX}{name}": text for name, text in self.inputs.items()}
        return {**values(self.event), **_CLUSTER, **own, **inputs}

    def play(self) -> Rehearsal:
        """Run every job that the event starts."""
        steps = self.runner.steps(self.text, self.event, self.inputs)
        results = triggers.play(steps, self._perform)
        jobs = tuple(self._ran(name, result) for name, result in results.items())
        leaks = tuple(leak for job in jobs for leak in _leaks(job, self.store))
        return Rehearsal(self.chosen.name, self.occasion, self.shell, self.text, jobs, leaks)

    def _ran(self, name: str, result: Result) -> Ran:
        done = self.recorded.get(name)
        if done is None:
            return Ran(name, result.status, None)
        logins = [login for plan in self.plans for login in plan.logins]
        hosts: dict[str, None] = {}
        for login in logins if done.calls or done.joined else ():
            # Only the run knows the host that a variable holds.
            hosts |= dict.fromkeys(told_hosts(done) if "$" in login.host else [login.host])
        return Ran(name, result.status, done, tuple(h for h in hosts if lookup(done, h)))

    def _perform(self, step: Step) -> Result:
        done = run(self.request(step.name))
        self.recorded[step.name] = done
        return Result("failed" if done.status else "passed", done.outputs)

    def request(self, job: str) -> Request:
        """The job with what its platform keeps: a ready config is a file, a Secret or a text."""
        name, held, has_files = self.chosen.name, self.store, self.runner.has_files
        in_cluster = self.chosen.system.secret_objects
        apart = in_cluster or has_files
        section = getattr(self.spec, name, None)
        return Request(
            name,
            self.text,
            self.event,
            job=job,
            shell=self.shell,
            secrets=held.secrets if apart else {**held.secrets, **held.configs},
            secret=getattr(section, "secret", None) or "ci-kaniko",
            variables=held.variables,
            file_secrets=held.configs if has_files else {},
            docker_configs=held.configs if in_cluster else {},
            inputs=self.inputs,
            handed=Handed(
                artifacts={name: each.artifacts for name, each in self.recorded.items()},
                outputs={name: each.outputs for name, each in self.recorded.items()},
            ),
            files=self.files,
            executor=self.executor,
            digest=f"sha256:{hashlib.sha256(job.encode()).hexdigest()}",
        )


_CLUSTER = {
    "registry.host": "registry.example.com",
    "registry.image": "registry.example.com/acme/shop",
    "build.id": "9001",
    "build.number": "42",
    "build.url": "https://cluster.example.com/jobs/42",
    "build.timestamp": NOW,
}
"""What whoever creates a manifest has to know."""


def _inputs(spec: Spec, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, item in spec.inputs.items():
        text = given.get(INPUT_PREFIX + name, item.default)
        if text is None:
            hint = f"`values['{INPUT_PREFIX}{name}']` gives one"
            raise CannotRehearse(f"the input {name} has no default: {hint}")
        yield name, str(text)


def _leaks(job: Ran, held: Store) -> Iterator[Leak]:
    """Secrets in what a job prints, passes on or hands over."""
    done = job.recorded
    if done is None:
        return
    left = [file for path, file in done.artifacts.items() if not path.startswith(MEMORY)]
    places = {
        "what it prints": "\0".join(printed(done)),
        "the arguments": "\0".join(done.command),
        "the calls that join": "\0".join(word for each in done.joined for word in each.words),
        "what later jobs get": "\0".join([*done.outputs.values(), *(file.text for file in left)]),
    }
    for name, text in {**held.secrets, **held.configs}.items():
        forms = (text, *_encoded(text))
        for place, said in places.items():
            if any(form in said for form in forms):
                yield Leak(job.name, name, place)


_FOR_THE_RUNNER = re.compile(r"::(?:(?:add-mask|stop-commands)::.*|\w+::)")


def printed(done: Recorded) -> list[str]:
    """The lines that a log shows: what GitHub's runner is told is not among them."""
    said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    return [line for line in said if not _FOR_THE_RUNNER.fullmatch(line)]


def _encoded(text: str) -> Iterator[str]:
    """How base64 spells a text inside of another, wherever that begins; its ends depend on that."""
    for before in range(3):
        whole = base64.b64encode(b"x" * before + text.encode()).decode()
        yield whole[4 * bool(before) : len(whole) // 4 * 4 - 4]
