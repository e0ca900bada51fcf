"""Plan -> what is to be seen of it: items with their labels, and the areas that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from agentspec.plan.draw.picture import BoxKind, Mark, NodeKind
from agentspec.plan.draw.words import clean
from agentspec.plan.model import LmWork, LoopWork, MapWork, Plan, PlanBlock, PlanNode, SwitchWork, ToolWork
from agentspec.plan.names import letter_and_name

GROUPED_FROM = 9
"""So many nodes that wait for the same and feed the same are drawn as one group."""


@dataclass(slots=True)
class Item:
    """Something with a place of its own. A switch and a group have a `shelf`, other boxes an `area`."""

    key: str
    path: str
    id: str
    kind: NodeKind | BoxKind
    detail: str = ""
    mark: Mark = ""
    conditional: bool = False
    description: str = ""
    area: Area | None = None
    shelf: list[Item] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    rank: int = 0

    def __post_init__(self) -> None:
        self.path, self.id = clean(self.path), clean(self.id)
        self.detail, self.description = clean(self.detail), clean(self.description)


@dataclass(slots=True)
class Area:
    """Items, and edges between them by index."""

    items: list[Item]
    edges: list[tuple[int, int]]


class Outline:
    """Reads one plan."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def whole(self, plan: Plan) -> Area:
        """The outermost area, with its two terminals."""
        names = ", ".join(one.name for one in plan.inputs)
        inner = self._area(plan.block, "")
        first = Item("inputs", "", "inputs" if names else "start", "inputs", names)
        items = [first, *inner.items, Item("result", "", "result", "result")]
        edges = [(source + 1, target + 1) for source, target in inner.edges]
        fed, feeding = {target for _, target in edges}, {source for source, _ in edges}
        places = range(1, len(items) - 1)
        edges += [(0, place) for place in places if place not in fed]
        edges += [(place, len(items) - 1) for place in places if place not in feeding]
        return self._grouped(Area(items, edges or [(0, 1)]))

    def _area(self, block: PlanBlock, prefix: str) -> Area:
        items = [self._item(node, prefix[:-1] if block.single else prefix + node.id) for node in block.nodes]
        return Area(items, list(needed_edges(block.nodes)))

    def _boxed(self, block: PlanBlock, prefix: str) -> Area:
        return self._grouped(self._area(block, prefix))

    def _item(self, node: PlanNode, path: str) -> Item:
        work, key = node.work, f"n{next(self._numbers)}"
        conditional, about = node.when is not None, node.description
        match work:
            case LmWork():
                return Item(key, path, node.id, "lm", work.model, "", conditional, about)
            case ToolWork():
                mark = _MARKS.get(work.tool.effect.value, "")
                detail = f"{work.toolset}.{work.tool.name}"
                about = about or work.tool.description
                return Item(key, path, node.id, "tool", detail, mark, conditional, about)
            case MapWork():
                area, detail = self._boxed(work.block, f"{path}/"), f"map ×{work.concurrency}"
                return Item(key, path, node.id, "map", detail, "", conditional, about, area)
            case LoopWork():
                area, detail = self._boxed(work.block, f"{path}/"), f"loop ≤ {work.most}"
                return Item(key, path, node.id, "loop", detail, "", conditional, about, area)
            case SwitchWork():
                blocks = (*work.blocks, *([work.default] if work.default else []))
                shelf = [self._case(block, f"{path}:{block.label}/") for block in blocks]
                return Item(key, path, node.id, "switch", "switch", "", conditional, about, shelf=shelf)
            case _:
                return Item(key, path, node.id, "lm", letter_and_name(work)[1], "", conditional, about)

    def _case(self, block: PlanBlock, prefix: str) -> Item:
        if block.single and block.nodes:
            return self._item(block.nodes[0], prefix[:-1])
        key = f"n{next(self._numbers)}"
        return Item(key, prefix[:-1], block.label, "case", area=self._boxed(block, prefix))

    def _grouped(self, area: Area) -> Area:
        """Put nodes that wait for the same and feed the same into groups, where they are many."""
        before: dict[int, list[int]] = {}
        after: dict[int, list[int]] = {}
        for source, target in area.edges:
            before.setdefault(target, []).append(source)
            after.setdefault(source, []).append(target)
        alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
        for place, item in enumerate(area.items):
            if item.kind in ("lm", "tool"):
                neighbours = tuple(sorted(before.get(place, ()))), tuple(sorted(after.get(place, ())))
                alike.setdefault(neighbours, []).append(place)
        home = list(range(len(area.items)))
        for places in alike.values():
            if len(places) >= GROUPED_FROM:
                for place in places:
                    home[place] = places[0]
        if home == list(range(len(home))):
            return area
        return self._regrouped(area, home)

    def _regrouped(self, area: Area, home: list[int]) -> Area:
        shelves: dict[int, list[Item]] = {}
        for place, item in enumerate(area.items):
            shelves.setdefault(home[place], []).append(item)
        items: list[Item] = []
        index: dict[int, int] = {}
        for place, shelf in shelves.items():
            index[place] = len(items)
            if len(shelf) == 1:
                items.append(shelf[0])
            else:
                label = f"{len(shelf)} side by side"
                items.append(Item(f"n{next(self._numbers)}", "", label, "group", shelf=shelf))
        edges = dict.fromkeys((index[home[source]], index[home[target]]) for source, target in area.edges)
        return Area(items, list(edges))


_MARKS: dict[str, Mark] = {"write": "write", "external": "external"}


def needed_edges(nodes: Iterable[PlanNode]) -> Iterator[tuple[int, int]]:
    """The edges between nodes, but for those that follow from others: the transitive reduction.

    Nodes stand in rank order, so one walk from the last to the first with a bit per node that can be reached
    is enough (networkx's `transitive_reduction` walks the graph once per node).
    """
    ordered = list(nodes)
    place = {node.index: position for position, node in enumerate(ordered)}
    reach = [0] * len(ordered)
    found: list[list[tuple[int, int]]] = []
    for position in reversed(range(len(ordered))):
        reached, kept = 1 << position, []
        for target in sorted(place[index] for index in ordered[position].successors):
            if not reached >> target & 1:
                kept.append((position, target))
                reached |= reach[target]
        reach[position] = reached
        found.append(kept)
    for edges in reversed(found):
        yield from edges
