"""Where the members of each row stand, left to right: the third step of a layered drawing.

Each row in turn moves as near to its neighbours as order and gaps allow: the least-squares positions under
`x[i+1] - x[i] >= gap`, which are an isotonic regression once the gaps are subtracted (solved by pooling
adjacent violators; Best, Chakravarti: Active set algorithms for isotonic regression, 1990).
"""

from __future__ import annotations

from collections.abc import Sequence

STRAIGHT = 8.0
"""How much more two bends of one edge want to be in line than two items do."""


def spread(
    rows: Sequence[Sequence[int]],
    up: Sequence[Sequence[int]],
    down: Sequence[Sequence[int]],
    widths: Sequence[float],
    gap: float,
    solid: int,
) -> list[float]:
    """Return the middle of every vertex. Vertices from `solid` on are bends; the leftmost edge is at 0."""
    middle = [0.0] * len(widths)
    for row in rows:
        at = -sum(widths[vertex] + gap for vertex in row) / 2
        for vertex in row:
            middle[vertex] = at + widths[vertex] / 2
            at += widths[vertex] + gap
    rounds = max(3, min(10, 60_000 // (len(widths) + 1)))
    for turn in range(rounds):
        for row in rows:
            _settle(row, middle, (up,), widths, gap, solid)
        for row in reversed(rows):
            _settle(row, middle, (down,) if turn < rounds - 2 else (up, down), widths, gap, solid)
    left = min((middle[vertex] - widths[vertex] / 2 for row in rows for vertex in row), default=0.0)
    return [at - left for at in middle]


def _settle(
    row: Sequence[int],
    middle: list[float],
    near: Sequence[Sequence[Sequence[int]]],
    widths: Sequence[float],
    gap: float,
    solid: int,
) -> None:
    offset, offsets = 0.0, []
    pools: list[tuple[float, float, int]] = []
    for position, vertex in enumerate(row):
        if position:
            offset += (widths[row[position - 1]] + widths[vertex]) / 2 + gap
        offsets.append(offset)
        wish, weight = _wish(vertex, middle, near, solid)
        pool = (wish - offset, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, members = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, members + pool[2])
        pools.append(pool)
    at = 0
    for mean, _, members in pools:
        for _ in range(members):
            middle[row[at]] = mean + offsets[at]
            at += 1


def _wish(
    vertex: int, middle: Sequence[float], near: Sequence[Sequence[Sequence[int]]], solid: int
) -> tuple[float, float]:
    """Where a vertex would like to stand, and how much."""
    total, weights = middle[vertex] * 0.01, 0.01
    for neighbours in near:
        for other in neighbours[vertex]:
            weight = STRAIGHT if vertex >= solid and other >= solid else 1.0
            total += middle[other] * weight
            weights += weight
    return total / weights, weights
