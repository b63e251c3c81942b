"""``actions/checkout``: what it fetches beside the files of the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Var, literal, spell
from ci_kaniko.importing.jobs import Root
from ci_kaniko.importing.readers.accounting import ignore_keys
from ci_kaniko.importing.readers.documents import string
from ci_kaniko.importing.readers.github.knowledge import WORKSPACE

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.github.scope import Scope


def check_out(scope: Scope) -> None:
    """What the step fetches, as ``checkout:``; the rest is told."""
    given, job = scope.given, scope.job
    found: dict[str, Any] = {}
    submodules = string(given.get("submodules"))
    if submodules in {"true", "recursive"}:
        found["submodules"] = True if submodules == "true" else "recursive"
    if string(given.get("lfs")) == "true":
        found["lfs"] = True
    depth = string(given.get("fetch-depth"))
    if depth.isdigit() and int(depth) > 1:
        found["depth"] = int(depth)
    elif depth == "0":
        job.left(
            "fetch-depth",
            "fetch-depth: 0 fetches the whole history, and the spec fetches one commit",
            given.line_of("fetch-depth"),
            "checkout: {depth: N} fetches so many commits",
        )
    if found:
        job.shared["checkout"] = {**job.shared.get("checkout", {}), **found}
    ignore_keys(given, "GitHub checkout")
    _elsewhere(scope)


def _elsewhere(scope: Scope) -> None:
    given, job = scope.given, scope.job
    repository = scope.value("repository")[0][1]
    path = literal(scope.value("path")[0][1])
    ref = scope.value("ref")[0][1]
    if repository and repository != (Var("github.repository"),):
        where = f" into {path}" if path else ""
        job.left(
            "other-repository",
            f"the repository {spell(repository)} is checked out{where}",
            given.line_of("repository"),
            "the spec builds the repository that it lies in; context: git://... is another one",
        )
    elif path and path.strip("./"):
        folder = path.removeprefix("./").strip("/")
        job.roots.insert(0, Root((WORKSPACE, f"/{folder}")))
        job.roots.insert(0, Root((Var("github.workspace"), f"/{folder}")))
        job.left(
            "checkout-path",
            f"the repository is checked out into {path}",
            given.line_of("path"),
            "in the spec, paths start at the root of the repository",
        )
    if ref and ref not in {
        (Var("github.sha"),),
        (Var("github.ref"),),
        (Var("github.ref_name"),),
    }:
        job.left(
            "checkout-ref",
            f"ref: {spell(ref)} is checked out instead of the commit of the run",
            given.line_of("ref"),
            "the spec builds the commit of the run",
        )
    for key in ("token", "ssh-key"):
        if key in given:
            job.left(
                "checkout-login",
                f"{key}: {spell(scope.value(key)[0][1])} is what the checkout logs in with",
                given.line_of(key),
                "the rendered job uses its own token",
            )
