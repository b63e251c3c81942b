"""The site builds without a warning, its links lead somewhere, and its search finds things."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from typer.main import get_command

from ci_kaniko.cli.commands import app
from ci_kaniko.kaniko.flags import FLAGS
from ci_kaniko.problems.catalogue import faults, rules
from harness.browser import Page as Tab
from harness.browser import browser, served
from harness.cases import ROOT
from harness.models import every_field

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOME = "https://ci-kaniko.github.io/ci-kaniko/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as the workflow builds it."""
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("site") / "ci-kaniko"
    built = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "web"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    return folder


class Page(HTMLParser):
    """What a page offers to links, and where its own lead; scripts and images are links, too."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in {"href", "src"} and value and tag != "base":
                self.links.append(value)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its address."""
    return {
        urljoin(HOME, path.relative_to(site).as_posix().removesuffix("index.html")): Page(
            path.read_text(encoding="utf-8")
        )
        for path in site.rglob("*.html")
    }


def test_every_link_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    assert len(pages) > 20
    dead = set()
    for address, page in pages.items():
        for link in page.links:
            place, anchor = urldefrag(urljoin(address, link))
            if not place.startswith(HOME):
                assert re.match(r"https?:|data:|mailto:|javascript:", place), (address, link)
            elif place in pages:
                if anchor and unquote(anchor) not in pages[place].ids and anchor != "__tabbed":
                    dead.add((address, link))
            elif not (site / unquote(place.removeprefix(HOME))).is_file():
                dead.add((address, link))
    assert not dead


def test_an_anchor_means_one_place(pages: dict[str, Page]) -> None:
    for address, page in pages.items():
        assert sorted({*page.ids}) == sorted(page.ids), address


def test_the_playground_leads_to_the_rule_of_a_problem(site: Path, pages: dict[str, Page]) -> None:
    assert "../rules/#${problem.rule}" in (site / "playground" / "page.js").read_text("utf-8")
    assert {*rules()} <= {*pages[f"{HOME}rules/"].ids}


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """A page of the site works without the network."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|iframe)[^>]* src="?(https?:[^"> ]+)', text)
        fetched += re.findall(r'<link[^>]* rel="?stylesheet"?[^>]* href="?(https?:[^"> ]+)', text)
        assert not fetched, path


def test_pages_show_what_github_shows(site: Path) -> None:
    """No mark of Markdown is left over, and a flowchart is drawn with all of its boxes."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        prose = re.sub(r"(?s)<(pre|script|style)\b.*?</\1>", "", text)
        left = r"<code>[^<]*\\\|[^<]*</code>|\n```|\n~~~|\n[-*] \S|\n\d+\. \S|\n\| |\n#+ \S"
        assert not re.findall(left, prose), path
    page = (site / "architecture" / "index.html").read_text(encoding="utf-8")
    arrows = re.findall(r"(\w+) --> (\w+)", (ROOT / "docs" / "architecture.md").read_text("utf-8"))
    drawing = page.partition('<svg class="flowchart"')[2].partition("</svg>")[0]
    assert {*re.findall(r">([a-z]+)</text>", drawing)} == {name for each in arrows for name in each}
    assert drawing.count('class="tip"') == len(arrows)


@pytest.fixture(scope="module")
def entries(site: Path) -> list[dict[str, str]]:
    """What the search of the site knows."""
    index: dict[str, Any] = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    return list(index["docs"])


def words(entry: dict[str, str]) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", f"{entry['title']} {entry['text']}"))


def test_search_knows_every_rule_command_and_flag(entries: list[dict[str, str]]) -> None:
    titles = {(entry["location"].partition("#")[0], unescape(entry["title"])) for entry in entries}
    named = [("rules/", rule) for rule in rules()]
    named += [("commands/", name) for name in get_command(app).commands]  # type: ignore[attr-defined]
    assert [each for each in named if each not in titles] == []
    rules_known, flags_known = (words_of(page, entries) for page in ("rules/", "matrix/"))
    assert [name for name in faults().faults if name not in rules_known] == []
    assert [flag for flag in FLAGS if f"--{flag}" not in flags_known] == []


def test_search_knows_every_field(entries: list[dict[str, str]]) -> None:
    fields, known = {field.name for field in every_field()}, words_of("spec/", entries)
    assert len(fields) > 50
    assert [name for name in fields if name not in known] == []


def words_of(page: str, entries: list[dict[str, str]]) -> set[str]:
    found = [words(entry) for entry in entries if entry["location"].partition("#")[0] == page]
    return set(re.findall(r"[\w.-]+", " ".join(found)))


SEARCHED = {
    "monorepo": "pipelines/",
    "semver": "tags-and-releases/",
    "upgrade": "upgrade/",
    "troubleshooting": "troubleshooting/",
    "out of memory": "troubleshooting/",
    "multi-arch": "pipelines/",
    "Windows": "limits/",
    "Renovate": "tags-and-releases/",
    "Python API": "api/",
}


@pytest.mark.parametrize("query", SEARCHED)
def test_search_finds_what_people_ask_for(entries: list[dict[str, str]], query: str) -> None:
    """The place with most of the words in its title comes first, as in the site's own ranking."""
    asked = set(re.findall(r"\w+", query.lower()))
    found = []
    for entry in entries:
        title = set(re.findall(r"\w+", unescape(entry["title"]).lower()))
        if asked <= title | set(re.findall(r"\w+", words(entry).lower())):
            found.append((len(asked & title) / len(title), entry["location"].partition("#")[0]))
    assert found
    best = max(found)[0]
    assert SEARCHED[query] in {page for share, page in found if share == best}, sorted(found)


def test_what_is_said_elsewhere_leads_into_the_site(pages: dict[str, Page]) -> None:
    """Messages, and README, which PyPI shows without the repository around it."""
    sources = [path for path in (ROOT / "src").rglob("*") if path.suffix in {".py", ".yaml"}]
    sources += [*(ROOT / "templates").iterdir(), *(ROOT / ".github").rglob("*.yml")]
    sources += [ROOT / "README.md", ROOT / "pyproject.toml"]
    said = [path.read_text("utf-8") for path in sources]
    links = {link for text in said for link in re.findall(rf"{re.escape(HOME)}([\w/#-]*)", text)}
    links |= {link for text in said for link in re.findall(r"\bpage\('([^']+)'\)", text)}
    links |= {link for text in said for link in re.findall(r'\bpage\("([^"]+)"\)', text)}
    assert {"limits/", "spec/#variables", "rules/"} <= links
    dead = set()
    for link in links:
        place, anchor = urldefrag(f"{HOME}{link}")
        if place not in pages or (anchor and anchor not in pages[place].ids):
            dead.add(link)
    assert not dead
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"\]\((?!https?:)[^)]*\)", readme) == []
    assert [path for path, text in zip(sources, said, strict=True) if "docs/spec.md " in text] == []


# -- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(site: Path) -> Iterator[str]:
    """The address of the site, at the path where it is published."""
    with served(site.parent) as address:
        yield f"{address}{site.name}/"


@pytest.fixture(scope="module")
def tab(home: str) -> Iterator[Tab]:
    with browser() as started:
        yield started.page()


BESIDE = """for (const name of NAMES) {
  const frame = document.createElement('iframe')
  Object.assign(frame, {width: 360, frameBorder: 0, src: name})
  document.body.append(frame)
}"""
FRAMED = "[...document.querySelectorAll('iframe')].map(frame => frame.contentDocument)"
THERE = "page => page.URL != 'about:blank' && page.readyState == 'complete'"
WIDTHS = "page => [page.defaultView.innerWidth, page.documentElement.scrollWidth]"


def test_no_page_is_wider_than_a_small_screen(tab: Tab, site: Path, home: str) -> None:
    """Each in a frame of that width: they load at once, and what only scripts do is not seen."""
    every = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    names = sorted(every - {"playground/app.html"})
    tab.look(360, 800, dark=False)
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(home)
    tab.run("document.body.replaceChildren()")
    tab.run(BESIDE.replace("NAMES", json.dumps(names)))
    tab.until(f"{FRAMED}.every({THERE})")
    widths = zip(names, tab.run(f"{FRAMED}.map({WIDTHS})"), strict=True)
    tab.send("Emulation.setScriptExecutionDisabled", value=False)
    assert {name: found for name, found in widths if found != [360, 360]} == {}


LOOKS = {"": ((360, True), (1400, False)), "gallery/": ((360, False), (1400, True))}


def test_a_page_follows_the_system(tab: Tab, home: str) -> None:
    for name, looks in LOOKS.items():
        tab.open(home + name)
        for width, dark in looks:
            tab.look(width, 800, dark=dark)
            scheme = "slate" if dark else "default"
            tab.until(f"document.body.dataset.mdColorScheme == '{scheme}'")
            assert tab.run("document.documentElement.scrollWidth") <= width


FOUND = "[...document.querySelectorAll('.md-search-result__item > a')].map(link => link.pathname)"


def test_search_finds_what_people_look_for(tab: Tab, home: str) -> None:
    tab.look(1400, 800, dark=False)
    tab.open(home)
    tab.until("!document.querySelector('.md-search-result__meta').textContent.includes('Init')")
    tab.press("/")
    tab.until("document.activeElement.matches('.md-search__input')")
    root = f"/{home.split('/')[3]}/"
    more = {"--push-retry": "rules/", "playground": "playground/"}
    for query, place in {**SEARCHED, **more}.items():
        tab.run("document.querySelector('.md-search-result__list').replaceChildren()")
        tab.press("a", control=True)
        tab.write(query)
        tab.press("End")
        tab.until(f"{FOUND}.slice(0, 3).includes('{root}{place}')")
    tab.press("ArrowDown")
    tab.until("document.activeElement.matches('.md-search-result__link')")
    tab.press("Enter")
    tab.until(f"location.pathname == '{root}playground/'")


def test_the_tabs_of_the_gallery_change_together_by_keyboard(tab: Tab, home: str) -> None:
    tab.open(f"{home}gallery/")
    shown = "[...document.querySelectorAll('.tabbed-block')].filter(x => x.checkVisibility())"
    names = f"{shown}.map(block => block.querySelector('.filename').textContent)"
    tab.until(f"{shown}.length > 2")
    assert {*tab.run(names)} == {".gitlab-ci.yml"}
    tab.run("document.querySelector('.tabbed-set input').focus()")
    tab.press("ArrowRight")
    tab.until(f"{names}.every(name => name.startsWith('.github/workflows/'))")


def test_the_browser_has_nothing_to_complain_about(tab: Tab, home: str) -> None:
    assert tab.complaints() == []
    elsewhere = [one for one in tab.fetched() if not one.startswith((home, "data:", "blob:"))]
    assert [one for one in elsewhere if not one.endswith("/favicon.ico")] == []
