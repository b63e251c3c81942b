"""``actions/checkout``: what it fetches beside the files of the commit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Var, literal, spell
from ci_kaniko.importing.readers.accounting import ignore_keys

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.github.scope import Scope
    from ci_kaniko.importing.ticked import Map

_VERSION = re.compile(r"v?\d")


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


def _location(repository: str | None, ref: str | None, given: Map) -> str:
    """Where kaniko fetches another repository; empty where nobody knows, or it needs a login."""
    if repository is None or ref is None or {"token", "ssh-key"} & given.keys():
        return ""
    if ref and not ref.startswith("refs/"):
        ref = f"refs/{'tags' if _VERSION.match(ref) else 'heads'}/{ref}"
    return f"git://github.com/{repository}.git" + (f"#{ref}" if ref else "")


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
        found = _location(literal(repository), literal(ref), given)
        # Of a folder nobody can tell whose it is where this repository is checked out elsewhere.
        job.others[folder] = "" if {*job.own_folders} - {"."} else found
        said, line = (spell(repository), where), given.line_of("repository")
        if job.others[folder]:
            job.tell("other-repository/fetched", line, *said, found)
            return True
        job.tell("other-repository", line, *said)
    elif path and path.strip("./"):
        job.own_folders.insert(0, folder)
        job.others = dict.fromkeys(job.others, "")
        job.tell("checkout-path", given.line_of("path"), path)
    else:
        job.own_folders.append(folder)
        job.others.pop(folder, None)
    if ref and ref not in {
        (Var("github.sha"),),
        (Var("github.ref"),),
        (Var("github.ref_name"),),
    }:
        job.tell("checkout-ref", given.line_of("ref"), spell(ref))
    for key in ("token", "ssh-key"):
        if key in given:
            job.tell("checkout-login", given.line_of(key), key, spell(scope.value(key)[0][1]))
    return False
