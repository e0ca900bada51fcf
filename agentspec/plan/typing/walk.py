"""Types an expression from its leaves up, and reports what cannot work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from jinja2 import nodes

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object
from agentspec.plan.typing import access
from agentspec.plan.typing.calls import filtered, tested
from agentspec.plan.typing.comparisons import check_equal, check_in
from agentspec.plan.typing.kinds import (
    ANY,
    BOOLEAN,
    EMPTY_LIST,
    INTEGER,
    NULL,
    NUMBER,
    STRING,
    has_null,
    kinds,
    list_of,
    not_null,
    union,
)
from agentspec.plan.typing.names import type_name
from agentspec.plan.typing.narrowing import Sight, split
from agentspec.plan.typing.operators import NUMBERS, arithmetic, ordered
from agentspec.plan.typing.places import Places
from agentspec.plan.typing.problem import TypeProblem
from agentspec.plan.typing.truth import falsy, truthy
from agentspec.spec.expressions.guards import compares_null, constant_path
from agentspec.spec.expressions.references import written

_SIGNS = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//", "Mod": "%"}
_ORDER = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}


class Walk:
    """Types Jinja's syntax trees of one text.

    Attributes:
        problems: what was found so far.
    """

    def __init__(self, text: str) -> None:
        self.places = Places(text)
        self.problems: list[TypeProblem] = []

    def type(self, node: nodes.Node, sight: Sight, lenient: bool = False) -> Schema:
        """The type of a node; with `lenient`, of one that gives null where nothing is found."""
        method = _METHODS.get(type(node))
        return ANY if method is None else method(self, node, sight, lenient)

    def report(self, code: str, message: str, place: tuple[int, int], label: str = "", fix: str | None = None) -> None:
        """Add a problem."""
        self.problems.append(TypeProblem(code, message, *place, label, fix))

    def refuse_null(self, node: nodes.Node, schema: Schema) -> None:
        """Report a path that may be null where that fails."""
        path = constant_path(node)
        if path is not None and has_null(schema):
            sure = kinds(schema) == {"null"}
            message = f"`{written(path)}` {'is' if sure else 'may be'} null here"
            self.report("AS310", message, self.places.of(node), "give a value for that case: `| default(…)`")

    def _constant(self, node: Any, sight: Sight, lenient: bool) -> Schema:
        return NULL if node.value is None else {"const": node.value}

    def _text(self, node: Any, sight: Sight, lenient: bool) -> Schema:
        return STRING

    def _list(self, node: Any, sight: Sight, lenient: bool) -> Schema:
        items = [self.type(item, sight) for item in node.items]
        return list_of(union(items)) if items else EMPTY_LIST

    def _dict(self, node: nodes.Dict, sight: Sight, lenient: bool) -> Schema:
        pairs = [(pair.key, self.type(pair.key, sight), self.type(pair.value, sight)) for pair in node.items]
        if all(isinstance(key, nodes.Const) and isinstance(key.value, str) for key, _, _ in pairs):
            return closed_object({key.value: value for key, _, value in pairs if isinstance(key, nodes.Const)})
        return {"type": "object", "additionalProperties": union([value for _, _, value in pairs])}

    def _concat(self, node: nodes.Concat, sight: Sight, lenient: bool) -> Schema:
        for part in node.nodes:
            self.type(part, sight)
        return STRING

    def _binary(self, node: nodes.BinExpr, sight: Sight, lenient: bool) -> Schema:
        operator = type(node).__name__
        left, right = self.type(node.left, sight), self.type(node.right, sight)
        self.refuse_null(node.left, left)
        self.refuse_null(node.right, right)
        result = arithmetic(operator, not_null(left), not_null(right))
        if result is None:
            wrong = (
                node.left if operator != "Add" and kinds(not_null(left)).isdisjoint({None, *NUMBERS}) else node.right
            )
            what = f"{type_name(not_null(left))} and {type_name(not_null(right))}"
            label = "`~` joins texts" if operator == "Add" else ""
            self.report("AS314", f"`{_SIGNS[operator]}` cannot be used with {what}", self.places.of(wrong), label)
        return ANY if result is None else result

    def _sign(self, node: Any, sight: Sight, lenient: bool) -> Schema:
        schema = self.type(node.node, sight)
        self.refuse_null(node.node, schema)
        given = kinds(not_null(schema))
        if given.isdisjoint({None, *NUMBERS}):
            sign = "-" if isinstance(node, nodes.Neg) else "+"
            message = f"`{sign}` needs a number, not {type_name(not_null(schema))}"
            self.report("AS314", message, self.places.of(node.node))
        if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and not given.isdisjoint(NUMBERS):
            return {"const": -node.node.value}
        return INTEGER if given == {"integer"} else NUMBER

    def _both(self, node: nodes.And, sight: Sight, lenient: bool) -> Schema:
        left = falsy(self.type(node.left, sight, True))
        right = self.type(node.right, split(node.left, sight)[0], lenient)
        return right if left is None else union([left, right])

    def _either(self, node: nodes.Or, sight: Sight, lenient: bool) -> Schema:
        left = truthy(self.type(node.left, sight, True))
        right = self.type(node.right, split(node.left, sight)[1], lenient)
        return right if left is None else union([left, right])

    def _not(self, node: nodes.Not, sight: Sight, lenient: bool) -> Schema:
        self.type(node.node, sight, True)
        return BOOLEAN

    def _choice(self, node: nodes.CondExpr, sight: Sight, lenient: bool) -> Schema:
        self.type(node.test, sight, True)
        holds, fails = split(node.test, sight)
        then = self.type(node.expr1, holds, lenient)
        return union([then, NULL if node.expr2 is None else self.type(node.expr2, fails, lenient)])

    def _compare(self, node: nodes.Compare, sight: Sight, lenient: bool) -> Schema:
        with_null = compares_null(node)
        before, left = node.expr, self.type(node.expr, sight, with_null)
        for operand in node.ops:
            right = self.type(operand.expr, sight, with_null)
            self.compare(operand.op, (before, left), (operand.expr, right))
            before, left = operand.expr, right
        return BOOLEAN

    def compare(self, operator: str, left: tuple[nodes.Node, Schema], right: tuple[nodes.Node, Schema]) -> None:
        """Check one comparison, of nodes and their types."""
        if operator in ("eq", "ne"):
            self.problems += check_equal(left, right, self.places)
        elif operator in ("in", "notin"):
            self.refuse_null(*right)
            self.problems += check_in(left, right, self.places)
        else:
            self.refuse_null(*left)
            self.refuse_null(*right)
            one, other = not_null(left[1]), not_null(right[1])
            if not ordered(one, other):
                message = f"`{_ORDER[operator]}` cannot compare {type_name(one)} with {type_name(other)}"
                self.report("AS314", message, self.places.of(right[0]))

    def _filter(self, node: nodes.Filter, sight: Sight, lenient: bool) -> Schema:
        return filtered(self, node, sight)

    def _test(self, node: nodes.Test, sight: Sight, lenient: bool) -> Schema:
        tested(self, node, sight)
        return BOOLEAN


_Method = Callable[[Walk, Any, Sight, bool], Schema]
_METHODS: Mapping[type[nodes.Node], _Method] = MappingProxyType(
    {
        nodes.Name: access.name,
        nodes.Getattr: access.path,
        nodes.Getitem: access.path,
        nodes.Const: Walk._constant,
        nodes.TemplateData: Walk._text,
        nodes.List: Walk._list,
        nodes.Tuple: Walk._list,
        nodes.Dict: Walk._dict,
        nodes.Concat: Walk._concat,
        nodes.Neg: Walk._sign,
        nodes.Pos: Walk._sign,
        nodes.And: Walk._both,
        nodes.Or: Walk._either,
        nodes.Not: Walk._not,
        nodes.CondExpr: Walk._choice,
        nodes.Compare: Walk._compare,
        nodes.Filter: Walk._filter,
        nodes.Test: Walk._test,
        **{getattr(nodes, operator): Walk._binary for operator in _SIGNS},
    }
)
