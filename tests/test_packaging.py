"""What is shipped: the built distributions are complete and work without the source tree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

import ci_kaniko
from ci_kaniko import rendering
from ci_kaniko.cli.making import fingerprint, made
from ci_kaniko.quick.built import PACKAGE
from ci_kaniko.syncing.memory import MADE_OF
from harness.cases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
default_branch: main
destinations: ["ghcr.io/acme/shop:${commit.short}"]
registries:
  ghcr.io:
    default: {username: acme-bot, password: GHCR_TOKEN}
    kubernetes: {docker_config: regcred}
"""

VALUES = {
    "kubernetes": {
        "commit.sha": "12345e6789abcdef0123456789abcdef01234567",
        "branch": "main",
        "default_branch": "main",
        "repository.url": "https://github.com/acme/shop",
    }
}

RENDER = """
import json, sys
import jinja2
import ci_kaniko
compiled = []
compile_template = jinja2.Environment.compile
def compile(environment, source, name, *rest, **named):
    compiled.append(name)
    return compile_template(environment, source, name, *rest, **named)
jinja2.Environment.compile = compile
spec_text, values = json.load(sys.stdin)
spec = ci_kaniko.loads(spec_text)
texts = {
    target: ci_kaniko.render(spec, target, values=values.get(target, {}))
    for target in ci_kaniko.available_targets()
}
json.dump([ci_kaniko.__file__, texts, compiled], sys.stdout)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_version_is_stated_once() -> None:
    stated = re.search(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text())
    assert stated
    assert stated[1] == ci_kaniko.__version__


def test_the_wheel_holds_exactly_the_package_and_its_templates(wheel: Path) -> None:
    expected = {
        f"ci_kaniko/{name}": content
        for name, content in files_below(ROOT / "src/ci_kaniko").items()
    }
    for name, content in files_below(ROOT / "templates").items():
        expected[f"ci_kaniko/templates/{name}"] = content
    for name, text in made().items():
        expected[f"{PACKAGE}/{name}"] = text.encode()
    sources = fingerprint(ROOT / name for name in ("src/ci_kaniko", "templates"))
    expected[f"ci_kaniko/syncing/{MADE_OF}"] = sources.encode()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        shipped = {name: archive.read(name) for name in names if ".dist-info/" not in name}
    assert shipped == expected
    assert "ci_kaniko/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("src", "templates", "tests", "snapshots", "docs"):
        kept = {f"{folder}/{name}" for name in files_below(ROOT / folder)}
        assert not kept - names
    for name in ("CHANGELOG.md", "Dockerfile", "LICENSE", "README.md", "hatch_build.py"):
        assert name in names


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment holds the wheel; only what it depends on is borrowed from this one."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    venv = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
    subprocess.run(venv, check=True)
    site = site_of(environment)
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    command = [sys.executable, "-m", "pip", *install, "--target", str(site), str(wheel)]
    subprocess.run(command, check=True)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


@pytest.fixture(scope="module")
def rendered(environment: Path) -> Any:
    """What is rendered there as long as nobody has changed it."""
    return rendered_in(environment)


def site_of(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


def rendered_in(environment: Path) -> Any:
    """Where ci-kaniko was found there, every target's text, and the templates it compiled."""
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-I", "-c", RENDER],
        input=json.dumps([SPEC, VALUES]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_wheel_renders_every_target_without_the_source_tree(
    environment: Path, rendered: Any
) -> None:
    origin, texts, compiled = rendered
    assert compiled == []
    assert origin == str(site_of(environment) / "ci_kaniko" / "__init__.py")
    spec = ci_kaniko.loads(SPEC)
    assert texts == {
        target: rendering.render(spec, target, values=VALUES.get(target, {}))
        for target in ci_kaniko.available_targets()
    }


def test_a_template_that_was_edited_is_compiled_anew(environment: Path, rendered: Any) -> None:
    _, before, _ = rendered
    template = site_of(environment) / "ci_kaniko" / "templates" / "gitlab.yml.j2"
    shipped = template.read_text()
    template.write_text(f"# edited\n{shipped}")
    try:
        _, texts, compiled = rendered_in(environment)
    finally:
        template.write_text(shipped)
    assert compiled == ["gitlab.yml.j2"]
    assert texts == {**before, "gitlab": f"# edited\n{before['gitlab']}"}


def test_a_template_that_is_not_there_compiled_is_compiled(
    environment: Path, rendered: Any
) -> None:
    _, before, _ = rendered
    module = site_of(environment) / PACKAGE / "agola.py"
    elsewhere = module.rename(environment / "agola.py")
    try:
        _, texts, compiled = rendered_in(environment)
    finally:
        elsewhere.rename(module)
    assert compiled == ["agola.yml.j2"]
    assert texts == before
