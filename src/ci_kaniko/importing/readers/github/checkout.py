"""``actions/checkout``: what it fetches beside the files of the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Text, Var, literal, only_var, spell
from ci_kaniko.importing.facts import meaning, whole_ref
from ci_kaniko.importing.jobs import Other
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.shell.guards import YES

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.github.scope import Scope


def check_out(scope: Scope) -> None:
    """What the step fetches, as ``checkout:``; the rest is told."""
    given, job = scope.given, scope.job
    found: dict[str, Any] = {}
    submodules, lfs, depth = (_switch(scope, key) for key in ("submodules", "lfs", "fetch-depth"))
    if submodules in {"true", "recursive"}:
        found["submodules"] = True if submodules == "true" else "recursive"
    if lfs == "true":
        found["lfs"] = True
    if depth.isdigit() and int(depth) > 1:
        found["depth"] = int(depth)
    elif depth == "0":
        job.tell("fetch-depth", given.line_of("fetch-depth"))
    ignore_keys(given, "GitHub checkout")
    if not _is_fetched(scope):
        job.check_out(found)
    elif found:
        line = given.line_of("repository")
        job.tell("other-repository/how", line, ", ".join(found))


_OWN_TOKENS = {"secrets.GITHUB_TOKEN", "github.token"}
"""What opens no private repository but the own one."""


def _other(scope: Scope) -> Other:
    """How the executor fetches another repository: by an address that is known, with a token.

    What a step fetches in some runs only is nobody's context.
    """
    repository, ref = (literal(scope.single(key)) for key in ("repository", "ref"))
    server = _host_of(scope.single("github-server-url"))
    token = only_var(scope.single("token"))
    name = token.name if token and token.name not in _OWN_TOKENS else ""
    asked = "token" in scope.given and token is None
    if repository is None or ref is None or not server or asked or "ssh-key" in scope.given:
        return Other()
    somewhere = scope.within(scope.reader.state.path) != YES
    if somewhere or (name and not name.startswith("secrets.")):
        return Other()
    location = f"git://{server}/{repository}.git" + (f"#{whole_ref(ref)}" if ref else "")
    return Other(location, name.removeprefix("secrets."))


def _host_of(server: Text) -> str:
    """The host of ``github-server-url``: GitHub's own by default, empty where nobody knows it."""
    if not server or [meaning(part) for part in server] == ["server"]:
        return "github.com"
    scheme, _, host = (literal(server) or "").rstrip("/").partition("://")
    return host if scheme == "https" and "/" not in host else ""


def _switch(scope: Scope, key: str) -> str:
    """What is said plainly; that only a run can tell is told."""
    text = scope.single(key)
    if literal(text) is None:
        scope.job.tell("several-values", scope.line_of(key), key, spell(text))
    return literal(text) or ""


def _is_fetched(scope: Scope) -> bool:
    """Say whose files are checked out, and where; whether the executor can fetch them itself."""
    given, job = scope.given, scope.job
    repository = scope.single("repository")
    path = literal(scope.single("path"))
    ref = scope.single("ref")
    folder = (path or "").removeprefix("./").strip("/") or "."
    if repository and repository != (Var("github.repository"),):
        where = f" into {path}" if path else ""
        found = _other(scope)
        # Of a folder nobody can tell whose it is where this repository is checked out elsewhere.
        job.others[folder] = Other() if {*job.own_folders} - {"."} else found
        said, line = (spell(repository), where), given.line_of("repository")
        if job.others[folder].location:
            by = f", with {found.secret} as its token" * bool(found.secret)
            job.tell("other-repository/fetched", line, *said, found.location + by)
            return True
        job.tell("other-repository", line, *said)
    elif path and path.strip("./"):
        job.own_folders.insert(0, folder)
        job.others = dict.fromkeys(job.others, Other())
        job.tell("checkout-path", given.line_of("path"), path)
    else:
        job.own_folders.append(folder)
        job.others.pop(folder, None)
    if ref and ref not in {(Var(f"github.{name}"),) for name in ("sha", "ref", "ref_name")}:
        job.tell("checkout-ref", given.line_of("ref"), spell(ref))
    for key in ("token", "ssh-key"):
        if key in given:
            job.tell("checkout-login", given.line_of(key), key, spell(scope.value(key)[0][1]))
    return False
