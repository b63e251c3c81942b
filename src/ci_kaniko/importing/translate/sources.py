"""What is built: the context, how it is checked out or fetched, and the Dockerfile."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    Choice,
    Contents,
    Text,
    Var,
    after,
    join,
    literal,
    only_var,
    spell,
    split_text,
    without_head,
)
from ci_kaniko.importing.facts import CLONED, meaning, whole_ref
from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.translate.paths import below
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.commands.flags import Flag
    from ci_kaniko.importing.translate.work import Work


def _is_this_repository(value: Text) -> bool:
    """Whether an address is made of what a platform says of its own repository."""
    return any(meaning(part) in CLONED for part in split_text(value, "#", 1)[0])


def take_context(work: Work) -> None:
    flag = work.last("context")
    sub = work.last("context-sub-path")
    bucket = work.last("bucket")
    if flag is None:
        if bucket is None:
            _default_context(work)
        return
    value = flag.value or ()
    shown = spell(value)
    if bucket is not None and "://" not in shown:
        value = join(("gs://", *(bucket.value or ()), "/", *value))
        shown = spell(value)
    scheme = re.match(r"([a-z0-9+]+)://", shown)
    if shown.startswith("git@") or (scheme and scheme[1] in {"ssh", "git+ssh", "http"}):
        value, shown = _mended_git(work, value, shown, flag)
        scheme = re.match(r"([a-z0-9+]+)://", shown)
    if scheme is None and any(meaning(part) == "remote" for part in value[:1]):
        shown, scheme = f"git://{shown}", re.match("(git)://", "git://")
    if scheme is None or scheme[1] == "dir":
        _directory(work, value, shown, flag)
    else:
        _remote(work, value, shown, flag, scheme[1])
    if sub is not None and sub.value:
        _sub_path(work, sub)


def _default_context(work: Work) -> None:
    found = work.paths.inside(("/workspace",))
    known = work.call.folder or work.job.folder or work.paths.mounted
    if found is None or not (known or not work.job.facts.keeps_workspace):
        if work.call.builder != DOCKER.name:
            work.job.tell("no-context", work.call.line)
        found = work.paths.folder() or "."
    _set_context(work, found)


def _set_context(work: Work, path: str) -> None:
    others = work.job.others
    around = [each for each in others if each == path or path.startswith(f"{each}/")]
    folder = max(around, key=len, default=".")
    if folder in others and any(each.startswith(f"{path}/") for each in others):
        work.misses("unknown-context/around", work.call.line, path)
        return
    if folder in others:
        other = others[folder]
        if other.location:
            _set_other(work, other.location, below(path, folder))
            if other.secret:
                work.git["token"] = work.logins.secret_name(other.secret, work.call.line)
        else:
            work.builds_another = True
        return
    if others and not work.job.own_folders:
        work.misses("unknown-context/around", work.call.line, path)
        return
    work.context = path
    put(work.build, "context", path, ".")


def _set_other(work: Work, location: str, path: str) -> None:
    """The context is a folder of another repository, which the executor fetches."""
    work.fetched = True
    work.build["context"] = location
    put(work.build, "context_sub_path", path, ".")


def _directory(work: Work, value: Text, shown: str, flag: Flag) -> None:
    value = work.spelled.with_inputs(value)
    found = work.paths.inside(value)
    if found is None and shown.startswith("dir://") and not shown.startswith("dir:///"):
        relative = without_head(value, "dir://")
        if isinstance(relative[0] if relative else "", str):
            work.job.tell("relative-context", flag.line, shown)
            found = work.paths.inside(join(("/", *relative)))
    if found is None:
        work.misses("unknown-context", flag.line, shown)
        return
    if found.startswith(".."):
        work.misses("outside-context", flag.line, shown)
        return
    found, addresses = _cloned(work, found)
    if addresses:
        _set_clone(work, found, addresses, flag)
        return
    if found != "." or not flag.when:
        work.job.tell("context", flag.line, shown, found)
    _set_context(work, found)


_CLONE = "git clone "


def _cloned(work: Work, path: str) -> tuple[str, set[Text]]:
    """A folder in what the script has cloned there, and the addresses where that is another one."""
    for name, choices in reversed([*work.call.files.items()]):
        folder = f"./{name.removeprefix('$PWD/')}".removesuffix("/.git")[2:]
        if name.endswith(".git") and (
            path == folder or path.startswith(f"{folder}/" * bool(folder))
        ):
            addresses = {without_head(choice.text, _CLONE) for choice in choices}
            own = all(map(_is_this_repository, addresses))
            return below(path, folder), set() if own else addresses
    return path, set()


def _set_clone(work: Work, path: str, addresses: set[Text], flag: Flag) -> None:
    """The context is another repository, which the executor fetches where that is one."""
    address, *others = addresses
    user, place = _without_login(address)
    found = re.fullmatch(r"https?://([\w.-]+/[\w./-]+?)(?:\.git)?/?(#.*)?", literal(place) or "")
    unknown = others or found is None
    if unknown or (user and not (spell(place).startswith("https:") and _log_in(work, user))):
        work.misses("unknown-context", flag.line, flag.shown)
        return
    assert found is not None
    location = spell(_checked_git(work, (f"git://{found[1]}.git{found[2] or ''}",), flag))
    by = f", with {work.git['token']} as its token" if user else ""
    work.job.tell("other-repository/fetched", flag.line, spell(place), "", location + by)
    _set_other(work, location, path)


def _without_login(address: Text) -> tuple[Text, Text]:
    """Who logs in by an address, and the address without."""
    user, *rest = split_text(address, "@", 1)
    scheme, has_scheme, begun = str(user[0] if user else "").partition("://")
    if not rest or not has_scheme or "/" in spell(user).partition("://")[2]:
        return (), address
    return join((begun, *user[1:])), join((f"{scheme}://", *rest[0]))


def _log_in(work: Work, user: Text) -> bool:
    """Take USER:TOKEN of an address, or the token alone; whether that is a secret with a name."""
    name, *password = split_text(user, ":", 1)
    token = only_var(password[0] if password else name)
    known = literal(name) if password else "oauth2"
    if token is None or known is None or work.job.secret_of((token,)) is None:
        return False
    _take_token(work, token)
    if known not in _ANY_USER:
        work.git["username"] = known
    return True


_ANY_USER = {"oauth2", "x-access-token"}
"""Whom servers that know a token by itself let in."""


def _take_token(work: Work, token: Var) -> None:
    secret = work.job.secrets.get(token.name)
    name = secret.name if secret else token.name.rpartition(".")[2]
    own = {"GITHUB_TOKEN", "CI_JOB_TOKEN", "github.token", "token"}
    work.logins.note_store(token.name)
    in_own = name in own and work.job.target in {"github", "gitlab"}
    work.git["token"] = "ci-token" if in_own else work.logins.secret_name(name, 0)


def _mended_git(work: Work, value: Text, shown: str, flag: Flag) -> tuple[Text, str]:
    match = re.match(r"(?:ssh://|git\+ssh://|http://)?(?:[^@/]+@)?([^/:]+)[:/](?:\d+/)?(.*)", shown)
    if not match:
        return value, shown
    text = f"git://{match[1]}/{match[2]}"
    work.job.tell("ssh-context", flag.line, shown, text)
    return (text,), text


def _remote(work: Work, value: Text, shown: str, flag: Flag, scheme: str) -> None:
    if (
        scheme == "https"
        and ".blob.core." not in shown
        and (".git" in shown or re.match(r"https://(?:github|gitlab)\.", shown))
    ):
        work.job.tell("https-context", flag.line, shown)
        value = join(("git://", *without_head(value, "https://")))
        shown, scheme = spell(value), "git"
    if scheme == "git" and _is_this_repository(value):
        work.job.tell("context/own", flag.line, shown)
        work.context, work.fetches_itself = ".", True
        return
    if scheme == "tar":
        _archive(work, value, shown, flag)
        return
    work.fetched = True
    if scheme == "git":
        value = _checked_git(work, value, flag)
    try:
        work.build["context"] = work.spelled.template(value, flag.line)
    except NotPortable as reason:
        work.lost("context", flag, reason)
        work.builds_another = True


def _checked_git(work: Work, value: Text, flag: Flag) -> Text:
    user, value = _without_login(value)
    if user:
        work.job.tell("token-in-context", flag.line)
        name, *_ = spell(user).split(":")
        if not _log_in(work, user):
            work.git["token"] = "GIT_TOKEN"
            if name not in _ANY_USER and re.fullmatch(r"[\w.-]+", name):
                work.git["username"] = name
    written = literal(value)
    if written and "#" in written:
        location, _, fragment = written.partition("#")
        ref, _, commit = fragment.partition("#")
        if (full := whole_ref(ref)) != ref:
            told = "short-ref" if work.call.builder == KANIKO else "context/either"
            work.job.tell(told, flag.line, ref, full)
            full = f"{location}#{full}" + (f"#{commit}" if commit else "")
            return (full,)
    return value


def _archive(work: Work, value: Text, shown: str, flag: Flag) -> None:
    rest = without_head(value, "tar://")
    if literal(rest) == "stdin":
        work.misses("stdin-context", flag.line)
        return
    found = work.paths.inside(rest)
    found = literal(rest) if found is None else found
    if found is None:
        work.misses("unknown-context/archive", flag.line, shown)
        return
    work.fetched = True
    work.build["context"] = f"tar://{found}"


def _sub_path(work: Work, flag: Flag) -> None:
    written = literal(work.spelled.with_inputs(flag.value or ()))
    if written is None:
        work.misses("unknown-sub-path", flag.line, flag.shown)
        return
    path = written.strip("/")
    if work.fetched:
        inside = work.build.get("context_sub_path", ".")
        work.build["context_sub_path"] = path if inside == "." else f"{inside}/{path}"
    else:
        joined = path if work.context == "." else f"{work.context}/{path}"
        _set_context(work, joined)


def take_dockerfile(work: Work) -> None:
    """The Dockerfile; one that the script writes is of no commit, unless it is a copy."""
    _named_dockerfile(work)
    path = posixpath.join(work.context, work.build.get("dockerfile", "Dockerfile"))
    path = posixpath.normpath(path)
    files = {} if work.fetched else work.call.files
    written = files.get(path) or files.get(f"$PWD/{path}")
    held = [part for one in written or () for part in one.text]
    if not written or (held and all(getattr(one, "path", "") == path for one in held)):
        return  # the command that changes it is told
    copied = held[0] if held else None
    plain = isinstance(copied, Contents) and re.fullmatch(r"\w[\w./-]*", copied.path)
    if isinstance(copied, Contents) and plain and written == (Choice((Contents(copied.path),)),):
        work.job.tell("context/dockerfile", work.call.line, path, copied.path)
        put(work.build, "dockerfile", below(copied.path, work.context), "Dockerfile")
    else:
        work.misses("unknown-dockerfile/written", work.call.line, path)


def _named_dockerfile(work: Work) -> None:
    flag = work.last("dockerfile")
    if flag is None or flag.value is None:
        return
    shown = spell(flag.value)
    if shown.startswith(("http://", "https://")):
        put(work.build, "dockerfile", literal(flag.value))
        return
    path = _dockerfile_path(work, work.spelled.with_inputs(flag.value), shown)
    if path is None:
        work.misses("unknown-dockerfile", flag.line, shown)
    elif "${" in work.context and path.startswith("../"):
        work.misses("unknown-dockerfile/input", flag.line, shown)
        path = path.replace("../", "")
    put(work.build, "dockerfile", path, "Dockerfile")


def _dockerfile_path(work: Work, value: Text, shown: str) -> str | None:
    base = work.build.get("context_sub_path", ".") if work.fetched else work.context
    if shown.startswith(FETCHED):
        rest = after(value, (FETCHED,))
        written = literal(rest or ())
        return below(written.strip("/"), base) if written else None
    written = literal(value)
    if written is not None and not written.startswith("/"):
        path = written.removeprefix("./")
        folder = work.paths.inside(()) or "."
        inside = path if folder == "." else f"{folder}/{path}"
        nowhere_else = work.call.builder in {DOCKER.name, "buildkit"} and not work.fetched
        if nowhere_else or (base != "." and (inside.startswith(f"{base}/") or folder != ".")):
            return below(inside, base)
        return path.removeprefix("./")
    found = work.paths.inside(value)
    return None if found is None else below(found, base)


# -- fetching ------------------------------------------------------------------------------------


def take_fetching(work: Work) -> None:
    if not (work.fetched or work.fetches_itself) or "token" in work.git:
        return
    password = work.logins.environment("GIT_PASSWORD") or work.logins.environment("GIT_TOKEN")
    if not password:
        return
    if var := only_var(password):
        _take_token(work, var)
    else:
        work.git["token"] = "GIT_TOKEN_SECRET"
        work.job.tell("literal-secret/git", work.call.line)
    user = literal(work.logins.environment("GIT_USERNAME"))
    if user and user not in _ANY_USER:
        work.git["username"] = user


def take_checkout(work: Work) -> None:
    """What ``--git`` says of this repository: a directory is checked out."""
    if work.fetched:
        return
    given = {
        "submodules": "recursive" if work.git.pop("recurse_submodules", False) else None,
        "depth": work.git.pop("depth", None),
    }
    put(work.build, "checkout", {name: item for name, item in given.items() if item})
    for name in ("branch", "single_branch", "insecure_skip_tls"):
        if name in work.git:
            value = str(work.git.pop(name)).lower()
            flag = f"--git={name.replace('_', '-')}={value}"
            work.job.tell("git-of-a-directory", work.call.line, flag)


def take_context_login(work: Work) -> None:
    with work.logins.asking_store():
        put(work.build, "context_login", _context_login(work))


def _context_login(work: Work) -> dict[str, Any]:
    context = str(work.build.get("context", ""))
    if context.startswith("gs://"):
        return {"google": work.logins.google()}
    if ".blob.core." in context:
        name = work.logins.storage_key()
        return {"azure_storage_key": name} if name else {}
    if not context.startswith("s3://"):
        return {}
    environment = work.logins.environment
    found = {"aws": work.logins.aws()}
    put(found, "region", literal(environment("AWS_REGION")))
    put(found, "s3_endpoint", literal(environment("S3_ENDPOINT")))
    if found == {"aws": "ambient"}:
        return {}
    if literal(environment("S3_FORCE_PATH_STYLE")) == "true":
        found["s3_path_style"] = True
    return found
