"""How a secret is created in Agola."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def agola_variable(name: str) -> Iterator[str]:
    yield f"agola projectvariable create --project PROJECT --name {name} -f - <<'END'"
    yield f"- secret_name: {name}"
    yield f"  secret_var: {name}"
    yield "END"
