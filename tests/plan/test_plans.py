"""Plans that models write, in numbers: what is found to be in order runs, and what is not would have gone wrong."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspec.api.errors import EvaluationFailed
from agentspec.api.tool import Effect, Tool
from agentspec.api.validate import problems_of
from agentspec.plan.model import Offer, PlanBlock, PlanNode, ToolWork
from agentspec.plan.plan_check import plan_problems
from agentspec.plan.scope import closed_object
from agentspec.plan.steps import field_steps, loose_plan_schema, plan_schema, steps_block
from agentspec.spec.shapes import Retry
from agentspec.spec.source import Source, Span

INTEGER, STRING = {"type": "integer"}, {"type": "string"}
ROW = closed_object({"n": INTEGER, "words": {"type": "array", "items": STRING}})
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
    "rows": {"row": ROW, "by": {"type": "object", "additionalProperties": INTEGER}, "texts": STRING},
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


@st.composite
def written(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A plan that is right, nearly right, or wrong."""
    count = draw(st.integers(1, 5))
    ids = [f"s{at}" for at in range(count)]
    references = st.builds(
        lambda name, field: {"from_step": name, **({"field": field} if field else {})},
        st.sampled_from([*ids, *ids, "nobody"]),
        st.sampled_from(FIELDS),
    )
    atoms = st.one_of(
        references, references, st.sampled_from([0, 7, "word", "x", [], ["a"], {"n": 1, "words": []}, None])
    )
    values = st.one_of(
        atoms,
        atoms,
        st.lists(atoms, max_size=2),
        st.fixed_dictionaries({"n": atoms, "words": st.one_of(references, st.lists(atoms, max_size=2))}),
    )
    steps = []
    for at, name in enumerate(ids):
        tool = draw(st.sampled_from([*TAKES, *TAKES, "gone"]))
        taken = TAKES.get(tool, {})
        keys = draw(st.lists(st.sampled_from([*taken, *taken, *taken, "z"]), unique=True, max_size=3)) if taken else []
        keys += [key for key in list(taken)[:1] if key not in keys and draw(st.integers(0, 9))]
        after = draw(
            st.lists(st.sampled_from(ids[:at] if at and draw(st.integers(0, 9)) else ids), unique=True, max_size=2)
        )
        steps.append(
            {"id": name, "tool": f"t.{tool}", "arguments": {key: draw(values) for key in keys}, "after": after}
        )
    if draw(st.integers(0, 19)) == 0:
        steps[-1]["id"] = ids[0]
    return steps


class Wrong(Exception):
    """What would have gone wrong in a run."""


def run(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Run a plan on tools that give a fixed value each. Raises `Wrong` for what a tool would not take."""
    if len({step["id"] for step in steps}) < len(steps) or any(step["tool"] == "t.gone" for step in steps):
        raise Wrong
    known = {step["id"] for step in steps}
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


@settings(
    max_examples=20_000 if os.environ.get("AGENTSPEC_TESTS") == "deep" else 600,
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
    if plan_problems(steps, OFFERS, MOST) == []:
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
