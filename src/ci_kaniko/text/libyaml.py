"""Imports only what of PyYAML the parser of libyaml needs; see ``ci_kaniko.text.pyyaml``.

The package itself imports a parser in Python first, which takes most of its time.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType, SimpleNamespace

from ci_kaniko.quick.hints import Any
from ci_kaniko.text.patterns import import_at_ease

_NEEDED = ("error", "events", "nodes", "reader", "tokens")
_LEFT_OUT = {
    "composer": "ComposerError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "parser": "ParserError",
    "representer": "RepresenterError",
    "scanner": "ScannerError",
    "serializer": "SerializerError",
}
"""Modules, and the exception that libyaml wants to know of each."""
_WRITING = {"emitter", "representer", "serializer"}


class _Package(ModuleType):
    """The package ``yaml``, which runs when something is asked for that it has not got."""

    def __getattr__(self, name: str) -> Any:
        loader = self.__spec__ and self.__spec__.loader
        if name.startswith("__") or not loader:
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        loader.exec_module(self)
        for module, error in _LEFT_OUT.items():
            setattr(sys.modules["yaml._yaml"], error, getattr(getattr(self, module), error))
        return getattr(self, name)


def import_little() -> None:
    """Import libyaml and what it needs; all the rest comes when somebody asks for it."""
    spec = find_spec("yaml")
    if spec is None or "yaml" in sys.modules:
        return
    package = sys.modules["yaml"] = module_from_spec(spec)
    for name in _NEEDED:
        import_at_ease(f"yaml.{name}")
    error = package.error
    for name, exception in _LEFT_OUT.items():
        base = error.YAMLError if name in _WRITING else error.MarkedYAMLError
        setattr(package, name, SimpleNamespace(**{exception: type(exception, (base,), {})}))
    try:
        import_module("yaml._yaml")
    except (ImportError, AttributeError):
        for name in [*sys.modules]:
            if name.partition(".")[0] == "yaml":
                del sys.modules[name]
    else:
        for name in _LEFT_OUT:
            delattr(package, name)
        package.__class__ = _Package
