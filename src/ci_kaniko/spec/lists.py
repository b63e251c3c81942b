"""Lists whose entries are checked one by one."""

from collections.abc import Callable

from ci_kaniko.problems.finding import Refused, check_once, quoted, raise_all
from ci_kaniko.quick.hints import Any
from ci_kaniko.syntax.scalars import as_list, as_text


def read_each(
    value: Any, check: Callable[[str], None], name: str, *, once: bool = True
) -> list[str]:
    """Every text of a list, or the only one; ``once`` refuses a text that is there already.

    Raises Refused.
    """
    items = as_list(value)
    if not items:
        raise Refused("empty-value", f"{name}: is empty", "name at least one")
    texts: list[str] = []
    refusals: list[Refused] = []
    for index, item in enumerate(items):
        try:
            text = as_text(item)
            check(text)
            if once:
                check_once(text, texts)
            texts.append(text)
        except Refused as refused:
            refused.at = (index,) if isinstance(value, list | tuple) else ()
            refusals.append(refused)
    raise_all(refusals)
    return texts


def check_one(value: Any, rule: str, what: str) -> None:
    """Raise Refused for a text that lists several things with commas."""
    if isinstance(value, str) and "," in value:
        words = ", ".join(word.strip() for word in value.split(",") if word.strip())
        raise Refused(rule, f"{quoted(value)} is not {what}", f"write [{words}]")
