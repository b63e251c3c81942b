"""Run rendered CI files for real, against an executor that records what reached it.

Each run has its own root directory: a private mount namespace and chroot where the machine
allows one, otherwise paths such as /kaniko/ are swapped for that directory in every text.
"""

from __future__ import annotations

import atexit
import base64
import binascii
import csv
import functools
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from harness import buildkite_upload, executor, judge, kubelet, starter, tools
from harness.events import NOW_EPOCH, WORKSPACES, Event, environment, github_context, identity
from harness.executor import CREDENTIAL_FILES, INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_NONE: Mapping[str, str] = MappingProxyType({})
_SHARED = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "proc", "dev")
_SWAPPED = re.compile(
    r"/(?=(?:kaniko|busybox|builds|workspace|__w|github|home/runner|root|\.recorder|\.record)(?:[/:\s\"']|\Z))"
)
_IMAGE_ENV = {
    "PATH": "/usr/local/bin:/kaniko:/busybox",
    "HOME": "/root",
    "USER": "root",
    "DOCKER_CONFIG": "/kaniko/.docker/",
    "SSL_CERT_DIR": "/kaniko/ssl/certs",
}
_SHELL_BOOKKEEPING = ("PWD", "OLDPWD", "SHLVL", "_")
_DOCKER_HUB = "https://index.docker.io/v1/"
_DIGEST = "sha256:" + "0" * 64

JOIN_IMAGE = "ghcr.io/regclient/regctl"
_JOIN_ENV = {"PATH": "/.record/bin:/busybox", "HOME": "/home/appuser", "USER": "appuser"}
_PREPARE_ENV = {"PATH": "/.record/tools:/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
"""Containers that are not the executor's: the one that joins, and those that prepare."""

REQUESTS = "-pull-request"
"""What a job is called like that builds pull requests, beside one for what is pushed."""

_DOCKER = """#!/bin/sh
PATH=/busybox:/usr/bin:/bin
# Containers that are not the executor's: where a path of theirs is outside, and what they run.
outside() {
  for volume in $volumes; do
    case $1 in ${volume#*:}*) echo "${volume%%:*}${1#"${volume#*:}"}"; return ;; esac
  done
}
look() {
  volumes='' image='' entrypoint='' directory=/ variables='' given=''
  [ "$1" = run ] && shift
  while [ $# -gt 0 ]; do
    case $1 in
      --rm | -i | --init) shift; continue ;;
      --*=*) option=${1%%=*} value=${1#*=}; shift ;;
      -*) option=$1 value=${2-}; shift; [ $# -eq 0 ] || shift ;;
      *) image=$1; shift; break ;;
    esac
    case $option in
      -v | --volume) value=${value%:ro}; volumes="$volumes $value" ;;
      -w | --workdir) directory=$value ;;
      -e | --env) variables="$variables $value" ;;
      --entrypoint) entrypoint=$value ;;
    esac
  done
  echo "pull $$ $image" >/.recorder/call
  read -r status </.recorder/answer
  case $image in
    ghcr.io/regclient/regctl:*)
      [ "$1" = regctl ] && shift
      for value in $variables; do
        case $value in *=*) export "$value" ;; esac
      done
      for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
        case " PATH $variables" in
          *" $name="* | *" $name "* | *" $name") ;;
          *) unset "$name" ;;
        esac
      done
      for name in DOCKER_CONFIG @FILES@; do
        eval "value=\\${$name-}"
        [ -z "$value" ] || export "$name=$(outside "$value")"
      done
      exec /.record/bin/regctl "$@" ;;
  esac
  if [ "$entrypoint" = sh ]; then
    cd "$(outside "$directory")" || exit 125
    path=/.record/tools:/busybox:/usr/bin:/bin
    for value in $variables; do
      case $value in
        *=*) given="$given $value" ;;
        *) eval "given=\"\\$given \\${$value+$value=\\$$value}\"" ;;
      esac
    done
    exec env -i PATH="$path" HOME=/root $given sh "$@"
  fi
}
look "$@"
echo "docker $$" >/.recorder/call
read -r status message </.recorder/answer
[ -z "$message" ] || echo "$message" >&2
exit "$status"
""".replace("@FILES@", " ".join(CREDENTIAL_FILES))

_DATE = f'#!/bin/sh\nexec {{}} -d @{NOW_EPOCH} "$@"\n'

_GIT = """#!/bin/sh
read -r before head </.record/commits
case "$*" in
  "cat-file -e $before^{commit}") exit 0 ;;
  "cat-file -e "*) exit 128 ;;
  "diff --name-only --no-renames -z $before.."*"$head --") cat /.record/changed; exit ;;
  "diff "*) echo "fatal: bad revision" >&2; exit 128 ;;
  *%cI*) sed -n 1p /.record/timestamps ;;
  *format-local*%cd* | *%cd*format-local*) sed -n 2p /.record/timestamps ;;
  *%ct*) sed -n 2p /.record/timestamps | xargs date -u +%s -d ;;
  *) echo "git: the harness does not know: $*" >&2; exit 99 ;;
esac
"""

_BUILDKITE_AGENT = """#!/bin/sh
for word; do echo "$word"; done >>/.record/agent
case "$*" in
  "oidc request-token --audience https://packages.buildkite.com/"*" --lifetime "*)
    echo oidc-harness ;;
  "oidc request-token --audience "*" --lifetime "*)
    echo "eyJ.$(printf %s "$4" | tr -c 'A-Za-z0-9' _).harness" ;;
  "meta-data set "*" "*) printf %s "$4" >"/.record/meta-set/$3" ;;
  "meta-data get "*)
    if [ -f "/.record/meta/$3" ]; then
      cat "/.record/meta/$3"
    elif [ "${4-}" = --default ]; then
      printf %s "$5"
    else
      echo "fatal: no meta-data value found with key $3" >&2
      exit 100
    fi ;;
  "artifact download "*" "*/" --step "*)
    if [ ! -f "/.record/artifacts/$6/$3" ]; then
      echo "fatal: no artifacts found for downloading" >&2
      exit 1
    fi
    cp "/.record/artifacts/$6/$3" "$4$3" ;;
  *) echo "buildkite-agent: the harness does not know: $*" >&2; exit 99 ;;
esac
"""

_REGCTL = f"""#!/bin/sh
PATH=/busybox:/usr/bin:/bin
n=1
while ! mkdir -m 700 "/.record/join-$n" 2>/dev/null; do n=$((n + 1)); done
record=/.record/join-$n
cp "/proc/$$/cmdline" "/proc/$$/environ" "$record"
for name in {" ".join(CREDENTIAL_FILES)}; do
  eval "file=\\${{$name-}}"
  if [ -f "$file" ]; then cp -p "$file" "$record/$name"; fi
done
cp -p "${{DOCKER_CONFIG:-$HOME/.docker}}/config.json" "$record" 2>/dev/null
read -r status </.record/status
[ "$status" = 0 ] || exit "$status"
case "$*" in *--format*) cat /.record/digest; echo ;; esac
"""

_TOOL = """#!/bin/sh
echo "${0##*/} $* in $(pwd)" >>/.record/tools.log
env >>/.record/tools.env
grep -qx "${0##*/}" /.record/failing && exit 3
case "${0##*/} $*" in
  "git -C "*" checkout "*) cp -a /.record/repository/. "$2" ;;
  "go build -o "*)
    mkdir -p "$(dirname "$3")"
    echo program >"$3"
    chmod 755 "$3" ;;
  "npm run build:"*)
    mkdir -p "$5"
    echo "$2" >"$5/index.js" ;;
  "make html")
    mkdir -p services/docs/html
    echo html >services/docs/html/index.html ;;
  "make generate")
    mkdir -p services/api/generated services/web/generated
    echo api >services/api/generated/code
    echo web >services/web/generated/code ;;
esac
"""
_TOOLS = ("go", "npm", "make", "git")

_APPLETS = (
    *("[", "awk", "base64", "basename", "cat", "chmod", "chown", "cp", "cut", "date", "dirname"),
    *("env", "find", "grep", "head", "id", "ls", "mkdir", "mktemp", "printf", "readlink", "rm"),
    *("sed", "sleep", "sort", "tail", "test", "touch", "tr", "true", "wc", "xargs"),
)
"""What scripts may call where no busybox says what it has."""

_CURL = """#!/bin/sh
for word; do echo "$word"; done >>/.record/curl
given=$(cat)
refuse() { echo "curl: (22) The requested URL returned error: $1" >&2; exit 22; }
for url; do :; done
case $url in
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience="*)
    [ "$given" = "Authorization: bearer request-harness" ] || refuse 401
    name=$(printf %s "${url#*&audience=}" | tr -c 'A-Za-z0-9' _)
    printf '{"count":1857,"value":"eyJ.%s.harness"}' "$name" ;;
  https://sts.*.amazonaws.com/)
    [ "$given" = eyJ.sts_amazonaws_com.harness ] || refuse 403
    case "$*" in *"&RoleArn=arn:aws:iam::"*) ;; *) refuse 400 ;; esac
    echo '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    echo '  <Credentials>'
    echo '    <SessionToken>session+/harness==</SessionToken>'
    echo '    <SecretAccessKey>key+/harness</SecretAccessKey>'
    echo '    <AccessKeyId>ASIAHARNESS</AccessKeyId>'
    echo '  </Credentials>'
    echo '</AssumeRoleWithWebIdentityResponse>' ;;
  https://login.microsoftonline.com/*/oauth2/v2.0/token)
    [ "$given" = eyJ.api___AzureADTokenExchange.harness ] || refuse 401
    printf '{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.azure.harness"}' ;;
  https://*.azurecr.io/oauth2/exchange)
    [ "$given" = eyJ.azure.harness ] || refuse 401
    printf '{"refresh_token":"eyJ.registry.harness"}' ;;
  *) refuse 404 ;;
esac
"""


class HarnessError(Exception):
    """The rendered file holds something that its platform refuses or the harness does not model."""


class Mount(NamedTuple):
    source: str
    target: str
    read_only: bool


class File(NamedTuple):
    text: str
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What earlier jobs of the pipeline left, by their names: files, and named texts."""

    artifacts: Mapping[str, Mapping[str, File]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_NOTHING = Handed()


class Joined(NamedTuple):
    """One call of the tool that joins platforms, and the login that it found."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    config_text: str | None
    config_mode: int | None
    credentials: Mapping[str, str]


class Input(NamedTuple):
    """A file that the executor finds below /kaniko; the mode of its folder, too."""

    text: str
    mode: int
    folder_mode: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a run did; argv is None when the executor was never called.

    `command` is the whole call (`docker run …` included), `files` what the run left behind or
    changed, anywhere, by path as the script saw it. `credentials` are the texts of the files that
    CREDENTIAL_FILES lead to, `inputs` all files of the executor's folders for such things, `agent`
    and `curl` the words that these were called with. `context` are the files that the executor saw
    in its context, `tools` what the fake compilers were called with and `tools_env` in which
    environment, `joined` the calls that join platforms; `artifacts` and `outputs` are for later
    jobs. `pulls` are the images that were pulled where a file says how, and with which user and
    password each.
    """

    target: str
    event: Event
    status: int
    stdout: str
    stderr: str
    image: str
    workspace: str
    mounts: tuple[Mount, ...]
    calls: int
    files: Mapping[str, bytes]
    command: tuple[str, ...] = ()
    argv: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    umask: int | None = None
    config_text: str | None = None
    config_mode: int | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    agent: tuple[str, ...] = ()
    curl: tuple[str, ...] = ()
    context: Mapping[str, File] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    tools_env: tuple[str, ...] = ()
    joined: tuple[Joined, ...] = ()
    artifacts: Mapping[str, File] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any] | None:
        return None if self.config_text is None else _json_object(self.config_text)


def run(
    target: str,
    text: str,
    event: Event,
    *,
    secrets: Mapping[str, str] = _NONE,
    variables: Mapping[str, str] = _NONE,
    shell: str = "dash",
    executor_status: int = 0,
    files: Mapping[str, str] = _NONE,
    file_secrets: Mapping[str, str] = _NONE,
    docker_configs: Mapping[str, str] = _NONE,
    secret: str = "ci-kaniko",
    extra_env: Mapping[str, str] = _NONE,
    job: str | None = None,
    handed: Handed = _NOTHING,
    inputs: Mapping[str, str] = _NONE,
    digest: str = _DIGEST,
    failing: Sequence[str] = (),
) -> Recorded:
    """Run the one job of a rendered file (or the one named `job`) as its platform would.

    `secrets` are the platform's: a name that is left out is unset on GitLab, empty on GitHub and
    Agola, absent from the Secret named `secret` on Kubernetes and Buildkite. `file_secrets` are
    GitLab file variables, `docker_configs` Secrets of type dockerconfigjson, `variables` the
    platform's plain variables, `extra_env` what somebody else put into the job's environment.
    `inputs` are given to a reusable form, `digest` is of what the job pushes, and `failing` are
    the tools of a preparation that fail.
    """
    shell = tools.serving(shell)
    if not ISOLATED and "CI" in os.environ:
        raise RuntimeError(
            "no mount namespaces here: allow unprivileged user namespaces, or be root"
        )
    with starter.room(_world(shell, isolated=ISOLATED)) as room:
        box = _Sandbox(room, shell)
        box.prepare(event, executor_status, digest, failing)
        request = _Request(
            text=text,
            event=event,
            secrets=secrets,
            variables=variables,
            shell=shell,
            files=files,
            file_secrets=file_secrets,
            store={secret: secrets}
            | {k: {".dockerconfigjson": v} for k, v in docker_configs.items()},
            extra_env=extra_env,
            job=job,
            handed=handed,
            inputs=inputs,
            box=box,
        )
        try:
            outcome = _TARGETS[target](request)
        except (kubelet.MissingSecret, buildkite_upload.UploadError) as error:
            outcome = _Outcome((125, "", f"{error}\n"), image="")
        return _recorded(target, event, box, outcome)


@dataclass(frozen=True, kw_only=True)
class _Request:
    text: str
    event: Event
    secrets: Mapping[str, str]
    variables: Mapping[str, str]
    shell: str
    files: Mapping[str, str]
    file_secrets: Mapping[str, str]
    store: Mapping[str, Mapping[str, str]]
    extra_env: Mapping[str, str]
    job: str | None
    handed: Handed
    inputs: Mapping[str, str]
    box: _Sandbox

    def checkout(self, workspace: str, *, cloned: bool = True) -> None:
        self.box.mkdir(workspace)
        for path, text in self.files.items() if cloned else ():
            self.box.write(f"{workspace}/{path}", text)

    def unpack(self, jobs: Iterable[str], workspace: str) -> None:
        """The artifacts of earlier jobs come into the checkout."""
        for job in jobs:
            for path, file in self.handed.artifacts.get(job, {}).items():
                self.box.write(f"{workspace}/{path}", file.text, file.mode)

    def script(
        self, text: str, env: Mapping[str, str], cwd: str, flags: Sequence[str] = ("-e",)
    ) -> _Result:
        self.box.write("/.record/script", text)
        command = [self.box.shell, *flags, "/.record/script"]
        return self.box.run(command, {**env, **self.extra_env}, cwd)


class _Result(NamedTuple):
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class _Outcome:
    result: tuple[int, str, str]
    image: str
    workspace: str = ""
    mounts: tuple[Mount, ...] = ()
    artifacts: Mapping[str, File] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)


class _Sandbox:
    """A directory that scripts see as `/`."""

    def __init__(self, room: starter.Room, shell: str) -> None:
        self.room, self.root = room, room.root
        self.shell = "/busybox/sh" if shell == "busybox" else tools.shell(shell)[0]
        self.binds: list[starter.Bind] = []
        self.before: dict[str, bytes] = {}

    def prepare(self, event: Event, status: int, digest: str, failing: Sequence[str]) -> None:
        for name in ("kaniko", "tmp", "root", "workspace"):
            self.mkdir(f"/{name}")
        self.write("/.record/status", f"{status}\n")
        self.write("/.record/digest", digest)
        self.write("/.record/failing", "".join(f"{name}\n" for name in failing))
        self.write("/.record/timestamps", f"{event.timestamp_local}\n{event.timestamp}\n")
        self.write("/.record/commits", f"{event.before} {event.sha}\n")
        self.write("/.record/changed", "".join(f"{path}\0" for path in event.changed))
        self.write("/kaniko/executor", executor.PROGRAM, 0o755)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def mkdir(self, inside: str) -> None:
        self.path(inside).mkdir(parents=True, exist_ok=True)

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._inward(text))
        path.chmod(mode)

    def mount(self, volume: kubelet.VolumeMount) -> Mount:
        if volume.target.rstrip("/") in ("/kaniko", "/busybox", ""):
            raise HarnessError(f"a mount at {volume.target} hides the executor")
        place = volume.target
        if ISOLATED and volume.read_only:
            place = f"/.record/volumes/{len(self.binds)}"
            self.mkdir(volume.target)
            self.binds.append(starter.Bind(place, volume.target, read_only=True))
        self.mkdir(place)
        for name, text in volume.files.items():
            self.write(f"{place}/{name}", text, volume.mode)
        return Mount(volume.source, volume.target, volume.read_only)

    def run(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> _Result:
        self.before = self.before or self.files()
        words = [self._inward(word) for word in argv]
        inward = {name: self._inward(value) for name, value in env.items()}
        where = cwd if ISOLATED else str(self.path(cwd))
        try:
            done = self.room.start(words, inward, where, self.binds)
        except starter.Failed as failed:
            raise HarnessError(str(failed)) from None
        return _Result(done.status, self.outward(done.stdout), self.outward(done.stderr))

    def equip(self) -> None:
        """What containers have that are not the executor's."""
        for name in _TOOLS:
            self.write(f"/.record/tools/{name}", _TOOL, 0o755)
        self.write("/.record/bin/regctl", _REGCTL, 0o755)

    def below(self, folder: str, paths: Iterable[str] = (".",)) -> dict[str, File]:
        """The files of a folder, or of some files and folders in it, by their paths there."""
        base, found = self.path(folder), {}
        for path in paths:
            start = base / path
            for file in [start] if start.is_file() else sorted(start.rglob("*")):
                if file.is_file():
                    text = self.outward(file.read_bytes())
                    found[str(file.relative_to(base))] = File(text, file.stat().st_mode & 0o777)
        return found

    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for directory, _, names in os.walk(self.root):
            inside = directory[len(str(self.root)) :]
            if not inside.startswith("/.record"):
                paths = (Path(directory, name) for name in names)
                found |= {f"{inside}/{p.name}": p.read_bytes() for p in paths if p.is_file()}
        return found

    def _inward(self, text: str) -> bytes:
        if not ISOLATED:
            text = _SWAPPED.sub(lambda _: f"{self.root}/", text)
        return text.encode("utf-8", "surrogateescape")

    def outward(self, data: bytes) -> str:
        return data.replace(bytes(self.root), b"").decode("utf-8", "surrogateescape")


@functools.cache
def _world(shell: str, *, isolated: bool) -> starter.World:
    folder = str(_tools(shell))
    if not isolated:
        return starter.World(isolated=False, links=(("busybox", folder),))
    shared = [Path("/", name) for name in _SHARED]
    binds = [
        starter.Bind(str(path), str(path), read_only=path.name not in ("proc", "dev"))
        for path in shared
        if path.is_dir() and not path.is_symlink()
    ]
    binds.append(starter.Bind(folder, "/busybox", read_only=True))
    links = ((path.name, str(path.readlink())) for path in shared if path.is_symlink())
    return starter.World(isolated=True, binds=tuple(binds), links=tuple(links))


@functools.cache
def _tools(shell: str) -> Path:
    """What stands in for /busybox: the applets, or the host's tools of the same names."""
    program, names = tools.shell(shell)[0], {*_APPLETS}
    if busybox := shutil.which("busybox"):
        listing = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
        names = {*listing.stdout.split()}
    needed = {name: tools.program(name) for name in _APPLETS if shell != "busybox"}
    directory = Path(tempfile.mkdtemp(prefix="harness-tools-", dir=starter.MEMORY))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in names - {"date", "sh"}:
        host = busybox if shell == "busybox" else needed.get(name) or shutil.which(name)
        if host and "/" not in name:
            (directory / name).symlink_to(host)
    (directory / "sh").symlink_to(program)
    date = f"{busybox} date" if shell == "busybox" else needed["date"]
    (directory / "date").write_text(_DATE.format(date))
    (directory / "date").chmod(0o755)
    return directory


def _gitlab(request: _Request) -> _Outcome:
    document = gitlab_document(request.text, request.inputs)
    defaults = document.get("default") or {}
    jobs = gitlab_jobs(document)
    job = _one(jobs, request.job)
    image = job.get("image") or defaults.get("image") or document.get("image")
    if not isinstance(image, dict) or image.get("entrypoint") != [""]:
        raise HarnessError("the image's entrypoint would swallow the script")
    if "after_script" in job:
        raise HarnessError("after_script is not modelled")
    items = [*_flat(job.get("before_script") or ()), *_flat(job["script"])]
    text = "\n".join(items) + "\n"
    env = _gitlab_env(request, document, job, _container_env(request, image["name"], text))
    for name, token in (job.get("id_tokens") or {}).items():
        env[name] = identity(_text(token["aud"]))
    workspace = env["CI_PROJECT_DIR"]
    request.checkout(workspace, cloned=env.get("GIT_STRATEGY") != "none")
    # The runner clones under umask 0000.
    for path in request.box.path(workspace).rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    needed = _gitlab_artifacts(jobs, job)
    request.unpack(needed, workspace)
    for name in needed:
        env |= request.handed.outputs.get(name, {})
    result = request.script(text, env, workspace)
    artifacts = job.get("artifacts") or {}
    return _Outcome(
        result,
        _gitlab_expand(image["name"], env),
        workspace,
        artifacts={} if result.status else request.box.below(workspace, artifacts.get("paths", ())),
        outputs=_dotenv(request.box, workspace, artifacts),
    )


def gitlab_document(text: str, inputs: Mapping[str, str] = _NONE) -> dict[str, Any]:
    """The configuration; in one that declares inputs they are pasted into the text."""
    header, separator, body = text.partition("\n---\n")
    if not separator:
        return _mapping(yaml.load(text, yaml.CSafeLoader))
    declared = yaml.load(header, yaml.CSafeLoader)["spec"].get("inputs") or {}

    def pasted(match: re.Match[str]) -> str:
        entry = declared[match[1]] or {}
        value = inputs.get(match[1], entry.get("default"))
        if value not in entry.get("options", [value]):
            raise HarnessError(f"GitLab refuses {value!r} for {match[1]}")
        if not re.search(entry.get("regex", ""), str(value)):
            raise HarnessError(f"GitLab refuses {value!r} for {match[1]}")
        return str(value).lower() if isinstance(value, bool) else str(value)

    return _mapping(
        yaml.load(re.sub(r"\$\[\[ *inputs\.(\w+) *\]\]", pasted, body), yaml.CSafeLoader)
    )


def gitlab_jobs(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every job that is not hidden, with what it extends."""
    jobs = {
        name: _gitlab_extended(document, name)
        for name in document
        if name not in _GITLAB_RESERVED and not name.startswith(".")
    }
    return {name: job for name, job in jobs.items() if "script" in job}


def _gitlab_extended(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = dict(document[name])
    parents = own.pop("extends", [])
    whole: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        whole = _deep_merged(whole, _gitlab_extended(document, parent))
    return _deep_merged(whole, own)


def _deep_merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _deep_merged(old[key], new[key])
        for key in old
        if isinstance(old[key], dict) and isinstance(new.get(key), dict)
    }
    return {**old, **new, **both}


def gitlab_needs(job: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The jobs that a job waits for; None when its stage says that."""
    if "needs" not in job:
        return None
    return [{"job": need} if isinstance(need, str) else need for need in job["needs"]]


def _gitlab_artifacts(jobs: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    """The jobs whose artifacts and variables a job gets."""
    needs = gitlab_needs(job)
    if needs is not None:
        return [need["job"] for need in needs if need.get("artifacts", True)]
    if any(other.get("stage", "test") != job.get("stage", "test") for other in jobs.values()):
        raise HarnessError("stages that hand over artifacts are not modelled: use needs")
    return []


def _dotenv(box: _Sandbox, workspace: str, artifacts: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a report; GitLab takes no blank lines, comments or quotes."""
    path = (artifacts.get("reports") or {}).get("dotenv")
    file = box.path(f"{workspace}/{path}") if path else None
    if not file or not file.is_file():
        return {}
    found = {}
    for line in file.read_text().splitlines():
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9_]+", name) or value != value.strip():
            raise HarnessError(f"GitLab refuses the dotenv line {line!r}")
        found[name] = value
    return found


def _container_env(request: _Request, image: str, script: str) -> dict[str, str]:
    """What an image gives: the executor's, that of the tool that joins, or some other."""
    if image.startswith(JOIN_IMAGE):
        request.box.equip()
        return dict(_JOIN_ENV)
    if "/kaniko/executor" in script:
        return dict(_IMAGE_ENV)
    request.box.equip()
    return dict(_PREPARE_ENV)


_GITLAB_RESERVED = frozenset(
    [
        "image",
        "services",
        "stages",
        "types",
        "before_script",
        "after_script",
        "variables",
        "cache",
        "include",
        "default",
        "workflow",
        "spec",
        "pages:deploy",
    ]
)


def _gitlab_env(
    request: _Request,
    document: Mapping[str, Any],
    job: Mapping[str, Any],
    container: Mapping[str, str],
) -> dict[str, str]:
    env = {**container, **environment("gitlab", request.event)}
    paths = {}
    for name, text in request.file_secrets.items():
        paths[name] = f"{env['CI_PROJECT_DIR']}.tmp/{name}"
        request.box.write(paths[name], text, 0o600)
    project = {**request.variables, **request.secrets, **paths}
    known = {**env, **project}
    for name, value in {
        **(document.get("variables") or {}),
        **(job.get("variables") or {}),
    }.items():
        raw = isinstance(value, dict) and value.get("expand") is False
        text = _scalar(value["value"] if isinstance(value, dict) else value)
        known[name] = env[name] = text if raw else _gitlab_expand(text, known)
    return {**env, **project}


def _gitlab_expand(text: str, env: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else env.get(match[1] or match[2], "")

    return re.sub(r"\$\$|\$(\w+)|\$\{(\w+)\}", value, text)


def _github(request: _Request) -> _Outcome:
    workflow = _mapping(yaml.load(request.text, yaml.CSafeLoader))
    jobs = workflow["jobs"]
    # A single image has one job that builds; one before it may tell refs apart.
    waited_for = _flat(job.get("needs", []) for job in jobs.values()) if not request.job else []
    job = _one({name: jobs[name] for name in jobs if name not in waited_for}, request.job)
    container = job.get("container")
    known = _github_known(request, workflow, job)
    env = _github_env(request, [workflow, job], known, inside=container is not None)
    request.box.equip()
    if container is None:
        request.box.write("/.record/bin/docker", _DOCKER, 0o755)
        request.box.write("/.record/bin/git", _GIT, 0o755)
        request.box.write("/.record/bin/curl", _CURL, 0o755)
        request.checkout(env["GITHUB_WORKSPACE"])
    if (job.get("permissions") or {}).get("id-token") == "write" and not request.event.fork:
        env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://pipelines.example.com/id?api-version=2.0"
        env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "request-harness"
    for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"):
        request.box.write(env[name], "")
    request.box.mkdir(env["HOME"])
    request.box.mkdir(env["GITHUB_WORKSPACE"])
    result = _Result(0, "", "")
    for step in job["steps"]:
        if "run" in step and not result.status:
            done = _github_step(request, [workflow, job, step], env, known)
            result = _Result(done.status, result.stdout + done.stdout, result.stderr + done.stderr)
            known |= _step_outputs(request.box, env["GITHUB_OUTPUT"], step.get("id", ""))
    image = container["image"] if isinstance(container, dict) else container or ""
    outputs = {name: _evaluated(text, known) for name, text in (job.get("outputs") or {}).items()}
    credentials = container.get("credentials") if isinstance(container, dict) else None
    pulls = dict(_docker_pulls(request.box))
    if container is not None:
        given = credentials or {"username": "", "password": ""}
        pulls[image] = _both(*(_evaluated(given[key], known) for key in ("username", "password")))
    return _Outcome(
        result,
        image,
        env["GITHUB_WORKSPACE"],
        outputs={name: text for name, text in outputs.items() if text},
        pulls=pulls,
    )


def _both(user: str, password: str) -> tuple[str, str] | None:
    """Without one of them a runner pulls anonymously."""
    return (user, password) if user and password else None


def _docker_pulls(box: _Sandbox) -> Iterator[tuple[str, tuple[str, str] | None]]:
    for line in _lines(box.path("/.record/pulls")):
        image, _, config = box.outward(line.encode()).partition(" ")
        text = box.outward(base64.b64decode(config))
        yield image, _pull_login(json.loads(text or "{}"), image)


def _pull_login(config: Mapping[str, Any], image: str) -> tuple[str, str] | None:
    host, slash, _ = image.partition("/")
    hub = not slash or not ("." in host or ":" in host) or host in ("docker.io", "index.docker.io")
    return _config_login(config, host, hub=hub)


def github_inputs(workflow: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a workflow that is called, as expressions print them."""
    called = (workflow.get("on") or {}).get("workflow_call") or {}
    found = {}
    for name, declared in (called.get("inputs") or {}).items():
        value = given.get(name, declared.get("default", ""))
        found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _github_known(
    request: _Request, workflow: Mapping[str, Any], job: Mapping[str, Any]
) -> judge.Known:
    """What expressions of a job may read, environments aside."""
    token = request.secrets.get("GITHUB_TOKEN", "ghs-harness")
    known: judge.Known = {
        **github_known(workflow, job, request.event),
        "github.token": token,
        "secrets.GITHUB_TOKEN": token,
        **{f"vars.{name}": value for name, value in request.variables.items()},
        **{f"secrets.{name}": value for name, value in request.secrets.items()},
    }
    for name, value in github_inputs(workflow, request.inputs).items():
        known[f"inputs.{name}"] = value
    for needed in listed(job.get("needs") or []):
        for name, held in request.handed.outputs.get(needed, {}).items():
            known[f"needs.{needed}.outputs.{name}"] = held
    return known


def github_known(workflow: Mapping[str, Any], job: Mapping[str, Any], event: Event) -> judge.Known:
    """What there is for expressions before anything is given or has run."""
    known: judge.Known = {**github_context(event), "github.token": "ghs-harness"}
    known |= {f"inputs.{name}": value for name, value in github_inputs(workflow, {}).items()}
    for needed in listed(job.get("needs") or []):
        known[f"needs.{needed}.result"] = "success"
        for name in workflow["jobs"][needed].get("outputs") or {}:
            known[f"needs.{needed}.outputs.{name}"] = ""
    return known


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _step_outputs(box: _Sandbox, path: str, step: str) -> judge.Known:
    """What a step wrote for others; the runner gives the next step a new file."""
    found: judge.Known = {}
    for line in box.path(path).read_text().splitlines():
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            raise HarnessError(f"GitHub refuses the output {line!r}")
        found[f"steps.{step}.outputs.{name}"] = value
    if step:
        box.write(path, "")
    return found


def _github_env(
    request: _Request,
    levels: Sequence[Mapping[str, Any]],
    known: judge.Known,
    *,
    inside: bool,
) -> dict[str, str]:
    env = environment("github", request.event)
    if inside:
        env = {key: value.replace("/home/runner/work", "/__w") for key, value in env.items()}
        container = levels[-1]["container"]
        image = container["image"] if isinstance(container, dict) else container
        given = _JOIN_ENV if image.startswith(JOIN_IMAGE) else _IMAGE_ENV
        env = {**given, "HOME": "/github/home", **env}
        levels = [*levels, container] if isinstance(container, dict) else levels
    else:
        path = "/.record/bin:/busybox:/usr/local/bin:/usr/bin:/bin"
        env = {"PATH": path, "HOME": "/home/runner", "USER": "runner", **env}
    for level in levels:
        env = _github_level(level, env, known)
    return env


def _github_level(
    level: Mapping[str, Any], env: Mapping[str, str], known: judge.Known
) -> dict[str, str]:
    here = {**known, **{f"env.{name}": value for name, value in env.items()}}
    added = level.get("env") or {}
    return {**env, **{name: _evaluated(_scalar(text), here) for name, text in added.items()}}


def _evaluated(text: str, known: judge.Known) -> str:
    try:
        return judge.filled(text, known)
    except judge.Refused as refused:
        raise HarnessError(str(refused)) from None


def _github_step(
    request: _Request,
    levels: Sequence[Mapping[str, Any]],
    env: Mapping[str, str],
    known: judge.Known,
) -> _Result:
    step = levels[-1]
    if "${{" in step["run"] or "if" in step:
        raise HarnessError("an expression in run, or a conditional step")
    if request.box.path(env["GITHUB_ENV"]).stat().st_size:
        raise HarnessError("GITHUB_ENV is not modelled")
    defaults = [((level.get("defaults") or {}).get("run") or {}) for level in levels]
    declared = [level["shell"] for level in [*defaults, step] if "shell" in level]
    cwd = step.get("working-directory", env["GITHUB_WORKSPACE"])
    flags = _github_flags(declared[-1] if declared else "", request.shell)
    return request.script(step["run"], _github_level(step, env, known), cwd, flags)


def _github_flags(declared: str, shell: str) -> list[str]:
    name, *rest = declared.split() or ["sh"]
    if name not in ("sh", "bash", "dash", "/busybox/sh", "/bin/sh"):
        raise HarnessError(f"shell: {declared}")
    if rest:
        return rest[:-1]
    return ["--noprofile", "--norc", "-eo", "pipefail"] if name == shell == "bash" else ["-e"]


def _kubernetes(request: _Request) -> _Outcome:
    before, pod, container = _kubernetes_container(request)
    env = kubelet.environment(container, request.store)
    mounts = tuple(request.box.mount(m) for m in kubelet.mounts(container, pod, request.store))
    command = container.get("command", ["/kaniko/executor"])
    argv = [
        kubelet.expand(kubelet.text(word), env) for word in [*command, *container.get("args", ())]
    ]
    image_env = _container_env(request, container["image"], "\n".join(argv))
    if argv[0] in ("/busybox/sh", "/bin/sh", "sh"):
        argv[0] = request.box.shell
    cwd = container.get("workingDir", "/workspace")
    request.box.mkdir(cwd)
    request.checkout("/.record/repository")
    volumes = dict(request.handed.artifacts.get(before, {}))
    for mount in mounts:
        if mount.source.startswith("emptyDir:"):
            _fill(request.box, mount, volumes)
    result = request.box.run(argv, {**image_env, **env, **request.extra_env}, cwd)
    for mount in mounts:
        if mount.source.startswith("emptyDir:"):
            found = request.box.below(mount.target)
            volumes |= {f"{mount.source}/{path}": file for path, file in found.items()}
    message = request.box.path(container.get("terminationMessagePath", "/nowhere"))
    outputs = {"digest": message.read_text()} if message.is_file() else {}
    cloned = any(mount.target == "/workspace" for mount in mounts)
    workspace = "/workspace" if cloned else ""
    return _Outcome(
        result, container["image"], workspace, mounts, artifacts=volumes, outputs=outputs
    )


def _kubernetes_container(request: _Request) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A pod's container, its main one by default, and the name of what runs before it."""
    chains = kubernetes_chains(request.text)
    if request.job is None:
        (chain,) = chains
        return "", *chain[-1][1:]
    for chain in chains:
        before = ""
        for name, pod, container in chain:
            if name == request.job:
                return before, pod, container
            before = name
    raise HarnessError(f"no container {request.job}")


def _fill(box: _Sandbox, mount: Mount, volumes: Mapping[str, File]) -> None:
    for path, file in volumes.items():
        if path.startswith(f"{mount.source}/"):
            box.write(mount.target + path[len(mount.source) :], file.text, file.mode)


def kubernetes_chains(text: str) -> list[list[tuple[str, dict[str, Any], dict[str, Any]]]]:
    """The containers of every pod in the order in which they run, each with a name and its pod."""
    documents = [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]
    return [
        list(pod_containers(document))
        for document in documents
        if document["kind"] in ("Pod", "Job")
    ]


def pod_containers(
    workload: Mapping[str, Any],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    metadata = workload["metadata"]
    name = metadata.get("name") or metadata["generateName"].rstrip("-")
    whole = workload if workload["kind"] == "Pod" else workload["spec"]["template"]
    pod = {**whole["spec"], "metadata": whole.get("metadata") or {}}
    containers = [*pod.get("initContainers", ()), *pod["containers"]]
    if len(pod["containers"]) != 1 or any("restartPolicy" in each for each in containers):
        raise HarnessError("containers that run beside one another are not modelled")
    for container in containers:
        own = container["name"]
        if own.startswith("kaniko-"):
            own = own.replace("kaniko-", "build-", 1)
        else:
            own = name if container in pod["containers"] else f"{name}/{own}"
        yield own, pod, container


def _buildkite(request: _Request) -> _Outcome:
    job_env = environment("buildkite", request.event)
    pipeline = buildkite_pipeline(request.text, request.event, request.inputs)
    commands = buildkite_commands(pipeline)
    step = _one(commands if request.job else _for_the_event(commands, request.event), request.job)
    pod, container = _buildkite_container(step)
    plugin_env = kubelet.environment({**_buildkite_params(step), **container}, request.store)
    mounts = tuple(request.box.mount(m) for m in kubelet.mounts(container, pod, request.store))
    command = step["command"] if "command" in step else step["commands"]
    text = command if isinstance(command, str) else "\n".join(command)
    image = container.get("image") or step.get("image", "")
    env = {
        **_container_env(request, image, text),
        **plugin_env,
        **{key: _scalar(value) for key, value in pipeline["env"].items()},
        **{key: _scalar(value) for key, value in (step.get("env") or {}).items()},
        **_buildkite_secrets([pipeline, step], request.secrets),
        **job_env,
        **request.variables,
    }
    script = kubelet.expand(text, env)
    workspace = WORKSPACES["buildkite"]
    request.checkout(workspace)
    request.box.write("/workspace/buildkite-agent", _BUILDKITE_AGENT, 0o755)
    _buildkite_store(request)
    argv = [request.box.shell, "-ec", script]
    result = request.box.run(
        argv, {**env, "BUILDKITE_COMMAND": script, **request.extra_env}, workspace
    )
    kept = request.box.below(workspace, listed(step.get("artifact_paths", [])))
    outputs = request.box.below("/.record/meta-set")
    return _Outcome(
        result,
        image,
        workspace,
        mounts,
        artifacts={path: File(file.text) for path, file in kept.items()},
        outputs={key: file.text for key, file in outputs.items()},
    )


def _buildkite_store(request: _Request) -> None:
    """What earlier steps uploaded: artifacts keep their names, and lose their modes."""
    request.box.mkdir("/.record/meta-set")
    for step, files in request.handed.artifacts.items():
        for path, file in files.items():
            request.box.write(f"/.record/artifacts/{step}/{path}", file.text)
    for values in request.handed.outputs.values():
        for key, value in values.items():
            request.box.write(f"/.record/meta/{key}", value)


def buildkite_pipeline(
    text: str, event: Event, inputs: Mapping[str, str] = _NONE
) -> dict[str, Any]:
    """The pipeline as another job uploads it, with its environment."""
    document = yaml.load(text, yaml.CSafeLoader)
    elsewhere = {
        **environment("buildkite", event),
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        "BUILDKITE_BUILD_CHECKOUT_PATH": "/upload",
        "BUILDKITE_JOB_ID": "upload",
    }
    return buildkite_upload.upload(_mapping(document), elsewhere)


def buildkite_commands(pipeline: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every step that runs a command, by its key."""
    return {
        step.get("key") or step.get("label") or str(index): step
        for index, step in enumerate(pipeline["steps"])
        if isinstance(step, dict) and ("command" in step or "commands" in step)
    }


def _buildkite_plugin(step: Mapping[str, Any]) -> dict[str, Any]:
    plugins = step.get("plugins") or []
    entries = [plugin for plugin in plugins if isinstance(plugin, dict) and "kubernetes" in plugin]
    if len(entries) != 1 or len(plugins) != 1:
        raise HarnessError(f"expected the one plugin kubernetes: {plugins}")
    return dict(entries[0]["kubernetes"] or {})


def _buildkite_params(step: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_buildkite_plugin(step).get("commandParams") or {})


def _buildkite_container(step: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    plugin = _buildkite_plugin(step)
    pod = plugin.get("podSpecPatch") or plugin.get("podSpec") or {}
    containers = pod.get("containers") or [{}]
    container = _one({str(index): value for index, value in enumerate(containers)}, None)
    if container.get("name", "container-0") != "container-0":
        raise HarnessError(f"{container['name']} would be one more container, not container-0")
    if "command" in container or "args" in container:
        raise HarnessError("command and args of container-0 are not modelled")
    return pod, container


def _buildkite_secrets(
    levels: Iterable[Mapping[str, Any]], secrets: Mapping[str, str]
) -> dict[str, str]:
    found = {}
    for level in levels:
        wanted = level.get("secrets") or {}
        for name, key in wanted.items() if isinstance(wanted, dict) else ((n, n) for n in wanted):
            if key not in secrets:
                raise kubelet.MissingSecret(f"secret {key!r} does not exist")
            found[name] = secrets[key]
    return found


def _agola(request: _Request) -> _Outcome:
    every = agola_tasks(request.text)
    building = {
        name: task
        for name, task in every.items()
        if any("/kaniko/executor" in step["command"] for step in _agola_runs(task))
    }
    chosen = every if request.job else _for_the_event(building, request.event)
    task = _one(chosen, request.job)
    image = task["runtime"]["containers"][0]["image"]
    commands = "\n".join(step["command"] for step in _agola_runs(task))
    cwd = task.get("working_dir", "~/project").replace("~", "/root")
    task_env = _agola_env(task, {**request.secrets, **request.variables})
    shown = {
        **_container_env(request, image, commands),
        **task_env,
        **environment("agola", request.event),
    }
    workspace, saved = cwd, dict[str, File]()
    result = _Result(0, "", "")
    request.box.mkdir(cwd)
    _agola_runs(task)
    for entry in task["steps"]:
        (kind,) = [entry["type"]] if "type" in entry else entry
        if kind == "clone":
            request.checkout(cwd)
        elif kind == "restore_workspace":
            place = os.path.join(cwd, entry[kind]["dest_dir"])
            request.box.mkdir(place)
            workspace = os.path.normpath(os.path.join(place, _agola_clone(every, task)))
            request.unpack(agola_ancestors(every, task["name"]), place)
            if not request.handed.artifacts:
                request.checkout(workspace)
        elif kind == "save_to_workspace":
            for content in entry[kind]["contents"] if not result.status else ():
                saved |= _agola_saved(request.box, cwd, content)
        elif kind == "run" and not result.status:
            step = entry.get("run", entry)
            step = {"command": step} if isinstance(step, str) else step
            shell = step.get("shell", task.get("shell", "/bin/sh -e"))
            env = {**shown, **_agola_env(step, {**request.secrets, **request.variables})}
            where = os.path.join(cwd, step.get("working_dir", ""))
            done = request.script(step["command"], env, where, shlex.split(shell)[1:])
            result = _Result(done.status, result.stdout + done.stdout, result.stderr + done.stderr)
    digests = {path: file.text for path, file in saved.items() if path.startswith("digests/")}
    pulls = {image: _agola_pull_login(request, task, image)}
    return _Outcome(result, image, workspace, artifacts=saved, outputs=digests, pulls=pulls)


def _agola_pull_login(
    request: _Request, task: Mapping[str, Any], image: str
) -> tuple[str, str] | None:
    """Agola looks for a registry under these names, and Docker Hub is index.docker.io."""
    document = _mapping(yaml.load(request.text, yaml.CSafeLoader))
    levels = (document, *(one for one in document["runs"] if task in one["tasks"]), task)
    auths: dict[str, Any] = {}
    for level in levels:
        auths |= level.get("docker_registries_auth") or {}
    host, slash, _ = image.partition("/")
    hub = not slash or not ("." in host or ":" in host) or host == "docker.io"
    name = "index.docker.io" if hub else host
    for form in ("{}", "https://{}", "http://{}", "https://{}/v1/", "https://{}/v2/"):
        if form.format(name) in auths:
            given = _agola_env(
                {"environment": auths[form.format(name)]}, {**request.secrets, **request.variables}
            )
            return _both(given["username"], given["password"])
    return None


def agola_tasks(text: str) -> dict[str, dict[str, Any]]:
    """Every task of every run by its name."""
    document = _mapping(yaml.load(text, yaml.CSafeLoader))
    return {task["name"]: task for each in document["runs"] for task in each["tasks"]}


def agola_parents(task: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a task depends on, each with the outcomes that it may have."""
    found: dict[str, list[str]] = {}
    for entry in task.get("depends") or ():
        long: dict[str, Any] = {"task": entry} if isinstance(entry, str) else entry
        found[long["task"]] = long.get("conditions") or ["on_success"]
    return found


def agola_ancestors(tasks: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """All tasks before one, each once, the first ones first."""
    found: dict[str, None] = {}
    for parent in agola_parents(tasks[name]):
        found |= dict.fromkeys([*agola_ancestors(tasks, parent), parent])
    return list(found)


def saves(task: Mapping[str, Any]) -> bool:
    """Whether a task leaves something in the workspace."""
    return any("save_to_workspace" in step for step in task["steps"])


def _agola_clone(tasks: Mapping[str, Mapping[str, Any]], task: Mapping[str, Any]) -> str:
    """Where in the workspace the clone of an earlier task is."""
    for name in agola_ancestors(tasks, task["name"]):
        kinds = {kind: step for step in tasks[name]["steps"] for kind in step}
        if "clone" in kinds and "save_to_workspace" in kinds:
            contents = kinds["save_to_workspace"]["save_to_workspace"]["contents"]
            return str(contents[0]["dest_dir"])
    return "."


def _agola_saved(box: _Sandbox, cwd: str, content: Mapping[str, Any]) -> dict[str, File]:
    """The files of a folder that match one of the paths, under their new folder."""
    source = os.path.normpath(os.path.join(cwd, content["source_dir"]))
    if not box.path(source).is_dir():
        raise HarnessError(f"Agola fails: there is no {source} to save")
    found = {}
    for path, file in box.below(source).items():
        if any(_doublestar(pattern, path) for pattern in content["paths"]):
            found[os.path.normpath(os.path.join(content["dest_dir"], path))] = file
    return found


def _doublestar(pattern: str, path: str) -> bool:
    """`**` is any number of folders, `*` is within one."""
    text = re.escape(pattern).replace(r"/\*\*", "(?:/.*)?").replace(r"\*\*", ".*")
    return re.fullmatch(text.replace(r"\*", "[^/]*"), path) is not None


def _agola_runs(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    steps = []
    for entry in task["steps"]:
        if entry.get("type") == "run" or "run" in entry:
            step = entry.get("run", entry)
            step = {"command": step} if isinstance(step, str) else step
            if "\n" in step["command"] and "name" not in step:
                raise HarnessError("a run step of several lines needs a name")
            steps.append(step)
    return steps


def _agola_env(level: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    env = {}
    for name, value in (level.get("environment") or {}).items():
        if isinstance(value, dict):
            env[name] = variables.get(value["from_variable"], "")
        elif isinstance(value, str):
            env[name] = value
        else:
            raise HarnessError(f"environment {name}: Agola takes strings only, not {value!r}")
    return env


_TARGETS: Mapping[str, Callable[[_Request], _Outcome]] = {
    "gitlab": _gitlab,
    "github": _github,
    "kubernetes": _kubernetes,
    "buildkite": _buildkite,
    "agola": _agola,
}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise HarnessError(f"expected a text, not {value!r}")
    return value


def _one(named: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    if name is not None:
        return dict(named[name])
    if len(named) != 1:
        raise HarnessError(f"expected one of {sorted(named)}; say which")
    return dict(next(iter(named.values())))


def _for_the_event(jobs: Mapping[str, Any], event: Event) -> Mapping[str, Any]:
    """Of two jobs for one image, that of the event."""
    if not any(name.endswith(REQUESTS) for name in jobs):
        return jobs
    asked = bool(event.pull_request)
    return {name: job for name, job in jobs.items() if name.endswith(REQUESTS) == asked}


def _mapping(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise HarnessError("expected a mapping")
    return document


def _scalar(value: object) -> str:
    """An environment value; a float or null in YAML is text that got lost."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        raise HarnessError(f"not text in YAML: {value!r}")
    return str(value)


def _flat(items: Iterable[Any] | str) -> list[str]:
    if isinstance(items, str):
        return [items]
    return [line for item in items for line in _flat(item)]


def _recorded(target: str, event: Event, box: _Sandbox, outcome: _Outcome) -> Recorded:
    calls = sorted(box.path("/.record").glob("[0-9]*"), key=lambda path: int(path.name))
    after = {path: data for path, data in box.files().items() if box.before.get(path) != data}
    status, stdout, stderr = outcome.result
    recorded = Recorded(
        target=target,
        event=event,
        status=status,
        stdout=stdout,
        stderr=stderr,
        image=outcome.image,
        workspace=outcome.workspace,
        mounts=outcome.mounts,
        calls=len(calls),
        files=after,
        agent=_lines(box.path("/.record/agent")),
        curl=_lines(box.path("/.record/curl")),
        tools=_lines(box.path("/.record/tools.log")),
        tools_env=_lines(box.path("/.record/tools.env")),
        joined=tuple(_joined(box)),
        artifacts=outcome.artifacts,
        outputs=outcome.outputs,
        pulls=outcome.pulls,
    )
    if not calls:
        return recorded
    call = calls[0]
    words = [box.outward(word) for word in (call / "cmdline").read_bytes().split(b"\0")[1:-1]]
    pairs = [box.outward(pair) for pair in (call / "environ").read_bytes().split(b"\0")[:-1]]
    env = dict(pair.partition("=")[::2] for pair in pairs)
    env = {name: value for name, value in env.items() if name not in _SHELL_BOOKKEEPING}
    config = call / "config.json"
    credentials = {name: call / name for name in CREDENTIAL_FILES}
    inputs = {f"/kaniko/{name}": call / "inputs" / name for name in INPUTS}
    if Path(words[0]).name == "docker":
        docker = _docker_run(words[1:], env)
        config = _docker_config(box, call, docker)
        inputs = {path: _docker_file(box, call, docker, path) for path in inputs}
        credentials = {
            name: _docker_file(box, call, docker, docker.env[name])
            for name in CREDENTIAL_FILES
            if name in docker.env
        }
        recorded = replace(
            recorded,
            command=("docker", *words[1:]),
            argv=docker.argv,
            image=docker.image,
            env=docker.env,
            mounts=docker.mounts,
            umask=0o022,
        )
    else:
        umask = int((call / "umask").read_text(), 8)
        recorded = replace(
            recorded, command=tuple(words), argv=tuple(words[1:]), env=env, umask=umask
        )
    texts = {n: box.outward(p.read_bytes()) for n, p in credentials.items() if p.is_file()}
    found = {
        f"{path}/{file.relative_to(folder)}": Input(
            box.outward(file.read_bytes()),
            stat.S_IMODE(file.stat().st_mode),
            stat.S_IMODE(folder.stat().st_mode),
        )
        for path, folder in inputs.items()
        for file in folder.rglob("*")
        if file.is_file()
    }
    recorded = replace(recorded, credentials=texts, inputs=found)
    context = _context(box, call, recorded)
    if context.is_dir():
        recorded = replace(recorded, context=box.below(str(context.relative_to(box.root))))
    if not config.is_file():
        return recorded
    text = box.outward(config.read_bytes())
    return replace(recorded, config_text=text, config_mode=stat.S_IMODE(config.stat().st_mode))


def _joined(box: _Sandbox) -> Iterator[Joined]:
    calls = sorted(box.path("/.record").glob("join-*"), key=lambda path: int(path.name[5:]))
    for call in calls:
        words = [box.outward(word) for word in (call / "cmdline").read_bytes().split(b"\0")[2:-1]]
        pairs = [box.outward(pair) for pair in (call / "environ").read_bytes().split(b"\0")[:-1]]
        config = call / "config.json"
        held = config.is_file()
        yield Joined(
            tuple(words),
            dict(pair.partition("=")[::2] for pair in pairs),
            box.outward(config.read_bytes()) if held else None,
            stat.S_IMODE(config.stat().st_mode) if held else None,
            {
                name: box.outward((call / name).read_bytes())
                for name in CREDENTIAL_FILES
                if (call / name).is_file()
            },
        )


def _context(box: _Sandbox, call: Path, recorded: Recorded) -> Path:
    """The executor's context, as it was during the call."""
    if recorded.command[0] != "docker":
        return call / "context"
    argument = next((a for a in recorded.argv or () if a.startswith("--context=dir://")), "")
    docker = _Docker("", recorded.argv or (), {**recorded.env}, recorded.mounts)
    return _docker_file(box, call, docker, argument.removeprefix("--context=dir://") or "/nowhere")


class _Docker(NamedTuple):
    image: str
    argv: tuple[str, ...]
    env: dict[str, str]
    mounts: tuple[Mount, ...]


_DOCKER_FLAGS = {"--rm", "-i", "--interactive", "-t", "--tty", "--init", "-q", "--quiet"}
_DOCKER_IGNORED = [
    "--add-host",
    "--cap-add",
    "--cap-drop",
    "--cpus",
    "-h",
    "--hostname",
    "-l",
    "--label",
    "-m",
    "--memory",
    "--name",
    "--net",
    "--network",
    "--platform",
    "--pull",
    "--security-opt",
    "--stop-timeout",
    "--tmpfs",
    "--ulimit",
    "-u",
    "--user",
    "-w",
    "--workdir",
]


def _docker_run(words: Sequence[str], environ: Mapping[str, str]) -> _Docker:
    if not words or words[0] != "run":
        raise HarnessError(f"docker {words[:1]}: only `docker run` is modelled")
    rest, env, mounts = list(words[1:]), dict[str, str](), list[Mount]()
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option not in _DOCKER_FLAGS:
            value = value if equals else rest.pop(0)
            env |= _docker_env(option, value, environ)
            mounts += _docker_mounts(option, value)
    if not rest:
        raise HarnessError("docker run: no image")
    return _Docker(rest[0], tuple(rest[1:]), env, tuple(mounts))


def _docker_env(option: str, value: str, environ: Mapping[str, str]) -> dict[str, str]:
    name, given, text = value.partition("=")
    if option not in ("-e", "--env") or not (given or name in environ):
        return {}
    return {name: text if given else environ[name]}


def _docker_mounts(option: str, value: str) -> list[Mount]:
    if option in ("-v", "--volume"):
        return [_docker_volume(value)]
    if option == "--mount":
        return [_docker_mount(value)]
    entrypoint = option == "--entrypoint" and value == "/kaniko/executor"
    if not (entrypoint or option in ("-e", "--env", *_DOCKER_IGNORED)):
        raise HarnessError(f"docker run: the harness does not know {option} {value}")
    return []


def _docker_volume(value: str) -> Mount:
    source, target, *options = value.split(":")
    if not source.startswith("/") or not set(options) <= {"ro", "rw"} or target == "/kaniko":
        raise HarnessError(f"docker run --volume {value}")
    return Mount(source, target, options == ["ro"])


def _docker_mount(value: str) -> Mount:
    pairs = dict(part.partition("=")[::2] for part in next(csv.reader([value])))
    source = pairs.pop("source", "") or pairs.pop("src", "")
    target = pairs.pop("target", "") or pairs.pop("dst", "") or pairs.pop("destination", "")
    read_only = {pairs.pop(name, None) for name in ("readonly", "ro")} - {None, "false", "0"}
    if pairs != {"type": "bind"} or not source.startswith("/") or target in ("", "/kaniko"):
        raise HarnessError(f"docker run --mount {value}")
    return Mount(source, target, bool(read_only))


def _docker_config(box: _Sandbox, call: Path, docker: _Docker) -> Path:
    """The config.json that the executor sees through its mounts, as it was during the call."""
    wanted = os.path.join(docker.env.get("DOCKER_CONFIG", "/kaniko/.docker"), "config.json")
    return _docker_file(box, call, docker, wanted)


def _docker_file(box: _Sandbox, call: Path, docker: _Docker, wanted: str) -> Path:
    found = Path("/nowhere")
    for mount in sorted(docker.mounts, key=lambda mount: len(mount.target)):
        runner, _, below = mount.source.partition("/home/runner")
        source = call / "runner" / below.lstrip("/") if not runner else box.path(mount.source)
        if not source.exists():
            raise HarnessError(f"docker run: mount source {mount.source} does not exist")
        inside = os.path.relpath(wanted, mount.target)
        if not inside.startswith(".."):
            found = source / inside if inside != "." else source
    return found


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text().splitlines()) if path.exists() else ()


def lookup(recorded: Recorded, host: str) -> tuple[str, str] | None:
    """User and password that kaniko would send to a registry, None for an anonymous request."""
    hub = host in ("docker.io", "index.docker.io", "registry-1.docker.io")
    asked = "index.docker.io" if hub else host
    for config in (_auth_variable(recorded.env), recorded.config or {}):
        found = _config_login(config, asked, hub=hub)
        if found:
            return found
    return _environment_login(recorded.env, asked)


def _auth_variable(env: Mapping[str, str]) -> dict[str, Any]:
    """DOCKER_AUTH_CONFIG takes `auth` only; kaniko drops the whole variable for anything else."""
    config = _json_object(env.get("DOCKER_AUTH_CONFIG") or "{}")
    entries = (config.get("auths") or {}).values()
    return config if all(entry.keys() == {"auth"} for entry in entries) else {}


def _config_login(config: Mapping[str, Any], host: str, *, hub: bool) -> tuple[str, str] | None:
    if config.get("credsStore") or host in (config.get("credHelpers") or {}):
        return "<credential helper>", config.get("credsStore") or config["credHelpers"][host]
    auths = config.get("auths") or {}
    logins = {key: _login(entry) for key, entry in auths.items()}
    keys = [key for key in logins if (key == _DOCKER_HUB if hub else _registry(key) == host)]
    if len(keys) > 1:
        raise HarnessError(f"two entries for {host}: {keys}")
    return logins[keys[0]] if keys else None


def _registry(key: str) -> str:
    return re.sub(r"\Ahttps?://", "", key).partition("/")[0]


def _login(entry: Mapping[str, str]) -> tuple[str, str]:
    if not entry.get("auth"):
        return entry["username"], entry["password"]
    try:
        text = base64.b64decode(entry["auth"], validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error as error:
        raise HarnessError(f"auth is not base64: {error}") from error
    user, colon, password = text.partition(":")
    if not colon or "\n" in text:
        raise HarnessError("auth has no colon, or a newline")
    return user, password


def _environment_login(env: Mapping[str, str], host: str) -> tuple[str, str] | None:
    labels = host.split(".")
    for start in range(len(labels)):
        name = re.sub(r"[-.]", "_", ".".join(labels[start:])).upper()
        if f"KANIKO_{name}_USER" in env and f"KANIKO_{name}_PASSWORD" in env:
            return env[f"KANIKO_{name}_USER"], env[f"KANIKO_{name}_PASSWORD"]
    if env.get("CI_REGISTRY") == host:
        return env["CI_REGISTRY_USER"], env["CI_REGISTRY_PASSWORD"]
    return None


def _json_object(text: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text))
    except ValueError as error:
        raise HarnessError(f"the docker config is not JSON: {error}") from error


_OUTPUTS = (
    "--digest-file",
    "--image-name-with-digest-file",
    "--image-name-tag-with-digest-file",
    "--tar-path",
    "--oci-layout-path",
)


def normalise(recorded: Recorded) -> list[str]:
    """The argument list with the context named by what it denotes: law 1 compares these."""
    argv = recorded.argv or ()
    values = dict(argument.partition("=")[::2] for argument in argv)
    whole = values.get("--context", "").removeprefix("dir://")
    checkout = _is_this_commit(whole, recorded.event)
    roots = ["/kaniko/buildcontext"] if checkout else _roots(recorded)
    result = []
    for argument in argv:
        flag, _, value = argument.partition("=")
        if flag == "--context":
            place = "<context>" if checkout else _below(whole, roots)
            sub = values.get("--context-sub-path", "")
            result.append("--context=" + (f"{place}/{sub.strip('/')}" if sub else place))
        elif flag in _OUTPUTS:
            result.append(f"{flag}={Path(value).name}")
        elif flag == "--dockerfile":
            result.append(f"{flag}={_below(value, roots)}")
        elif flag not in ("--context-sub-path", "--git"):
            result.append(argument)
    return result


def _roots(recorded: Recorded) -> list[str]:
    mounted = [mount.target for mount in recorded.mounts if mount.source == recorded.workspace]
    return [root for root in (recorded.workspace, *mounted) if root]


def _below(path: str, roots: Iterable[str]) -> str:
    if path.startswith("tar://"):
        return "tar://" + _below(path.removeprefix("tar://"), roots)
    for root in roots:
        if path.rstrip("/") == root or path.startswith(f"{root}/"):
            return "<context>" + path[len(root) :].rstrip("/")
    return path


def _is_this_commit(context: str, event: Event) -> bool:
    location, *fragment = context.split("#")
    ours = f"git://{event.host}/{event.repository}.git".lower()
    return location.lower() == ours and len(fragment) == 2 and fragment[1] == event.sha


ISOLATED: bool = starter.isolates()
