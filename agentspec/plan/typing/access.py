"""Types names, fields, items and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable
from agentspec.plan.typing.kinds import (
    ANY,
    STRING,
    fields_of,
    has_null,
    items_of,
    kind,
    kinds,
    list_of,
    not_null,
    options,
    union,
)
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.narrowing import Sight
from agentspec.plan.typing.operators import NUMBERS
from agentspec.plan.typing.paths import problem_of_name, problems_of_track
from agentspec.plan.typing.problem import TypeProblem
from agentspec.plan.typing.steps import step, track
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.expressions.guards import constant_path
from agentspec.spec.expressions.references import Path

if TYPE_CHECKING:
    from agentspec.plan.typing.walk import Walk


def name(walk: Walk, node: nodes.Name, sight: Sight, lenient: bool) -> Schema:
    """The type of a name."""
    schema, _ = sight.nearest((node.name,))
    if schema is None:
        walk.problems.append(problem_of_name(node.name, node.lineno, sight.scope))
        return ANY
    return nullable(schema) if lenient and sight.skippable((node.name,)) else schema


def path(walk: Walk, node: nodes.Getattr | nodes.Getitem, sight: Sight, lenient: bool) -> Schema:
    """The type of a field or an item, of a path of them or of any other value."""
    keys = constant_path(node)
    if keys is None:
        return _computed(walk, node, sight, lenient)
    schema, length = sight.nearest(keys)
    base: nodes.Node = node
    accesses: list[Any] = []
    while isinstance(base, (nodes.Getattr, nodes.Getitem)):
        accesses.append(base)
        base = base.node
    if schema is None:
        walk.problems.append(problem_of_name(str(keys[0]), base.lineno, sight.scope))
        return ANY
    found = track(schema, keys[length:], lenient)
    if found.missing is not None or found.null is not None or found.lacking is not None:
        ends = [walk.places.end(base), *(walk.places.end(one) for one in reversed(accesses))]
        steps = [walk.places.step(one) for one in reversed(accesses)]
        walk.problems += problems_of_track(found, keys, length, base.lineno, ends, steps)
    return nullable(found.schema) if lenient and sight.skippable(keys) else found.schema


def _computed(walk: Walk, node: Any, sight: Sight, lenient: bool) -> Schema:
    """An access whose base or index is itself computed."""
    base = walk.type(node.node, sight, lenient)
    owner = not_null(base)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        return _slice(walk, node, owner, sight)
    fixed = (node.attr,) if isinstance(node, nodes.Getattr) else _constant_index(node.arg)
    if fixed is None:
        return _indexed(walk, node, owner, sight, lenient)
    key = fixed[0]
    found = step(owner, key)
    if found.schema is None:
        *place, exact = walk.places.step(node)
        close = suggest(str(key), found.known)
        label = did_you_mean(close, _has(owner, found.known))
        message = f"`{walk.places.shown(node.node)}` has no `{key}`"
        problem = TypeProblem("AS301", message, place[0], place[1], label, close if exact else None, owner)
        walk.problems.append(problem)
        return ANY
    return nullable(found.schema) if lenient and (found.may_lack or has_null(base)) else found.schema


def _constant_index(node: nodes.Expr) -> Path | None:
    path = constant_path(nodes.Getitem(nodes.Name("x", "load"), node, "load"))
    return None if path is None else path[1:]


def _has(owner: Schema, known: list[str]) -> str:
    return f"it has {', '.join(known[:12])}" if known else f"it is {type_name(owner)}"


def _indexed(walk: Walk, node: nodes.Getitem, owner: Schema, sight: Sight, lenient: bool) -> Schema:
    index = walk.type(node.arg, sight)
    found = [_part(option, index) for option in options(owner)]
    there = [schema for schema in found if schema is not None]
    if not there:
        message = f"{type_name(owner)} has no part that is numbered or named by {type_name(index)}"
        walk.report("AS315", message, walk.places.of(node.arg))
        return ANY
    return nullable(union(there)) if lenient else union(there)


def _slice(walk: Walk, node: nodes.Getitem, owner: Schema, sight: Sight) -> Schema:
    assert isinstance(node.arg, nodes.Slice)
    for bound in (node.arg.start, node.arg.stop, node.arg.step):
        if bound is not None:
            schema = walk.type(bound, sight)
            if kinds(schema).isdisjoint({None, "integer", "number", "null"}):
                message = f"a slice needs whole numbers, not {type_name(schema)}"
                walk.report("AS315", message, walk.places.of(bound))
    given = kinds(owner)
    if given.isdisjoint({None, "string", "array"}):
        message = f"{type_name(owner)} has no items to take a slice of"
        walk.report("AS315", message, walk.places.of(node.node))
    texts = [STRING] if "string" in given else []
    lists = [list_of(items_of(option)) for option in options(owner) if kind(option) == "array"]
    return ANY if None in given else union(texts + lists)


def _part(owner: Schema, index: Schema) -> Schema | None:
    """The type of a part whose index is computed; None when there is none."""
    given = kinds(index)
    numbered = not given.isdisjoint({None, *NUMBERS})
    match kind(owner):
        case "array":
            return items_of(owner) if numbered else None
        case "string":
            return STRING if numbered else None
        case "object":
            return fields_of(owner) if not given.isdisjoint({None, "string"}) else None
        case None:
            return ANY
        case _:
            return None
