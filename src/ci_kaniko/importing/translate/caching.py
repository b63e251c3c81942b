"""The cache of a build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import literal, spell
from ci_kaniko.importing.translate.images import host_of, split_tag
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.importing.translate.pushes import image_of, reference_of
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.kaniko.flags import FLAGS, fields_below

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.commands.flags import Flag
    from ci_kaniko.importing.translate.work import Work

_SWITCHES = {
    flag: field for field, flag in fields_below("cache").items() if FLAGS[flag].kind == "switch"
}


def take_cache(work: Work) -> None:
    quiet = {flag.when for flag in work.of("no-push")}
    for flag in work.of("no-push-cache"):
        if flag.on and flag.when not in quiet:
            work.job.tell("unwritten-cache", flag.line)
    enabled = work.last("cache")
    repo = work.last("cache-repo")
    others = [flag for flag in work.flags if flag.name in {"cache-ttl", "cache-dir", *_SWITCHES}]
    if enabled and enabled.value and literal(enabled.value) is None:
        asked = f"{spell(enabled.value)} is true"
        work.job.tell("conditional-flag", enabled.line, "--cache", asked)
    if enabled is None or not enabled.on:
        for flag in [*([repo] if repo else []), *others]:
            if flag.name == "compressed-caching" and not flag.on:
                # Layers are compressed in memory without a cache as well.
                work.build["cache"] = {"compressed": False}
                continue
            work.job.tell("cache-is-off", flag.line, flag.shown)
        return
    if not _cache_repo(work, repo, enabled):
        for flag in others:
            work.job.tell("not-carried", flag.line, flag.shown, "it is for cache: {repo: ...}")
        return
    _tell_unwritten(work)
    for flag in others:
        _cache_option(work, flag)
    work.build["cache"] = work.cache


def _tell_unwritten(work: Work) -> None:
    """Kaniko fills the cache also where it pushes nothing, unless a flag of its own says no.

    So does the spec's own job where the cache is a folder, to which nobody has to log in.
    """
    if work.cache["repo"].startswith("oci:"):
        return
    if work.call.builder == KANIKO and not any(flag.on for flag in work.of("no-push-cache")):
        for flag in [flag for flag in work.of("no-push") if flag.on][:1]:
            work.job.tell("unwritten-cache/quiet", flag.line, flag.shown)


def _cache_repo(work: Work, repo: Flag | None, enabled: Flag) -> bool:
    if repo is None or not repo.value:
        listed = work.build.get("destinations", ())
        # The first of a run counts: what nothing is asked of is that of all runs.
        sure = listed and isinstance(listed[0], str) and not work.held_back
        names = {split_tag(image_of(entry))[0] for entry in (listed[:1] if sure else listed)}
        if len(names) != 1:
            said = "cache-without-repo/several" if names else "cache-without-repo"
            work.job.tell(said, enabled.line)
            return False
        work.cache["repo"] = f"{(name := names.pop())}/cache"
        # A repository on Docker Hub has two parts only, beside the host.
        if host_of(name) == "docker.io" and re.search(
            r"/.*/", f"/{name}".replace("docker.io/", "")
        ):
            work.job.tell("cache-repo/hub", enabled.line, work.cache["repo"], f"{name}-cache")
            return False
        work.job.tell("cache-repo", enabled.line, work.cache["repo"])
        return True
    try:
        written = reference_of(work, repo.value, repo.line)
    except NotPortable as reason:
        work.lost("cache.repo", repo, reason)
        return False
    name, tag = split_tag(written)
    if tag and not written.startswith("oci:"):
        said = "cache-tag" if work.call.builder == KANIKO else "cache-tag/refused"
        work.job.tell(said, repo.line, written, name)
        written = name
    work.cache["repo"] = written
    return True


def _cache_option(work: Work, flag: Flag) -> None:
    if flag.name in _SWITCHES:
        work.cache[_SWITCHES[flag.name]] = flag.on
        return
    written = literal(flag.value or ())
    if flag.name == "cache-dir" and written and written.rstrip("/") in work.job.claims:
        work.cache["dir"] = written
        work.settings.section["cache_claim"] = work.job.claims[written.rstrip("/")].take()
    elif flag.name == "cache-dir":
        work.job.tell("cache-folder", flag.line, flag.shown)
    elif written:
        work.cache["ttl"] = written
    else:
        work.run_time(flag, "cache.ttl")
