"""What import says: the sentences of ``sentences.yaml``, with values filled in."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import Literal, NamedTuple

Kind = Literal["carried", "mended", "left"]
KINDS: tuple[Kind, ...] = ("carried", "mended", "left")
_NAME = re.compile(r"(?<!(?<!\$)\$)\{([a-z_]+)\}")


class Sentence(NamedTuple):
    """Something that can be said, and the names of the values in it."""

    kind: Kind
    message: str
    advice: str
    names: tuple[str, ...]


@functools.cache
def sentences() -> dict[str, Sentence]:
    """Every sentence by its rule, or by ``rule/word`` where a rule says several things."""
    from ci_kaniko.text.pyyaml import loader

    text = files(__package__).joinpath("sentences.yaml").read_text(encoding="utf-8")
    found: dict[str, Sentence] = {}
    for name, entry in loader()(text).get_single_data().items():
        kind = next(kind for kind in KINDS if kind in entry)
        message, advice = entry[kind], entry.get("advice", "")
        names = tuple(dict.fromkeys(_NAME.findall(f"{message} {advice}")))
        found[name] = Sentence(kind, message, advice, names)
    return found


class Note(NamedTuple):
    """One thing that is said of a line: a sentence by its name, and its values."""

    name: str
    values: tuple[object, ...] = ()
    line: int = 0

    @property
    def kind(self) -> Kind:
        """Whether it is carried over, mended or left."""
        return sentences()[self.name].kind

    @property
    def rule(self) -> str:
        """The rule that it is about."""
        return self.name.partition("/")[0]

    @property
    def message(self) -> str:
        """The sentence with its values."""
        return self._filled(sentences()[self.name].message)

    @property
    def advice(self) -> str:
        """What to do."""
        return self._filled(sentences()[self.name].advice)

    def _filled(self, text: str) -> str:
        names = sentences()[self.name].names
        values = dict(zip(names, map(str, self.values), strict=True))
        return _NAME.sub(lambda found: values[found[1]], text)
