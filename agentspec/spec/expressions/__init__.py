"""Expressions: `${{ … }}` in values, `{% … %}` in prompts; checked when a file is checked, compiled once.

examine     text -> Expression, or what is wrong     evaluate    Expression -> function
tokens      cuts a text into parts and tokens        sandbox     evaluates expressions
grammar     Jinja's parser on those tokens           statements  evaluates templates
whitelist   what is allowed, what is referred to     filters, operators, values    what data can do
"""

from agentspec.spec.expressions.evaluate import compile_expression
from agentspec.spec.expressions.examine import check, parse
from agentspec.spec.expressions.expression import Expression, plain_references
from agentspec.spec.expressions.references import Reference
from agentspec.spec.expressions.tokens import ExpressionProblem

__all__ = ["Expression", "ExpressionProblem", "Reference", "check", "compile_expression", "parse", "plain_references"]
