"""A spec as YAML text, the way the docs write one."""

from __future__ import annotations

import re

from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.text.yaml import scalar

if TYPE_CHECKING:
    from typing_extensions import Self


_WIDTH = 100
_BLOCKS = {"build_args", "labels", "annotations", "destinations", "registries", "images"}
_BLOCKS |= {
    "triggers",
    "cache",
    "proxy",
    "certificates",
    "client_certificates",
    "build_secrets",
    "inputs",
    "outputs",
}
_FLOW_SPECIAL = re.compile(r"[,?\[\]{}:#&*!|>'\"%@`]|^[-\s]|\s$")


class Remarked(int):
    """A switch that is on, with a remark for whoever reads the text."""

    remark: str

    def __new__(cls, remark: str) -> Self:
        """It is worth what ``True`` is."""
        made = super().__new__(cls, 1)
        made.remark = remark
        return made


def short_text(said: dict[str, Any]) -> str:
    """The text of a spec; a destination or a file that is only a name is written as one."""
    for build in (said, *said.get("images", {}).values()):
        if build.get("destinations"):
            build["destinations"] = [_short(item, "image") for item in build["destinations"]]
    for target, files in said.get("outputs", {}).items():
        short = [_short(file, "path") for file in files]
        said["outputs"][target] = short[0] if len(short) == 1 else short
    return written(said)


def _short(said: dict[str, Any], key: str) -> Any:
    """What a mapping says, as a text when one key is all of it."""
    return said[key] if list(said) == [key] else said


def written(data: dict[str, Any]) -> str:
    r"""The text of a spec.

    >>> print(written({"destinations": [{"image": "a.io/b:1", "when": {"tag": "v*"}}]}), end="")
    destinations:
      - image: a.io/b:1
        when: {tag: "v*"}
    """
    return "".join(f"{line}\n" for line in _mapping(data, 0, top=True))


def _mapping(data: dict[str, Any], indent: int, *, top: bool = False) -> list[str]:
    lines: list[str] = []
    margin = " " * indent
    for key, value in data.items():
        head = f"{margin}{_scalar(key)}:"
        lines += _entry(head, value, indent, block=top and key in _BLOCKS)
    return lines


def _entry(head: str, value: Any, indent: int, *, block: bool) -> list[str]:
    if isinstance(value, dict):
        return _map_entry(head, value, indent, block=block)
    if isinstance(value, list | tuple):
        return _list_entry(head, list(value), indent)
    return [f"{head} {_text(value, indent + 2)}"]


def _text(value: Any, indent: int) -> str:
    if isinstance(value, str) and "\n" in value and fits_block(value):
        margin = " " * indent
        chomp = "" if value.endswith("\n") else "-"
        rows = value.removesuffix("\n").split("\n")
        return f"|{chomp}\n" + "\n".join(f"{margin}{row}" if row else "" for row in rows)
    remark = f"  # {value.remark}" if isinstance(value, Remarked) else ""
    return _scalar(value) + remark


def fits_block(value: str) -> bool:
    plain = value.replace("\n", "").isprintable()
    rows = value.removesuffix("\n").split("\n")
    return plain and not value[0].isspace() and not value.endswith("\n\n") and bool(rows[0].strip())


def _map_entry(head: str, value: dict[str, Any], indent: int, *, block: bool) -> list[str]:
    if not value:
        return [f"{head} {{}}"]
    line = f"{head} {flow(value)}"
    if not block and _is_short(value) and len(line) <= _WIDTH:
        return [line]
    if block and head.strip() == "images:":
        return [head, *_images(value, indent + 2)]
    return [head, *_mapping(value, indent + 2)]


def _images(value: dict[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    margin = " " * indent
    for name, image in value.items():
        head = f"{margin}{scalar(name)}:"
        if not image:
            lines.append(f"{head} {{}}")
            continue
        lines.append(head)
        for key, item in image.items():
            inner = f"{margin}  {_scalar(key)}:"
            lines += _entry(inner, item, indent + 2, block=key in _BLOCKS)
    return lines


def _is_short(value: dict[str, Any]) -> bool:
    """Whether a mapping reads well on one line: few keys, nothing nested deeply."""
    return len(value) <= 4 and all(
        not (isinstance(item, dict) and any(isinstance(x, dict | list) for x in item.values()))
        and not (isinstance(item, str) and "\n" in item)
        and not (isinstance(item, list) and any(isinstance(x, dict | list) for x in item))
        for item in value.values()
    )


def _list_entry(head: str, value: list[Any], indent: int) -> list[str]:
    line = f"{head} {flow(value)}"
    nested = any(isinstance(item, dict | list) or "\n" in str(item) for item in value)
    if not value or (head.strip() != "destinations:" and not nested and len(line) <= _WIDTH):
        return [line]
    margin = " " * (indent + 2)
    lines = [head]
    for item in value:
        if isinstance(item, dict) and item:
            inner = _mapping(item, indent + 4)
            lines += [f"{margin}- {inner[0].lstrip()}", *inner[1:]]
        elif isinstance(item, list):
            lines.append(f"{margin}- {flow(item)}")
        else:
            lines.append(f"{margin}- {_text(item, indent + 4)}")
    return lines


_ECR = re.compile(
    r"[0-9]{12}\.dkr\.[A-Za-z](?:[A-Za-z0-9./_-]|:(?=[A-Za-z0-9$])|\$\{[a-z._A-Z]+\})*"
)


def _scalar(value: Any) -> str:
    """A scalar; a host of AWS begins with digits and is no number all the same."""
    if isinstance(value, Remarked):
        return "true"
    return value if isinstance(value, str) and _ECR.fullmatch(value) else scalar(value)


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_in_flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return _in_flow(value)


def _in_flow(value: Any) -> str:
    text = _scalar(value)
    if not isinstance(value, str) or text.startswith(('"', "'")):
        return text
    plain = value.replace(":", "") if re.fullmatch(r"[^:]*(?::[^\s:,]+)*", value) else value
    if _FLOW_SPECIAL.search(plain):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
