"""What one event makes of each job on one target, as the plan says it."""

from __future__ import annotations

from ci_kaniko.plan.bind import bind
from ci_kaniko.plan.values import Values, unfit_hosts, unfit_values
from ci_kaniko.previewing.starts import Start, start_of
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.conditions import holds
from ci_kaniko.syntax.variables import INPUT_PREFIX, text_of
from ci_kaniko.syntax.versions import version_of
from ci_kaniko.text.display import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import HostLogin, Plan
    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.previewing.events import Occasion
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.syntax.conditions import AnyOf
    from ci_kaniko.syntax.variables import Part, Ref
    from ci_kaniko.targets.target import Target


class LoginUse(NamedTuple):
    """A login that a run uses: the host, how in words, and the names of the secrets it reads."""

    host: str
    how: str
    secrets: tuple[str, ...] = ()


class Run(NamedTuple):
    """One job of an image in one event. Texts hold the variables that only a run knows.

    - ``after`` are the jobs that it waits for.
    - ``no_push`` says why nothing is pushed.
    - ``empty`` are variables without a value where the job needs one, ``unfit`` those with a value
      that an image reference cannot hold: the job stops there.
    - ``cache`` is the repository that is read, and with ``writes_cache`` written as well.
    - ``hands_over`` is what later jobs get.
    """

    image: str
    job: str
    after: tuple[str, ...]
    starts: bool
    why: str
    when_changed: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    no_push: str = ""
    empty: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    logins: tuple[LoginUse, ...] = ()
    secrets: tuple[str, ...] = ()
    cache: str = ""
    writes_cache: bool = False
    platform: str = ""
    hands_over: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call the job."""
        return " ".join(filter(None, [self.job, self.image]))

    @property
    def start(self) -> str:
        """Why it starts, or why not, in words."""
        when = f", if {listed(self.when_changed)} changed" if self.when_changed else ""
        return f"{self.why}{when}" if self.starts else f"does not start: {self.why}"

    def facts(self) -> Iterator[tuple[str, list[str]]]:
        """What there is to say of a run that starts, by a label for each."""
        if self.after:
            yield "after", [", ".join(self.after)]
        if self.platform:
            yield "platform", [self.platform]
        if self.job != "prepare":
            yield "pushes", [*self.destinations] or [f"nothing: {self.no_push}"]
        stops = [f"${{{name}}} is empty here, and the job needs it" for name in self.empty]
        stops += [f"no image reference can hold the value of ${{{name}}}" for name in self.unfit]
        if stops:
            yield "stops", stops
        if self.logins:
            yield "logs in to", [f"{login.host} {login.how}" for login in self.logins]
        if self.secrets:
            yield "secrets", [", ".join(self.secrets)]
        if self.cache:
            yield "cache", [f"{self.cache}, {'read and written' if self.writes_cache else 'read'}"]
        if self.hands_over:
            yield "hands over", [", ".join(self.hands_over)]

    def to_dict(self) -> dict[str, Any]:
        """The run field by field, as JSON has it."""
        said = {
            name: [*value] if isinstance(value, tuple) else value
            for name, value in self._asdict().items()
        }
        logins = [login._asdict() | {"secrets": [*login.secrets]} for login in self.logins]
        return {**said, "logins": logins}


def runs(
    pipeline: Pipeline, target: Target, occasion: Occasion, values: Mapping[str, str]
) -> Iterator[Run]:
    """Each job that is planned for a target in one event, in the order of the file.

    ``values`` are variables beside those that the event says: what is not known stays a variable.
    """
    starts = {image.name: start_of(image.plan, target, occasion) for image in pipeline.images}
    for preparation in pipeline.preparations:
        yield _prepared(preparation, pipeline, starts)
    for image in pipeline.images:
        start = starts[image.name]
        known = _Known(pipeline.spec, image.build, occasion, values)
        after = (*_prepares(image), *(f"build {name}" for name in image.needs))
        chosen = _chosen(image, values)
        for job in image.jobs:
            mine = start
            if start.starts and job.platform not in chosen:
                why = f"the input {image.chooser} is {','.join(chosen)}"
                mine = Start(starts=False, why=why)
            run = Run(image.name, _job(job), after, mine.starts, mine.why, mine.when_changed)
            yield known.filled(run, job.plan, job.platform) if mine.starts else run
        if image.join:
            waits = tuple(f"{_job(job)} {image.name}".strip() for job in image.jobs)
            run = Run(image.name, "join", waits, start.starts, start.why, start.when_changed)
            run = known.filled(run, image.join, "") if start.starts else run
            yield run._replace(starts=False, why=run.no_push) if run.no_push else run


def _chosen(image: Image, values: Mapping[str, str]) -> list[str]:
    """The platforms that are built: what a caller chooses, or all."""
    item = image.build.inputs.get(image.chooser)
    text = values.get(f"{INPUT_PREFIX}{image.chooser}", item.default if item else None)
    return text.split(",") if text else [job.platform for job in image.jobs]


def _job(job: Job) -> str:
    return f"build {job.platform}" if job.suffix else "build"


def _prepares(image: Image) -> tuple[str, ...]:
    preparation = image.preparation
    return (f"prepare {preparation.name}".strip(),) if preparation else ()


def _prepared(preparation: Preparation, pipeline: Pipeline, starts: Mapping[str, Start]) -> Run:
    """A preparation starts with any of its images."""
    images = [image for image in pipeline.images if image.preparation == preparation]
    first = next((starts[i.name] for i in images if starts[i.name].starts), starts[images[0].name])
    return Run(preparation.name, "prepare", (), first.starts, first.why, first.when_changed)


class _Known:
    """What is known of one image in one event."""

    def __init__(
        self, spec: Spec, build: Build, occasion: Occasion, values: Mapping[str, str]
    ) -> None:
        event = occasion.event
        given = {
            "branch": event.branch,
            "tag": event.tag,
            "pull_request.number": event.pull_request,
            "default_branch": event.default_branch,
            **values,
        }
        self.event = event._replace(version=version_of(event.tag, build.tag_prefix))
        self.values = Values(given, event.default_branch, spec.inputs).of(build)
        self.empty: dict[str, None] = {}

    def filled(self, run: Run, plan: Plan, platform: str) -> Run:
        """A run with what its plan says of it."""
        self.empty = {}
        bound = bind(plan, self._text, self._reference, self._holds, is_pull_request=self.request)
        pushed = bool(bound.pushes)
        outputs = [path for path in plan.outputs if pushed or path not in plan.pushed_outputs]
        digest = ["digest"] * (pushed and plan.spec.digest)
        return run._replace(
            destinations=tuple(text_of(push.reference.parts) for push in bound.pushes),
            no_push="" if pushed else self._no_push(plan),
            empty=tuple(self.empty),
            unfit=tuple(dict.fromkeys(self._unfit(plan, bound, pushed=pushed))),
            logins=tuple(_use(login) for login in bound.logins),
            secrets=_other_secrets(bound),
            cache=text_of(bound.cached.parts) if bound.cached else "",
            writes_cache=bool(bound.cached) and pushed,
            platform=platform,
            hands_over=(*digest, *outputs),
        )

    def _unfit(self, plan: Plan, bound: Plan, *, pushed: bool) -> Iterator[str]:
        """Variables with a value that an image reference cannot hold, or that is no registry."""
        logins = {login.where for login in bound.logins}
        registries = [login.key for login in plan.logins if login.where in logins]
        used = [push.reference for push in plan.pushes if pushed and self._holds(push.when)]
        for reference in [*used, *filter(None, [plan.cached])]:
            yield from (name for name, _ in unfit_values(reference, self.values))
            registries.append(reference.registry)
        for registry in registries:
            found = unfit_hosts(registry, self.values)
            yield from (name for name, _ in found if name not in self.empty)

    @property
    def request(self) -> bool:
        """Whether the run is of a pull request."""
        return bool(self.event.pull_request)

    def _no_push(self, plan: Plan) -> str:
        if plan.spec.push == "never":
            return "push: never"
        if self.request and plan.spec.push == "auto":
            return "a pull request, and push is auto"
        return "no destination is for this event"

    def _holds(self, any_of: AnyOf) -> bool:
        return holds(any_of, self.event)

    def _text(self, ref: Ref) -> Part:
        return self._value(ref, is_reference=False)

    def _reference(self, ref: Ref) -> Part:
        return self._value(ref, is_reference=True)

    def _value(self, ref: Ref, *, is_reference: bool) -> Part:
        """The value of a variable, or the variable where only a run knows it."""
        if ref.name.startswith("@"):
            return ref
        self.values.missing.clear()
        known = ref._replace(default=None, needed="")
        text = self.values.replace(known, is_reference=False)
        if self.values.missing:
            return ref
        if is_reference or ref.needed:
            text = self.values.replace(ref, is_reference=is_reference)
            if self.values.missing:
                self.empty[ref.name] = None
                return ref
            return text
        return self.values.replace(ref)


_CLOUDS = {"aws": "AWS", "azure": "Azure", "google": "Google Cloud"}


def _use(login: HostLogin) -> LoginUse:
    if ready := login.login.docker_config:
        return LoginUse(login.host, f"with docker config {ready}", (ready,))
    return LoginUse(login.host, _how(login), login.secrets)


def _how(login: HostLogin) -> str:
    """How a run logs in, in words."""
    kind, user = login.login.kind, login.login.username
    if kind == "password" and user is not None:
        name = user if isinstance(user, str) else user.secret
        return f"as {name} with {login.login.password}"
    if kind not in _CLOUDS:
        return f"with {kind}"
    if login.secrets:
        return f"with {_CLOUDS[kind]}: {', '.join(login.secrets)}"
    own = login.cloud is not None and (login.cloud.token or login.cloud.role)
    return f"with {_CLOUDS[kind]}: the identity of the {'job' if own else 'runner'}"


def _other_secrets(plan: Plan) -> tuple[str, ...]:
    """The names of secrets that are for something else than registries."""
    by_login = {name for login in plan.logins for name in _use(login).secrets}
    return tuple(name for name in plan.secrets if name not in by_login)
