"""What GitLab CI cannot do."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.jobs import duplicate_names, no_runner, runner, too_many_needs
from ci_kaniko.plan.logins import mixed_logins
from ci_kaniko.plan.pipeline import Named
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.dialect import impossible
from ci_kaniko.spec.texts import texts_of
from ci_kaniko.syntax.globs import is_exclusion
from ci_kaniko.syntax.variables import ENV_PREFIX, natives
from ci_kaniko.targets.gitlab.dialect import CHILD, dialect_of, is_child
from ci_kaniko.targets.gitlab.names import digest_name, job_names
from ci_kaniko.targets.gitlab.rules import changed_glob
from ci_kaniko.targets.gitlab.runner import RUNNERS, checkout_variables
from ci_kaniko.targets.shared import (
    differing_forms,
    impossible_triggers,
    owned_keys,
    unmounted_cache,
)
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Pipeline
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.spec import Spec

_MAX_NEEDS = 50
_MAX_PATHS = 50
_MAX_MEMORY = 2 * 1024 * 1024
_MAX_NAME = 255


def impossible_jobs(pipeline: Pipeline) -> list[Finding]:
    """What GitLab cannot do of a pipeline."""
    return [
        *pipeline.findings,
        *pipeline.check(_plan_findings),
        *_impossible_joins([image for image in pipeline.images if image.join]),
        *_impossible_names(pipeline),
        *too_many_needs(pipeline.images, _MAX_NEEDS - 1, "GitLab"),
        *_unknown_runners(pipeline),
        *differing_forms(pipeline),
        *_component_commands(pipeline),
    ]


def _impossible_joins(images: list[Image]) -> Iterator[Finding]:
    if not images:
        return
    from ci_kaniko.shell.join import impossible_join

    for image in images:
        yield from image.findings(impossible_join(image.plan))


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
        (("options", name), path) for name, path in options.files.items()
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


def _impossible_names(pipeline: Pipeline) -> Iterator[Finding]:
    names = [*job_names(pipeline)]
    yield from duplicate_names(names, "gitlab", "job")
    for image, name, *_ in names:
        if len(name) > _MAX_NAME:
            yield Finding(
                "gitlab-job-name",
                image.build.at(("gitlab", "job")),
                f"{quoted(name)} is longer than {_MAX_NAME} characters",
                "a shorter name",
            )
    handing = (image for image in pipeline.images if image.hands_over)
    digests = (Named(image, digest_name(image), "name for its digest") for image in handing)
    yield from duplicate_names(digests, "gitlab", "job")


def _plan_findings(plan: Plan) -> Iterator[Finding]:
    section = plan.spec.gitlab
    yield from impossible(plan, dialect_of(plan))
    if is_child(plan.spec):
        yield from impossible_triggers(plan, "schedules", "manual", whose=CHILD)
    if plan.arguments:
        yield from builder_of(plan).impossible_image(plan, with_shell=True)
    if section.dependency_proxy and plan.arguments:
        yield from mixed_logins(plan.spec, plan.logins)
    yield from owned_keys("gitlab", section.extra, _owned_here(plan))
    yield from unmounted_cache(
        plan,
        reason="a runner's own settings mount folders, and no job can ask for one",
        hint="remove it, and mount the folder as /cache in the runner's config.toml: kaniko looks "
        "there by itself",
    )
    yield from _no_mappings(section.extra)
    yield from _checked_out_twice(plan)
    yield from _impossible_paths(plan)
    yield from _evaluated_paths(plan)
    yield from _texts_of_others(plan)


def _owned_here(plan: Plan) -> dict[str, str]:
    """Keys that a job has only when the spec asks for something."""
    owned = {}
    if plan.outputs:
        owned["artifacts"] = "use options: the output files are kept"
    if plan.spec.digest:
        owned["artifacts"] = "use digest: it is handed over"
    if plan.spec.name:
        owned["extends"] = "remove it: the images share a hidden job"
    if plan.reusable and plan.spec.inputs:
        owned["variables"] = "use inputs"
    return owned


def _no_mappings(extra: Mapping[str, Any]) -> Iterator[Finding]:
    """GitLab refuses the whole file for these, and we look into them."""
    for key, line in (("variables", "NAME: text"), ("inherit", "default: false")):
        if not isinstance(extra.get(key) or {}, dict):
            where = ("gitlab", "extra", key)
            yield Finding("wrong-type", where, f"{key}: is not a mapping", f"lines such as {line}")


def _checked_out_twice(plan: Plan) -> Iterator[Finding]:
    given = plan.spec.gitlab.extra.get("variables")
    ours = checkout_variables(plan.spec)
    where = ("gitlab", "extra", "variables")
    for name in ours.keys() & given.keys() if isinstance(given, dict) else ():
        message = f"{quoted(name)} is written by ci-kaniko"
        yield Finding("owned-key", (*where, name), message, "use checkout", on_key=True)


def _unknown_runners(pipeline: Pipeline) -> Iterator[Finding]:
    for image in pipeline.images:
        section = image.build.gitlab
        for index, job in enumerate(image.jobs):
            known = runner(job, section.platform_tags, RUNNERS)
            if job.suffix and known is None:
                where = image.build.at(("platforms", index))
                example = f"platform_tags: {{{job.platform}: [TAG]}}"
                yield no_runner(job, where, "gitlab", example)


def stage_input_is_taken(spec: Spec) -> Iterator[Finding]:
    """A component has an input for the stage of its jobs."""
    if "stage" in spec.inputs:
        yield Finding(
            "bad-input",
            ("inputs", "stage"),
            "a component has an input of that name, which says the stage of its jobs",
            'gitlab: {stage: "${input.stage}"} makes it that one; what is another has another name',
            on_key=True,
        )


def _component_commands(pipeline: Pipeline) -> Iterator[Finding]:
    """GitLab replaces ``$[[`` in every text of a file that has inputs."""
    for image in pipeline.images:
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


def too_large(spec: Spec, jobs: Any) -> list[Finding]:
    """A file that GitLab does not read."""
    if _memory(jobs) <= _MAX_MEMORY:
        return []
    return [
        Finding(
            "too-large",
            ("images",) if spec.images else (),
            "GitLab reads files of up to 2 MB in memory, and this one is larger",
            "outputs: gitlab: takes several files, each with only: and some of the images",
        )
    ]


def _memory(value: Any) -> int:
    """What GitLab counts: the memory of Ruby's objects, not the bytes of the file."""
    if isinstance(value, dict):
        return 40 + sum(80 + _memory(key) + _memory(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 40 + sum(8 + _memory(item) for item in value)
    size = len(str(value).encode())
    return 40 if size < 24 else 41 + size
