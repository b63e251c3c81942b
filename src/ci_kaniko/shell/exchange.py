"""How a script gets what opens a cloud's registry, where no helper of the cloud does it.

Sources: AWS's reference of ECR's and STS's APIs and of the credentials that containers and machines
find, Google's of STS, of iamcredentials and of the metadata server, Azure's of its registries'
``/oauth2/exchange``, of IMDS and of workload identity.
"""

from __future__ import annotations

from ci_kaniko.builders.registry import builder_of
from ci_kaniko.kaniko.builders import SIGNING
from ci_kaniko.kaniko.hosts import acr_authority, ecr_api
from ci_kaniko.plan.clouds import SESSION, impersonation
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.shell.curl import CURL, json_field, received, token_of
from ci_kaniko.text.quoting import indented, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.plan.clouds import Cloud
    from ci_kaniko.plan.model import HostLogin
    from ci_kaniko.shell.draft import Draft
    from ci_kaniko.shell.secrets import Secrets

_ASSUME = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ci-kaniko"
_KEYS = ("AccessKeyId", "SecretAccessKey")
_METADATA = "curl --fail --silent --show-error --connect-timeout 5"
"""On what is no machine of the cloud nobody answers there."""
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ACR = "https://containerregistry.azure.net"
_IMDS = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"


class Exchange:
    """The exchanges of a script: what a job has, for what a registry takes."""

    def __init__(self, draft: Draft, secrets: Secrets) -> None:
        self._draft = draft
        self._secrets = secrets
        # What runs elsewhere is asked for by curl, whatever the builder's own image has.
        name = builder_of(draft.plan).name
        self._has_curl = not draft.site.inherits or name in SIGNING

    def password(self, login: HostLogin) -> tuple[list[str], str, str]:
        """Lines that come first, the user as a word, and the variable of the password."""
        if aws := login.login.aws:
            has_keys = bool(aws.access_key_id)
            return (
                [*self._aws(login), *self._ecr(login.host, temporary=not has_keys)],
                "AWS",
                "token",
            )
        if login.login.google:
            return self._google(login), "oauth2accesstoken", "token"
        return self._azure(login), "00000000-0000-0000-0000-000000000000", "token"

    def session(self, cloud: Cloud) -> list[str]:
        """An hour in the role: the identity's own token lives for minutes, a build for longer."""
        data = f"{_ASSUME}&RoleArn={cloud.role}"
        return [
            "answer=$(",
            '  printf %s "$token" |',
            f"    {CURL} --data {quote(data)} \\",
            "      --data-urlencode WebIdentityToken@- \\",
            f"      {_sts(_region(cloud))}",
            ")",
            *self._assumed(),
        ]

    def _assumed(self) -> list[str]:
        """The keys out of STS' answer."""
        names = dict(zip(SESSION, (*_KEYS, "SessionToken"), strict=True))
        read = (
            _assigned(name, f"sed -n 's:.*<{tag}>\\([^<]*\\)</{tag}>.*:\\1:p'")
            for name, tag in names.items()
        )
        given = f': "${{{SESSION[-1]}:?is empty: AWS did not hand out the role}}"'
        return [*read, given, *self._draft.dialect.masked(*SESSION)]

    # -- AWS ------------------------------------------------------------------------------------

    def _aws(self, login: HostLogin) -> list[str]:
        """Lines that set the keys of AWS, unless a run has passed them."""
        cloud = login.cloud
        assert cloud is not None, "asked before"
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
            *indented(_of_container()),
            "else",
            *indented(_of_machine()),
            "fi",
            *found,
            f': "${{{SESSION[0]}:?is empty: nothing here has a role in AWS}}"',
            *self._draft.dialect.masked(*SESSION),
        ]
        asked = [
            'if [ -n "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then',
            *indented([*_of_pod(region), *self._assumed()]),
            "else",
            *indented(elsewhere),
            "fi",
        ]
        return ['if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then', *indented(asked), "fi"]

    def _ecr(self, host: str, *, temporary: bool) -> list[str]:
        """Twelve hours in the registries of an account; curl signs as AWS asks for."""
        url, region, service, target = ecr_api(host)
        keys = '"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"'
        # Curl would sign an empty header, and not send it.
        session = '"${AWS_SESSION_TOKEN:+header = \\"X-Amz-Security-Token: $AWS_SESSION_TOKEN\\"}"'
        asking = (
            [f"  printf 'user = \"%s:%s\"\\n%s\\n' {keys} \\", f"    {session} |"]
            if temporary
            else [f"  printf 'user = \"%s:%s\"\\n' {keys} |"]
        )
        return [
            "token=$(",
            *asking,
            f"    {CURL} --config - --aws-sigv4 aws:amz:{region}:{service} \\",
            "      --header 'Content-Type: application/x-amz-json-1.1' \\",
            f"      --header 'X-Amz-Target: {target}.GetAuthorizationToken' \\",
            f"      --data '{{}}' {url} |",
            f"    {json_field('authorizationToken')} | base64 -d",
            ")",
            "token=${token#AWS:}",
            *received("token"),
            *self._draft.dialect.masked("token"),
        ]

    # -- Google ---------------------------------------------------------------------------------

    def _google(self, login: HostLogin) -> list[str]:
        """An hour in what the service account may do."""
        google, cloud, draft = login.login.google, login.cloud, self._draft
        assert google is not None, "asked before"
        if not (cloud and cloud.token):
            url = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts"
            return self._told(f"{url}/default/token", "Metadata-Flavor: Google")
        kind = "urn:ietf:params:oauth:token-type"
        request = (
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
            f"&audience=//iam.googleapis.com/{google.provider}&scope={_GOOGLE_SCOPE}"
            f"&requested_token_type={kind}:access_token&subject_token_type={kind}:jwt"
        )
        scope = '{"scope":["' + _GOOGLE_SCOPE + '"]}'
        asked = [
            "printf 'Authorization: Bearer %s' \"$token\" |",
            f"  {CURL} --header @- --header 'Content-Type: application/json' \\",
            f"    --data {quote(scope)} \\",
            f"    {impersonation(google.service_account)} |",
        ]
        return [
            *draft.dialect.identity(draft.plan, cloud.name, cloud.token),
            *self._posted(quote(request), "subject_token", "https://sts.googleapis.com/v1/token"),
            *self._token(asked, "accessToken"),
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
            quote(exchange),
            "access_token",
            f"https://{login.host}/oauth2/exchange",
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
        call = f"{_METADATA} --header" if self._has_curl else "wget -q -O - --header"
        return self._token([f"{call} {quote(header)} \\", f"  {url} |"], "access_token")

    def _posted(self, data: str, name: str, url: str, field: str = "access_token") -> list[str]:
        """Lines that exchange ``$token`` for another: it is no word of a command.

        ``data`` and ``url`` are words. Wget takes a form from files only, and a token has nothing
        that a form would write in another way.
        """
        if self._has_curl:
            asked = [
                'printf %s "$token" |',
                f"  {CURL} --data {data} \\",
                f"    --data-urlencode {name}@- {url} |",
            ]
            return self._token(asked, field)
        asked = [
            "form=$(mktemp)",
            f'printf %s {data}"&{name}=$token" > "$form"',
            f'wget -q -O - --post-file "$form" {url} |',
        ]
        return self._token(asked, field, ['rm "$form"'])

    def _token(self, asked: list[str], field: str, then: Iterable[str] = ()) -> list[str]:
        """``$token`` from the answer to a call."""
        return [*token_of(asked, field, then), *self._draft.dialect.masked("token")]


def _of_pod(region: str) -> list[str]:
    """STS' answer to the token of a pod's service account."""
    return [
        "answer=$(",
        f'  {CURL} --data {quote(_ASSUME)} --data-urlencode "RoleArn=$AWS_ROLE_ARN" \\',
        '    --data-urlencode "WebIdentityToken@$AWS_WEB_IDENTITY_TOKEN_FILE" \\',
        f"    {_sts(region)}",
        ")",
    ]


def _of_container() -> list[str]:
    """The answer of whoever gives containers their keys: an agent of EKS, or of ECS."""
    return [
        'allowed=$(cat "${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:-/dev/null}")',
        "agent=${AWS_CONTAINER_CREDENTIALS_FULL_URI:-http://169.254.170.2$agent}",
        "answer=$(",
        '  printf \'url = "%s"\\nheader = "Authorization: %s"\\n\' "$agent" "$allowed" |',
        f"    {_METADATA} --config -",
        ")",
    ]


def _of_machine() -> list[str]:
    """The answer of a machine's metadata, which asks for a token since its second version."""
    return [
        "machine=http://169.254.169.254/latest",
        "allowed=$(",
        f"  {_METADATA} --request PUT \\",
        "    --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' $machine/api/token",
        ")",
        "roles=$machine/meta-data/iam/security-credentials/",
        "told() {",
        '  printf \'header = "X-aws-ec2-metadata-token: %s"\\n\' "$allowed" |',
        f'    {_METADATA} --config - "$1"',
        "}",
        'answer=$(told "$roles$(told "$roles")")',
    ]


def _assigned(name: str, command: str) -> str:
    return f'{name}=$(printf %s "$answer" | {command})'


def _region(cloud: Cloud) -> str:
    return cloud.variables.get("AWS_REGION", "us-east-1")


def _sts(region: str) -> str:
    china = ".cn" if region.startswith("cn-") else ""
    return f"https://sts.{region}.amazonaws.com{china}/"
