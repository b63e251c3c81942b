"""The playground: its answers are those of ci-kaniko, and its page works in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

import ci_kaniko
from harness.browser import Browser, Page, browser, program_of_browser, served
from harness.cases import ROOT
from harness.repository import Repository
from playground import calls, making

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: dict[str, str] = json.loads((making.HERE / "examples.json").read_text("utf-8"))
MANY_SIDED = """\
destinations:
  - ghcr.io/acme/${image.name}:${version}
  - image: ghcr.io/acme/${image.name}:latest
    when: default-branch
registries:
  ghcr.io: {default: {username: acme-bot, password: GHCR_TOKEN}, github: ci-token}
cache: {repo: ghcr.io/acme/cache}
build_secrets: {npm: NPM_TOKEN}
images:
  api: {context: services/api, platforms: [linux/amd64, linux/arm64]}
  web: {context: services/web}
"""
TARGETS = [*ci_kaniko.available_targets()]
VENDORED = ROOT / ".tools" / "playground"
BAD = "push: never\n\nlabels:\n  a: b\npuhs: x\n"


def answer(name: str, *words: Any) -> Any:
    return json.loads(calls.call(name, json.dumps(words)))


def text_of(spec: str, target: str) -> str:
    """What a user of the package renders."""
    values = calls.VALUES if target == "kubernetes" else {}
    return ci_kaniko.render(ci_kaniko.loads(spec, "ci-kaniko.yaml"), target, values)  # type: ignore[arg-type]


# -- the calls, in this Python --------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_rendered_for_every_target(name: str) -> None:
    spec = EXAMPLES[name]
    assert answer("problems", spec, {}) == {"read": True, "problems": []}
    for target in answer("facts")["targets"]:
        assert answer("render", spec, target) == {"text": text_of(spec, target), "problems": []}


def test_a_preview_says_what_the_command_says(tmp_path: Path) -> None:
    repository = Repository(tmp_path, git="none")
    for spec in (*EXAMPLES.values(), MANY_SIDED):
        repository.write("ci-kaniko.yaml", spec)
        told = squeezed(repository.call("preview").out)
        shown = answer("preview", spec)["preview"]
        for event in shown["events"]:
            assert squeezed(event["title"]) in told
            for job in event["jobs"]:
                texts = [text for texts in job["facts"].values() for text in texts]
                for text in (job["name"], job["start"].rpartition(": ")[2], *texts):
                    assert squeezed(text) in told
                for target, others in job["others"].items():
                    assert f"on{target}" in told
                    assert all(squeezed(text.partition(": ")[2]) in told for text in others)
        assert {f"noton{target}" for target in shown["refused"]} == {
            word for target in TARGETS if (word := f"noton{target}") in told
        }


def squeezed(text: str) -> str:
    """A text without the blanks that a terminal's width makes."""
    return re.sub(r"\s", "", text)


def test_a_spec_that_cannot_be_read_is_one_for_every_call() -> None:
    found = answer("problems", BAD, {})
    assert found["read"] is False
    assert [
        (one["rule"], one["line"], one["column"], one["width"]) for one in found["problems"]
    ] == [("unknown-key", 5, 1, 4)]
    for call in (("render", BAD, "gitlab"), ("preview", BAD)):
        told = answer(*call)
        assert told.pop("problems") == found["problems"]
        assert [*told.values()] == [None]


def test_what_one_target_refuses_is_no_problem_of_the_spec() -> None:
    spec = "push: never\ngitlab: {tags: [k8s]}\n"
    assert answer("problems", spec, {})["read"]
    assert answer("render", spec, "gitlab")["text"]
    refused = answer("render", spec, "agola")
    assert refused["text"] is None
    assert refused["problems"][0]["severity"] == "error"


def test_a_first_spec_is_that_of_the_command(tmp_path: Path) -> None:
    repository = Repository(tmp_path, git="none")
    repository.write("services/shop/Dockerfile", "FROM scratch\n")
    words = ("--target", "gitlab", "--target", "github", "--image", "ghcr.io/acme/shop")
    told = answer(
        "init",
        "FROM scratch\n",
        "services/shop/Dockerfile",
        "ghcr.io/acme/shop",
        ["gitlab", "github"],
    )
    text = repository.call("init", "--stdout", *words).out
    assert told == {"text": text, "reason": "", "path": "services/shop/Dockerfile"}
    assert "services/shop" in told["text"]
    assert answer("init", "FROM scratch\n", "..a/b", "ghcr.io/acme/shop", [])["path"] == "..a/b"
    for path, image, reason in (
        ("../Dockerfile", "ghcr.io/acme/shop", "lies in the repository"),
        ("/Dockerfile", "ghcr.io/acme/shop", "lies in the repository"),
        ("api/..", "ghcr.io/acme/shop", "lies in the repository"),
        ("", "ghcr.io/acme/shop:1.0", "without a tag"),
    ):
        refused = answer("init", "FROM scratch\n", path, image, [])
        assert refused["text"] is None
        assert reason in refused["reason"]


def test_a_pasted_dockerfile_is_compared_with_the_spec(tmp_path: Path) -> None:
    """As the command does it, but for files that nobody pasted."""
    dockerfile = "FROM a AS b\nRUN --mount=type=secret,id=npm x\nFROM b\n"
    told = answer("init", dockerfile, "./api//Dockerfile", "ghcr.io/acme/shop", ["gitlab"])
    assert told["path"] == "api/Dockerfile"
    assert "npm: NPM_SECRET" in told["text"]
    files = {told["path"]: dockerfile}
    assert answer("problems", told["text"], files) == {"read": True, "problems": []}
    spec = (
        "push: never\nbuild_args: {A: b}\nimages: {x: {context: api, target: z}, y: {context: c}}\n"
    )
    repository = Repository(tmp_path, git="none")
    repository.write("ci-kaniko.yaml", spec)
    repository.write("api/Dockerfile", dockerfile)
    said = json.loads(repository.call("validate", "--format", "json").out)
    wanted = [one["message"] for one in said if one["rule"] != "missing-context"]
    found = answer("problems", spec, files)["problems"]
    assert [one["message"] for one in found] == wanted
    assert {one["rule"] for one in found} >= {"unknown-stage"}


def test_the_page_knows_every_target() -> None:
    page = (making.HERE / "app.html").read_text(encoding="utf-8")
    assert re.findall(r'data-view="(\w+)"', page) == [*TARGETS, "preview"]
    assert answer("facts")["files"].keys() == {*TARGETS}


# -- the page, in a browser -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The playground as it is offered, with a wheel of this checkout."""
    program_of_browser()
    if not making.is_complete(VENDORED):
        pytest.skip("pyodide is not installed")
    scratch = tmp_path_factory.mktemp("playground")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = scratch.glob("*.whl")
    making.assemble(scratch / "site", VENDORED, wheel)
    return scratch / "site"


@pytest.fixture(scope="module")
def origin(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def opened(started: Browser, origin: str) -> Page:
    """The page with the first example, rendered."""
    page = started.page()
    page.look(1400, 900, dark=False)
    page.open(f"{origin}app.html")
    page.until(f"{STATUS}.startsWith('Loading Python')")
    page.until(f"{STATUS}.startsWith('The spec can be read') && {READY}")
    return page


CLIPBOARD = ["clipboardReadWrite", "clipboardSanitizedWrite"]
STATUS = "document.querySelector('#status').textContent"
READY = "document.querySelector('#panel').ariaBusy == 'false'"
EDITOR = "document.querySelector('#spec').shadowRoot"
RESULT = "document.querySelector('#result').textContent"
FOCUS = "document.activeElement.id || document.activeElement.textContent.trim()"


def put(page: Page, spec: str) -> None:
    """Write a spec as somebody does who selects all and pastes."""
    page.run("document.querySelector('#spec').focus()")
    page.press("a", control=True)
    page.write(spec)
    assert page.run("document.querySelector('#spec').value") == spec
    page.until(READY)


def walk(page: Page, to: str, *, back: bool = False) -> list[str]:
    """Press Tab until something has the focus."""
    seen: list[str] = []
    while not seen or seen[-1] != to:
        page.press("Tab", shift=back)
        seen.append(page.run(FOCUS))
        assert len(seen) < 30, seen
    return seen


def test_the_page_shows_what_python_renders(opened: Page) -> None:
    spec = next(iter(EXAMPLES.values()))
    assert opened.run("document.querySelector('#spec').value") == spec
    assert ci_kaniko.__version__ in opened.run("document.querySelector('header').textContent")
    opened.run("document.querySelector('#tab-gitlab').focus()")
    for target in TARGETS:
        assert opened.run(FOCUS) == f"tab-{target}"
        assert opened.run(RESULT) == text_of(spec, target)
        opened.press("ArrowRight")
    assert opened.run(FOCUS) == "tab-preview"
    shown = opened.run(
        "[...document.querySelectorAll('#result th[scope=rowgroup]')].map(x => x.textContent)"
    )
    events = ci_kaniko.preview(ci_kaniko.loads(spec)).to_dict()["events"]
    assert shown == [event["title"] for event in events]
    seen = squeezed(opened.run(RESULT))
    for event in answer("preview", spec)["preview"]["events"]:
        for job in event["jobs"]:
            texts = [text for texts in job["facts"].values() for text in texts]
            assert all(squeezed(text) in seen for text in (job["name"], job["start"], *texts))
    opened.press("ArrowRight")
    assert opened.run(FOCUS) == "tab-gitlab"


def test_an_error_is_marked_at_its_place_and_told(opened: Page) -> None:
    put(opened, BAD)
    assert opened.run(STATUS) == '1 error. line 5: unknown key "puhs"'
    marks = f"[...{EDITOR}.querySelectorAll('mark')].map(x => x.textContent)"
    assert opened.run(marks) == ["puhs"]
    # What is said stands between the line and the next one, and is no part of the text.
    above, said, below = opened.run(
        f"""[...{EDITOR}.querySelector('.said').parentElement.children]
          .filter((x, at, all) => [-1, 0, 1].includes(at - all.findIndex(y => y.matches('.said'))))
          .map(x => [x.getBoundingClientRect(), x.textContent])
          .map(([box, text]) => [box.top, box.bottom, text])
        """
    )
    assert (above[2], said[2], below[2]) == ("puhs: x", 'unknown key "puhs"', "")
    assert above[1] <= said[0] < said[1] <= below[0]
    assert opened.run("document.querySelector('#spec').value") == BAD
    assert opened.run(f"{EDITOR}.querySelector('.cm-gutterElement.error').textContent") == "5"
    assert "did you mean" in opened.run("document.querySelector('#problems').textContent")
    assert opened.run("document.querySelector('#result').className") == "old"
    opened.run("document.querySelector('#problems button').focus()")
    opened.press("Enter")
    assert opened.run(FOCUS) == "spec"
    assert opened.run(f"{EDITOR}.getSelection().toString()") == "puhs"
    # Python counts characters, a browser the halves of this one.
    put(opened, '{push: never, labels: {a: "\N{PILE OF POO}"}, puhs: x}\n')
    assert opened.run(marks) == ["puhs"]


def test_what_a_target_refuses_is_told_with_its_name(opened: Page) -> None:
    put(opened, "push: never\n")
    assert opened.run(STATUS) == "The spec can be read: refused on Agola."
    states = (
        "[...document.querySelectorAll('[role=tab]')].filter(x => x.dataset.state).map(x => x.id)"
    )
    assert opened.run(states) == ["tab-agola"]
    opened.run("document.querySelector('#tab-agola').click()")
    (problem,) = answer("render", "push: never\n", "agola")["problems"]
    assert problem["message"] in opened.run(RESULT)
    assert opened.run("document.querySelector('#copy').hidden") is True
    opened.run("document.querySelector('#tab-gitlab').click()")
    assert opened.run(RESULT) == text_of("push: never\n", "gitlab")


def test_a_result_and_a_link_are_copied(opened: Page, origin: str) -> None:
    spec = "# \N{SNOWMAN} ünïcode\npush: never\n"
    put(opened, spec)
    opened.send("Browser.grantPermissions", permissions=CLIPBOARD)
    opened.run("document.querySelector('#copy').focus()")
    opened.press("Enter")
    opened.until(f"{STATUS} == 'Copied .gitlab-ci.yml.'")
    assert opened.run("navigator.clipboard.readText()") == text_of(spec, "gitlab")
    opened.run("document.querySelector('#copy-link').focus()")
    opened.press(" ")
    opened.until(f"{STATUS} == 'Copied a link that holds the spec.'")
    link = opened.run("navigator.clipboard.readText()")
    assert link == opened.run("location.href")
    assert link.startswith(f"{origin}app.html#spec=")
    put(opened, "push: never\n")
    fragment = json.dumps(link.partition("#")[2])
    opened.run(f"location.hash = ''; location.hash = {fragment}")
    opened.until(f"document.querySelector('#spec').value == {json.dumps(spec)} && {READY}")
    for broken in ("#spec=AAAA", "#spec=%%%", "#else"):
        opened.run(
            f"document.querySelector('#status').textContent = ''; location.hash = '{broken}'"
        )
        opened.until(f"{STATUS} == 'The link holds no spec that can be read.'")
    assert opened.run("document.querySelector('#spec').value") == spec
    for lines, taken in ((5_000, True), (500_000, False)):
        text = f"'push: never\\n' + '# b\\n'.repeat({lines})"
        opened.run("document.querySelector('#status').textContent = ''")
        opened.run(f"import('./link.js').then(l => l.encoded({text})).then(h => location.hash = h)")
        if taken:
            opened.until(f"document.querySelector('#spec').value == {text} && {READY}")
        else:
            opened.until(f"{STATUS} == 'The link holds no spec that can be read.'")


def test_everything_is_reached_by_keyboard(opened: Page) -> None:
    put(opened, "push: never\npuhs: x\n")
    seen = walk(opened, "ci-kaniko", back=True)
    assert seen == ["copy-link", "from-dockerfile", "examples", "How it works", "ci-kaniko"]
    seen = walk(opened, "result")
    assert seen[:5] == ["How it works", "examples", "from-dockerfile", "copy-link", "spec"]
    assert seen[5].startswith("2:1 error")
    assert seen[6:] == ["unknown-key", "tab-gitlab", "copy", "result"]
    walk(opened, "from-dockerfile", back=True)
    opened.press("Enter")
    opened.until("document.querySelector('#start').open")
    walk(opened, "dockerfile")
    opened.write("FROM scratch\n")
    walk(opened, "path")
    opened.press("a", control=True)
    opened.write("/etc/Dockerfile")
    walk(opened, "make")
    opened.press("Enter")
    opened.until("document.querySelector('#reason').textContent")
    walk(opened, "path", back=True)
    opened.press("a", control=True)
    opened.write("services/shop/Dockerfile")
    opened.press("Enter")
    opened.until("!document.querySelector('#start').open")
    told = answer(
        "init", "FROM scratch\n", "services/shop/Dockerfile", "ghcr.io/acme/shop", ["gitlab"]
    )
    assert opened.run("document.querySelector('#spec').value") == told["text"]
    walk(opened, "from-dockerfile", back=True)
    opened.press("Enter")
    opened.until("document.querySelector('#start').open")
    opened.press("Escape")
    opened.until("!document.querySelector('#start').open")
    assert opened.run(FOCUS) == "from-dockerfile"
    walk(opened, "examples", back=True)
    opened.press("Enter")
    *_, last = EXAMPLES
    walk(opened, last)
    opened.press("Enter")
    assert opened.run("document.querySelector('#spec').value") == EXAMPLES[last]
    assert opened.run(FOCUS) == "spec"
    opened.press("z", control=True)
    assert opened.run("document.querySelector('#spec').value") == told["text"]


def test_a_pasted_dockerfile_stays_beside_the_spec(opened: Page) -> None:
    opened.run("document.querySelector('#from-dockerfile').click()")
    opened.run("document.querySelector('#dockerfile').focus()")
    opened.press("a", control=True)
    opened.write("FROM scratch\nRUN --mount=type=secret,id=npm x\n")
    opened.run("document.querySelector('#path').value = 'Dockerfile'")
    opened.run("document.querySelector('#make').click()")
    opened.until("!document.querySelector('#start').open")
    opened.until(f"{STATUS}.startsWith('The spec can be read') && {READY}")
    assert "npm: NPM_SECRET" in opened.run("document.querySelector('#spec').value")
    assert opened.run("document.querySelector('#problems').textContent") == ""
    put(opened, "push: never\n")
    told = "document.querySelector('#problems').textContent.includes('mounts the secret')"
    assert opened.run(told)
    compared = "document.querySelector('#compared').innerText"
    assert opened.run(compared).startswith("Compared with the pasted Dockerfile.")
    opened.run("document.querySelector('#forget').click()")
    opened.until(f"{READY} && !({told})")
    assert opened.run("document.querySelector('#compared').hidden") is True
    assert opened.run(FOCUS) == "spec"


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1400, False)])
def test_the_page_fits(opened: Page, width: int, *, dark: bool) -> None:
    opened.look(width, 800, dark=dark)
    for spec in (f"push: never\npuhs: {'x' * 300}\n", MANY_SIDED):
        put(opened, spec)
        edge = "document.querySelector('#spec').getBoundingClientRect().right"
        ends = f"[...{EDITOR}.querySelectorAll('.said')].map(x => x.getBoundingClientRect().right)"
        assert opened.run(f"{ends}.length && {ends}.every(end => end <= {edge})")
        for view in ("gitlab", "preview"):
            opened.run(f"document.querySelector('#tab-{view}').click()")
            assert opened.run("document.documentElement.scrollWidth") <= width
    back = opened.run("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", back))) < 200) is dark


def test_it_fetches_from_its_own_folder_and_says_nothing_in_the_console(
    opened: Page, origin: str
) -> None:
    assert opened.complaints() == []
    fetched = opened.fetched()
    assert any(address.endswith(".wasm") for address in fetched)
    assert [one for one in fetched if not one.startswith((origin, f"blob:{origin}"))] == []
    assert opened.run("document.cookie + localStorage.length + sessionStorage.length") == "00"
    elsewhere = json.dumps(origin.replace("127.0.0.1", "localhost"))
    attempt = f"fetch({elsewhere}, {{mode: 'no-cors'}}).then(() => 'sent', () => 'refused')"
    assert opened.run(attempt) == "refused"
    assert {*opened.run_in_workers(attempt)} == {"refused"}


def test_a_failure_to_load_is_told(started: Browser, folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken", ignore=lambda *_: ["vendored"])
    with served(Path(broken)) as address:
        page = started.page()
        # What a link holds is shown all the same: "push: never".
        page.open(f"{address}app.html#spec=KygtzrBSyEstSy3iAgA")
        page.until(f"{STATUS}.startsWith('The playground could not be loaded')")
        page.until("document.querySelector('#spec').value === 'push: never\\n'")


def test_the_size_is_told(folder: Path) -> None:
    page = (ROOT / "docs" / "playground.md").read_text(encoding="utf-8")
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    whole = round(sum(map(len, files)) / 1e6)
    packed = round(sum(len(zlib.compress(data, 4)) for data in files) / 1e6)
    assert f"loads {whole} MB, or {packed} MB where" in " ".join(page.split())
    assert f"{whole} MB the first time" in (folder / "page.js").read_text(encoding="utf-8")


def test_wheels_for_every_platform_hold_no_machine_code(folder: Path) -> None:
    names = {path.name.partition("-")[0] for path in folder.glob("vendored/*-py3-none-any.whl")}
    assert {"ci_kaniko", "markupsafe", "pyyaml"} <= names
    for path in folder.glob("vendored/*-py3-none-any.whl"):
        with ZipFile(path) as archive:
            assert [name for name in archive.namelist() if name.endswith(".so")] == []
