"""Which names an expression sees, and of what type they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object

META: Schema = closed_object(
    {
        "confidence": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "model": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "usd": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "tokens": {"type": "integer"},
        "attempts": {"type": "integer"},
        "seconds": {"type": "number"},
    }
)
"""What `meta.<node>` holds."""


@dataclass(slots=True)
class Scope:
    """The names of one block, inside those of the blocks around it.

    Attributes:
        nodes: types of the block's nodes, filled in while the block is compiled.
        variables: types of the block's own variables.
        skippable: ids of nodes that a condition may have skipped.
    """

    parent: Scope | None = None
    nodes: dict[str, Schema] = field(default_factory=dict)
    variables: dict[str, Schema] = field(default_factory=dict)
    skippable: set[str] = field(default_factory=set)

    def find(self, word: str) -> Schema | None:
        """The type behind a name, or None when there is no such name."""
        if word == "meta":
            return closed_object(dict.fromkeys(self.node_names(), META))
        for scope in self.outwards():
            if word in scope.nodes:
                return scope.nodes[word]
            if word in scope.variables:
                return scope.variables[word]
        return None

    def may_be_skipped(self, word: str) -> bool:
        """Tell whether the node of that name may have been skipped."""
        for scope in self.outwards():
            if word in scope.nodes:
                return word in scope.skippable
        return False

    def is_node(self, word: str) -> bool:
        """Tell whether a node has that name."""
        return any(word in scope.nodes for scope in self.outwards())

    def outwards(self) -> Iterator[Scope]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def node_names(self) -> list[str]:
        """All nodes in sight."""
        return [word for scope in self.outwards() for word in scope.nodes]

    def names(self) -> list[str]:
        """All names in sight."""
        return ["meta", *(word for scope in self.outwards() for word in (*scope.nodes, *scope.variables))]


COUNTER: Schema = closed_object({"index": {"type": "integer"}})
"""What `loop` holds."""
