"""Which references are safe from null.

A reference is *guarded* where a missing or null value does no harm: under `default(...)`, in `is none` and
`is defined`, compared with null, as a test on its own, left of `or` and `and`, and where such a test holds.
"""

from __future__ import annotations

from jinja2 import nodes

from agentspec.spec.expressions.references import Path

Guards = frozenset[Path]
NOTHING: Guards = frozenset()


def constant_path(node: nodes.Node) -> Path | None:
    """Return the path of a name with constant fields and indices behind it; None for any other expression."""
    steps: list[str | int] = []
    while True:
        match node:
            case nodes.Name():
                return (node.name, *reversed(steps))
            case nodes.Getattr():
                steps.append(node.attr)
            case nodes.Getitem(arg=nodes.Const(value=value)) if type(value) in (str, int):
                steps.append(value)
            case nodes.Getitem(arg=nodes.Neg(node=nodes.Const(value=value))) if type(value) is int:
                steps.append(-value)
            case _:
                return None
        node = node.node


def guards_of(test: nodes.Node) -> tuple[Guards, Guards]:
    """Return the paths that cannot be null where a test holds, and those where it does not hold."""
    match test:
        case nodes.Not(node=inner):
            holds, fails = guards_of(inner)
            return fails, holds
        case nodes.And(left=left, right=right):
            (a_holds, a_fails), (b_holds, b_fails) = guards_of(left), guards_of(right)
            return a_holds | b_holds, a_fails & b_fails
        case nodes.Or(left=left, right=right):
            (a_holds, a_fails), (b_holds, b_fails) = guards_of(left), guards_of(right)
            return a_holds & b_holds, a_fails | b_fails
        case nodes.Test(node=inner, name="none"):
            return NOTHING, _single(inner)
        case nodes.Test(node=inner, name="defined" | "string" | "number" | "boolean" | "mapping" | "sequence"):
            return _single(inner), NOTHING
        case nodes.Compare(expr=left, ops=[nodes.Operand(op="eq" | "ne" as op, expr=nodes.Const(value=value))]):
            found = _single(left)
            if value is None:
                return (NOTHING, found) if op == "eq" else (found, NOTHING)
            return (found, NOTHING) if op == "eq" else (NOTHING, found)
        case nodes.Name() | nodes.Getattr() | nodes.Getitem():
            return _single(test), NOTHING
        case _:
            return NOTHING, NOTHING


def compares_null(node: nodes.Compare) -> bool:
    """Tell whether a comparison is one with null, which a missing value may take part in."""
    operands = [node.expr, *(operand.expr for operand in node.ops)]
    null = any(isinstance(operand, nodes.Const) and operand.value is None for operand in operands)
    return null and len(node.ops) == 1 and node.ops[0].op in ("eq", "ne")


def _single(node: nodes.Node) -> Guards:
    path = constant_path(node)
    return frozenset([path]) if path else NOTHING
