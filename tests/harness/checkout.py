"""A checkout that has what a spec asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.spec.build import SpecFields
    from harness.repository import Repository


def lay_out(repository: Repository, spec: SpecFields) -> None:
    """Write the Dockerfiles of a spec: with its stages, and all that it gives them."""
    lines: dict[str, list[str]] = {}
    for build in spec.builds:
        if "://" in build.context or "://" in build.dockerfile or "${" in build.context:
            continue
        mounts = [f"RUN --mount=type=secret,id={name} true" for name in build.build_secrets]
        arguments = [f"ARG {name}" for name in build.build_args]
        stage = f" AS {build.target}" if build.target else ""
        path = f"{build.context}/{build.dockerfile}"
        base = "alpine" if build.options.registry_mirror else "scratch"
        lines.setdefault(path, []).extend([f"FROM {base}{stage}", *arguments, *mounts])
    for path, written in lines.items():
        (repository.folder / path.rpartition("/")[0]).mkdir(parents=True, exist_ok=True)
        repository.write(path, "\n".join([*written, ""]))
