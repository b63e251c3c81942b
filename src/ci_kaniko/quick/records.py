"""What records are declared with: Python's own, or what is like it and made in no time.

The module ``dataclasses`` takes a tenth of a command to import, and dozens of named tuples as much
to be made, since Python compiles a function for each.
"""

from __future__ import annotations

from ci_kaniko.quick.choice import is_small

TYPE_CHECKING = False
if TYPE_CHECKING or not is_small():
    from dataclasses import dataclass, field, replace
    from typing import NamedTuple
else:
    from ci_kaniko.quick.plain import NamedTuple, dataclass, field, replace

__all__ = ["NamedTuple", "dataclass", "field", "replace"]
