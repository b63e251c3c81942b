"""One executor call as the build of a spec."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    ALWAYS,
    Masked,
    Text,
    Var,
    Word,
    join,
    literal,
    spell,
    split_text,
    without_head,
)
from ci_kaniko.importing.shell.secrets import is_written
from ci_kaniko.importing.translate.conditions import (
    DEFAULT_TRIGGERS,
    Condition,
    both_ways,
    shown_when,
)
from ci_kaniko.importing.translate.context import FETCHED, is_this_repository
from ci_kaniko.importing.translate.environment import exported
from ci_kaniko.importing.translate.executor import executor_of, tagged
from ci_kaniko.importing.translate.flags import (
    CACHE_SWITCHES,
    LETTERS,
    LETTERS_OF_DOCKER,
    MEANT,
    OF_DOCKER,
    OPTIONS,
    Flag,
    parse,
    shown_flag,
    switch,
)
from ci_kaniko.importing.translate.images import host_of, lowered_text, without_flag, without_tag
from ci_kaniko.importing.translate.logins import Logins
from ci_kaniko.importing.translate.paths import Paths, below, starts
from ci_kaniko.importing.translate.portable import NotPortable, Spelled
from ci_kaniko.importing.translate.started import condition_of
from ci_kaniko.kaniko.flags import FLAGS, RENAMED, RESERVED
from ci_kaniko.spec.build import Build
from ci_kaniko.spec.options import Options

if TYPE_CHECKING:
    from ci_kaniko.importing.calls import Call
    from ci_kaniko.importing.jobs import Job

_HANDED_ON = ("/kaniko/digest", "/dev/termination-log", "$(results.", "${results.")
_CHECKED_OUT = {"gitlab", "github", "buildkite", "agola"}
_PROXIES = {"HTTP_PROXY": "http", "HTTPS_PROXY": "https", "NO_PROXY": "no_proxy"}


class Translation:
    """The build of one call, in the words of a spec."""

    def __init__(self, job: Job, call: Call) -> None:
        self.job = job
        self.call = call
        self.spelled = Spelled(job)
        self.paths = Paths(job, call)
        self.logins = Logins(job, call)
        self.build: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.cache: dict[str, Any] = {}
        self.git: dict[str, Any] = {}
        self.context = "."
        self.fetched = False
        self.proxies: dict[str, Text] = {}
        self.flags: list[Flag] = []
        self.held_back: list[str] = []

    def run(self) -> dict[str, Any]:
        """The build, its keys in any order."""
        self._read_words()
        self._context()
        self._dockerfile()
        self._proxy()
        for flag in self.flags:
            self._flag(flag)
        self._destinations()
        self._cache_fields()
        self._fetching()
        self._context_login()
        self._executor()
        self._checkout()
        if found := exported(self.job, self.call, self.logins.asked, self.spelled):
            self.build["env"] = found
        if self.git:
            self.build["git"] = self.git
        if self.options:
            self.build["options"] = self.options
        return ordered(self.build)

    # -- words --------------------------------------------------------------------------------

    def _read_words(self) -> None:
        for word in self.call.words:
            flag = parse(word)
            if flag is None:
                self._stray(word)
                continue
            name = flag.name
            if name in LETTERS:
                flag.name = name = LETTERS[name]
            if name in RENAMED:
                self.job.mended(
                    "renamed-flag",
                    f"--{name} is an old name",
                    flag.line,
                    f"kaniko calls it --{RENAMED[name]}",
                )
                flag.name = RENAMED[name]
            elif name in MEANT or name in LETTERS_OF_DOCKER:
                meant = MEANT.get(LETTERS_OF_DOCKER.get(name, name))
                if meant:
                    self._unknown(flag, f"--{meant} was meant")
                    flag.name = meant
                else:
                    self._unknown(flag)
                    continue
            elif name in RESERVED:
                self.job.left(
                    "reserved-flag",
                    f"--{name}{shown_flag(flag)} is not carried over: {RESERVED[name]}",
                    flag.line,
                    "ci-kaniko chooses that itself",
                )
                continue
            elif name not in FLAGS:
                self._strange(flag)
                continue
            self.flags.append(flag)

    def _unknown(self, flag: Flag, meant: str = "") -> None:
        shown = f"--{flag.name}" if len(flag.name) > 1 else f"-{flag.name}"
        instead = "pushing is what kaniko does without it" if flag.name == "push" else meant
        self.job.mended(
            "unknown-flag",
            f"{shown}{shown_flag(flag)} is no kaniko flag: the executor stops there",
            flag.line,
            instead or "it is left out",
        )

    def _strange(self, flag: Flag) -> None:
        """A flag that no release has; those of docker are faults, others may be new."""
        if flag.name in OF_DOCKER or len(flag.name) == 1:
            self._unknown(flag)
            return
        try:
            value = None if flag.value is None else self.spelled.template(flag.value, flag.line)
        except NotPortable as reason:
            self._lost("extra_args", flag, reason)
            return
        written = f"--{flag.name}" if value is None else f"--{flag.name}={value}"
        self.build.setdefault("extra_args", []).append(written)
        self.job.carried(
            "new-flag",
            f"--{flag.name} is a flag that ci-kaniko does not know",
            flag.line,
            "extra_args: passes it; the executor stops where it does not know it either",
        )

    def _stray(self, word: Word) -> None:
        shown = spell(word.text)
        if shown.endswith("/executor") or shown == "executor":
            self.job.mended(
                "executor-twice",
                f"{shown} is passed to the executor as an argument",
                word.line,
                "it is called once",
            )
            return
        if not shown.strip():
            self.job.mended("empty-argument", "an empty argument", word.line, "it is left out")
            return
        variable = len(word.text) == 1 and isinstance(word.text[0], Var)
        advice = (
            "write the flags that it holds into the spec"
            if variable
            else "kaniko takes no arguments but flags"
        )
        self.job.left("stray-argument", f"the argument {shown} is no flag", word.line, advice)

    def _of(self, name: str) -> list[Flag]:
        return [flag for flag in self.flags if flag.name == name]

    def _last(self, name: str) -> Flag | None:
        """The flag that counts where one replaces another."""
        found = self._of(name)
        plain = [flag for flag in found if flag.when == ALWAYS]
        for flag in found:
            if flag.when != ALWAYS:
                self._conditional(flag)
        chosen = plain or found
        return chosen[-1] if chosen else None

    def _conditional(self, flag: Flag) -> None:
        said = shown_when(flag.when)
        self.job.left(
            "conditional-flag",
            f"--{flag.name}{shown_flag(flag)} is passed only where {said}",
            flag.line,
            "the spec passes it always, or make an image of its own for it",
        )

    # -- context and Dockerfile ---------------------------------------------------------------

    def _context(self) -> None:
        flag = self._last("context")
        sub = self._last("context-sub-path")
        bucket = self._last("bucket")
        if flag is None:
            if bucket is None:
                self._default_context()
            return
        value = flag.value or ()
        shown = spell(value)
        if bucket is not None and "://" not in shown:
            value = join(("gs://", *(bucket.value or ()), "/", *value))
            shown = spell(value)
        scheme = re.match(r"([a-z0-9+]+)://", shown)
        if shown.startswith("git@") or (scheme and scheme[1] in {"ssh", "git+ssh", "http"}):
            value, shown = self._mended_git(value, shown, flag)
            scheme = re.match(r"([a-z0-9+]+)://", shown)
        if scheme is None and any(
            isinstance(part, Var) and part.name in {"github.repositoryUrl", "CI_REPOSITORY_URL"}
            for part in value[:1]
        ):
            shown, scheme = f"git://{shown}", re.match("(git)://", "git://")
        if scheme is None or scheme[1] == "dir":
            self._directory(value, shown, flag)
        else:
            self._remote(value, shown, flag, scheme[1])
        if sub is not None and sub.value:
            self._sub_path(sub)

    def _default_context(self) -> None:
        if self.call.folder or self.job.folder:
            found = self.paths.inside(("/workspace",))
            if found is not None:
                self._set_context(found)
                return
        if self.paths.inside(("/workspace",)) is not None and not self.job.hook:
            self._set_context(self.paths.inside(("/workspace",)) or ".")
            return
        self.job.mended(
            "no-context",
            "without --context kaniko sends /workspace/, where the repository is not",
            self.call.line,
            "the context is the repository",
        )
        folder = self.paths.folder()
        self._set_context(folder or ".")

    def _set_context(self, path: str) -> None:
        self.context = path
        if path != ".":
            self.build["context"] = path

    def _directory(self, value: Text, shown: str, flag: Flag) -> None:
        found = self.paths.inside(value)
        if found is None and shown.startswith("dir://") and not shown.startswith("dir:///"):
            relative = without_head(value, "dir://")
            if isinstance(relative[0] if relative else "", str):
                self.job.mended(
                    "relative-context",
                    f"{shown} has two slashes, so it is a relative path",
                    flag.line,
                    "three slashes begin an absolute one",
                )
                found = self.paths.inside(join(("/", *relative)))
        if found is None:
            self.job.left(
                "unknown-context",
                f"the context {shown} is not known to lie in the repository",
                flag.line,
                "write the folder as context:, from the root of the repository",
            )
            return
        if found.startswith(".."):
            self.job.left(
                "outside-context",
                f"the context {shown} lies outside of the repository",
                flag.line,
                "write a folder of the repository as context:",
            )
            return
        if found != "." or not flag.when:
            self.job.carried("context", f"the context {shown} is {found}", flag.line)
        self._set_context(found)

    def _mended_git(self, value: Text, shown: str, flag: Flag) -> tuple[Text, str]:
        match = re.match(
            r"(?:ssh://|git\+ssh://|http://)?(?:[^@/]+@)?([^/:]+)[:/](?:\d+/)?(.*)", shown
        )
        if not match:
            return value, shown
        text = f"git://{match[1]}/{match[2]}"
        self.job.mended(
            "ssh-context", f"kaniko cannot clone {shown}", flag.line, f"it clones {text} over https"
        )
        return (text,), text

    def _remote(self, value: Text, shown: str, flag: Flag, scheme: str) -> None:
        if (
            scheme == "https"
            and ".blob.core." not in shown
            and (".git" in shown or re.match(r"https://(?:github|gitlab)\.", shown))
        ):
            self.job.mended(
                "https-context",
                f"kaniko reads {shown} as an archive in Azure's store",
                flag.line,
                "git:// is a clone over https",
            )
            value = join(("git://", *without_head(value, "https://")))
            shown, scheme = spell(value), "git"
        if scheme == "git" and is_this_repository(value):
            self._own_repository(flag, shown)
            return
        if scheme == "tar":
            self._archive(value, shown, flag)
            return
        self.fetched = True
        if scheme == "git":
            value = self._checked_git(value, shown, flag)
        try:
            self.build["context"] = self.spelled.template(value, flag.line)
        except NotPortable as reason:
            self._lost("context", flag, reason)

    def _checked_git(self, value: Text, shown: str, flag: Flag) -> Text:
        token = re.match(r"git://([^@/#]+)@(.*)", shown, re.DOTALL)
        if token:
            user, _, _ = token[1].partition(":")
            self.job.left(
                "token-in-context",
                "the context holds a login, which everybody can read",
                flag.line,
                "git: {token: NAME_OF_A_SECRET} reads it from a secret",
            )
            self.git["token"] = "GIT_TOKEN"
            _, *rest = split_text(value, "@", 1)
            value = join(("git://", *rest[0])) if rest else (f"git://{token[2]}",)
            if user not in {"oauth2", "x-access-token"} and re.fullmatch(r"[\w.-]+", user):
                self.git["username"] = user
        written = literal(value)
        if written and "#" in written:
            location, _, fragment = written.partition("#")
            ref, _, commit = fragment.partition("#")
            if ref and not ref.startswith("refs/") and not re.fullmatch("[0-9a-f]{40}", ref):
                full = f"{location}#refs/heads/{ref}" + (f"#{commit}" if commit else "")
                self.job.mended(
                    "short-ref", f"{ref} is not a full ref", flag.line, f"refs/heads/{ref}"
                )
                return (full,)
        return value

    def _own_repository(self, flag: Flag, shown: str) -> None:
        self.job.carried("context", f"{shown} is this repository at this commit", flag.line)
        self.context = "."
        self.job.fetches_itself = True

    def _archive(self, value: Text, shown: str, flag: Flag) -> None:
        rest = without_head(value, "tar://")
        if literal(rest) == "stdin":
            self.job.left(
                "stdin-context",
                "the context comes from standard input, which no CI job has",
                flag.line,
                "tar://FILE, a gzipped archive in the repository, or a folder",
            )
            return
        found = self.paths.inside(rest)
        self.fetched = True
        if found is not None:
            self.build["context"] = f"tar://{found}"
        elif (written := literal(rest)) is not None:
            self.build["context"] = f"tar://{written}"
        else:
            self.fetched = False
            self.job.left(
                "unknown-context", f"the context {shown} is not known", flag.line, "write it"
            )

    def _sub_path(self, flag: Flag) -> None:
        written = literal(flag.value or ())
        if written is None:
            self.job.left(
                "unknown-sub-path",
                f"--context-sub-path{shown_flag(flag)} is known to a run only",
                flag.line,
                "write it as context_sub_path:",
            )
            return
        path = written.strip("/")
        if self.fetched:
            self.build["context_sub_path"] = path
        else:
            joined = path if self.context == "." else f"{self.context}/{path}"
            self._set_context(joined)

    def _dockerfile(self) -> None:
        flag = self._last("dockerfile")
        if flag is None or not flag.value:
            return
        shown = spell(flag.value)
        if shown.startswith(("http://", "https://")):
            written = literal(flag.value)
            if written:
                self.build["dockerfile"] = written
            return
        path = self._dockerfile_path(flag.value, shown)
        if path is None:
            self.job.left(
                "unknown-dockerfile",
                f"the Dockerfile {shown} is not known to lie in the repository",
                flag.line,
                "write it as dockerfile:, from the context",
            )
            return
        if path != "Dockerfile":
            self.build["dockerfile"] = path

    def _dockerfile_path(self, value: Text, shown: str) -> str | None:
        base = self.build.get("context_sub_path", ".") if self.fetched else self.context
        if shown.startswith(FETCHED):
            rest = starts(value, (FETCHED,))
            written = literal(rest or ())
            return below(written.strip("/"), base) if written else None
        written = literal(value)
        if written is not None and not written.startswith("/"):
            path = written.removeprefix("./")
            folder = self.paths.folder() or "."
            inside = path if folder == "." else f"{folder}/{path}"
            if base != "." and (inside.startswith(f"{base}/") or folder != "."):
                return below(inside, base)
            return path.removeprefix("./")
        found = self.paths.inside(value)
        if found is None and self.job.hook and written:
            found = self._below_checkout(written)
        if found is None and written and self.fetched:
            return written.rpartition("/")[2] or None
        return None if found is None else below(found, base)

    def _below_checkout(self, written: str) -> str | None:
        """/workspace/build/<agent>/src/Dockerfile: the checkout's usual place."""
        match = re.match(r"/workspace/build/[^/]+/(.+)", written)
        return match[1] if match else None

    # -- the other flags ----------------------------------------------------------------------

    def _flag(self, flag: Flag) -> None:
        name = flag.name
        handled = {"context", "dockerfile", "context-sub-path", "bucket", "destination"}
        handled |= {"cache", "cache-repo", "cache-ttl", "cache-dir", "no-push", "no-push-cache"}
        if name in handled or name in CACHE_SWITCHES:
            return
        kind = FLAGS[name].kind
        if flag.when != ALWAYS and kind != "file":
            self._conditional(flag)
        if name == "target":
            self._target(flag)
        elif name in {"build-arg", "label", "annotation"}:
            self._named(flag)
        elif name == "git":
            self._git(flag)
        elif name == "credential-helpers" and flag.value == ():
            self.options["credential_helpers"] = []
        elif kind == "list":
            self._listed(flag)
        elif kind == "mapping":
            self._mapped(flag)
        elif kind == "file":
            self._file(flag)
        elif name in OPTIONS:
            self._option(flag)

    def _target(self, flag: Flag) -> None:
        written = literal(flag.value or ())
        if written:
            self.build["target"] = written
        else:
            self._run_time(flag, "target")

    def _run_time(self, flag: Flag, field: str) -> None:
        self.job.left(
            "run-time-value",
            f"--{flag.name}{shown_flag(flag)} is known to a run only, "
            f"and {field}: holds no variables",
            flag.line,
            f"write the value as {field}:",
        )

    def _lost(self, field: str, flag: Flag, reason: NotPortable) -> None:
        self.job.left(
            "not-portable",
            f"--{flag.name}{shown_flag(flag)}: {reason.message}",
            flag.line,
            reason.advice or f"write {field}: by hand",
        )

    def _named(self, flag: Flag) -> None:
        """``--build-arg NAME=VALUE``; without a value it is that of the environment."""
        fields = {"build-arg": "build_args", "label": "labels", "annotation": "annotations"}
        field = fields[flag.name]
        text = flag.value or ()
        key, *given = split_text(text, "=", 1)
        value = given[0] if given else None
        name = literal(key)
        if not name:
            self.job.left(
                "unknown-name",
                f"--{flag.name}{shown_flag(flag)}: its name is known to a run only",
                flag.line,
                f"write it under {field}:",
            )
            return
        if flag.name == "build-arg" and self._is_proxy(name, value):
            return
        if value is not None and is_written(name, value):
            self.job.report.hide(literal(value) or "")
            self.job.left(
                "literal-secret",
                f"the value of {name} is written into the file",
                flag.line,
                f"revoke it; build_secrets: {{{name.lower()}: NAME_OF_A_SECRET}} keeps the new one "
                "out of the image",
            )
            self.build.setdefault(field, {})[name] = f"${{env.{name}}}"
            return
        if value is None:
            value = self.logins.environment(name) or (Var(name),)
        try:
            written = self.spelled.template(value, flag.line, what=flag.name)
        except NotPortable as reason:
            if any(isinstance(part, Masked) for part in value):
                self.build.setdefault(field, {})[name] = f"${{env.{name}}}"
            self.job.left(
                "not-portable",
                f"--{flag.name} {name}: {reason.message}",
                flag.line,
                reason.advice or f"write {name} under {field}: by hand",
            )
            return
        self.build.setdefault(field, {})[name] = written

    def _git(self, flag: Flag) -> None:
        written = literal(flag.value or ())
        if written is None:
            self._run_time(flag, "git")
            return
        for pair in written.split(","):
            key, _, value = pair.partition("=")
            field = key.strip().replace("-", "_")
            if field == "branch" and value:
                self.git["branch"] = value
            elif field == "depth" and value.isdigit():
                self.git["depth"] = int(value)
            elif field in {"single_branch", "recurse_submodules", "insecure_skip_tls"}:
                self.git[field] = value != "false"
            else:
                self.job.left("bad-git-option", f"--git={pair} is not known", flag.line, "drop it")

    def _listed(self, flag: Flag) -> None:
        field = flag.name.replace("-", "_")
        written = literal(flag.value or ())
        if flag.name == "secret" and written and self._build_secret(written):
            return
        if written is None:
            self._run_time(flag, f"options.{field}")
            return
        values = written.split(",") if flag.name == "credential-helpers" else [written]
        if flag.name == "registry-mirror":
            values = [re.sub(r"^https?://", "", value).rstrip("/") for value in values]
            if values != [written]:
                self.job.mended(
                    "mirror-scheme", f"{written} is a URL; a mirror is a host", flag.line, values[0]
                )
        listed = self.options.setdefault(field, [])
        listed += [value for value in values if value not in listed]

    def _build_secret(self, written: str) -> bool:
        match = re.fullmatch(r"id=([^,]+),env=([A-Za-z_]\w*)", written)
        if not match:
            return False
        name = match[2]
        known = self.job.secrets.get(name)
        if known is None and not self.job.plain_secrets:
            return False
        self.logins.note_store(name)
        same = known is None or known.name == name
        self.build.setdefault("build_secrets", {})[match[1]] = name if same else known.name  # type: ignore[union-attr]
        return True

    def _mapped(self, flag: Flag) -> None:
        field = flag.name.replace("-", "_")
        written = literal(flag.value or ())
        if written is None:
            self._run_time(flag, f"options.{field}")
            return
        for pair in written.split(";"):
            key, _, value = pair.partition("=")
            if not value:
                self.job.left("bad-pair", f"--{flag.name}={pair} has no =", flag.line, "HOST=VALUE")
            elif not self._certificate(flag.name, key, value):
                found = self.options.setdefault(field, {})
                if flag.name == "registry-map" and key in found:
                    before = found[key] if isinstance(found[key], list) else [found[key]]
                    found[key] = [*before, *([value] if value not in before else [])]
                else:
                    found[key] = value

    def _certificate(self, name: str, host: str, value: str) -> bool:
        """A certificate that the job takes from a secret."""
        if name == "registry-certificate":
            secret = self.logins.file_secret((value,))
            if secret:
                self.build.setdefault("certificates", {})[host] = secret
            return bool(secret)
        if name == "registry-client-cert" and "," in value:
            one, _, two = value.partition(",")
            secrets = self.logins.file_secret((one,)), self.logins.file_secret((two,))
            if all(secrets):
                pair = {"certificate": secrets[0], "key": secrets[1]}
                self.build.setdefault("client_certificates", {})[host] = pair
                return True
        return False

    def _file(self, flag: Flag) -> None:
        field = flag.name.replace("-", "_")
        value = flag.value or ()
        path = self.paths.output(value)
        shown = spell(value)
        if field == "digest_file" and shown.startswith(_HANDED_ON):
            self.build["digest"] = True
            self.job.carried("digest", f"{shown} hands the digest on: digest: true", flag.line)
        elif path is not None and not path.startswith(".."):
            self.options[field] = path
        elif self.job.target in _CHECKED_OUT and re.search(r"(?:^|/)[\w.-]+$", shown):
            name = shown.rpartition("/")[2]
            self.job.mended(
                "output-outside",
                f"--{flag.name}={shown} lies in the container, where nobody finds it",
                flag.line,
                f"{name}, in the repository",
            )
            self.options[field] = name
        else:
            self.job.left(
                "output-outside",
                f"--{flag.name}={shown} is not known to lie in the repository",
                flag.line,
                f"options: {{{field}: PATH}} writes it there; digest: true hands the digest on",
            )

    def _option(self, flag: Flag) -> None:
        field = flag.name.replace("-", "_")
        written = literal(flag.value) if flag.value is not None else None
        if flag.value is not None and written is None:
            self._run_time(flag, f"options.{field}")
            return
        if FLAGS[flag.name].kind == "switch":
            self.options[field] = switch(flag)
        elif FLAGS[flag.name].kind == "number" and written and re.fullmatch(r"-?\d+", written):
            self.options[field] = int(written)
        elif written:
            self.options[field] = written
        else:
            self.job.left("no-value", f"--{flag.name} has no value", flag.line, "give it one")

    # -- destinations -------------------------------------------------------------------------

    def _destinations(self) -> None:
        listed: list[dict[str, Any]] = []
        conditions: list[Condition] = []
        for word in self.call.pushed:
            image = without_flag(word.text)
            when = both_ways(self.call.when, word.when)
            condition = condition_of(self.job, when)
            for piece in self._split_images(image, word.line):
                entry = self._destination(piece, condition, word.line)
                if entry is not None and entry not in listed:
                    listed.append(entry)
                    conditions.append(condition)
        images = {spell(without_flag(word.text)) for word in self.call.pushed}
        self._unpushed(
            [flag for flag in self._of("destination") if spell(flag.value or ()) not in images]
        )
        if not self.call.pushed:
            for test in condition_of(self.job, self.call.when).unknown:
                self.job.left(
                    "unknown-condition",
                    f"the build depends on: {test.text or test.kind}; the spec always builds",
                    test.line or self.call.line,
                    "triggers: say what starts it",
                )
        pushes = bool(listed)
        if not listed:
            # With push: never they push nothing, and say what is built.
            listed = [{"image": reference} for reference in dict.fromkeys(self.held_back)]
        if listed:
            self.build["destinations"] = [
                entry["image"] if set(entry) == {"image"} else entry for entry in listed
            ]
        self._policy(conditions, pushes=pushes)
        self._registries(listed)

    def _split_images(self, image: Text, line: int) -> list[Text]:
        written = spell(image)
        if "," not in written:
            return [image]
        self.job.mended(
            "destination-list",
            f"--destination={written} lists several images, and kaniko takes one",
            line,
            "each becomes a destination of its own",
        )
        return [piece for piece in split_text(image, ",") if piece]

    def _destination(self, image: Text, condition: Condition, line: int) -> dict[str, Any] | None:
        shown = spell(image)
        placeholder = re.search(r"<[^>]+>", shown)
        if placeholder:
            self.job.left(
                "placeholder",
                f"--destination={shown}: {placeholder.group()} still has to be filled in",
                line,
                "write the real image under destinations:",
            )
            return None
        try:
            reference = self._reference(image, line)
        except NotPortable as reason:
            self.job.left(
                "not-portable",
                f"--destination={shown}: {reason.message}",
                line,
                reason.advice or "write it under destinations:",
            )
            return None
        if self._is_narrowed_away(condition, shown, reference, line):
            self.held_back.append(reference)
            return None
        self.job.carried("destination", f"{shown} is {reference}", line)
        whole = condition.covers(self.job.triggers or DEFAULT_TRIGGERS)
        when = None if whole else condition.spelled
        return {"image": reference} if when is None else {"image": reference, "when": when}

    def _reference(self, image: Text, line: int) -> str:
        reference = self.spelled.reference(image, line)
        lowered = lowered_text(reference)
        if lowered != reference:
            self.job.mended(
                "upper-case", f"{reference}: repository names are lower case", line, lowered
            )
        bare = re.sub(r"^https?://", "", lowered)
        if bare != lowered:
            self.job.mended("scheme", f"{lowered} is a URL, and no image", line, bare)
        bare = self._on_docker_hub(bare, line)
        retired = re.match(r"docker\.pkg\.github\.com/([^/]+)/[^/]+/(.+)", bare)
        if retired:
            bare = f"ghcr.io/{retired[1]}/{retired[2]}"
            self.job.mended("retired-registry", "docker.pkg.github.com is retired", line, bare)
        return bare

    def _on_docker_hub(self, reference: str, line: int) -> str:
        """A variable before the first slash is a registry only when it is called so."""
        match = re.match(r"\$\{([\w.]+)[^}]*\}/", reference)
        if not match or match[1].startswith("registry."):
            return reference
        deeper = re.sub(r"\$\{[^}]*\}", "x", reference).count("/") > 1
        hosts = {spell(login.host).strip("${}") for login in self.call.logins}
        if deeper or match[1].removeprefix("env.") in hosts:
            return reference
        if re.search(r"REGISTRY|HOST|SERVER|URL|DOMAIN|ECR|ACR|GCR|GAR|REPO|HARBOR", match[1]):
            return reference
        self.job.carried(
            "docker-hub",
            f"{reference} names no registry, so it is on Docker Hub",
            line,
            f"docker.io/{reference}",
        )
        return f"docker.io/{reference}"

    def _unpushed(self, flags: list[Flag]) -> None:
        for flag in flags:
            self.job.left(
                "never-pushed",
                f"--destination{shown_flag(flag)} is never pushed: --no-push stands beside it",
                flag.line,
                "add it to destinations: and drop push: never, if it should be",
            )

    def _is_narrowed_away(
        self, condition: Condition, shown: str, reference: str, line: int
    ) -> bool:
        """Whether a destination is left out, since a spec would push more to it than was asked."""
        more = sorted(condition.without - set(condition.words))
        unknown = [(test.text or test.kind, test.line) for test in condition.unknown]
        unknown += [(f"no {word} run, which triggers: start as well", line) for word in more]
        away = condition.never or bool(more)
        for said, at in unknown:
            self.job.left(
                "unknown-condition",
                f"the push to {shown} depends on: {said}; "
                + ("it is not pushed" if away else "the spec leaves that case out"),
                at or line,
                f"{{image: {reference}, when: ...}} under destinations:, if a when: fits",
            )
        return away

    def _policy(self, conditions: list[Condition], *, pushes: bool) -> None:
        if not pushes or self.job.held:
            self.build["push"] = "never"
            return
        in_requests = any(condition.requests for condition in conditions)
        if not (self.job.requests and in_requests):
            return
        if self.job.implicit_requests:
            self.job.mended(
                "pushes-pull-requests",
                "builds of pull requests push as well, to the same tags",
                self.call.line,
                "they build without pushing; push: always is what the file says",
            )
        else:
            self.build["push"] = "always"

    def _registries(self, listed: list[dict[str, Any]]) -> None:
        hosts: dict[str, None] = {}
        for entry in listed:
            hosts.setdefault(host_of(entry["image"]))
        repo = self._last_quiet("cache-repo")
        if repo is not None and repo.value and listed:
            try:
                host = host_of(self.spelled.reference(repo.value, repo.line))
                if not host.startswith("oci"):
                    hosts.setdefault(host)
            except NotPortable:
                pass
        cautious = bool(self._of("no-push"))
        found = self.logins.registries(list(hosts), cautious=cautious)
        if found:
            self.build["registries"] = found

    def _last_quiet(self, name: str) -> Flag | None:
        found = self._of(name)
        return found[-1] if found else None

    # -- cache --------------------------------------------------------------------------------

    def _cache_fields(self) -> None:
        enabled = self._last("cache")
        repo = self._last("cache-repo")
        others = [
            flag for flag in self.flags if flag.name in {"cache-ttl", "cache-dir", *CACHE_SWITCHES}
        ]
        if enabled is None or switch(enabled) is False:
            for flag in [*([repo] if repo else []), *others]:
                if flag.name == "compressed-caching" and not switch(flag):
                    # Layers are compressed in memory without a cache as well.
                    self.build["cache"] = {"compressed": False}
                    continue
                self.job.mended(
                    "cache-is-off",
                    f"--{flag.name}{shown_flag(flag)} does nothing without --cache",
                    flag.line,
                    "it is left out",
                )
            return
        if not self._cache_repo(repo, enabled):
            return
        for flag in others:
            self._cache_option(flag)
        self.build["cache"] = self.cache

    def _cache_repo(self, repo: Flag | None, enabled: Flag) -> bool:
        if repo is None or not repo.value:
            first = next(iter(self.build.get("destinations", ())), None)
            image = first if isinstance(first, str) else (first or {}).get("image", "")
            if not image:
                self.job.left(
                    "cache-without-repo",
                    "--cache needs --cache-repo where nothing is pushed",
                    enabled.line,
                    "cache: {repo: REPOSITORY}",
                )
                return False
            self.cache["repo"] = f"{without_tag(image)}/cache"
            self.job.carried(
                "cache-repo",
                f"kaniko caches in {self.cache['repo']} when no --cache-repo is given",
                enabled.line,
            )
            return True
        try:
            written = self._reference(repo.value, repo.line)
        except NotPortable as reason:
            self._lost("cache.repo", repo, reason)
            return False
        if not written.startswith("oci:") and without_tag(written) != written:
            self.job.mended(
                "cache-tag",
                f"{written} has a tag: kaniko warns and caches nothing",
                repo.line,
                without_tag(written),
            )
            written = without_tag(written)
        self.cache["repo"] = written
        return True

    def _cache_option(self, flag: Flag) -> None:
        if flag.name in CACHE_SWITCHES:
            self.cache[CACHE_SWITCHES[flag.name]] = switch(flag)
            return
        written = literal(flag.value or ())
        if flag.name == "cache-dir" and written and written.rstrip("/") in self.job.claims:
            self.cache["dir"] = written
            self.job.section["cache_claim"] = self.job.claims[written.rstrip("/")].take()
        elif flag.name == "cache-dir":
            self.job.left(
                "cache-folder",
                f"--cache-dir{shown_flag(flag)} reads base images "
                "from a folder that somebody mounts",
                flag.line,
                "kaniko looks into /cache by itself; cache: {dir: ...} with kubernetes: or "
                "buildkite: {cache_claim: NAME} mounts a claim",
            )
        elif written:
            self.cache["ttl"] = written
        else:
            self._run_time(flag, "cache.ttl")

    # -- fetching, proxies, the executor ------------------------------------------------------

    def _fetching(self) -> None:
        """The login for a git context."""
        if not (self.fetched or self.job.fetches_itself) or "token" in self.git:
            return
        password = self.logins.environment("GIT_PASSWORD") or self.logins.environment("GIT_TOKEN")
        if not password:
            return
        if len(password) == 1 and isinstance(password[0], Var):
            var = password[0]
            secret = self.job.secrets.get(var.name)
            name = secret.name if secret else var.name.rpartition(".")[2]
            own = {"GITHUB_TOKEN", "CI_JOB_TOKEN", "github.token", "token"}
            self.logins.note_store(var.name)
            in_own = name in own and self.job.target in {"github", "gitlab"}
            self.git["token"] = "ci-token" if in_own else self.logins.secret_name(name, 0)
        else:
            self.git["token"] = "GIT_TOKEN_SECRET"
            self.job.left(
                "literal-secret",
                "the token for the git context is written into the file",
                self.call.line,
                "revoke it, and store the new one as the secret GIT_TOKEN_SECRET",
            )
        user = literal(self.logins.environment("GIT_USERNAME"))
        if user and user not in {"oauth2", "x-access-token"}:
            self.git["username"] = user

    def _checkout(self) -> None:
        """What ``--git`` says of this repository: a directory is checked out."""
        if self.fetched:
            return
        given = {
            "submodules": "recursive" if self.git.pop("recurse_submodules", False) else None,
            "depth": self.git.pop("depth", None),
        }
        found = {name: item for name, item in given.items() if item}
        if found:
            self.build["checkout"] = found
        for name in ("branch", "single_branch", "insecure_skip_tls"):
            if name in self.git:
                value = str(self.git.pop(name)).lower()
                flag = f"--git={name.replace('_', '-')}={value}"
                self.job.left(
                    "git-of-a-directory",
                    f"{flag} is for contexts that are fetched, and this one is checked out",
                    self.call.line,
                    "a context git://HOST/PATH keeps it",
                )

    def _context_login(self) -> None:
        context = str(self.build.get("context", ""))
        environment = self.logins.environment
        if context.startswith("s3://"):
            found: dict[str, Any] = {}
            login = self.logins._aws()  # noqa: SLF001 - the same login for a store
            region = literal(environment("AWS_REGION"))
            endpoint = literal(environment("S3_ENDPOINT"))
            if login != "ambient":
                found["aws"] = login
            elif not region and not endpoint:
                return
            else:
                found["aws"] = "ambient"
            if region:
                found["region"] = region
            if endpoint:
                found["s3_endpoint"] = endpoint
            if literal(environment("S3_FORCE_PATH_STYLE")) == "true":
                found["s3_path_style"] = True
            self.build["context_login"] = found
        elif context.startswith("gs://"):
            login = self.logins._google()  # noqa: SLF001 - the same login for a store
            self.build["context_login"] = {"google": login}
        elif ".blob.core." in context:
            key = environment("AZURE_STORAGE_ACCESS_KEY")
            name = self.logins._key(key, "AZURE_STORAGE_ACCESS_KEY")  # noqa: SLF001
            if name:
                self.build["context_login"] = {"azure_storage_key": name}

    def _proxy(self) -> None:
        found: dict[str, Any] = {}
        for name, field in _PROXIES.items():
            text = self.logins.environment(name) or self.logins.environment(name.lower())
            written = literal(text)
            secret = self.job.secret_of(text) if field != "no_proxy" else None
            if written:
                found[field] = written
            elif secret:
                self.logins.note_store(text[0].name)  # type: ignore[union-attr]
                found[field] = {"secret": self.logins.secret_name(secret, self.call.line)}
            if field in found:
                self.proxies[field] = text
        if found:
            self.build["proxy"] = found

    def _is_proxy(self, name: str, value: Text | None) -> bool:
        """Whether a build arg is what ``proxy`` gives to RUN lines."""
        proxy = self.proxies.get(_PROXIES.get(name.upper(), ""))
        return proxy is not None and value in (None, proxy)

    def _executor(self) -> None:
        image = self.call.image if self.call.image is not None else self.job.image
        line = self.call.line if self.call.image is not None else self.job.image_line
        found = executor_of(self.job, image, line)
        if found:
            self.build["executor"] = found
        self._shell(image, line)

    def _shell(self, image: Text, line: int) -> None:
        """A script in an image that has no shell."""
        written = literal(image) or ""
        _, tag = tagged(written.partition("@")[0])
        known = "kaniko" in written
        if (
            self.job.has_shell
            and known
            and self.call.image is None
            and ("debug" not in tag and not re.search("alpine|bootstrap|shell", tag))
        ):
            self.job.mended(
                "no-shell",
                f"{written} has no shell, so no script can start in it",
                line,
                "the -debug variant has one",
            )


_ORDER = tuple(Build.model_fields)
_NESTED = {
    "cache": ("repo", "ttl", "copy_layers", "run_layers", "compressed", "dir"),
    "options": tuple(Options.model_fields),
}


def ordered(build: dict[str, Any]) -> dict[str, Any]:
    """The keys in the order in which the docs tell them."""
    found = {}
    places = {name: at for at, name in enumerate((*_ORDER, "needs", "images", "outputs"))}
    for key in sorted(build, key=lambda name: places.get(name, 99)):
        value = build[key]
        if key in _NESTED:
            value = {name: value[name] for name in _NESTED[key] if name in value}
        found[key] = value
    return found
