"""The values of a tree of nodes, as the model reads them."""

from __future__ import annotations

from ci_kaniko.quick.hints import Any
from ci_kaniko.source.nodes import Mapping, Node, Scalar, Sequence
from ci_kaniko.syntax.scalars import NULLS, Plain


def to_python(root: Node) -> Any:
    """The values of a node tree; unquoted scalars are Plain, empty and null ones None."""
    # The depth is at most 64: source.reading refuses more.
    if isinstance(root, Scalar):
        if not root.plain:
            return root.text
        return None if root.text in NULLS else Plain(root.text)
    if isinstance(root, Sequence):
        return [to_python(item) for item in root.items]
    assert isinstance(root, Mapping)
    return {key.text: to_python(item) for key, item in root.items}
