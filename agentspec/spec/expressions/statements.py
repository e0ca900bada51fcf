"""Evaluates templates with `{% if %}`, `{% for %}` and `{% set %}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import nodes

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions.sandbox import compile_node
from agentspec.spec.expressions.values import MISSING, Frame, kind, text

Write = Callable[[Frame, list[str]], None]


def compile_body(body: Sequence[nodes.Node]) -> Write:
    """Return a function that appends what statements put out to a list. Raises `EvaluationFailed`."""
    steps = [_STATEMENTS[type(node)](node) for node in body]

    def run(frame: Frame, out: list[str]) -> None:
        for step in steps:
            step(frame, out)

    return run


def _output(node: Any) -> Write:
    parts = [child.data if isinstance(child, nodes.TemplateData) else compile_node(child) for child in node.nodes]

    def run(frame: Frame, out: list[str]) -> None:
        for item in parts:
            written = item if isinstance(item, str) else text(item(frame))
            frame.spend(len(written))
            out.append(written)

    return run


def _if(node: Any) -> Write:
    branches = [(compile_node(branch.test, True), compile_body(branch.body)) for branch in (node, *node.elif_)]
    otherwise = compile_body(node.else_)

    def run(frame: Frame, out: list[str]) -> None:
        for test, body in branches:
            if test(frame):
                body(frame, out)
                return
        otherwise(frame, out)

    return run


def _for(node: Any) -> Write:
    items_of, body, otherwise = compile_node(node.iter), compile_body(node.body), compile_body(node.else_)
    test = compile_node(node.test, True) if node.test else None
    pair = isinstance(node.target, nodes.Tuple)
    names = [target.name for target in node.target.items] if pair else [node.target.name]

    def bind(item: Any) -> dict[str, Any]:
        if not pair:
            return {names[0]: item}
        if not isinstance(item, list) or len(item) != len(names):
            raise EvaluationFailed(f"a loop over {len(names)} names needs lists of as many items")
        return dict(zip(names, item, strict=True))

    def run(frame: Frame, out: list[str]) -> None:
        items = items_of(frame)
        if not isinstance(items, (list, dict, str)):
            raise EvaluationFailed(f"a loop needs a list, not {kind(items)}")
        outer = frame.local
        frame.charge(len(items) * (1 + len(outer)))
        bound = [bind(item) for item in items]
        try:
            if test is not None:
                bound = [local for local in bound if _holds(test, frame, outer, local)]
            for index, local in enumerate(bound):
                frame.charge(1)
                frame.local = {**outer, **local, "loop": _loop(index, len(bound))}
                body(frame, out)
        finally:
            frame.local = outer
        if not bound:
            otherwise(frame, out)

    return run


def _holds(test: Callable[[Frame], Any], frame: Frame, outer: dict[str, Any], local: dict[str, Any]) -> bool:
    frame.local = {**outer, **local}
    return bool(test(frame))


def _loop(index: int, length: int) -> dict[str, Any]:
    return {
        "index": index + 1,
        "index0": index,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
    }


def _assign(node: Any) -> Write:
    value, name = compile_node(node.node), node.target.name

    def run(frame: Frame, out: list[str]) -> None:
        result = value(frame)
        frame.local[name] = None if result is MISSING else result

    return run


_STATEMENTS: dict[type[nodes.Node], Callable[[Any], Write]] = {
    nodes.Output: _output,
    nodes.If: _if,
    nodes.For: _for,
    nodes.Assign: _assign,
}
