"""What the build has made: see ``hatch_build.py``.

It is a package of its own, since an editable installation can put nothing into ``ci_kaniko``. Each
module says what it was made of; what was edited since then is worked out anew.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "ci_kaniko_built"


def built(name: str, made_of: object) -> "dict[str, Any] | None":
    """What a module of the package holds; None when it is not there, or of something else."""
    module = f"{PACKAGE}.{name}"
    try:
        __import__(module)
    except ImportError:
        return None
    found = vars(sys.modules[module])
    return found if found.get("made_of") == made_of else None
