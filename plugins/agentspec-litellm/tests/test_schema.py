"""Schemas in the dialect of strict providers."""

from __future__ import annotations

import pytest

from agentspec_litellm.schema import response_format

TEXT = {"type": "string"}


def named(schema: dict[str, object]) -> tuple[object, bool]:
    sent = response_format(schema).sent["json_schema"]
    return sent["schema"], sent["strict"]


def test_optional_properties_become_required_and_may_be_null() -> None:
    schema = {
        "type": "object",
        "title": "Mail",
        "properties": {
            "subject": {"type": "string", "minLength": 1, "format": "uri"},
            "due": {"type": "string", "format": "date", "default": "x"},
            "parts": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "kind": {"enum": ["a", None]},
        },
        "required": ["subject", "parts"],
    }
    part = {
        "type": "object",
        "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    expected = {
        "type": "object",
        "properties": {
            "subject": TEXT,
            "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "parts": {"type": "array", "items": part},
            "kind": {"enum": ["a", None]},
        },
        "required": ["subject", "due", "parts", "kind"],
        "additionalProperties": False,
    }
    assert named(schema) == (expected, True)


def test_definitions_stay_definitions() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}, "required": ["next"]}
    schema = {
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/N"}},
        "required": ["n"],
        "$defs": {"N": node},
    }
    sent, strict = named(schema)
    assert strict
    assert sent["$defs"]["N"]["additionalProperties"] is False  # type: ignore[index]


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": TEXT},
        {"type": "array"},
        {"oneOf": [TEXT]},
        {"type": "array", "prefixItems": [TEXT]},
    ],
)
def test_what_strict_mode_cannot_say_is_sent_as_it_is(part: dict[str, object]) -> None:
    schema = {"type": "object", "properties": {"a": part}, "required": ["a"]}
    assert named(schema) == (schema, False)


def test_a_value_that_is_no_object_travels_in_an_envelope() -> None:
    found = response_format({"type": "array", "items": {"$ref": "#/$defs/T"}, "$defs": {"T": TEXT}})
    assert found.sent["json_schema"]["schema"] == {
        "type": "object",
        "properties": {"value": {"type": "array", "items": {"$ref": "#/$defs/T"}}},
        "required": ["value"],
        "additionalProperties": False,
        "$defs": {"T": TEXT},
    }
    assert found.unwrap('{"value": ["ä"]}') == '["ä"]'
    assert found.unwrap('{"value": 1, "more": 2}') == '{"value": 1, "more": 2}'
    assert found.unwrap("{oops") == "{oops"
    assert response_format({"type": "object", "properties": {}}).unwrap('{"value": 1}') == '{"value": 1}'
