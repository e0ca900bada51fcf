"""Uses of filters and tests: whether they can take the value and the items, and what comes of it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from agentspec.api.messages import Schema
from agentspec.plan.scope import Scope
from agentspec.plan.typing.filters import FILTERS, Call, Signature
from agentspec.plan.typing.kinds import ANY, has_null, kind, kinds, not_null, options, union
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.narrowing import Sight, split
from agentspec.plan.typing.operators import NUMBERS, TESTS
from agentspec.plan.typing.places import Place
from agentspec.plan.typing.problem import TypeProblem
from agentspec.plan.typing.steps import step
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.expressions.filters import FILTERS as FUNCTIONS
from agentspec.spec.expressions.guards import constant_path
from agentspec.spec.expressions.references import Path

if TYPE_CHECKING:
    from agentspec.plan.typing.walk import Walk

_CHOICES = frozenset({"select", "reject", "selectattr", "rejectattr"})


def filtered(walk: Walk, node: nodes.Filter, sight: Sight) -> Schema:
    """The type that a filter gives; what it cannot take is reported."""
    assert node.node is not None, "blocks with filters are refused"
    given = walk.type(node.node, sight, node.name in ("default", "d"))
    named = {str(pair.key): pair.value for pair in node.kwargs}
    types = {id(one): walk.type(one, sight) for one in (*node.args, *named.values())}
    signature = FILTERS[node.name]
    if "null" not in signature.takes:
        walk.refuse_null(node.node, given)
    return _applied(walk, node.name, given, _bound(node.name, node.args, named), types, walk.places.word(node))


def _bound(name: str, arguments: Sequence[nodes.Expr], named: dict[str, nodes.Expr]) -> dict[str, Any]:
    """The arguments by the names of the filter's parameters; `arguments` has those of any number."""
    bound = dict(_parameters(name).bind_partial(None, None, *arguments, **named).arguments)
    for both in ("frame", "value"):
        bound.pop(both, None)
    return bound


@cache
def _parameters(name: str) -> inspect.Signature:
    return inspect.signature(FUNCTIONS[name])


def _applied(
    walk: Walk, name: str, given: Schema, bound: dict[str, Any], types: dict[int, Schema], place: Place
) -> Schema:
    """The type that a filter gives for a value of type `given`; `place` is that of its name."""
    signature = FILTERS[name]
    if not _takes(walk, name, signature, given, place, bool(bound)):
        return ANY
    plain = {key: one for key, one in bound.items() if isinstance(one, nodes.Node)}
    call = Call(
        given if "null" in signature.takes else not_null(given),
        {key: types[id(one)] for key, one in plain.items()},
        {key: one.value for key, one in plain.items() if isinstance(one, nodes.Const)},
    )
    more = list(bound.get("arguments", ()))
    attribute = more.pop(0) if name in ("selectattr", "rejectattr") else bound.get("attribute")
    call.picked = call.items
    if attribute is not None and not (isinstance(attribute, nodes.Const) and attribute.value is None):
        call.picked = _attribute(walk, call, attribute, "default" in bound or name in _CHOICES)
        place = walk.places.of(attribute)
    if not signature.accepts_items(call.picked):
        _refuse_items(walk, name, signature, call.picked, place)
    if name in _CHOICES:
        call.chosen = _chosen(walk, name, call, attribute, more, types)
    elif name == "map" and attribute is not None:
        call.mapped = call.picked
    elif name == "map" and more:
        word, *rest = more
        inner = walk.places.inside(word, word.value) or walk.places.of(word)
        call.mapped = _applied(walk, word.value, call.items, _bound(word.value, rest, {}), types, inner)
    return signature.gives(call)


def _takes(walk: Walk, name: str, signature: Signature, given: Schema, place: Place, has_arguments: bool) -> bool:
    """Tell whether a filter can do something with a value, and report it if not."""
    if signature.accepts(given) or kinds(given) == {"null"}:
        return True
    wrong = not_null(given)
    lists = kinds(wrong) == {"array"} and signature.instead
    label = f"for each item: `{signature.instead}`" if lists else ""
    fix = signature.instead if lists and not has_arguments else None
    walk.report("AS313", f"`{name}` needs {signature.wants}, not {type_name(wrong)}", place, label, fix)
    return False


def _refuse_items(walk: Walk, name: str, signature: Signature, items: Schema, place: Place) -> None:
    verb = "add up" if signature.needs == "numbers" else "order"
    label = f"name a field: `{name}(attribute='…')`" if "object" in kinds(items) else ""
    message = f"`{name}` cannot {verb} values of which each is {type_name(items)}"
    walk.report("AS313", message, place, label)


def _attribute(walk: Walk, call: Call, node: nodes.Expr, lenient: bool) -> Schema:
    """The type of a field of the items, which an argument names."""
    if not isinstance(node, nodes.Const) or type(node.value) not in (str, int):
        return ANY
    schema, skip, may_lack = call.items, 0, False
    for word in str(node.value).split("."):
        may_lack = may_lack or has_null(schema)
        owner = not_null(schema)
        objects = {kind(option) == "object" for option in options(owner)}
        if len(objects) > 1 and word.isdecimal():
            return ANY
        found = step(owner, int(word) if word.isdecimal() and objects == {False} else word)
        if found.schema is None:
            _no_field(walk, node, word, skip, owner, found.known)
            return ANY
        may_lack = may_lack or found.may_lack
        schema = found.schema
        skip += len(word) + 1
    if lenient and "default" in call.arguments:
        return union([not_null(schema) if schema else schema, call.arguments["default"]])
    return union([schema, {"type": "null"}]) if lenient and may_lack else schema


def _no_field(walk: Walk, node: nodes.Const, word: str, skip: int, owner: Schema, known: list[str]) -> None:
    close = suggest(word, known)
    exact = walk.places.inside(node, word, skip)
    label = f"they have {', '.join(known[:12])}" if known else f"each is {type_name(owner)}"
    start, end = exact or walk.places.of(node)
    walk.problems.append(
        TypeProblem(
            "AS301",
            f"the items have no `{word}`",
            start,
            end,
            did_you_mean(close, label),
            close if exact else None,
            owner,
        )
    )


def _chosen(
    walk: Walk, name: str, call: Call, attribute: nodes.Expr | None, more: list[nodes.Expr], types: dict[int, Schema]
) -> Schema:
    """The type of the items that a test lets through: what it says about a name, it says about each item."""
    item: nodes.Expr = nodes.Name("item", "load")
    if isinstance(attribute, nodes.Const):
        for key in str(attribute.value).split("."):
            item = nodes.Getitem(item, nodes.Const(int(key) if key.isdecimal() else key), "load")
    elif attribute is not None:
        return call.items
    test: nodes.Expr = item
    if more and isinstance(more[0], nodes.Const):
        word, *arguments = more
        assert isinstance(word, nodes.Const)
        place = walk.places.inside(word, word.value) or walk.places.of(word)
        _check_test(walk, word.value, (word, call.picked), [(one, types[id(one)]) for one in arguments], place)
        if word.value in ("eq", "ne", "in"):
            test = nodes.Compare(item, [nodes.Operand(word.value, arguments[0])])
        else:
            test = nodes.Test(item, word.value, [], [], None, None)
    seen = Sight(Scope(), {"item": call.items})
    holds, fails = split(test, seen)
    return _with_field(holds if name in ("select", "selectattr") else fails, constant_path(item) or ())


def _with_field(sight: Sight, path: Path) -> Schema:
    """The type of items, with what is shown about one of their fields."""
    items = sight.read(("item",)) or ANY
    inner, key = sight.shown.get(path), path[-1]
    if inner is None or len(path) != 2:
        return items
    surely = {str(key)} if inner and not has_null(inner) else set()
    return union(_refined(option, str(key), inner, surely) for option in options(items))


def _refined(option: Schema, key: str, inner: Schema, surely: set[str]) -> Schema:
    if key not in option.get("properties", ()):
        return option
    required = sorted({*option.get("required", ()), *surely})
    return {**option, "properties": {**option["properties"], key: inner}, "required": required}


def tested(walk: Walk, node: nodes.Test, sight: Sight) -> None:
    """Check a test: what it cannot take is reported."""
    schema = walk.type(node.node, sight, node.name in ("none", "defined"))
    arguments = [(one, walk.type(one, sight)) for one in node.args]
    if TESTS[node.name] == "number":
        walk.refuse_null(node.node, schema)
    _check_test(walk, node.name, (node.node, schema), arguments, walk.places.word(node))


def _check_test(
    walk: Walk, name: str, value: tuple[nodes.Node, Schema], arguments: list[tuple[nodes.Expr, Schema]], place: Place
) -> None:
    needs = TESTS[name]
    given = not_null(value[1])
    if needs == "number":
        if kinds(given).isdisjoint({None, *NUMBERS}):
            walk.report("AS313", f"`{name}` needs a number, not {type_name(given)}", place)
    elif needs:
        walk.compare(needs, value, arguments[0])
