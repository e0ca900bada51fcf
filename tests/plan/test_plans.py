"""Plans that models write, in numbers: what is found to be in order runs, and what is not would have gone wrong."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api.errors import EvaluationFailed
from agentspec.api.schema import closed_object
from agentspec.api.tool import Effect, Tool
from agentspec.api.validate import problems_of
from agentspec.plan.model import PlanBlock, PlanNode
from agentspec.plan.plan_check import plan_problems
from agentspec.plan.steps import field_steps, loose_plan_schema, plan_schema, steps_block
from agentspec.plan.work import Offer, ToolWork
from agentspec.spec.shapes import Retry
from agentspec.spec.source import Source, Span

INTEGER, STRING = {"type": "integer"}, {"type": "string"}
ROW = closed_object({"n": INTEGER, "words": {"type": "array", "items": STRING}})
MAYBE = {"anyOf": [{"type": "array", "items": STRING}, {"type": "null"}]}
RETURNS = {"number": INTEGER, "text": STRING, "row": ROW, "rows": {"type": "array", "items": ROW}}
VALUES = {
    "number": 3,
    "text": "three",
    "row": {"n": 1, "words": ["a", "b"]},
    "rows": [{"n": 1, "words": ["a"]}, {"n": 2, "words": ["b", "c"]}],
}
TAKES: dict[str, dict[str, Any]] = {
    "number": {},
    "text": {"n": INTEGER},
    "row": {"n": INTEGER, "words": {"type": "array", "items": STRING}},
    "rows": {"row": ROW, "maybe": MAYBE, "by": {"type": "object", "additionalProperties": INTEGER}, "texts": STRING},
}
MOST = 6


async def _never(arguments: Any, context: Any) -> Any:
    raise AssertionError("nobody calls it")


def offer(name: str) -> Offer:
    parameters = {**closed_object(TAKES[name]), "required": list(TAKES[name])[:1]}
    tool = Tool(name, "", parameters, RETURNS[name], Effect.READ, False, _never)
    work = ToolWork("tools", tool, lambda lookup: lookup("args"))
    source, span = Source("by hand", ""), Span(1, 1, 1, 1)
    node = PlanNode(0, name, "tool", work, (), (), None, Retry(times=0), None, "fail", None, source, span)
    block = PlanBlock(name, (node,), (0,), (0,), lambda lookup: None, {}, single=True)
    return Offer(f"t.{name}", f"t_{name}", "", parameters, RETURNS[name], block)


OFFERS = [offer(name) for name in RETURNS]
FIELDS = ["", "n", "words", "words[0]", "[0]", "[0].n", "[0].words", "[0].words[0]", "x", "n.x", "[0].x"]


WORDS = {"type": "array", "items": STRING}
PLACES: list[tuple[Any, list[tuple[str, str]]]] = [
    (INTEGER, [("number", ""), ("row", "n"), ("rows", "[0].n")]),
    (STRING, [("text", ""), ("row", "words[0]"), ("rows", "[0].words[0]")]),
    (WORDS, [("row", "words"), ("rows", "[0].words")]),
    (ROW, [("row", ""), ("rows", "[0]")]),
]


def fitting(draw: st.DrawFn, wanted: Any, earlier: dict[str, str]) -> Any:
    """A value of a type: a constant, or a reference to one of the earlier steps, whose tools are given."""
    if wanted == MAYBE:
        return None if draw(st.booleans()) else fitting(draw, WORDS, earlier)
    places = next((found for kind, found in PLACES if kind == wanted), [])
    ways = [(name, field) for name, tool in earlier.items() for of, field in places if of == tool]
    if ways and draw(st.booleans()):
        name, field = draw(st.sampled_from(ways))
        return {"from_step": name, **({"field": field} if field else {})}
    if wanted in (INTEGER, STRING):
        return 7 if wanted == INTEGER else "word"
    if wanted == WORDS:
        return [fitting(draw, STRING, earlier) for _ in range(draw(st.integers(0, 2)))]
    if wanted == ROW:
        return {"n": fitting(draw, INTEGER, earlier), "words": fitting(draw, WORDS, earlier)}
    return {"k": fitting(draw, INTEGER, earlier)}


@st.composite
def written(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A plan that is right, or right but for a mistake or two."""
    earlier: dict[str, str] = {}
    steps: list[dict[str, Any]] = []
    for at in range(draw(st.integers(1, MOST))):
        tool = draw(st.sampled_from([*RETURNS]))
        wanted = TAKES[tool]
        keys = [key for place, key in enumerate(wanted) if place == 0 or draw(st.booleans())]
        arguments = {key: fitting(draw, wanted[key], earlier) for key in keys}
        after = draw(st.lists(st.sampled_from([*earlier]), unique=True, max_size=2)) if earlier else []
        steps.append({"id": f"s{at + 1}", "tool": f"t.{tool}", "arguments": arguments, "after": after})
        earlier[f"s{at + 1}"] = tool
    steps = draw(st.permutations(steps))
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        spoil(draw, draw(st.sampled_from(steps)), [*earlier, "nobody"])
    return steps


def spoil(draw: st.DrawFn, step: dict[str, Any], ids: list[str]) -> None:
    """Make a change that may be a mistake."""
    references = st.builds(
        lambda name, field: {"from_step": name, "field": field}, st.sampled_from(ids), st.sampled_from(FIELDS)
    )
    values = st.one_of(references, references, st.sampled_from([0, "x", [], ["a"], {"n": 1, "words": []}, None]))
    arguments = step["arguments"]
    kind = draw(st.sampled_from(["value", "value", "inside", "drop", "extra", "tool", "after", "id"]))
    if kind == "value" and arguments:
        arguments[draw(st.sampled_from([*arguments]))] = draw(values)
    elif kind == "inside":
        for value in arguments.values():
            if isinstance(value, list):
                value.append(draw(values))
            elif isinstance(value, dict):
                value[draw(st.sampled_from(["n", "words", "k", "field", "from_step"]))] = draw(values)
    elif kind == "drop" and arguments:
        del arguments[draw(st.sampled_from([*arguments]))]
    elif kind == "extra":
        arguments["z"] = 1
    elif kind == "tool":
        step["tool"] = draw(st.sampled_from(["t.gone", *(f"t.{name}" for name in RETURNS)]))
    elif kind == "after":
        step["after"] = [draw(st.sampled_from(ids))]
    elif kind == "id":
        step["id"] = draw(st.sampled_from(ids))


class Wrong(Exception):
    """What would have gone wrong in a run."""


def run(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Run a plan on tools that give a fixed value each. Raises `Wrong` for what a tool would not take."""
    if len({step["id"] for step in steps}) < len(steps) or any(step["tool"] == "t.gone" for step in steps):
        raise Wrong
    known = {step["id"] for step in steps}
    if any(odd(value) for step in steps for value in step["arguments"].values()):
        raise Wrong
    try:
        block = steps_block(OFFERS, steps)
    except Exception as error:  # a circle, or a step that is not there
        raise Wrong from error
    values: dict[str, Any] = {}
    for node in block.nodes:
        work = node.work
        assert isinstance(work, ToolWork)
        try:
            given = work.arguments(values.__getitem__)
        except (EvaluationFailed, KeyError) as error:
            raise Wrong from error
        if problems_of(given, work.tool.parameters):
            raise Wrong
        values[node.id] = VALUES[work.tool.name]
    assert values.keys() == known
    return values


def odd(value: Any) -> bool:
    """Tell whether a value holds a reference with more in it than a step and a field."""
    if isinstance(value, dict) and isinstance(value.get("from_step"), str):
        return bool(value.keys() - {"from_step", "field"}) or not isinstance(value.get("field", ""), str | None)
    return any(map(odd, value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()))


@settings(
    max_examples=5_000 if os.environ.get("AGENTSPEC_TESTS") == "deep" else 600,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(written())
def test_a_plan_without_problems_runs_and_one_with_problems_would_not(steps: list[dict[str, Any]]) -> None:
    assert problems_of({"steps": steps}, loose_plan_schema()) == []
    found = plan_problems(steps, OFFERS, MOST)
    try:
        run(steps)
    except Wrong:
        assert found != []
    else:
        assert found == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written())
def test_whoever_is_held_to_the_schema_can_write_every_plan_that_is_in_order(steps: list[dict[str, Any]]) -> None:
    named = all(step["id"] != "nobody" for step in steps)  # which it could not choose
    if named and plan_problems(steps, OFFERS, MOST) == []:
        assert problems_of({"steps": steps}, plan_schema(OFFERS, MOST)) == []


def test_fields_are_split_and_what_is_no_field_is_refused() -> None:
    assert field_steps("") == []
    assert field_steps("a.b[0].c") == ["a", "b", 0, "c"]
    assert field_steps("[1][2]") == [1, 2]
    for text in ("a[", "a]", "a[x]", "a[-1]", "a[9999999999]", "[" * 50):
        try:
            field_steps(text)
        except ValueError:
            continue
        raise AssertionError(f"{text} is no field")


def test_references_inside_what_may_be_null_are_typed_too() -> None:
    number = {"id": "s1", "tool": "t.number", "arguments": {}}
    given = {"row": {"n": 1, "words": []}, "maybe": [{"from_step": "s1"}]}
    steps = [number, {"id": "s2", "tool": "t.rows", "arguments": given}]
    assert plan_problems(steps, OFFERS, MOST) == ["step `s2`: `maybe`: it must be a string, it is an integer"]
