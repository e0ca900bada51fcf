"""Sizes and coordinates, from the inside out: an inner block becomes one big item of the area around it."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, sqrt

from agentspec.plan.draw.columns import spread
from agentspec.plan.draw.layers import Layers, arrange
from agentspec.plan.draw.outline import Area, Item, Outline
from agentspec.plan.draw.picture import Box, Edge, Node, Picture, Point
from agentspec.plan.draw.words import cells
from agentspec.plan.model import Plan

ID_CELL, DETAIL_CELL, SMALL_CELL = 8.1, 6.9, 5.7
"""Pixels that a letter takes in the sizes 13, 11 and 9: 0.62 em, a little more than in common fonts."""

LONGEST = 28
"""Columns of a label in a node; a longer one is cut."""

CHIP = 46.0
"""From the left side of a node or header to its words: the letters LM, T or C stand there."""

SIGN = 36.0
"""Room for the sign at the right side of a controller's header."""

HEADER, CASE_HEADER, PAD = 34.0, 26.0, 16.0
"""Height of a controller's header and of the title of a case, and room around what a box holds."""

_NODE_HEIGHT, _TERMINAL_HEIGHT = 48.0, 28.0
_GAP_X, _GAP_Y, _MOST_GAP_Y = 26.0, 36.0, 96.0
_BEND = 8.0
_SHELF_WIDTH = 1080.0
_MARGIN = 24.0


def picture(plan: Plan) -> Picture:
    """Lay a plan out. Equal plans give equal pictures."""
    area = Outline().whole(plan)
    placed = _Placed()
    width, height = placed.measure(area, "")
    nodes: list[Node] = []
    boxes: list[Box] = []
    edges: list[Edge] = []
    _flatten(area.items, "", _MARGIN, _MARGIN, nodes, boxes)
    corner = {"": (_MARGIN, _MARGIN)} | {box.key: (box.x, box.y) for box in boxes}
    for parent, (dx, dy) in corner.items():
        edges += [_moved(edge, dx, dy) for edge in placed.edges.get(parent, ())]
    size = (round(width + 2 * _MARGIN, 1), round(height + 2 * _MARGIN, 1))
    return Picture(plan.name, plan.description, *size, tuple(boxes), tuple(nodes), tuple(edges))


class _Placed:
    """Measures areas and gathers their edges, with points relative to the box around them."""

    def __init__(self) -> None:
        self.edges: dict[str, list[Edge]] = {}

    def measure(self, area: Area, parent: str, dx: float = 0.0, dy: float = 0.0) -> tuple[float, float]:
        """Place the items of an area, shifted by `dx` and `dy`, and return the size of what they cover."""
        for item in area.items:
            self._size(item)
        layers = arrange(area)
        widths = [item.width for item in area.items] + [_BEND] * (len(layers.up) - layers.solid)
        middle = spread(layers.rows, layers.up, layers.down, widths, _GAP_X, layers.solid)
        bands: list[tuple[float, float]] = []
        at = 0.0
        for row in layers.rows:
            inside = [area.items[vertex] for vertex in row if vertex < layers.solid]
            height = max(item.height for item in inside)
            for item in inside:
                item.y = at + (height - item.height) / 2 + dy
            bands.append((at + dy, at + height + dy))
            reach = [abs(middle[one] - middle[two]) for one in row for two in layers.down[one]]
            at += height + min(_GAP_Y + max(reach, default=0.0) / 6, _MOST_GAP_Y)
        for vertex, item in enumerate(area.items):
            item.x = middle[vertex] - item.width / 2 + dx
        self._route(area, layers, [x + dx for x in middle], bands, parent)
        width = max((middle[one] + widths[one] / 2 for row in layers.rows for one in row), default=0.0)
        return width, bands[-1][1] - dy if bands else 0.0

    def _size(self, item: Item) -> None:
        if item.area is None and not item.shelf and item.kind != "switch":
            item.width, item.height = _leaf_size(item)
            return
        header = CASE_HEADER if item.kind in ("case", "group") else HEADER
        if item.area is None:
            width, height = self._shelve(item, header)
        else:
            width, height = self.measure(item.area, item.key, PAD, header + PAD)
        words = min(cells(item.id), LONGEST) * ID_CELL + cells(item.detail) * DETAIL_CELL
        item.width, item.height = max(width + 2 * PAD, CHIP + words + SIGN + 12), header + height + 2 * PAD
        spare = (item.width - 2 * PAD - width) / 2
        if spare:
            for inner in item.shelf or (item.area.items if item.area else ()):
                inner.x += spare
            self.edges[item.key] = [_moved(edge, spare, 0.0) for edge in self.edges.get(item.key, ())]

    def _shelve(self, item: Item, header: float) -> tuple[float, float]:
        """Put the members of a switch or a group side by side, in as many rows as it takes."""
        for inner in item.shelf:
            self._size(inner)
        most = _SHELF_WIDTH
        if item.kind == "group":
            wide = max(inner.width for inner in item.shelf)
            for inner in item.shelf:
                inner.width = wide
            columns = min(ceil(sqrt(len(item.shelf) * 0.9)), 12)
            most = columns * (wide + PAD)
        x, y, tall, rank, width = 0.0, 0.0, 0.0, 0, 0.0
        for inner in item.shelf:
            if x and x + inner.width > most:
                x, y, tall, rank = 0.0, y + tall + PAD, 0.0, rank + 1
            inner.x, inner.y, inner.rank = PAD + x, header + PAD + y, rank
            width, tall = max(width, x + inner.width), max(tall, inner.height)
            x += inner.width + PAD
        return width, y + tall

    def _route(
        self, area: Area, layers: Layers, middle: list[float], bands: list[tuple[float, float]], parent: str
    ) -> None:
        for chain in layers.chains:
            source, target = area.items[chain[0]], area.items[chain[-1]]
            points: list[Point] = [(middle[chain[0]], source.y + source.height)]
            points.append((middle[chain[0]], bands[source.rank][1]))
            for rank, bend in enumerate(chain[1:-1], source.rank + 1):
                points += [(middle[bend], bands[rank][0]), (middle[bend], bands[rank][1])]
            points += [(middle[chain[-1]], bands[target.rank][0]), (middle[chain[-1]], target.y)]
            lower = [one for one, other in pairwise(points) if one[1] < other[1]]
            bends = tuple(middle[bend] for bend in chain[1:-1])
            edge = Edge(source.key, target.key, parent, (*lower, points[-1]), bends)
            self.edges.setdefault(parent, []).append(edge)


def _moved(edge: Edge, dx: float, dy: float) -> Edge:
    points = tuple((round(x + dx, 1), round(y + dy, 1)) for x, y in edge.points)
    return Edge(edge.source, edge.target, edge.parent, points, tuple(round(x + dx, 1) for x in edge.bends))


def _leaf_size(item: Item) -> tuple[float, float]:
    if item.kind in ("inputs", "result"):
        words = f"{item.id}  {item.detail}" if item.detail else item.id
        return min(cells(words), LONGEST + 12) * DETAIL_CELL + 32, _TERMINAL_HEIGHT
    badge = 16 + cells(item.mark) * SMALL_CELL if item.mark else 0
    first = min(cells(item.id), LONGEST) * ID_CELL + badge
    second = min(cells(item.detail), LONGEST) * DETAIL_CELL
    return max(CHIP + max(first, second) + 14, 120.0), _NODE_HEIGHT


def _flatten(
    items: list[Item],
    parent: str,
    dx: float,
    dy: float,
    nodes: list[Node],
    boxes: list[Box],
) -> None:
    for item in items:
        x, y, wide, tall = (round(one, 1) for one in (item.x + dx, item.y + dy, item.width, item.height))
        key, path, name, detail = item.key, item.path, item.id, item.detail
        maybe, about, rank = item.conditional, item.description, item.rank
        match item.kind:
            case "lm" | "tool" | "control" | "inputs" | "result" as kind:
                mark = item.mark
                node = Node(key, path, name, kind, detail, mark, maybe, about, parent, rank, x, y, wide, tall)
                nodes.append(node)
            case "switch" | "map" | "loop" | "machine" | "agency" | "plan" | "code" | "case" | "group" as kind:
                box = Box(key, path, name, kind, detail, maybe, about, parent, rank, x, y, wide, tall)
                boxes.append(box)
                _flatten(item.shelf or (item.area.items if item.area else []), key, x, y, nodes, boxes)
