"""The types of expressions, and what is wrong with them, without running anything."""

from __future__ import annotations

from agentspec.api.messages import Schema
from agentspec.plan.scope import Scope
from agentspec.plan.typing.kinds import ANY, BOOLEAN, INTEGER, NUMBER, STRING, union
from agentspec.plan.typing.paths import follow
from agentspec.plan.typing.problem import TypeProblem
from agentspec.spec.expressions import Expression, Reference

__all__ = ["ANY", "BOOLEAN", "INTEGER", "NUMBER", "STRING", "TypeProblem", "follow", "infer", "union"]


def infer(expression: Expression, scope: Scope) -> tuple[Schema, list[TypeProblem]]:
    """Return the type of an expression's value, and its problems in the order of the text.

    Plain references, the commonest expressions by far, are typed without Jinja's tree.
    """
    if expression.kind == "literal":
        return {"const": expression.text}, []
    if expression.kind == "reference":
        return follow(expression.references[0], scope, expression.text)
    stretches = expression.stretches
    if (
        not expression.has_statements
        and stretches
        and all(isinstance(item, (str, Reference)) for *_, item in stretches)
    ):
        found = [follow(reference, scope, expression.text)[1] for reference in expression.references]
        return STRING, [problem for problems in found for problem in problems]
    from agentspec.plan.typing.narrowing import Sight
    from agentspec.plan.typing.statements import type_body
    from agentspec.plan.typing.walk import Walk

    walk, sight = Walk(expression.text), Sight(scope)
    if expression.kind == "value":
        assert expression.tree is not None, "a `value` has a tree"
        schema = walk.type(expression.tree, sight)
    elif expression.has_statements:
        schema = STRING
        type_body(walk, expression.tree.body, sight)
    else:
        schema = STRING
        for _, _, item in stretches:
            if isinstance(item, Reference):
                walk.problems += follow(item, scope, expression.text)[1]
            elif not isinstance(item, str):
                walk.type(item, sight)
    return schema, sorted(walk.problems, key=lambda problem: (problem.start, problem.end))
