"""Other programs of the kind, installed into ``.peers``, each with its smallest comparable job."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import PYTHON, Failed, Job, first_error, remove

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
FOLDER = HERE / ".peers"
JOBS = HERE / "jobs"
_TEMPLATE = "pipeline.yml.jinja"


@dataclass(frozen=True)
class Peer:
    """A program, where it comes from, and what it is asked to do for so many images."""

    name: str
    registry: str
    """``pip``, ``npm``, or empty for what is on the machine or not."""
    packages: tuple[str, ...]
    does: str
    make: Callable[[Path, int, str], Job]
    """A job from its own folder, the number of images, and a pipeline for GitLab of that many."""

    @property
    def home(self) -> Path:
        return FOLDER / self.name


def _gcip(folder: Path, count: int, _: str) -> Job:
    return _python("gcip", folder, "pipeline_with_gcip.py", count)


def _buildkite_sdk(folder: Path, count: int, _: str) -> Job:
    return _python("buildkite-sdk", folder, "steps_with_buildkite_sdk.py", count)


def _jsonnet(folder: Path, count: int, _: str) -> Job:
    return _python("jsonnet", folder, "pipeline_with_jsonnet.py", count)


def _zizmor(folder: Path, count: int, _: str) -> Job:
    steps = "{runs-on: ubuntu-24.04, timeout-minutes: 60, permissions: {}, steps: [{run: make}]}"
    jobs = "".join(f"  image-{number:04}: {steps}\n" for number in range(count))
    head = 'name: images\n"on": {push: {branches: [main]}}\npermissions: {}\njobs:\n'
    (folder / "workflow.yml").write_text(head + jobs)
    argv = (_program("zizmor", "zizmor"), "--offline", "--no-exit-codes", "workflow.yml")
    return Job(argv, folder, environment={"PYTHONPATH": ""}, silent=False)


def _python(peer: str, folder: Path, script: str, count: int) -> Job:
    argv = (_program(peer, "python"), str(JOBS / script), str(count))
    return Job(argv, folder, environment={"PYTHONPATH": ""}, silent=False)


def _projen(folder: Path, count: int, _: str) -> Job:
    return _node("projen", folder, "workflow_with_projen.cjs", count)


def _cdk8s(folder: Path, count: int, _: str) -> Job:
    return _node("cdk8s", folder, "pods_with_cdk8s.cjs", count)


def _node(peer: str, folder: Path, script: str, count: int) -> Job:
    made = folder / "made"
    argv = (_found("node"), str(JOBS / script), str(count), str(made))
    modules = str(FOLDER / peer / "node_modules")
    environment = {"NODE_PATH": modules, "PROJEN_DISABLE_POST": "true"}
    return Job(argv, folder, environment=environment, before=lambda: remove(made))


def _jinja2_cli(folder: Path, count: int, _: str) -> Job:
    program = _program("jinja2-cli", "jinja2")
    argv = (program, str(JOBS / _TEMPLATE), "-D", f"count={count}")
    return Job(argv, folder, environment={"PYTHONPATH": ""}, silent=False)


def _copier(folder: Path, count: int, _: str) -> Job:
    template, made = folder / "template", folder / "made"
    template.mkdir()
    shutil.copy(JOBS / _TEMPLATE, template)
    (template / "copier.yml").write_text("count: {type: int, default: 1}\n")
    options = ("--quiet", "--defaults", "--data", f"count={count}")
    argv = (_program("copier", "copier"), "copy", *options, str(template), str(made))
    return Job(argv, folder, environment={"PYTHONPATH": ""}, before=lambda: remove(made))


def _check_jsonschema(folder: Path, count: int, pipeline: str) -> Job:
    (folder / "pipeline.yml").write_text(pipeline)
    program = _program("check-jsonschema", "check-jsonschema")
    argv = (program, "--builtin-schema", "vendor.gitlab-ci", "pipeline.yml")
    return Job(argv, folder, environment={"PYTHONPATH": ""}, silent=False)


def _kustomize(folder: Path, count: int, _: str) -> Job:
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"image-{number:04}"},
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "kaniko",
                        "image": "ghcr.io/osscontainertools/kaniko:v1.28.3",
                        "args": [f"--destination=ghcr.io/acme/image-{number:04}:1.0"],
                    }
                ],
            },
        }
        for number in range(count)
    ]
    (folder / "pods.yaml").write_text("---\n".join(f"{json.dumps(pod)}\n" for pod in pods))
    (folder / "kustomization.yaml").write_text("resources: [pods.yaml]\nnamePrefix: build-\n")
    return Job((_found("kubectl"), "kustomize", "."), folder, silent=False)


PEERS = (
    Peer("gcip", "pip", ("gcip==9.2.3",), "prints a GitLab pipeline", _gcip),
    Peer("projen", "npm", ("projen@0.103.25",), "synthesises a GitHub workflow", _projen),
    Peer("cdk8s", "npm", ("cdk8s@2.70.106",), "synthesises Pods", _cdk8s),
    Peer(
        "buildkite-sdk",
        "pip",
        ("buildkite-sdk==0.12.0",),
        "prints a Buildkite pipeline",
        _buildkite_sdk,
    ),
    Peer("jinja2-cli", "pip", ("jinja2-cli==1.0.1",), "fills a template for GitLab", _jinja2_cli),
    Peer("copier", "pip", ("copier==9.19.1",), "copies a template of one file", _copier),
    Peer(
        "check-jsonschema",
        "pip",
        ("check-jsonschema==0.39.0",),
        "validates what `render gitlab` printed",
        _check_jsonschema,
    ),
    Peer("jsonnet", "pip", ("jsonnet==0.22.0",), "evaluates a GitLab pipeline", _jsonnet),
    Peer("zizmor", "pip", ("zizmor==1.32.0",), "audits a workflow of GitHub", _zizmor),
    Peer("kubectl kustomize", "", (), "puts a prefix before the names of Pods", _kustomize),
)


def install(peer: Peer) -> None:
    """Bring a peer into its own folder, unless it is there. Raises Failed."""
    if not peer.registry:
        _found(peer.name.partition(" ")[0])
        return
    stamp = peer.home / "installed"
    wanted = f"{PYTHON} {sys.version}\n{' '.join(peer.packages)}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    remove(peer.home)
    peer.home.mkdir(parents=True)
    print(f"installing {peer.name}", file=sys.stderr, flush=True)
    if peer.registry == "pip":
        _run([PYTHON, "-m", "venv", str(peer.home)], peer.home)
        pip = [_program(peer.name, "python"), "-m", "pip", "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", *peer.packages], peer.home)
    else:
        (peer.home / "package.json").write_text('{"private": true}\n')
        npm = [_found("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run([*npm, *peer.packages], peer.home)
    stamp.write_text(wanted)


def version(peer: Peer) -> str:
    """The release that is measured."""
    if peer.packages:
        return re.split("==|@", peer.packages[0])[-1]
    argv = [*peer.name.split()[:1], "version", "--client"]
    told = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Kustomize Version: v?([\d.]+)", told)
    return found[1] if found else "unknown"


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(first_error(done.stderr or done.stdout))


def _program(peer: str, name: str) -> str:
    return str(FOLDER / peer / ("Scripts" if sys.platform == "win32" else "bin") / name)


def _found(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Failed(f"there is no {name} on this machine")
    return path
