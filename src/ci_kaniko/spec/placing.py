"""Findings at their lines and columns."""

from __future__ import annotations

from ci_kaniko.problems.finding import Finding, Where, dotted
from ci_kaniko.problems.problem import Problem, SpecError, in_file_order
from ci_kaniko.quick.hints import TYPE_CHECKING
from ci_kaniko.source.nodes import Scalar
from ci_kaniko.spec.build import SpecFields
from ci_kaniko.syntax.grammar import names_a_secret
from ci_kaniko.text.display import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.source.nodes import Node
    from ci_kaniko.source.source import Source


_SECRET_FIELDS = {"password", "token", "secret_access_key", "client_secret", "azure_storage_key"}
_WORDS = {"ci-token", "anonymous", "ambient"}


class InvalidSpec(SpecError):
    """What is wrong with the parts of a spec; ``rest`` is what could be read, if anything."""

    def __init__(
        self, findings: list[Finding], rest: SpecFields | None = None, source: Source | None = None
    ) -> None:
        self.findings = findings
        self.rest = rest
        self._source = source
        problems = [*(source.problems if source else ()), *placed(findings, source)]
        super().__init__(in_file_order(problems))

    @property
    def whole(self) -> Source | None:
        """The source of a spec that can be read, and in which no problem is about a secret."""
        source = self._source
        is_told = source is not None and not any(_secret(each, source) for each in self.findings)
        return source if is_told and self.rest is not None else None

    @property
    def damaged(self) -> set[Where]:
        """The places of the errors, and of the keys that unknown ones were meant to be."""
        from ci_kaniko.spec.explain import meant_key

        places = {finding.where for finding in self.findings if finding.severity == "error"}
        unknown = [item.where for item in self.findings if item.rule == "unknown-key"]
        meant = {(*where[:-1], meant_key(where, SpecFields) or "") for where in unknown}
        return places | meant


def name_of(source: Source | None) -> str:
    """What messages call a spec."""
    return source.path if source else "<spec>"


def placed(findings: Iterable[Finding], source: Source | None) -> list[Problem]:
    """Findings at their lines, in file order; none of them shows a credential."""
    findings = list(findings)
    if source is not None:
        for finding in findings:
            _mask(finding, source)
    return in_file_order([_place(finding, source) for finding in findings])


def _mask(finding: Finding, source: Source) -> None:
    if secret := _secret(finding, source):
        holder, node = secret
        holder.mask(node)


def _secret(finding: Finding, source: Source) -> tuple[Source, Node] | None:
    """What a finding is about, where nobody may see that."""
    holder, _, node = source.locate(finding.where)
    named = isinstance(node, Scalar) and (names_a_secret(node.text) or node.text in _WORDS)
    hides = finding.secret or (not named and not _SECRET_FIELDS.isdisjoint(finding.where))
    return (holder, node) if hides else None


def _place(finding: Finding, source: Source | None) -> Problem:
    where = dotted(finding.where)
    if source is None or not where:
        return Problem(
            rule=finding.rule,
            message=shown(finding.message),
            hint=shown(finding.hint),
            severity=finding.severity,
            path=name_of(source),
            where=shown(where),
        )
    source, key, value = source.locate(finding.where)
    node = key if finding.on_key and key is not None else value
    return source.problem(
        finding.rule, finding.message, node, finding.hint, finding.severity, where
    )
