"""The JSON Schema and the reference page, both made from the model."""

from __future__ import annotations

import json
from typing import Any

from ci_kaniko.spec import Spec


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Spec.model_json_schema(),
        "title": "ci-kaniko",
    }


def schema_text() -> str:
    """The schema as the file that editors read."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
