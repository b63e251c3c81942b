"""GitLab CI: a job in the executor's debug image for each build."""

from __future__ import annotations

from collections import Counter

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.inputs import declared
from ci_kaniko.plan.jobs import runner
from ci_kaniko.plan.model import HostLogin
from ci_kaniko.plan.pipeline import Named, pipeline, prepared_by
from ci_kaniko.plan.select import with_section
from ci_kaniko.plan.tools import join_image
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.shell.script import Script, read_digest
from ci_kaniko.spec.given import CHOICE, UNTAGGED, given_in
from ci_kaniko.spec.logins import Login
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.syntax.variables import Ref, inputs_in
from ci_kaniko.targets.gitlab.dialect import (
    DIALECT,
    DIGEST_FILE,
    DOTENV,
    PROXY,
    REPORT,
    dialect_of,
    id_token_name,
    is_child,
    is_included,
    site_of,
)
from ci_kaniko.targets.gitlab.findings import (
    impossible_jobs,
    stage_input_is_taken,
    too_large,
)
from ci_kaniko.targets.gitlab.names import (
    digest_lines,
    digest_name,
    job_names,
    job_of,
    named_jobs,
    native,
    preparation_of,
)
from ci_kaniko.targets.gitlab.rules import Rule, rules
from ci_kaniko.targets.gitlab.runner import RUNNERS, checkout_variables, told_to_runner
from ci_kaniko.targets.shared import preparing
from ci_kaniko.targets.target import Rendering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan, Started
    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.shell.words import Words
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Input
    from ci_kaniko.spec.spec import Spec

_DEFAULT_STAGES = {".pre", "build", "test", "deploy", ".post"}

INHERITED = {"default": ["tags", "timeout"]}
"""What a job takes from the ``default:`` of a file that includes it, or that it stands in."""


def _with_proxy(plan: Plan) -> Plan:
    """The plan with a login for the dependency proxy, which every build may pull from."""
    if not plan.spec.gitlab.dependency_proxy:
        return plan
    where = ("gitlab", "dependency_proxy")
    login = HostLogin(PROXY, (Ref(PROXY),), Login(use="ci-token"), where, pushes=False)
    return plan._replace(logins=(*plan.logins, login))


Fields = dict[str, Any]


def prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    inputs = declared(spec, "gitlab") if is_included(spec.builds[0]) else {}
    taken: list[Finding] = []
    if (stage := _stage_of_component(spec)) is not None:
        taken += stage_input_is_taken(spec)
        inputs = {"stage": stage, **inputs}
        spec = with_section(spec, "gitlab", lambda _: {"stage": "$[[ inputs.stage ]]"})
    planned = pipeline(spec, "gitlab")
    planned = planned._replace(images=tuple(_with_proxies(image) for image in planned.images))
    findings = [*taken, *impossible_jobs(planned)]
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    images = {image.name: image for image in planned.images}
    builds = {image.name: dict(_builds(image, images)) for image in planned.images}
    every = {name: job for jobs in builds.values() for name, job in jobs.items()}
    shared = _shared([*every.values()]) if len(every) > 1 else {}
    # Two files that are included into one pipeline have no job of one name, and so none of these.
    hidden = f".kaniko-{next(iter(every))}"
    jobs: dict[str, Fields] = {}
    for preparation in planned.preparations:
        jobs[preparation_of(preparation, planned.images)] = _preparing(preparation, planned)
    if shared:
        jobs[hidden] = shared
    for image in planned.images:
        for name, job in builds[image.name].items():
            own = {key: item for key, item in job.items() if shared.get(key) != item}
            jobs[name] = {"extends": hidden, **own} if shared else own
        if _pushing(image):
            jobs[job_of(image)] = _joining(image)
    stages = [job.get("stage") for job in jobs.values()]
    view = {
        "inputs": inputs,
        "component": spec.builds[0].gitlab.form == "component",
        "patterns": _patterns(spec, inputs),
        "stages": []
        if is_included(spec.builds[0])
        else list(dict.fromkeys(s for s in stages if s and s not in _DEFAULT_STAGES)),
        "jobs": jobs,
    }
    if findings := too_large(spec, jobs):
        return Rendering(view={}, findings=tuple(findings))
    return Rendering(view=view)


def _stage_of_component(spec: Spec) -> Input | None:
    """The input by which whoever includes a component chooses the stage of its jobs."""
    stages = {build.gitlab.stage for build in spec.builds}
    if spec.builds[0].gitlab.form != "component" or len(stages) > 1:
        return None
    if inputs_in(next(iter(stages)) or ""):
        return None  # another input says it
    from ci_kaniko.spec.prepare import Input

    return Input(description="Stage of the jobs", default=stages.pop() or "test")


def _with_proxies(image: Image) -> Image:
    if not image.build.gitlab.dependency_proxy:
        return image
    return image._replace(
        jobs=tuple(job._replace(plan=_with_proxy(job.plan)) for job in image.jobs)
    )


def names_beside_others(spec: Spec) -> Iterator[Named]:
    """A child is a pipeline of its own; the jobs of other files come together in one."""
    if not is_child(spec.builds[0]):
        yield from job_names(pipeline(spec, "gitlab"))


def _builds(image: Image, images: Mapping[str, Image]) -> Iterator[tuple[str, Fields]]:
    for name, job in named_jobs(image):
        yield name, _building(image, job, images)


def _building(image: Image, job: Job, images: Mapping[str, Image]) -> Fields:
    """A job that runs the executor."""
    plan, section = job.plan, job.plan.spec.gitlab
    extra = dict(section.extra)
    given = extra.pop("variables", {}) if checkout_variables(plan.spec) else {}
    asks = plan.spec.digest or bool(plan.pushed_outputs)
    script = Script(plan, dialect_of(plan), site_of(plan), asks=asks)
    text = script.build(
        lambda words: [
            *script.called(words),
            *_handed_over(script, image, job),
            *script.forget_unless_pushed(),
        ]
    )
    return _without_nothing(
        {
            "stage": _stage(image.build),
            "image": builder_of(plan).image(plan.spec, with_shell=True),
            "tags": _tags(image.build, runner(job, section.platform_tags, RUNNERS)),
            "timeout": section.timeout,
            "retry": section.retry,
            "interruptible": section.interruptible,
            "resource_group": section.resource_group,
            "needs": _needs(image, images),
            "id_tokens": _id_tokens(plan),
            "variables": {**checkout_variables(plan.spec), **script.environment, **given},
            "script": text,
            "artifacts": plan.outputs,
            "dotenv": DOTENV if plan.spec.digest else "",
            "rules": _if_chosen(image, job, rules(plan.spec, plan.started)),
            **_isolated(plan.spec, extra),
        }
    )


def _if_chosen(image: Image, job: Job, others: list[Rule]) -> list[Rule]:
    """Rules after one that leaves a platform out which a caller does not choose."""
    if not image.chooser:
        return others
    given = DIALECT.input_value(image.chooser)
    platform = job.platform.replace("/", r"\/")
    return [Rule(f"',{given},' !~ /,{platform},/", "never"), *others]


def _stage(build: Build) -> str | None:
    stage = build.gitlab.stage
    return stage and native(build, stage)


def _tags(build: Build, of_platform: tuple[str, ...] | None = None) -> list[str]:
    return [native(build, tag) for tag in of_platform or build.gitlab.tags or ()]


def _isolated(build: Build, extra: Fields) -> Fields:
    """Raw keys, and what keeps off the job what another file has for jobs of its own."""
    given = extra.get("inherit", INHERITED if is_included(build) else None)
    return {"inherit": given, "extra": {key: extra[key] for key in extra if key != "inherit"}}


def _without_nothing(fields: Fields) -> Fields:
    """Fields without those that the spec does not ask for; ``needs: []`` means something."""
    return {
        key: item
        for key, item in fields.items()
        if item or item == 0 or (key == "needs" and item is not None)
    }


def _id_tokens(plan: Plan) -> dict[str, str]:
    return {id_token_name(name): token.audience for name, token in plan.identities.items()}


def _handed_over(script: Script, image: Image, job: Job) -> list[str]:
    """The digest of what was pushed, for the jobs that need this one."""
    if not job.plan.spec.digest:
        return []
    if job.suffix:
        from ci_kaniko.shell.join import digest_variable

        told = _to_dotenv(digest_variable(job.platform))
    else:
        told = _own_digest(image, script.words)
    file = builder_of(job.plan).path(DIGEST_FILE)
    return script.if_pushed([*read_digest(file), "trap - EXIT", *told])


def _own_digest(image: Image, words: Words) -> list[str]:
    return [*digest_lines(image, words), *_to_dotenv(digest_name(image))]


def _to_dotenv(variable: str) -> list[str]:
    return [f"rm -rf {REPORT}", f'echo "{variable}=$digest" > {REPORT}']


class Need(NamedTuple):
    """A job to wait for; with ``artifacts`` its files come into the checkout."""

    job: str
    artifacts: bool = False
    optional: bool = False


def _needs(image: Image, images: Mapping[str, Image]) -> list[Need] | None:
    """What a build waits for; None leaves that to the stages.

    The files of another image's job stay out of the checkout, which would change the context.
    """
    given = image.build.gitlab.needs
    needs = [Need(name, artifacts=True) for name in given or ()]
    if image.preparation:
        needs.append(Need(preparation_of(image.preparation, images.values()), artifacts=True))
    for name in image.needs:
        needed = images[name]
        started = needed.plan.started
        differs = bool(started.paths) or started != image.plan.started
        pushing = _pushing(needed)
        only_pushes = bool(needed.join) and pushing != started
        if pushing:
            needs.append(Need(job_of(needed), optional=differs or only_pushes))
        if only_pushes or not needed.join:
            optional = differs or bool(needed.chooser)
            needs += [Need(native, optional=optional) for native, _ in named_jobs(needed)]
    return needs or (None if given is None else [])


def _pushing(image: Image) -> Started | None:
    """What starts the job that joins platforms; None where there is nothing to join."""
    started = image.plan.started
    if image.join is None:
        return None
    return started.but_requests if image.plan.push == "auto" else started


def _joining(image: Image) -> Fields:
    """The job that joins the platforms' images."""
    from ci_kaniko.shell.join import Join, joined

    plan, section = image.plan, image.build.gitlab
    plan = plan._replace(started=_pushing(image) or plan.started)
    dialect = dialect_of(plan)
    join = Join(image, plan, dialect, joined(dialect.site))
    text = join.build(after=_own_digest(image, join.script.words) if image.hands_over else [])
    extra = dict(section.extra)
    given = extra.pop("variables", {})
    return _without_nothing(
        {
            "stage": _stage(image.build),
            "image": join_image(plan.spec),
            # Its own user may not write where the runner looks for a report.
            "user": "0" if image.hands_over else "",
            "tags": _tags(image.build),
            "timeout": section.timeout,
            "retry": section.retry,
            "resource_group": section.resource_group,
            "needs": [
                Need(name, artifacts=True, optional=bool(image.chooser))
                for name, _ in named_jobs(image)
            ],
            "id_tokens": _id_tokens(plan),
            "variables": {**given, "GIT_STRATEGY": "none", **join.script.environment},
            "script": text,
            "dotenv": DOTENV if image.hands_over else "",
            "rules": rules(plan.spec, plan.started),
            **_isolated(plan.spec, extra),
        }
    )


def _preparing(preparation: Preparation, pipeline: Pipeline) -> Fields:
    """The job that prepares, for every image that asks for it."""
    build = prepared_by(preparation, pipeline.images).build
    section = build.gitlab
    prepare, given = preparation.prepare, section.needs
    return _without_nothing(
        {
            "stage": _stage(build),
            "image": mirrored(prepare.image, build),
            "tags": _tags(build),
            "timeout": section.timeout,
            "retry": section.retry,
            "needs": None if given is None else [Need(name, artifacts=True) for name in given],
            "variables": {**checkout_variables(build), **told_to_runner(build)},
            "script": preparing(prepare.commands),
            "artifacts": prepare.artifacts,
            "expire_in": "1 day",
            "interruptible": section.interruptible,
            "inherit": _isolated(build, section.extra)["inherit"],
            "rules": rules(build, *preparation.started),
        }
    )


_LISTS = ("stage", "image", "tags", "timeout", "retry", "interruptible", "resource_group", "rules")
"""Keys that a job replaces as a whole when it extends another one."""
_MAPPINGS = ("inherit", "id_tokens", "extra")
"""Keys that GitLab merges."""


def _shared(jobs: list[Fields]) -> Fields:
    """What most of the jobs that run the executor have in common."""
    shared = {}
    for key in (*_LISTS, *_MAPPINGS):
        if not all(key in job for job in jobs):
            continue
        found = {id(job[key]): job[key] for job in jobs}
        spelled = {number: repr(item) for number, item in found.items()}
        counted = Counter(spelled[id(job[key])] for job in jobs)
        common, count = counted.most_common(1)[0]
        if count == len(jobs) or (key in _LISTS and count > 1):
            shared[key] = next(job[key] for job in jobs if spelled[id(job[key])] == common)
    return shared


_ANY_TEXT = r'^[^"\\$\x00-\x1f]*$'
"""Inputs are pasted into the text of the file, between double quotes."""
_PATH = "^[A-Za-z0-9._+@/-]+$"
_PATTERNS = {
    "path": _PATH,
    "folder": _PATH,
    "image": "^[A-Za-z0-9_.:/-]+$",
    UNTAGGED: "^[a-z0-9_.:/-]+$",
    "stage": "^[A-Za-z0-9_.-]+$",
    "host": "^[a-z0-9.:-]+$",
}
"""What GitLab lets through of what the script looks at more closely; the last one is narrowest."""


def _patterns(spec: Spec, inputs: Mapping[str, Input]) -> dict[str, str]:
    """What the texts of inputs look like, by name."""
    found = {name: _ANY_TEXT for name, item in inputs.items() if item.type == "string"}
    given = [each for build in spec.builds for each in given_in(build)]
    for what, pattern in _PATTERNS.items():
        found |= {each.name: pattern for each in given if each.what == what and each.name in found}
    for each in given:
        if each.what == CHOICE:
            one = "|".join(each.known)
            found[each.name] = f"^({one})(,({one}))*$"
    return found


def verify(documents: Any, view: dict[str, Any]) -> Iterator[str]:
    *header, document = documents
    if len(header) != bool(view["inputs"] or view["component"]):
        yield "the file has another number of documents than planned"
    for name, planned in view["jobs"].items():
        job = document[name]
        if job.get("image", {}).get("name") != planned.get("image"):
            yield f"the image of {name} is not the planned one"
        if job.get("script", []) != ([planned["script"]] if "script" in planned else []):
            yield f"the script of {name} is not the planned one"
        tests = [rule["if"] for rule in job.get("rules", [])]
        if tests != [rule.test for rule in planned.get("rules", [])]:
            yield f"the rules of {name} are not the planned ones"
