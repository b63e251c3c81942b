"""Pictures for the pages: what a command prints, and the way from a spec to the executor."""

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
from ci_kaniko.targets.registry import available_targets

if TYPE_CHECKING:
    from ci_kaniko.spec.spec import Spec

HOME = Path(__file__).parents[1] / "index.md"
_LINE, _WIDTH, _LETTER = 18, 84, 7.8
_STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;"
    "fill:#d6deeb}.command{fill:#82aaff}.heading{fill:#fff;font-weight:bold}"
)


def preview_picture() -> str:
    """What ``preview`` says of the spec of the first page."""
    words = ("default-branch", "tag=v1.2.3", "fork")
    command = "ci-kaniko preview " + " ".join(f"--event {word}" for word in words)
    return _picture(command, [*previewing.lines(preview(_spec(), events=words))])


def rehearsal_picture() -> str:
    """What ``rehearse`` does with that spec. Raises MissingProgram without bash."""
    done = rehearse(_spec(), "github", "tag=v1.2.3", shell="bash")  # noqa: S604 - the name of one
    command = "ci-kaniko rehearse github --event tag=v1.2.3"
    return _picture(command, [*rehearsing.lines(done)])


_BOX = 'rx="6" fill="#3949ab"'
_FLOW_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#fff;text-anchor:middle}"
    ".small{font-size:11px;fill:#dfe3ff}.note{fill:#7986cb}"
    "path{fill:none;stroke:#7986cb;stroke-width:1.5;marker-end:url(#tip)}"
)


def flow_picture() -> str:
    """From a spec by the plan and the files of the targets to the executor."""
    targets = available_targets()
    step, height = 62, 62 * len(targets) + 30
    middle = height / 2 - 15
    shapes = [
        _box(10, middle, 150, "ci-kaniko.yaml", "checked, with places"),
        _arrow(160, middle, 200, middle),
        _box(200, middle, 150, "the plan", "what will run, and when"),
        _box(720, middle, 150, "/kaniko/executor", "the same arguments"),
        f'<text class="note" x="440" y="{height - 8}">committed, or rendered when needed</text>',
    ]
    for number, target in enumerate(targets.values()):
        at = step * number + step / 2
        shapes += [
            _arrow(350, middle, 410, at),
            _box(410, at, 250, target.output, target.summary),
            _arrow(660, at, 720, middle),
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 {height}" role="img">\n'
        "<!-- Made from the code by: python3 docs/make -->\n"
        "<title>From a spec to the executor</title>\n"
        f"<style>{_FLOW_STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" '
        'style="fill:#7986cb;stroke:none;marker-end:none"/></marker></defs>\n'
        f"{''.join(shapes)}</svg>\n"
    )


def _box(x: float, y: float, width: float, text: str, below: str) -> str:
    middle = x + width / 2
    return (
        f'<rect x="{x:g}" y="{y - 23:g}" width="{width:g}" height="46" {_BOX}/>'
        f'<text x="{middle:g}" y="{y - 2:g}">{escape(text)}</text>'
        f'<text class="small" x="{middle:g}" y="{y + 14:g}">{escape(below)}</text>\n'
    )


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (x + to_x) / 2
    return f'<path d="M{x:g} {y:g}C{half:g} {y:g} {half:g} {to_y:g} {to_x:g} {to_y:g}"/>\n'


def _spec() -> Spec:
    found = re.search(r"(?ms)^`ci-kaniko.yaml`:\n\n```yaml\n(.*?)^```$", HOME.read_text("utf-8"))
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
