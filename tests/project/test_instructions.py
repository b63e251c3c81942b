"""Dockerfiles, told apart by ci-kaniko and by BuildKit's own parser."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from ci_kaniko.project.instructions import Instruction, NotUnderstood, instructions, triggered

_LINES = (
    *("FROM alpine", "FROM --platform=$X alpine:3 AS one", "from one as Two", "FROM  a\tas  b "),
    *("ARG A", "ARG A=1 B", "ARG A=\"x y\" C='z'", "arg A=b#c"),
    *("COPY a b /c/", "COPY --from=one --chmod=755 /a /b", 'COPY ["a b", "/c"]', "ADD a.tgz /x"),
    *("RUN a && b", "RUN --mount=type=secret,id=k --network=none cat", 'RUN ["sh", "-c", "a"]'),
    *("RUN a \\", "  b \\", "  # between", "", "   ", "# aside", "#", "  c", "\td # no comment"),
    *("RUN <<EOF", "RUN <<-EOF cat", "RUN <<'E' sh <<EOF", "COPY <<EOF /f", "EOF", "\tEOF", "E"),
    *("RUN a <<< b", "RUN a<<EOF", "RUN 3<<EOF x", "ONBUILD RUN --network=none x", "ONBUILD ARG Q"),
    *("WORKDIR /a b", 'WORKDIR "/a"', "ENV A=1", "B=2", "LABEL x='a b'", "USER a", "CMD a \\ b"),
    *("HEALTHCHECK NONE", 'SHELL ["a"]', "RUN a \\ ", "RUN a \\\\", "RUN a `", "RUN é", "\u00a0x"),
)
_HEADS = ("", "# escape=`\n", "# syntax=a/b:1\n# escape=\\\n", "# check=skip=all\n", "# no=one\n")
_COUNT = 2_000


def files() -> list[str]:
    """Random Dockerfiles."""
    draw = random.Random(20261129)  # noqa: S311
    ends = ("\n", "\n", "\n", "\r\n")
    found = []
    for _ in range(_COUNT):
        lines = [draw.choice(_LINES) for _ in range(draw.randint(1, 7))]
        found.append(draw.choice(_HEADS) + draw.choice(ends).join(["FROM x", *lines, ""]))
    return found


def squeezed(text: str) -> str:
    return " ".join(text.split())


def ours(one: Instruction) -> tuple[object, ...]:
    inner = triggered(one) if one.word == "onbuild" else one
    flags = [flag.text for flag in one.flags]
    documents = [document.text for document in inner.documents]
    return one.word, inner.word, one.line, flags, squeezed(inner.text), documents


def buildkits(one: Any) -> tuple[object, ...]:
    """What a command of that parser says; behind ONBUILD it tells no flags apart."""
    words = re.sub("^(?i:onbuild +)?[a-zA-Z]+", "", one.original.partition("\n")[0].strip())
    for flag in one.flags:
        words = words.replace(flag, "", 1)
    documents = [line for each in one.heredocs for line in each.content.splitlines()]
    word, inner = one.cmd.lower(), (one.sub_cmd or one.cmd).lower()
    return word, inner, one.start_line, [*one.flags], squeezed(words), documents


def test_buildkit_reads_the_same_instructions() -> None:
    dockerfile = pytest.importorskip("dockerfile", reason="dockerfile is not installed")
    read = 0
    for text in files():
        try:
            theirs = dockerfile.parse_string(text)
        except dockerfile.GoParseError:
            theirs = None
        try:
            found = [ours(one) for one in instructions(text)]
        except NotUnderstood:
            continue
        assert theirs is not None, text
        read += 1
        assert found == [buildkits(one) for one in theirs], text
    assert read > _COUNT / 3


def test_buildkit_refuses_what_never_ends() -> None:
    dockerfile = pytest.importorskip("dockerfile", reason="dockerfile is not installed")
    text = "FROM x\nRUN <<EOF\na\n"
    with pytest.raises(dockerfile.GoParseError):
        dockerfile.parse_string(text)
    with pytest.raises(NotUnderstood):
        [*instructions(text)]
