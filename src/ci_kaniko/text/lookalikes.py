"""Characters that nobody sees in a word, or takes for others."""

from __future__ import annotations

from ci_kaniko.quick.records import NamedTuple
from ci_kaniko.text.patterns import pattern

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SINGLE, _DOUBLE = "\u2018\u2019\u201a\u201b\u2032", "\u201c\u201d\u201e\u201f\u2033"
_CYRILLIC = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d",
        "aeopcyxijshdqw",
        strict=True,
    )
)
_GREEK = dict(zip("\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1", "aikvop", strict=True))
_SIGNS = {
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_SINGLE, "'"),
    **dict.fromkeys(_DOUBLE, '"'),
    **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},
}
_LETTERS = {**_CYRILLIC, **_GREEK}
_NAMED = {" ": "an ordinary blank", '"': "an ordinary quote", "'": "an ordinary quote"}
_VARIABLE = pattern(r"\$\{[^}]*\}")
_MARKS = {*":-,"}
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


class Odd(NamedTuple):
    """A character of a word, where it stands, and what it should be: nothing, or another."""

    at: int
    character: str
    meant: str

    def instead(self, place: str) -> str:
        """What to do about it, where it is."""
        from unicodedata import name

        called = name(self.character, "character").lower()
        it = f"the {called} (U+{ord(self.character):04X}) {place}"
        if not self.meant:
            return f"remove {it}"
        return f"write {_NAMED.get(self.meant) or self.meant} instead of {it}"


def odd_character(word: str) -> Odd | None:
    """The first character of a word that is not what it looks like.

    A text of several words is somebody's own, in a language of theirs, and so is one with a letter
    that looks like none of ours.

    >>> odd_character(f"default{chr(0x2011)}branch").instead("in column 8")
    'write - instead of the non-breaking hyphen (U+2011) in column 8'
    >>> odd_character(f"push:{chr(0xA0)}never").instead("in column 6")
    'write an ordinary blank instead of the no-break space (U+00A0) in column 6'
    >>> odd_character(f"never{chr(0xA0)}").instead("in column 6")
    'remove the no-break space (U+00A0) in column 6'
    """
    if word.isascii():
        return None
    from unicodedata import category

    word = _VARIABLE.sub(lambda found: "x" * len(found.group()), word)
    if " " in word:
        return None
    is_ours = all(each.isascii() or each in _LETTERS for each in word if each.isalpha())
    for at, each in enumerate(word):
        if each in _SIGNS or (is_ours and each in _LETTERS):
            return Odd(at, each, {**_SIGNS, **_LETTERS}[each])
        kind = "" if each.isascii() else category(each)
        if kind == "Zs":
            return Odd(at, each, " " if word[at - 1 : at] in _MARKS else "")
        if kind == "Cf" or each in _UNSEEN:
            return Odd(at, each, "")
    return None
