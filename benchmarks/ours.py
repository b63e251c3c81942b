"""What ci-kaniko is measured by: the rows of its reach, and what the fixed packages cost."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measuring import PYTHON, Failed, Job, first_error, remove

if TYPE_CHECKING:
    from collections.abc import Callable

    from measuring import Machine

OUTPUTS = {
    "gitlab": ".gitlab-ci.yml",
    "github": ".github/workflows/images.yml",
    "buildkite": ".buildkite/pipeline.yml",
    "agola": ".agola/config.yml",
    "kubernetes": "kaniko.yaml",
}
SIZES = (1, 10, 100, 1000)
_FITTING = {"github": 250, "buildkite": 250, "agola": 500}
"""How many images these platforms take in one file, roughly; they are told to take no more."""

_VALUES = (
    "commit.sha=12345e6789abcdef0123456789abcdef01234567",
    "branch=main",
    "default_branch=main",
    "repository.url=https://github.com/acme/shop",
)
_ONE = """\
destinations: ["ghcr.io/acme/shop:${commit.short}"]
registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}
build_args: {VERSION: "${tag:-dev}"}
outputs: {gitlab: .gitlab-ci.yml}
"""
_BAD = _ONE.replace("destinations:", "destinaions:")


class Goal(NamedTuple):
    """A row of the reach: what is to be reached at least, and what is aimed at."""

    what: str
    job: str
    must: float
    aim: float


GOALS = (
    Goal("`check`, in sync, one output, seen before", "check", 1.5, 1.3),
    Goal("the same, not seen before", "check-new", 8.5, 6),
    Goal("`check`, in sync, 1,000 images, five outputs, seen before", "check-1000", 4, 2),
    Goal("`render gitlab`, one image", "render", 8, 5.5),
    Goal("`validate`, one image", "validate", 8, 5.5),
    Goal("`preview`, one image", "preview", 9, 6),
    Goal("`sync` of five targets", "sync", 10, 8),
    Goal("`import ci_kaniko`", "import", 1.5, 1.2),
    Goal("`--version`", "version", 1.3, 1.1),
    Goal("`--help`", "help", 1.6, 1.2),
    Goal("`render --help`", "help-render", 1.6, 1.2),
    Goal("a bad spec reported with line, column, hint", "bad", 7.5, 5.5),
    Goal("1,000 images, one target", "gitlab-1000", 32, 25),
)
GROWTH = Goal("growth t(1000)/t(100)", "gitlab-1000 / gitlab-100", 9, 3)
PEAK = Goal("1,000 images, one target: peak memory", "gitlab-1000", 80, 32)
BESIDE = {
    "shim": "the same `check` as `ci-kaniko`, the script that pip makes",
    "check-1000-new": "`check`, 1,000 images, five outputs, not seen before",
}
"""Rows without a goal."""

FLOORS = {
    "python -c pass": "pass",
    "PyYAML imported": "import yaml",
    "Jinja2 imported": "import jinja2",
    "Jinja2 and one small template filled": (
        "import jinja2; jinja2.Environment().from_string('{{ a }}').render(a=1)"
    ),
    "ruamel.yaml imported": "import ruamel.yaml",
    "pydantic imported, one model of one field built and filled": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    a: str\nA(a='a')"
    ),
    "Typer imported": "import typer",
    "Typer with one empty command, run": (
        "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None: ...\napp()"
    ),
    "all of them: one command that reads YAML into a model and fills a template": """
import typer
app = typer.Typer()
@app.command()
def main() -> None:
    import jinja2, pydantic, yaml
    class A(pydantic.BaseModel):
        a: str
    found = A(**yaml.load('a: a', Loader=yaml.CSafeLoader))
    jinja2.Environment().from_string('{{ a }}').render(a=found.a)
app()
""",
    "of them what `render` needs, and nobody looks for garbage": """
import atexit, gc
gc.disable()
atexit.register(gc.freeze)
import jinja2, pydantic, yaml
class A(pydantic.BaseModel):
    a: str
found = A(**yaml.load('a: a', Loader=yaml.CSafeLoader))
jinja2.Environment().from_string('{{ a }}').render(a=found.a)
""",
    "PyYAML's C parser over the spec of 1,000 images and what GitLab gets": """
import yaml
for name in ('ci-kaniko.yaml', '.gitlab-ci.yml'):
    with open(name) as file:
        for event in yaml.parse(file.read(), Loader=yaml.CSafeLoader):
            pass
""",
}
PACKAGES = ("jinja2", "pydantic", "pyyaml", "ruamel.yaml", "typer")


def many(count: int, outputs: str = "{}", context: str = "services/${image.name}") -> str:
    """A spec of so many images."""
    names = "".join(f"  image-{number:04}: {{}}\n" for number in range(count))
    tag = "1.0" if "://" in context else "${commit.sha}"
    return (
        f"context: {context}\n"
        "default_branch: main\n"
        "build_args: {VERSION: dev}\n"
        f'destinations: ["ghcr.io/acme/${{image.name}}:{tag}"]\n'
        "registries: {ghcr.io: {username: acme-bot, password: GHCR_TOKEN}}\n"
        f"outputs: {outputs}\n"
        f"images:\n{names}"
    )


def five(count: int) -> str:
    """A spec with an output for every target."""
    outputs = {
        target: f"{{path: {path}, only: [{_first(_FITTING[target])}]}}"
        if count > _FITTING.get(target, count)
        else path
        for target, path in OUTPUTS.items()
    }
    listed = ", ".join(f"{target}: {path}" for target, path in outputs.items())
    spec = many(count, f"{{{listed}}}", "git://github.com/acme/shop.git#refs/heads/main")
    return f'{spec}rules: {{unlisted-image: "off"}}\n' if count > min(_FITTING.values()) else spec


def _first(count: int) -> str:
    return ", ".join(f"image-{number:04}" for number in range(count))


def reach(machine: Machine) -> dict[str, Job]:
    """The jobs of the goals and of the rows beside; those of ``seen before`` were seen."""
    one = _repository(machine, "one", _ONE)
    fresh = _repository(machine, "five", five(1))
    thousand = _repository(machine, "five-1000", five(1000))
    for folder in (one, thousand):
        sync(machine, folder)
    jobs = {
        "check": _command(one, "check"),
        "check-1000": _command(thousand, "check"),
        "render": _command(one, "render gitlab", silent=False),
        "sync": _command(fresh, "sync", before=lambda: _forget(fresh)),
        "import": Job((PYTHON, "-c", "import ci_kaniko"), one),
        "version": _command(one, "--version", silent=False),
        "help": _command(one, "--help", silent=False),
        "help-render": _command(one, "render --help", silent=False),
        "preview": _command(one, "preview", silent=False),
        "bad": _command(_repository(machine, "bad", _BAD), "render gitlab", code=1, silent=False),
        "check-new": _command(one, "check --no-cache"),
        "check-1000-new": _command(thousand, "check --no-cache"),
        "validate": _command(one, "validate", silent=False),
    }
    shim = Path(sysconfig.get_path("scripts"), "ci-kaniko")
    if shim.is_file():
        jobs["shim"] = Job((str(shim), "check"), one)
    return jobs


def scaling(machine: Machine, sizes: tuple[int, ...]) -> dict[tuple[str, int], Job]:
    """``render`` of every target for so many images."""
    values = " ".join(f"--set {value}" for value in _VALUES)
    jobs = {}
    for count in sizes:
        folder = _repository(machine, f"images-{count}", many(count))
        for target in OUTPUTS:
            given = f" {values}" if target == "kubernetes" else ""
            jobs[target, count] = _command(folder, f"render {target}{given}", silent=False)
    return jobs


def floors(machine: Machine) -> dict[str, Job]:
    """What the fixed packages cost when they do next to nothing."""
    folder = machine.scratch / "five-1000"
    (folder / "empty.py").touch()
    jobs = {name: Job((PYTHON, "-c", code), folder) for name, code in FLOORS.items()}
    return {"python -m of an empty module": Job((PYTHON, "-m", "empty"), folder), **jobs}


def pipeline(machine: Machine, count: int) -> str:
    """What ``render gitlab`` prints for so many images."""
    done = subprocess.run(
        [PYTHON, "-m", "ci_kaniko", "render", "gitlab"],
        cwd=_repository(machine, f"images-{count}", many(count)),
        env=machine.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(first_error(done.stderr))
    return done.stdout


def sync(machine: Machine, folder: Path) -> None:
    """Bring the outputs in sync, and see that this is remembered. Raises Failed."""
    machine.prove(_command(folder, "sync"))
    done = subprocess.run(
        [PYTHON, "-X", "importtime", "-m", "ci_kaniko", "check"],
        cwd=folder,
        env=machine.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if re.search(r"\byaml$", done.stderr, re.MULTILINE):
        raise Failed("check does its work again although nothing has changed")


def _forget(folder: Path) -> None:
    for path in OUTPUTS.values():
        remove(folder / path)


def _repository(machine: Machine, name: str, spec: str) -> Path:
    folder = machine.scratch / name
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    (folder / "ci-kaniko.yaml").write_text(spec)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def _command(
    folder: Path,
    words: str,
    *,
    code: int = 0,
    silent: bool = True,
    before: Callable[[], None] | None = None,
) -> Job:
    argv = (PYTHON, "-m", "ci_kaniko", *words.split())
    return Job(argv, folder, code=code, silent=silent, before=before)
