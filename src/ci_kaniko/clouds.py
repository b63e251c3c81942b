"""How the clouds' clients inside the executor find their credentials.

Source: the credential chains that the executor's README and the clients document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_kaniko.spec import Spec

_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev")
_AZURE_BLOB = re.compile(
    r"https://[a-z0-9]+\.blob\.core\."
    r"(?:windows\.net|chinacloudapi\.cn|cloudapi\.de|usgovcloudapi\.net)/.+"
)


@dataclass(frozen=True)
class Cloud:
    """What one cloud's client needs.

    ``secret`` names what holds a file, None where there is none; ``file_variable`` leads to the
    file. ``variables`` are set to texts, ``secret_variables`` to secrets.
    """

    name: str
    secret: str | None = None
    file: str = ""
    file_variable: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    secret_variables: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return (*((self.secret,) if self.secret else ()), *self.secret_variables.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Every variable that the client reads."""
        file = (self.file_variable,) if self.secret else ()
        return (*self.variables, *file, *self.secret_variables)


def aws(login: str, variables: dict[str, str]) -> Cloud:
    """AWS by a role (``ambient``) or by the secret that holds a credentials file."""
    secret = None if login == "ambient" else login
    return Cloud("aws", secret, "aws-credentials", "AWS_SHARED_CREDENTIALS_FILE", variables)


def google(login: str) -> Cloud:
    """Google Cloud by workload identity (``ambient``) or by the secret that holds a key file."""
    secret = None if login == "ambient" else login
    return Cloud("google", secret, "google-key.json", "GOOGLE_APPLICATION_CREDENTIALS")


def context_cloud(spec: Spec) -> Cloud | None:
    """The login of the store that the context is fetched from; None when it needs none."""
    login = spec.context_login
    if login is None:
        return None
    if login.azure_storage_key:
        key = {"AZURE_STORAGE_ACCESS_KEY": login.azure_storage_key}
        return Cloud("azure", secret_variables=key)
    if login.google:
        return google(login.google)
    variables = {"AWS_REGION": login.region, "S3_ENDPOINT": login.s3_endpoint}
    if login.s3_path_style:
        variables["S3_FORCE_PATH_STYLE"] = "true"
    return aws(login.aws or "ambient", {name: text for name, text in variables.items() if text})


def ecr_region(host: str) -> str | None:
    """The AWS region of an ECR host; public.ecr.aws has its API in us-east-1."""
    if host == "public.ecr.aws":
        return "us-east-1"
    found = _ECR.fullmatch(host)
    return found.group(1) if found else None


def is_google(host: str) -> bool:
    """Whether a host is Artifact Registry or GCR."""
    return _GOOGLE.fullmatch(host) is not None


def is_azure_blob(context: str) -> bool:
    """Whether a context lies in Azure's blob storage, where the executor asks for a key."""
    return _AZURE_BLOB.fullmatch(context) is not None
