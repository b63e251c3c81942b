"""GitLab CI: a job in the executor's debug image for each build."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ci_kaniko.kaniko.pins import JOIN_IMAGE
from ci_kaniko.plan.arguments import OUTPUT_OPTIONS
from ci_kaniko.plan.executor import executor_image
from ci_kaniko.plan.jobs import (
    duplicate_names,
    job_name,
    no_runner,
    preparation_name,
    runner,
    too_many_needs,
)
from ci_kaniko.plan.logins import mixed_logins
from ci_kaniko.plan.model import HostLogin, Started
from ci_kaniko.plan.pipeline import PREPARES, Named, pipeline, prepared_by, unknown_inputs
from ci_kaniko.plan.resolve import impossible_image
from ci_kaniko.plan.select import with_section
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.shell.dialect import impossible
from ci_kaniko.shell.join import Join, digest_variable, impossible_join, joined
from ci_kaniko.shell.script import Script, executor, read_digest
from ci_kaniko.spec.logins import Login
from ci_kaniko.spec.texts import texts_of
from ci_kaniko.syntax.globs import is_exclusion
from ci_kaniko.syntax.variables import ENV_PREFIX, Ref, natives, with_inputs
from ci_kaniko.targets.gitlab.dialect import (
    DIGEST_FILE,
    DOTENV,
    PROXY,
    REPORT,
    dialect_of,
    id_token_name,
    is_child,
)
from ci_kaniko.targets.gitlab.rules import changed_glob, rules
from ci_kaniko.targets.shared import (
    differing_forms,
    impossible_triggers,
    owned_keys,
    preparing,
    unmounted_cache,
)
from ci_kaniko.targets.target import Rendering, Target
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.prepare import Input
    from ci_kaniko.spec.spec import Spec

_DEFAULT_STAGES = {".pre", "build", "test", "deploy", ".post"}

_RUNNERS = {
    "linux/amd64": ("saas-linux-small-amd64",),
    "linux/arm64": ("saas-linux-small-arm64",),
}
"""The tags of GitLab.com's own runners."""
_MAX_NEEDS = 50
_MAX_PATHS = 50
_MAX_MEMORY = 2 * 1024 * 1024
_MAX_NAME = 255

INHERITED = {"default": ["tags", "timeout"]}
"""What a job takes from the ``default:`` of a file that includes it, or that it stands in."""

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
    "needs": "gitlab.needs",
    "resource_group": "gitlab.resource_group",
    "interruptible": "gitlab.interruptible",
    "id_tokens": "the logins: each asks for what it needs",
}


def _with_proxy(plan: Plan) -> Plan:
    """The plan with a login for the dependency proxy, which every build may pull from."""
    if not plan.spec.gitlab.dependency_proxy:
        return plan
    where = ("gitlab", "dependency_proxy")
    login = HostLogin(PROXY, (Ref(PROXY),), Login(use="ci-token"), where, pushes=False)
    return plan._replace(logins=(*plan.logins, login))


Fields = dict[str, Any]


def _is_included(build: Build) -> bool:
    return build.gitlab.form in {"include", "component"}


def _prepare(spec: Spec, values: Mapping[str, str]) -> Rendering:
    inputs = spec.inputs if _is_included(spec.builds[0]) else {}
    if (stage := _stage_of_component(spec)) is not None:
        inputs = {"stage": stage, **inputs}
        spec = with_section(spec, "gitlab", lambda _: {"stage": "$[[ inputs.stage ]]"})
    found = pipeline(spec, "gitlab")
    found = found._replace(images=tuple(_with_proxies(image) for image in found.images))
    findings = _findings(found)
    if findings:
        return Rendering(view={}, findings=tuple(findings))
    images = {image.name: image for image in found.images}
    builds = dict(job for image in found.images for job in _builds(image, images))
    shared = _shared(list(builds.values())) if len(builds) > 1 else {}
    # Two files that are included into one pipeline have no job of one name, and so none of these.
    hidden = f".kaniko-{next(iter(builds))}"
    jobs: dict[str, Fields] = {}
    for preparation in found.preparations:
        jobs[_preparation(preparation, found.images)] = _preparing(preparation, found)
    if shared:
        jobs[hidden] = shared
    for image in found.images:
        for name, _ in _named(image):
            own = {key: item for key, item in builds[name].items() if shared.get(key) != item}
            jobs[name] = {"extends": hidden, **own} if shared else own
        if _pushing(image):
            jobs[_job(image)] = _joining(image)
    stages = [job.get("stage") for job in jobs.values()]
    view = {
        "inputs": inputs,
        "component": spec.builds[0].gitlab.form == "component",
        "patterns": _INPUT_PATTERNS,
        "stages": []
        if _is_included(spec.builds[0])
        else list(dict.fromkeys(s for s in stages if s and s not in _DEFAULT_STAGES)),
        "jobs": jobs,
    }
    if _memory(jobs) > _MAX_MEMORY:
        return Rendering(view={}, findings=(_too_large(spec),))
    return Rendering(view=view)


def _stage_of_component(spec: Spec) -> Input | None:
    """The input by which whoever includes a component chooses the stage of its jobs."""
    stages = {build.gitlab.stage for build in spec.builds}
    if spec.builds[0].gitlab.form != "component" or len(stages) > 1:
        return None
    if given := spec.inputs.get("stage"):
        return given
    from ci_kaniko.spec.prepare import Input

    return Input(description="Stage of the jobs", default=stages.pop() or "test")


def _with_proxies(image: Image) -> Image:
    return image._replace(
        jobs=tuple(job._replace(plan=_with_proxy(job.plan)) for job in image.jobs)
    )


def _findings(found: Pipeline) -> list[Finding]:
    joins = [image for image in found.images if image.join]
    return [
        *found.findings,
        *found.check(_plan_findings),
        *(item for image in joins for item in image.findings(impossible_join(image.plan))),
        *_impossible_names(found),
        *too_many_needs(found.images, _MAX_NEEDS - 1, "GitLab"),
        *_unknown_runners(found),
        *differing_forms(found),
        *_component_commands(found),
    ]


WRITTEN_BY_OTHERS = frozenset(
    (
        # https://docs.gitlab.com/ci/variables/predefined_variables/
        *("CI_COMMIT_TITLE", "CI_COMMIT_MESSAGE", "CI_COMMIT_DESCRIPTION", "CI_COMMIT_AUTHOR"),
        *("CI_COMMIT_TAG_MESSAGE", "CI_MERGE_REQUEST_TITLE", "CI_MERGE_REQUEST_DESCRIPTION"),
        *("CI_MERGE_REQUEST_LABELS", "CI_MERGE_REQUEST_MILESTONE", "CHAT_INPUT"),
        *("GITLAB_USER_NAME", "CI_RELEASE_DESCRIPTION"),
    )
)
"""Variables whose text is that of whoever commits, tags, writes a request or chats.

GitLab and its runner replace ``$NAME`` in the value of each variable by that of every other, and
secrets are among them: a commit that is titled ``$GHCR_TOKEN`` reads that secret.
"""


def _texts_of_others(plan: Plan) -> Iterator[Finding]:
    """Variables through which somebody else reads the job's secrets."""
    used = [(where, name.removeprefix(ENV_PREFIX)) for where, name in plan.uses()]
    section = plan.spec.gitlab
    used += [
        (("gitlab", *text.where), native.name)
        for text in texts_of(section, "extra", type(section))
        for native in natives(text.text)
    ]
    for where, name in used:
        if name in WRITTEN_BY_OTHERS:
            yield Finding(
                "foreign-text",
                where,
                f"somebody else writes {name}, and GitLab replaces $NAME in it, so that it can "
                "hold any secret of the job",
                "a file that a job before this one writes, or ${commit.sha}, leads to the text",
            )


_EVALUATED = pattern(r"[$*?\[\]{}\\]")


def _evaluated_paths(plan: Plan) -> Iterator[Finding]:
    """Paths that GitLab evaluates before it looks for the files."""
    options, prepare = plan.spec.options, plan.spec.prepare
    paths: list[tuple[Where, str]] = [
        (("options", name), path)
        for name in OUTPUT_OPTIONS
        if (path := getattr(options, name)) is not None
    ]
    artifacts = prepare.artifacts if prepare else ()
    paths += [(("prepare", "artifacts", index), path) for index, path in enumerate(artifacts)]
    for where, path in paths:
        if found := _EVALUATED.search(path):
            yield Finding(
                "impossible-output",
                where,
                f"GitLab evaluates the {found.group()} in {quoted(path)}: it keeps other files",
                f"give the file a name without {found.group()}",
            )


def _impossible_names(found: Pipeline) -> Iterator[Finding]:
    names = [*_names(found)]
    yield from duplicate_names(names, "gitlab", "job")
    for image, name, *_ in names:
        if len(name) > _MAX_NAME:
            yield Finding(
                "gitlab-job-name",
                image.build.at(("gitlab", "job")),
                f"{quoted(name)} is longer than {_MAX_NAME} characters",
                "a shorter name",
            )
    handing = (image for image in found.images if image.hands_over)
    digests = (Named(image, _digest_name(image), "name for its digest") for image in handing)
    yield from duplicate_names(digests, "gitlab", "job")
    for image in found.images:
        yield from image.findings(unknown_inputs(image.plan, "job"))


def _plan_findings(plan: Plan) -> Iterator[Finding]:
    section = plan.spec.gitlab
    yield from impossible(plan, dialect_of(plan))
    if is_child(plan.spec):
        yield from impossible_triggers(plan, "schedules", "manual")
    if plan.arguments:
        yield from impossible_image(plan.spec.executor, with_shell=True)
    if section.dependency_proxy and plan.arguments:
        yield from mixed_logins(plan.spec, plan.logins)
    yield from owned_keys("gitlab", section.extra, {**_OWNED, **_owned_here(plan)})
    yield from unmounted_cache(
        plan,
        reason="a runner's own settings mount folders, and no job can ask for one",
        hint="remove it, and mount the folder as /cache in the runner's config.toml: kaniko looks "
        "there by itself",
    )
    yield from _checked_out_twice(plan)
    yield from _impossible_paths(plan)
    yield from _evaluated_paths(plan)
    yield from _texts_of_others(plan)


def _owned_here(plan: Plan) -> dict[str, str]:
    """Keys that a job has only when the spec asks for something."""
    owned = {}
    if plan.outputs:
        owned["artifacts"] = "options: the output files are kept"
    if plan.spec.digest:
        owned["artifacts"] = "digest: it is handed over"
    if plan.spec.name:
        owned["extends"] = "nothing: the images share a hidden job"
    if plan.reusable and plan.spec.inputs:
        owned["variables"] = "inputs"
    return owned


def _checked_out_twice(plan: Plan) -> Iterator[Finding]:
    given = plan.spec.gitlab.extra.get("variables")
    ours = _checkout(plan.spec)
    where = ("gitlab", "extra", "variables")
    if ours and not isinstance(given or {}, dict):
        yield Finding(
            "wrong-type", where, "variables: is not a mapping", "lines such as NAME: text"
        )
        return
    for name in ours.keys() & (given or {}).keys():
        message = f"{quoted(name)} is written by ci-kaniko"
        yield Finding("owned-key", (*where, name), message, "use checkout", on_key=True)


def _unknown_runners(found: Pipeline) -> Iterator[Finding]:
    for image in found.images:
        section = image.build.gitlab
        for index, job in enumerate(image.jobs):
            known = runner(job, section.platform_tags, _RUNNERS)
            if job.suffix and known is None:
                where = image.build.at(("platforms", index))
                example = f"platform_tags: {{{job.platform}: [TAG]}}"
                yield no_runner(job, where, "gitlab", example)


def _component_commands(found: Pipeline) -> Iterator[Finding]:
    """GitLab replaces ``$[[`` in every text of a file that has inputs."""
    for image in found.images:
        if image.plan.reusable and image.build.prepare:
            for index, command in enumerate(image.build.prepare.commands):
                if "$[[" in command:
                    yield Finding(
                        "impossible-command",
                        image.build.at(("prepare", "commands", index)),
                        "GitLab would replace $[[ in a file for others to include",
                        "put the command into a script of the repository",
                    )


def _impossible_paths(plan: Plan) -> Iterator[Finding]:
    paths = plan.started.paths
    if len(paths) > _MAX_PATHS:
        yield Finding(
            "impossible-trigger",
            ("triggers", "paths"),
            f"GitLab takes {_MAX_PATHS} paths, and these are {len(paths)}",
            "folders with ** need fewer lines",
        )
    for index, glob in enumerate(paths):
        if is_exclusion(glob):
            yield Finding(
                "impossible-trigger",
                ("triggers", "paths", index),
                "GitLab's changes: lists what counts, and can exclude nothing",
                "list the folders that count",
            )
        elif changed_glob(glob) is None:
            yield Finding(
                "impossible-trigger",
                ("triggers", "paths", index),
                f"GitLab cannot read {quoted(glob)}: there ** is a whole segment",
                "such as src/**, **/go.mod or src/**/*.go",
            )


def _too_large(spec: Spec) -> Finding:
    return Finding(
        "too-large",
        ("images",) if spec.images else (),
        "GitLab reads files of up to 2 MB in memory, and this one is larger",
        "outputs: gitlab: takes several files, each with only: and some of the images",
    )


def _memory(value: Any) -> int:
    """What GitLab counts: the memory of Ruby's objects, not the bytes of the file."""
    if isinstance(value, dict):
        return 40 + sum(80 + _memory(key) + _memory(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 40 + sum(8 + _memory(item) for item in value)
    size = len(str(value).encode())
    return 40 if size < 24 else 41 + size


def _native(build: Build, name: str) -> str:
    """A job's name as the file has it."""
    if _is_included(build):
        return with_inputs(name, "$[[ inputs.{} ]]".format)
    return with_inputs(name, lambda short: build.inputs[short].default or "")


def _job(image: Image) -> str:
    return _native(image.build, job_name(image.build.gitlab.job, image))


def _all_names(image: Image) -> list[str]:
    named = [name for name, _ in _named(image)]
    return [*named, _job(image)] if image.join else named


def _names(found: Pipeline) -> Iterator[Named]:
    """The names of all jobs of a pipeline."""
    for image in found.images:
        yield from (Named(image, name, "job") for name in _all_names(image))
    for preparation in found.preparations:
        name = _preparation(preparation, found.images)
        yield Named(prepared_by(preparation, found.images), name, "job", PREPARES)


def _names_beside_others(spec: Spec) -> Iterator[Named]:
    """A child is a pipeline of its own; the jobs of other files come together in one."""
    if not is_child(spec.builds[0]):
        yield from _names(pipeline(spec, "gitlab"))


def _preparation(preparation: Preparation, images: Iterable[Image]) -> str:
    build = prepared_by(preparation, images).build
    return _native(build, preparation_name(preparation, build.gitlab.job))


def _named(image: Image) -> Iterator[tuple[str, Job]]:
    """The jobs that run the executor, by name."""
    for job in image.jobs:
        yield f"{_job(image)}-{job.suffix}" if job.suffix else _job(image), job


def _builds(image: Image, images: Mapping[str, Image]) -> Iterator[tuple[str, Fields]]:
    for name, job in _named(image):
        yield name, _building(image, job, images)


def _building(image: Image, job: Job, images: Mapping[str, Image]) -> Fields:
    """A job that runs the executor."""
    plan, section = job.plan, job.plan.spec.gitlab
    extra = dict(section.extra)
    given = extra.pop("variables", {}) if _checkout(plan.spec) else {}
    asks = plan.spec.digest or bool(plan.pushed_outputs)
    script = Script(plan, dialect_of(plan), asks=asks)
    text = script.build(
        lambda words: [
            *executor(plan, words),
            *_handed_over(script, image, job),
            *script.forget_unless_pushed(),
        ]
    )
    return _without_nothing(
        {
            "stage": section.stage,
            "image": executor_image(plan.spec.executor, with_shell=True),
            "tags": runner(job, section.platform_tags, _RUNNERS) or section.tags,
            "timeout": section.timeout,
            "retry": section.retry,
            "interruptible": section.interruptible,
            "resource_group": section.resource_group,
            "needs": _needs(image, images),
            "id_tokens": _id_tokens(plan),
            "variables": {**_checkout(plan.spec), **script.environment, **given},
            "script": text,
            "artifacts": plan.outputs,
            "dotenv": DOTENV if plan.spec.digest else "",
            "rules": rules(plan.spec, plan.started),
            **_isolated(plan.spec, extra),
        }
    )


def _checkout(build: Build) -> dict[str, str]:
    """The variables that tell the runner what to fetch."""
    checkout = build.checkout
    if checkout is None:
        return {}
    strategies = {True: "normal", "recursive": "recursive", None: ""}
    variables = {
        "GIT_SUBMODULE_STRATEGY": strategies[checkout.submodules],
        "GIT_DEPTH": str(checkout.depth or ""),
        "GIT_LFS_SKIP_SMUDGE": "0" if checkout.lfs else "",
    }
    return {name: text for name, text in variables.items() if text}


def _isolated(build: Build, extra: Fields) -> Fields:
    """Raw keys, and what keeps off the job what another file has for jobs of its own."""
    given = extra.get("inherit", INHERITED if _is_included(build) else None)
    return {"inherit": given, "extra": {key: extra[key] for key in extra if key != "inherit"}}


def _without_nothing(fields: Fields) -> Fields:
    """Fields without those that the spec does not ask for; ``needs: []`` means something."""
    return {
        key: item
        for key, item in fields.items()
        if (item not in (None, "", (), {}, []) or (key == "needs" and item is not None))
    }


def _id_tokens(plan: Plan) -> dict[str, str]:
    clouds = [cloud for cloud in plan.clouds if cloud.token]
    return {id_token_name(cloud.name): cloud.token.audience for cloud in clouds if cloud.token}


def _handed_over(script: Script, image: Image, job: Job) -> list[str]:
    """The digest of what was pushed, for the jobs that need this one."""
    if not job.plan.spec.digest:
        return []
    variable = digest_variable(job.platform) if job.suffix else _digest_name(image)
    return script.if_pushed([*read_digest(DIGEST_FILE), *_to_dotenv(variable)])


def _to_dotenv(variable: str) -> list[str]:
    return ["trap - EXIT", f"rm -rf {REPORT}", f'echo "{variable}=$digest" > {REPORT}']


def _digest_name(image: Image) -> str:
    """The variable that later jobs read: as unique among them as the job's name."""
    given = with_inputs(image.build.gitlab.job or "", lambda _: "").removeprefix("build-")
    name = re.sub("[^A-Za-z0-9]+", "_", given).strip("_") or image.word or "image"
    return re.sub("^(?=[0-9])", "_", re.sub("[.-]", "_", name).upper()) + "_DIGEST"


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
        needs.append(Need(_preparation(image.preparation, images.values()), artifacts=True))
    for name in image.needs:
        needed = images[name]
        started = needed.plan.started
        differs = bool(started.paths) or started != image.plan.started
        pushing = _pushing(needed)
        only_pushes = bool(needed.join) and pushing != started
        if pushing or not needed.join:
            needs.append(Need(_job(needed), optional=differs or only_pushes))
        if only_pushes:
            needs += [Need(native, optional=differs) for native, _ in _named(needed)]
    return needs or (None if given is None else [])


def _pushing(image: Image) -> Started | None:
    """What starts the job that joins platforms; None where there is nothing to join."""
    started = image.plan.started
    if image.join is None:
        return None
    if image.plan.push == "auto":
        started = started._replace(pull_requests=False, each_request=False)
    return started if started != Started(paths=started.paths) else None


def _joining(image: Image) -> Fields:
    """The job that joins the platforms' images."""
    plan, section = image.plan, image.build.gitlab
    plan = plan._replace(started=_pushing(image) or plan.started)
    dialect = dialect_of(plan)
    join = Join(image, plan, dialect, joined(dialect.site))
    text = join.build(after=_to_dotenv(_digest_name(image)) if image.hands_over else [])
    return _without_nothing(
        {
            "stage": section.stage,
            "image": JOIN_IMAGE,
            # Its own user may not write where the runner looks for a report.
            "user": "0" if image.hands_over else "",
            "tags": section.tags,
            "timeout": section.timeout,
            "retry": section.retry,
            "resource_group": section.resource_group,
            "needs": [Need(name, artifacts=True) for name, _ in _named(image)],
            "id_tokens": _id_tokens(plan),
            "variables": {"GIT_STRATEGY": "none", **join.script.environment},
            "script": text,
            "dotenv": DOTENV if image.hands_over else "",
            "rules": rules(plan.spec, plan.started),
            **_isolated(plan.spec, section.extra),
        }
    )


def _preparing(preparation: Preparation, found: Pipeline) -> Fields:
    """The job that prepares, for every image that asks for it."""
    build = prepared_by(preparation, found.images).build
    section = build.gitlab
    prepare, given = preparation.prepare, section.needs
    return _without_nothing(
        {
            "stage": section.stage,
            "image": prepare.image,
            "tags": section.tags,
            "timeout": section.timeout,
            "needs": None if given is None else [Need(name, artifacts=True) for name in given],
            "variables": _checkout(build),
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
        counted = Counter(repr(job[key]) for job in jobs)
        common, count = counted.most_common(1)[0]
        if count == len(jobs) or (key in _LISTS and count > 1):
            shared[key] = next(job[key] for job in jobs if repr(job[key]) == common)
    return shared


_INPUT_PATTERNS = {"string": '^[^"\\\\$\\x00-\\x1f]*$'}
"""Inputs are pasted into the text of the file, between double quotes."""


def _verify(documents: Any, view: dict[str, Any]) -> Iterator[str]:
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


TARGET = Target(
    name="gitlab",
    summary="GitLab CI",
    output=".gitlab-ci.yml",
    template="gitlab.yml.j2",
    prepare=_prepare,
    verify=_verify,
    stream=True,
    names=_names_beside_others,
    field="job",
    mounts=lambda _: ("/builds",),
)
