"""What a Jenkinsfile shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.calls import Output, Var
from ci_kaniko.importing.jobs import Job, Root
from ci_kaniko.importing.readers.containers import read_environment
from ci_kaniko.importing.readers.documents import Map, mapping, read_yaml, sequence, string
from ci_kaniko.importing.readers.scripts import Piece, mentions_executor, read_pieces
from ci_kaniko.importing.readers.volumes import mounts_of, volumes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.importing.report import Report


_BLOCK = re.compile(r"(?:'''|\"\"\")(.*?)(?:'''|\"\"\")", re.DOTALL)
_LINE = re.compile(r"\bsh\s*\(?\s*(?:script:\s*)?(['\"])((?:\\.|(?!\1)[^\n\\])*)\1")


def jenkins_jobs(path: str, text: str, report: Report) -> Iterator[Job]:
    """The scripts and the pod of a Jenkinsfile, as far as their text goes."""
    pod = _pod(path, text)
    pieces = list(_scripts(text))
    pieces = [piece for piece in pieces if mentions_executor(piece.text)]
    if not pieces:
        return
    job = Job("jenkins", "", path, pieces[0].line, report, plain_secrets=True)
    job.roots = [Root((Var("WORKSPACE"),)), Root((Output("pwd"),)), Root((Var("PWD"),))]
    if pod is not None:
        image = string(pod.get("image"))
        job.image = (image,) if image else ()
        read_environment(job, pod)
        job.mounts = pod_mounts(path, text, pod)
    job.calls = read_pieces(job, pieces).calls
    _leave(job, text)
    if job.calls:
        yield job


def _scripts(text: str) -> Iterator[Piece]:
    for match in re.finditer(r"\bsh\s*\(?\s*(?:script:\s*)?(?='''|\"\"\")", text):
        block = _BLOCK.match(text, match.end())
        if block:
            line = text.count("\n", 0, block.start(1)) + 1
            body = block[1]
            if text[block.start() : block.start() + 3] == '"""':
                body = body.replace("\\$", "$").replace("\\\\", "\\")
            stripped = body.lstrip("\n")
            yield Piece(stripped, line + len(body) - len(stripped))
    for match in _LINE.finditer(text):
        if text.startswith(("'''", '"""'), match.start(1)):
            continue
        yield Piece(match[2].replace("\\$", "$"), text.count("\n", 0, match.start()) + 1)


def _pod(path: str, text: str) -> Map | None:
    for block in _BLOCK.finditer(text):
        if "containers:" not in block[1]:
            continue
        shift = "\n" * text.count("\n", 0, block.start(1))
        body = block[1].lstrip("\n")
        pad = "\n" * (len(block[1]) - len(body))
        for root in read_yaml(shift + pad + body, path).roots:
            for item in sequence(mapping(mapping(root).get("spec")).get("containers")):
                if "kaniko" in string(mapping(item).get("image")):
                    return mapping(item)
    return None


def pod_mounts(path: str, text: str, container: Map) -> list[Any]:
    """The secrets that are mounted into the pod's container."""
    for block in _BLOCK.finditer(text):
        if "containers:" in block[1]:
            for root in read_yaml(block[1].lstrip("\n"), path).roots:
                return mounts_of(container, volumes_of(mapping(mapping(root).get("spec"))))
    return []


def _leave(job: Job, text: str) -> None:
    for key in ("when", "triggers", "parameters", "withCredentials", "post"):
        match = re.search(rf"^\s*{key}\b", text, re.MULTILINE)
        if match:
            job.left(
                "groovy",
                f"{key} is Groovy, which import does not read",
                text.count("\n", 0, match.end()) + 1,
                "write what it says into the spec",
            )
