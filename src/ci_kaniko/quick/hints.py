"""What hints about types are made of: Python's own, or as much of it as a command looks at.

The module ``typing`` takes a twentieth of a command to import, and more where nothing is compiled.
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
