"""Ranks and orders: the first two steps of a layered drawing.

Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System Structures, 1981. An edge over
several ranks becomes a chain of unit edges over *bends*, vertices without a picture of their own. Ranks are
those of the plan: the longest way from a start.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentspec.plan.draw.outline import Area


@dataclass(slots=True)
class Layers:
    """Vertices in rows.

    Attributes:
        rows: vertices of each rank, left to right; from `solid` on they are bends.
        solid: number of vertices that are items.
        up, down: per vertex, its neighbours in the row above and below.
        chains: per edge of the area, its vertices from source to target.
    """

    rows: list[list[int]]
    solid: int
    up: list[list[int]]
    down: list[list[int]]
    chains: list[list[int]]


def arrange(area: Area) -> Layers:
    """Give every item a rank, and every rank an order with few crossings."""
    layers = _rank(area)
    size = sum(map(len, layers.rows)) + sum(map(len, layers.down))
    sweeps = max(2, min(12, 40_000 // (size + 1)))
    best, fewest = [list(row) for row in layers.rows], crossings(layers)
    for sweep in range(sweeps):
        if fewest == 0:
            break
        _sweep(layers, downward=sweep % 2 == 0)
        found = crossings(layers)
        if found < fewest:
            best, fewest = [list(row) for row in layers.rows], found
    layers.rows = best
    return layers


def crossings(layers: Layers) -> int:
    """Count the pairs of unit edges that cross."""
    total = 0
    for upper, lower in pairwise(layers.rows):
        place = {vertex: at for at, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(place[below] for below in layers.down[vertex])
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _rank(area: Area) -> Layers:
    ranks = [0] * len(area.items)
    before: list[list[int]] = [[] for _ in area.items]
    after: list[list[int]] = [[] for _ in area.items]
    for source, target in area.edges:
        before[target].append(source)
        after[source].append(target)
    waits = [len(sources) for sources in before]
    ready = [place for place, count in enumerate(waits) if count == 0]
    for place in ready:
        for target in after[place]:
            ranks[target] = max(ranks[target], ranks[place] + 1)
            waits[target] -= 1
            if waits[target] == 0:
                ready.append(target)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for place, item in enumerate(area.items):
        item.rank = ranks[place]
        rows[item.rank].append(place)
    up: list[list[int]] = [[] for _ in area.items]
    down: list[list[int]] = [[] for _ in area.items]
    chains = []
    for source, target in area.edges:
        chain = [source]
        for rank in range(ranks[source] + 1, ranks[target]):
            rows[rank].append(len(up))
            chain.append(len(up))
            up.append([])
            down.append([])
        chain.append(target)
        for one, other in pairwise(chain):
            down[one].append(other)
            up[other].append(one)
        chains.append(chain)
    return Layers(rows, len(area.items), up, down, chains)


def _sweep(layers: Layers, *, downward: bool) -> None:
    """Sort every row by where its neighbours in the row before it stand on average."""
    near = layers.up if downward else layers.down
    rows = layers.rows if downward else layers.rows[::-1]
    for fixed, row in pairwise(rows):
        place = {vertex: at for at, vertex in enumerate(fixed)}
        # Of equals, every other sweep turns the order around, which gets it out of dead ends.
        held = {vertex: at for at, vertex in enumerate(row)}
        scale = len(fixed) / (len(row) or 1)
        weight = {vertex: _mean([place[one] for one in near[vertex]], held[vertex] * scale) for vertex in row}
        row.sort(key=lambda vertex: (weight[vertex], held[vertex] if downward else -held[vertex]))


def _mean(places: Sequence[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
