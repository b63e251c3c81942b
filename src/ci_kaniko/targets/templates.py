"""The templates of a repository, which take the place of those of its targets."""

from __future__ import annotations

import os

from ci_kaniko.layouts.own import BrokenTemplate, fill_own, strangers
from ci_kaniko.problems.finding import Finding, quoted
from ci_kaniko.problems.problem import Problem, SpecError, meant
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.repository.files import OutsideRepository
from ci_kaniko.repository.templates import templates_in
from ci_kaniko.spec.placing import placed
from ci_kaniko.text.display import shown, shown_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ci_kaniko.spec.spec import Spec
    from ci_kaniko.targets.target import Target

_OURS = "https://github.com/ci-kaniko/ci-kaniko/tree/main/templates"


class OwnTemplate:
    """The template that a repository has for a target."""

    def __init__(self, spec: Spec, name: str, sources: Mapping[str, str]) -> None:
        self._folder = os.path.join(spec.repository, spec.templates or "")
        self._name = name
        self._sources = sources

    def fill(self, view: Mapping[str, Any], complaints: Callable[[str], Iterable[str]]) -> str:
        """Its text for a view, about which nobody complains. Raises SpecError."""
        try:
            text = fill_own(self._name, view, self._sources)
        except BrokenTemplate as broken:
            message = broken.message[:1].lower() + broken.message[1:]
            known = ", ".join(sorted(view))
            hint = f"it is given {known}" if message.endswith("is undefined") else ""
            raise SpecError([self._problem(message, hint, broken.name, broken.line)]) from broken
        if text.splitlines()[:1] != [view["header"]]:
            message = "the first line of a rendered text says whose it is"
            raise SpecError([self._problem(message, "begin with <%= header %>", self._name, 1)])
        try:
            complaint = next(iter(complaints(text)), None)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            complaint = (
                f"the rendered text lacks what was planned ({type(error).__name__}: {error})"
            )
        if complaint:
            hint = f"compare it with ours: {_OURS}"
            raise SpecError([self._problem(complaint, hint, self._name, 1)])
        return text

    def check_encoding(self, name: str, data: bytes) -> None:
        """Raises SpecError for what is not UTF-8."""
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise SpecError([self._problem("it is not UTF-8", "", name, line)]) from error

    def _problem(self, message: str, hint: str, name: str, line: int) -> Problem:
        lines = self._sources[name].splitlines()
        text = shown_line(lines[line - 1]) if line <= len(lines) else ""
        return Problem(
            rule="bad-template",
            path=os.path.relpath(os.path.join(self._folder, name)),
            line=line,
            column=len(text) - len(text.lstrip()) + 1,
            message=shown(message),
            hint=hint,
            excerpt=text,
            width=max(1, len(text.strip())),
        )


def own_template(spec: Spec, target: Target) -> OwnTemplate | None:
    """The repository's template for a target; None where it has another target's only.

    Raises SpecError.
    """
    folder = spec.templates or ""
    try:
        found = templates_in(spec.repository, folder)
    except OutsideRepository as error:
        raise _error(
            spec,
            "outside-repository",
            f"{quoted(str(error))} leads out of the repository, or into .git",
            "templates may be symbolic links, but to files of the same repository",
        ) from error
    except OSError as error:
        raise _error(
            spec,
            "missing-template",
            f"{quoted(folder)} cannot be read: {(error.strerror or type(error).__name__).lower()}",
            f"a folder that holds {target.template}, for example: copy it from {_OURS}",
        ) from error
    sources = {name: data.decode("utf-8", "replace") for name, data in found.items()}
    own = OwnTemplate(spec, target.template, sources)
    for name, data in found.items():
        own.check_encoding(name, data)
    if target.template not in sources or len(sources) > 1:
        _refuse_strangers(spec, target, sources)
    return own if target.template in sources else None


def _refuse_strangers(spec: Spec, target: Target, sources: Mapping[str, str]) -> None:
    from ci_kaniko.targets.registry import available_targets

    folder = spec.templates or ""
    known = [each.template for each in available_targets().values()]
    for name in strangers(sources, known):
        message = f"{quoted(f'{folder}/{name}')} is the template of no target"
        raise _error(spec, "missing-template", message, meant(name, known))
    if not sources:
        message = f"{quoted(folder)} holds no template"
        hint = f"copy {target.template} from {_OURS}, and change it"
        raise _error(spec, "missing-template", message, hint)


def _error(spec: Spec, rule: str, message: str, hint: str) -> SpecError:
    return SpecError(placed([Finding(rule, ("templates",), message, hint)], spec.source))
