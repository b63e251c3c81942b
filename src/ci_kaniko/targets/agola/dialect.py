"""How scripts in Agola's tasks know things, and where their files lie."""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.plan.model import CHECKOUT, OUTPUT
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.dialect import Cell, Impossible, PlainDialect, Site
from ci_kaniko.syntax.grammar import inside_repository
from ci_kaniko.targets.shared import config_folder, remote_url
from ci_kaniko.text.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.plan.model import Plan

SOURCE = "/kaniko/src"
OUTPUTS = "/kaniko/output"
DIGESTS = "/kaniko/digest"
"""The repository, the files that the executor writes, and the digest that it hands over."""

_NO_REGISTRY = Impossible("Agola has no registry of its own", "name the registry's host")

_CELLS: dict[str, Cell | Impossible] = {
    "commit.sha": Cell("AGOLA_GIT_COMMITSHA"),
    "commit.timestamp": Cell("committed"),
    "branch": Cell("AGOLA_GIT_BRANCH"),
    "tag": Cell("AGOLA_GIT_TAG"),
    "pull_request.number": Cell("AGOLA_PULL_REQUEST_ID"),
    "repository.url": Cell("repository_url", define=(remote_url("AGOLA_REPOSITORY_URL"),)),
    "repository.path": Cell(
        "repository_path",
        define=(remote_url("AGOLA_REPOSITORY_URL"), "repository_path=${repository_url#https://*/}"),
    ),
    "registry.host": _NO_REGISTRY,
    "registry.image": _NO_REGISTRY,
    "build.id": Impossible("Agola passes no id of a run", "use ${build.number}"),
    "build.number": Cell("AGOLA_RUN_COUNTER"),
    "build.url": Impossible("Agola passes no address of a run", "use ${repository.url}"),
}


def output_folders(plan: Plan) -> list[str]:
    """Folders of output files that the executor does not make itself.

    It makes those of digest files and layouts, but not that of a tar; and what only a run that
    pushes writes is missing after the others.
    """
    options = plan.spec.options
    if not plan.outputs:
        return []
    if options.tar_path:
        folder = _folder(options.tar_path)
        made = options.digest_file and f"{_folder(options.digest_file)}/".startswith(f"{folder}/")
        return [] if made else [folder]
    written = options.digest_file or options.oci_layout_path or plan.pushes_always
    return [] if written else [OUTPUTS]


def _folder(path: str) -> str:
    """The folder that an output file is written to."""
    return f"{OUTPUTS}/{inside_repository(path)}".rpartition("/")[0]


def _opening(plan: Plan) -> list[str]:
    """The folders that a script needs; one that is saved must be there even when it is empty."""
    needed = [DIGESTS] * plan.spec.digest + output_folders(plan)
    needed = [builder_of(plan).path(folder) for folder in needed]
    lines = config_folder(plan)
    return [" ".join([*(lines or ["mkdir -p"]), *map(quote, needed)])] if needed else lines


class _Agola(PlainDialect):
    target = "agola"
    tests: Mapping[str, str] = {
        "pull-request": '[ -n "$AGOLA_PULL_REQUEST_ID" ]',
        "no-pull-request": '[ -z "$AGOLA_PULL_REQUEST_ID" ]',
    }
    site = Site(
        places={CHECKOUT: Cell(literal=SOURCE), OUTPUT: Cell(literal=OUTPUTS)},
        opening=_opening,
    )
    secret_hint = "map a secret to this variable in the settings of the project"
    no_identity = "Agola gives a job no identity of its own"

    def cell(self, name: str, plan: Plan) -> Cell | Impossible | None:
        if name.startswith("env."):
            variable = name.removeprefix("env.")
            return Cell(variable, env=(variable, variable))
        if name == "default_branch":
            if plan.spec.default_branch:
                return Cell(literal=plan.spec.default_branch)
            return Impossible("Agola does not tell", "add default_branch: main at the top")
        return _CELLS.get(name)


DIALECT = _Agola()
