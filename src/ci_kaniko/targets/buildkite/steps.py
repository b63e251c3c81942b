"""Buildkite's steps: of the executor, of what prepares it, and of what joins platforms."""

from __future__ import annotations

import re

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.jobs import job_name, name_before, preparation_name, runner
from ci_kaniko.plan.pipeline import met, prepared_by
from ci_kaniko.plan.resolve import started_by
from ci_kaniko.plan.tools import git_image, join_image
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.shell.join import Join, digest_variable, joined
from ci_kaniko.shell.script import Script, read_digest
from ci_kaniko.spec.pulled import mirrored
from ci_kaniko.syntax.variables import input_of, inputs_in, parts_of, with_inputs
from ci_kaniko.targets.buildkite.conditions import condition, condition_of_any
from ci_kaniko.targets.buildkite.dialect import AGENT, DIGEST_FILE, dialect_of
from ci_kaniko.targets.buildkite.inputs import environment, expression, takes_inputs
from ci_kaniko.targets.buildkite.plugin import (
    checkout_settings,
    mounted,
    secret_names,
    security,
    settings,
)
from ci_kaniko.targets.pods import cloud_labels, pull_secrets, resources
from ci_kaniko.targets.shared import GIT_TIME, is_chosen, told_time, with_defaults
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from typing_extensions import Self

    from ci_kaniko.builders.builder import Builder
    from ci_kaniko.plan.model import Plan
    from ci_kaniko.plan.pipeline import Image, Job, Pipeline, Preparation
    from ci_kaniko.shell.dialect import Site
    from ci_kaniko.spec.build import Build

NODES = {
    f"linux/{name}": {"kubernetes.io/arch": name}
    for name in ("386", "amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x")
}
"""The label that every node has."""

Step = dict[str, Any]


def steps(pipeline: Pipeline) -> Iterator[Step]:
    """Every step, each after those that it waits for."""
    images = {image.name: image for image in pipeline.images}
    time = time_key(pipeline)
    if time is not None:
        yield _timing(pipeline, time)
    for preparation in pipeline.preparations:
        yield _preparing(preparation, prepared_by(preparation, pipeline.images))
    for image in pipeline.images:
        first = [preparation_key(image.preparation, images.values())] if image.preparation else []
        for job in image.jobs:
            needed = [key for name in image.needs for key in _last_keys(images[name], job)]
            known = time if job.plan.tells_time else None
            yield _building(image, job, [*first, *needed], images, known)
        if join := join_plan(image):
            yield _joining(image, join, time if join.tells_time else None)


class Uploaded(str):
    """A text into which the upload sets inputs."""

    __slots__ = ()

    @classmethod
    def setting(cls, text: str, build: Build) -> Uploaded | str:
        """A setting of a step as the file has it."""
        if takes_inputs(build) and inputs_in(text):
            return cls(with_inputs(text, lambda name: expression(name, build.inputs[name])))
        return with_defaults(text, build)


class Key(Uploaded):
    """A step's key as the file has it: the upload sets the inputs that stand in it.

    ``word`` is the key in a script, and ``name`` what is the same in every upload.
    """

    __slots__ = ("name", "word")
    name: str
    word: str

    def __new__(cls, text: str, build: Build, suffix: str = "") -> Self:
        # An image's name can have dots, and a key cannot.
        parts = [
            part.replace(".", "-") if isinstance(part, str) else part for part in parts_of(text)
        ]
        given = build.inputs if takes_inputs(build) else {}

        def joined(make: Callable[[str], str]) -> str:
            inputs = (part if isinstance(part, str) else make(input_of(part)) for part in parts)
            return "".join(inputs) + suffix

        def value(name: str) -> str:
            return expression(name, given[name]) if given else build.inputs[name].default or ""

        key = super().__new__(cls, joined(value))
        key.name = joined(lambda _: "").strip("-")
        word = joined(lambda name: f"$INPUT_{name.upper()}")
        key.word = f'"{word}"' if given and "$" in word else quote(key)
        return key


def key_of(image: Image, suffix: str = "") -> Key:
    """The key of an image's last step, or of another with a suffix."""
    return Key(job_name(image.build.buildkite.key, image), image.build, suffix)


def job_key(image: Image, job: Job) -> Key:
    """The key of a step that runs the executor."""
    return key_of(image, f"-{job.ending}" if job.ending else "")


def preparation_key(preparation: Preparation, images: Iterable[Image]) -> Key:
    """The key of a step that prepares."""
    build = prepared_by(preparation, images).build
    return Key(preparation_name(preparation, build.buildkite.key), build)


def asking_for_time(pipeline: Pipeline) -> list[Image]:
    """The images whose jobs say when the commit was made, and have no git to ask."""
    return [image for image in pipeline.images if image.tells_time]


def time_key(pipeline: Pipeline) -> Key | None:
    """The key of the step that reads when the commit was made; None where nobody asks."""
    first = next(iter(asking_for_time(pipeline)), None)
    if first is None:
        return None
    return Key(name_before("commit-time", first.word, first.build.buildkite.key), first.build)


def join_plan(image: Image) -> Plan | None:
    """What the join does; a build that pushes nothing, such as a pull request, has no join."""
    if image.join is None:
        return None
    join = image.join._replace(git_login=None)
    if not _is_for_fewer(image):
        return join
    started = join.started.outside_requests
    return join._replace(started=started) if started else None


def _is_for_fewer(image: Image) -> bool:
    """Whether the join is skipped in builds in which the platforms are built."""
    join = image.join
    return join is not None and join.push == "auto" and join.started.may_be_request


def _last_keys(image: Image, job: Job) -> list[Key]:
    """What a job waits for that needs an image: a join that is skipped holds nobody back."""
    jobs = met(job, image)
    keys = [job_key(image, each) for each in jobs]
    if join_plan(image) is None or all(each.requests for each in jobs):
        return keys
    fewer = _is_for_fewer(image) and any(each.plan.started.may_be_request for each in jobs)
    return [*keys * fewer, key_of(image)]


def _building(
    image: Image, job: Job, before: list[Key], images: Mapping[str, Image], time: Key | None
) -> Step:
    section, key = image.build.buildkite, job_key(image, job)
    plan = job.plan
    builder = builder_of(plan)
    asks = plan.spec.digest or bool(plan.pushed_outputs)
    dialect = dialect_of(plan)
    site = _knowing(time, dialect.site)
    script = Script(plan, dialect, site, asks=asks)
    text = script.build(
        lambda words: [
            *(_unpacked(image.preparation, images.values(), builder) if image.preparation else []),
            *script.called(words),
            *_handed_over(script, key),
            *script.forget_unless_pushed(),
        ]
    )
    nodes = runner(job, section.platform_node_selector, NODES) or {}
    pod = settings(
        section,
        builder.image(plan.spec, with_shell=True),
        nodes={**section.node_selector, **nodes},
        given=mounted(plan, builder),
        security=security(builder),
        sizes=resources(section),
        labels=cloud_labels(plan),
        checkout=checkout_settings(image.build),
        pull=pull_secrets(image.build, "buildkite"),
        service_account=not job.requests or bool(plan.every_cloud),
    )
    label = section.label or f":docker: Build {image.word or 'image'}"
    label += f" for {job.platform}" * bool(job.suffix) + " for pull requests" * job.requests
    return {
        **_step(plan, key, [time, *before] if time else before),
        "condition": _if_chosen(image, job, condition(plan.started)),
        "label": label,
        "environment": environment(plan, script.environment),
        "script": text,
        "artifacts": list(_artifacts(plan)),
        "plugin": pod,
        "anchor": "-".join(filter(None, ["kaniko", job.ending])),
    }


def _if_chosen(image: Image, job: Job, started: str) -> Uploaded | str:
    """The condition of a step, which the upload chooses by its platform."""
    if not image.chooser:
        return started
    given = expression(image.chooser, image.build.inputs[image.chooser])
    slashed = {name: name.replace("/", r"\/") for name in image.build.platforms}
    tests = {name: f'",{given}," =~ /,{pattern},/' for name, pattern in slashed.items()}
    both = (is_chosen(job.platform, tests), started.replace("$", "$$"))
    return Uploaded(" && ".join(f"({test})" if " || " in test else test for test in both))


def _joining(image: Image, plan: Plan, time: Key | None) -> Step:
    section, key = image.build.buildkite, key_of(image)
    keys = {job.platform: job_key(image, job) for job in image.jobs if not job.requests}
    dialect = dialect_of(plan)
    join = Join(image, plan, dialect, _knowing(time, joined(dialect.site)))
    text = join.build(_asked(keys), [_meta_data_set(key)] if image.hands_over else [])
    pod = settings(
        section,
        join_image(plan.spec),
        nodes=section.node_selector,
        given=mounted(plan),
        labels=cloud_labels(plan),
        security={"runAsUser": 0},
    )
    return {
        **_step(plan, key, [time, *keys.values()] if time else [*keys.values()]),
        "label": section.label or f":docker: Join {image.word or 'image'}",
        "environment": environment(plan, join.script.environment),
        "script": text,
        "plugin": pod,
        "anchor": "join",
    }


def _timing(pipeline: Pipeline, key: Key) -> Step:
    """The step that has git, and the agent's checkout, and tells when the commit was made."""
    several = asking_for_time(pipeline)
    build = several[0].build
    section = build.buildkite
    # The checkout belongs to whoever the agent's own image runs as.
    git = GIT_TIME.replace("git ", "git -c safe.directory='*' ", 1)
    lines = [
        "set -eu",
        f'committed=$(TZ=UTC {git} "$BUILDKITE_COMMIT")',
        f'{AGENT} meta-data set {key.word}:timestamp "$committed"',
    ]
    pod = settings(
        section,
        git_image(build),
        nodes=section.node_selector,
        given=({}, {}),
        service_account=False,
        checkout=checkout_settings(build),
        pull=pull_secrets(build, "buildkite"),
    )
    return {
        **_common(build),
        "key": key,
        "label": ":git: Read the time of the commit",
        "condition": condition_of_any(dict.fromkeys(started_by(each.build) for each in several)),
        "concurrency_group": None,
        "environment": environment(several[0].plan, {}),
        "script": "\n".join(lines) + "\n",
        "plugin": pod,
        "anchor": "commit-time",
    }


def _knowing(time: Key | None, site: Site) -> Site:
    """Where a script runs that reads the time of the commit first."""
    if time is None:
        return site
    read = told_time(f"{AGENT} meta-data get {time.word}:timestamp")
    return site._replace(opening=lambda plan: [*site.opening(plan), *read])


def _preparing(preparation: Preparation, image: Image) -> Step:
    section, key = image.build.buildkite, preparation_key(preparation, [image])
    pod = settings(
        section,
        mirrored(preparation.prepare.image, image.build),
        nodes=section.node_selector,
        given=({}, {}),
        sizes=resources(section),
        security={"runAsUser": 0},
        service_account=False,
        checkout=checkout_settings(image.build),
        pull=pull_secrets(image.build, "buildkite"),
    )
    return {
        **_common(image.build),
        "key": key,
        "label": f":hammer: Prepare {preparation.name}".rstrip(),
        "condition": condition_of_any(preparation.started),
        "concurrency_group": None,
        "script": _prepare_script(preparation, key),
        "artifacts": [archive(key)],
        "is_archive": True,
        "plugin": pod,
        "anchor": "prepare",
    }


def _step(plan: Plan, key: Key, before: list[Key]) -> Step:
    """What the steps of the executor and of the join have in common."""
    section = plan.spec.buildkite
    extra = dict(section.extra)
    waits: list[Any] = [*before]
    if before and "depends_on" in extra:
        waits += _listed(extra.pop("depends_on"))
    own_store = section.secrets == "buildkite"
    return {
        **_common(plan.spec),
        "key": key,
        "depends_on": waits,
        "condition": condition(plan.started),
        "secrets": secret_names(plan, files=True) if own_store else [],
        "extra": extra,
    }


def _common(build: Build) -> Step:
    section = build.buildkite
    agents = {"queue": section.queue, **section.agents}
    return {
        "depends_on": [],
        "agents": {name: Uploaded.setting(text, build) for name, text in agents.items()},
        "timeout_minutes": section.timeout_minutes,
        "retry": section.retry,
        "concurrency_group": section.concurrency_group,
        "secrets": [],
        "environment": {},
        "extra": {},
        "artifacts": [],
        "is_archive": False,
    }


def _listed(value: Any) -> list[Any]:
    """``depends_on`` as a list: Buildkite takes one key as well."""
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None else [value]


def _artifacts(plan: Plan) -> Iterator[str]:
    """Globs of files: a folder's name alone uploads nothing."""
    for path in plan.outputs:
        glob = re.sub(r"([*?\[\]{}~])", r"\\\1", path)
        yield f"{glob}/**/*" if path == plan.spec.options.oci_layout_path else glob


def _asked(keys: Mapping[str, Key]) -> list[str]:
    """Lines that ask the build's meta-data for the digests of the platforms."""
    return [
        f"{digest_variable(platform)}=$({AGENT} meta-data get {key.word}:digest --default '')"
        for platform, key in keys.items()
    ]


def _meta_data_set(key: Key) -> str:
    return f'{AGENT} meta-data set {key.word}:digest "$digest"'


def _handed_over(script: Script, key: Key) -> list[str]:
    """The digest for later steps."""
    if not script.plan.spec.digest:
        return []
    file = builder_of(script.plan).path(DIGEST_FILE)
    return script.if_pushed([*read_digest(file), _meta_data_set(key)])


def archive(key: Key) -> str:
    """The artifact that holds all others: Buildkite keeps no modes and no empty folders."""
    return f"{key.name.replace(':', '-')}.tar"


def _unpacked(preparation: Preparation, images: Iterable[Image], builder: Builder) -> list[str]:
    key = preparation_key(preparation, images)
    name, home = archive(key), builder.home
    return [
        f"{AGENT} artifact download {name} {home}/ --step {key.word}",
        f'tar -xf {home}/{name} -C "$BUILDKITE_BUILD_CHECKOUT_PATH"',
        f"rm {home}/{name}",
    ]


def _prepare_script(preparation: Preparation, key: Key) -> str:
    commands = "\n".join(command.rstrip("\n") for command in preparation.prepare.commands)
    paths = [quote(_no_option(path)) for path in preparation.prepare.artifacts]
    lines = [
        "set -e",
        *([commands] if _arrives(commands) else _in_quotes(commands)),
        'cd "$BUILDKITE_BUILD_CHECKOUT_PATH"',
        *continued("set --", paths),
        "for path; do",
        '  if [ ! -e "$path" ]; then',
        '    echo "ci-kaniko: the commands made no $path" >&2',
        "    exit 1",
        "  fi",
        "done",
        f'tar -cf {archive(key)} "$@"',
    ]
    return "\n".join(lines) + "\n"


def _in_quotes(commands: str) -> list[str]:
    """The same commands, in quotes that keep the upload and the kubelet off their ``$``."""
    why = "# in quotes, because the upload or the kubelet would change parts of it"
    words = [quote(line) for line in commands.split("\n")]
    if len(words) == 1:
        return [why, f"eval {words[0]}"]
    return [why, 'eval "$(', *indented(continued("printf '%s\\n'", words)), ')"']


def _no_option(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path


def _arrives(commands: str) -> bool:
    r"""Whether the upload and the kubelet leave the text as it is, once its ``$`` are doubled.

    The upload takes the backslash of ``\$`` away, the kubelet halves ``$$`` and replaces ``$(X)``.
    """
    changed = re.compile(r"(?<!\\)\\(?:\\\\)*\$|\$\$|\$\([A-Z_][A-Z0-9_]*\)")
    return changed.search(commands) is None
