"""From a spec to a plan: what will run, with every decision about kaniko taken.

A plan is for one target, but it holds no word of that target's syntax: arguments and texts are
made of literal parts and variables, conditions stay conditions. ``bind`` turns variables into
values for targets that know them when they are rendered.
"""

from __future__ import annotations

import re

from ci_kaniko.kaniko.executors import at_least
from ci_kaniko.kaniko.flags import GIT_DEPTH
from ci_kaniko.kaniko.systems import system
from ci_kaniko.plan.arguments import arguments_of, handed_over, output_arguments
from ci_kaniko.plan.inputs import input_hint, settled
from ci_kaniko.plan.logins import git_login_of, logins_of
from ci_kaniko.plan.model import Plan, Push, Started, host_on, is_reusable
from ci_kaniko.plan.names import config_names, git_token, reserved_names
from ci_kaniko.plan.tools import executor_image
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.spec.executor import has_own_tag, version_of
from ci_kaniko.spec.given import chooser
from ci_kaniko.spec.texts import variables_of
from ci_kaniko.syntax.conditions import ALWAYS, AnyOf, Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.spec.build import Build


_EXECUTOR = re.compile("kaniko|executor")
_WITHOUT_SHELL = re.compile(r"(?:latest|slim|v?\d+\.\d+\.\d+(?:-slim)?)?")
"""Tags of the executor's own images that have no shell; of other ones nobody knows."""


def resolve(spec: Build, target: str, *, directory_is_git: bool = False) -> Plan:
    """The plan of a spec on a target; what is wrong is in its ``findings``.

    With ``directory_is_git`` a directory context means this repository at this commit, fetched by
    the executor itself.
    """
    reusable = is_reusable(spec, target)
    if not reusable:
        spec = settled(spec)
    pushes = _pushes(spec, target)
    logins, findings = logins_of(spec, target, pushes)
    if not reusable:
        findings += _nobody_chooses(spec, target)
    fetched = directory_is_git or not spec.context.is_directory
    plan = Plan(
        target=target,
        spec=spec,
        arguments=tuple(arguments_of(spec, directory_is_git=directory_is_git)),
        pushed_arguments=(*output_arguments(spec, pushed_only=True), *handed_over(spec)),
        pushes=pushes,
        push=spec.push,
        cached=spec.cache.remote if spec.cache else None,
        logins=logins,
        started=_started_on(target, spec),
        outputs=tuple(spec.options.files.values()),
        git_login=git_login_of(spec) if fetched else None,
        reads_checkout=not fetched or spec.context.is_archive,
    )
    findings += git_token(plan)
    if directory_is_git and spec.context.is_directory:
        findings += _impossible_fetch(plan)
    findings += [*config_names(plan), *reserved_names(plan)]
    return plan._replace(findings=tuple(findings)) if findings else plan


def _nobody_chooses(build: Build, target: str) -> Iterator[Finding]:
    """The platforms of a form that nobody gives inputs, where the input has no default."""
    name = chooser(build)
    if name and build.inputs[name].default is None:
        message = f"nobody gives this form inputs, and {name} chooses the platforms"
        yield Finding("target-variable", ("platforms",), message, input_hint(target))


def impossible_image(build: Build, *, with_shell: bool) -> Iterator[Finding]:
    """An image without the shell that a script needs, or one that the digests leave open."""
    executor, image = build.executor, build.executor.image or ""
    used, other = ("debug", "plain") if with_shell else ("plain", "debug")
    digests = executor.digests
    if not getattr(digests, used) and getattr(digests, other) and not has_own_tag(executor):
        yield Finding(
            "unpinned-image",
            ("executor", "digests"),
            f"this runs the {used} image, and only the {other} one is pinned",
            f"ci-kaniko pin adds that of {executor_image(build, with_shell=with_shell)}",
        )
    if not with_shell:
        return
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    if has_own_tag(executor) and _WITHOUT_SHELL.fullmatch(tag) and _EXECUTOR.search(image):
        yield Finding(
            "no-shell",
            ("executor", "image"),
            f"{quoted(image)} has no shell, and a script must run in it",
            "the debug variant has one; without a tag the right variant is appended",
        )


def _started_on(target: str, spec: Build) -> Started:
    """What may start the job there: a script is on its guard where the file does not say."""
    started = started_by(spec)
    return started if system(target).names_events else started._replace(pull_requests=True)


def started_by(spec: Build) -> Started:
    """What the triggers of a spec say; the condition of a destination starts nothing."""
    triggers = spec.triggers
    if triggers is None:
        own = _makes_its_own(spec)
        return Started(default_branch=True, tags=("**",), pull_requests=True, each_request=own)
    return Started(
        branches=triggers.branches,
        tags=triggers.tags,
        pull_requests=triggers.pull_requests,
        schedules=bool(triggers.schedules),
        manual=triggers.manual,
        pipelines=triggers.pipelines,
        each_request=triggers.pull_requests and _makes_its_own(spec),
        paths=triggers.paths,
        repository=triggers.repository or "",
    )


def _makes_its_own(spec: Build) -> bool:
    """Whether the run of a pull request differs from that of the push to its branch.

    A destination is for requests alone, or a text holds a number that only requests have.
    """
    pushed = spec.destinations if spec.push == "always" else ()
    return any(
        (item.when == ALWAYS and "${ref." in item.image) or Condition("pull-request") in item.when
        for item in pushed
    ) or any(name.startswith("pull_request.") for _, name in variables_of(spec))


def _pushes(spec: Build, target: str) -> tuple[Push, ...]:
    """Unconditional destinations first, then those with the same condition together."""
    if spec.push == "never":
        return ()
    groups: dict[AnyOf, list[Push]] = {ALWAYS: []}
    for index, destination in enumerate(spec.destinations):
        where, host = ("destinations", index), host_on(target, destination.image)
        push = Push(destination.image, destination.when, where, host)
        groups.setdefault(destination.when, []).append(push)
    return tuple(push for group in groups.values() for push in group)


def _impossible_fetch(plan: Plan) -> Iterator[Finding]:
    """What the executor cannot do when it fetches this repository itself."""
    checkout, executor = plan.spec.checkout, plan.spec.executor
    if checkout is None:
        return
    asked = {
        "submodules": (
            checkout.submodules is True,
            "fetches submodules at every depth or not at all",
        ),
        "lfs": (checkout.lfs, "cannot read git's large file storage"),
        "depth": (
            checkout.depth
            and not at_least(version_of(executor), GIT_DEPTH._asdict()[executor.distribution]),
            f"of {executor.distribution} {version_of(executor)} fetches every commit",
        ),
    }
    git = system(plan.target).clones
    for name, (wanted, why) in asked.items():
        if wanted:
            more = "recursive, or " if name == "submodules" else ""
            yield Finding(
                "impossible-checkout",
                ("checkout", name),
                f"on {plan.target} the executor fetches the repository itself, and it {why}"
                if name != "depth"
                else f"on {plan.target} the executor fetches the repository itself, and that {why}",
                f"{more}{git}",
            )
