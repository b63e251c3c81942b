"""Hosts of the clouds' registries and stores, and what each is known by."""

from __future__ import annotations

from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.patterns import pattern

_READ = r"\$\{[^}]*\}"
_LABEL = rf"(?:[a-z0-9-]|{_READ})+"
_ECR = pattern(
    rf"(?:[0-9]{{12}}|{_READ})\.dkr\.ecr(?:-fips)?\."
    rf"(?:({_LABEL})\.amazonaws\.com|(cn-{_LABEL})\.amazonaws\.com\.cn)"
)
_GOOGLE = pattern(rf"(?:{_LABEL}\.)?gcr\.io|{_LABEL}-docker\.pkg\.dev")
_AZURE_BLOB = pattern(
    r"https://[a-z0-9]+\.blob\.core\."
    r"(?:windows\.net|chinacloudapi\.cn|cloudapi\.de|usgovcloudapi\.net)/.+"
)


def ecr_region(host: str) -> str | None:
    """The AWS region of an ECR host, a variable where the host has one.

    That of public.ecr.aws is us-east-1, where its API is.
    """
    if host == "public.ecr.aws":
        return "us-east-1"
    found = _ECR.fullmatch(host)
    return found.group(1) or found.group(2) if found else None


class EcrApi(NamedTuple):
    """Where ECR hands out passwords, and what a request for one is signed and named with."""

    url: str
    service: str
    target: str


def ecr_api(host: str) -> EcrApi:
    """The API behind a registry of AWS; https://docs.aws.amazon.com/general/latest/gr/ecr.html."""
    region = ecr_region(host) or "us-east-1"
    if host == "public.ecr.aws":
        url = f"https://api.ecr-public.{region}.amazonaws.com/"
        return EcrApi(url, "ecr-public", "SpencerFrontendService")
    name = "ecr-fips" if ".dkr.ecr-fips." in host else "api.ecr"
    china = ".cn" if host.endswith(".cn") else ""
    url = f"https://{name}.{region}.amazonaws.com{china}/"
    return EcrApi(url, "ecr", "AmazonEC2ContainerRegistry_V20150921")


def acr_authority(host: str) -> str:
    """Where the cloud of a registry of Azure logs in."""
    places = {"cn": "login.chinacloudapi.cn", "us": "login.microsoftonline.us"}
    return f"https://{places.get(host.rpartition('.')[2], 'login.microsoftonline.com')}"


def is_google(host: str) -> bool:
    """Whether a host is Artifact Registry or GCR."""
    return _GOOGLE.fullmatch(host) is not None


def is_acr(host: str) -> bool:
    """Whether a host is Azure's container registry."""
    return host.endswith((".azurecr.io", ".azurecr.cn", ".azurecr.us"))


def is_azure_blob(context: str) -> bool:
    """Whether a context lies in Azure's blob storage, where the executor asks for a key."""
    return _AZURE_BLOB.fullmatch(context) is not None
