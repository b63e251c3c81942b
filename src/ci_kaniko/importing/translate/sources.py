"""What is built: the context, how it is checked out or fetched, and the Dockerfile."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import (
    Choice,
    Cloned,
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
from ci_kaniko.importing.facts import OF_A_RUN, meaning, whole_ref
from ci_kaniko.importing.jobs import put
from ci_kaniko.importing.repositories import (
    complete,
    is_of_file,
    is_own,
    location_of,
    without_login,
)
from ci_kaniko.importing.signs import DOCKER
from ci_kaniko.importing.translate.paths import below, is_below
from ci_kaniko.importing.translate.portable import NotPortable
from ci_kaniko.kaniko.builders import KANIKO
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from ci_kaniko.importing.shell.commands.flags import Flag
    from ci_kaniko.importing.translate.work import Work


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
    found = work.paths.place(("/workspace",))
    known = work.call.folder or work.job.folder or work.paths.mounted
    if (
        found is None
        or work.paths.in_own(found) is None
        or not (known or not work.job.facts.keeps_workspace)
    ):
        if work.call.builder != DOCKER.name:
            work.job.tell("no-context", work.call.line)
        found = work.paths.folder()
        found = "." if found is None or found.startswith("/") else found
    if not _is_cloned(work, found, work.call.line, found):
        _set_context(work, work.paths.in_own(found) or found)


def _set_context(work: Work, path: str) -> None:
    work.context = path
    put(work.build, "context", path, ".")


def _set_other(work: Work, location: str, path: str) -> None:
    """The context is a folder of another repository, which the executor fetches."""
    work.fetched = True
    work.build["context"] = location
    put(work.build, "context_sub_path", path, ".")


def _directory(work: Work, value: Text, shown: str, flag: Flag) -> None:
    value = work.spelled.with_inputs(value)
    if _is_cloned(work, work.paths.place(value), flag.line, flag.shown):
        return
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
    if found != "." or not flag.when:
        work.job.tell("context", flag.line, shown, found)
    _set_context(work, found)


_OF_FOLDERS = {"file", "unknown"}
"""What a script asks before it clones that does not choose what is built."""


def _is_cloned(work: Work, place: str | None, line: int, shown: str) -> bool:
    """Whether a folder lies in another repository, which is built then, or around those."""
    tops = {folder: {one} for folder, one in work.job.cloned.items()}
    asked: set[str] = set()
    for name, choices in work.call.files.items():
        top = work.paths.of_script(name.removesuffix(".git")) if name.endswith(".git") else None
        found = {each for choice in choices for each in choice.text if isinstance(each, Cloned)}
        if found and top is not None:
            tops[top] = found
            tests = (test for choice in choices for each in choice.when for test in each)
            asked |= {top for test in tests if test.kind not in _OF_FOLDERS}
    if place is None or not tops:
        return False
    around = [top for top in tops if is_below(place, top)]
    work.paths.clone = max(around, key=lambda top: len(top.strip(".")), default="")
    clones = tops.get(work.paths.clone, set())
    by_script = work.paths.clone not in work.job.cloned
    # What our own scripts fetch for another builder is a context that the spec named.
    named = work.job.is_ours and work.paths.clone.endswith(FETCHED.removeprefix("/kaniko"))
    by_script = by_script and not named
    others = [each for each in clones if not (by_script and is_of_file(work.job, each))]
    for each in clones if not others else ():
        _take_own(work, each, line)
    # Where a job checks nothing out, what it clones is all that there is.
    alone = not clones and bool(
        work.job.facts.names_none or (work.job.cloned and not work.job.own_folders)
    )
    inside = [top for top in tops if top not in around and is_below(top, place)]
    if alone or (others and inside):
        work.misses("unknown-context/around", line, place)
    elif others and work.paths.clone in asked:  # else it is this repository
        work.misses("unknown-context", line, shown)
    elif others:
        _set_clone(work, below(place, work.paths.clone), clones, line, shown, is_told=not by_script)
    return bool(others or alone)


def _set_clone(
    work: Work, path: str, clones: set[Cloned], line: int, shown: str, *, is_told: bool
) -> None:
    """The context is a folder of another repository, which the executor fetches where it can."""
    clone, *others = clones
    user, address = without_login(clone.address)
    written = literal(address) or ""
    ref = complete(clone.ref)
    found = location_of(written) if ref is not None and not others else ""
    if not found or (user and not _log_in(work, user, line)):
        work.misses("unknown-context", line, shown)
        return
    try:
        location = work.spelled.template(join((found, *["#"] * bool(ref), *(ref or ()))), line)
    except NotPortable:
        work.misses("unknown-context", line, shown)
        return
    if not written.startswith("https:"):
        work.job.tell("ssh-context", line, written, location)
    if ref != clone.ref and not is_told:
        said = (spell(each or ()).partition("#")[0] for each in (clone.ref, ref))
        work.job.tell("context/either", line, *said)
    by = f", with {work.git['token']} as its token" if user else ""
    where = f" into {work.paths.clone}" * (work.paths.clone != ".")
    if not is_told:
        work.job.tell("other-repository/fetched", line, written, where, location + by)
    put(work.git, "recurse_submodules", bool(clone.submodules), usual=False)
    put(work.git, "depth", int(clone.depth) if clone.depth.isdigit() else None)
    if without := [*clone.without, *["lfs"] * clone.lfs]:
        work.job.tell("other-repository/how", line, ", ".join(without))
    _set_other(work, location, path)


def _take_own(work: Work, clone: Cloned, line: int) -> None:
    """What of a clone of this repository is another commit, or more than the commit."""
    user, _ = without_login(clone.address)
    if user and work.job.facts.names_none:
        _log_in(work, user, line)
    ref = () if work.job.is_ours else clone.ref
    if ref and not all(meaning(part) in OF_A_RUN | {"commit.sha"} for part in ref):
        work.job.tell("checkout-ref", line, spell(ref))
    found = {
        "submodules": True if clone.submodules == "true" else clone.submodules or None,
        "lfs": clone.lfs or None,
        "depth": int(clone.depth) if clone.depth.isdigit() else None,
    }
    if more := {name: item for name, item in found.items() if item}:
        work.settings.shared.setdefault("checkout", {}).update(more)


def _log_in(work: Work, user: Text, line: int) -> bool:
    """Take USER:TOKEN of an address, or the token alone; whether that is a secret with a name."""
    name, *password = split_text(user, ":", 1)
    token = only_var(password[0] if password else name)
    known = literal(name) if password else "oauth2"
    if token is None or work.job.secret_of((token,)) is None:
        return False
    _take_token(work, token)
    if known is None:
        work.job.tell("unknown-user/git", line, spell(name))
    elif known not in _ANY_USER:
        work.git["username"] = known
    return True


_ANY_USER = {"oauth2", "x-access-token"}
"""Whom servers that know a token by itself let in."""


def _take_token(work: Work, token: Var) -> None:
    secret = work.job.secrets.get(token.name)
    known = secret.name if secret else work.job.secret_of((token,))
    name = known or token.name.rpartition(".")[2]
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
    if scheme == "git" and is_own(value):
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
    user, value = without_login(value)
    if user:
        work.job.tell("token-in-context", flag.line)
        name, *_ = spell(user).split(":")
        if not _log_in(work, user, flag.line):
            work.git["token"] = "GIT_TOKEN"
            if name not in _ANY_USER and re.fullmatch(r"[\w.-]+", name):
                work.git["username"] = name
    written = literal(value)
    if written and "#" in written:
        location, _, ref = written.partition("#")
        if (full := whole_ref(ref)) != ref:
            told = "short-ref" if work.call.builder == KANIKO else "context/either"
            work.job.tell(told, flag.line, *(each.partition("#")[0] for each in (ref, full)))
            return (f"{location}#{full}",)
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
        place = posixpath.normpath(posixpath.join(work.paths.clone, joined))
        if not _is_cloned(work, place, flag.line, joined):
            _set_context(work, joined)


def take_dockerfile(work: Work) -> None:
    """The Dockerfile; one that the script writes is of no commit, unless it is a copy."""
    _named_dockerfile(work)
    inside = work.build.get("context_sub_path", ".") if work.fetched else work.context
    folder = posixpath.join(work.paths.clone, inside)
    path = posixpath.normpath(posixpath.join(folder, work.build.get("dockerfile", "Dockerfile")))
    files = {} if work.fetched and not work.paths.clone else work.call.files
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
        if nowhere_else or (base != "." and (is_below(inside, base) or not is_below(base, folder))):
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
        if work.settings.section.pop("clone", None) and work.call.builder != "buildah":
            work.settings.shared.get("tools", {}).pop("git", None)
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
    put(work.build, "context_login", _context_login(work))


def _context_login(work: Work) -> dict[str, Any]:
    context = str(work.build.get("context", ""))
    if context.startswith("gs://"):
        return {"google": work.logins.google()}
    environment = work.logins.environment
    if ".blob.core." in context:
        variable = "AZURE_STORAGE_ACCESS_KEY"
        name = work.logins.key(environment(variable), variable)
        return {"azure_storage_key": name} if name else {}
    if not context.startswith("s3://"):
        return {}
    found = {"aws": work.logins.aws()}
    put(found, "region", literal(environment("AWS_REGION")))
    put(found, "s3_endpoint", literal(environment("S3_ENDPOINT")))
    if found == {"aws": "ambient"}:
        return {}
    if literal(environment("S3_FORCE_PATH_STYLE")) == "true":
        found["s3_path_style"] = True
    return found
