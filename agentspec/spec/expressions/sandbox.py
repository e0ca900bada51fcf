"""Evaluates expressions: each node of Jinja's tree becomes a closure over JSON values.

No Python code is made from a spec, and no closure can do more than `values`, `operators` and `filters` do, so
there is nothing to break out to. Texts, numbers and steps are capped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions.filters import FILTERS, apply
from agentspec.spec.expressions.guards import compares_null, constant_path
from agentspec.spec.expressions.operators import BINARY, COMPARE, TESTS
from agentspec.spec.expressions.references import written
from agentspec.spec.expressions.values import (
    MISSING,
    Frame,
    cost,
    is_number,
    kind,
    limited,
    missing_part,
    number,
    part,
    text,
)

Run = Callable[[Frame], Any]


def compile_node(node: nodes.Node, lenient: bool = False) -> Run:
    """Return a function that evaluates a node which the whitelist let through.

    With `lenient`, a reference that leads nowhere gives `MISSING` instead of raising `EvaluationFailed`.
    """
    return _COMPILE[type(node)](node, lenient)


def _value(result: Any) -> Any:
    return None if result is MISSING else result


def _name(node: Any, lenient: bool) -> Run:
    name: str = node.name

    def run(frame: Frame) -> Any:
        if name in frame.local:
            return frame.local[name]
        try:
            return frame.lookup(name)
        except KeyError:
            if lenient:
                return MISSING
            raise EvaluationFailed(f"`{name}` is not known here") from None

    return run


def _access(node: Any, lenient: bool) -> Run:
    path = constant_path(node)
    if path is None:
        return _computed_access(node, lenient)
    base = node
    while not isinstance(base, nodes.Name):
        base = base.node
    root, steps = _name(base, lenient), path[1:]

    def run(frame: Frame) -> Any:
        value = root(frame)
        for index, key in enumerate(steps):
            found = part(value, key)
            if found is MISSING:
                if lenient:
                    return MISSING
                raise missing_part(value, f"`{written(path[: index + 1])}`", key)
            value = found
        return value

    return run


def _computed_access(node: Any, lenient: bool) -> Run:
    base = compile_node(node.node, lenient)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        return _slice(base, node.arg)
    key_of: Run = (lambda frame: node.attr) if isinstance(node, nodes.Getattr) else compile_node(node.arg)

    def run(frame: Frame) -> Any:
        value, key = base(frame), key_of(frame)
        found = part(value, key)
        if found is MISSING and not lenient:
            raise missing_part(value, "the value", key)
        return found

    return run


def _slice(base: Run, node: nodes.Slice) -> Run:
    bounds = [compile_node(bound) if bound else _constant(None) for bound in (node.start, node.stop, node.step)]

    def run(frame: Frame) -> Any:
        value = base(frame)
        start, stop, step = (bound(frame) for bound in bounds)
        if not isinstance(value, (list, str)):
            raise EvaluationFailed(f"{kind(value)} has no items to take a slice of")
        if step == 0 or not all(bound is None or type(bound) is int for bound in (start, stop, step)):
            raise EvaluationFailed("a slice needs whole numbers, and a step other than 0")
        result = value[start:stop:step]
        frame.charge(cost(result))
        return result

    return run


def _constant(value: Any) -> Run:
    return lambda frame: value


def _list(node: Any, lenient: bool) -> Run:
    items = [compile_node(item) for item in node.items]
    return lambda frame: [item(frame) for item in items]


def _dict(node: Any, lenient: bool) -> Run:
    pairs = [(compile_node(pair.key), compile_node(pair.value)) for pair in node.items]
    return lambda frame: {text(key(frame)): value(frame) for key, value in pairs}


def _concat(node: Any, lenient: bool) -> Run:
    parts = [compile_node(item) for item in node.nodes]

    def run(frame: Frame) -> str:
        result = limited("".join([text(item(frame)) for item in parts]))
        frame.charge(1 + cost(result))
        return result

    return run


def _binary(node: Any, lenient: bool) -> Run:
    left, right, function = compile_node(node.left), compile_node(node.right), BINARY[type(node).__name__]
    return lambda frame: function(frame, left(frame), right(frame))


def _sign(node: Any, lenient: bool) -> Run:
    inner, negative = compile_node(node.node), isinstance(node, nodes.Neg)

    def run(frame: Frame) -> Any:
        value = inner(frame)
        if not is_number(value):
            raise EvaluationFailed(f"`{'-' if negative else '+'}` needs a number, not {kind(value)}")
        return number(-value) if negative else value

    return run


def _and(node: Any, lenient: bool) -> Run:
    left, right = compile_node(node.left, True), compile_node(node.right, lenient)
    return lambda frame: right(frame) if (value := left(frame)) else _value(value)


def _or(node: Any, lenient: bool) -> Run:
    left, right = compile_node(node.left, True), compile_node(node.right, lenient)
    return lambda frame: left(frame) or right(frame)


def _not(node: Any, lenient: bool) -> Run:
    inner = compile_node(node.node, True)
    return lambda frame: not inner(frame)


def _choice(node: Any, lenient: bool) -> Run:
    test, then = compile_node(node.test, True), compile_node(node.expr1, lenient)
    other = compile_node(node.expr2, lenient) if node.expr2 else _constant(None)
    return lambda frame: then(frame) if test(frame) else other(frame)


def _compare(node: Any, lenient: bool) -> Run:
    null = compares_null(node)
    first = compile_node(node.expr, null)
    rest = [(COMPARE[operand.op], compile_node(operand.expr, null)) for operand in node.ops]
    if len(rest) == 1:
        function, second = rest[0]
        return lambda frame: function(frame, _value(first(frame)), _value(second(frame)))

    def run(frame: Frame) -> bool:
        left = first(frame)
        for function, operand in rest:
            right = operand(frame)
            if not function(frame, left, right):
                return False
            left = right
        return True

    return run


def _filter(node: Any, lenient: bool) -> Run:
    name: str = node.name
    lenient_value = name in ("default", "d")
    value = compile_node(node.node, lenient_value)
    arguments = [compile_node(argument) for argument in node.args]
    named = [(pair.key, compile_node(pair.value)) for pair in node.kwargs]
    if lenient_value:
        function = FILTERS[name]
        return lambda frame: function(
            frame,
            value(frame),
            *[item(frame) for item in arguments],
            **{key: item(frame) for key, item in named},
        )
    return lambda frame: apply(
        frame,
        name,
        value(frame),
        [item(frame) for item in arguments],
        {key: item(frame) for key, item in named},
    )


def _test(node: Any, lenient: bool) -> Run:
    value = compile_node(node.node, node.name in ("none", "defined"))
    argument = compile_node(node.args[0]) if node.args else _constant(None)
    function = TESTS[node.name][1]
    return lambda frame: bool(function(frame, _value(value(frame)), argument(frame)))


_COMPILE: dict[type[nodes.Node], Callable[[Any, bool], Run]] = {
    nodes.Name: _name,
    nodes.Getattr: _access,
    nodes.Getitem: _access,
    nodes.Const: lambda node, lenient: _constant(node.value),
    nodes.TemplateData: lambda node, lenient: _constant(node.data),
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.Concat: _concat,
    nodes.Neg: _sign,
    nodes.Pos: _sign,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.CondExpr: _choice,
    nodes.Compare: _compare,
    nodes.Filter: _filter,
    nodes.Test: _test,
    **{getattr(nodes, name): _binary for name in BINARY},
}
