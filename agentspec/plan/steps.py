"""Plans that a model wrote: data, checked, and then compiled to a block that the kernel runs like any other.

    [{"id": "find", "tool": "mail.search", "arguments": {"words": "invoice"}},
     {"id": "sum", "tool": "table.sum", "arguments": {"rows": {"from_step": "find", "field": "rows"}}}]

An argument may be another step's value, or a field of it; that is the only kind of reference, and no text of a
model is ever read as an expression. A step runs when those that it refers to, and those under `after`, are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json, Schema
from agentspec.plan.graph import in_order
from agentspec.plan.model import AgentWork, Compiled, Lookup, Offer, PlanBlock, PlanNode, ToolWork

STEPS = "steps"
"""The name under which a plan is called as a block, and the variable that holds it."""

REFERENCE = "from_step"


def steps_block(offers: Sequence[Offer], steps: Sequence[Mapping[str, Json]]) -> PlanBlock:
    """Compile a plan that `plan_problems` found nothing wrong with."""
    by_name = {offer.name: offer for offer in offers}
    written = {str(step["id"]): step for step in steps}
    edges = {name: sorted(waits_for(step)) for name, step in written.items()}
    order = in_order(edges)
    index = {name: place for place, name in enumerate(order)}
    after: dict[str, list[int]] = {name: [] for name in order}
    for name in order:
        for before in edges[name]:
            after[before].append(index[name])
    nodes = tuple(
        _node(
            by_name[written[name]["tool"]], name, written[name].get("arguments") or {}, index, edges, tuple(after[name])
        )
        for name in order
    )
    waits = tuple(len(edges[name]) for name in order)
    starts = tuple(place for place, count in enumerate(waits) if not count)
    return PlanBlock("", nodes, waits, starts, _values(tuple(written)), {})


def waits_for(step: Mapping[str, Json]) -> set[str]:
    """The steps that must be done before this one."""
    return set(step.get("after") or ()) | {name for name, _ in references(step.get("arguments"))}


def references(value: Json) -> list[tuple[str, str]]:
    """Every reference inside a value, as step and field."""
    if isinstance(value, Mapping):
        if isinstance(value.get(REFERENCE), str):
            return [(value[REFERENCE], str(value.get("field") or ""))]
        return [found for item in value.values() for found in references(item)]
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    return []


def _node(
    offer: Offer,
    name: str,
    arguments: Mapping[str, Json],
    index: Mapping[str, int],
    edges: Mapping[str, list[str]],
    successors: tuple[int, ...],
) -> PlanNode:
    node = offer.block.nodes[0]
    work = node.work
    assert isinstance(work, ToolWork | AgentWork)
    filled = replace(work, arguments=_filled(arguments))
    needs = tuple(index[one] for one in edges[name])
    return replace(node, index=index[name], id=name, work=filled, needs=needs, successors=successors)


def _filled(arguments: Json) -> Compiled:
    return lambda lookup: _resolve(arguments, lookup)


def _resolve(value: Json, lookup: Lookup) -> Any:
    if isinstance(value, Mapping):
        if isinstance(value.get(REFERENCE), str):
            return _follow(lookup(value[REFERENCE]), value[REFERENCE], str(value.get("field") or ""))
        return {key: _resolve(item, lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, lookup) for item in value]
    return value


def field_steps(field: str) -> list[str | int]:
    """Split `messages[0].subject` into its steps."""
    parts = field.replace("[", ".").replace("]", "").split(".")
    return [int(part) if part.isdecimal() else part for part in parts if part]


def _follow(value: Json, name: str, field: str) -> Json:
    for step in field_steps(field):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise EvaluationFailed(f"the value of step `{name}` has no `{field}`") from None
    return value


def _values(names: tuple[str, ...]) -> Compiled:
    return lambda lookup: {name: lookup(name) for name in names}


def reference_schema() -> Schema:
    """The schema of a reference, for the model that writes the plan."""
    return {
        "type": "object",
        "properties": {REFERENCE: {"type": "string"}, "field": {"type": "string"}},
        "required": [REFERENCE],
        "additionalProperties": False,
    }
