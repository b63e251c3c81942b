"""Law 1 for builders: whatever builds, the plan that kaniko is told reaches it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import ci_kaniko
from ci_kaniko.builders.registry import builder
from ci_kaniko.kaniko.builders import BUILDERS
from ci_kaniko.kaniko.flags import FLAGS, owner_of
from ci_kaniko.problems.problem import SpecError
from ci_kaniko.rehearsing.rehearse import rehearse
from harness.cases import CASES
from harness.runs import text_of
from harness.tools import shells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.rehearse import Ran, Rehearsal

OTHERS = BUILDERS[1:]
TARGETS = tuple(
    name for name, each in ci_kaniko.available_targets().items() if {*OTHERS} <= {*each.builders}
)
EVENTS = ("default-branch", "pull-request=7", "tag=v1.2.3")
GIVEN = {"env.CHANNEL": "stable_1.2", "env.MIRROR": "mirror.example.com:5000", "env.EDITION": "c"}


class Told(NamedTuple):
    """What a run asks for, in nobody's words."""

    context: str
    dockerfile: str
    stage: str
    arguments: tuple[str, ...]
    labels: tuple[str, ...]
    annotations: tuple[str, ...]
    secrets: tuple[str, ...]
    platform: str
    cache: str
    writes_cache: bool
    destinations: tuple[str, ...]


def _pairs(words: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in words:
        name, _, value = word.partition("=")
        found.setdefault(name, []).append(value)
    return found


def _one(found: dict[str, list[str]], name: str) -> str:
    (value,) = found.get(name, [""])
    return value


ROOTS = (
    *("/home/user/checkout", "/home/user/src", "/root/src", "/kaniko/src", "/builds/Acme/Shop"),
    *("/workspace/build/buildkite", "/workspace", "/kaniko/context", "/root/context"),
    *("/home/user/context", "/kaniko/buildcontext"),
)


def _below(path: str) -> str:
    """A path from the root of the repository."""
    for root in ROOTS:
        if path == root or path.startswith(f"{root}/"):
            return path[len(root) :].strip("/")
    return path


def by_kaniko(done: Recorded) -> Told:
    given = _pairs(done.argv or ())
    whole = _one(given, "--context")
    context = whole.removeprefix("dir://")
    is_git = whole.startswith("git://")
    folder = _one(given, "--context-sub-path") if is_git else _below(context)
    ours = f"git://{done.event.host}/{done.event.repository}.git".lower()
    if is_git and whole.partition("#")[0].lower() != ours:
        location, *fragments = whole.removeprefix("git://").split("#")
        folder = f"{location}#{(fragments or [''])[-1]}:{folder}"
    cache = _one(given, "--cache-repo") if "--cache" in given else ""
    return Told(
        folder,
        _below(_one(given, "--dockerfile")),
        _one(given, "--target"),
        tuple(given.get("--build-arg", ())),
        tuple(given.get("--label", ())),
        tuple(given.get("--annotation", ())),
        tuple(given.get("--secret", ())),
        _one(given, "--custom-platform"),
        cache,
        bool(cache) and "--no-push-cache" not in given,
        tuple(given.get("--destination", ())),
    )


def by_buildah(done: Recorded) -> Told:
    (program, verb, *words), *pushes = done.commands
    assert (program, verb) == ("buildah", "build")
    *options, context = words
    given = _pairs(options)
    destinations = []
    for push in pushes:
        assert push[:2] == ("buildah", "push")
        *_, image, place = push
        assert image == _one(given, "--tag")
        destinations.append(place.removeprefix("docker://"))
    cache = _one(given, "--cache-from")
    assert ("--layers" in given) == bool(cache)
    assert _one(given, "--cache-to") in {"", cache}
    return Told(
        _below(context),
        _below(_one(given, "--file")),
        _one(given, "--target"),
        tuple(given.get("--build-arg", ())),
        tuple(given.get("--label", ())),
        tuple(given.get("--annotation", ())),
        tuple(given.get("--secret", ())),
        _one(given, "--platform"),
        cache,
        "--cache-to" in given,
        tuple(destinations),
    )


def _fields(record: str) -> dict[str, str]:
    """One record of CSV, as buildctl reads it."""
    (fields,) = csv.reader([record], strict=True)
    found = dict(field.partition("=")[::2] for field in fields)
    assert len(found) == len(fields), record
    return found


def by_buildkit(done: Recorded) -> Told:
    ((program, verb, *words),) = done.commands
    assert (program, verb) == ("buildctl-daemonless.sh", "build")
    given = _pairs(words)
    opts: dict[str, list[str]] = {}
    for option in given["--opt"]:
        kind, mark, rest = option.partition(":")
        kind, rest = (kind, rest) if mark and kind in {"build-arg", "label"} else ("", option)
        name, _, value = rest.partition("=")
        opts.setdefault(kind or name, []).append(rest if kind else value)
    local = dict(each.partition("=")[::2] for each in given.get("--local", ()))
    outputs = [_fields(record) for record in given.get("--output", ())]
    assert len(outputs) < 2
    output = outputs[0] if outputs else {}
    assert not outputs or (output["type"], output["push"]) == ("image", "true")
    caches = [_fields(record) for record in given.get("--import-cache", ())]
    kept = [_fields(record) for record in given.get("--export-cache", ())]
    assert [each["ref"] for each in kept] in ([], [each["ref"] for each in caches])
    cache = caches[0]["ref"] if caches else ""
    assert not cache or cache.endswith(":buildkit")
    if local:
        context, root = _below(local["context"]), _below(local["dockerfile"])
        dockerfile = "/".join(filter(None, [root, _one(opts, "filename")]))
    else:
        location, _, ref = _one(opts, "context").removeprefix("https://").partition("#")
        ref, _, folder = ref.partition(":")
        context = f"{location}#{ref}:{folder}"
        dockerfile = "/".join(filter(None, [folder, _one(opts, "filename")]))
    secrets = [each for each in given.get("--secret", ()) if "GIT_AUTH_HEADER" not in each]
    names = output.get("name", "")
    return Told(
        context,
        dockerfile,
        _one(opts, "target"),
        tuple(opts.get("build-arg", ())),
        tuple(opts.get("label", ())),
        tuple(
            f"{name.removeprefix('annotation.')}={text}"
            for name, text in output.items()
            if name.startswith("annotation.")
        ),
        tuple(secrets),
        _one(opts, "platform"),
        cache.removesuffix(":buildkit"),
        bool(kept),
        tuple(names.split(",")) if names else (),
    )


READ = {"kaniko": by_kaniko, "buildah": by_buildah, "buildkit": by_buildkit}


def without(told: Told) -> Told:
    """Without what one builder needs for itself."""
    own = ("SOURCE_DATE_EPOCH=0",)
    return told._replace(arguments=tuple(each for each in told.arguments if each not in own))


def read(case: str, name: str) -> ci_kaniko.Spec | None:
    """A spec of the suite, built by another builder."""
    text = text_of(case)
    try:
        return ci_kaniko.loads(f"{text}\nbuilder: {name}\n", f"{case}.yaml")
    except SpecError:
        return None


def built(played: Rehearsal) -> list[Ran]:
    return [job for job in played.jobs if job.recorded is not None and job.recorded.calls]


def pairs() -> Iterator[tuple[str, str, str, str]]:
    """Each spec with each builder, on one target after the other, in one event after the other."""
    for number, case in enumerate(CASES):
        for turn, name in enumerate(OTHERS):
            target = TARGETS[(number + turn) % len(TARGETS)]
            yield case, name, target, EVENTS[(number // len(TARGETS)) % len(EVENTS)]


def played(spec: ci_kaniko.Spec, target: str, event: str) -> Rehearsal | None:
    """What a target runs; None for what it does not, or for an event that it has not."""
    given = {key: text for key, text in GIVEN.items() if f"${{{key}" in str(spec.model_dump())}
    try:
        return rehearse(spec, target, event, given=given)
    except SpecError:
        return None


def test_every_builder_is_told_the_same() -> None:
    if not shells():
        pytest.skip("a shell is not installed")
    told, refused = 0, 0
    for case, name, target, event in pairs():
        spec = read(case, name)
        ours = played(spec, target, event) if spec else None
        if ours is None:
            refused += 1
            continue
        theirs = played(ci_kaniko.loads(text_of(case), f"{case}.yaml"), target, event)
        assert theirs is not None
        assert not ours.failed, (case, name, target, event, ours.jobs)
        mine, kaniko = built(ours), built(theirs)
        assert [job.name for job in mine] == [job.name for job in kaniko], (case, name, target)
        for one, other in zip(mine, kaniko, strict=True):
            assert one.recorded
            assert other.recorded
            found, wanted = READ[name](one.recorded), by_kaniko(other.recorded)
            assert without(found) == wanted, (case, name, target, event)
            assert one.hosts == other.hosts, (case, name, target, event)
            assert one.recorded.config_mode in {None, 0o600, other.recorded.config_mode}
            told += 1
    assert told > 60
    assert refused < told


AWKWARD = """a, "b" = 'c' $d \\ `e` {{ f }} ${{ g }} ü
h"""


@pytest.mark.parametrize("name", OTHERS)
def test_awkward_values_arrive(name: str) -> None:
    """Byte for byte, through the shell and, in BuildKit's annotations, through CSV."""
    text = AWKWARD.replace("${", "$${")
    data: dict[str, Any] = {
        "builder": name,
        "default_branch": "main",
        "build_args": {"AWKWARD": text},
        "labels": {"com.example.awkward": text, "com.example.empty": ""},
        "annotations": {"com.example.awkward": text, "com.example.plain": "plain"},
        "destinations": ["quay.io/acme/shop:1", "quay.io/acme/other:1"],
        "registries": {"quay.io": "anonymous"},
    }
    for target in TARGETS:
        done = rehearse(ci_kaniko.Spec.model_validate(data), target)
        (job,) = built(done)
        assert job.recorded
        found = READ[name](job.recorded)
        assert found.arguments == (f"AWKWARD={AWKWARD}",)
        assert found.labels == (f"com.example.awkward={AWKWARD}", "com.example.empty=")
        assert dict(each.partition("=")[::2] for each in found.annotations) == {
            "com.example.awkward": AWKWARD,
            "com.example.plain": "plain",
        }


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_carried_is_a_flag_of_kaniko(name: str) -> None:
    carried = builder(name).carried
    assert {*carried} <= {*FLAGS}
    assert all(owner_of(flag) for flag in carried)
    assert builder(name).image(ci_kaniko.loads("push: never"), with_shell=True)
