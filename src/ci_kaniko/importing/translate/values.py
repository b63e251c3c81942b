"""The words of an executor call as flags, and what of a spec each stands for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ci_kaniko.importing.calls import (
    Masked,
    Part,
    Text,
    Var,
    Word,
    join,
    literal,
    only_var,
    spell,
    split_text,
    variables,
)
from ci_kaniko.importing.facts import meaning
from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.shell.commands.flags import MEANT, Flag, parse
from ci_kaniko.importing.shell.secrets import is_written
from ci_kaniko.importing.signs import is_program
from ci_kaniko.importing.translate.executor import pinned_without
from ci_kaniko.importing.translate.images import host_of, split_tag
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.importing.translate.pushes import image_of, reference_of
from ci_kaniko.importing.translate.work import Work
from ci_kaniko.kaniko.builders import BUILDER_HOMES, KANIKO
from ci_kaniko.kaniko.flags import FLAGS, RENAMED, RESERVED, fields_below

Handler = Callable[[Work, Flag, str], None]
HANDED_ON = (
    *(f"{home}/digest" for home in BUILDER_HOMES.values()),
    f"{BUILDER_HOMES['buildkit']}/metadata",
    *("/dev/termination-log", "$(results.", "${results."),
)
_GIT_SWITCHES = {"single_branch", "recurse_submodules", "insecure_skip_tls"}
_CHECKED_OUT = {"gitlab", "github", "buildkite", "agola"}
_FIELDS = {"build-arg": "build_args", "label": "labels", "annotation": "annotations"}
_PROXIES = {"HTTP_PROXY": "http", "HTTPS_PROXY": "https", "NO_PROXY": "no_proxy"}


def _target(work: Work, _flag: Flag, written: str) -> None:
    work.build["target"] = written


def _named(work: Work, flag: Flag) -> None:
    """``--build-arg NAME=VALUE``; without a value it is that of the environment."""
    field = _FIELDS[flag.name]
    text = flag.value or ()
    key, *given = split_text(text, "=", 1)
    value = given[0] if given else None
    name = literal(key)
    if not name:
        work.job.tell("unknown-name", flag.line, flag.shown, field)
        return
    if flag.name == "build-arg" and _is_proxy(work, name, value):
        return
    masked = any(isinstance(part, Masked) for part in value or ())
    if value is not None and (masked or is_written(name, value)):
        work.job.report.hide(literal(value) or "")
        work.job.tell("literal-secret/build-arg", flag.line, name, name.lower())
        work.build.setdefault(field, {})[name] = f"${{env.{name}}}"
        return
    if value is None:
        value = work.logins.environment(name) or (Var(name),)
    try:
        written = work.spelled.template(value, flag.line, what=flag.name)
    except NotPortable as reason:
        said = reason.message, reason.advice or f"write {name} under {field}: by hand"
        work.job.tell("not-portable/named", flag.line, flag.name, name, *said)
        return
    work.build.setdefault(field, {})[name] = written


def _git(work: Work, flag: Flag, written: str) -> None:
    for pair in written.split(","):
        key, _, value = pair.partition("=")
        field = key.strip().replace("-", "_")
        if field == "branch" and value:
            work.git["branch"] = value
        elif field == "depth" and value.isdigit():
            work.git["depth"] = int(value)
        elif field in _GIT_SWITCHES and value in {"", "true", "false"}:
            work.git[field] = value != "false"
        else:
            work.job.tell("bad-git-option", flag.line, pair)


def _listed(work: Work, flag: Flag, written: str) -> None:
    if flag.name == "secret" and written and _build_secret(work, written):
        return
    values = written.split(",") if flag.name == "credential-helpers" else [written]
    if flag.name == "registry-mirror":
        values = [re.sub(r"^https?://", "", value).rstrip("/") for value in values]
        if values != [written]:
            work.job.tell("mirror-scheme", flag.line, written, values[0])
    listed = work.options.setdefault(_field(flag), [])
    listed += [value for value in values if value not in listed]


def _build_secret(work: Work, written: str) -> bool:
    match = re.fullmatch(r"id=([^,]+),env=([A-Za-z_]\w*)", written)
    if not match:
        return False
    name = match[2]
    known = work.job.secrets.get(name)
    if known is None and not work.job.plain_secrets:
        return False
    work.logins.asked.add(name)
    work.logins.note_store(name)
    same = known is None or known.name == name
    work.build.setdefault("build_secrets", {})[match[1]] = name if same else known.name  # type: ignore[union-attr]
    return True


def _mapped(work: Work, flag: Flag, written: str) -> None:
    for pair in written.split(";"):
        key, _, value = pair.partition("=")
        if not value:
            work.job.tell("bad-pair", flag.line, flag.name, pair)
        elif not _certificate(work, flag.name, key, value):
            found = work.options.setdefault(_field(flag), {})
            if flag.name == "registry-map" and key in found:
                before = found[key] if isinstance(found[key], list) else [found[key]]
                found[key] = [*before, *([value] if value not in before else [])]
            else:
                found[key] = value


def _platform(work: Work, flag: Flag, written: str) -> None:
    """One platform, or the list that other builders take: then each has a job of its own."""
    # The usual variant needs no name.
    platforms = [re.sub("(/arm64)/v8$", r"\1", one.strip()) for one in written.split(",")]
    if len(platforms) == 1 or work.call.builder == KANIKO:
        _option(work, flag, written)
        return
    work.build["platforms"] = list(dict.fromkeys(platforms))
    work.job.tell("platforms", flag.line, ", ".join(platforms))


def _certificate(work: Work, name: str, host: str, value: str) -> bool:
    """A certificate that the job takes from a secret."""
    if name == "registry-certificate":
        secret = work.logins.file_secret((value,))
        if secret:
            work.build.setdefault("certificates", {})[host] = secret
        return bool(secret)
    if name == "registry-client-cert" and "," in value:
        one, _, two = value.partition(",")
        secrets = work.logins.file_secret((one,)), work.logins.file_secret((two,))
        if all(secrets):
            pair = {"certificate": secrets[0], "key": secrets[1]}
            work.build.setdefault("client_certificates", {})[host] = pair
            return True
    return False


def _file(work: Work, flag: Flag) -> None:
    field = _field(flag)
    value = flag.value or ()
    path = work.paths.output(value)
    shown = spell(value)
    handed = shown in work.job.handed_on and work.build.get("push") != "never"
    if field == "digest_file" and (handed or shown.startswith(HANDED_ON)):
        work.build["digest"] = True
        work.job.tell("digest/file", flag.line, shown)
    elif path is not None and not path.startswith(".."):
        work.options[field] = path
    elif work.job.target in _CHECKED_OUT and re.search(r"(?:^|/)[\w.-]+$", shown):
        name = shown.rpartition("/")[2]
        work.job.tell("output-outside", flag.line, flag.name, shown, name)
        work.options[field] = name
    else:
        work.job.tell("output-outside/unknown", flag.line, flag.name, shown, field)


def _option(work: Work, flag: Flag, written: str) -> None:
    kind = FLAGS[flag.name].kind
    is_number = kind == "number" and re.fullmatch(r"-?\d+", written)
    work.options[_field(flag)] = (
        flag.on if kind == "switch" else int(written) if is_number else written
    )


def _field(flag: Flag) -> str:
    return flag.name.replace("-", "_")


def take_proxy(work: Work) -> None:
    found: dict[str, Any] = {}
    for name, field in _PROXIES.items():
        text = work.logins.environment(name) or work.logins.environment(name.lower())
        if work.logins.held(name.lower()) == text:
            work.logins.asked.add(name.lower())
        written = literal(text)
        secret = work.job.secret_of(text) if field != "no_proxy" else None
        if written:
            found[field] = written
        elif secret:
            for twin in (*(var.name for var in variables(text)), name, name.lower()):
                if work.job.secret_of((Var(twin),)) == secret:
                    work.logins.note_store(twin)
            found[field] = {"secret": work.logins.secret_name(secret, work.call.line)}
        elif text or (work.call.docker and {name, name.lower()} & work.call.environment.keys()):
            work.job.tell("owned-variable", work.call.line, name, "proxy")
        if field in found:
            work.proxies[field] = text
    put(work.build, "proxy", found)


def _is_proxy(work: Work, name: str, value: Text | None) -> bool:
    """Whether a build arg is what ``proxy`` gives to RUN lines."""
    proxy = work.proxies.get(_PROXIES.get(name.upper(), ""))
    return proxy is not None and value in (None, proxy)


_BY_NAME: dict[str, Handler] = {"target": _target, "git": _git, "custom-platform": _platform}
_BY_KIND: dict[str, Handler] = {
    "list": _listed,
    "mapping": _mapped,
    **dict.fromkeys(("switch", "number", "text"), _option),
}
_ELSEWHERE = {"context", "context_sub_path", "dockerfile", "destinations", "push", "cache"}
"""Fields that several flags make together."""


def _filled(work: Work, flag: Flag) -> Text:
    """The value of a flag; of them a stage alone may be an input."""
    value = flag.value or ()
    return work.spelled.with_inputs(value) if flag.name == "target" else value


def take(work: Work, flag: Flag) -> None:
    """Say a flag in the spec or in the report."""
    known = FLAGS[flag.name]
    if known.field is None or known.field.partition(".")[0] in _ELSEWHERE:
        return
    if known.kind != "file" and not work.counts(flag):
        return
    if flag.name in _FIELDS or known.kind == "file":
        (_named if flag.name in _FIELDS else _file)(work, flag)
    elif (written := literal(_filled(work, flag))) is None:
        work.run_time(flag, known.field)
    else:
        (_BY_NAME.get(flag.name) or _BY_KIND[known.kind])(work, flag, written)


# -- the cache ---------------------------------------------------------------------------------


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
        if len(names) != 1 or work.first_is_lost:
            said = "cache-without-repo/several" if names else "cache-without-repo"
            said = "cache-without-repo/lost" if work.first_is_lost else said
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


# -- words as flags ----------------------------------------------------------------------------


_OF_DOCKER = {
    *("push", "pull", "load", "no-cache", "platform", "progress", "provenance", "quiet", "rm"),
    *("sbom", "squash", "network", "output", "ssh", "compress", "iidfile", "memory", "cache-from"),
    *("cache-to", "builder", "attest", "add-host", "isolation", "shm-size", "ulimit"),
}


def read_words(work: Work) -> None:
    for word in work.call.words:
        flag = parse(word.text, word.when, word.line)
        if flag is None:
            _stray(work, word)
            continue
        written, name = flag.written, flag.name
        if written in RENAMED:
            work.job.tell("renamed-flag", flag.line, written, name)
        elif written in MEANT:
            _unknown(work, flag, f"--{name} was meant")
        elif name in RESERVED:
            work.job.tell("reserved-flag", flag.line, flag.shown, RESERVED[name])
            continue
        elif name not in FLAGS:
            _strange(work, flag)
            continue
        if without := pinned_without(work.image, name):
            work.job.tell("newer-flag", flag.line, flag.shown, without, FLAGS[name].since.spelled)
        elif FLAGS[name].kind != "switch" and not flag.value:
            work.job.tell("no-value", flag.line, name)
        else:
            if flag.is_wrong:
                work.job.tell("no-switch", flag.line, flag.shown)
            if name in _BUILT and not _FETCHED.match(spell(flag.value or ())):
                flag.value = join(_settled(work, flag, part) for part in flag.value or ())
            work.flags.append(flag)


_BUILT = {"context", "context-sub-path", "custom-platform", "dockerfile", "target"}
"""What is built: these hold no variables of a run, but in an address."""
_FETCHED = re.compile(r"(?!dir:)[a-z0-9+]+://")


def _settled(work: Work, flag: Flag, part: Part) -> Part:
    """A part of a text; of a variable that a run may be given the default."""
    if not (isinstance(part, Var) and part.default) or part.changes or part.portable:
        return part
    if "." in part.name or meaning(part):
        return part
    work.job.tell("default-taken/built", flag.line, part.name, part.default)
    return part.default


def _unknown(work: Work, flag: Flag, meant: str = "") -> None:
    instead = "pushing is what kaniko does without it" if flag.name == "push" else meant
    work.job.tell("unknown-flag", flag.line, flag.shown, instead or "it is left out")


def _strange(work: Work, flag: Flag) -> None:
    """A flag that no release has; those of docker are faults, others may be new."""
    if flag.name in _OF_DOCKER or len(flag.name) == 1:
        _unknown(work, flag)
        return
    try:
        value = None if flag.value is None else work.spelled.template(flag.value, flag.line)
    except NotPortable as reason:
        work.lost("extra_args", flag, reason)
        return
    written = f"--{flag.name}" if value is None else f"--{flag.name}={value}"
    work.build.setdefault("extra_args", []).append(written)
    work.job.tell("new-flag", flag.line, flag.name)


def _stray(work: Work, word: Word) -> None:
    shown = spell(word.text)
    if is_program(shown):
        work.job.tell("executor-twice", word.line, shown)
        return
    if not shown.strip():
        work.job.tell("empty-argument", word.line)
        return
    said = "stray-argument", word.line, shown
    if only_var(word.text) is None:
        work.job.tell(*said, "kaniko takes no arguments but flags")
    elif not word.split:  # else the script has said so
        work.job.tell(*said, "write the flags that it holds into the spec")
