"""Modules that are not imported before something in them is used."""

from __future__ import annotations

import sys
from types import ModuleType

DISTRIBUTIONS = "importlib.metadata"


class Postponed(ModuleType):
    """A module that is imported when something in it is used.

    Pydantic takes a function from it to look for plugins, and with it come the packages for mails
    and archives: a twentieth of a command.
    """

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "entry_points":
            return lambda **wanted: self._module().entry_points(**wanted)
        return getattr(self._module(), name)

    def _module(self) -> ModuleType:
        from importlib import import_module

        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)
