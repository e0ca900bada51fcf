"""From a checked expression to a function: cheap to call, and closed to everything but JSON data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentspec.api.errors import AgentspecError, EvaluationFailed
from agentspec.spec.expressions.expression import Expression
from agentspec.spec.expressions.references import Path, Reference, written
from agentspec.spec.expressions.values import MISSING, Frame, missing_part, text

Lookup = Callable[[str], Any]
Evaluate = Callable[[Lookup], Any]


def compile_expression(expression: Expression) -> Evaluate:
    """Return a function from a lookup of names to the expression's value.

    The lookup raises `KeyError` for a name that it does not know. A literal gives its text, a template a
    text, the others a value with its type. The function raises `EvaluationFailed` (AS604) and nothing else,
    apart from an `AgentspecError` of the lookup.
    """
    if expression.kind == "literal":
        written_text = expression.text
        return lambda lookup: written_text
    if expression.kind == "reference":
        return _reference(expression.references[0].path)
    return _protected(_value(expression) if expression.kind == "value" else _template(expression))


def _reference(path: Path) -> Evaluate:
    name, *keys = path
    root = str(name)

    def evaluate(lookup: Lookup) -> Any:
        try:
            value = lookup(root)
        except KeyError:
            raise EvaluationFailed(f"`{root}` is not known here") from None
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                raise _broken(path, lookup(root)) from None
        return value

    return evaluate


def _broken(path: Path, value: Any) -> EvaluationFailed:
    """Find the step of a path that fails, and say so."""
    for index, key in enumerate(path[1:]):
        before = value
        try:
            value = before[key]
        except (KeyError, IndexError, TypeError):
            return missing_part(before, f"`{written(path[: index + 1])}`", key)
    return EvaluationFailed(f"`{written(path)}` cannot be read")


def _protected(evaluate: Evaluate) -> Evaluate:
    def run(lookup: Lookup) -> Any:
        try:
            return evaluate(lookup)
        except AgentspecError:
            raise
        except RecursionError as error:
            raise EvaluationFailed("the expression or its data are nested too deeply") from error
        except Exception as error:
            raise EvaluationFailed("the expression does not work with this data") from error

    return run


def _value(expression: Expression) -> Evaluate:
    from agentspec.spec.expressions.sandbox import compile_node

    tree = expression.ast
    assert tree is not None, "a `value` has a tree"
    run = compile_node(tree)

    def evaluate(lookup: Lookup) -> Any:
        result = run(Frame(lookup))
        return None if result is MISSING else result

    return evaluate


def _template(expression: Expression) -> Evaluate:
    if expression.has_statements:
        return _statements(expression)
    stretches = [_stretch(item) for _, _, item in expression.stretches]

    def evaluate(lookup: Lookup) -> str:
        frame = Frame(lookup)
        out: list[str] = []
        for stretch in stretches:
            piece = stretch if isinstance(stretch, str) else text(stretch(frame))
            frame.spend(len(piece))
            out.append(piece)
        return "".join(out)

    return evaluate


def _stretch(item: Any) -> str | Callable[[Frame], Any]:
    if isinstance(item, str):
        return item
    if isinstance(item, Reference):
        read = _reference(item.path)
        return lambda frame: read(frame.lookup)
    from agentspec.spec.expressions.sandbox import compile_node

    return compile_node(item)


def _statements(expression: Expression) -> Evaluate:
    from jinja2 import nodes

    from agentspec.spec.expressions.statements import compile_body

    tree = expression.ast
    assert isinstance(tree, nodes.Template), "a text with statements has been parsed as a whole"
    body = compile_body(tree.body)

    def evaluate(lookup: Lookup) -> str:
        out: list[str] = []
        body(Frame(lookup), out)
        return "".join(out)

    return evaluate
