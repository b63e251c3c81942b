"""What the models of a spec are declared with: pydantic, or what is like it and small."""

from __future__ import annotations

from ci_kaniko.quick.choice import is_small

TYPE_CHECKING = False
if TYPE_CHECKING or not is_small():
    from pydantic import (
        BaseModel,
        ConfigDict,
        Field,
        PrivateAttr,
        ValidationError,
        model_serializer,
        model_validator,
    )
    from pydantic.fields import FieldInfo
else:
    from ci_kaniko.quick.models import (
        BaseModel,
        ConfigDict,
        Field,
        FieldInfo,
        PrivateAttr,
        ValidationError,
        model_serializer,
        model_validator,
    )

__all__ = [
    "BaseModel",
    "ConfigDict",
    "Field",
    "FieldInfo",
    "PrivateAttr",
    "ValidationError",
    "model_serializer",
    "model_validator",
]
