"""The events that a preview looks at, as ``--event`` names them."""

from __future__ import annotations

from ci_kaniko.problems.finding import quoted
from ci_kaniko.problems.problem import CiKanikoError, meant
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.conditions import VERSIONS, Event
from ci_kaniko.syntax.globs import any_matches, split
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.spec import Spec


class UnknownEvent(CiKanikoError):
    """A word that names no event; the message says which there are."""


class Occasion(NamedTuple):
    """An event of a repository: how ``--event`` writes it, and in words for people.

    A pull request comes from the ``source`` branch, of a ``fork`` or of the repository itself.
    """

    word: str
    title: str
    event: Event
    source: str = ""
    fork: bool = False


_NO_REF = pattern(
    r"[\x00-\x20\x7f~^:?*\[\\]|^[-/]|/$|//|\.\.|\.$|(^|/)\.|@\{|\.lock(/|$)|^@$|[\ud800-\udfff]"
)
_BRANCH, _TAG, _CANDIDATE, _REQUEST = "feature/x", "v1.2.3", "v1.3.0-rc.1", "12"
_WORDS = ("default-branch", "branch", "tag", "pull-request", "fork", "schedule", "manual")
KINDS = (*_WORDS, "pipeline")
_SYNONYMS = {
    "push": "default-branch",
    "merge-request": "pull-request",
    "mr": "pull-request",
    "pr": "pull-request",
    "fork-pull-request": "fork",
    "release": "tag",
    "cron": "schedule",
    "dispatch": "manual",
}


def occasions(spec: Spec, words: Iterable[str] = ()) -> list[Occasion]:
    """The events that words name; without any, each kind once, as the spec's globs name them.

    Raises UnknownEvent.
    """
    default = default_branch(spec)
    given = [_checked(word) for word in words]
    return [_occasion(word, default) for word in given or _usual(spec, default)]


def default_branch(spec: Spec) -> str:
    """What the default branch is called: main where the spec leaves it to the repository."""
    return spec.default_branch or "main"


def _checked(word: str) -> str:
    """The word, whose branch or tag git can hold. Raises UnknownEvent."""
    kind, _, name = word.partition("=")
    if kind in {"branch", "tag"} and _NO_REF.search(name):
        raise UnknownEvent(f"{quoted(name)} is no name of a {kind}: git refuses it")
    return word


def _occasion(word: str, default: str) -> Occasion:
    kind, separator, name = word.partition("=")
    if kind not in KINDS:
        raise UnknownEvent(_unknown(kind))
    if separator and not name:
        raise UnknownEvent(f"{quoted(word)} names nothing: write {kind}=NAME, or {kind}")
    takes_name = kind in {"branch", "tag", "pull-request", "fork"}
    if name and not takes_name:
        raise UnknownEvent(f"{quoted(word)}: {kind} takes no name")
    if kind == "branch" and (name or _BRANCH) != default:
        name = name or _BRANCH
        return Occasion(f"branch={name}", f"push to branch {name}", Event(name, "", "", default))
    if kind == "tag":
        name = name or _TAG
        return Occasion(f"tag={name}", f"tag {name}", Event("", name, "", default))
    if kind in {"pull-request", "fork"}:
        return _request(kind, name or _REQUEST, default)
    event = Event(default, "", "", default)
    if kind in {"default-branch", "branch"}:
        return Occasion("default-branch", f"push to {default}, the default branch", event)
    titles = {"schedule": "a schedule", "manual": "a manual run", "pipeline": "another pipeline"}
    return Occasion(kind, titles[kind], event._replace(source=kind))


def _request(kind: str, number: str, default: str) -> Occasion:
    if not (number.isascii() and number.isdigit()):
        raise UnknownEvent(f"{quoted(number)} is no number of a pull request: {kind}={_REQUEST}")
    fork = kind == "fork"
    title = f"pull request {number}" + " of a fork" * fork
    return Occasion(f"{kind}={number}", title, Event("", "", number, default), _BRANCH, fork)


def _unknown(kind: str) -> str:
    return f"{quoted(kind)} is no event; {meant(_SYNONYMS.get(kind.lower(), kind), KINDS)}"


def _usual(spec: Spec, default: str) -> list[str]:
    """Each kind of event, with names that the globs of the spec are about."""
    builds = spec.builds
    branches = [glob for build in builds for glob in _globs(build, "branch")]
    tags = [glob for build in builds for glob in _globs(build, "tag")]
    prefixes = dict.fromkeys(build.tag_prefix for build in builds)
    other = next((name for name in map(example, split(branches)[0]) if name != default), "")
    words = ["default-branch", f"branch={_BRANCH}"]
    words += [f"branch={other}"] * (other not in {"", "x", _BRANCH})
    words += [f"tag={name}" for prefix in prefixes for name in _tags(builds, tags, prefix)]
    words += ["pull-request", "fork", "schedule", "manual"]
    asked = any(build.triggers and build.triggers.pipelines for build in builds)
    return words + ["pipeline"] * asked


def _globs(build: Build, kind: str) -> list[str]:
    """The globs of branches or tags that triggers and conditions name."""
    started = build.triggers and getattr(build.triggers, "branches" if kind == "branch" else "tags")
    asked = [
        glob
        for item in build.destinations
        for condition in item.when
        if condition.kind == kind
        for glob in condition.globs
    ]
    return [*(started or ()), *asked]


def _tags(builds: Iterable[Build], globs: list[str], prefix: str) -> list[str]:
    """A release, or what the globs are about, and a candidate where the two may differ."""
    plain, out = split(globs)
    release, candidate = prefix + _TAG, prefix + _CANDIDATE
    if plain and not any_matches(plain, release):
        release = example(plain[0], "1.2.3")
        return [release]
    asked = {condition.kind for b in builds for d in b.destinations for condition in d.when}
    return [release] + [candidate] * bool(out or asked & {*VERSIONS})


def example(glob: str, middle: str = "x") -> str:
    """A name that a glob is about."""
    return glob.replace("**", "*").replace("*", middle)
