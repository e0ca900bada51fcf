"""Whether values of one type can stand where another is wanted, and what is said when not."""

from __future__ import annotations

import pytest

from agentspec.plan.fits import misfit, name, null_misfit
from agentspec.spec.types.shorthand import parse_type

MESSAGE = {"sender": "string", "sent": "date | null"}


@pytest.mark.parametrize(
    ("given", "wanted", "reason"),
    [
        ("string", "string", None),
        ("integer", "number", None),
        ("number", "integer", "it is a number"),
        ("date", "string", None),
        ("string", "date", None),
        ("date", "datetime", "it is a date"),
        ("a | b", "a | b | c", None),
        ("a | d", "a | b | c", "it may be `d`"),
        ("string", "a | b", None),
        ("any", "integer", None),
        ("integer", "any", None),
        ({"const": "2024-01-01"}, "date", None),
        ({"const": "tomorrow"}, "date", "it is `tomorrow`"),
        ({"const": 3}, {"type": "integer", "maximum": 2}, "it is `3`"),
        ({"enum": ["x", 3]}, "string", "it is `3`"),
        ({"type": "integer", "minimum": 5}, {"type": "integer", "maximum": 4}, "it has minimum 5, wanted maximum 4"),
        ({"type": "integer", "minimum": 3}, {"type": "integer", "maximum": 4}, None),
        ({"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}, "it has maxLength 2"),
        ({"type": "string", "maxLength": 2}, {"type": "string", "pattern": "^a"}, None),
        (["string"], ["string"], None),
        (["integer"], ["string"], "`[]` is an integer, wanted a string"),
        ({"type": "array", "maxItems": 0}, ["string"], None),
        ({"a": "string"}, {"a": "string"}, None),
        ({"a": "string"}, {"a": "string", "b": "integer | null"}, None),
        ({"a": "string"}, {"a": "string", "b": "integer"}, "it has no `b`"),
        ({"a": "string", "b": "integer"}, {"a": "string"}, "it has `b`, which is not wanted there"),
        ({"a": "string", "b": "integer | null"}, {"a": "string"}, None),
        ({"type": "object"}, {"a": "string"}, None),
        ({"messages": [MESSAGE | {"sender": "integer"}]}, {"messages": [MESSAGE]}, "`messages[].sender` is an integer"),
        ({"messages": [{"sent": "date"}]}, {"messages": [MESSAGE]}, "`messages[]` has no `sender`"),
        ({"a": {"b": "x | y"}}, {"a": {"b": "x | z"}}, "`a.b` may be `y`"),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, "string", "it is a list"),
        ("integer", {"anyOf": [{"type": "string"}, {"type": "array"}]}, "it is an integer"),
        ({"a": "string"}, {"anyOf": [{"type": "string"}, parse_type({"a": "integer"}, {})]}, "`a` is a string, wanted"),
        ({"const": {"a": 1}}, {"a": "string"}, "`a` is `1`, wanted a string"),
    ],
)
def test_a_misfit_names_the_innermost_place_and_both_types(given, wanted, reason) -> None:
    found = misfit(parse_type(given, {}), parse_type(wanted, {}))
    assert found is None if reason is None else str(found).startswith(reason)


@pytest.mark.parametrize(
    ("given", "wanted", "place"),
    [
        ("date | null", "date", ""),
        ("date | null", "date | null", None),
        ("any", "date", None),
        ("date | null", "any", None),
        ({"a": "date | null"}, {"a": "date"}, "a"),
        ([{"a": {"b": "date | null"}}], [{"a": {"b": "date"}}], "[].a.b"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "string"}, "a"),
        ({"a": "date | null"}, {"b": "date | null"}, None),
    ],
)
def test_null_and_absence_are_found_inside_too(given, wanted, place) -> None:
    assert null_misfit(parse_type(given, {}), parse_type(wanted, {})) == place


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a | b", "one of a, b"),
        (["string"], "a list"),
        ("date | null", "a date or null"),
        ({"const": True}, "`true`"),
        ({"const": None}, "`null`"),
        ({"type": ["string", "integer"]}, "a string or an integer"),
        ({"enum": [f"word{n}" for n in range(20)]}, "one of " + ", ".join(f"word{n}" for n in range(12)) + ", …"),
    ],
)
def test_types_have_short_names(given, wanted) -> None:
    assert name(parse_type(given, {})) == wanted


def test_a_result_that_does_not_fit_deep_inside_says_where(checked) -> None:
    text = """\
    nodes:
      a: {lm: m, prompt: x, output: Sorted}
    result: {all: [{kind: "${{ a.kind }}", score: "${{ a.kind }}"}]}
    output: {type: object, properties: {all: {type: array, items: {type: object, properties: {score: {type: number}}}}}}
    """
    [problem] = checked(text).diagnostics
    assert problem.message.endswith("`all[].score` is one of a, b, c, wanted a number")


def test_what_may_be_null_deep_inside_says_where(checked) -> None:
    text = """\
    nodes:
      a: {lm: m, prompt: x, output: Sorted}
    result: {due: "${{ a.due }}"}
    output: {due: date}
    """
    [problem] = checked(text).diagnostics
    assert (problem.code, problem.message) == ("AS310", "`due` of `result` may be null here")


def test_the_cases_of_a_switch_are_told_apart_by_what_they_give(problems) -> None:
    text = """\
    nodes:
      sort: {lm: m, prompt: x, output: Sorted}
      act:
        controller: switch
        on: sort.kind
        cases:
          a: {result: {done: yes, price: 3}}
          b: {result: {done: no}}
        default: {result: {done: no}}
      good: {lm: m, prompt: "${{ act.price if act.done == 'yes' else 0 }}"}
      safe: {lm: m, prompt: "${{ act.price | default(0) }}"}
      bad: {lm: m, prompt: "${{ act.price }}"}
    result: ${{ good ~ safe ~ bad }}
    """
    assert problems(text) == [("AS310", "price")]
