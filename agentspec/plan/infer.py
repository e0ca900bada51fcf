"""The types of expressions, and what is wrong with them, without running anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable, without_null
from agentspec.plan.scope import Scope
from agentspec.spec.diagnostics import suggest
from agentspec.spec.expressions import Expression, Reference

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
ANY: Schema = {}

_FILTERS: dict[str, Schema] = {
    **dict.fromkeys(("upper", "lower", "title", "trim", "replace", "truncate", "join", "string"), STRING),
    **dict.fromkeys(("tojson", "indent", "wordwrap"), STRING),
    **dict.fromkeys(("length", "count", "int"), INTEGER),
    **dict.fromkeys(("float", "round"), NUMBER),
    "split": {"type": "array", "items": STRING},
    "keys": {"type": "array", "items": STRING},
}
_SAME = frozenset({"sort", "unique", "reverse", "selectattr", "rejectattr", "select", "reject", "list"})
_ITEM = frozenset({"first", "last", "min", "max"})


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """Something wrong inside an expression; `start` and `end` are offsets in its text.

    `owner` is the type that lacks a field, so that its definition can be shown.
    """

    code: str
    message: str
    start: int
    end: int
    label: str = ""
    fix: str | None = None
    owner: Schema | None = None


def infer(expression: Expression, scope: Scope) -> tuple[Schema, list[TypeProblem]]:
    """Return the type of an expression's value and the problems of its references."""
    problems = []
    schema = STRING
    nullable_at: dict[int, Reference] = {}
    for reference in expression.references:
        schema, problem = follow(reference, scope, expression.text)
        if problem is not None:
            problems.append(problem)
        if not reference.guarded and schema and without_null(schema) != schema:
            nullable_at[reference.start] = reference
    if expression.kind == "reference":
        return schema, problems
    if expression.kind == "literal":
        return STRING, problems
    typing = _Typing(scope, nullable_at, len(expression.text))
    if expression.kind == "template":
        for _, _, node in expression.parts:
            typing.type(node)
        return STRING, problems + typing.problems
    return typing.type(expression.ast), problems + typing.problems


def follow(reference: Reference, scope: Scope, text: str) -> tuple[Schema, TypeProblem | None]:
    """Type a dotted path; the first step that cannot be taken is the problem."""
    word = str(reference.path[0])
    schema = scope.find(word)
    end = reference.start + len(word)
    if schema is None:
        close = suggest(word, scope.names())
        label = f"did you mean `{close}`?" if close else _in_sight(scope)
        message = f"there is no `{word}` here"
        if word == "secrets":
            message, label = "`secrets` is part of the language, but this release does not have it yet", "use `env`"
        elif word == "env":
            message, label = f"`{word}` can be read only under `models:` and `tools:`", ""
        return ANY, TypeProblem("AS302", message, reference.start, end, label, close)
    walked = word
    may_be_null = False
    for step in reference.path[1:]:
        may_be_null = may_be_null or without_null(schema) != schema
        inner, known = _step(without_null(schema), step)
        if inner is None:
            close = suggest(str(step), known)
            label = f"did you mean `{close}`?" if close else (f"it has {', '.join(known)}" if known else "")
            start, end = _place_of(step, walked, reference, text)
            message = f"`{walked}` has no `{step}`"
            return ANY, TypeProblem("AS301", message, start, end, label, close, without_null(schema))
        walked, schema = f"{walked}.{step}", inner
    return (nullable(schema) if may_be_null else schema), None


def _place_of(step: str | int, walked: str, reference: Reference, text: str) -> tuple[int, int]:
    """Where a step stands in the text; the whole path when it is written in another way than `a.b.c`."""
    start = reference.start + len(walked) + 1
    if text.startswith(f"{walked}.{step}", reference.start):
        return start, start + len(str(step))
    return reference.start, reference.end


def _step(schema: Schema, step: str | int) -> tuple[Schema | None, list[str]]:
    """One step into a type; None when it cannot exist, with the fields that do."""
    if "anyOf" in schema:
        found = [inner for option in schema["anyOf"] for inner in [_step(option, step)[0]] if inner is not None]
        known = [key for option in schema["anyOf"] for key in option.get("properties", ())]
        return (union(found) if found else None), known
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        if step in properties:
            required = step in schema.get("required", properties)
            return (properties[step] if required else nullable(properties[step])), []
        extra = schema.get("additionalProperties", True)
        return (ANY if extra is True else extra or None), list(properties)
    if kind == "array":
        return (schema.get("items", ANY) if isinstance(step, int) else None), []
    if kind in ("string", "integer", "number", "boolean", "null") or "enum" in schema or "const" in schema:
        return None, []
    return ANY, []


def union(schemas: list[Schema]) -> Schema:
    """The type of a value that is one of several; unknown as soon as one of them is."""
    different: list[Schema] = []
    for schema in schemas:
        for option in schema.get("anyOf", [schema]):
            if not option:
                return ANY
            if option not in different:
                different.append(option)
    return different[0] if len(different) == 1 else {"anyOf": different} if different else ANY


def _in_sight(scope: Scope) -> str:
    names = sorted(set(scope.names()))
    return "in sight: " + ", ".join(names) if len(names) <= 12 else ""


class _Typing:
    """Types Jinja's syntax tree. Names are looked up again; their problems were reported already.

    `nullable_at` has the references that may be null, by their offsets; `end` is the length of the text.
    """

    def __init__(self, scope: Scope, nullable_at: Mapping[int, Reference], end: int) -> None:
        self.scope = scope
        self.nullable_at = nullable_at
        self.end = end
        self.problems: list[TypeProblem] = []

    def type(self, node: Any) -> Schema:
        """The type of one node of the tree; ANY for what is not known."""
        method: Callable[[Any], Schema] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        return ANY if method is None else method(node)

    def _const(self, node: Any) -> Schema:
        names = {bool: BOOLEAN, int: INTEGER, float: NUMBER, str: STRING}
        return names.get(type(node.value), {"type": "null"})

    def _name(self, node: Any) -> Schema:
        return self.scope.find(node.name) or ANY

    def _getattr(self, node: Any) -> Schema:
        return self._into(self.type(node.node), node.attr)

    def _getitem(self, node: Any) -> Schema:
        key = getattr(node.arg, "value", None)
        owner = self.type(node.node)
        if isinstance(key, str | int):
            return self._into(owner, key)
        return owner.get("items", ANY) if owner.get("type") == "array" else ANY

    def _into(self, owner: Schema, step: str | int) -> Schema:
        inner, _ = _step(without_null(owner), step)
        return ANY if inner is None else nullable(inner) if without_null(owner) != owner else inner

    def _list(self, node: Any) -> Schema:
        return {"type": "array", "items": union([self.type(item) for item in node.items])}

    def _dict(self, node: Any) -> Schema:
        pairs = {getattr(pair.key, "value", None): self.type(pair.value) for pair in node.items}
        if not all(isinstance(key, str) for key in pairs):
            return {"type": "object"}
        return {"type": "object", "properties": pairs, "required": list(pairs), "additionalProperties": False}

    def _condexpr(self, node: Any) -> Schema:
        other: Schema = {"type": "null"} if node.expr2 is None else self.type(node.expr2)
        return union([self.type(node.expr1), other])

    def _filter(self, node: Any) -> Schema:
        given = self.type(node.node)
        if node.name in ("default", "d"):
            return union([without_null(given), self.type(node.args[0])]) if node.args else without_null(given)
        if node.name in _SAME:
            return without_null(given)
        if node.name in _ITEM:
            return nullable(given.get("items", ANY))
        if node.name == "map":
            return {"type": "array", "items": self._mapped(node, given.get("items", ANY))}
        return _FILTERS.get(node.name, ANY)

    def _mapped(self, node: Any, item: Schema) -> Schema:
        for argument in node.kwargs:
            if argument.key == "attribute" and isinstance(getattr(argument.value, "value", None), str):
                for step in argument.value.value.split("."):
                    item = self._into(item, step)
                return item
        return ANY

    def _compare(self, node: Any) -> Schema:
        left = without_null(self.type(node.expr))
        for operand in node.ops:
            self.type(operand.expr)
            if operand.op in ("eq", "ne"):
                self._check_words(left, getattr(operand.expr, "value", None))
            elif operand.op in ("lt", "lteq", "gt", "gteq"):
                self._refuse_null(node.expr)
                self._refuse_null(operand.expr)
        return BOOLEAN

    def _check_words(self, left: Schema, right: Any) -> None:
        """Report a comparison with a word that the left side never is."""
        words = left.get("enum")
        if not isinstance(right, str):
            return
        if words and right not in words:
            close = suggest(right, [str(word) for word in words])
            label = f"did you mean `{close}`?" if close else ""
            message = f"`{right}` is none of {', '.join(str(word) for word in words)}"
            self.problems.append(TypeProblem("AS312", message, 0, self.end, label))
        elif left.get("type") in ("array", "object"):
            message = f"a {'list' if left['type'] == 'array' else 'object'} is never equal to a string"
            self.problems.append(TypeProblem("AS312", message, 0, self.end))

    def _refuse_null(self, node: Any) -> None:
        """Report a plain reference that may be null where a number or text is needed."""
        while hasattr(node, "attr") or hasattr(node, "arg"):
            node = node.node
        reference = self.nullable_at.get(node.lineno) if hasattr(node, "name") and not hasattr(node, "args") else None
        if reference is not None:
            message = f"`{'.'.join(str(step) for step in reference.path)}` may be null here"
            label = "give a value for that case: `| default(…)`"
            self.problems.append(TypeProblem("AS310", message, reference.start, reference.end, label))

    def _test(self, node: Any) -> Schema:
        return BOOLEAN

    def _not(self, node: Any) -> Schema:
        self.type(node.node)
        return BOOLEAN

    def _and(self, node: Any) -> Schema:
        return union([self.type(node.left), self.type(node.right)])

    _or = _and

    def _concat(self, node: Any) -> Schema:
        return STRING

    def _add(self, node: Any) -> Schema:
        left, right = self.type(node.left), self.type(node.right)
        self._refuse_null(node.left)
        self._refuse_null(node.right)
        if left == right:
            return left
        return NUMBER if {left.get("type"), right.get("type")} <= {"integer", "number"} else ANY

    _sub = _mul = _mod = _floordiv = _add

    def _div(self, node: Any) -> Schema:
        self._add(node)
        return NUMBER

    def _neg(self, node: Any) -> Schema:
        return self.type(node.node)
