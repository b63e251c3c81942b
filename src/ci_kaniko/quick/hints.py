"""What types are written with: ``typing``, or a small stand-in where importing it costs too much.

The import takes a twentieth of a command, and more where nothing is compiled.
"""

from __future__ import annotations

from ci_kaniko.quick.choice import is_small

TYPE_CHECKING = False
if TYPE_CHECKING or not is_small():
    from typing import (
        Annotated,
        Any,
        ClassVar,
        Literal,
        NoReturn,
        Protocol,
        TypeVar,
        cast,
        get_args,
        get_origin,
    )
else:
    from ci_kaniko.quick.hinting import (
        Annotated,
        Any,
        ClassVar,
        Literal,
        NoReturn,
        Protocol,
        TypeVar,
        cast,
        get_args,
        get_origin,
    )

__all__ = [
    "TYPE_CHECKING",
    "Annotated",
    "Any",
    "ClassVar",
    "Literal",
    "NoReturn",
    "Protocol",
    "TypeVar",
    "cast",
    "get_args",
    "get_origin",
]
