"""The JSON Schema of halbd.yaml, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from halbd.parse.models import File


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, with titles, descriptions and defaults.

    It knows single values only; what one value says about another is told by `halbctl validate`.
    """
    return {"$schema": GenerateJsonSchema.schema_dialect, **File.model_json_schema(), "title": "halbd.yaml"}
