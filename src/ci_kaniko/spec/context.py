"""What is built: context, checkout, git and proxies."""

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import (
    STRING,
    TEXT,
    Boolean,
    GitToken,
    Makes,
    Present,
    Reads,
    SecretName,
    check_plain,
    checked,
    choice,
    whole,
)
from ci_kaniko.spec.logins import SecretText
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.options import NoProxy, or_secret
from ci_kaniko.syntax.contexts import Context, Dockerfile
from ci_kaniko.syntax.grammar import check_text, is_stage
from ci_kaniko.syntax.scalars import as_bool
from ci_kaniko.syntax.variables import INPUT_READ, Template, holding_inputs, with_inputs

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import CheckoutDict, ClientCertificateDict, GitDict, ProxyDict

Depth = Annotated[int, whole(1, 1_000_000)]


def _read_dockerfile(text: str) -> Dockerfile:
    _check_holding_inputs(text)
    return Dockerfile(text)


def _check_holding_inputs(text: str) -> None:
    check = check_text if INPUT_READ in text else check_plain
    check(text)


BuildContext = Annotated[Context, Makes(Context, STRING, "template")]
DockerfilePath = Annotated[Dockerfile, Makes(_read_dockerfile, STRING, inputs=True)]


class Git(Model):
    """How a git context is fetched."""

    token: GitToken | None = Field(
        default=None,
        description="The NAME of the secret that may read a private repository, or ci-token for "
        "the token that the CI gives each job.",
        examples=["GIT_TOKEN", "ci-token"],
    )
    username: Present | None = Field(
        default=None,
        description="The user the token belongs to; GitHub and GitLab take the default, oauth2.",
        examples=["x-token-auth"],
    )
    branch: Present | None = Field(
        default=None, description="Branch or tag to clone instead of the ref.", examples=["main"]
    )
    single_branch: Boolean | None = Field(
        default=None, description="Fetch one branch only.", examples=[True]
    )
    recurse_submodules: Boolean | None = Field(
        default=None,
        description="Fetch submodules too. kaniko sends the token to the server of each of them, "
        "Buildah to that of the repository only.",
        examples=[True],
    )
    depth: Depth | None = Field(
        default=None, description="Fetch only so many commits.", examples=[1]
    )
    insecure_skip_tls: Boolean | None = Field(
        default=None, description="Do not verify the server's certificate.", examples=[True]
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[GitDict]") -> None: ...


def _read_submodules(value: Any) -> Any:
    if value is True or value == "recursive":
        return value if value is True else "recursive"
    if isinstance(value, str) and value in {"true", "false"} and as_bool(value):
        return True
    raise Refused(
        "bad-choice",
        f"{quoted(str(value).lower())} is not one of: true, recursive",
        "recursive fetches those of submodules, too; without the key none is fetched",
    )


_SUBMODULES = {"enum": [True, "recursive"]}
Submodules = Annotated[bool | str, Reads(_read_submodules, _SUBMODULES)]


class Checkout(Model):
    """What is checked out beside the files of the commit."""

    submodules: Submodules | None = Field(
        default=None,
        description="true: the repository's submodules. recursive: those of submodules, too.",
        examples=["recursive"],
    )
    lfs: Boolean = Field(
        default=False,
        description="The files that git keeps in its large file storage.",
        examples=[True],
    )
    depth: Depth | None = Field(
        default=None,
        description="So many commits; without it as many as the platform fetches by itself.",
        examples=[50],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[CheckoutDict]") -> None: ...


def check_secret_id(text: str) -> None:
    """Raise Refused for what no build secret can be called."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise Refused(
            "bad-build-secret",
            f"{quoted(text)} is not the id of a build secret",
            "letters, digits, _ . and -, as in RUN --mount=type=secret,id=npm",
        )


def _check_proxy(text: str) -> None:
    check_plain(text)
    if not re.fullmatch(r"https?://[^/@\s]+/?", text):
        raise Refused(
            "bad-proxy",
            f"{quoted(text)} is not a proxy",
            "http://proxy.example.com:3128, or {secret: NAME} for what a secret holds",
        )


BuildSecretId = Annotated[str, Reads(checked(check_secret_id), STRING)]
ProxyUrl = Annotated[
    str | SecretText,
    or_secret(_check_proxy, "keep an address with a login as a secret: {secret: NAME}"),
]


class ClientCertificate(Model):
    """A client certificate and its key."""

    certificate: SecretName = Field(
        description="The NAME of the secret with the PEM certificate.", examples=["ACME_CERT"]
    )
    key: SecretName = Field(
        description="The NAME of the secret with the PEM key.", examples=["ACME_CERT_KEY"]
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[ClientCertificateDict]") -> None: ...


class Proxy(Model):
    """Proxies of the executor and of RUN lines."""

    http: ProxyUrl | None = Field(
        default=None,
        description="For http://; an address, or the name of the secret that holds it.",
        examples=["http://proxy.example.com:3128", {"secret": "PROXY_URL"}],
    )
    https: ProxyUrl | None = Field(
        default=None, description="For https://.", examples=["http://proxy.example.com:3128"]
    )
    no_proxy: NoProxy | None = Field(
        default=None,
        description="Hosts that are reached without, joined by commas.",
        examples=["localhost,registry.local"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[ProxyDict]") -> None: ...


def _read_stage(text: str) -> Template:
    _check_holding_inputs(text)
    read = Template.keeping(text, (text,))
    if INPUT_READ in text:
        read = holding_inputs(text, "a stage", "${input.stage}")
    if not is_stage(with_inputs(read, lambda _: "x")):
        raise Refused(
            "bad-stage",
            f"{quoted(text)} is not a stage of a Dockerfile",
            "letters, digits, _ . and -; one stage",
        )
    return read


Stage = Annotated[Template, Makes(_read_stage, TEXT, inputs=True)]
PushPolicy = Annotated[str, choice("auto", "always", "never")]
