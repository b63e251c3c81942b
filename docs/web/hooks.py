"""What the site has beside ``docs/``: pages made at the build, and links that lead out of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parents[1]))
from make import flowchart, gallery

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
TOP = {
    name: f"{name.partition('.')[0].lower()}.md"
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}
"""The pages of the site that lie at the top of the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in ``docs/``."""
    for name, page in TOP.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_relinked(text, name, config)))
    files.append(File.generated(config, "gallery.md", content=gallery.page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to the rest of the repository lead to where it is kept, and draw flowcharts."""
    if page.file.generated_by:
        return _shown(markdown)
    return _shown(_relinked(markdown, f"docs/{page.file.src_uri}", config))


def _shown(text: str) -> str:
    """A text as GitHub shows it; there a ``|`` in the code of a table has to be marked."""
    text = re.sub(
        r"(?m)^\|.*$",
        lambda row: re.sub(r"`[^`]+`", lambda code: code[0].replace(r"\|", "|"), row[0]),
        text,
    )
    return re.sub(r"(?ms)^```mermaid\n(.*?)^```$", lambda block: flowchart.picture(block[1]), text)


def _relinked(text: str, source: str, config: MkDocsConfig) -> str:
    """The text of a file of the repository, its links as seen from its place in the site."""
    at, folder = dirname(TOP.get(source, source.removeprefix("docs/"))), dirname(source) or "."
    site = str(config.site_url)

    def led(match: re.Match[str]) -> str:
        path, mark, anchor = match[1].partition("#")
        if path.startswith(site):
            path = relpath(f"docs/{path.removeprefix(site).strip('/') or 'index'}.md", folder)
        place = normpath(join(folder, path))
        if place in TOP:
            place = TOP[place]
        elif place.startswith("docs/"):
            place = place.removeprefix("docs/")
        else:
            kind = "tree" if (ROOT / place).is_dir() else "blob"
            return f"]({config.repo_url}/{kind}/main/{place}{mark}{anchor})"
        return f"]({relpath(place, at or '.')}{mark}{anchor})"

    return re.sub(rf"\]\(((?!\w+:|#)[^)\s]+|{re.escape(site)}[^)\s]*)\)", led, text)
