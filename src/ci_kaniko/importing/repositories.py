"""Repositories that a pipeline clones: whose they are, and how the executor fetches another one."""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import (
    Cloned,
    Text,
    Var,
    join,
    literal,
    only_var,
    spell,
    split_text,
    starts_with,
)
from ci_kaniko.importing.facts import CLONED, meaning, whole_ref
from ci_kaniko.repository.checkout import https_url, repository_url

if TYPE_CHECKING:
    from ci_kaniko.importing.jobs import Job

_PAGE = re.compile(r"https://([\w.-]+(?::\d+)?/[\w./~-]+?)(?:\.git)?/?")
_KINDS = {"tag": "refs/tags/", "ref": ""}
_REF = re.compile(r"(?:refs/[\w./-]+(?:#[0-9a-f]{40})?)?")


def is_own(address: Text) -> bool:
    """Whether an address is made of what a platform says of its own repository."""
    return any(meaning(part) in CLONED for part in split_text(address, "#", 1)[0])


def is_of_file(job: Job, cloned: Cloned) -> bool:
    """Whether what a job clones is the repository that its file lies in."""
    written = literal(without_login(cloned.address)[1])
    if job.facts.names_none and (written is None or job.is_ours):
        return True
    if is_own(cloned.address) or "commit.sha" in map(meaning, cloned.ref):
        return True
    page = https_url(written or "")
    return bool(page) and page == _origin(job.path)


@functools.lru_cache(maxsize=64)
def _origin(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    return repository_url(folder) if os.path.isfile(path) else ""


def complete(ref: Text) -> Text | None:
    """A ref as the executor fetches it; None for a commit, which it fetches by a ref only."""
    written = literal(ref)
    if written is not None:
        found = whole_ref(written)
        return (found,) * bool(found) if _REF.fullmatch(found) else None
    kind = _KINDS.get(meaning(ref[0]), "refs/heads/")
    return ref if starts_with(ref, "refs/") else join((kind, *ref))


def with_token(address: str, secret: str) -> Text:
    """An address with the secret whose token fetches what lies there, if there is one."""
    scheme, mark, rest = address.partition("://")
    return (scheme + mark, Var(f"secrets.{secret}"), f"@{rest}") if secret else (address,)


def context_of(cloned: Cloned) -> str:
    """The context that fetches what is cloned, in words; empty where nobody can say that.

    >>> context_of(Cloned(("git@git.example.com:acme/shop",), ("v1",)))
    'git://git.example.com/acme/shop.git#refs/tags/v1'
    """
    user, address = without_login(cloned.address)
    location, ref = location_of(literal(address) or ""), complete(cloned.ref)
    named = re.sub(r"\$(\w+)", r"${env.\1}", spell(ref or ()))
    token = only_var(user)
    if not location or ref is None or (user and not token) or re.search(r"\$(?!\{env\.)", named):
        return ""
    by = f", with {token.name.removeprefix('secrets.')} as its token" if token else ""
    return (f"{location}#{named}" if named else location) + by


def location_of(address: str) -> str:
    """Where the executor fetches what lies at an address; by SSH it fetches nothing."""
    over_https = address if re.match(r"https?://", address) else https_url(address)
    found = _PAGE.fullmatch(over_https)
    return f"git://{found[1]}.git" if found else ""


def without_login(address: Text) -> tuple[Text, Text]:
    """Who logs in by an address of HTTP, and the address without."""
    user, *rest = split_text(address, "@", 1)
    scheme, has_scheme, begun = str(user[0] if user else "").partition("://")
    if not rest or not has_scheme or "/" in spell(user).partition("://")[2] or scheme == "ssh":
        return (), address
    return join((begun, *user[1:])), join((f"{scheme}://", *rest[0]))
