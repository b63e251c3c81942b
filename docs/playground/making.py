"""The playground as a folder that any web server can offer: the page, Python and the wheels.

Python and the editor come from npm, the wheels come from PyPI in the releases that the tests run
with. A page that is opened fetches nothing from elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from argparse import ArgumentParser
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
FOLDER = ROOT / "build" / "site" / "playground"
PYODIDE = "314.0.7"
_RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
_EDITOR = {
    "@codemirror/commands": "6.11.1",
    "@codemirror/language": "6.13.1",
    "@codemirror/state": "6.7.6",
    "@codemirror/streamparser": "6.0.0",
    "@codemirror/view": "6.43.15",
    "@lezer/common": "1.5.5",
    "@lezer/highlight": "1.2.5",
    "@marijn/find-cluster-break": "1.0.4",
    "crelt": "1.0.7",
    "style-mod": "4.1.5",
    "w3c-keyname": "2.2.8",
}
_IMPORT = re.compile(r"""(?<=from )['"](@?[a-z][\w/-]*)['"]""")
_PAGE = (".html", ".css", ".js", ".json", ".svg")
_PURE = ("jinja2", "packaging", "ruamel.yaml")
_STRIPPED = ("markupsafe", "pyyaml")
"""Nobody builds these for WebAssembly; they work without the part that is in C."""
_COMPILED = (".so", ".c", ".pyx", ".pxd", ".h")


def main(words: Sequence[str] | None = None) -> None:
    """Make the folder that the command line names."""
    parser = ArgumentParser(prog="python3 docs/playground", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="where it goes")
    parser.add_argument("--wheel", type=Path, help="that of ci-kaniko; default: it is built")
    parser.add_argument("--cache", type=Path, help="where what is fetched stays")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        cache = asked.cache or Path(scratch, "cache")
        fetch(cache)
        assemble(asked.folder, cache, asked.wheel or _built(Path(scratch, "wheel")))


def fetch(cache: Path) -> None:
    """Bring Python and the wheels of others into a folder, unless they are there."""
    if is_complete(cache):
        return
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    _run("npm", "pack", "--silent", "--pack-destination", str(cache), f"pyodide@{PYODIDE}")
    with tarfile.open(cache / f"pyodide-{PYODIDE}.tgz") as archive:
        for name in (*_RUNTIME, "pyodide-lock.json"):
            (cache / name).write_bytes(_read(archive, name))
    _fetch_editor(cache)
    info = json.loads((cache / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
    version = info["python"].rpartition(".")[0]
    emscripten = f"pyemscripten_{info['abi_version']}_wasm32"
    _download(cache, version, emscripten, "pydantic")
    _download(cache, version, emscripten, "--no-deps", *_PURE)
    with tempfile.TemporaryDirectory() as scratch:
        _download(Path(scratch), version, "manylinux2014_x86_64", "--no-deps", *_STRIPPED)
        for path in Path(scratch).iterdir():
            _strip(path, cache)
    (cache / "complete").write_bytes(_wanted())


def _fetch_editor(cache: Path) -> None:
    """The modules of CodeMirror, each as a file that names the others by their files."""
    folder = cache / "editor"
    folder.mkdir()
    wanted = [f"{name}@{version}" for name, version in _EDITOR.items()]
    _run("npm", "pack", "--silent", "--pack-destination", str(folder), *wanted)
    for name, version in _EDITOR.items():
        packed = folder / f"{_plain(name)}-{version}.tgz"
        with tarfile.open(packed) as archive:
            about = json.loads(_read(archive, "package.json"))
            module = _read(archive, about["exports"]["import"].removeprefix("./")).decode()
            licence = _read(archive, "LICENSE")
        local = _IMPORT.sub(lambda found: f'"./{_plain(found[1])}.js"', module)
        (folder / f"{_plain(name)}.js").write_text(local, encoding="utf-8")
        (folder / f"{_plain(name)}.LICENSE").write_bytes(licence)
        packed.unlink()


def _plain(name: str) -> str:
    """What npm calls a package's file."""
    return name.removeprefix("@").replace("/", "-")


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(f"package/{name}")
    if member is None:
        raise SystemExit(f"{archive.name!r} has no {name}")
    return member.read()


def is_complete(cache: Path) -> bool:
    """Whether a folder holds all that is fetched, in the releases that are wanted now."""
    mark = cache / "complete"
    return mark.is_file() and mark.read_bytes() == _wanted()


def _wanted() -> bytes:
    fetched = {"pyodide": PYODIDE, **_EDITOR}
    return json.dumps(fetched).encode() + CONSTRAINTS.read_bytes()


def assemble(folder: Path, cache: Path, wheel: Path) -> None:
    """Put the page, what was fetched and the wheel of ci-kaniko into one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*HERE.iterdir(), HERE / "calls.py"):
        if path.suffix in _PAGE or path.name == "calls.py":
            shutil.copyfile(path, folder / path.name)
    shutil.copytree(cache / "editor", folder / "editor", dirs_exist_ok=True)
    vendored = folder / "vendored"
    shutil.rmtree(vendored, ignore_errors=True)
    vendored.mkdir()
    wheels = [*sorted(cache.glob("*.whl")), wheel]
    for path in (*(cache / name for name in _RUNTIME), *wheels):
        shutil.copyfile(path, vendored / path.name)
    lock = json.loads((cache / "pyodide-lock.json").read_text(encoding="utf-8"))
    locked = map(_locked, wheels)
    lock["packages"] = {re.sub(r"[._]", "-", one["name"]): one for one in locked}
    (vendored / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def _locked(wheel: Path) -> dict[str, Any]:
    """What Pyodide has to know of a wheel."""
    name, version = wheel.name.split("-")[:2]
    return {
        "name": name,
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": [],
        "depends": [],
        "unvendored_tests": False,
    }


def _download(folder: Path, version: str, platform: str, *words: str) -> None:
    _pip(
        *("download", "--only-binary=:all:", "--implementation=cp", f"--platform={platform}"),
        *(f"--python-version={version}", f"--abi=cp{version.replace('.', '')}"),
        *("--constraint", str(CONSTRAINTS), "--dest", str(folder), *words),
    )


def _built(folder: Path) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("ci_kaniko-*.whl")
    return wheel


def _pip(*words: str) -> None:
    _run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words)


def _run(*words: str) -> None:
    program = shutil.which(words[0])
    if program is None:
        raise SystemExit(f"{words[0]} is not installed")
    done = subprocess.run([program, *words[1:]], check=False, stdout=sys.stderr)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.returncode)


def _strip(wheel: Path, folder: Path) -> None:
    """Write a wheel without the part that is compiled, for every platform."""
    name, version = wheel.name.split("-")[:2]
    with (
        zipfile.ZipFile(wheel) as old,
        zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as new,
    ):
        for member in old.infolist():
            data = old.read(member)
            if member.filename.endswith((*_COMPILED, "/RECORD")):
                continue
            if member.filename.endswith("/WHEEL"):
                fields = HeaderParser().parsestr(data.decode())
                del fields["Tag"]
                fields["Tag"] = "py3-none-any"
                fields.replace_header("Root-Is-Purelib", "true")
                data = fields.as_bytes()
            new.writestr(member, data, zipfile.ZIP_DEFLATED)
