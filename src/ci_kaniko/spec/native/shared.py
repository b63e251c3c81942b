"""What several platforms take in one form: names, labels and times."""

from typing import Annotated, Any

from ci_kaniko.problems.finding import Refused
from ci_kaniko.spec.fields import LIST_OR_ONE, Reads, check_present, whole
from ci_kaniko.syntax import grammar
from ci_kaniko.syntax.scalars import as_list, as_text
from ci_kaniko.syntax.variables import INPUT_PREFIX, parse, with_inputs

Minutes = Annotated[int, whole(1, 360 * 24)]
Seconds = Annotated[int, whole(1, 2147483647)]


def native_name(text: str) -> str:
    """A native name with ``x`` for each input, the only variables that can stand in it.

    Raises Refused.
    """
    grammar.check_text(text)
    parts = parse(text)
    for ref in parts:
        if isinstance(ref, str):
            continue
        if not ref.name.startswith(INPUT_PREFIX) or ref.default is not None:
            raise Refused(
                "variable-not-allowed",
                f"a name holds no variables but inputs, and ${{{ref.name}}} is none",
                "such as build-${input.channel}, without a default of its own",
            )
    return with_inputs(parts, lambda _: "x")


def _read_labels(value: Any) -> tuple[str, ...]:
    """The texts of a list of labels. Raises Refused."""
    labels = []
    for index, item in enumerate(as_list(value)):
        text = as_text(item)
        try:
            check_present(text)
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            raise
        labels.append(text)
    if not labels:
        raise Refused("empty-value", "the list is empty", "name at least one")
    return tuple(labels)


OneOrMore = Annotated[tuple[str, ...], Reads(_read_labels, LIST_OR_ONE)]
