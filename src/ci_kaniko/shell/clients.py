"""How a script asks a server without a secret among the arguments, which others can see."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING, Protocol
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.quoting import continued, indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

_CURL = "curl --fail --silent --show-error"
_RETRIED = f"{_CURL} --retry 3"
_NEARBY = f"{_CURL} --connect-timeout 5"
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Request(NamedTuple):
    """A request to a server. ``url``, ``headers``, ``form`` and ``file`` are words of the shell.

    - ``header`` is a text before the value of the variable ``held``; it is not sent where that
      variable is empty.
    - ``form`` is the body; its field ``secret`` is ``$token``. ``body`` is a plain text instead.
    - ``nearby`` says that the server answers at once, or never.
    - ``file`` gets the answer; without it the answer is printed.
    """

    url: str
    headers: tuple[str, ...] = ()
    header: str = ""
    held: str = "token"
    form: str = ""
    secret: str = ""
    body: str = ""
    method: str = ""
    nearby: bool = False
    file: str = ""


class Signed(NamedTuple):
    """A request to AWS: with ``temporary`` keys there is a token of their session, too.

    ``url`` and ``region`` are words.
    """

    url: str
    region: str
    service: str
    target: str
    temporary: bool


class Stored(NamedTuple):
    """An object of S3, and the file that it goes to; ``url`` and ``file`` are words."""

    url: str
    region: str
    temporary: bool
    file: str


class Client(Protocol):
    """A program that asks servers."""

    def asked(self, request: Request) -> list[str]:
        """Lines of a command that prints the answer."""

    def signed(self, request: Signed) -> list[str]:
        """The same for a request that is signed with the keys of AWS."""

    def stored(self, request: Stored) -> list[str]:
        """Lines that get an object, signed with the keys of AWS."""


class Curl(Client):
    """It reads secrets from its standard input, and signs by itself."""

    def asked(self, request: Request) -> list[str]:
        words = [f"--request {request.method}"] * bool(request.method)
        words += ["--header @-"] * bool(request.header)
        words += [f"--header {word}" for word in request.headers]
        if data := request.form or (request.body and quote(request.body)):
            words.append(f"--data {data}")
        words += [f"--data-urlencode {request.secret}@-"] * bool(request.secret)
        words += [f"--output {request.file}"] * bool(request.file)
        given = quote(f"{request.header}%s") if request.header else "%s"
        call = continued(_NEARBY if request.nearby else _RETRIED, [*words, request.url])
        if not (request.header or request.secret):
            return call
        return [f'printf {given} "${request.held}" |', *indented(call)]

    def signed(self, request: Signed) -> list[str]:
        words = [
            "--header 'Content-Type: application/x-amz-json-1.1'",
            f"--header 'X-Amz-Target: {request.target}'",
            f"--data '{{}}' {request.url}",
        ]
        return _with_keys(request.region, request.service, words, temporary=request.temporary)

    def stored(self, request: Stored) -> list[str]:
        # S3 wants the hash of the empty body, which not every curl sends.
        words = [f"--header 'X-Amz-Content-SHA256: {_EMPTY}'"]
        words += [f"--output {request.file}", request.url]
        return _with_keys(request.region, "s3", words, temporary=request.temporary)


def _with_keys(region: str, service: str, words: list[str], *, temporary: bool) -> list[str]:
    """A call of curl that signs; the keys of AWS stand in no argument."""
    keys = '"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"'
    # Curl would sign an empty header, and not send it.
    session = '"${AWS_SESSION_TOKEN:+header = \\"X-Amz-Security-Token: $AWS_SESSION_TOKEN\\"}"'
    told = (
        [f"printf 'user = \"%s:%s\"\\n%s\\n' {keys} \\", f"  {session} |"]
        if temporary
        else [f"printf 'user = \"%s:%s\"\\n' {keys} |"]
    )
    call = ["--config -", f"--aws-sigv4 aws:amz:{region}:{service}", *words]
    return [*told, *indented(continued(_RETRIED, call))]


CURL = Curl()


def json_field(name: str) -> str:
    """A command that takes the text of a field out of JSON."""
    return f'sed -n \'s/.*"{name}" *: *"\\([^"]*\\)".*/\\1/p\''


def received(name: str) -> list[str]:
    """A line that stops where an answer left a variable empty."""
    return [f': "${{{name}:?is empty: the answer holds none}}"']


def token_of(asked: Iterable[str], field: str, then: str = "") -> list[str]:
    """Lines that put a field of the answer to a call into ``$token``, after a command for it."""
    *lines, last = asked
    piped = [*lines, f"{last} |", f"  {json_field(field)}{then}"]
    return ["token=$(", *indented(piped), ")", *received("token")]
