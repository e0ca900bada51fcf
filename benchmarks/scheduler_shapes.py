"""The graphs that `scheduler.py` runs, for every competitor the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

SIZE = 1_000
LAYER = 100
Before = Sequence[Sequence[int]]


class Shape(NamedTuple):
    """A graph by the predecessors of each node, run `runs` times at once; a loop has one node and `rounds`."""

    before: Before
    runs: int = 1
    rounds: int = 0

    @property
    def nodes(self) -> int:
        """How many nodes are run in all."""
        return self.runs * (self.rounds or len(self.before))


def chain(size: int) -> Before:
    """Each node waits for the one before."""
    return [(index - 1,) if index else () for index in range(size)]


def layered(size: int, seed: int = 1) -> Before:
    """Layers of 100 nodes; each node waits for three of the layer before."""
    rng = random.Random(seed)
    starts = [index // LAYER * LAYER for index in range(size)]
    return [rng.sample(range(start - LAYER, start), 3) if start else () for start in starts]


SHAPES = {
    "chain of 1,000": Shape(chain(SIZE)),
    "fan-out of 1,000": Shape([()] * SIZE),
    "layered DAG of 1,000": Shape(layered(SIZE)),
    "loop of 1,000 rounds": Shape([()], rounds=SIZE),
    "1,000 runs of 5 nodes": Shape([(), (0,), (0,), (1, 2), (3,)], runs=SIZE),
}
