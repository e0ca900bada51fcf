"""What is drawn: boxes, nodes and edges with coordinates in pixels, y growing downward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

NodeKind = Literal["lm", "tool", "control", "inputs", "result"]
BoxKind = Literal["switch", "map", "loop", "machine", "agency", "plan", "code", "case", "group"]
Mark = Literal["", "write", "external"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Node:
    """An LM node, a tool node, a controller that shows nothing inside, or one of the two terminals.

    Attributes:
        key: names the node within its picture.
        path: the node's path in runs and journals; empty for terminals.
        detail: second line: the model, the tool, the names of the inputs.
        mark: what a tool does to the world, when it does more than read.
        conditional: it has a `when`, and may be skipped.
        parent: key of the box that it lies in, empty for the outermost level.
        rank: its row among its siblings.
        x, y: upper left corner.
    """

    key: str
    path: str
    id: str
    kind: NodeKind
    detail: str
    mark: Mark
    conditional: bool
    description: str
    parent: str
    rank: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """A controller, an LM node with tools, a case, or a group: many nodes that wait for the same and feed the same.

    The attributes are those of `Node`; its members are the nodes and boxes that name it as their parent.
    """

    key: str
    path: str
    id: str
    kind: BoxKind
    detail: str
    conditional: bool
    description: str
    parent: str
    rank: int
    x: float
    y: float
    width: float
    height: float


Member = Node | Box


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` waits for `source`; both lie in the same box. Edges that follow from others are left out.

    Attributes:
        points: from the source's lower side to the target's upper side, ever downward.
        bends: where it passes the ranks between the two, as x per rank.
    """

    source: str
    target: str
    parent: str
    points: tuple[Point, ...]
    bends: tuple[float, ...]


@dataclass(frozen=True)
class Picture:
    """Everything that can be seen of a plan. A box stands before its members."""

    name: str
    description: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def everything(self) -> tuple[Member, ...]:
        """All nodes and boxes."""
        both: list[Member] = [*self.nodes]
        return (*both, *self.boxes)

    @cached_property
    def members(self) -> dict[str, list[Member]]:
        """Per parent key, what lies in it, row by row, from left to right."""
        found: dict[str, list[Member]] = {"": []}
        for member in sorted(self.everything, key=lambda one: (one.rank, one.x)):
            found.setdefault(member.parent, []).append(member)
        return found

    @cached_property
    def inner_edges(self) -> dict[str, list[Edge]]:
        """Per parent key, the edges between its members."""
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.parent, []).append(edge)
        return found

    def sources(self, member: Member) -> Iterator[Member]:
        """The siblings that a member waits for, in reading order."""
        edges = self.inner_edges.get(member.parent, ())
        before = {edge.source for edge in edges if edge.target == member.key}
        return (one for one in self.members[member.parent] if one.key in before)
