"""Pictures of a terminal, for the pages that show what a command prints."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ci_kaniko.previewing import text as previewing
from ci_kaniko.previewing.preview import preview
from ci_kaniko.rehearsing import text as rehearsing
from ci_kaniko.rehearsing.rehearse import rehearse
from ci_kaniko.spec.loading import loads

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec

README = Path(__file__).parents[2] / "README.md"
_LINE, _WIDTH, _LETTER = 18, 84, 7.8
_STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;"
    "fill:#d6deeb}.command{fill:#82aaff}.heading{fill:#fff;font-weight:bold}"
)


def preview_picture() -> str:
    """What ``preview`` says of the README's spec."""
    words = ("default-branch", "tag=v1.2.3", "fork")
    command = "ci-kaniko preview " + " ".join(f"--event {word}" for word in words)
    return _picture(command, [*previewing.lines(preview(_spec(), events=words))])


def rehearsal_picture() -> str:
    """What ``rehearse`` does with the README's spec. Raises MissingProgram without bash."""
    done = rehearse(_spec(), "github", "tag=v1.2.3", shell="bash")  # noqa: S604 - the name of one
    command = "ci-kaniko rehearse github --event tag=v1.2.3"
    return _picture(command, [*rehearsing.lines(done)])


def _spec() -> Spec:
    found = re.search(r"(?ms)^`ci-kaniko.yaml`:\n\n```yaml\n(.*?)^```$", README.read_text("utf-8"))
    assert found
    return loads(found[1], "ci-kaniko.yaml")


def _picture(command: str, lines: list[str]) -> str:
    """A dark terminal: the command, and what it prints with headings in bold."""
    shown = [f"$ {command}", "", *lines]
    height = _LINE * (len(shown) + 2)
    width = round(_WIDTH * _LETTER) + 32
    rows = "".join(
        f'<text x="16" y="{_LINE * (number + 2)}"{_class(number, line)}>{escape(line)}</text>\n'
        for number, line in enumerate(shown)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        "<!-- Made from the code by: python3 docs/make -->\n"
        f"<title>{escape(command)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#011627"/>\n{rows}</svg>\n'
    )


def _class(number: int, line: str) -> str:
    if number == 0:
        return ' class="command"'
    return "" if line.startswith(" ") else ' class="heading"'
