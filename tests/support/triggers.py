"""Whether an event starts the job: the parts of each platform's conditions that are rendered.

GitLab's `rules:if`, GitHub's `on:` and `if:`, Buildkite's `if:` and Agola's `when:`. Anything else
in them is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from support.agola import included
from support.buildkite_upload import upload
from support.events import Event, environment, github_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT, FORK = "4711", "815"


class NotUnderstood(Exception):
    """An expression that the platform, or this small evaluator, refuses."""


Value = str | bool | None


class _Expression:
    """Recursive descent over tokens; both languages bind `!`, comparison, `&&`, `||` alike."""

    tokens: re.Pattern[str]

    def __init__(self, text: str, known: Mapping[str, Any]) -> None:
        self.known = known
        self.rest = self._tokens(text)

    def _tokens(self, text: str) -> list[str]:
        found, at = [], 0
        while at < len(text):
            match = self.tokens.match(text, at)
            if not match:
                raise NotUnderstood(f"{text[at:]!r} in {text!r}")
            found.append(match[0].strip())
            at = match.end()
        return [token for token in found if token]

    def value(self) -> bool:
        result = self.either()
        if self.rest:
            raise NotUnderstood(f"left over: {self.rest}")
        return truth(result)

    def either(self) -> Value:
        left = self.both()
        while self._next("||"):
            right = self.both()
            left = left if truth(left) else right
        return left

    def both(self) -> Value:
        left = self.comparison()
        while self._next("&&"):
            right = self.comparison()
            left = right if truth(left) else left
        return left

    def comparison(self) -> Value:
        left = self.unary()
        for operator in ("==", "!=", "=~", "!~"):
            if self._next(operator):
                return self.compare(operator, left, self.unary())
        return left

    def unary(self) -> Value:
        if self._next("!"):
            return not truth(self.unary())
        if self._next("("):
            inner = self.either()
            if not self._next(")"):
                raise NotUnderstood("a parenthesis is not closed")
            return inner
        if not self.rest:
            raise NotUnderstood("the expression ends too early")
        return self.operand(self.rest.pop(0))

    def _next(self, token: str) -> bool:
        if self.rest[:1] == [token]:
            self.rest.pop(0)
            return True
        return False

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        raise NotImplementedError

    def operand(self, token: str) -> Value:
        raise NotImplementedError


def truth(value: Value) -> bool:
    return bool(value)


# -- GitLab -----------------------------------------------------------------------------------


class _GitLabExpression(_Expression):
    """https://docs.gitlab.com/ci/jobs/job_rules/: quotes hold no escapes, patterns are RE2."""

    tokens = re.compile(
        r"""\s+|\|\||&&|==|!=|=~|!~|[()]|\$\w+|null|"[^"]*"|'[^']*'"""
        r"""|/(?:[^/\\]|\\.)+/[ismU]*(?=[\s)]|\Z)"""
    )

    def operand(self, token: str) -> Value:
        if token.startswith("$"):
            found: Value = self.known.get(token[1:])
            return found
        if token == "null":
            return None
        if token[0] in "\"'/":
            return token if token[0] == "/" else token[1:-1]
        raise NotUnderstood(token)

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        if operator in ("==", "!="):
            return (left == right) == (operator == "==")
        if not isinstance(right, str) or not right.startswith("/"):
            raise NotUnderstood(f"{right!r} is no pattern")
        matched = isinstance(left, str) and re.search(_re2(right), left) is not None
        return matched == (operator == "=~")


def _re2(pattern: str) -> str:
    body, _, flags = pattern[1:].rpartition("/")
    if re.search(r"\\[^\W\d_]|\(\?", body):
        raise NotUnderstood(f"{pattern}: RE2 and this evaluator may differ")
    return (f"(?{flags})" if flags else "") + re.sub(r"(?<!\\)\$\Z", r"\\Z", body)


def gitlab(text: str, event: Event, *, in_parent: bool = False) -> bool:
    """A fork's merge request runs in the fork, or `in_parent` when a member there starts it."""
    document = yaml.load(text, yaml.CSafeLoader)
    (job,) = (job for job in document.values() if isinstance(job, dict) and "script" in job)
    known = gitlab_variables(event, in_parent=in_parent)
    for rule in job["rules"]:
        if not rule.keys() <= {"if", "when"}:
            raise NotUnderstood(f"rule {rule}")
        if "if" not in rule or _GitLabExpression(rule["if"], known).value():
            return bool(rule.get("when", "on_success") != "never")
    return False


def gitlab_variables(event: Event, *, in_parent: bool = False) -> dict[str, str]:
    here = FORK if event.fork and not in_parent else PROJECT
    source = FORK if event.fork else PROJECT
    request = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source, "CI_MERGE_REQUEST_PROJECT_ID": PROJECT}
    return {
        **environment("gitlab", event),
        "CI_PROJECT_ID": here,
        **(request if event.pull_request else {}),
    }


# -- GitHub -----------------------------------------------------------------------------------


class _GitHubExpression(_Expression):
    """Strings compare without case; an absent property is empty."""

    tokens = re.compile(
        r"\s+|\|\||&&|==|!=|!|[(),]|'(?:[^']|'')*'|(?:startsWith|endsWith)(?=\()|[a-z][\w.-]*"
    )

    def operand(self, token: str) -> Value:
        if token in ("startsWith", "endsWith"):
            return self._call(token)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token not in self.known:
            raise NotUnderstood(token)
        found: Value = self.known[token]
        return found

    def _call(self, name: str) -> bool:
        arguments = []
        for token in ("(", ","):
            if not self._next(token):
                raise NotUnderstood(f"{name} wants two arguments")
            arguments.append(str(self.either()).lower())
        if not self._next(")"):
            raise NotUnderstood(f"{name} is not closed")
        text, part = arguments
        return text.startswith(part) if name == "startsWith" else text.endswith(part)

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        if operator not in ("==", "!="):
            raise NotUnderstood(operator)
        equal = str(left or "").lower() == str(right or "").lower()
        return equal == (operator == "==")


def github_filter(pattern: str) -> str:
    """The regular expression of a filter pattern of `on.push`."""
    out, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**", at):
            out, at = out + ".*", at + 2
            continue
        if character == "\\":
            at += 1
            out += re.escape(pattern[at])
        elif character == "*":
            out += "[^/]*"
        elif character in "?+":
            out += character
        elif character == "[":
            raise NotUnderstood(f"{pattern}: character classes are not modelled")
        elif character == "!" and at == 0:
            raise NotUnderstood(f"{pattern}: negative patterns are not modelled")
        else:
            out += re.escape(character)
        at += 1
    return out


def github(text: str, event: Event) -> bool:
    workflow = yaml.load(text, yaml.CSafeLoader)
    (job,) = workflow["jobs"].values()
    return _github_on(workflow["on"], event) and _github_if(job.get("if"), event)


def _github_if(condition: str | None, event: Event) -> bool:
    if condition is None:
        return True
    head = event.fork_repository if event.fork else event.repository
    known = {
        **github_context(event),
        "github.event.pull_request.head.repo.full_name": head if event.pull_request else "",
        "github.event.repository.full_name": event.repository,
    }
    return _GitHubExpression(condition, known).value()


def _github_on(events: Mapping[str, Any], event: Event) -> bool:
    name = {"manual": "workflow_dispatch"}.get(event.source, event.source)
    if name not in events:
        return False
    filters = events[name] or {}
    if name != "push":
        if filters:
            raise NotUnderstood(f"{name}: {filters}")
        return True
    kind, ref = ("tags", event.tag) if event.tag else ("branches", event.branch)
    if not filters.keys() <= {"branches", "tags"}:
        raise NotUnderstood(f"push: {filters}")
    if not filters:
        return True
    return any(re.fullmatch(github_filter(glob), ref) for glob in filters.get(kind, []))


# -- Buildkite --------------------------------------------------------------------------------


class _BuildkiteExpression(_Expression):
    """https://buildkite.com/docs/pipelines/configure/conditionals, after the upload."""

    tokens = re.compile(
        r"""\s+|\|\||&&|==|!=|=~|!~|!|[()]|[a-z][a-z_.]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
        r"""|/(?:[^/\\]|\\.)+/i?(?=[\s)]|\Z)"""
    )

    def operand(self, token: str) -> Value:
        if token[0] == "/":
            return token
        if token[0] in "\"'":
            if "\\" in token or (token[0] == '"' and "$" in token):
                raise NotUnderstood(f"{token}: an escape, or text that Buildkite replaces")
            return token[1:-1]
        if token not in self.known:
            raise NotUnderstood(token)
        found: Value = self.known[token]
        return found

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        if operator in ("==", "!="):
            return (left == right) == (operator == "==")
        if not isinstance(right, str) or not right.startswith("/"):
            raise NotUnderstood(f"{right!r} is no pattern")
        matched = isinstance(left, str) and re.search(_re2(right), left) is not None
        return matched == (operator == "=~")


def buildkite(text: str, event: Event) -> bool:
    env = environment("buildkite", event)
    (step,) = upload(yaml.load(text, yaml.CSafeLoader), env)["steps"]
    return "if" not in step or _BuildkiteExpression(step["if"], _build(env)).value()


def _build(env: Mapping[str, str]) -> dict[str, Any]:
    pull_request = env["BUILDKITE_PULL_REQUEST"]
    return {
        "null": None,
        "true": True,
        "false": False,
        "build.branch": env["BUILDKITE_BRANCH"],
        "build.tag": env["BUILDKITE_TAG"] or None,
        "build.pull_request.id": None if pull_request == "false" else pull_request,
        "build.source": env["BUILDKITE_SOURCE"],
        "pipeline.default_branch": env["BUILDKITE_PIPELINE_DEFAULT_BRANCH"],
    }


# -- Agola ------------------------------------------------------------------------------------


def agola(text: str, event: Event) -> bool:
    (run,) = yaml.load(text, yaml.CSafeLoader)["runs"]
    return included(run.get("when"), environment("agola", event))


STARTS: Mapping[str, Callable[[str, Event], bool]] = {
    "gitlab": gitlab,
    "github": github,
    "buildkite": buildkite,
    "agola": agola,
}
