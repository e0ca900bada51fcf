"""Plans that a model wrote: data, checked, and then compiled to a block that the kernel runs like any other.

    [{"id": "find", "tool": "mail.search", "arguments": {"words": "invoice"}},
     {"id": "sum", "tool": "table.sum", "arguments": {"rows": {"from_step": "find", "field": "rows"}}}]

An argument may be another step's value, or a field of it; that is the only kind of reference, and no text of a
model is ever read as an expression. A step runs when those that it refers to, and those under `after`, are done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json, Schema
from agentspec.api.schema import closed_object
from agentspec.plan.graph import in_order
from agentspec.plan.model import PlanBlock, PlanNode
from agentspec.plan.work import AgentWork, Compiled, Lookup, Offer, ToolWork

MOST_STEPS = 1000
"""Steps that a plan may have at all; `max_steps` cannot be more."""

STEPS = "steps"
"""The name under which a plan is called as a block, and the variable that holds it."""

REFERENCE = "from_step"

_PART = re.compile(r"([^.\[\]]{0,100})((?:\[[0-9]{1,9}\]){0,8})")
_INDEX = re.compile(r"[0-9]+")


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
    given = step.get("arguments") or {}
    return set(step.get("after") or ()) | {name for value in given.values() for name, _ in references(value)}


def references(value: Json) -> list[tuple[str, str]]:
    """Every reference inside a value, as step and field."""
    if is_reference(value):
        return [(value[REFERENCE], value.get("field") or "")]
    if isinstance(value, Mapping):
        return [found for item in value.values() for found in references(item)]
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    return []


def is_reference(value: Json) -> bool:
    """Tell whether a value stands for that of another step."""
    return isinstance(value, Mapping) and isinstance(value.get(REFERENCE), str)


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


def _filled(arguments: Mapping[str, Json]) -> Compiled:
    return lambda lookup: {key: _resolve(value, lookup) for key, value in arguments.items()}


def _resolve(value: Json, lookup: Lookup) -> Any:
    if is_reference(value):
        return _follow(lookup(value[REFERENCE]), value[REFERENCE], value.get("field") or "")
    if isinstance(value, Mapping):
        return {key: _resolve(item, lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, lookup) for item in value]
    return value


def field_steps(field: str) -> list[str | int]:
    """Split `messages[0].subject` into its steps; what stands in brackets is an index. Raises ValueError."""
    steps: list[str | int] = []
    for part in field.split(".") if field else ():
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(field)
        steps += [match[1]] if match[1] else []
        steps += [int(index) for index in _INDEX.findall(match[2])]
    return steps


def _follow(value: Any, name: str, field: str) -> Json:
    for step in field_steps(field):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise EvaluationFailed(f"the value of step `{name}` has no `{field}`") from None
    return value


def _values(names: tuple[str, ...]) -> Compiled:
    return lambda lookup: {name: lookup(name) for name in names}


def plan_schema(offers: Sequence[Offer], most: int) -> Schema:
    """What a model may write that is held to a schema: per tool its own arguments, each a value or a reference.

    Steps have the names `s1`, `s2`, …: a model that can only choose among them cannot refer to what is not there.
    """
    names: Schema = {"enum": [f"s{number}" for number in range(1, most + 1)]} if most <= _MOST_NAMED else _ID
    steps = [_step_schema(names, {"const": offer.name}, with_references(offer.parameters, names)) for offer in offers]
    return _plan_schema(steps[0] if len(steps) == 1 else {"anyOf": steps}, most)


def loose_plan_schema() -> Schema:
    """What is read as a plan. The rest is said by `plan_problems`, in words that help a model."""
    return _plan_schema(_step_schema(_ID, {"type": "string"}, {"type": "object"}), MOST_STEPS)


def _plan_schema(step: Schema, most: int) -> Schema:
    return closed_object({"steps": {"type": "array", "items": step, "minItems": 1, "maxItems": most}})


def _step_schema(names: Schema, tool: Schema, arguments: Schema) -> Schema:
    after = {"type": "array", "items": names, "maxItems": 100}
    step = closed_object({"id": names, "tool": tool, "arguments": arguments, "after": after})
    return {**step, "required": ["id", "tool", "arguments"]}


_MOST_NAMED = 50
_ID: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}


def with_references(schema: Schema, names: Schema = _ID, *, itself: bool = False) -> Schema:
    """A schema that admits references in place of the values inside it; of `itself`, too, if so wished."""
    part = dict(schema)
    if "properties" in part:
        part["properties"] = {key: with_references(one, names, itself=True) for key, one in part["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), Mapping):
            part[key] = with_references(part[key], names, itself=True)
    for key in ("anyOf", "oneOf", "prefixItems"):
        if key in part:
            part[key] = [with_references(one, names, itself=key == "prefixItems") for one in part[key]]
    if not itself:
        return part
    reference = {**closed_object({REFERENCE: names, "field": {"type": "string"}}), "required": [REFERENCE]}
    return {"anyOf": [*(part["anyOf"] if set(part) == {"anyOf"} else [part]), reference]}
