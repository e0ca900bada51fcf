"""Comparisons whose outcome is the same whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from agentspec.api.messages import Json, Schema
from agentspec.plan.typing.kinds import kind, not_null, options, values_of
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.operators import may_contain, may_equal
from agentspec.plan.typing.places import Places
from agentspec.plan.typing.problem import TypeProblem
from agentspec.spec.diagnostics import did_you_mean, suggest

Typed = tuple[nodes.Node, Schema]


def check_equal(left: Typed, right: Typed, places: Places) -> Iterator[TypeProblem]:
    """Report `==` and `!=` between values that are never equal; comparing with null is always allowed."""
    if _null(left) or _null(right) or may_equal(left[1], right[1]):
        return
    if isinstance(left[0], nodes.Const) and not isinstance(right[0], nodes.Const):
        left, right = right, left
    yield _never(left[1], right, places)


def check_in(item: Typed, holder: Typed, places: Places) -> Iterator[TypeProblem]:
    """Report `in` where nothing can be found, and each word of a written list that the value never is."""
    outcome = may_contain(item[1], not_null(holder[1]))
    if outcome is None:
        message = f"`in` cannot look for {type_name(item[1])} in {type_name(not_null(holder[1]))}"
        yield TypeProblem("AS314", message, *places.of(holder[0]))
    elif isinstance(holder[0], (nodes.List, nodes.Tuple)):
        for one in holder[0].items:
            if isinstance(one, nodes.Const) and not _null((one, {})) and not may_equal(item[1], {"const": one.value}):
                yield _never(item[1], (one, {"const": one.value}), places)
    elif outcome is False:
        node = item if isinstance(item[0], nodes.Const) else holder
        message = f"{type_name(item[1])} is never in {_described(not_null(holder[1]))}"
        yield TypeProblem("AS312", message, *_place(node[0], places))


def _described(schema: Schema) -> str:
    if kind(schema) == "array":
        return f"a list of which each item is {type_name(schema.get('items', {}))}"
    return type_name(schema)


def _never(left: Schema, right: Typed, places: Places) -> TypeProblem:
    """The problem of a value that the left side never has."""
    node, schema = right
    words = [word for option in options(left) for word in values_of(option) or () if isinstance(word, str)]
    wrong = node.value if isinstance(node, nodes.Const) else None
    if isinstance(wrong, str) and words:
        close = suggest(wrong, words)
        message = f"`{wrong}` is none of {_joined(words)}"
        exact = places.inside(node, wrong) is not None
        return TypeProblem("AS312", message, *_place(node, places), did_you_mean(close), close if exact else None)
    message = f"{type_name(not_null(left))} is never equal to {_shown(node, schema)}"
    return TypeProblem("AS312", message, *_place(node, places))


def _shown(node: nodes.Node, schema: Schema) -> str:
    if isinstance(node, nodes.Const):
        kinds = {str: "the text", bool: "", int: "the number", float: "the number"}
        return f"{kinds[type(node.value)]} {type_name(schema)}".strip()
    return type_name(not_null(schema))


def _joined(words: list[Json]) -> str:
    shown = ", ".join(str(word) for word in words[:12])
    return shown if len(words) <= 12 else f"{shown}, …"


def _place(node: nodes.Node, places: Places) -> tuple[int, int]:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return places.inside(node, node.value) or places.of(node)
    return places.of(node)


def _null(side: Typed) -> bool:
    return isinstance(side[0], nodes.Const) and side[0].value is None
