"""What an expression may contain, and what it refers to: one walk over Jinja's tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from agentspec.spec.diagnostics import suggest
from agentspec.spec.expressions.filters import ATTRIBUTE_FIRST, FILTERS, WITH_ATTRIBUTE, accepts
from agentspec.spec.expressions.guards import NOTHING, Guards, compares_null, constant_path, guards_of
from agentspec.spec.expressions.operators import BINARY, TESTS
from agentspec.spec.expressions.references import Reference
from agentspec.spec.expressions.tokens import ExpressionProblem

_ATTRIBUTE = re.compile(r"\.\s*(\w+)")
_TEST = re.compile(r"is\s+(?:not\s+)?(\w+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\w+|\*\*")
_DEEPEST = 120
_TEST_NAMES = frozenset({"select", "reject", "selectattr", "rejectattr"})


def inspect(
    tree: nodes.Node, text: str, pairs: Mapping[int, int]
) -> tuple[tuple[Reference, ...], list[ExpressionProblem]]:
    """Return what a tree refers to, and what is not allowed in it.

    `pairs` maps the offset of each opening bracket to that behind its closing one.
    """
    walk = _Walk(text, pairs)
    try:
        walk.visit(tree, False, NOTHING, set())
    except RecursionError:
        problem = ExpressionProblem("AS306", "an expression that is nested too deeply", 0, max(1, len(text)))
        walk.problems.append(problem)
    walk.references.sort(key=lambda reference: reference.start)
    return tuple(walk.references), walk.problems


class _Walk:
    """The walk. `guarded`: missing is harmless; `guards`: paths known to be there; `local`: own names."""

    def __init__(self, text: str, pairs: Mapping[int, int]) -> None:
        self.references: list[Reference] = []
        self.problems: list[ExpressionProblem] = []
        self._text = text
        self._pairs = pairs
        self._depth = 0

    def visit(self, node: nodes.Node, guarded: bool, guards: Guards, local: set[str]) -> None:
        """Look at a node and what is below it, unless that is too deep to be evaluated."""
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse("an expression that is nested too deeply", node.lineno)
        else:
            self._visit(node, guarded, guards, local)
        self._depth -= 1

    def _visit(self, node: nodes.Node, guarded: bool, guards: Guards, local: set[str]) -> None:
        match node:
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                self._chain(node, guarded, guards, local)
            case nodes.Const() | nodes.TemplateData():
                pass
            case nodes.Filter():
                self._filter(node, guards, local)
            case nodes.Test():
                self._test(node, guards, local)
            case nodes.Compare():
                lenient = compares_null(node)
                for part in (node.expr, *(operand.expr for operand in node.ops)):
                    self.visit(part, lenient, guards, local)
            case nodes.And() | nodes.Or():
                holds, fails = guards_of(node.left)
                self.visit(node.left, True, guards, local)
                more = holds if isinstance(node, nodes.And) else fails
                self.visit(node.right, guarded, guards | more, local)
            case nodes.Not():
                self.visit(node.node, True, guards, local)
            case nodes.CondExpr():
                holds, fails = guards_of(node.test)
                self.visit(node.test, True, guards, local)
                self.visit(node.expr1, guarded, guards | holds, local)
                if node.expr2 is not None:
                    self.visit(node.expr2, guarded, guards | fails, local)
            case nodes.If():
                self._if(node, guards, local)
            case nodes.For() if not node.recursive:
                self._for(node, guards, local)
            case nodes.Assign(target=nodes.Name(name=name)):
                self.visit(node.node, False, guards, local)
                self._name(name, node.target.lineno)
                local.add(name)
            case nodes.Mul(left=left, right=right) if _is_text(left) or _is_text(right):
                self._refuse("`*` works with numbers only", node.lineno)
            case nodes.BinExpr() if type(node).__name__ in BINARY:
                self.visit(node.left, False, guards, local)
                self.visit(node.right, False, guards, local)
            case (
                nodes.Template() | nodes.Output() | nodes.List() | nodes.Tuple() | nodes.Dict() | nodes.Pair()
                | nodes.Neg() | nodes.Pos() | nodes.Concat() | nodes.Slice()
            ):  # fmt: skip
                for child in node.iter_child_nodes():
                    self.visit(child, False, guards, local)
            case _:
                self._not_allowed(node, guards, local)

    def _chain(self, node: Any, guarded: bool, guards: Guards, local: set[str]) -> None:
        path = constant_path(node)
        end = self._end(node)
        base = node
        while isinstance(base, (nodes.Getattr, nodes.Getitem)):
            if isinstance(base, nodes.Getattr) and base.attr.startswith("_"):
                match = _ATTRIBUTE.match(self._text, base.lineno)
                start = match.start(1) if match else base.lineno
                self._add("AS306", f"the field `{base.attr}` begins with `_`", start, start + len(base.attr))
            elif isinstance(base, nodes.Getitem) and isinstance(base.arg, nodes.Const):
                self._item(base, base.arg.value)
            base = base.node
        if path is not None:
            name = str(path[0])
            self._name(name, base.lineno)
            if name not in local:
                known = any(path[: len(guard)] == guard or guard[: len(path)] == path for guard in guards)
                self.references.append(Reference(path, base.lineno, end, guarded or known))
            return
        if isinstance(node, nodes.Getitem):
            self.visit(node.arg, False, guards, local)
        self.visit(node.node, guarded, guards, local)

    def _item(self, node: nodes.Getitem, key: object) -> None:
        if isinstance(key, str) and key.startswith("__"):
            self._add("AS306", f"the field `{key}` begins with `__`", node.lineno, self._end(node))

    def _name(self, name: str, start: int) -> None:
        if name.startswith("_"):
            self._add("AS306", f"the name `{name}` begins with `_`", start, start + len(name))

    def _end(self, node: nodes.Node) -> int:
        if isinstance(node, nodes.Name):
            return node.lineno + len(node.name)
        if isinstance(node, nodes.Getitem) and node.lineno in self._pairs:
            return self._pairs[node.lineno]
        match = _ATTRIBUTE.match(self._text, node.lineno)
        return match.end() if match else node.lineno + 1

    def _filter(self, node: nodes.Filter, guards: Guards, local: set[str]) -> None:
        self._children(node, node.name in ("default", "d"), guards, local)
        if node.name not in FILTERS:
            self._unknown("filter", node.name, node.lineno, FILTERS)
            return
        named = tuple(str(pair.key) for pair in node.kwargs)
        end = node.lineno + len(node.name)
        if node.dyn_args is not None or node.dyn_kwargs is not None or len(set(named)) < len(named):
            self._add("AS306", "`*` and `**` arguments are not allowed", node.lineno, end)
        elif not accepts(node.name, len(node.args), named):
            self._add("AS300", f"the filter `{node.name}` does not take these arguments", node.lineno, end)
        else:
            self._names_in_arguments(node, dict(zip(named, node.kwargs, strict=True)))

    def _names_in_arguments(self, node: nodes.Filter, named: Mapping[str, nodes.Pair]) -> None:
        rest = list(node.args)
        if node.name in WITH_ATTRIBUTE:
            attribute = named["attribute"].value if "attribute" in named else None
            if attribute is None and node.name in ATTRIBUTE_FIRST and rest:
                attribute = rest.pop(0)
            value = attribute.value if isinstance(attribute, nodes.Const) else None
            steps = str(value).split(".")
            if attribute is not None and (type(value) not in (str, int) or any(s.startswith("_") for s in steps)):
                self._refuse("`attribute` must be the name of a field, in quotes", attribute.lineno)
        if rest and (node.name == "map" or node.name in _TEST_NAMES):
            word = str(rest[0].value) if isinstance(rest[0], nodes.Const) else ""
            if node.name == "map" and (word not in FILTERS or not accepts(word, len(rest) - 1, ())):
                self._unknown("filter", word, rest[0].lineno, FILTERS)
            elif node.name != "map" and (word not in TESTS or TESTS[word][0] != len(rest) - 1):
                self._unknown("test", word, rest[0].lineno, TESTS)

    def _test(self, node: nodes.Test, guards: Guards, local: set[str]) -> None:
        self._children(node, node.name in ("none", "defined"), guards, local)
        if node.name not in TESTS:
            match = _TEST.match(self._text, node.lineno)
            self._unknown("test", node.name, match.start(1) if match else node.lineno, TESTS)
        elif len(node.args) != TESTS[node.name][0] or node.kwargs or node.dyn_args or node.dyn_kwargs:
            self._refuse(f"the test `{node.name}` does not take these arguments", node.lineno)

    def _children(self, node: nodes.Filter | nodes.Test, lenient: bool, guards: Guards, local: set[str]) -> None:
        if node.node is not None:
            self.visit(node.node, lenient, guards, local)
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            self.visit(argument, False, guards, local)

    def _if(self, node: nodes.If, guards: Guards, local: set[str]) -> None:
        for branch in (node, *node.elif_):
            holds, fails = guards_of(branch.test)
            self.visit(branch.test, True, guards, local)
            for child in branch.body:
                self.visit(child, False, guards | holds, local)
            guards |= fails
        for child in node.else_:
            self.visit(child, False, guards, local)

    def _for(self, node: nodes.For, guards: Guards, local: set[str]) -> None:
        self.visit(node.iter, False, guards, local)
        targets = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
        names = {target.name for target in targets if isinstance(target, nodes.Name)}
        for name in names:
            self._name(name, node.target.lineno)
        if len(names) != len(targets):
            self._refuse("a loop needs different plain names", node.target.lineno)
        inner = local | names
        if node.test is not None:
            self.visit(node.test, True, guards, set(inner))
        inner.add("loop")
        for child in node.body:
            self.visit(child, False, guards, inner)
        for child in node.else_:
            self.visit(child, False, guards, set(local))

    def _not_allowed(self, node: nodes.Node, guards: Guards, local: set[str]) -> None:
        if isinstance(node, nodes.Call):
            callee = node.node
            end = self._end(callee) if isinstance(callee, (nodes.Name, nodes.Getattr)) else node.lineno + 1
            word = callee.attr if isinstance(callee, nodes.Getattr) else getattr(callee, "name", "")
            start = end - len(word)
            self._add(
                "AS306",
                "calls are not allowed in expressions",
                start,
                end,
                f"| {word}" if word in FILTERS else None,
            )
            return
        start = max(self._text.find("**", node.lineno), 0) if isinstance(node, nodes.Pow) else node.lineno
        self._refuse(_WORDS.get(type(node).__name__, "this is not allowed in expressions"), start)

    def _unknown(self, what: str, name: str, start: int, known: Mapping[str, Any]) -> None:
        start += self._text[start : start + 1] in ("'", '"')
        message = f"there is no {what} `{name}` that can be used here"
        self._add("AS307", message, start, start + len(name), suggest(name, known))

    def _refuse(self, message: str, start: int) -> None:
        match = _QUOTED.match(self._text, start)
        self._add("AS306", message, start, match.end() if match else start + 1)

    def _add(self, code: str, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        self.problems.append(ExpressionProblem(code, message, start, min(end, len(self._text)), suggestion))


_WORDS = {
    "Pow": "`**` is not allowed",
    "For": "recursive loops are not allowed",
    "AssignBlock": "`{% set %}` needs `= value`",
    "Assign": "`{% set %}` takes one plain name",
}


def _is_text(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Const):
        return isinstance(node.value, str)
    return isinstance(node, (nodes.List, nodes.Tuple, nodes.Dict, nodes.Concat, nodes.TemplateData))
