"""Lines between two rows of a text drawing: a channel with a track for every net.

A net joins sources that feed the same targets. Each net has ports of its own, so lines of two nets only ever
cross; a crossing shows as an upright that breaks the level line. Channel routing after Hashimoto and Stevens'
left-edge algorithm, 1971.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentspec.plan.draw.canvas import DOWN, LEFT, RIGHT, UP, Sheet


@dataclass(frozen=True, slots=True)
class Net:
    """Columns where lines come in from above, and where they leave below."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]

    @property
    def straight(self) -> bool:
        """It is one upright line."""
        return self.sources == self.targets and len(self.sources) == 1

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last column that it touches."""
        touched = (*self.sources, *self.targets)
        return min(touched), max(touched)

    @property
    def _drift(self) -> float:
        return sum(self.targets) / len(self.targets) - sum(self.sources) / len(self.sources)

    @property
    def turn(self) -> float:
        """Sorts nets from top to bottom so that those going the same way do not cross."""
        return -max(self.sources) if self._drift > 0 else min(self.sources)


def tracks(nets: Sequence[Net]) -> list[int] | None:
    """Give every net a track, counted from the top; None when nets go around each other in a circle."""
    above = [[place for place, other in enumerate(nets) if _must_be_above(other, net)] for net in nets]
    given: dict[int, int] = {}
    taken: list[list[tuple[int, int]]] = []
    waiting = sorted(range(len(nets)), key=lambda place: (nets[place].turn, nets[place].ends))
    while waiting:
        place = next((one for one in waiting if all(other in given for other in above[one])), None)
        if place is None:
            return None
        waiting.remove(place)
        if nets[place].straight:
            given[place] = -1
            continue
        first, last = nets[place].ends
        track = max((given[other] + 1 for other in above[place]), default=0)
        while track < len(taken) and any(first <= end + 1 and one <= last + 1 for one, end in taken[track]):
            track += 1
        taken += [[] for _ in range(track + 1 - len(taken))]
        taken[track].append((first, last))
        given[place] = track
    return [given[place] for place in range(len(nets))]


def _must_be_above(net: Net, other: Net) -> bool:
    """The source of `net` comes down where `other` goes down: `net` has to turn off first."""
    return net is not other and not net.straight and any(column in other.targets for column in net.sources)


def draw(sheet: Sheet, nets: Sequence[Net], lanes: Sequence[int], top: int, bottom: int) -> None:
    """Draw nets on their tracks into the rows from `top` up to, not including, `bottom`."""
    uprights: list[tuple[int, int]] = []
    joints: list[tuple[int, int, int]] = []
    for net, lane in zip(nets, lanes, strict=True):
        if lane < 0:
            uprights += [(net.sources[0], y) for y in range(top, bottom)]
            continue
        joints += _level(net, top + lane)
        uprights += [(x, y) for x in net.sources for y in range(top, top + lane)]
        uprights += [(x, y) for x in net.targets for y in range(top + lane + 1, bottom)]
    for x, y, directions in joints:
        sheet.join(x, y, directions)
    for x, y in uprights:
        sheet.join(x, y, UP | DOWN)


def _level(net: Net, y: int) -> Iterator[tuple[int, int, int]]:
    first, last = net.ends
    for x in range(first, last + 1):
        directions = (LEFT if x > first else 0) | (RIGHT if x < last else 0)
        directions |= (UP if x in net.sources else 0) | (DOWN if x in net.targets else 0)
        yield x, y, directions
