"""YAML before its tags mean anything."""

from __future__ import annotations

from typing import Any

import yaml


def plain(node: yaml.Node | None) -> Any:
    """A node as texts, lists and mappings."""
    if isinstance(node, yaml.MappingNode):
        return {str(plain(key)): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    return node.value if node else None
