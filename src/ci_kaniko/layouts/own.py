"""Templates of a user, filled like those of ci-kaniko.

They are filled in Jinja's sandbox: who looks at somebody's checkout need not trust it.
"""

from __future__ import annotations

from jinja2 import FunctionLoader, TemplateSyntaxError
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ci_kaniko.layouts.jinja import with_filters
from ci_kaniko.quick.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from types import TracebackType


class BrokenTemplate(Exception):
    """A template that cannot be filled: its name, the line, and why."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.line = line
        self.message = message


def fill_own(template: str, view: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """A template of ``sources`` filled with a view; it may include the others of them.

    Raises BrokenTemplate.
    """
    try:
        return _environment(sources).get_template(template).render(view)
    except TemplateSyntaxError as error:
        raise BrokenTemplate(error.name or template, error.lineno, str(error.message)) from error
    except Exception as error:
        name, line = _place(error.__traceback__, sources) or (template, 1)
        raise BrokenTemplate(name, line, str(error) or type(error).__name__) from error


def strangers(sources: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """The templates that are none of those that are known, and that no other one names."""
    environment = _environment(sources)
    named: set[str | None] = set()
    for text in sources.values():
        try:
            named |= set(find_referenced_templates(environment.parse(text)))
        except TemplateSyntaxError:
            return
    if None not in named:  # a name that is put together
        yield from (name for name in sources if name not in known and name not in named)


def _environment(sources: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    def source(name: str) -> tuple[str, str, None] | None:
        return (sources[name], name, None) if name in sources else None

    return with_filters(ImmutableSandboxedEnvironment, FunctionLoader(source))


def _place(traceback: TracebackType | None, sources: Mapping[str, str]) -> tuple[str, int] | None:
    """The last line of a template that an error has passed."""
    found = None
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name in sources:
            found = name, traceback.tb_lineno
        traceback = traceback.tb_next
    return found
