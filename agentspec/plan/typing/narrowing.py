"""What is known about types at one place of an expression, and what a test adds to that.

Consistent with `agentspec.spec.expressions.guards`: a path that is guarded there is not null here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from jinja2 import nodes

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import nullable
from agentspec.plan.scope import Scope
from agentspec.plan.typing.kinds import NULL, has_null, kind, not_null, options, union, values_of, words
from agentspec.plan.typing.operators import may_equal
from agentspec.plan.typing.steps import step, track
from agentspec.plan.typing.truth import falsy, truthy
from agentspec.spec.expressions.guards import constant_path
from agentspec.spec.expressions.references import Path

KINDS_OF_TESTS: Mapping[str, frozenset[str]] = {
    "none": frozenset({"null"}),
    "string": frozenset({"string"}),
    "number": frozenset({"integer", "number"}),
    "boolean": frozenset({"boolean"}),
    "mapping": frozenset({"object"}),
    "sequence": frozenset({"array", "object", "string"}),
}
"""The tests that hold for all values of these kinds and for no other."""

Narrow = Callable[[Schema], Schema | None]


@dataclass(frozen=True, slots=True)
class Sight:
    """The names in sight, and what tests have shown about paths.

    Attributes:
        local: names that statements have set.
        shown: narrower types of paths.
    """

    scope: Scope
    local: Mapping[str, Schema] = field(default_factory=dict)
    shown: Mapping[Path, Schema] = field(default_factory=dict)
    _splits: dict[int, tuple[nodes.Node, Sight, Sight]] = field(default_factory=dict, init=False, compare=False)

    def nearest(self, path: Path) -> tuple[Schema | None, int]:
        """The type of the longest part of a path that is known, and how long it is; None for an unknown name."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.shown:
                return self.shown[path[:length]], length
        name = str(path[0])
        return (self.local[name] if name in self.local else self.scope.find(name)), 1

    def skippable(self, path: Path) -> bool:
        """Tell whether a path begins at a node that may have been skipped, which no test has excluded."""
        if str(path[0]) in self.local or any(path[:length] in self.shown for length in range(1, len(path) + 1)):
            return False
        node = path[1] if path[0] == "meta" and len(path) > 1 else path[0]
        return self.scope.may_be_skipped(str(node))

    def read(self, path: Path) -> Schema | None:
        """The type of a path, read where null and nothing do no harm; None for an unknown name."""
        schema, length = self.nearest(path)
        if schema is None:
            return None
        found = track(schema, path[length:], lenient=True).schema
        return nullable(found) if self.skippable(path) else found

    def bind(self, names: Mapping[str, Schema]) -> Sight:
        """Return what is in sight when names have been set."""
        shown = {path: schema for path, schema in self.shown.items() if path[0] not in names}
        return replace(self, local={**self.local, **names}, shown=shown)

    def narrow(self, path: Path, change: Narrow, present: bool) -> Sight:
        """Return what is in sight when the value of a path is of a narrower type.

        With `present` it is not null, so what is before it on the path is not null either.
        """
        before = self.read(path)
        after = None if before is None else change(before)
        if before is None or after is None:
            return self
        shown = {**self.shown, path: after}
        for length in range(len(path) - 1, 0, -1):
            owner = shown.get(path[:length]) or self.read(path[:length]) or {}
            fitting = _owners(owner, path[length], shown[path[: length + 1]], present) if owner else None
            if fitting is None or fitting is owner:
                break
            shown[path[:length]] = fitting
        return replace(self, shown=shown)


def _owners(owner: Schema, key: str | int, inner: Schema, present: bool) -> Schema | None:
    """Return the alternatives of an object that can have a field of a narrower type."""
    if not inner:
        return not_null(owner) if present else None
    kept = []
    for option in options(owner):
        found = None if kind(option) == "null" else step(option, key)
        if found is None or found.schema is None:
            fits = not present
        else:
            fits = not found.schema or may_equal(found.schema, inner) or (found.may_lack and has_null(inner))
        if fits:
            kept.append(option)
    return owner if len(kept) == len(options(owner)) else union(kept) if kept else None


def split(test: nodes.Node, sight: Sight) -> tuple[Sight, Sight]:
    """Return what is in sight where a test holds, and where it does not.

    Each test is looked at once: in a long `and` or `or`, every part would ask for those before it again.
    """
    found = sight._splits.get(id(test))
    if found is None:
        found = sight._splits[id(test)] = (test, *_split(test, sight))
    return found[1], found[2]


def _split(test: nodes.Node, sight: Sight) -> tuple[Sight, Sight]:
    match test:
        case nodes.Not(node=inner):
            holds, fails = split(inner, sight)
            return fails, holds
        case nodes.And(left=left, right=right):
            first, first_fails = split(left, sight)
            both, second_fails = split(right, first)
            return both, _either(first_fails, second_fails)
        case nodes.Or(left=left, right=right):
            first_holds, first = split(left, sight)
            second_holds, neither = split(right, first)
            return _either(first_holds, second_holds), neither
        case nodes.Test(node=inner, name=name) if inner is not None:
            return _test(constant_path(inner), name, sight)
        case nodes.Compare(expr=left, ops=[operand]):
            return _comparison(constant_path(left), operand, sight)
        case nodes.Name() | nodes.Getattr() | nodes.Getitem() if (path := constant_path(test)) is not None:
            return sight.narrow(path, truthy, True), sight.narrow(path, falsy, False)
        case _:
            return sight, sight


def _either(one: Sight, other: Sight) -> Sight:
    shown = {path: union([schema, other.shown[path]]) for path, schema in one.shown.items() if path in other.shown}
    return replace(one, shown=shown)


def _test(path: Path | None, name: str, sight: Sight) -> tuple[Sight, Sight]:
    if path is None:
        return sight, sight
    if name == "defined":
        fails, holds = _test(path, "none", sight)
        return holds, fails
    if name not in KINDS_OF_TESTS:
        return sight, sight
    wanted = KINDS_OF_TESTS[name]
    holds = sight.narrow(path, lambda schema: _of_kinds(schema, wanted, True), "null" not in wanted)
    return holds, sight.narrow(path, lambda schema: _of_kinds(schema, wanted, False), "null" in wanted)


def _of_kinds(schema: Schema, wanted: frozenset[str], inside: bool) -> Schema | None:
    kept = [option for option in options(schema) if kind(option) is None or (kind(option) in wanted) is inside]
    return union(kept) if kept else None


def _comparison(path: Path | None, operand: nodes.Operand, sight: Sight) -> tuple[Sight, Sight]:
    found = _constants(operand.expr)
    if path is None or found is None or operand.op not in ("eq", "ne", "in", "notin"):
        return sight, sight
    present = None not in found
    holds = sight.narrow(path, lambda schema: _among(schema, found), present)
    fails = sight.narrow(path, lambda schema: _not_among(schema, found), not present)
    return (holds, fails) if operand.op in ("eq", "in") else (fails, holds)


def _constants(node: nodes.Node) -> list[Json] | None:
    """Return the texts and nulls that stand in an expression: one, or a list of them."""
    if isinstance(node, nodes.Const) and (node.value is None or isinstance(node.value, str)):
        return [node.value]
    if isinstance(node, (nodes.List, nodes.Tuple)) and node.items:
        found = [_constants(item) if isinstance(item, nodes.Const) else None for item in node.items]
        return None if None in found else [value for part in found if part for value in part]
    return None


def _among(schema: Schema, found: list[Json]) -> Schema | None:
    """Return the type of the values that are among those of a list."""
    texts = [value for value in found if isinstance(value, str)]
    wanted = ([words(texts)] if texts else []) + ([NULL] if None in found else [])
    kept = [one for option in options(schema) for one in _common(option, wanted)]
    return union(kept) if kept else None


def _common(option: Schema, wanted: list[Schema]) -> list[Schema]:
    if kind(option) is None:
        return wanted
    mine = values_of(option)
    for other in wanted:
        if mine is None and kind(other) == "string" and kind(option) == "string":
            return [other]
        if mine is not None and (both := [value for value in mine if value in (values_of(other) or ())]):
            return [words(both)] if isinstance(both[0], str) else [NULL]
    return []


def _not_among(schema: Schema, found: list[Json]) -> Schema | None:
    """Return the type of the values that are not among those of a list."""
    kept = []
    for option in options(schema):
        mine = values_of(option)
        if mine is None or isinstance(mine[0], (bool, int, float)):
            kept.append(option)
        elif rest := [value for value in mine if value not in found]:
            kept.append(words(rest) if isinstance(rest[0], str) else NULL)
    return union(kept) if kept else None
