"""Types the expressions between `{% … %}`, with the names that loops and `set` make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import nodes

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object
from agentspec.plan.typing.filters import LOOP
from agentspec.plan.typing.kinds import ANY, items_of, kind, kinds, not_null, options, union
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.narrowing import Sight, split
from agentspec.plan.typing.steps import step
from agentspec.plan.typing.walk import Walk

_LOOP = closed_object(LOOP)


def type_body(walk: Walk, body: Sequence[nodes.Node], sight: Sight) -> Sight:
    """Type a list of statements; return what is in sight behind them."""
    for node in body:
        match node:
            case nodes.Output():
                for child in node.nodes:
                    walk.type(child, sight)
            case nodes.If():
                sight = _branches(walk, node, sight)
            case nodes.For():
                sight = _loop(walk, node, sight)
            case nodes.Assign(target=nodes.Name(name=name)):
                sight = sight.bind({name: walk.type(node.node, sight)})
            case _:
                raise AssertionError("the whitelist lets no other statement through")
    return sight


def _branches(walk: Walk, node: nodes.If, sight: Sight) -> Sight:
    ends = []
    rest = sight
    for branch in (node, *node.elif_):
        walk.type(branch.test, rest, True)
        holds, rest = split(branch.test, rest)
        ends.append(type_body(walk, branch.body, holds))
    ends.append(type_body(walk, node.else_, rest))
    return _behind(sight, ends)


def _behind(sight: Sight, ends: list[Sight]) -> Sight:
    """What is in sight behind branches: names that one of them has set may have its value."""
    names = dict.fromkeys(name for end in ends for name in end.local)
    changed: dict[str, Schema] = {}
    for name in names:
        found = [end.local.get(name) for end in ends]
        if any(schema is not sight.local.get(name) for schema in found):
            outer = sight.scope.find(name)
            changed[name] = union([one if one is not None else outer or {} for one in found])
    return sight.bind(changed) if changed else sight


def _loop(walk: Walk, node: nodes.For, sight: Sight) -> Sight:
    schema = walk.type(node.iter, sight)
    walk.refuse_null(node.iter, schema)
    plain = not_null(schema)
    if kinds(plain).isdisjoint({None, "array", "object", "string"}):
        walk.report("AS315", f"a loop needs a list, not {type_name(plain)}", walk.places.of(node.iter))
    inner = sight.bind(_bound(walk, node, items_of(plain)))
    if node.test is not None:
        walk.type(node.test, inner, True)
        inner = split(node.test, inner)[0]
    type_body(walk, node.body, inner.bind({"loop": _LOOP}))
    return _behind(sight, [sight, type_body(walk, node.else_, sight)])


def _bound(walk: Walk, node: nodes.For, item: Schema) -> dict[str, Schema]:
    target: Any = node.target
    if isinstance(target, nodes.Name):
        return {target.name: item}
    if kinds(item).isdisjoint({None, "array", "null"}):
        message = f"a loop over {len(target.items)} names needs lists as items, not {type_name(item)}"
        walk.report("AS315", message, walk.places.of(node.iter))
        return dict.fromkeys((one.name for one in target.items), ANY)
    lists = [option for option in options(item) if kind(option) in (None, "array")]
    found = [step(union(lists), index).schema for index in range(len(target.items))]
    return {one.name: schema or ANY for one, schema in zip(target.items, found, strict=True)}
