"""``actions/checkout``: what it fetches beside the files of the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Var, literal, spell
from ci_kaniko.importing.jobs import Root
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.github.knowledge import WORKSPACE

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
    job.check_out(found)
    ignore_keys(given, "GitHub checkout")
    _elsewhere(scope)


def _switch(scope: Scope, key: str) -> str:
    """What is said plainly; that only a run can tell is told."""
    text = scope.single(key)
    if literal(text) is None:
        scope.job.tell("several-values", scope.line_of(key), key, spell(text))
    return literal(text) or ""


def _elsewhere(scope: Scope) -> None:
    given, job = scope.given, scope.job
    repository = scope.single("repository")
    path = literal(scope.single("path"))
    ref = scope.single("ref")
    if repository and repository != (Var("github.repository"),):
        where = f" into {path}" if path else ""
        job.tell("other-repository", given.line_of("repository"), spell(repository), where)
    elif path and path.strip("./"):
        folder = path.removeprefix("./").strip("/")
        job.roots.insert(0, Root((WORKSPACE, f"/{folder}")))
        job.roots.insert(0, Root((Var("github.workspace"), f"/{folder}")))
        job.tell("checkout-path", given.line_of("path"), path)
    if ref and ref not in {
        (Var("github.sha"),),
        (Var("github.ref"),),
        (Var("github.ref_name"),),
    }:
        job.tell("checkout-ref", given.line_of("ref"), spell(ref))
    for key in ("token", "ssh-key"):
        if key in given:
            job.tell("checkout-login", given.line_of(key), key, spell(scope.value(key)[0][1]))
