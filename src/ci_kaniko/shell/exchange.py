"""How a script asks a cloud for the password of its registry, where no helper does it.

Sources: AWS's reference of ECR's and STS's APIs and of the credentials that containers and machines
find, Google's of STS, of iamcredentials and of the metadata server, Azure's of its registries'
``/oauth2/exchange``, of IMDS and of workload identity.
"""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import CURLED
from ci_kaniko.kaniko.hosts import acr_authority, ecr_api
from ci_kaniko.plan.clouds import SESSION, impersonation
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.clients import CURL, Request, Signed, json_field, token_of
from ci_kaniko.syntax.variables import around
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from ci_kaniko.plan.clouds import Cloud
    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.shell.clients import Client
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.secrets import Secrets
    from ci_kaniko.shell.words import Words
    from ci_kaniko.spec.clouds import GoogleLogin

_ASSUME = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ci-kaniko&RoleArn="
_KEYS = ("AccessKeyId", "SecretAccessKey")
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ACR = "https://containerregistry.azure.net"
_IMDS = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"


class Exchange:
    """The exchanges of a script: what a job has, for what a registry takes."""

    def __init__(self, draft: Draft, secrets: Secrets, words: Words) -> None:
        self._draft = draft
        self._secrets = secrets
        self._words = words
        self._client = client_of(draft)

    def password(self, login: HostLogin) -> tuple[list[str], str, str]:
        """Lines that come first, the user as a word, and the variable of the password."""
        if aws := login.login.aws:
            has_keys = bool(aws.access_key_id)
            return (
                [*self.keys(_cloud(login)), *self._ecr(login, temporary=not has_keys)],
                "AWS",
                "token",
            )
        if login.login.google:
            return self.token(login.login.google, _cloud(login)), "oauth2accesstoken", "token"
        return self._azure(login), "00000000-0000-0000-0000-000000000000", "token"

    def session(self, cloud: Cloud) -> list[str]:
        """An hour in the role: the identity's own token lives for minutes, a build for longer."""
        return self._in_role(quote(f"{_ASSUME}{_in_form(cloud.role)}"), _region(cloud))

    def _in_role(self, form: str, region: str) -> list[str]:
        """The keys out of STS' answer to ``$token``; the form is a word."""
        names = dict(zip(SESSION, (*_KEYS, "SessionToken"), strict=True))
        read = (
            _assigned(name, f"sed -n 's:.*<{tag}>\\([^<]*\\)</{tag}>.*:\\1:p'")
            for name, tag in names.items()
        )
        url = self._word(_sts(region), region)
        return [
            *self._answer(Request(url, form=form, secret="WebIdentityToken")),
            *read,
            f': "${{{SESSION[-1]}:?is empty: AWS did not hand out the role}}"',
            *self._draft.dialect.masked(*SESSION),
        ]

    # -- AWS ------------------------------------------------------------------------------------

    def keys(self, cloud: Cloud) -> list[str]:
        """Lines that set the keys of AWS, unless a run has passed them."""
        if cloud.secret_variables:
            lines = self._secrets.guards(cloud.secret_variables.values())
            named = (f'{name}="${secret}"' for name, secret in cloud.secret_variables.items())
            return [*lines, *named]
        if cloud.role and cloud.token:
            identity = self._draft.dialect.identity(self._draft.plan, "aws", cloud.token)
            return [*identity, *self.session(cloud)]
        if cloud.secret:
            return self._profile(cloud.secret)
        if not self._draft.once("keys of the machine"):
            return []
        return self._ambient(_region(cloud))

    def _profile(self, secret: str) -> list[str]:
        """The keys of a credentials file's default profile."""
        before, variable = self._secrets.text(secret)
        lines = [*before]
        for name in SESSION:
            found = f"/^\\[default\\]/,/^\\[/s/^ *{name.lower()} *= *//p"
            lines.append(
                f"{name}=$(printf '%s\\n' \"${variable}\" | sed -n {quote(found)} | tr -d ' \\r')"
            )
        return [*lines, f': "${{{SESSION[0]}:?is empty: the file has no profile called default}}"']

    def _ambient(self, region: str) -> list[str]:
        """The keys that the job, its pod, its container or its machine has, in AWS' order."""
        read = dict(zip(SESSION, (*_KEYS, "Token"), strict=True))
        found = [_assigned(name, json_field(field)) for name, field in read.items()]
        elsewhere = [
            "agent=${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI:-}",
            'if [ -n "${AWS_CONTAINER_CREDENTIALS_FULL_URI:-$agent}" ]; then',
            *indented(self._of_container()),
            "else",
            *indented(self._of_machine()),
            "fi",
            *found,
            f': "${{{SESSION[0]}:?is empty: nothing here has a role in AWS}}"',
            *self._draft.dialect.masked(*SESSION),
        ]
        of_pod = [
            'token=$(cat "$AWS_WEB_IDENTITY_TOKEN_FILE")',
            "role=$(printf %s \"$AWS_ROLE_ARN\" | sed 's/+/%2B/g')",
            *self._in_role(f'{quote(_ASSUME)}"$role"', region),
        ]
        asked = [
            'if [ -n "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then',
            *indented(of_pod),
            "else",
            *indented(elsewhere),
            "fi",
        ]
        return ['if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then', *indented(asked), "fi"]

    def _of_container(self) -> list[str]:
        """The answer of whoever gives containers their keys: an agent of EKS, or of ECS."""
        asked = Request('"$agent"', header="Authorization: ", held="allowed", nearby=True)
        return [
            'allowed=$(cat "${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:-/dev/null}")',
            "agent=${AWS_CONTAINER_CREDENTIALS_FULL_URI:-http://169.254.170.2$agent}",
            *self._answer(asked),
        ]

    def _of_machine(self) -> list[str]:
        """The answer of a machine's metadata, which asks for a token since its second version."""
        machine = "http://169.254.169.254/latest"
        lives = ("'X-aws-ec2-metadata-token-ttl-seconds: 60'",)
        token = Request(f"{machine}/api/token", lives, method="PUT", nearby=True)
        header = "X-aws-ec2-metadata-token: "
        role = Request('"$1"', header=header, held="allowed", nearby=True)
        return [
            "allowed=$(",
            *indented(self._client.asked(token)),
            ")",
            f"roles={machine}/meta-data/iam/security-credentials/",
            "told() {",
            *indented(self._client.asked(role)),
            "}",
            'answer=$(told "$roles$(told "$roles")")',
        ]

    def _ecr(self, login: HostLogin, *, temporary: bool) -> list[str]:
        """Twelve hours in the registries of an account."""
        url, service, target = ecr_api(login.host)
        region = _region(_cloud(login))
        url, where = self._word(url, region), self._word(region, region)
        call = f"{target}.GetAuthorizationToken"
        request = Signed(url, where, service, call, temporary)
        # The token is AWS:PASSWORD in base64.
        *given, last = token_of(self._client.signed(request), "authorizationToken", " | base64 -d")
        return [*given, "token=${token#AWS:}", last, *self._draft.dialect.masked("token")]

    # -- Google ---------------------------------------------------------------------------------

    def token(self, google: GoogleLogin | None, cloud: Cloud | None) -> list[str]:
        """Lines that set ``$token``: an hour in what the service account may do."""
        draft = self._draft
        if not (google and cloud and cloud.token):
            url = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts"
            return self._told(f"{url}/default/token", "Metadata-Flavor: Google")
        kind = "urn:ietf:params:oauth:token-type"
        request = (
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
            f"&audience=//iam.googleapis.com/{google.provider}&scope={_GOOGLE_SCOPE}"
            f"&requested_token_type={kind}:access_token&subject_token_type={kind}:jwt"
        )
        account = Request(
            impersonation(google.service_account),
            ("'Content-Type: application/json'",),
            header="Authorization: Bearer ",
            body='{"scope":["' + _GOOGLE_SCOPE + '"]}',
        )
        return [
            *draft.dialect.identity(draft.plan, cloud.name, cloud.token),
            *self._posted(quote(request), "subject_token", "https://sts.googleapis.com/v1/token"),
            *self._token(account, "accessToken"),
        ]

    # -- Azure ----------------------------------------------------------------------------------

    def _azure(self, login: HostLogin) -> list[str]:
        """Azure's three hours in one registry, for the identity and then for its token of Azure."""
        azure, cloud, draft = login.login.azure, login.cloud, self._draft
        assert azure is not None, "no other cloud has registry tokens"
        exchange = f"grant_type=access_token&service={login.host}"
        if azure.tenant_id:
            exchange += f"&tenant={azure.tenant_id}"
        registry = self._posted(
            self._word(exchange, login.host),
            "access_token",
            self._word(f"https://{login.host}/oauth2/exchange", login.host),
            "refresh_token",
        )
        assertion = (
            f"grant_type=client_credentials&scope={_ACR}/.default"
            "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        )
        authority = acr_authority(login.host)
        if azure.tenant_id and cloud and cloud.token:
            request = f"{assertion}&client_id={azure.client_id}"
            url = f"{authority}/{azure.tenant_id}/oauth2/v2.0/token"
            return [
                *draft.dialect.identity(draft.plan, cloud.name, cloud.token),
                *self._posted(quote(request), "client_assertion", url),
                *registry,
            ]
        given = f'{quote(assertion)}"&client_id=$AZURE_CLIENT_ID"'
        url = f'"{authority}/$AZURE_TENANT_ID/oauth2/v2.0/token"'
        asked = [
            'token=$(cat "$AZURE_FEDERATED_TOKEN_FILE")',
            *self._posted(given, "client_assertion", url),
        ]
        return [
            'if [ -n "${AZURE_FEDERATED_TOKEN_FILE:-}" ]; then',
            *indented(asked),
            "else",
            *indented(self._told(quote(f"{_IMDS}&resource={_ACR}"), "Metadata: true")),
            "fi",
            *registry,
        ]

    # -- servers --------------------------------------------------------------------------------

    def _told(self, url: str, header: str) -> list[str]:
        """Lines that take a token from who tells it to whom it can reach; no secret is sent."""
        return self._token(Request(url, (quote(header),), nearby=True), "access_token")

    def _posted(self, form: str, name: str, url: str, field: str = "access_token") -> list[str]:
        """Lines that exchange ``$token`` for another; ``form`` and ``url`` are words."""
        return self._token(Request(url, form=form, secret=name), field)

    def _token(self, request: Request, field: str) -> list[str]:
        """``$token`` from the answer to a request."""
        given = token_of(self._client.asked(request), field)
        return [*given, *self._draft.dialect.masked("token")]

    def _word(self, text: str, place: str) -> str:
        """A text with a host or a region, of which variables may be parts."""
        return self._words.text(around(text, place))

    def _answer(self, request: Request) -> list[str]:
        return ["answer=$(", *indented(self._client.asked(request)), ")"]


def _cloud(login: HostLogin) -> Cloud:
    assert login.cloud is not None, "asked before"
    return login.cloud


def client_of(draft: Draft) -> Client:
    """Curl on what runs elsewhere, whatever the builder's own image has."""
    if not draft.site.inherits or builder_of(draft.plan).name in CURLED:
        return CURL
    from ci_kaniko.shell.busybox import Busybox

    return Busybox(draft)


def _in_form(arn: str) -> str:
    """An ARN in a form, where a plus would be a space."""
    return arn.replace("+", "%2B")


def _assigned(name: str, command: str) -> str:
    return f'{name}=$(printf %s "$answer" | {command})'


def _region(cloud: Cloud) -> str:
    return cloud.variables.get("AWS_REGION", "us-east-1")


def _sts(region: str) -> str:
    china = ".cn" if region.startswith("cn-") else ""
    return f"https://sts.{region}.amazonaws.com{china}/"
