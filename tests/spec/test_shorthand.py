"""Types: the shorthand, JSON Schema, names, and their way back to text."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.spec.types.shorthand import TypeProblem, parse_type, parse_types, show_type

MAIL = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"], "additionalProperties": False}
NAMES = {"Mail": MAIL, "Level": {"type": "string", "enum": ["low", "high"]}}


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ("string", {"type": "string"}),
        ("integer", {"type": "integer"}),
        ("number", {"type": "number"}),
        ("boolean", {"type": "boolean"}),
        ("date", {"type": "string", "format": "date"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("path", {"type": "string", "format": "path"}),
        ("any", {}),
        ("null", {"type": "null"}),
        (None, {"type": "null"}),
        (["string"], {"type": "array", "items": {"type": "string"}}),
        ("[string]", {"type": "array", "items": {"type": "string"}}),
        ([["Mail"]], {"type": "array", "items": {"type": "array", "items": MAIL}}),
        ("[Mail | null]", {"type": "array", "items": {"anyOf": [MAIL, {"type": "null"}]}}),
        ("[string] | null", {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}),
        ("date | null", {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
        ("null | date", {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
        ("any | null", {}),
        ("low | high", {"type": "string", "enum": ["low", "high"]}),
        ("in progress | done-ish", {"type": "string", "enum": ["in progress", "done-ish"]}),
        ("low | high | null", {"anyOf": [{"type": "string", "enum": ["low", "high"]}, {"type": "null"}]}),
        ("Mail", MAIL),
        ("quote", {"type": "string", "x-quote": True}),
        ("quote from message.body", {"type": "string", "x-quote": "message.body"}),
        ("quote from body | null", {"anyOf": [{"type": "string", "x-quote": "body"}, {"type": "null"}]}),
        ("date from message.body", {"type": "string", "format": "date", "x-from": "message.body"}),
        ("number from x", {"type": "number", "x-from": "x"}),
        ("datetime from a[0].b", {"type": "string", "format": "date-time", "x-from": "a[0].b"}),
        ("[integer from x]", {"type": "array", "items": {"type": "integer", "x-from": "x"}}),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 1}),
        ({"enum": [1, 2]}, {"enum": [1, 2]}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        (
            {"type": "string", "default": "a@b", "description": "Whose mailbox this is."},
            {"type": "string", "default": "a@b", "description": "Whose mailbox this is."},
        ),
        (
            {"type": "path", "description": "Where the mailbox is."},
            {"type": "string", "format": "path", "description": "Where the mailbox is."},
        ),
        (
            {"$defs": {"A": {"type": "string"}}, "type": "array", "items": {"$ref": "#/$defs/A"}},
            {"type": "array", "items": {"type": "string"}},
        ),
    ],
)
def test_what_is_written_and_what_it_means(written: Any, schema: dict[str, Any]) -> None:
    assert parse_type(written, NAMES) == schema


def test_objects_are_closed_and_nullable_fields_may_be_absent() -> None:
    schema = parse_type({"a": "string", "b": "integer | null", "c": "any", "d": {"e": ["Mail"]}}, NAMES)
    assert schema["required"] == ["a", "c", "d"]
    assert schema["additionalProperties"] is False
    check = jsonschema_rs.validator_for(schema)
    assert check.is_valid({"a": "x", "c": 1, "d": {"e": [{"id": "1"}]}})
    assert check.is_valid({"a": "x", "b": None, "c": 1, "d": {"e": []}})
    assert not check.is_valid({"a": "x", "c": 1, "d": {"e": []}, "more": 1})


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        ({"type": "urgent | meeting", "id": "string"}, {"type", "id"}),
        ({"type": "Mail"}, {"type"}),
        ({"enum": "string"}, {"enum"}),
        ({"items": "[string]", "const": "string"}, {"items", "const"}),
        ({"type": "date", "description": "string"}, {"type", "description"}),
    ],
)
def test_an_object_whose_fields_are_called_like_keywords(written: Any, fields: set[str]) -> None:
    assert set(parse_type(written, NAMES)["properties"]) == fields


@pytest.mark.parametrize(
    ("written", "code", "where", "start", "end", "suggestion"),
    [
        ("strng", "AS303", (), 0, 5, "string"),
        ("str", "AS303", (), 0, 3, "string"),
        ("bool", "AS303", (), 0, 4, "boolean"),
        ("float | null", "AS303", (), 0, 5, "number"),
        ("mail", "AS303", (), 0, 4, "Mail"),
        ("urgent", "AS303", (), 0, 6, None),
        ("[Mial]", "AS303", (), 1, 5, "Mail"),
        ({"a": {"b": ["itneger"]}}, "AS303", ("a", "b", 0), 0, 7, "integer"),
        ("string | integer", "AS203", (), 0, 6, None),
        ("low | Mail", "AS203", (), 6, 10, None),
        ("low | low", "AS203", (), 6, 9, None),
        ("1 | 2", "AS203", (), 0, 1, None),
        ("true | false", "AS203", (), 0, 4, None),
        ("string from x", "AS303", (), 0, 6, None),
        ("quote from a b", "AS203", (), 11, 14, None),
        ("numbr from a", "AS303", (), 0, 5, "number"),
        ({"type": "string", "x-quote": True}, "AS203", (), 0, 0, None),
        ({"a": {"type": "array", "items": {"type": "number", "x-from": "b"}}}, "AS203", ("a",), 0, 0, None),
        ("", "AS203", (), 0, 1, None),
        ("[string", "AS203", (), 0, 7, None),
        ("{a: string}", "AS203", (), 0, 11, None),
        ({"a": ["x", "y"]}, "AS203", ("a",), 0, 0, None),
        ({"a": []}, "AS203", ("a",), 0, 0, None),
        (3, "AS203", (), 0, 0, None),
        ({"a": True}, "AS203", ("a",), 0, 0, None),
        ({"type": "integer", "minimun": 1}, "AS203", ("minimun",), 0, 0, "minimum"),
        ({"type": "integer", "minimum": "x"}, "AS203", ("minimum",), 0, 0, None),
        ({"type": "string", "pattern": "("}, "AS203", ("pattern",), 0, 0, None),
        ({"$ref": "https://example.org/x"}, "AS203", ("$ref",), 0, 21, None),
        ({"type": "array", "items": {"$ref": "other.json"}}, "AS203", ("items", "$ref"), 0, 10, None),
        ({"type": "object", "$schema": "http://127.0.0.1:9/x"}, "AS203", ("$schema",), 0, 0, None),
    ],
)
def test_what_is_refused_and_where(
    written: Any, code: str, where: tuple[str | int, ...], start: int, end: int, suggestion: str | None
) -> None:
    with pytest.raises(TypeProblem) as caught:
        parse_type(written, NAMES)
    found = caught.value
    assert (found.code, found.where, found.start, found.end, found.suggestion) == (code, where, start, end, suggestion)


def test_types_refer_to_each_other_in_any_order() -> None:
    types, problems = parse_types({"Box": ["Mail"], "Mail": {"level": "Level | null"}, "Level": "low | high"})
    assert problems == []
    assert types["Box"] == {"type": "array", "items": types["Mail"]}
    assert "$ref" not in str(types)


def test_a_long_chain_of_types_is_no_problem_of_ours() -> None:
    types, problems = parse_types({f"T{n}": f"T{n + 1}" for n in range(3_000)} | {"T3000": "string"})
    assert problems == []
    assert types["T0"] == {"type": "string"}


def test_types_that_contain_themselves_are_refused_with_their_circle() -> None:
    types, problems = parse_types({"A": "[B]", "B": {"c": "C"}, "C": "A | null", "D": "string"})
    assert [problem.message for problem in problems] == ["types cannot contain themselves: `A` → `B` → `C` → `A`"]
    assert problems[0].where == ("A",)
    assert types["D"] == {"type": "string"}


def test_types_that_expand_without_end_are_refused() -> None:
    declared = {f"T{n}": {"a": f"T{n + 1}", "b": f"T{n + 1}"} for n in range(40)} | {"T40": "string"}
    types, problems = parse_types(declared)
    assert problems
    assert all(problem.code == "AS203" for problem in problems)
    assert len(str(types["T0"])) < 3_000_000


def test_every_broken_type_is_reported_once() -> None:
    types, problems = parse_types({"string": "any", "a b": "any", "Bad": {"x": "strng"}, "Good": ["Bad"]})
    assert [(problem.where, problem.code) for problem in problems] == [
        (("string",), "AS203"),
        (("a b",), "AS203"),
        (("Bad", "x"), "AS303"),
    ]
    assert set(types) == {"string", "a b", "Bad", "Good"}


@pytest.mark.parametrize(
    "written",
    [
        "string", "integer", "boolean", "date", "datetime", "path", "any", "null", "date | null", "low | high",
        "[string]", "[date | null]", "quote", "quote from message.body", "number from x", "low | high | null",
    ],
)  # fmt: skip
def test_types_are_shown_as_they_are_written(written: str) -> None:
    assert show_type(parse_type(written, {})) == written


def test_objects_are_shown_on_one_line_and_cut() -> None:
    assert show_type(parse_type({"id": "string", "due": "date | null"}, {})) == "{id: string, due: date | null}"
    assert show_type(parse_type(["Mail"], NAMES)) == "[{id: string}]"
    long = show_type(parse_type({f"field_{n}": "string" for n in range(50)}, {}))
    assert long.endswith(", …}")
    assert len(long) < 90


@pytest.mark.parametrize(
    "schema", [{"type": ["string", "null"]}, {"const": 3}, {"x": 1}, {"type": 3}, {"properties": {"a": True}}]
)
def test_any_schema_can_be_shown(schema: dict[str, Any]) -> None:
    assert show_type(schema)


type_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["string", "date | null", "a | b", "[string]", "quote from", "Mail", "[", "|", "type", "object"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "enum", "anyOf", "$ref", "$defs", "items", "default", "a"]) | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(type_like)
def test_any_value_is_a_schema_or_a_problem(value: Any) -> None:
    try:
        schema = parse_type(value, NAMES)
    except TypeProblem as problem:
        assert problem.code in ("AS203", "AS303")  # noqa: PT017 - a proper refusal is a good outcome
    else:
        jsonschema_rs.validator_for(dict(schema))
        assert show_type(schema)


@given(st.dictionaries(st.sampled_from("ABCDE"), type_like | st.sampled_from(["A", "[B]", "C | null", "D"])))
def test_any_mapping_of_types_gives_a_schema_for_each(declared: dict[str, Any]) -> None:
    types, _ = parse_types(declared)
    assert set(types) == set(declared)
