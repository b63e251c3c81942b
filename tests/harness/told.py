"""What a run tells its builder, in nobody's words."""

from __future__ import annotations

import csv
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from ci_kaniko import available_targets
from ci_kaniko.kaniko.builders import BUILDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci_kaniko.rehearsing.recorded import Recorded
    from ci_kaniko.rehearsing.rehearse import Ran, Rehearsal

OTHERS = BUILDERS[1:]
TARGETS = tuple(name for name, each in available_targets().items() if {*OTHERS} <= {*each.builders})
EVENTS = ("default-branch", "pull-request=7", "tag=v1.2.3")


def built(played: Rehearsal) -> list[Ran]:
    return [job for job in played.jobs if job.recorded is not None and job.recorded.calls]


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
    archives: tuple[tuple[str, str], ...]


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
    *("/home/user/buildcontext", "/root/buildcontext"),
)
FOLDER = "/root/buildcontext"


def _below(path: str) -> str:
    """A path from the root of the repository."""
    for root in ROOTS:
        if path == root or path.startswith(f"{root}/"):
            return path[len(root) :].strip("/")
    return path


def _stored(context: str, env: Mapping[str, str]) -> str:
    """The address of an object in a store, as the clients of the clouds make it."""
    scheme, _, place = context.partition("://")
    if scheme == "gs":
        return f"https://storage.googleapis.com/{place}"
    if scheme != "s3":
        return context
    at = env.get("S3_ENDPOINT") or f"https://s3.{env['AWS_REGION']}.amazonaws.com"
    if env.get("S3_FORCE_PATH_STYLE") == "true":
        return f"{at}/{place}"
    bucket, _, key = place.partition("/")
    return f"{at.replace('://', f'://{bucket}.')}/{key}"


_STORE = re.compile(
    r"https?://(?:[^/]+[.])?"
    r"(?:s3[.][^/]+|minio[.][^/]+|storage[.]googleapis[.]com|blob[.]core[.][^/]+)/.+"
)


def _asked_for(done: Recorded, folder: str) -> str:
    """The folder, with the object that was fetched before."""
    found = [word for word in done.curl if _STORE.fullmatch(word)]
    assert len(found) < 2
    return f"{found[0]}:{folder}" if found else folder


def by_kaniko(done: Recorded) -> Told:
    given = _pairs(done.argv or ())
    whole = _one(given, "--context")
    context = whole.removeprefix("dir://")
    is_git = whole.startswith("git://")
    folder = _one(given, "--context-sub-path") if is_git else _below(context)
    ours = f"git://{done.event.host}/{done.event.repository}.git".lower()
    if is_git and whole.partition("#")[0].lower() != ours:
        location, *fragments = whole.removeprefix("git://").split("#")
        branch = dict(each.partition("=")[::2] for each in given.get("--git", ())).get("branch")
        folder = f"{location}#{branch or (fragments or [''])[-1]}:{folder}"
    if whole.startswith("tar://"):
        folder = _one(given, "--context-sub-path")
    if whole.startswith(("https://", "s3://", "gs://")):
        folder = f"{_stored(whole, done.env)}:{_one(given, '--context-sub-path')}"
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
        tuple(
            (kind, posixpath.basename(path))
            for flag, kind in (("--oci-layout-path", "oci"), ("--tar-path", "docker"))
            for path in given.get(flag, ())
        ),
    )


def _cloned(before: list[tuple[str, ...]]) -> str:
    """What Buildah is told to clone before it builds: the address, and what is checked out."""
    (_, verb, _), *runs = before
    assert verb == "from"
    assert {(run[:2], run[2:6]) for run in runs} == {
        (
            ("buildah", "run"),
            ("--volume", f"{FOLDER}:/git", "--workingdir", "/git"),
        )
    }
    told = [run[run.index("--quiet") - 1 :] for run in runs if "--quiet" in run]
    assert [words[0] for words in told][:3] == ["init", "fetch", "checkout"]
    *_, address, ref = told[1]
    commit = told[2][-1]
    named = ref if commit == "FETCH_HEAD" else commit
    return f"{address.removeprefix('https://')}#{'' if named == 'HEAD' else named}"


def by_buildah(done: Recorded) -> Told:
    build = next(number for number, each in enumerate(done.commands) if each[1] == "build")
    before, ((program, verb, *words), *pushes) = done.commands[:build], done.commands[build:]
    assert (program, verb) == ("buildah", "build")
    *options, context = words
    given = _pairs(options)
    destinations, archives, names = [], [], []
    for push in pushes:
        assert push[:2] == ("buildah", "push")
        *_, image, place = push
        assert image == _one(given, "--tag")
        kind, _, rest = place.partition(":")
        if kind == "docker":
            destinations.append(rest.removeprefix("//"))
            continue
        path, _, name = rest.partition(":")
        archives.append((kind.removesuffix("-archive"), posixpath.basename(path)))
        names += [name] * (kind == "docker-archive")
    assert names in ([], destinations[:1] or [""])
    cache = _one(given, "--cache-from")
    assert ("--layers" in given) == bool(cache)
    assert _one(given, "--cache-to") in {"", cache}
    below = _below(context)
    if "://" in context:
        below = f"{context}:"
    elif before:
        below = f"{_cloned([*before])}:{below}"
    elif "--location" in done.curl:
        below = f"{done.curl[done.curl.index('--location') + 1]}:{below}"
    return Told(
        _asked_for(done, below),
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
        tuple(sorted(archives, reverse=True)),
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
    pushed = [each for each in outputs if each["type"] == "image"]
    assert len(pushed) < 2
    output = pushed[0] if pushed else {}
    assert not pushed or output["push"] == "true"
    archives = [
        (each["type"], posixpath.basename(each["dest"])) for each in outputs if each not in pushed
    ]
    named = [each.get("name") for each in outputs if each["type"] == "docker"]
    assert named in ([], [output.get("name")])
    layouts = [each for each in outputs if each["type"] == "oci"]
    assert [each["name"] for each in layouts] in ([], ["localhost/built"])
    assert layouts in ([], outputs[-1:])
    caches = [_fields(record) for record in given.get("--import-cache", ())]
    kept = [_fields(record) for record in given.get("--export-cache", ())]
    assert [each["ref"] for each in kept] in ([], [each["ref"] for each in caches])
    cache = caches[0]["ref"] if caches else ""
    assert not cache or cache.endswith(":buildkit")
    whole, dockerfile = _one(opts, "context"), _one(opts, "filename")
    if local:
        context = _asked_for(done, _below(local["context"]))
        root = _below(local["dockerfile"])
        dockerfile = posixpath.normpath(posixpath.join(root, dockerfile))
    elif ".git" in whole:
        location, _, ref = whole.removeprefix("https://").partition("#")
        context = f"{location}#{ref}:{_one(opts, 'contextsubdir')}"
    else:
        context = f"{whole}:{_one(opts, 'contextsubdir')}"
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
        tuple(sorted(archives, reverse=True)),
    )


READ = {"kaniko": by_kaniko, "buildah": by_buildah, "buildkit": by_buildkit}
