"""The logins to registries, for every target or for each."""

# No deferred annotations here: pydantic would have to compile the text of each.

import re

from ci_kaniko.problems.finding import Refused, quoted
from ci_kaniko.quick.declaring import ConfigDict, Field
from ci_kaniko.quick.hints import TYPE_CHECKING, Annotated, Any
from ci_kaniko.spec.clouds import AwsLogin, AzureLogin, GoogleLogin
from ci_kaniko.spec.fields import (
    STRING,
    TEXT,
    Boolean,
    ConfigName,
    Reads,
    SecretName,
    check_plain,
    choice,
)
from ci_kaniko.spec.model import Later, Model, short_or_long
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_text, wrong_type
from ci_kaniko.text.patterns import pattern

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ci_kaniko.spec.typed import LoginDict, RegistryDict


class SecretText(Model):
    """A text that is kept as a secret."""

    secret: SecretName = Field(
        description="The name of the secret that holds the text.", examples=["DOCKER_HUB_USER"]
    )


_VARIABLE = pattern(r"\$(\w+)|\$\{(?:env\.)?(\w+)\}|\$\{\{ *\w+\.(\w+) *\}\}", re.ASCII)
_OWN_USERS = {"CI_REGISTRY_USER", "GITHUB_ACTOR", "actor"}


def read_secret(value: Any) -> SecretText | None:
    """``{secret: NAME}``; None for what is no mapping. Raises Refused."""
    if isinstance(value, SecretText):
        return value
    if not isinstance(value, dict):
        return None
    if set(value) != {"secret"}:
        raise wrong_type(value, "text, or {secret: NAME}")
    try:
        return SecretText(secret=grammar.check_secret_name(as_text(value["secret"])))
    except Refused as refused:
        refused.at = ("secret",)
        raise


def _parse_user(value: Any) -> str | SecretText:
    if secret := read_secret(value):
        return secret
    text = as_text(value)
    if found := _VARIABLE.fullmatch(text):
        name = next(filter(None, found.groups()))
        own = name in _OWN_USERS
        raise Refused(
            "native-variable",
            f"{quoted(text)} is not replaced: a user name is a text",
            "ci-token logs in as the CI's own user" if own else f"write {{secret: {name}}}",
        )
    check_plain(text)
    if not text or ":" in text:
        raise Refused(
            "bad-user-name",
            f"{quoted(text)} is not a user name",
            "it is not empty and has no colon: the colon ends it in every login",
        )
    return text


SECRET = {
    "type": "object",
    "properties": {"secret": {**STRING, "description": "The name of the secret."}},
    "required": ["secret"],
    "additionalProperties": False,
}
User = Annotated[str | SecretText, Reads(_parse_user, {"anyOf": [TEXT, SECRET]})]

LoginWord = Annotated[str, choice("ci-token", "anonymous")]
_LOGIN_WORDS = {"type": "string", "enum": ["ci-token", "anonymous"]}
_LOGIN_KINDS = (
    *(("use",), ("username", "password"), ("docker_config",)),
    *(("aws",), ("google",), ("azure",)),
)


def _login_word(text: str) -> str:
    """A word that is a login; the name of a secret is half of one, and may be the secret."""
    near = text.lower().replace("_", "-") in {"ci-token", "anonymous", "none", "token", "citoken"}
    if text in _LOGIN_WORDS["enum"] or near:
        return text
    if grammar.is_secret_name(text):
        hint = f"write {{username: NAME, password: {text}}}"
        raise Refused("bad-login", "a login is more than the name of a secret", hint)
    raise Refused("bad-login", "this word is no login", _LOGIN_HINT, secret=True)


class Login(Model):
    """One way to log in: exactly one kind."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": list(keys)} for keys in _LOGIN_KINDS]}
    )
    __get_pydantic_json_schema__ = short_or_long(lambda _: _LOGIN_WORDS)

    use: LoginWord | None = Field(
        default=None,
        description="ci-token: the login that the CI gives each job; anonymous: none at all. "
        "The word alone means the same.",
        examples=["ci-token"],
    )
    username: User | None = Field(
        default=None,
        description="The user name, or {secret: NAME}.",
        examples=["acme-bot", {"secret": "DOCKER_HUB_USER"}],
    )
    password: SecretName | None = Field(
        default=None,
        description="The NAME of the secret that holds the password or token.",
        examples=["DOCKER_HUB_TOKEN"],
    )
    docker_config: ConfigName | None = Field(
        default=None,
        description="The NAME of what holds a ready config.json: a file variable on GitLab, a "
        "secret on GitHub, Buildkite's and Kubernetes' kubernetes.io/dockerconfigjson Secret.",
        examples=["regcred"],
    )

    aws: Later[AwsLogin] | None = Field(
        default=None,
        description="ECR: ambient, {credentials_file: NAME}, access keys, or {role: ARN}.",
        examples=["ambient", {"credentials_file": "AWS_CREDENTIALS"}],
    )
    google: Later[GoogleLogin] | None = Field(
        default=None,
        description="Artifact Registry and GCR: ambient, {key_file: NAME}, or a provider.",
        examples=["ambient", {"key_file": "GOOGLE_KEY"}],
    )
    azure: Later[AzureLogin] | None = Field(
        default=None,
        description="ACR: ambient, a service principal, or the CI's identity; an ACR token is "
        "a username and password.",
        examples=["ambient"],
    )
    pull: Boolean = Field(
        default=False,
        description="Log in when nothing is pushed, too: for private base images on the same "
        "host. Pull requests get the credentials then.",
        examples=[True],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[LoginDict]") -> None: ...

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"use": _login_word(value)}
        if not isinstance(value, dict) or not value.keys() <= cls.model_fields.keys():
            return value
        kinds = [
            key
            for key in ("use", "docker_config", "aws", "google", "azure")
            if value.get(key) is not None
        ]
        missing = [key for key in ("username", "password") if value.get(key) is None]
        if len(missing) < 2:
            kinds.append("username and password")
        if len(kinds) != 1:
            several = f"{' beside '.join(kinds)}: a login is one of them"
            raise Refused("bad-login", several if kinds else "this login is empty", _LOGIN_HINT)
        if len(missing) == 1:
            raise Refused("bad-login", f"the login has no {missing[0]}", _LOGIN_HINT)
        return value

    @classmethod
    def _expected(cls) -> tuple[str, str]:
        return "a login", _LOGIN_HINT

    @property
    def kind(self) -> str:
        """``ci-token``, ``anonymous``, ``password``, ``docker-config``, or a cloud's name."""
        if self.use:
            return self.use
        if self.docker_config:
            return "docker-config"
        if self.aws:
            return "aws"
        if self.google:
            return "google"
        return "azure" if self.azure else "password"

    @property
    def is_signed(self) -> bool:
        """Whether who asks its cloud for a password signs, or sends a token beside a form."""
        return bool(self.aws or (self.google and self.google.provider))

    @property
    def by_identity(self) -> bool:
        """Whether the CI's own identity is exchanged for it where the CI has one."""
        return (
            self.use == "ci-token"
            or bool(self.aws and self.aws.role)
            or bool(self.google and self.google.provider)
            or bool(self.azure and self.azure.tenant_id and not self.azure.client_secret)
        )


_LOGIN_HINT = (
    "{username: acme-bot, password: NAME_OF_A_SECRET}, {docker_config: NAME}, {aws: ambient}, "
    "{google: ambient}, {azure: ambient}, ci-token or anonymous"
)


def _by_target(value: dict[str, Any]) -> bool:
    """Whether the keys are nearly those of targets, and none is of a login."""
    from ci_kaniko.problems.problem import suggest

    logins, targets = Login.model_fields, Registry.model_fields
    return not any(key in logins or suggest(key, logins) for key in value) and any(
        suggest(key, targets) for key in value
    )


class Registry(Model):
    """How to log in to one registry, per target where needed."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    __get_pydantic_json_schema__ = short_or_long(
        lambda long: long["properties"]["default"]["anyOf"][0]
    )

    default: Later[Login] | None = Field(
        default=None,
        description="The login on every target without one of its own.",
        examples=[{"username": "acme-bot", "password": "GHCR_TOKEN"}],
    )
    gitlab: Later[Login] | None = Field(
        default=None, description="The login on GitLab.", examples=["ci-token"]
    )
    github: Later[Login] | None = Field(
        default=None, description="The login on GitHub.", examples=["ci-token"]
    )
    buildkite: Later[Login] | None = Field(
        default=None, description="The login on Buildkite.", examples=[{"docker_config": "regcred"}]
    )
    agola: Later[Login] | None = Field(
        default=None,
        description="The login on Agola.",
        examples=[{"username": "acme-bot", "password": "ACME_REGISTRY_TOKEN"}],
    )
    kubernetes: Later[Login] | None = Field(
        default=None,
        description="The login on Kubernetes.",
        examples=[{"docker_config": "regcred"}],
    )

    if TYPE_CHECKING:

        def __init__(self, /, **data: "Unpack[RegistryDict]") -> None: ...

    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, dict) and (
            value.keys() & cls.model_fields.keys() or _by_target(value)
        ):
            return value
        return {"default": value}

    def on(self, target: str) -> Login | None:
        """The login for a target."""
        login: Login | None = getattr(self, target)
        return login or self.default
