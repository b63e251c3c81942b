"""Versions in git tags: semantic versions, after a prefix and an optional ``v``.

The grammar is that of semver.org, version 2.0.0. Build metadata is dropped, because a tag of an
image cannot hold its ``+``.
"""

from __future__ import annotations

from ci_kaniko.text.patterns import pattern

NUMBER = r"(?:0|[1-9][0-9]*)"
_WORD = rf"(?:{NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_RELEASE = rf"{NUMBER}\.{NUMBER}\.{NUMBER}"
_METADATA = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_ANY = rf"{_RELEASE}(?:-{_WORD}(?:\.{_WORD})*)?"
_VERSION = pattern(rf"v?({_ANY}){_METADATA}")
EXPRESSIONS = {
    "version": rf"v?{_ANY}{_METADATA}",
    "release": rf"v?{_RELEASE}{_METADATA}",
}
"""The tags for which a condition holds, as regular expressions of the whole tag."""


def version_of(tag: str, prefix: str = "") -> str:
    """The version that a git tag names; empty when it names none.

    >>> version_of("v1.2.3-rc.1+linux"), version_of("api/v1.2.3", "api/"), version_of("v1.2")
    ('1.2.3-rc.1', '1.2.3', '')
    """
    found = _VERSION.fullmatch(tag[len(prefix) :]) if tag.startswith(prefix) else None
    return found[1] if found else ""


def is_release(version: str) -> bool:
    """Whether a version is one without a pre-release part."""
    return bool(version) and "-" not in version


_EXTENDED = {
    "number": "(0|[1-9][0-9]*)",
    "word": "($number|[0-9]*[A-Za-z-][0-9A-Za-z-]*)",
    "semver": "${number}[.]${number}[.]$number(-$word([.]$word)*)?",
    "metadata": "([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?",
}
"""The same as extended regular expressions of a shell, each made of those before it."""


def shell_lines(tag: str, prefix: str) -> tuple[str, ...]:
    """Lines of a POSIX shell that put the version of ``tag``, a word, into ``$version``."""
    names = {name: f'"{text}"' if "$" in text else f"'{text}'" for name, text in _EXTENDED.items()}
    return (
        "# a version as semver.org defines it",
        *(f"{name}={word}" for name, word in names.items()),
        f"version=$(printf '%s\\n' {tag} |",
        f"""  LC_ALL=C sed -nE "s,^{_escaped(prefix)}v?($semver)$metadata"'$,\\1,p')""",
    )


def sed_program(prefix: str) -> str:
    """The program that these lines run, for whoever reads them."""
    made: dict[str, str] = {}
    for name, text in _EXTENDED.items():
        found = text
        for known, value in made.items():
            found = found.replace(f"${{{known}}}", value).replace(f"${known}", value)
        made[name] = found
    return f"s,^{_escaped(prefix)}v?({made['semver']}){made['metadata']}$,\\1,p"


def _escaped(prefix: str) -> str:
    return "".join(f"[{c}]" if c in ".+" else c for c in prefix)
