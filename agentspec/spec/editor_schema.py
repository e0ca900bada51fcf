"""The JSON Schema of specs: what editors check and complete. Made from the same shapes as the parser's."""

from __future__ import annotations

from typing import Any

from agentspec.spec.shapes import COMPOSITES, CONTROLLERS, CaseShape, LmShape, Shape, SpecShape, ToolShape

_EXPRESSION: dict[str, Any] = {
    "type": ["string", "boolean", "number"],
    "description": "an expression, bare or in ${{ }}",
}
_DURATION: dict[str, Any] = {"type": "string", "pattern": "^(\\d+h)?(\\d+m)?(\\d+(\\.\\d+)?s)?(\\d+ms)?$"}
_TYPE: dict[str, Any] = {"type": ["string", "object", "array"], "description": "a type, in shorthand or as JSON Schema"}
_NODES: dict[str, Any] = {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/node"}}
_BLOCK: dict[str, Any] = {"$ref": "#/$defs/block"}
_BINDING: dict[str, Any] = {
    "oneOf": [
        {"type": "string"},
        {"type": "object", "required": ["use"], "properties": {"use": {"type": "string"}}},
        *({"type": "object", "required": [word]} for word in sorted(COMPOSITES)),
    ]
}
_BY_NAME: dict[str, dict[str, Any]] = {
    "nodes": _NODES,
    "output": _TYPE,
    "result": {},
    "when": _EXPRESSION,
    "on": _EXPRESSION,
    "until": _EXPRESSION,
    "while": _EXPRESSION,
    "over": _EXPRESSION,
    "timeout": _DURATION,
    "wall": _DURATION,
    "default": _BLOCK,
    "cases": {
        "oneOf": [
            {"type": "object", "additionalProperties": _BLOCK},
            {"type": "array", "items": {"type": "object", "required": ["when"]}},
        ]
    },
}


def spec_schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12, self-contained."""
    definitions: dict[str, Any] = {}
    top = _shape(SpecShape, definitions)
    for word in ("inputs", "types"):
        top["properties"][word] = {"type": "object", "additionalProperties": _TYPE}
    for word in ("models", "tools"):
        top["properties"][word] = {"type": "object", "additionalProperties": _BINDING}
    kinds = [_shape(LmShape, definitions), _shape(ToolShape, definitions)]
    controllers = [_shape(shape, definitions) for shape in CONTROLLERS.values()]
    definitions["node"] = {
        "type": "object",
        "allOf": [
            {"if": {"required": ["lm"]}, "then": kinds[0]},
            {"if": {"required": ["tool"]}, "then": kinds[1]},
            *(
                {"if": {"properties": {"controller": {"const": word}}, "required": ["controller"]}, "then": shape}
                for word, shape in zip(CONTROLLERS, controllers, strict=True)
            ),
        ],
        "properties": {"lm": {"type": "string"}, "tool": {"type": "string"}, "controller": {"enum": list(CONTROLLERS)}},
        "anyOf": [{"required": ["lm"]}, {"required": ["tool"]}, {"required": ["controller"]}],
    }
    block = _shape(CaseShape, definitions)
    definitions["block"] = {
        "if": {"anyOf": [{"required": ["nodes"]}, {"required": ["result"]}]},
        "then": block,
        "else": {"$ref": "#/$defs/node"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "agentspec, language version 1",
        **top,
        "$defs": definitions,
    }


def _shape(shape: type[Shape], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = shape.model_json_schema(mode="validation", by_alias=True)
    for name, part in schema.pop("$defs", {}).items():
        definitions[name] = _fixed(part)
    return _fixed(schema)


def _fixed(schema: dict[str, Any]) -> dict[str, Any]:
    """Put what pydantic cannot know in place of what it says of fields with a meaning of their own."""
    properties = {name: _BY_NAME.get(name, part) for name, part in schema.get("properties", {}).items()}
    if "retry" in properties:
        properties["retry"] = {"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/Retry"}]}
    if "wait" in properties:
        properties["wait"] = _DURATION
    return {**schema, "properties": properties}
