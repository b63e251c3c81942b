"""Which of the two readers the models of this process are for.

Programs get models of pydantic. The command line does without pydantic, whose import alone takes
longer than a command, until something needs it.
"""

from __future__ import annotations

import os
import sys

FORCED = "CI_KANIKO_READER"
"""A variable of the environment that chooses for every program: ``pydantic`` or ``small``."""
_PACKAGE = __name__.partition(".")[0]
_wish = {"": "pydantic"}


class NeedsPydantic(Exception):
    """What was asked for is more than the small reader can do."""


def prefer_small() -> None:
    """Do without pydantic from now on; what is imported already stays."""
    _wish[""] = "small"


def is_small() -> bool:
    """Whether models are for the small reader."""
    return os.environ.get(FORCED, _wish[""]) == "small"


def need_pydantic() -> None:
    """Raise NeedsPydantic where models have been made for the small reader."""
    declaring = sys.modules.get(f"{_PACKAGE}.quick.declaring")
    if declaring and declaring.BaseModel.__module__ == f"{_PACKAGE}.quick.models":
        raise NeedsPydantic


def forget_small() -> None:
    """Import all of ci-kaniko anew, with models of pydantic, when it is asked for again."""
    _wish[""] = "pydantic"
    for name in [*sys.modules]:
        if name.partition(".")[0] == _PACKAGE and name != __name__:
            del sys.modules[name]
