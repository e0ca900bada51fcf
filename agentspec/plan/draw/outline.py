"""Plan -> what is to be seen of it: items with their labels, and the areas that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from agentspec.plan.draw.picture import BoxKind, Mark, NodeKind
from agentspec.plan.draw.words import clean
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.names import letter_and_name
from agentspec.plan.work import (
    AgencyWork,
    ApproveWork,
    FreeWork,
    LmWork,
    LoopWork,
    MachineWork,
    MapWork,
    Offer,
    PlanningWork,
    SwitchWork,
    ToolWork,
    inner_blocks,
)

GROUPED_FROM = 9
"""So many nodes that wait for the same and feed the same are drawn as one group."""


@dataclass(slots=True)
class Item:
    """Something with a place of its own. What has members side by side has a `shelf`, other boxes have an `area`."""

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
        items = [self._item(node, block.path_of(node, prefix)) for node in block.nodes]
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
                shelf = [self._case(block, f"{path}{case}/") for case, block in inner_blocks(work)]
                return Item(key, path, node.id, "switch", "switch", "", conditional, about, shelf=shelf)
            case AgencyWork():
                detail = f"{letter_and_name(work)[1]} ≤ {work.max_turns} turns"
                return Item(
                    key, path, node.id, "agency", detail, "", conditional, about, shelf=self._offers(work, path)
                )
            case PlanningWork():
                detail = f"plan {letter_and_name(work.draft.nodes[0].work)[1]} ≤ {work.most} steps"
                shelf = [*self._asked(work.approval, path), *self._offers(work, path)]
                return Item(key, path, node.id, "plan", detail, "", conditional, about, shelf=shelf)
            case FreeWork() if work.blocks:
                shelf = [self._alone(block, f"{path}/{name}") for name, block in work.blocks.items()]
                return Item(key, path, node.id, "code", work.kind, "", conditional, about, shelf=shelf)
            case MachineWork():
                area, detail = self._machine(work, f"{path}/"), f"machine ≤ {work.most}"
                return Item(key, path, node.id, "machine", detail, "", conditional, about, area)
            case ApproveWork():
                detail = f"approve: {' | '.join(work.choices)}"
                return Item(key, path, node.id, "control", detail, "", conditional, about)
            case _:
                return Item(key, path, node.id, "control", letter_and_name(work)[1], "", conditional, about)

    def _offers(self, work: AgencyWork | PlanningWork, path: str) -> list[Item]:
        return [self._offer(offer, f"{path}/{offer.name}") for offer in work.offers]

    def _offer(self, offer: Offer, path: str) -> Item:
        item = self._alone(offer.block, path)
        item.id = clean(offer.name.rpartition(".")[2])
        return item

    def _asked(self, approval: PlanBlock | None, path: str) -> list[Item]:
        return [] if approval is None else [self._alone(approval, f"{path}/approve")]

    def _alone(self, block: PlanBlock, path: str) -> Item:
        return self._item(block.nodes[0], path)

    def _machine(self, work: MachineWork, prefix: str) -> Area:
        """States, and the ways that lead further. Ways back, and to the end, stand in words at their state."""
        nodes = work.block.nodes
        ways = [list(dict.fromkeys(after for _, after in found)) for found in work.ways]
        back = _ways_back(work.start, ways)
        items, edges = [], []
        for state, node in enumerate(nodes):
            item = self._item(node, prefix + node.id)
            for after in ways[state]:
                if after is None:
                    item.detail += "  → end"
                elif (state, after) in back:
                    item.detail += f"  ↑ {clean(nodes[after].id)}"
                else:
                    edges.append((state, after))
            items.append(item)
        return Area(items, edges)

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


def _ways_back(start: int, ways: Sequence[Sequence[int | None]]) -> set[tuple[int, int]]:
    """The ways of a machine that lead to a state which one has come through: without them there is no circle."""
    back: set[tuple[int, int]] = set()
    through, done = {start}, set[int]()
    stack = [(start, iter(ways[start]))]
    while stack:
        state, left = stack[-1]
        after = next((one for one in left if one is not None), None)
        if after is None:
            stack.pop()
            through.discard(state)
            done.add(state)
        elif after in through:
            back.add((state, after))
        elif after not in done:
            through.add(after)
            stack.append((after, iter(ways[after])))
    return back


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
