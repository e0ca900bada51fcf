"""Values against JSON Schema, in words for a person."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from agentspec.api.errors import InvalidValue
from agentspec.api.messages import Json, Schema


def problems_of(value: Json, schema: Schema) -> list[str]:
    """Say where and how a value does not fit; an empty list when it does."""
    validator = _validator(json.dumps(schema))
    if validator.is_valid(value):
        return []
    return [_words(error) for error in validator.iter_errors(value)]


def plain(value: Any, what: str) -> Json:
    """A copy of a value that Python code made, as plain JSON data. Raises `InvalidValue` when it is none."""
    try:
        return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"{what} is no JSON: {error}") from error


@lru_cache(maxsize=512)
def _validator(schema: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(schema), validate_formats=True)


def _words(error: Any) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    text = str(error.message)
    if len(text) > 300:
        text = text[:297] + "…"
    return f"{place.lstrip('.')}: {text}" if place else text
