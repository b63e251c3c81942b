"""What a spec asks for in a given run: an oracle that shares no code with ci-kaniko.

It reads the YAML as text only, replaces the variables by what the event says, and knows when a job
starts and which images it pushes. What kaniko is told and which secrets it needs stand beside it.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from ci_kaniko.rehearsing.events import NOW, Event
from ci_kaniko.rehearsing.told import agola, buildkite, github, gitlab
from harness.events import DEFAULT_BRANCH, EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Answer = TypeVar("Answer")

HUB = "docker.io"
TOLD = {"gitlab": gitlab, "github": github, "buildkite": buildkite, "agola": agola}
RUN_TIME = {
    "ACCOUNT": "123456789012",
    "CHANNEL": "stable_1.2",
    "IMAGE": "registry.example.com:5000/team/app",
    "MIRROR": "mirror.example.com:5000",
    "MOTTO": "it's $5 \\ 'x'",
    "REGION": "eu-west-1",
}

_IMAGES = {
    "osscontainertools": ("ghcr.io/osscontainertools/kaniko", "v1.28.3"),
    "chainguard": ("", "v1.25.16"),
    "google": ("gcr.io/kaniko-project/executor", "v1.24.0"),
}
_GIVEN = {
    "registry.host": "registry.example.net",
    "registry.image": "registry.example.net/acme/shop",
    "build.id": "job-5f3c",
    "build.number": "77",
    "build.url": "https://cluster.example.com/jobs/77",
    "build.timestamp": NOW,
    "build.date": re.sub("[^0-9]", "", NOW),
}


@dataclass(frozen=True)
class Spec:
    """A spec as plain data: texts, lists and mappings, nothing interpreted."""

    data: Mapping[str, Any]

    def section(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data.get(name) or {}
        return found


@dataclass(frozen=True)
class Run:
    """One spec on one target in one event."""

    spec: Spec
    target: str
    event: Event


def once(of: Callable[[Run], Answer]) -> Callable[[Run], Answer]:
    """A function of a run that is worked out once for each; nobody changes what it gives."""
    known: dict[tuple[int, str, Event], tuple[Spec, Answer]] = {}

    @functools.wraps(of)
    def found(run: Run) -> Answer:
        key = id(run.spec.data), run.target, run.event
        if key not in known:
            known[key] = run.spec, of(run)  # a spec that is kept keeps its number
        return known[key][1]

    return found


def events(spec: Spec) -> tuple[Event, ...]:
    """The events in a repository whose default branch is the one that the spec names."""
    branch = spec.data.get("default_branch", DEFAULT_BRANCH.branch)
    return tuple(
        replace(
            event,
            default_branch=branch,
            branch=branch if event == DEFAULT_BRANCH else event.branch,
            source_branch=branch if event.fork else event.source_branch,
        )
        for event in EVENTS
    )


def read(text: str) -> Spec:
    # BaseLoader reads every scalar as the text that is written.
    return Spec(yaml.load(text, yaml.CBaseLoader) or {})  # noqa: S506


def not_on(text: str) -> dict[str, set[str]]:
    """The targets that refuse a spec, by its first lines, and the rules that say so."""
    found = re.findall(r"^# not on (\w+): (.+)$", text, re.MULTILINE)
    return {target: set(rules.split(", ")) for target, rules in found}


# -- variables --------------------------------------------------------------------------------


@functools.cache
def known(target: str, event: Event) -> Mapping[str, str]:
    """Every portable variable, run-time variables as env.NAME."""
    ref = f"pr-{event.pull_request}" if event.pull_request else event.tag or event.branch
    safe = "".join(c if _is_plain(c, "_.-") else "-" for c in ref).lstrip(".-")[:128]
    path = event.fork_repository if event.fork and target == "gitlab" else event.repository
    owner, _, name = path.rpartition("/")
    return {
        "commit.sha": event.sha,
        "commit.short": event.sha[:8],
        "commit.timestamp": event.timestamp,
        "commit.date": re.sub("[^0-9]", "", event.timestamp),
        "branch": event.branch,
        "default_branch": event.default_branch,
        "tag": event.tag,
        **versions(event.tag),
        "ref.version": version(event.tag) or safe,
        "ref.name": ref,
        "ref.slug": "".join(c if _is_plain(c) else "-" for c in _lower(ref))[:63].strip("-"),
        "ref.tag": safe,
        "pull_request.number": event.pull_request,
        "repository.path": path,
        "repository.owner": owner,
        "repository.name": name,
        "repository.url": f"{event.server}/{path}",
        **_own(target, event, path),
        **{f"env.{name}": value for name, value in RUN_TIME.items()},
    }


def version(tag: str, prefix: str = "") -> str:
    """The semantic version that a tag names, read without a pattern."""
    rest = tag.removeprefix(prefix)
    if prefix and rest == tag:
        return ""
    rest = rest.removeprefix("v")
    found, plus, metadata = rest.partition("+")
    numbers, dash, before = found.partition("-")
    words = before.split(".")
    return (
        found
        if numbers.count(".") == 2
        and all(map(_is_number, numbers.split(".")))
        and not (dash and not all(_is_word(w) and (_is_number(w) or not _digits(w)) for w in words))
        and not (plus and not all(map(_is_word, metadata.split("."))))
        else ""
    )


def versions(tag: str) -> dict[str, str]:
    found = version(tag)
    major, minor = [*found.split(".", 2)[:2], "", ""][:2]
    return {
        "version": found,
        "version.minor": f"{major}.{minor}" if found else "",
        "version.major": major,
    }


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_number(text: str) -> bool:
    return _digits(text) and str(int(text)) == text


def _is_word(text: str) -> bool:
    return bool(text) and all(_is_plain(character, "-") for character in text)


def _is_plain(character: str, more: str = "") -> bool:
    return character.isascii() and (character.isalnum() or character in more)


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _own(target: str, event: Event, path: str) -> dict[str, str]:
    """What a platform says of itself: law 1 compares after these."""
    if target == "kubernetes":
        return dict(_GIVEN)
    env = TOLD[target].environment(event)
    own = {
        "gitlab": {
            "registry.host": env.get("CI_REGISTRY", ""),
            "registry.image": env.get("CI_REGISTRY_IMAGE", ""),
            "build.id": "9001",
            "build.url": env.get("CI_PIPELINE_URL", ""),
        },
        "github": {
            "registry.host": "ghcr.io",
            "registry.image": f"ghcr.io/{path.lower()}",
            "build.id": "9001",
            "build.url": f"{event.server}/{path}/actions/runs/9001",
        },
        "buildkite": {
            "build.id": env.get("BUILDKITE_BUILD_ID", ""),
            "build.url": env.get("BUILDKITE_BUILD_URL", ""),
        },
    }
    dates = {"build.timestamp": NOW, "build.date": re.sub("[^0-9]", "", NOW)}
    return {"build.number": "42", **dates, **own.get(target, {})}


@once
def own_values(run: Run) -> dict[str, str]:
    """The values that the spec uses and that each platform has its own way of."""
    path = known(run.target, run.event)["repository.path"]
    own = _own(run.target, run.event, path)
    if run.event.fork:
        variables = known(run.target, run.event)
        own |= {name: variables[name] for name in variables if name.startswith("repository.")}
        own["path in lower case"] = path.lower()
    used = json.dumps([run.spec.data, labels(run.spec)])
    return {
        name: value
        for name, value in own.items()
        if value and (f"${{{name}" in used or ("${repository" in used and "path" in name))
    }


def given() -> dict[str, str]:
    """What a Kubernetes manifest is told beside the event's own values."""
    run_time = {f"env.{name}": value for name, value in RUN_TIME.items()}
    return {**_GIVEN, **run_time, "env.CI_KANIKO_UNSET": ""}


def replaced(text: str, variables: Mapping[str, str], *, in_image: bool = False) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return "${"
        name, _, default = match[1].partition(":-")
        found = variables.get(name, "")
        lowered = in_image and name.startswith(("repository.", "registry."))
        return (found.lower() if lowered else found) or default

    return re.sub(r"\$\$\{|\$\{([^}]*)\}", value, text)


_OCI = {
    "source": "${repository.url}",
    "revision": "${commit.sha}",
    "created": "${build.timestamp}",
    "version": "${ref.version}",
    "url": "${repository.url}",
    "ref.name": "${ref.name}",
}


def labels(spec: Spec) -> list[tuple[str, str]]:
    """One's own labels after those that are made, of which none changes in what is reproducible."""
    written = spec.data.get("labels") or {}
    own = (
        {} if written == "oci" else {k: v for k, v in written.items() if (k, v) != ("oci", "true")}
    )
    if written == own:
        return [*own.items()]
    made = {f"org.opencontainers.image.{name}": text for name, text in _OCI.items()}
    if spec.section("options").get("reproducible") == "true":
        del made["org.opencontainers.image.created"]
    return [*((k, v) for k, v in made.items() if k not in own), *own.items()]


# -- conditions -------------------------------------------------------------------------------


@functools.cache
def glob_matches(glob: str, ref: str) -> bool:
    """`*` within a path segment, `**` across; nothing matches an empty ref."""
    return bool(ref) and _matches(glob, ref)


@functools.cache
def _matches(glob: str, ref: str) -> bool:
    if not glob:
        return not ref
    if glob.startswith("**"):
        return _matches(glob[2:], ref) or (bool(ref) and _matches(glob, ref[1:]))
    if glob.startswith("*"):
        return _matches(glob[1:], ref) or (ref[:1] not in ("", "/") and _matches(glob, ref[1:]))
    return ref[:1] == glob[:1] and _matches(glob[1:], ref[1:])


def lets_through(globs: Any, ref: str) -> bool:
    """Whether some entry matches, and none that begins with `!`."""
    found = [glob for glob in listed(globs) if glob_matches(glob.removeprefix("!"), ref)]
    return bool(found) and not any(glob.startswith("!") for glob in found)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def holds(when: Any, event: Event) -> bool:
    return any(_holds(condition, event) for condition in listed(when))


def _holds(condition: Any, event: Event) -> bool:
    if isinstance(condition, dict):
        ((kind, globs),) = condition.items()
        ref = event.branch if kind == "branch" else event.tag
        return lets_through(globs, ref)
    facts = {
        "always": True,
        "default-branch": bool(event.branch) and event.branch == event.default_branch,
        "other-branch": bool(event.branch) and event.branch != event.default_branch,
        "pull-request": bool(event.pull_request),
        "schedule": event.source == "schedule",
        "manual": event.source == "manual",
        "version": bool(version(event.tag)),
        "release": bool(version(event.tag)) and "-" not in version(event.tag),
    }
    return facts[condition]


def starts(spec: Spec, event: Event) -> bool:
    """Whether an event starts the job, requests aside that a push has built already."""
    only = str(spec.section("triggers").get("repository", event.repository))
    if only.lower() != event.repository.lower():
        return False
    if event.source in _WORDS:
        word = _WORDS[event.source]
        return bool(spec.section("triggers").get(word, "false") != "false")
    if event.source not in ("push", "pull_request", "merge_group"):
        return False
    if "triggers" not in spec.data:
        if event.source == "merge_group":
            return True
        default = bool(event.branch) and event.branch == event.default_branch
        return default or bool(event.tag or event.pull_request)
    triggers = spec.section("triggers")
    if event.source == "merge_group":
        return bool(triggers.get("pull_requests") == "true")
    if not _changes(triggers.get("paths"), event):
        return False
    if event.pull_request:
        return bool(triggers.get("pull_requests") == "true")
    kind, ref = ("tags", event.tag) if event.tag else ("branches", event.branch)
    return lets_through(triggers.get(kind, []), ref)


_WORDS = {
    "schedule": "schedules",
    "manual": "manual",
    **dict.fromkeys(("pipeline", "parent_pipeline", "api", "trigger"), "pipelines"),
}
"""The words of `triggers` for what is neither a push nor a request."""


def _changes(globs: Any, event: Event) -> bool:
    """Whether one of the paths has changed; what cannot be compared counts as changed."""
    if globs is None or not event.is_compared:
        return True
    return any(lets_through(globs, path) for path in event.changed)


def built_by_a_push(spec: Spec, event: Event, target: str) -> bool:
    """Whether the branch of a request is built as a branch, in the project that runs it."""
    if not event.pull_request or (event.fork and target == "github"):
        return False
    if target == "gitlab" and pushes_of_the_default_branch_only(spec):
        return False
    push = replace(event, branch=event.source_branch, pull_request="", source="push")
    return starts(spec, push)


def pushes_of_the_default_branch_only(spec: Spec) -> bool:
    """Requests lead there and do not come from there, so GitLab's jobs do without a rule."""
    triggers = spec.data.get("triggers")
    branches = [] if triggers is None else listed(triggers.get("branches", []))
    return {*branches} <= {spec.data.get("default_branch")}


# -- the images -------------------------------------------------------------------------------


@once
def images(run: Run) -> list[str]:
    """The destinations of this run: unconditional ones first, then by condition."""
    policy = run.spec.data.get("push", "auto")
    if policy == "never" or (policy == "auto" and run.event.pull_request):
        return []
    if run.event.source == "merge_group":
        return []
    variables = known(run.target, run.event)
    groups: dict[str, list[str]] = {_key("always"): []}
    for item in listed(run.spec.data.get("destinations", [])):
        image, when = destination_of(item)
        if holds(when, run.event):
            name = replaced(image, _room_for(image, variables), in_image=True)
            groups.setdefault(_key(when), []).append(name)
    return [image for group in groups.values() for image in group]


def _room_for(image: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, ref.tag cut to what the other text of the tag leaves of 128 characters."""
    written = re.split(r":(?![^{]*\})", image.rpartition("/")[2])[-1]
    rest = replaced(written, {**variables, "ref.tag": ""})
    return {**variables, "ref.tag": variables["ref.tag"][: max(0, 128 - len(rest))]}


def destination_of(item: Any) -> tuple[str, Any]:
    return (
        (item, "always") if isinstance(item, str) else (item["image"], item.get("when", "always"))
    )


def _key(when: Any) -> str:
    """Equal conditions are one group, however they are written."""
    return json.dumps(
        [
            {kind: listed(globs) for kind, globs in condition.items()}
            if isinstance(condition, dict)
            else condition
            for condition in listed(when)
        ]
    )


def is_archive_of_the_repository(spec: Spec) -> bool:
    return re.match("tar://[^/]", spec.data.get("context", "")) is not None


def is_fetched(spec: Spec) -> bool:
    """Whether nothing of the checkout is read."""
    return "://" in spec.data.get("context", ".") and not is_archive_of_the_repository(spec)


def image(run: Run, *, shell: bool) -> str:
    executor = run.spec.section("executor")
    _, version = _IMAGES[executor.get("distribution", "osscontainertools")]
    pinned = executor.get("digests", {}).get("debug" if shell else "plain", "")
    tag, _, digest = pinned.rpartition("@")
    version = executor.get("version") or tag.removesuffix("-debug") or version
    reference = f"{executor_name(run.spec)}:{version}"
    return reference + "-debug" * shell + f"@{digest}" * bool(digest)


def executor_name(spec: Spec) -> str:
    """The executor's image without its version, where it is pulled from."""
    executor = spec.section("executor")
    name, _ = _IMAGES[executor.get("distribution", "osscontainertools")]
    return mirrored(executor.get("image", name), spec)


def mirrored(name: str, spec: Spec) -> str:
    """An image as the mirror of its host calls it."""
    mirror = spec.section("mirrors").get(host(name))
    if not mirror:
        return name
    head, _, rest = name.partition("/")
    path = rest if "." in head or ":" in head else name
    return f"{mirror}/{path}" if "/" in path else f"{mirror}/library/{path}"


def host(reference: str) -> str:
    head, slash, _ = reference.partition("/")
    known_host = slash and ("." in head or ":" in head or head == "localhost")
    return HUB if not known_host or head == "index.docker.io" else head


def cache_host(run: Run) -> str | None:
    repo = run.spec.section("cache").get("repo", "oci:")
    if repo.startswith("oci:"):
        return None
    return host(replaced(repo, known(run.target, run.event), in_image=True))


def clones(run: Run) -> bool:
    """Whether an init container clones the repository before the executor starts."""
    section = run.spec.section(run.target)
    remote = "://" in run.spec.data.get("context", ".")
    return run.target == "kubernetes" and section.get("clone") == "true" and not remote


def fetches(run: Run) -> bool:
    """Whether the executor itself fetches the context."""
    if "://" in run.spec.data.get("context", "."):
        return True
    container = run.target == "github" and run.spec.section("github").get("mode") == "container"
    return container or (run.target == "kubernetes" and not clones(run))
