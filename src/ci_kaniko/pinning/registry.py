"""The digest behind a tag, as a registry tells it: the OCI distribution API, version 1.1.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md, and for tokens
https://distribution.github.io/distribution/spec/auth/token/. Logins are those of the docker
client; proxies are those of the environment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
from http.client import HTTPException, HTTPMessage
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from ci_kaniko import __version__
from ci_kaniko.problems.problem import CannotPin
from ci_kaniko.syntax.references import DOCKER_HUB, DOCKER_HUB_KEY, path_of, pulled_from

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCEPTED = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HELPER = re.compile(r"[a-z0-9-]+")
_MAX_BYTES = 8 * 1024 * 1024
_SECONDS = 20
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_TOKEN_USER = "<token>"


class RegistryError(CannotPin):
    """A registry does not tell; the message says why."""


class _Login(NamedTuple):
    user: str
    password: str
    identity: str = ""


class _Redirects(HTTPRedirectHandler):
    """Another host gets no login of the first."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            made.remove_header("Authorization")
        return made


class Registries:
    """What the docker client of this machine may read."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._config = _docker_config(environment)
        self._opener: OpenerDirector = build_opener(_Redirects)

    def digest(self, image: str) -> str:
        """The digest of an image's tag; of several platforms that of their list.

        Raises RegistryError.
        """
        name, colon, tag = path_of(image).rpartition(":")
        if not colon:
            name, tag = tag, "latest"
        host = pulled_from(image)
        if host == DOCKER_HUB:
            name = name if "/" in name else f"library/{name}"
        api = "registry-1.docker.io" if host == DOCKER_HUB else host
        scheme = "http" if _bare(api) in _LOCAL else "https"
        url = f"{scheme}://{api}/v2/{name}/manifests/{tag}"
        try:
            return self._manifest(url, host, f"repository:{name}:pull", image)
        except HTTPError as error:
            error.close()
            raise RegistryError(_refusal(error, host, image)) from None
        except (URLError, TimeoutError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise RegistryError(f"{host} cannot be reached: {reason}") from None

    def _manifest(self, url: str, host: str, scope: str, image: str) -> str:
        headers = {"Accept": ", ".join(_ACCEPTED)}
        try:
            digest = self._told_digest(url, headers)
        except HTTPError as error:
            if error.code != 401:
                raise
            challenge = error.headers.get("WWW-Authenticate", "")
            error.close()
            headers["Authorization"] = self._authorization(challenge, url, host, scope)
            digest = self._told_digest(url, headers)
        if not digest:
            body = self._read(Request(url, headers=headers))  # noqa: S310
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(f"{host} gives {image} something else than a sha256 digest")
        return digest

    def _told_digest(self, url: str, headers: dict[str, str]) -> str:
        request = Request(url, headers=headers, method="HEAD")  # noqa: S310
        with self._open(request) as answer:
            digest: str = answer.headers.get("Docker-Content-Digest", "")
            return digest

    def _read(self, request: Request) -> bytes:
        with self._open(request) as answer:
            body: bytes = answer.read(_MAX_BYTES)
            return body

    def _open(self, request: Request) -> Any:
        request.add_header("User-Agent", f"ci-kaniko/{__version__}")
        return self._opener.open(request, timeout=_SECONDS)

    def _authorization(self, challenge: str, url: str, host: str, scope: str) -> str:
        login = self._login(host)
        basic = login and "Basic " + _encoded(f"{login.user}:{login.password}")
        kind = challenge.partition(" ")[0].lower()
        if kind == "basic":
            if not basic:
                raise RegistryError(f"{host} wants a login: docker login {host}")
            return basic
        fields = dict(_CHALLENGE.findall(challenge))
        realm = fields.get("realm", "")
        secure = realm.startswith("https://") or (
            url.startswith("http://") and realm.startswith("http://")
        )
        if kind != "bearer" or not secure:
            raise RegistryError(f"{host} wants a login that is not known here")
        asked = {"scope": fields.get("scope") or scope, "service": fields.get("service", "")}
        if login and login.identity:
            form = {**asked, "grant_type": "refresh_token", "refresh_token": login.identity}
            form["client_id"] = "ci-kaniko"
            request = Request(realm, data=urlencode(form).encode())  # noqa: S310
        else:
            given = {"Authorization": basic} if basic else {}
            joint = "&" if "?" in realm else "?"
            request = Request(f"{realm}{joint}{urlencode(asked)}", headers=given)  # noqa: S310
        token = _object(self._read(request))
        found = token.get("token") or token.get("access_token")
        if not isinstance(found, str):
            raise RegistryError(f"{host} hands out no token")
        return f"Bearer {found}"

    def _login(self, host: str) -> _Login | None:
        """What the docker client would log in with: a helper's word first."""
        keys = (DOCKER_HUB_KEY, host) if host == DOCKER_HUB else (host, f"https://{host}")
        helpers = self._config.get("credHelpers", {})
        for key in keys:
            name = helpers.get(key) or self._config.get("credsStore")
            if isinstance(name, str) and (found := _from_helper(name, key)):
                return found
            entry = self._config.get("auths", {}).get(key)
            if isinstance(entry, dict) and entry:
                return _from_entry(entry)
        return None


def _docker_config(environment: Mapping[str, str]) -> dict[str, Any]:
    home = environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    try:
        with open(os.path.join(home, "config.json"), "rb") as file:
            return _object(file.read(_MAX_BYTES))
    except OSError:
        return {}


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _from_entry(entry: dict[str, Any]) -> _Login | None:
    identity = str(entry.get("identitytoken", ""))
    if auth := entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(auth)).decode().partition(":")
        except ValueError:
            return None
        return _Login(user, password, identity) if colon else None
    user, password = str(entry.get("username", "")), str(entry.get("password", ""))
    return _Login(user, password, identity) if user or identity else None


def _from_helper(name: str, key: str) -> _Login | None:
    """A login from docker's credential helper of that name."""
    if not _HELPER.fullmatch(name):
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the user's own docker client names it
            [f"docker-credential-{name}", "get"],
            input=key.encode(),
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _object(done.stdout)
    user, secret = str(found.get("Username", "")), str(found.get("Secret", ""))
    return _Login("", "", secret) if user == _TOKEN_USER else _Login(user, secret)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _bare(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _refusal(error: HTTPError, host: str, image: str) -> str:
    if error.code in {401, 403}:
        return f"{host} denies {image}: docker login {host}, with an account that may pull it"
    if error.code == 404:
        return f"{host} has no {image}"
    return f"{host} answers {error.code} for {image}"
