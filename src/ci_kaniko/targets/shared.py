"""What several targets share."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.model import CERTIFICATES
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.syntax.globs import to_regex
from ci_kaniko.syntax.variables import with_inputs
from ci_kaniko.text.quoting import indented

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_kaniko.plan.model import Plan, Started
    from ci_kaniko.plan.pipeline import Pipeline
    from ci_kaniko.problems.finding import Where
    from ci_kaniko.spec.build import Build


GIT_TIME = "git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd"
"""What prints when a commit was made, in the time zone of ``TZ``."""


def told_time(command: str) -> list[str]:
    """Lines that put into ``$committed`` what a command knows, or stop."""
    return [
        f"committed=$({command}) || committed=''",
        "case $committed in",
        "  ????-??-??T??:??:??Z) ;;",
        "  *)",
        '    echo "ci-kaniko: nobody has told when the commit was made" >&2',
        "    exit 1",
        "    ;;",
        "esac",
    ]


def checked_platforms(name: str, known: tuple[str, ...]) -> list[str]:
    """Lines that stop where a caller chooses a platform that there is not."""
    variable, listed = f"$INPUT_{name.upper()}", ",".join(known)
    refusal = [
        f'    echo "ci-kaniko: the input {name} is not some of {listed}: {variable}" >&2',
        "    exit 1",
        "    ;;",
    ]
    return [
        f"case ,{variable}, in",
        "  *,,* | *[!a-z0-9/,]*)",
        *refusal,
        "esac",
        f"for platform in $(printf %s \"{variable}\" | tr , ' '); do",
        "  case $platform in",
        *indented([f"  {' | '.join(known)}) ;;", "  *)", *refusal, "esac"]),
        "done",
    ]


def is_chosen(platform: str, tests: Mapping[str, str]) -> str:
    """The test that a caller chooses a platform, out of a test for each.

    The first one starts for a choice of none of them, too, and says what is wrong with that.
    """
    first, *others = tests
    if platform != first:
        return tests[platform]
    return f"{tests[first]} || !({' || '.join(tests[name] for name in others)})"


def remote_url(variable: str) -> str:
    """A shell assignment of ``repository_url``: the https page of a git remote.

    The last two expressions read ``ssh://user@host:port/path`` and ``user@host:path``.
    """
    expressions = (
        r"s#^[a-z+]*://\([^@/]*@\)\{0,1\}\([^:/]*\)\(:[0-9]*\)\{0,1\}/#\2/#",
        r"s#^[^@/:]*@\([^:/]*\):#\1/#",
        "s#/*$##",
        r"s#[.]git$##",
        "s#^#https://#",
    )
    return f"repository_url=$(printf %s \"${variable}\" | sed '{'; '.join(expressions)}')"


def differing_forms(pipeline: Pipeline) -> Iterator[Finding]:
    """One file has one form."""
    forms = {getattr(image.build, pipeline.target).form: image for image in pipeline.images}
    if len(forms) > 1:
        other = list(forms.values())[1]
        yield Finding(
            "several-forms",
            other.build.at((pipeline.target, "form")),
            f"one file cannot be {' and '.join(forms)}",
            f"{pipeline.target}: {{form: ...}} stands at the top, for all images",
        )


def preparing(commands: Iterable[str], before: Iterable[str] = ()) -> str:
    """The script of a preparation: people's own commands, in which an unset variable is empty."""
    return "\n".join(["set -e", *before, *commands]).rstrip("\n") + "\n"


def config_folder(plan: Plan) -> list[str]:
    """The folder of the files that a script in the executor's own container writes."""
    folders = ["/kaniko/.docker"] * plan.writes_files + [CERTIFICATES] * bool(plan.certificates)
    return [f"mkdir -p {' '.join(map(builder_of(plan).path, folders))}"] if folders else []


def impossible_triggers(plan: Plan, *names: str, whose: str = "") -> Iterator[Finding]:
    """Triggers that a platform does not have, or a form of its files, which is ``whose``."""
    triggers = plan.spec.triggers
    for name in names:
        if triggers and getattr(triggers, name):
            yield Finding(
                "impossible-trigger",
                ("triggers", name),
                f"{whose or plan.target} starts no run that way",
                "pushes, tags and pull requests start it",
            )


def repositories(several: Iterable[Started]) -> tuple[str, ...]:
    """The repositories in which something starts one of several jobs; none is every one."""
    found = tuple(dict.fromkeys(started.repository for started in several))
    return () if "" in found else found


def remote_pattern(paths: Iterable[str], *, slash: str = "/") -> str:
    """The regular expression of the remotes of repositories: https, ssh and scp, any case."""
    names = [to_regex(path, slash=slash) for path in paths]
    path = names[0] if len(names) == 1 else f"({'|'.join(names)})"
    url = f"[a-z+]+:{slash}{slash}[^{slash}]+{slash}"
    return rf"^({url}|[^{slash}:]+:{slash}?){path}(\.git)?{slash}?$"


def no_paths(plan: Plan, why: str) -> Iterator[Finding]:
    """Paths that a platform does not look at."""
    if plan.started.paths:
        target = plan.target
        yield Finding(
            "impossible-trigger",
            ("triggers", "paths"),
            why,
            f"render it when it is needed: ci-kaniko render {target} --changed-since REVISION",
        )


def narrow_checkout(plan: Plan, no_lfs: str, instead: str) -> Iterator[Finding]:
    """What a platform's own checkout cannot do: all submodules or none, and no large files."""
    checkout = plan.spec.checkout
    if checkout is None or not (plan.reads_checkout or plan.spec.prepare):
        return
    if checkout.submodules is True:
        yield Finding(
            "impossible-checkout",
            ("checkout", "submodules"),
            f"{plan.target} fetches submodules at every depth or not at all",
            "write recursive",
        )
    if checkout.lfs:
        message = f"{plan.target} cannot do that: {no_lfs}"
        yield Finding("impossible-checkout", ("checkout", "lfs"), message, instead)


def unmounted_cache(
    plan: Plan, claim: str | None = None, *, reason: str = "", hint: str = ""
) -> Iterator[Finding]:
    """A folder of base images that is empty: nothing is mounted there."""
    if plan.base_images and claim is None:
        section = plan.target
        yield Finding(
            "unmounted-cache",
            ("cache", "dir"),
            f"nothing is mounted there on {section}" + (f": {reason}" if reason else ""),
            hint or f"{section}: {{cache_claim: NAME}} mounts a PersistentVolumeClaim there",
        )


def needed_default_branch(plan: Plan) -> Iterator[Finding]:
    """Without triggers the default branch starts the job, so it must have a name here."""
    if plan.started.default_branch and plan.spec.default_branch is None:
        yield Finding(
            "missing-default-branch",
            (),
            f"pushes to the default branch start the job, and {plan.target} does not know its name",
            "add default_branch: main at the top, or list branches under triggers:",
        )


def owned_keys(
    section: str, extra: Mapping[str, Any], here: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Raw native keys that ci-kaniko writes itself, and those that the platform does not know.

    ``here`` are more of the former, for one spec: each with what to do instead.
    """
    if not extra:
        return
    from ci_kaniko.spec.native.keys import KNOWN
    from ci_kaniko.spec.native.owned import OWNED

    where = (section, "extra")
    owned = {**OWNED[section], **(here or {})}
    for key in extra:
        if key in owned:
            yield Finding(
                "owned-key",
                (*where, key),
                f"{quoted(key)} is written by ci-kaniko",
                owned[key],
                on_key=True,
            )
    rest = {key: item for key, item in extra.items() if key not in owned}
    yield from _unknown_keys(section, rest, KNOWN[section], where)


def _unknown_keys(
    section: str, value: Any, known: Mapping[str, Any] | None, where: Where
) -> Iterator[Finding]:
    if known is None:
        return
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _unknown_keys(section, item, known, (*where, index))
    for key, item in value.items() if isinstance(value, dict) else ():
        if key in known or "*" in known:
            yield from _unknown_keys(section, item, known.get(key, known.get("*")), (*where, key))
            continue
        from ci_kaniko.problems.problem import meant

        yield Finding(
            "unknown-native-key",
            (*where, key),
            f"{section} knows no {quoted(key)} there",
            meant(key, sorted(known)),
            on_key=True,
        )


def with_defaults(text: str, build: Build) -> str:
    """A setting of a form that nobody gives inputs; one without a default was refused."""
    return with_inputs(text, lambda name: build.inputs[name].default or "")
