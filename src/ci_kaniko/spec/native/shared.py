"""What several platforms take in one form: names, labels and times."""

from ci_kaniko.problems.finding import Refused
from ci_kaniko.quick.hints import Annotated, Any
from ci_kaniko.spec.fields import LIST_OR_ONE, TEXT, Makes, Reads, check_present, whole
from ci_kaniko.spec.prepare import PLATFORMS
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_list, as_text
from ci_kaniko.syntax.variables import INPUT_READ, Template, holding_inputs, with_inputs

Minutes = Annotated[int, whole(1, 360 * 24)]
Seconds = Annotated[int, whole(1, 2147483647)]


def native_name(text: str) -> str:
    """A native name with ``x`` for each input, the only variables that can stand in it.

    Raises Refused.
    """
    grammar.check_text(text)
    return with_inputs(_holding_inputs(text), lambda _: "x")


def _holding_inputs(text: str) -> Template:
    return holding_inputs(text, "a name", "build-${input.channel}")


def _native_text(text: str) -> str:
    """A setting of a platform, in which inputs may stand. Raises Refused."""
    if INPUT_READ not in text:
        check_present(text)
        return text
    grammar.check_text(text)
    return _holding_inputs(text)


def _read_labels(value: Any) -> tuple[str, ...]:
    """The texts of a list of labels. Raises Refused."""
    labels = []
    for index, item in enumerate(as_list(value)):
        try:
            text = _native_text(as_text(item))
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            raise
        labels.append(text)
    if not labels:
        raise Refused("empty-value", "the list is empty", "name at least one")
    return tuple(labels)


Setting = Annotated[str, Makes(_native_text, TEXT, inputs=True)]
NameSetting = Annotated[str, Makes(_native_text, TEXT, "name", inputs=True)]
"""A setting in which the platform replaces nothing."""
OneOrMore = Annotated[tuple[str, ...], Reads(_read_labels, LIST_OR_ONE, inputs=True)]


def name_with_input(build: Any) -> str:
    """The name of a job that holds the first input of a build; empty where no name can."""
    before = "build-${image.name}-" if build.name else "build-"
    names = (name for name, item in build.inputs.items() if item.type != PLATFORMS)
    first = next(names, "")
    return f"{before}${{input.{first}}}" if first else ""
