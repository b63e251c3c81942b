"""How the clouds' clients inside the executor find their credentials.

Source: the credential chains that the executor's README and the clients document.
"""

from __future__ import annotations

from types import MappingProxyType

from ci_kaniko.kaniko.systems import system
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci_kaniko.spec.build import Build
    from ci_kaniko.spec.clouds import AwsLogin, AzureLogin, GoogleLogin


_NONE: Mapping[str, str] = MappingProxyType({})


class Token(NamedTuple):
    """The CI's own identity, asked for one audience.

    It is kept in a file, or, without one, exchanged by the script before the executor starts.
    """

    audience: str
    file: str = ""
    variable: str = ""


class Cloud(NamedTuple):
    """What one cloud's client needs.

    - ``secret`` names the secret that holds a file; ``document`` is the text of a file that is no
      secret. ``file`` is where it lies, and ``file_variable`` leads the client there.
    - ``variables`` are set to texts, ``secret_variables`` to secrets.
    - ``token`` is the identity that the client exchanges for credentials of the cloud. With
      ``role`` the script takes that AWS role itself.
    """

    name: str
    secret: str | None = None
    document: str = ""
    file: str = ""
    file_variable: str = ""
    variables: Mapping[str, str] = _NONE
    secret_variables: Mapping[str, str] = _NONE
    token: Token | None = None
    role: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return (*((self.secret,) if self.secret else ()), *self.secret_variables.values())

    @property
    def written(self) -> Mapping[str, str]:
        """The variables whose text is known."""
        return {name: text for name, text in self.variables.items() if "$" not in text}

    @property
    def has_file(self) -> bool:
        """Whether there is a file beside the token's."""
        return bool(self.secret or self.document)

    @property
    def names(self) -> tuple[str, ...]:
        """Every variable that the client reads."""
        file = (self.file_variable,) if self.has_file else ()
        token = (self.token.variable,) if self.token and self.token.variable else ()
        session = SESSION if self.role else ()
        return (*self.variables, *file, *token, *self.secret_variables, *session)

    @property
    def rivals(self) -> tuple[str, ...]:
        """The variables that would make it somebody else's login, where a job has them."""
        if not self.secrets and not self.token:
            return ()  # ambient: what the job has is what counts
        return tuple(name for name in _RIVALS.get(self.name, ()) if name not in self.names)


SESSION = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""What an AWS role hands out for an hour."""
_RIVALS = {
    "aws": ("AWS_PROFILE", *SESSION, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "azure": ("AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"),
}
"""What a client asks before, or in the place of, what a login gives it."""
TOKEN_FILE = "@token"
"""Stands for the path of the token's file inside a document."""


def aws(login: AwsLogin | None, variables: Mapping[str, str], *, exchanged: bool = False) -> Cloud:
    """AWS: a role of the machine, a credentials file, keys, or a role taken with a token."""
    if login is None or login.use:
        return Cloud("aws", variables=variables)
    if login.role and exchanged:
        return Cloud("aws", variables=variables, token=Token("sts.amazonaws.com"), role=login.role)
    if login.role:
        token = Token("sts.amazonaws.com", "aws-token", "AWS_WEB_IDENTITY_TOKEN_FILE")
        role = {"AWS_ROLE_ARN": login.role, "AWS_ROLE_SESSION_NAME": "ci-kaniko"}
        return Cloud("aws", variables={**variables, **role}, token=token)
    if login.access_key_id and login.secret_access_key:
        keys = {
            "AWS_ACCESS_KEY_ID": login.access_key_id,
            "AWS_SECRET_ACCESS_KEY": login.secret_access_key,
        }
        return Cloud("aws", variables=variables, secret_variables=keys)
    return Cloud(
        "aws",
        login.credentials_file,
        file="aws-credentials",
        file_variable="AWS_SHARED_CREDENTIALS_FILE",
        variables=variables,
    )


def google(login: GoogleLogin, *, exchanged: bool = False) -> Cloud:
    """Google Cloud: workload identity, a key file, or a token that a provider exchanges."""
    if login.use:
        return Cloud("google")
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    if login.key_file:
        return Cloud("google", login.key_file, file="google-key.json", file_variable=variable)
    audience = f"https://iam.googleapis.com/{login.provider}"
    if exchanged:
        return Cloud("google", token=Token(audience))
    from json import dumps

    document = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{login.provider}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": impersonation(login.service_account),
        "credential_source": {"file": TOKEN_FILE},
    }
    return Cloud(
        "google",
        document=dumps(document),
        file="google-credentials.json",
        file_variable=variable,
        token=Token(audience, "google-token"),
    )


def impersonation(account: str | None) -> str:
    """Where Google gives an identity the access token of a service account."""
    return (
        f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}"
        ":generateAccessToken"
    )


def azure(login: AzureLogin) -> Cloud:
    """Azure: workload identity, a service principal, or a token that an application trusts."""
    if login.use:
        return Cloud("azure")
    ids = {"AZURE_TENANT_ID": login.tenant_id or "", "AZURE_CLIENT_ID": login.client_id or ""}
    if login.client_secret:
        secret = {"AZURE_CLIENT_SECRET": login.client_secret}
        return Cloud("azure", variables=ids, secret_variables=secret)
    token = Token("api://AzureADTokenExchange", "azure-token", "AZURE_FEDERATED_TOKEN_FILE")
    return Cloud("azure", variables=ids, token=token)


def context_cloud(spec: Build, target: str) -> Cloud | None:
    """The login of the store that the context is fetched from; None when it needs none."""
    login = spec.context_login
    if login is None:
        return None
    asked = spec.asks_store(target)
    if login.azure_storage_key:
        key = {"AZURE_STORAGE_ACCESS_KEY": login.azure_storage_key}
        return Cloud("azure-storage", secret_variables=key)
    if login.google:
        return google(login.google, exchanged=asked)
    variables = {"AWS_REGION": login.region, "S3_ENDPOINT": login.s3_endpoint}
    if login.s3_path_style:
        variables["S3_FORCE_PATH_STYLE"] = "true"
    given = {name: text for name, text in variables.items() if text}
    return aws(login.aws, given, exchanged=asked or system(target).identity_is_short)
