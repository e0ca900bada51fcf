"""Draws one area for a terminal: its ranks as rows of frames, its edges as lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agentspec.plan.draw.canvas import Drawing, Sheet
from agentspec.plan.draw.columns import spread
from agentspec.plan.draw.routes import Net, draw, tracks

_GAP = 3


@dataclass(slots=True)
class Cell:
    """A member of a row, or a bend, which has no drawing. `entry` and `exit` are columns of the sheet."""

    drawing: Drawing | None
    sources: list[Cell] = field(default_factory=list)
    targets: list[Cell] = field(default_factory=list)
    left: int = 0
    exit: int = 0
    entries: dict[int, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return self.drawing.width if self.drawing else 1

    @property
    def middle(self) -> int:
        """The column of its middle."""
        return self.left + (self.width - 1) // 2

    def spans(self, column: int) -> bool:
        """Whether a line can come in or go out at this column."""
        inset = 2 if self.width > 6 else 0
        return self.left + inset <= column < self.left + self.width - inset

    def ports(self) -> list[int]:
        """Columns where lines can come in, best first."""
        columns = [at for at in range(self.left, self.left + self.width) if self.spans(at)]
        return sorted(columns, key=lambda at: (abs(at - self.middle), at))


def connect(source: Cell, target: Cell) -> None:
    """Let an edge lead from a cell to one of the next row. A second one between the two adds nothing."""
    if target not in source.targets:
        source.targets.append(target)
        target.sources.append(source)


def drawn(rows: Sequence[Sequence[Cell]], room: int) -> Drawing | None:
    """Draw rows and their edges in at most `room` columns; None when that is not possible."""
    if not rows or any(sum(cell.width + _GAP for cell in row) - _GAP > room for row in rows):
        return None
    _set_columns(rows, room)
    _align(rows)
    channels = []
    for row in rows[:-1]:
        nets = _nets(row)
        lanes = None if nets is None else tracks(nets)
        if nets is None or lanes is None:
            return None
        channels.append((nets, lanes))
    heights = [max((len(cell.drawing.lines) for cell in row if cell.drawing), default=1) for row in rows]
    depths = [max(lanes, default=-1) + 2 for _, lanes in channels] + [0]
    width = max((cell.left + cell.width for row in rows for cell in row), default=0)
    sheet = Sheet(width, sum(heights) + sum(depths))
    top = 0
    for number, (row, height, depth) in enumerate(zip(rows, heights, depths, strict=True)):
        _put_row(sheet, row, top, height)
        top += height + depth
        if depth:
            nets, lanes = channels[number]
            draw(sheet, nets, lanes, top - depth, top - 1)
            _tips(sheet, rows[number + 1], top - 1)
    return sheet.drawing()


def _set_columns(rows: Sequence[Sequence[Cell]], room: int) -> None:
    cells = [cell for solid in (True, False) for row in rows for cell in row if bool(cell.drawing) is solid]
    number = {id(cell): at for at, cell in enumerate(cells)}
    numbered = [[number[id(cell)] for cell in row] for row in rows]
    up = [[number[id(one)] for one in cell.sources] for cell in cells]
    down = [[number[id(one)] for one in cell.targets] for cell in cells]
    solid = sum(cell.drawing is not None for cell in cells)
    middle = spread(numbered, up, down, [cell.width for cell in cells], _GAP, solid)
    for cell, at in zip(cells, middle, strict=True):
        cell.left = int(at - cell.width / 2 + 1e-6)
    if max((cell.left + cell.width for cell in cells), default=0) <= room:
        return
    widest = max(sum(cell.width + _GAP for cell in row) - _GAP for row in rows)
    for row in rows:
        left = (widest - sum(cell.width + _GAP for cell in row) + _GAP) // 2
        for cell in row:
            cell.left = left
            left += cell.width + _GAP


def _align(rows: Sequence[Sequence[Cell]]) -> None:
    """Choose where lines leave, so that as many as possible go straight down."""
    for row in rows:
        for cell in row:
            cell.exit = cell.middle
            alone = cell.targets[0] if len(cell.targets) == 1 else None
            if alone is not None and cell.spans(alone.middle):
                cell.exit = alone.middle


def _nets(row: Sequence[Cell]) -> list[Net] | None:
    """Join sources with the same targets, and give each net a port of its own at each of its targets."""
    joined: dict[tuple[int, ...], list[Cell]] = {}
    for cell in row:
        if cell.targets:
            joined.setdefault(tuple(sorted(id(target) for target in cell.targets)), []).append(cell)
    exits = {cell.exit for cell in row if cell.targets}
    nets = []
    for number, sources in enumerate(joined.values()):
        own = {source.exit for source in sources}
        for target in sources[0].targets:
            taken = target.entries.values()
            free = [port for port in target.ports() if port not in taken]
            if not free:
                return None
            target.entries[number] = min(free, key=lambda port: _dislike(port, own, exits, target))
        columns = tuple(target.entries[number] for target in sources[0].targets)
        nets.append(Net(tuple(source.exit for source in sources), columns))
    return nets


def _dislike(port: int, own: set[int], exits: set[int], target: Cell) -> tuple[bool, bool, int, int]:
    """Sorts ports: not below a foreign exit, straight below the own one, else near the target's middle."""
    crowded = any(abs(port - other) == 1 for other in target.entries.values())
    straight = len(own) == 1 and port in own and port != target.middle
    return port in exits - own, crowded, 0 if straight else 1 + abs(port - target.middle), port


def _put_row(sheet: Sheet, row: Sequence[Cell], top: int, height: int) -> None:
    for cell in row:
        tall = 0
        if cell.drawing:
            tall = len(cell.drawing.lines)
            sheet.place(cell.drawing, cell.left, top)
            if cell.targets:
                sheet.outlet(cell.exit, top + tall - 1)
        if cell.targets:
            for y in range(top + tall, top + height):
                sheet.put(cell.exit, y, "│")


def _tips(sheet: Sheet, row: Sequence[Cell], y: int) -> None:
    for cell in row:
        for column in cell.entries.values():
            sheet.put(column, y, "▼" if cell.drawing else "│")
