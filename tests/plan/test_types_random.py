"""Types against what the evaluator does, for random types, data of these types, and expressions over them."""

from __future__ import annotations

from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json, Schema
from agentspec.api.validate import problems_of
from agentspec.plan.infer import infer
from agentspec.plan.scope import Scope
from agentspec.spec.expressions import Expression, check, compile_expression

from .random_expressions import Writer, schema, value

SEEDS = st.integers(0, 2**40).map(Random)
FAILED = object()


def parsed(text: str) -> Expression:
    expression, _ = check(text, bare=True)
    assume(expression is not None)
    assert expression is not None
    return expression


def evaluated(expression: Expression, data: dict[str, Json]) -> object:
    try:
        return compile_expression(expression)(data.__getitem__)
    except EvaluationFailed:
        return FAILED


@settings(max_examples=600, deadline=None)
@given(SEEDS)
def test_a_value_always_fits_the_type_of_its_expression(random: Random) -> None:
    types = {name: schema(random) for name in ("p", "q", "node")}
    expression = parsed(Writer(random, types).expression())
    scope = Scope(nodes={"node": types["node"]}, variables={"p": types["p"], "q": types["q"]}, skippable={"node"})
    inferred, found = infer(expression, scope)
    assert all(0 <= one.start < one.end <= len(expression.text) for one in found)
    firmly = any(one.path[0] == "node" and not one.guarded for one in expression.references)
    for _ in range(4):
        data = {name: value(random, of) for name, of in types.items()}
        if not firmly and random.random() < 0.4:
            data["node"] = None  # skipped: what reads it firmly would be skipped, too
        result = evaluated(expression, data)
        assert result is FAILED or not problems_of(result, inferred), (expression.text, data, inferred)


@settings(max_examples=400, deadline=None)
@given(SEEDS)
def test_what_works_whatever_the_data_are_is_no_error(random: Random) -> None:
    """Apart from what may be null, comparisons (below) and filters for texts that would take the JSON of a list."""
    types = {name: schema(random, plain=True) for name in ("p", "q", "r")}
    expression = parsed(Writer(random, types, straight=True).expression())
    _, found = infer(expression, Scope(variables=types))
    errors = [one for one in found if one.code not in ("AS310", "AS312") and "needs a text" not in one.message]
    results = [
        evaluated(expression, {name: value(random, of, full=True) for name, of in types.items()}) for _ in range(8)
    ]
    assert not errors or FAILED in results, (expression.text, errors)


@settings(max_examples=400, deadline=None)
@given(SEEDS)
def test_a_comparison_that_is_reported_never_holds(random: Random) -> None:
    types: dict[str, Schema] = {name: schema(random) for name in ("p", "q", "r")}
    writer, operator = Writer(random, types, straight=True), random.choice(["==", "!=", "in"])
    left, right = writer.of("any", 1), writer.leaf("list" if operator == "in" else "any")
    scope = Scope(variables=types)
    inside = {one.code for part in (left, right) for one in infer(parsed(part), scope)[1]}
    expression = parsed(f"{left} {operator} {right}")
    found = infer(expression, scope)[1]
    if right.startswith("[") or "AS312" in inside or "AS312" not in {one.code for one in found}:
        return
    for _ in range(6):
        result = evaluated(expression, {name: value(random, of) for name, of in types.items()})
        assert result in (FAILED, operator == "!="), (expression.text, found)
