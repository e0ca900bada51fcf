"""Whatever the schema asks for, noise held to its grammar fits it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import jsonschema_rs
import pytest
from asking import ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api.backend import Backend
from agentspec_pocket.grammar import from_schema

LETTERS = st.one_of(st.characters(max_codepoint=0x7FF), st.characters(min_codepoint=0x1000, max_codepoint=0x2FFF))
"""Characters that the random model can spell, see `tiny_gguf`."""

NAMES = st.text(LETTERS, max_size=6)
WORDS = st.one_of(NAMES, st.integers(-(10**6), 10**6), st.booleans(), st.none(), st.sampled_from([0.5, -1.25, 1e-9]))


def between(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: (min(pair), max(pair)))


def scalars() -> st.SearchStrategy[dict[str, Any]]:
    lengths = between(0, 12).map(lambda p: {"type": "string", "minLength": p[0], "maxLength": p[1]})
    wholes = between(-3000, 3000).map(lambda p: {"type": "integer", "minimum": p[0], "maximum": p[1]})
    exclusive = between(-30, 30).map(
        lambda p: {"type": "integer", "exclusiveMinimum": p[0], "exclusiveMaximum": p[1] + 2}
    )
    decimals = between(-300, 300).map(lambda p: {"type": "number", "minimum": p[0], "maximum": p[1]})
    formats = st.sampled_from(["date", "time", "date-time"]).map(lambda name: {"type": "string", "format": name})
    plain = st.sampled_from(["integer", "number", "boolean", "null"]).map(lambda name: {"type": name})
    listed = st.lists(WORDS, min_size=1, max_size=4).map(lambda words: {"enum": words})
    open_low = st.integers(-2000, 2000).map(lambda n: {"type": "integer", "minimum": n})
    open_high = st.integers(-2000, 2000).map(lambda n: {"type": "number", "maximum": n})
    constant = WORDS.map(lambda word: {"const": word})
    mixed = st.just({"type": ["integer", "null", "boolean"]})
    return st.one_of(lengths, wholes, exclusive, decimals, formats, plain, listed, open_low, open_high, constant, mixed)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def objects(draw: st.DrawFn) -> dict[str, Any]:
        properties = draw(st.dictionaries(NAMES, inner, max_size=4))
        required = [name for name in properties if draw(st.booleans())]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    lists = st.tuples(inner, between(0, 4)).map(
        lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1][0], "maxItems": pair[1][1]}
    )
    fixed = st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"type": "array", "prefixItems": parts})
    options = st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})
    empty = {"type": "object", "maxProperties": 0}
    maybe = inner.map(lambda part: {"oneOf": [empty, {"type": "array", "items": part, "maxItems": 2}]})
    return st.one_of(objects(), lists, fixed, options, maybe)


SCHEMAS = st.recursive(scalars(), nested, max_leaves=6)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(schema=SCHEMAS, temperature=st.sampled_from([0.0, 1.0, 2.0]), seed=st.integers(0, 10**6))
def test_every_answer_of_noise_fits_its_schema(
    noise: Backend, schema: dict[str, Any], temperature: float, seed: int
) -> None:
    reply = ask(noise, output=schema, temperature=temperature, seed=seed)
    assert reply.enforced == "constrained"
    assert reply.finish == "stop"
    value = json.loads(reply.text)
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(value)
    assert_compact(reply.text)


def assert_compact(text: str) -> None:
    """No blanks outside strings, and numbers as the model wrote them."""
    outside = "".join(text.split('"')[::2]) if "\\" not in text else ""
    assert not any(blank in outside for blank in " \t\r\n")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 10**6))
def test_dates_are_days_of_the_calendar(noise: Backend, seed: int) -> None:
    text = json.loads(ask(noise, output={"type": "string", "format": "date"}, temperature=2, seed=seed).text)
    assert datetime.date.fromisoformat(text).isoformat() == text


def test_keys_come_in_the_declared_order(noise: Backend) -> None:
    names = ["zebra", "apple", "mango", "b", "a"]
    schema = {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in names},
        "required": names,
    }
    assert list(json.loads(ask(noise, output=schema).text)) == names


def test_names_and_words_with_special_characters_survive(noise: Backend) -> None:
    name = 'q"uo\\te\n[x]\t{y} ü€ \x7f'
    schema = {"type": "object", "properties": {name: {"const": name}}, "required": [name]}
    assert json.loads(ask(noise, output=schema).text) == {name: name}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "array"},
        {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        {"type": "string", "maxLength": 100_000},
        {"type": "string", "minLength": 5, "maxLength": 1},
        {"type": "integer", "minimum": 7, "maximum": 3},
        {"type": "integer", "multipleOf": 7},
        {"type": "number", "minimum": 0.2, "maximum": 0.8},
        {"type": "number", "minimum": -(10**40)},
        {"type": "array", "items": {"type": "null"}, "minItems": 3000, "maxItems": 9000},
        {"not": {"type": "string"}},
        {"if": {"type": "string"}, "then": {"minLength": 3}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/a"}}}}},
        {"$ref": "elsewhere.json"},
        {"type": "object", "patternProperties": {"^x": {"type": "integer"}}},
        {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "minProperties": 1,
            "maxProperties": 2,
        },
        {"type": "object", "required": ["undeclared"]},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"const": 1}}},
                {"properties": {"b": {"const": 2}}},
            ]
        },
        {"enum": []},
        {"type": "string", "enum": [1, 2]},
        {"type": "what"},
        {"type": ["string", "object"], "x-quote": True},
        {"type": "object", "properties": {f"p{n}": {"type": "string", "maxLength": 400} for n in range(120)}},
        {"enum": [f"word number {n} " * 20 for n in range(3000)]},
    ],
    ids=lambda schema: json.dumps(schema)[:60],
)
def test_what_has_no_grammar_makes_it_looser_and_never_fails(noise: Backend, schema: dict[str, Any]) -> None:
    reply = ask(noise, output=schema, max_tokens=300, temperature=1, seed=5)
    assert reply.enforced == "constrained"
    if reply.finish == "stop":
        json.loads(reply.text)


def test_depth_is_bounded() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert len(from_schema(schema)) < 20_000


def test_a_schema_is_translated_once() -> None:
    schema = {"type": "object", "properties": {"once": {"type": "integer"}}}
    assert from_schema(schema) is from_schema(json.loads(json.dumps(schema)))
