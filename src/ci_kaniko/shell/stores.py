"""How a script fetches a context from a store of a cloud, for a builder that is no client of it.

Sources: AWS' reference of S3's addresses and of GetObject, Google's of downloads by its XML API,
and Azure's page "Authorize with Shared Key".
"""

from __future__ import annotations

from ci_kaniko.builders.stores import address_of
from ci_kaniko.plan.clouds import aws
from ci_kaniko.plan.model import ARCHIVE
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.clients import Request, Stored
from ci_kaniko.shell.exchange import Exchange, client_of
from ci_kaniko.shell.functions import define
from ci_kaniko.shell.secrets import path_in
from ci_kaniko.syntax.references import merge
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.secrets import Secrets
    from ci_kaniko.shell.words import Words
    from ci_kaniko.syntax.variables import Parts, Ref

_PLAIN = frozenset(
    {"build.date", "commit.date", "commit.sha", "commit.short", "ref.slug", "ref.tag"}
)
"""Variables with nothing that an address would write in another way."""
_TIME = "now=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')"


class Stores:
    """What asks a store for the archive of a context."""

    def __init__(self, draft: Draft, secrets: Secrets, words: Words) -> None:
        self._draft = draft
        self._secrets = secrets
        self._words = words

    def fetched(self) -> list[str]:
        """Lines that put the archive into its file; what comes after them has none of the keys."""
        plan, site = self._draft.plan, self._draft.site
        if not plan.fetches_store or site.logged_in:
            return []
        made = [] if "$" in site.stored else [f"mkdir -p {site.stored}"]
        asked = {"s3": self._s3, "gs": self._gs, "azure": self._azure}
        with self._draft.branch():
            lines = asked[plan.spec.context.store](path_in(site.stored, ARCHIVE))
        return [*made, "(", *indented(lines), ")"]

    def _s3(self, file: str) -> list[str]:
        plan, login = self._draft.plan, self._draft.plan.spec.context_login
        assert login is not None, "a region was asked for"
        region = login.region or ""
        exchange = Exchange(self._draft, self._secrets, self._words)
        keys = exchange.keys(plan.context_cloud or aws(None, {}))
        before, url = self._url()
        temporary = not (login.aws and login.aws.access_key_id)
        request = Stored(url, region, temporary, file)
        return [*before, *keys, *client_of(self._draft).stored(request)]

    def _gs(self, file: str) -> list[str]:
        plan, login = self._draft.plan, self._draft.plan.spec.context_login
        exchange = Exchange(self._draft, self._secrets, self._words)
        token = exchange.token(login.google if login else None, plan.context_cloud)
        before, url = self._url()
        # Without this the server unpacks an object that is stored compressed.
        said = ("'Accept-Encoding: gzip'",)
        request = Request(url, said, header="Authorization: Bearer ", file=file)
        return [*before, *token, *client_of(self._draft).asked(request)]

    def _azure(self, file: str) -> list[str]:
        login = self._draft.plan.spec.context_login
        assert login is not None, "the key was asked for"
        key = login.azure_storage_key or ""
        account = address_of(self._draft.plan).host.partition(".")[0]
        before, url = self._url()
        _, path = self._url(f"/{account}")
        define(self._draft, "sign_azure")
        said = ("'X-Ms-Version: 2021-08-06'", '"X-Ms-Date: $now"')
        request = Request(url, said, header=f"Authorization: SharedKey {account}:", file=file)
        return [
            *self._secrets.guard(key),
            *before,
            _TIME,
            f'token=$(sign_azure "${key}" {path} "$now")',
            *client_of(self._draft).asked(request),
        ]

    def _url(self, start: str = "") -> tuple[list[str], str]:
        """Lines that come first, and the address as a word; another text may stand before it."""
        address = address_of(self._draft.plan)
        start, path = start or address.server, address.path
        if all(isinstance(part, str) or _is_plain(part) for part in path):
            return [], self._words.text(merge([start, *_in_address(path)]))
        define(self._draft, "in_address")
        return [f"path=$(in_address {self._words.text(path)})"], f'{quote(start)}"$path"'


def _is_plain(ref: Ref) -> bool:
    return ref.name in _PLAIN and ref.default is None


def _in_address(path: Parts) -> list[str | Ref]:
    from urllib.parse import quote as percent

    return [percent(part, safe="/~") if isinstance(part, str) else part for part in path]
