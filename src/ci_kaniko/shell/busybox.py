"""How a script asks a server with nothing but busybox: by functions of its own."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.clients import Client
from ci_kaniko.shell.functions import define
from ci_kaniko.text.quoting import continued, quote

if TYPE_CHECKING:
    from ci_kaniko.shell.clients import Request, Signed, Stored
    from ci_kaniko.shell.draft import Draft

_SESSION = '"${AWS_SESSION_TOKEN:-}"'
_PATIENCE = "patience=3600"
"""An archive may take longer than an answer."""


class Busybox(Client):
    """Functions of the script, each there once."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def asked(self, request: Request) -> list[str]:
        define(self._draft, "ask")
        headers = [*request.headers]
        if request.header:
            said = f'"{request.header}${request.held}"'
            headers.append(f"${{{request.held}:+{said}}}")
        if request.form:
            headers.append("'Content-Type: application/x-www-form-urlencoded'")
        data = request.form or (quote(request.body) if request.body else "''")
        if request.secret:
            # A token needs no escapes in a form.
            data += f'"&{request.secret}=${request.held}"'
        method = request.method or ("GET" if data == "''" else "POST")
        words = [request.url, data, *headers]
        if not request.file:
            return continued(f"ask {method}", words)
        return continued(f"{_PATIENCE} ask {method}", [*words, f"> {request.file}"])

    def signed(self, request: Signed) -> list[str]:
        define(self._draft, "ask_aws")
        session = _SESSION if request.temporary else "''"
        words = [request.url, request.region, request.service, request.target, session]
        return continued("ask_aws", words)

    def stored(self, request: Stored) -> list[str]:
        define(self._draft, "ask_s3")
        session = _SESSION if request.temporary else "''"
        words = [request.url, request.region, session, f"> {request.file}"]
        return continued(f"{_PATIENCE} ask_s3", words)
