"""Outside validators: each takes files and gives one line per finding, the file's name first."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import yaml

from ci_kaniko.rehearsing import expressions, yaml11
from ci_kaniko.rehearsing.runners.github import github_known
from ci_kaniko.rehearsing.triggers import gitlab_variables
from harness import judge, tools
from harness.cases import BROKEN, SNAPSHOTS, snapshots
from harness.events import EVENTS, OTHER_EVENTS
from harness.scripts import pod_specs, scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ci_kaniko.rehearsing.events import Event

    Validator = Callable[[Sequence[Path]], list[str]]

TIMEOUT = 120
NO_SCHEMA = "--json-schema-validation=false"
"""Most of what gitlab-ci-local does, and check-jsonschema does it, too."""
KUBERNETES = "1.37"

# A warning of yamllint counts; long lines of shell are no fault.
YAMLLINT = """
extends: default
rules:
  comments: {min-spaces-from-content: 1}
  document-start: disable
  line-length: disable
  # blanks at the end of a line can be part of a user's text inside a script
  trailing-spaces: disable
"""

ACTIONLINT = """
self-hosted-runner:
  labels: ["acme-*"]
"""


SHELLCHECK = "SC1091,SC2050,SC2153,SC2154,SC2157,SC2194"
"""What is no fault where others set the variables, and files are elsewhere."""


class BrokenTool(Exception):
    """A validator ended without a verdict."""


def check_jsonschema(schema: str, files: Sequence[Path], *options: str) -> list[str]:
    """The function behind the command, which takes as long to start as to read a hundred files.

    It gets them as JSON: its own reader of YAML takes most of the time, and others judge that.
    """
    from check_jsonschema import main

    with _staged(files, pieces=_documents_as_json) as (directory, names):
        said = io.StringIO()
        words = ["--builtin-schema", schema, *options, "-v", "-o", "json"]
        with redirect_stdout(said), pytest.raises(SystemExit):
            main([*words, *(str(directory / name) for name in names)])
        report = json.loads(said.getvalue())
    errors = [*report["errors"], *report.get("parse_errors", ())]
    passed = report.get("checked_paths", ()) or report["successes"]
    _all_seen(names, [*passed, *(error["filename"] for error in errors)])
    return [_schema_finding(error) for error in errors]


def _documents(path: Path) -> dict[str, str]:
    """The documents of a file one by one."""
    text = path.read_text(encoding="utf-8")
    first, separator, second = text.partition("\n---\n")
    if separator:
        return {f"{path.stem}.head.yml": f"{first}\n", path.name: second}
    return {path.name: text}


def _documents_as_json(path: Path) -> dict[str, str]:
    documents = _documents(path).items()
    return {f"{name}.json": json.dumps(yaml11.load(text)) for name, text in documents}


def _schema_finding(error: Any) -> str:
    attempts = error.get("sub_errors") or [error]
    said = dict.fromkeys(f"{one.get('path', '')} {one['message']}" for one in attempts)
    return f"{Path(error['filename']).name.removesuffix('.json')}: {' | '.join(said)}"


def gitlab_ci_local(files: Sequence[Path]) -> list[str]:
    """Merge the file and evaluate its rules as in the pipeline of a tag."""
    options = ["--preview", "--variable", "CI_COMMIT_TAG=v1.2.3"]
    options += ["--evaluate-rule-changes", "false"]

    def preview(directory: Path, name: str) -> list[str]:
        state = ["--home", str(directory), "--state-dir", f".state/{name}"]
        done = _run(directory, ["gitlab-ci-local", "--file", name, *state, *options])
        said = " ".join((done.stderr + done.stdout).split())
        return [f"{name}: {said}"] if done.returncode else []

    return _together(files, preview)


def _together(files: Sequence[Path], check: Callable[[Path, str], list[str]]) -> list[str]:
    """What a tool finds that takes long to start.

    The jobs of all files are first read as one pipeline; only when something is found there is each
    file read by itself, to name the culprit.
    """
    with TemporaryDirectory() as directory:
        together = Path(directory) / "together.yml"
        together.write_text(_one_pipeline(files), encoding="utf-8")
        found = _one_by_one([together], check)
    return _one_by_one(files, check, _pipeline) or found if found else []


def _pipeline(path: Path) -> dict[str, str]:
    return {path.name: _one_pipeline([path])}


def _one_pipeline(files: Sequence[Path]) -> str:
    """The jobs of many files, with the files' names before theirs, and every stage once."""
    # The name of an input stands for its value, so "stage" is what a component's caller chose.
    stages, jobs = dict.fromkeys(("build", "test", "deploy", "stage")), []
    for path in files:
        key, field, rest = "", "", []
        for line in _documents(path)[path.name].splitlines():
            if line and line[0] not in " #-":
                key = line
                rest.append(_renamed(path.stem, line[:-1]) + ":" if line != "stages:" else "")
                continue
            field = line.strip() if re.match(r"  \S", line) else field
            if key == "stages:":
                stages.update(dict.fromkeys([line.removeprefix("  - ")] if line else []))
            elif line.startswith("  extends: "):
                rest.append("  extends: " + _renamed(path.stem, line.removeprefix("  extends: ")))
            elif field == "needs:" and (need := re.match(r"    - (?:job: )?(?=\S)", line)):
                rest.append(need[0] + _renamed(path.stem, line[need.end() :]))
            else:
                rest.append(re.sub(r"\$\[\[ inputs\.(\w+) \]\]", r"\1", line))
        jobs.append("\n".join(rest))
    listed = "".join(f"  - {stage}\n" for stage in stages)
    return f"stages:\n{listed}" + "\n".join(jobs) + "\n"


def _renamed(stem: str, name: str) -> str:
    """A job of a file among those of others; hidden ones stay hidden."""
    name = yaml11.load(name)
    return json.dumps(f".{stem} {name[1:]}" if name.startswith(".") else f"{stem} {name}")


def git_repository(folder: Path) -> None:
    """A commit of everything in a folder."""
    author = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    _run(folder, ["git", "init", "--quiet", "--initial-branch=main"])
    _run(folder, ["git", "add", "."])
    _run(folder, ["git", *author, "commit", "--quiet", "--message=x"])


def gitlab_ci_jobs(folder: Path, event: Event) -> set[str]:
    """The jobs that gitlab-ci-local lists for an event in the repository in a folder."""
    command = ["gitlab-ci-local", "--list-csv", "--state-dir", f".state/{event.name}"]
    command.append(NO_SCHEMA)
    variables = gitlab_variables(event)
    for name in ("CI_COMMIT_BRANCH", "CI_COMMIT_TAG"):
        if name not in variables:
            command += ["--unset-variable", name]
    for name, value in variables.items():
        command += ["--variable", f"{name}={value}"]
    listed = _run(folder, [*command, "--home", str(folder)]).stdout.splitlines()
    return {line.partition(";")[0] for line in listed if ";" in line} - {"name"}


def zizmor(files: Sequence[Path]) -> list[str]:
    with _staged(files, ".github/workflows") as (directory, names):
        options = ["--offline", "--no-config", "--strict-collection", "--no-exit-codes"]
        command = ["zizmor", *options, "--persona", "pedantic", "--format", "json"]
        done = _run(directory, [*command, *names], verdicts=(0,))
    _all_seen(names, re.findall(r"completed (\S+)", done.stderr))
    return [_zizmor_finding(finding) for finding in json.loads(done.stdout)]


def _zizmor_finding(finding: Any) -> str:
    place = next(one for one in finding["locations"] if one["symbolic"]["kind"] == "Primary")
    name = Path(place["symbolic"]["key"]["Local"]["verbatim_path"]).name
    line = place["concrete"]["location"]["start_point"]["row"] + 1
    return f"{name}:{line}: {finding['ident']} {place['symbolic']['annotation']}"


def actionlint(files: Sequence[Path]) -> list[str]:
    with _staged(files, ".github/workflows") as (directory, names):
        (directory / "actionlint.yaml").write_text(ACTIONLINT)
        # What it would ask shellcheck of each script is asked of all at once, below.
        options = ["-no-color", "-config-file", "actionlint.yaml", "-format", "{{json .}}"]
        options += ["-shellcheck=", "-pyflakes="]
        done = _run(directory, ["actionlint", *options, *names])
    return [
        f"{Path(one['filepath']).name}:{one['line']}: {one['kind']} {one['message']}"
        for one in json.loads(done.stdout)
    ]


def workflow_parser(files: Sequence[Path]) -> list[str]:
    """What GitHub itself reads: the file, and each expression with what an event brings."""
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        said = judge.workflow_of(text).errors
        found += [f"{path.name}: {line}" for line in said or _unreadable(text)]
    return found


def _unreadable(text: str) -> Iterator[str]:
    workflow = yaml11.load(text)
    statuses = dict.fromkeys(("success", "failure", "cancelled", "always"), False)
    results: expressions.Known = {
        f"jobs.{name}.outputs.{output}": ""
        for name, job in workflow["jobs"].items()
        for output in job.get("outputs") or {}
    }
    for event, job in product((*EVENTS, *OTHER_EVENTS), workflow["jobs"].values()):
        known = {**results, **github_known(workflow, job, event)}
        for one in _expressions([job, {**workflow, "jobs": {}}]):
            try:
                value = expressions.evaluate(one, known, statuses)
            except expressions.Refused as refused:
                yield f"{event.name}: {refused}"
                continue
            if expressions.OURS.evaluate(one, known, statuses) != value:
                yield f"{event.name}: a rehearsal reads {one} otherwise"
    yield from _read_otherwise(text, workflow)


_ENDINGS = (
    {"success": True, "failure": False, "cancelled": False, "always": True},
    {"success": False, "failure": True, "cancelled": False, "always": True},
    {"success": False, "failure": False, "cancelled": False, "always": True},
)
"""What the jobs before one may leave: all passed, one failed, or one was skipped."""


def _read_otherwise(text: str, workflow: Mapping[str, Any]) -> Iterator[str]:
    """Jobs whose condition a rehearsal completes in another way than GitHub."""
    theirs, ours = judge.workflow_of(text).conditions, expressions.OURS.conditions(text)
    for event, (name, job) in product((*EVENTS, *OTHER_EVENTS), workflow["jobs"].items()):
        known = github_known(workflow, job, event)
        for statuses in _ENDINGS:
            value = expressions.evaluate(theirs[name], known, statuses)
            if expressions.OURS.evaluate(ours[name], known, statuses) != value:
                yield f"{event.name}: a rehearsal starts {name} otherwise"


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _expressions(item)
    else:
        yield from expressions.expressions(str(value))


def yamllint(files: Sequence[Path]) -> list[str]:
    """The Python function: the command takes longer to start than to read most files."""
    from yamllint import config, linter

    rules = config.YamlLintConfig(YAMLLINT)
    # Beside its rules it looks whether a file can be parsed, for which PyYAML has a parser in C.
    quick = SimpleNamespace(**{**vars(yaml), "BaseLoader": yaml.CBaseLoader})
    with mock.patch.object(linter, "yaml", quick):
        return [
            f"{path.name}:{found.line}:{found.column}: [{found.level}] {found.message}"
            for path in files
            for found in linter.run(path.read_bytes(), rules, str(path))
        ]


def kubernetes_validate(target: str, files: Sequence[Path]) -> list[str]:
    """The Python function: the command dies of a manifest with generateName."""
    from kubernetes_validate import ValidationError, utils, validate

    findings = []
    # It would read all schemas for each manifest.
    with mock.patch.object(utils, "schema_contents", functools.cache(utils.schema_contents)):
        for path in files:
            for document in yaml11.load_all(path.read_text(encoding="utf-8")):
                for manifest in _manifests(target, document):
                    try:
                        validate(manifest, KUBERNETES, strict=True)
                    except ValidationError as error:
                        findings.append(f"{path.name}: {error.json_path} {error.message}")
    return findings


def _manifests(target: str, document: Any) -> Iterator[Any]:
    if target == "kubernetes":
        yield document
    else:
        for spec in pod_specs(target, document):
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}


def shellcheck(target: str, files: Sequence[Path]) -> list[str]:
    """Every script of every file, read as POSIX sh: each of the shells takes more than that.

    What variables may hold takes a quarter of the time to find out, and tells about ``$?`` and in
    hints that only GitHub's users see.
    """
    places: dict[str, str] = {}
    for path in files:
        for number, script in enumerate(scripts(target, path), start=1):
            places.setdefault(script, f"{path.name}:script-{number}")
    severity = "style" if target == "github" else "warning"
    followed = {s: name for s, name in places.items() if "$?" in s or severity == "style"}
    plain = {script: name for script, name in places.items() if script not in followed}
    return [
        *_checked_by_shellcheck(followed, severity),
        *_checked_by_shellcheck(plain, severity, "--extended-analysis=false"),
    ]


def _checked_by_shellcheck(places: Mapping[str, str], severity: str, *more: str) -> list[str]:
    if not places:
        return []
    with TemporaryDirectory() as directory:
        for script, name in places.items():
            (Path(directory) / name).write_text(script, encoding="utf-8")
        options = ["--norc", "-s", "sh", "-S", severity, "-e", SHELLCHECK, "-f", "json", *more]
        done = _run(Path(directory), ["shellcheck", *options, *places.values()])
    return [
        f"{one['file']}:{one['line']}: SC{one['code']} {one['message']}"
        for one in json.loads(done.stdout)
    ]


VALIDATORS: dict[str, dict[str, Validator]] = {
    "gitlab": {
        "check-jsonschema": lambda files: check_jsonschema(
            "vendor.gitlab-ci", files, "--data-transform", "gitlab-ci"
        ),
        "gitlab-ci-local": gitlab_ci_local,
    },
    "github": {
        "actionlint": actionlint,
        "workflow-parser": workflow_parser,
        "check-jsonschema": partial(check_jsonschema, "vendor.github-workflows"),
        "require-timeout": partial(check_jsonschema, "custom.github-workflows-require-timeout"),
        "zizmor": zizmor,
    },
    "kubernetes": {"kubernetes-validate": partial(kubernetes_validate, "kubernetes")},
    "buildkite": {
        "check-jsonschema": partial(check_jsonschema, "vendor.buildkite"),
        "kubernetes-validate": partial(kubernetes_validate, "buildkite"),
    },
    "agola": {},
}
for _target, _validators in VALIDATORS.items():
    _validators["shellcheck"] = partial(shellcheck, _target)
    _validators["yamllint"] = yamllint


RENDERED = sorted(path.name for path in SNAPSHOTS.iterdir() if path.is_dir())

STOPS = {"gitlab-ci-local"}
"""What reads all files as one pipeline as long as there is nothing to find."""


def broken(target: str, validator: str) -> list[Path]:
    """Files of which the first line says what has to be found in them."""
    return sorted((BROKEN / target).glob(f"{validator}.*.yml"))


@functools.cache
def found(target: str, validator: str, *, in_broken: bool) -> list[str]:
    """What is found in snapshots, or in broken files; the tool starts once for both."""
    check, files = VALIDATORS[target][validator], broken(target, validator)
    assert files
    if validator in STOPS or target not in RENDERED:
        return check(files if in_broken else snapshots(target))
    names = tuple(f"{path.name}:" for path in files)
    return [
        line for line in _found_in_all(target, validator) if line.startswith(names) == in_broken
    ]


def not_told(target: str, validator: str) -> list[str]:
    """The broken files in which a validator does not find what their first lines say."""
    lines = found(target, validator, in_broken=True)
    left = []
    for path in broken(target, validator):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        expected = first.removeprefix("# finds: ")
        assert expected != first
        if not any(line.startswith(path.name) and re.search(expected, line) for line in lines):
            left.append(path.name)
    return left


@functools.cache
def _found_in_all(target: str, validator: str) -> list[str]:
    files = [*snapshots(target), *broken(target, validator)]
    assert len({path.name for path in files}) == len(files)
    return VALIDATORS[target][validator](files)


def _run(
    directory: Path, command: Sequence[str], *, verdicts: Sequence[int] = (0, 1)
) -> subprocess.CompletedProcess[str]:
    """Run a tool away from the settings of the user and of this repository."""
    program = tools.program(command[0])
    env = {"PATH": tools.SEARCH, "HOME": str(directory), "LANG": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(
        [program, *command[1:]],
        cwd=directory,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode not in verdicts:
        said = done.stderr.strip() or done.stdout.strip()
        raise BrokenTool(f"{command[0]} ended with {done.returncode}: {said}")
    return done


def _whole(path: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode()}


@contextmanager
def _staged(
    files: Sequence[Path],
    folder: str = ".",
    pieces: Callable[[Path], dict[str, str]] = _whole,
) -> Iterator[tuple[Path, list[str]]]:
    """A new git repository with copies of the files in a folder, and their names from its root."""
    with TemporaryDirectory() as scratch:
        directory = Path(scratch)
        _run(directory, ["git", "init", "--quiet", "--initial-branch=main"])
        (directory / folder).mkdir(parents=True, exist_ok=True)
        names = []
        for path in files:
            for name, text in pieces(path).items():
                copy = directory / folder / name
                copy.write_bytes(text.encode())
                names.append(str(copy.relative_to(directory)))
        yield directory, names


def _one_by_one(
    files: Sequence[Path],
    check: Callable[[Path, str], list[str]],
    pieces: Callable[[Path], dict[str, str]] = _whole,
) -> list[str]:
    """For a tool that takes one file a call."""
    staged = _staged(files, pieces=pieces)
    with staged as (directory, names), ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(partial(check, directory), names) for line in lines]


def _all_seen(names: Sequence[str], seen: Sequence[str]) -> None:
    unseen = {Path(name).name for name in names} - {Path(name).name for name in seen}
    if unseen:
        raise BrokenTool(f"no verdict on {', '.join(sorted(unseen))}")
