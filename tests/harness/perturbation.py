"""Every way to take one thing out of a pipeline, or to change it: keys, items, values, words."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from ci_kaniko import SpecError
from ci_kaniko.importing.ticked import native, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRIPTS = {"script", "before_script", "after_script", "run", "command", "commands", "args"}
_WORD = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|[^\s\"']+")
_ALIAS = re.compile(r"\s*:\s*(?:\*[\w.-]+|\[[^]]*\])")
_KEY, _ITEM = "unheard_of", "something"
_COMMENT = re.compile(r"\s*(?:#|//)|\s*$")


class Place(NamedTuple):
    """A key or an item, as its keys from above, and the line that it begins on."""

    path: str
    line: int


class Change(NamedTuple):
    """One changed text of a pipeline: where, what was done, and the text.

    ``above`` are the place itself and what holds it; ``command`` is the line of a script that was
    taken out, or in which a word was.
    """

    what: str
    text: str
    above: tuple[Place, ...]
    command: str = ""

    @property
    def where(self) -> str:
        return self.above[-1].path

    @property
    def id(self) -> str:
        return f"{self.where} {self.what}"


def changes(text: str, *, is_yaml: bool, sample: int = 0, first: int = 0) -> Iterator[Change]:
    """Each text that differs from a pipeline's in one thing that is not a comment.

    Of a ``sample`` of so many from all over the text, the first is not always the first one.
    """
    try:
        roots = list(yaml.compose_all(text, yaml.CSafeLoader)) if is_yaml else []
    except yaml.YAMLError:
        roots = []
    meant = _meaning(text) if roots else None
    tried = list(_of_documents(text, roots) if roots else _of_script(text, 0, len(text), ()))
    step = max(1, -(-len(tried) // sample)) if sample else 1
    for at in range(first % step, len(tried), step):
        # To read a text costs more than to make it: only those are read that are looked at.
        others = (each for each in tried[at : at + step] if _is_other(each.text, meant))
        yield from islice(others, 1)


def _is_other(text: str, meant: Any) -> bool:
    return meant is None or _meaning(text) not in (None, meant)


def _meaning(text: str) -> Any:
    try:
        return [native(root) for root in read_yaml(text, "a").roots]
    except SpecError:
        return None


def _of_documents(text: str, roots: list[Any]) -> Iterator[Change]:
    seen: set[int] = set()
    for root in roots:
        yield from _of_node(text, root, (), seen)


def _below(above: tuple[Place, ...], name: str, line: int) -> tuple[Place, ...]:
    path = f"{above[-1].path}{name}" if above else name.removeprefix(".")
    return (*above, Place(path, line))


def _of_node(text: str, node: Any, above: tuple[Place, ...], seen: set[int]) -> Iterator[Change]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield from _of_mapping(text, node, above, seen)
    elif isinstance(node, yaml.SequenceNode):
        yield from _of_sequence(text, node, above, seen)
    elif node.start_mark.index < node.end_mark.index:
        yield from _of_leaf(text, node, above)


def _of_sequence(
    text: str, node: Any, above: tuple[Place, ...], seen: set[int]
) -> Iterator[Change]:
    starts = [_item_start(text, node, item) for item in node.value]
    yield from _added(text, node, _ITEM, above)
    for at, item in enumerate(node.value):
        here = _below(above, f"[{at}]", item.start_mark.line + 1)
        begin = starts[at]
        end = starts[at + 1] if at + 1 < len(starts) else _end(text, item)
        if begin is not None and end is not None:
            command = item.value if isinstance(item, yaml.ScalarNode) else ""
            yield Change("removed", text[:begin] + text[end:], here, command)
        yield from _of_node(text, item, here, seen)


def _of_mapping(text: str, node: Any, above: tuple[Place, ...], seen: set[int]) -> Iterator[Change]:
    yield from _added(text, node, f"{_KEY}: {_ITEM}", above)
    for at, (key, value) in enumerate(node.value):
        here = _below(above, f".{key.value}", key.start_mark.line + 1)
        begin = key.start_mark.index
        last = at + 1 == len(node.value)
        end = _value_end(text, key, value) if last else node.value[at + 1][0].start_mark.index
        if begin < end:
            yield Change("removed", text[:begin] + text[end:], here)
        if value.start_mark.index > begin:
            yield from _of_node(text, value, here, seen)


def _added(text: str, node: Any, what: str, above: tuple[Place, ...]) -> Iterator[Change]:
    """One key or item more, before the others."""
    begin = node.start_mark.index
    if node.flow_style:
        new = f"{what}{', ' if node.value else ''}"
        begin += 1
    else:
        mark = "- " if isinstance(node, yaml.SequenceNode) else ""
        new = f"{mark}{what}\n{' ' * node.start_mark.column}"
    yield Change(
        "added", text[:begin] + new + text[begin:], above or (Place("", node.start_mark.line + 1),)
    )


def _item_start(text: str, node: Any, item: Any) -> int | None:
    begin = item.start_mark.index
    if not node.start_mark.index <= begin <= node.end_mark.index:
        return None
    return begin if node.flow_style else text.rfind("-", 0, begin)


def _value_end(text: str, key: Any, value: Any) -> int:
    if value.start_mark.index < key.end_mark.index:
        alias = _ALIAS.match(text, key.end_mark.index)
        return alias.end() if alias else key.start_mark.index
    return _end(text, value)


def _end(text: str, node: Any) -> int:
    return len(text[: node.end_mark.index].rstrip())


def _of_leaf(text: str, node: Any, above: tuple[Place, ...]) -> Iterator[Change]:
    begin, end = node.start_mark.index, _end(text, node)
    key = re.sub(r"\[\d+\]", "", above[-1].path).rpartition(".")[2] if above else ""
    if node.style in ("|", ">") or (key in _SCRIPTS and " " in node.value):
        first = text.index("\n", begin) + 1 if node.style in ("|", ">") else begin
        yield from _of_script(text, first, end, above)
        return
    changed = text[:begin] + _other(text[begin:end], node.value) + text[end:]
    yield Change("changed", changed, above)


def _other(source: str, value: str) -> str:
    if value in ("true", "false"):
        return source.replace(value, "true" if value == "false" else "false")
    if re.fullmatch(r"\d+", value):
        return source.replace(value, str(int(value) + 1))
    return f"{source[:-1]}x{source[-1]}" if source[:1] in ('"', "'") else f"{source}x"


def _of_script(text: str, begin: int, end: int, above: tuple[Place, ...]) -> Iterator[Change]:
    """Each line of a script removed, and each word of a line."""
    at, first = begin, text.count("\n", 0, begin) + 1
    for number, line in enumerate(text[begin:end].split("\n")):
        stop = at + len(line)
        if not _COMMENT.match(line):
            here = _below(above, f"/{number + 1}", first + number)
            if begin < at or stop < end:
                yield Change("removed", text[:at] + text[stop + 1 :], here, line.strip())
            for word in _words(line):
                cut = text[: at + word.start()] + text[at + word.end() :]
                yield Change(f"without {word[0]}", cut, here, line.strip())
        at = stop + 1


def _words(line: str) -> Iterator[re.Match[str]]:
    for word in _WORD.finditer(line):
        if word[0].startswith("#") and line[word.start() - 1 : word.start()] in (" ", ""):
            return
        if re.search(r"[\w>|&]", word[0]):
            yield word
