"""What of PyYAML reads: by the parser of libyaml, where there is one.

A command imports little more than that parser, which leaves out two thirds of the package.
"""

from __future__ import annotations

from functools import cache

from ci_kaniko.quick.choice import is_small
from ci_kaniko.quick.hints import Any
from ci_kaniko.text.patterns import import_at_ease

if is_small():
    from ci_kaniko.text.libyaml import import_little

    import_little()

from yaml import events
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.nodes import ScalarNode
from yaml.reader import ReaderError

try:
    from yaml._yaml import CParser

    Parser: Any = CParser
except ImportError:
    from yaml import SafeLoader

    Parser = SafeLoader

__all__ = [
    "Mark",
    "MarkedYAMLError",
    "Parser",
    "ReaderError",
    "ScalarNode",
    "YAMLError",
    "events",
    "loader",
]


@cache
def loader() -> Any:
    """What makes values of a text, as YAML 1.1 has them."""
    if hasattr(Parser, "construct_object"):
        return Parser
    if is_small():
        import_at_ease("yaml.constructor")
        import_at_ease("yaml.resolver")
    from yaml.constructor import SafeConstructor
    from yaml.resolver import Resolver

    class Loader(Parser, SafeConstructor, Resolver):  # type: ignore[misc]
        def __init__(self, text: str) -> None:
            Parser.__init__(self, text)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    return Loader
