"""Where the stores of clouds keep a context, for builders that are no clients of them."""

from __future__ import annotations

from ci_kaniko.builders.builder import context_of
from ci_kaniko.builders.carried import refusal
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.contexts import without_scheme
from ci_kaniko.syntax.references import merge
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.plan.model import Plan
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.clouds import ContextLogin
    from ci_kaniko.syntax.variables import Parts

_REGION = pattern(r"[A-Za-z0-9_-]+")
_ENDPOINT = pattern(
    r"(https?://)([A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?)/?"
)
_BUCKET = pattern(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""One that a certificate of S3 is good for in the name of its host."""


class Address(NamedTuple):
    """A server, and a path on it as a text that is not yet that of an address."""

    scheme: str
    host: str
    path: Parts

    @property
    def server(self) -> str:
        """How the address begins."""
        return f"{self.scheme}{self.host}"


def address_of(plan: Plan) -> Address:
    """Where a plan's context is fetched from; what a store needs for it was asked before."""
    location, kind = without_scheme(context_of(plan)), plan.spec.context.store
    if kind == "gs":
        return Address("https://", "storage.googleapis.com", merge(["/", *location]))
    first, *rest = location
    head, slash, below = first.partition("/") if isinstance(first, str) else ("", "", "")
    if kind == "azure":
        from urllib.parse import unquote

        texts = (unquote(part) if isinstance(part, str) else part for part in (below, *rest))
        return Address("https://", head, merge(["/", *texts]))
    login = plan.spec.context_login
    assert login is not None, "a region was asked for"
    scheme, host = _s3(login)
    if slash and not login.s3_path_style and _BUCKET.fullmatch(head):
        return Address(scheme, f"{head}.{host}", merge(["/", below, *rest]))
    return Address(scheme, host, merge(["/", *location]))


def _s3(login: ContextLogin) -> tuple[str, str]:
    """The scheme of S3, or of what speaks it, and the host."""
    if found := _ENDPOINT.fullmatch(login.s3_endpoint or ""):
        return found.group(1), found.group(2)
    china = ".cn" if (login.region or "").startswith("cn-") else ""
    return "https://", f"s3.{login.region}.amazonaws.com{china}"


def unfetched(plan: Plan, name: str) -> Iterator[Finding]:
    """What a script cannot fetch from a store that kaniko can."""
    login, context = plan.spec.context_login, plan.spec.context
    kind = context.store
    if kind == "s3" and not (login and _REGION.fullmatch(login.region or "")):
        where = ("context_login", "region") if login and login.region else ("context",)
        message = f"{name} does not fetch from S3 itself, and who signs for it names one region"
        yield refusal(where, message, "context_login: {region: eu-west-1}, which is the bucket's")
    if login and login.s3_endpoint and not _ENDPOINT.fullmatch(login.s3_endpoint):
        where = ("context_login", "s3_endpoint")
        yield refusal(where, f"{name} needs the address of a server", "such as https://HOST")
    if login and login.google and login.google.key_file:
        yield refusal(
            ("context_login", "google"),
            f"{name} has nothing that signs with the key of a service account",
            "google: ambient, or {provider: ..., service_account: ...}",
        )
    if kind == "azure" and {*"?#"} & {*context}:
        message = f"{name} fetches the newest version of a blob, by its path alone"
        yield refusal(("context",), message, "remove what stands after the path")
