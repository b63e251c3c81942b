"""What the secrets of a plan are for."""

from __future__ import annotations

from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.syntax.variables import names
from ci_kaniko.text.display import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.plan.model import HostLogin, Plan


_PEM = "PEM text of the certificate"


class Use(NamedTuple):
    """What a secret is for; ``is_file`` when the value is a file's text."""

    purpose: str
    is_file: bool = False


def uses_of_secrets(plans: Iterable[Plan]) -> dict[str, Use]:
    """The secrets of plans and what each is for."""
    used: dict[str, Use] = {}
    for plan in plans:
        _note_uses(plan, used)
    return used


def _named(login: HostLogin) -> str:
    """A registry as somebody calls it who does not see the spec, and so not what ``${`` is."""
    variables = [*dict.fromkeys(names(login.key))]
    verb = "names" if len(variables) == 1 else "name"
    return f"the registry that {listed(variables)} {verb}" if variables else login.host


def _note_uses(plan: Plan, used: dict[str, Use]) -> None:
    for login in plan.logins:
        user = login.login.username
        if user is not None and not isinstance(user, str):
            used.setdefault(user.secret, Use(f"user name for {_named(login)}"))
        if login.login.password:
            used.setdefault(login.login.password, Use(f"password or token for {_named(login)}"))
        if login.cloud:
            if login.cloud.secret:
                use = Use(f"{login.cloud.file} for {_named(login)}", is_file=True)
                used.setdefault(login.cloud.secret, use)
            for variable, name in login.cloud.secret_variables.items():
                used.setdefault(name, Use(f"{variable} for {_named(login)}"))
    if plan.git_login and plan.git_login.secret:
        used.setdefault(plan.git_login.secret, Use("token that may read the repository"))
    if plan.context_cloud:
        for name in plan.context_cloud.secrets:
            is_file = name == plan.context_cloud.secret
            used.setdefault(name, Use("credentials for the build context", is_file=is_file))
    for build_secret, name in plan.spec.build_secrets.items():
        used.setdefault(name, Use(f"build secret {build_secret}"))
    for variable, name in plan.proxy_secrets.items():
        used.setdefault(name, Use(f"address for {variable}"))
    for host, name in plan.spec.certificates.items():
        used.setdefault(name, Use(f"{_PEM} authority of {host}", is_file=True))
    for host, pair in plan.spec.client_certificates.items():
        used.setdefault(pair.certificate, Use(f"{_PEM} shown to {host}", is_file=True))
        used.setdefault(pair.key, Use(f"PEM text of its key for {host}", is_file=True))
