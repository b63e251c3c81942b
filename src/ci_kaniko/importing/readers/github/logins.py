"""Actions that log in to a registry or to a cloud."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import Output, Text, literal
from ci_kaniko.importing.shell.commands.docker import add_logins
from ci_kaniko.importing.shell.values import Value, pure

if TYPE_CHECKING:
    from ci_kaniko.importing.readers.github.scope import Scope


def log_in_to(scope: Scope, registry: Value, source: str, user: Text = ()) -> None:
    """A login by the inputs for that; ``user`` is whose it is where they do not say so."""
    named = scope.values.each(scope.value("username"), lambda text: pure(text or user))
    password, line = scope.value("password"), scope.line_of("password")
    add_logins(scope.reader, registry, named, password, source=source, line=line)


def log_in(scope: Scope) -> None:
    """docker/login-action."""
    registry = scope.values.each(scope.value("registry"), lambda text: pure(text or ("docker.io",)))
    log_in_to(scope, registry, scope.step.raw.string("uses"))
    # What follows decides how the runner is left, and the rendered job removes its login.
    for name in ("logout", "ecr"):
        scope.given.native(name)


def _lasting(scope: Scope, name: str, text: Text) -> None:
    scope.job.environment[name] = text
    scope.known.assign(scope.reader, name, pure(text))


_VARIABLES = {
    "role-to-assume": "AWS_ROLE_ARN",
    "aws-region": "AWS_REGION",
    "aws-access-key-id": "AWS_ACCESS_KEY_ID",
    "aws-secret-access-key": "AWS_SECRET_ACCESS_KEY",
    "tenant-id": "AZURE_TENANT_ID",
    "client-id": "AZURE_CLIENT_ID",
    "credentials_json": "GOOGLE_APPLICATION_CREDENTIALS",
    "service_account_key": "GOOGLE_APPLICATION_CREDENTIALS",
}
"""The variables that inputs become for the steps that follow."""
_AZURE = "azure: {tenant_id: ID, client_id: ID}"
_WRITTEN = {
    "role-to-assume": ("the role of AWS", "aws: {role: ARN}"),
    "tenant-id": ("the tenant of Azure", _AZURE),
    "client-id": ("the client of Azure", _AZURE),
}
"""Inputs that a spec has as they are written."""


def _by_variables(scope: Scope) -> None:
    for key in filter(scope.given.__contains__, _VARIABLES):
        text = scope.single(key)
        if text and (literal(text) or key not in _WRITTEN):
            _lasting(scope, _VARIABLES[key], text)
        elif text:
            scope.job.tell("role", scope.line_of(key), *_WRITTEN[key])


_ACCOUNT = "aws sts get-caller-identity --query Account --output text"


def _aws_actions_amazon_ecr_login(scope: Scope) -> None:
    """Its output is the registry of the account that is logged in."""
    environment = scope.job.environment
    role = literal(environment.get("AWS_ROLE_ARN", ())) or ""
    account = re.match(r"arn:aws:iam::(\d{12}):", role)
    known = (account[1],) if account else (Output(_ACCOUNT),)
    number = scope.single("registries") or known
    region = environment.get("AWS_REGION")
    scope.given.native("mask-password")
    if region and re.fullmatch(r"\d{12}", literal(number) or "0" * 12):
        host = pure((*number, ".dkr.ecr.", *region, ".amazonaws.com"))
        scope.known.put(scope.reader, f"{scope.step.name}.outputs.registry", host)


def _google_github_actions_auth(scope: Scope) -> None:
    _by_variables(scope)
    provider, account = map(scope.single, ("workload_identity_provider", "service_account"))
    line, form = scope.line_of("workload_identity_provider"), "{provider: NAME, ...}"
    if literal(provider) and literal(account):
        url = f"serviceAccounts/{literal(account)}:"
        known = {"audience": literal(provider), "service_account_impersonation_url": url}
        scope.job.google_document = json.dumps(known)
    elif None in (literal(provider), literal(account)):
        scope.job.tell("role", line, "the provider or the account of Google", f"google: {form}")
    elif provider and "service_account" not in scope.given:
        scope.job.tell("role/alone", line, literal(provider))


CLOUDS = {
    "aws-actions/configure-aws-credentials": _by_variables,
    "aws-actions/amazon-ecr-login": _aws_actions_amazon_ecr_login,
    "google-github-actions/auth": _google_github_actions_auth,
    "google-github-actions/setup-gcloud": _by_variables,
    "azure/login": _by_variables,
}
