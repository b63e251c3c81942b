"""The servers of clouds that hand out passwords of registries, as their references describe them.

AWS' signature is computed here from what arrived, so that a request which is signed wrongly is
refused as AWS would.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import ssl
import subprocess
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from socket import create_connection
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GAR, ACR = "europe-docker.pkg.dev", "acme.azurecr.io"
KEY_ID, KEY = "AKIAEXAMPLE", "secret+key/of=aws"
SESSION_ID, SESSION_KEY, SESSION = "ASIAEXAMPLE", "key+of/session=", "token+of/session=="
ROLE = "arn:aws:iam::123456789012:role/ci+image-push"
SA = "image-push@my-project.iam.gserviceaccount.com"
PROVIDER = "projects/123456789/locations/global/workloadIdentityPools/ci/providers/gitlab"
TENANT, CLIENT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
IDS = f"tenant_id: {TENANT}, client_id: {CLIENT}"
ACCOUNT = f"provider: {PROVIDER}, service_account: {SA}"
"""How a spec names a client of Azure and an account of Google."""
JOB, POD, AGENT = "eyJ.job", "eyJ.pod", "token-of-the-agent"
"""Tokens that say who a job, a pod and a container are."""
MACHINE, FEDERATED, AAD = "token-of-the-machine", "ya29.federated", "eyJ.aad"
PROXY = "http://me:its-p4ss@proxy.example.com:3128/"
PROXY_LOGIN = f"Basic {base64.b64encode(b'me:its-p4ss').decode()}"
PASSWORDS = {"ecr": "ecr-p4ss", "google": "ya29.account", "azure": "eyJ.registry"}
SECRETS = (KEY, SESSION_KEY, SESSION, JOB, POD, AGENT, MACHINE, FEDERATED, AAD, *PASSWORDS.values())


STORAGE_KEY = base64.b64encode(bytes(range(64))).decode()
"""The key of an account of Azure's storage."""
MINIO_PORT = 9000
OBJECTS: dict[str, bytes] = {}
"""What the stores hold, by bucket and path."""
SECRETS = (*SECRETS, STORAGE_KEY)


class Asked(NamedTuple):
    """A request."""

    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        """What a form says: nothing where the request does not say that it is one."""
        is_form = self.headers.get("content-type") == "application/x-www-form-urlencoded"
        return {name: values[0] for name, values in parse_qs(self.body * is_form).items()}


def answer(asked: Asked) -> str | bytes | None:
    """What the servers say; None for what they refuse."""
    for host, respond in _SERVERS.items():
        if re.fullmatch(host, asked.host):
            return respond(asked)
    return None


def _imds(asked: Asked) -> str | None:
    token = asked.headers.get("x-aws-ec2-metadata-token")
    if asked.path == "/latest/api/token":
        timed = "x-aws-ec2-metadata-token-ttl-seconds" in asked.headers
        return MACHINE if asked.method == "PUT" and timed else None
    if asked.path.startswith("/metadata/identity/oauth2/token?api-version=2018-02-01&resource="):
        wanted = asked.headers.get("metadata") == "true"
        return json.dumps({"access_token": AAD}) if wanted else None
    path = "/latest/meta-data/iam/security-credentials/"
    if token != MACHINE or asked.method != "GET":
        return None
    return {path: "image-push", f"{path}image-push": _keys()}.get(asked.path)


def _keys() -> str:
    keys = {"AccessKeyId": SESSION_ID, "SecretAccessKey": SESSION_KEY, "Token": SESSION}
    return json.dumps(keys, indent=2, separators=(",", " : "))


def _agent(asked: Asked) -> str | None:
    open_to_all = asked.host == "169.254.170.2"
    allowed = asked.headers.get("authorization") == (None if open_to_all else AGENT)
    return _keys() if allowed and asked.path == "/v2/credentials/image-push" else None


def _sts(asked: Asked) -> str | None:
    wanted = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleSessionName": "ci-kaniko",
        "RoleArn": ROLE,
    }
    if not _identified(asked, "WebIdentityToken", wanted):
        return None
    return (
        "<AssumeRoleWithWebIdentityResponse>\n<Credentials>\n"
        f"<AccessKeyId>{SESSION_ID}</AccessKeyId>\n"
        f"<SecretAccessKey>{SESSION_KEY}</SecretAccessKey>\n"
        f"<SessionToken>{SESSION}</SessionToken>\n</Credentials>\n"
    )


def _identified(asked: Asked, field: str, wanted: dict[str, str]) -> bool:
    """Whether a form says what is wanted, and by a token who asks."""
    form = asked.form
    return form.pop(field, "") in {JOB, POD} and form == wanted


def _ecr(asked: Asked) -> str | None:
    public = asked.host.startswith("api.ecr-public")
    service, target = (
        ("ecr-public", "SpencerFrontendService")
        if public
        else ("ecr", "AmazonEC2ContainerRegistry_V20150921")
    )
    region = re.findall(r"[.]([a-z0-9-]+)[.]amazonaws", asked.host)[0]
    if asked.headers.get("x-amz-target") != f"{target}.GetAuthorizationToken":
        return None
    if asked.headers.get("content-type") != "application/x-amz-json-1.1" or asked.body != "{}":
        return None
    if not _is_signed(asked, region, service):
        return None
    data = {"authorizationToken": base64.b64encode(f"AWS:{PASSWORDS['ecr']}".encode()).decode()}
    return json.dumps({"authorizationData": data if public else [data]})


def _is_signed(asked: Asked, region: str, service: str) -> bool:
    token = asked.headers.get("x-amz-security-token")
    (key_id,) = re.findall("Credential=([A-Z]+)/", asked.headers.get("authorization", "")) or ("",)
    key = {(KEY_ID, None): KEY, (SESSION_ID, SESSION): SESSION_KEY}.get((key_id, token))
    return key is not None and asked.headers["authorization"] == _signed(
        asked, key_id, key, region, service
    )


def _s3(asked: Asked) -> bytes | None:
    """An object, by the name of the host or by the path alone; who signs says what the body is."""
    bucket = re.sub(
        r"(?:^|[.])(?:s3[.][a-z0-9-]+[.]amazonaws|minio[.]example)[.].*", "", asked.host
    )
    body = asked.headers.get("x-amz-content-sha256")
    region = "us-east-1" if "minio" in asked.host else "eu-west-1"
    known = body == hashlib.sha256(b"").hexdigest() and _is_signed(asked, region, "s3")
    # S3 signs the path as it writes it itself.
    path = unquote(asked.path)
    if not known or asked.method != "GET" or asked.path != quote(path, safe="/~"):
        return None
    return OBJECTS.get(f"{bucket}{path}" if bucket else path[1:])


def _gcs(asked: Asked) -> bytes | None:
    known = asked.headers.get("authorization") == f"Bearer {PASSWORDS['google']}"
    known = known and asked.headers.get("accept-encoding") == "gzip"
    return OBJECTS.get(unquote(asked.path)[1:]) if known else None


def _blob(asked: Asked) -> bytes | None:
    """Authorized by a shared key, since the version of 2015 with no length of an empty body."""
    account, headers = asked.host.partition(".")[0], asked.headers
    shown = "".join(f"x-ms-{name}:{headers.get(f'x-ms-{name}')}\n" for name in ("date", "version"))
    text = f"GET{12 * chr(10)}{shown}/{account}{asked.path}"
    signed = hmac.new(base64.b64decode(STORAGE_KEY), text.encode(), "sha256").digest()
    wanted = f"SharedKey {account}:{base64.b64encode(signed).decode()}"
    dated = re.fullmatch(
        r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", headers["x-ms-date"]
    )
    known = dated and headers["x-ms-version"] > "2015" and headers.get("authorization") == wanted
    return OBJECTS.get(unquote(asked.path)[1:]) if known else None


def _signed(asked: Asked, key_id: str, key: str, region: str, service: str) -> str:
    """Signature version 4: every header of Amazon's is signed, and host and type with them."""
    date = asked.headers["x-amz-date"]
    names = sorted(
        name
        for name in asked.headers
        if name in {"host", "content-type"} or name.startswith("x-amz-")
    )
    headers = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names)
    listed = ";".join(names)
    digest = hashlib.sha256(asked.body.encode()).hexdigest()
    request = f"{asked.method}\n{asked.path}\n\n{headers}\n{listed}\n{digest}"
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}"
    secret = f"AWS4{key}".encode()
    for part in (date[:8], region, service, "aws4_request"):
        secret = hmac.new(secret, part.encode(), "sha256").digest()
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    return (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={listed}, "
        f"Signature={signature}"
    )


def _metadata(asked: Asked) -> str | None:
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    wanted = asked.path == path and asked.headers.get("metadata-flavor") == "Google"
    return json.dumps({"access_token": PASSWORDS["google"], "expires_in": 3599}) if wanted else None


def _google_sts(asked: Asked) -> str | None:
    kind = "urn:ietf:params:oauth:token-type"
    wanted = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{PROVIDER}",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": f"{kind}:access_token",
        "subject_token_type": f"{kind}:jwt",
        "subject_token": JOB,
    }
    return json.dumps({"access_token": FEDERATED}) if asked.form == wanted else None


def _iamcredentials(asked: Asked) -> str | None:
    path = f"/v1/projects/-/serviceAccounts/{SA}:generateAccessToken"
    if asked.headers.get("content-type") != "application/json":
        return None
    scope = json.loads(asked.body).get("scope")
    if (asked.path, asked.headers.get("authorization")) != (path, f"Bearer {FEDERATED}"):
        return None
    known = scope == ["https://www.googleapis.com/auth/cloud-platform"]
    return json.dumps({"accessToken": PASSWORDS["google"]}, indent=2) if known else None


def _entra(asked: Asked) -> str | None:
    wanted = {
        "grant_type": "client_credentials",
        "scope": "https://containerregistry.azure.net/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_id": CLIENT,
    }
    known = _identified(asked, "client_assertion", wanted)
    known = known and asked.path == f"/{TENANT}/oauth2/v2.0/token"
    return json.dumps({"token_type": "Bearer", "access_token": AAD}) if known else None


def _acr(asked: Asked) -> str | None:
    form = asked.form
    form.pop("tenant", "")
    wanted = {"grant_type": "access_token", "service": asked.host, "access_token": AAD}
    known = asked.path == "/oauth2/exchange" and form == wanted
    return json.dumps({"refresh_token": PASSWORDS["azure"]}) if known else None


_SERVERS = {
    r"169\.254\.169\.254": _imds,
    r"169\.254\.170\.(?:2|23)": _agent,
    r"sts\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?": _sts,
    r"(?:api\.ecr(?:-public)?|ecr-fips)\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?": _ecr,
    r"metadata\.google\.internal": _metadata,
    r"sts\.googleapis\.com": _google_sts,
    r"iamcredentials\.googleapis\.com": _iamcredentials,
    r"login\.(?:microsoftonline\.(?:com|us)|chinacloudapi\.cn)": _entra,
    r"[a-z]+\.azurecr\.(?:io|cn|us)": _acr,
    r"(?:[a-z-]+\.)?s3\.eu-west-1\.amazonaws\.com": _s3,
    r"(?:[a-z-]+\.)?minio\.example\.com:9000": _s3,
    r"storage\.googleapis\.com": _gcs,
    r"[a-z]+\.blob\.core\.windows\.net": _blob,
}


class _Handler(BaseHTTPRequestHandler):
    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): text for name, text in self.headers.items()}
        body = self.rfile.read(length).decode()
        said = answer(Asked(self.command, headers["host"], self.path, headers, body))
        self.send_response(403 if said is None else 200)
        self.end_headers()
        self.wfile.write(said.encode() if isinstance(said, str) else said or b"")

    do_GET = do_POST = do_PUT = _respond  # noqa: N815 - names of the library's

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """The servers of every host, at a port for http and one for https."""
    one, other = (ThreadingHTTPServer(("127.0.0.1", 0), _Handler) for _ in range(2))
    with _started(one) as plain, secured(other, folder) as secure:
        yield plain, secure


@contextmanager
def tunnelling(port: int) -> Iterator[tuple[int, list[str]]]:
    """A proxy for whoever says ``me:its-p4ss``, which leads to a port; with what it was asked."""
    asked = []

    class Tunnel(_Handler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            known = self.headers.get("Proxy-Authorization") == PROXY_LOGIN
            self.send_response(200 if known else 407)
            self.end_headers()
            with create_connection(("127.0.0.1", port)) as server:
                ends = {self.connection: server, server: self.connection}
                while known:
                    ready, _, _ = select(ends, (), ())
                    for end in ready:
                        known = known and bool(sent := end.recv(65536))
                        ends[end].sendall(sent)

    with _started(ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)) as proxy:
        yield proxy, asked


@contextmanager
def secured(server: ThreadingHTTPServer, folder: Path) -> Iterator[int]:
    """The port of a server whose certificate lies in a folder, as ``certificate.pem``."""
    pair = folder / "pair.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=clouds"
    words += " -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(pair), "-out", str(folder / "certificate.pem")]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", pair)
    # Debian's busybox offers older ciphers than Alpine's helper.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with _started(server) as port:
        yield port


@contextmanager
def _started(server: ThreadingHTTPServer) -> Iterator[int]:
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
