"""Logins to clouds, and to the stores that contexts are fetched from."""

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.fields import STRING, Boolean, Present, Reads, SecretName, checked, choice
from ci_kaniko.spec.model import Later, Model, short_or_long

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import AwsLoginDict, AzureLoginDict, ContextLoginDict, GoogleLoginDict

Ambient = Annotated[str, choice("ambient")]
_AMBIENT = {"type": "string", "enum": ["ambient"]}


class CloudLogin(Model):
    """One way to log in to a cloud; ``_ways`` lists the keys of each."""

    __get_pydantic_json_schema__ = short_or_long(lambda _: _AMBIENT)

    use: Ambient | None = Field(
        default=None,
        description="ambient: the role of the machine or pod. The word alone means the same.",
        examples=["ambient"],
    )

    @classmethod
    def _ways(cls) -> dict[str, tuple[str, ...]]:
        """The keys that each way needs, by its name in messages."""
        raise NotImplementedError

    @classmethod
    def _additions(cls) -> dict[str, tuple[str, ...]]:
        """The keys that a way may have besides."""
        return {}

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"use": value}
        if not isinstance(value, dict) or not value.keys() <= cls.model_fields.keys():
            return value
        given = {key for key, item in value.items() if item is not None}
        ways = cls._ways()
        begun = [name for name, keys in ways.items() if given & set(keys)]
        begun = begun or [name for name, keys in cls._additions().items() if given & set(keys)]
        complete = [name for name in begun if set(ways[name]) <= given]
        written = [", ".join(f"{key}: ..." for key in ways[name]) for name in ways if name != "use"]
        hint = " or ".join(("ambient", *(f"{{{keys}}}" for keys in written)))
        if not begun:
            raise Refused("bad-login", "this login is empty", hint)
        if not complete:
            missing = [key for key in ways[begun[0]] if key not in given]
            raise Refused("bad-login", f"the login has no {missing[0]}", hint)
        if others := given - {*ways[complete[0]], *cls._additions().get(complete[0], ())}:
            several = " beside ".join((complete[0], *sorted(others)))
            raise Refused("bad-login", f"{several}: a login is one of them", hint)
        return value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a cloud login", "ambient, or a mapping"


def _check_role(text: str) -> None:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+", text):
        raise Refused(
            "bad-role",
            f"{quoted(text)} is not the ARN of a role",
            "such as arn:aws:iam::123456789012:role/image-push",
        )


def _check_provider(text: str) -> None:
    pattern = (
        r"projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]+/providers/[a-z0-9-]+"
    )
    if not re.fullmatch(pattern, text):
        raise Refused(
            "bad-provider",
            f"{quoted(text)} is not a workload identity provider",
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
        )


def _check_service_account(text: str) -> None:
    if not re.fullmatch(r"[a-z0-9-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com", text):
        raise Refused(
            "bad-service-account",
            f"{quoted(text)} is not a service account of Google Cloud",
            "such as image-push@my-project.iam.gserviceaccount.com",
        )


def _check_uuid(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        raise Refused(
            "bad-azure-id",
            f"{quoted(text)} is not an id of Azure",
            "32 hexadecimal digits, such as 00000000-0000-0000-0000-000000000000",
        )


RoleArn = Annotated[str, Reads(checked(_check_role), STRING)]
Provider = Annotated[str, Reads(checked(_check_provider), STRING)]
ServiceAccount = Annotated[str, Reads(checked(_check_service_account), STRING)]
AzureId = Annotated[str, Reads(checked(_check_uuid), STRING)]


class AwsLogin(CloudLogin):
    """AWS: by the machine's role, a file, keys, or a role that the CI's identity may take."""

    credentials_file: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds an AWS credentials file.",
        examples=["AWS_CREDENTIALS"],
    )
    access_key_id: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds the access key's id.",
        examples=["ECR_KEY_ID"],
    )
    secret_access_key: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds the access key itself.",
        examples=["ECR_KEY"],
    )
    role: RoleArn | None = Field(
        default=None,
        description="The role that the CI's own identity (OIDC) may take.",
        examples=["arn:aws:iam::123456789012:role/image-push"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[AwsLoginDict]") -> None: ...

    @classmethod
    def _ways(cls) -> dict[str, tuple[str, ...]]:
        return {
            "use": ("use",),
            "credentials_file": ("credentials_file",),
            "access_key_id": ("access_key_id", "secret_access_key"),
            "role": ("role",),
        }


class GoogleLogin(CloudLogin):
    """Google Cloud: by workload identity, a key file, or the CI's identity (OIDC)."""

    key_file: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds a service account's key file.",
        examples=["GOOGLE_KEY"],
    )
    provider: Provider | None = Field(
        default=None,
        description="The workload identity provider that trusts the CI's identity.",
        examples=["projects/123456789/locations/global/workloadIdentityPools/ci/providers/gitlab"],
    )
    service_account: ServiceAccount | None = Field(
        default=None,
        description="The service account that this identity may act as.",
        examples=["image-push@my-project.iam.gserviceaccount.com"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[GoogleLoginDict]") -> None: ...

    @classmethod
    def _ways(cls) -> dict[str, tuple[str, ...]]:
        return {
            "use": ("use",),
            "key_file": ("key_file",),
            "provider": ("provider", "service_account"),
        }


class AzureLogin(CloudLogin):
    """Azure: by workload identity, a service principal, or the CI's identity (OIDC)."""

    tenant_id: AzureId | None = Field(
        default=None,
        description="The directory's id.",
        examples=["11111111-1111-1111-1111-111111111111"],
    )
    client_id: AzureId | None = Field(
        default=None,
        description="The application's id; without a secret it trusts the CI's identity (OIDC).",
        examples=["22222222-2222-2222-2222-222222222222"],
    )
    client_secret: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds the service principal's secret.",
        examples=["AZURE_CLIENT_SECRET_VALUE"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[AzureLoginDict]") -> None: ...

    @classmethod
    def _ways(cls) -> dict[str, tuple[str, ...]]:
        return {"use": ("use",), "tenant_id": ("tenant_id", "client_id")}

    @classmethod
    def _additions(cls) -> dict[str, tuple[str, ...]]:
        return {"tenant_id": ("client_secret",)}


class ContextLogin(Model):
    """How the executor may fetch a context from a store."""

    aws: Later[AwsLogin] | None = Field(
        default=None,
        description="s3://: ambient, or {credentials_file: NAME}.",
        examples=["ambient", {"credentials_file": "AWS_CREDENTIALS"}],
    )
    region: Present | None = Field(
        default=None, description="s3://: the bucket's region.", examples=["eu-west-1"]
    )
    s3_endpoint: Present | None = Field(
        default=None,
        description="s3://: address of a store that speaks S3.",
        examples=["https://minio.example.com"],
    )
    s3_path_style: Boolean | None = Field(
        default=None,
        description="s3://: the bucket is part of the path; needs s3_endpoint.",
        examples=[True],
    )
    google: Later[GoogleLogin] | None = Field(
        default=None,
        description="gs://: ambient, or {key_file: NAME}.",
        examples=["ambient", {"key_file": "GOOGLE_KEY"}],
    )
    azure_storage_key: SecretName | None = Field(
        default=None,
        description="https:// of Azure's blob storage: the NAME of the secret with the "
        "account's key.",
        examples=["AZURE_STORAGE_KEY"],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[ContextLoginDict]") -> None: ...
