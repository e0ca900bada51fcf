"""Paper for a terminal: a grid of cells, and lines that join where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentspec.plan.draw.words import cells, padded

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_JOINTS = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
_FRAMES = {
    "lm": "╭─╮│╰╯",
    "tool": "┌─┐│└┘",
    "write": "╔═╗║╚╝",
    "controller": "┏━┓┃┗┛",
    "case": "┌╌┐╎└┘",
    "group": "╭┄╮┆╰╯",
}
_DASHED = {"─": "┄", "│": "┆", "═": "┄", "║": "┆", "━": "┅", "┃": "┇"}
_OUTLETS = {"─": "┬", "┄": "┬", "╌": "┬", "═": "╤", "━": "┯", "┅": "┯"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines of equal width in columns."""

    lines: list[str]
    width: int


class Sheet:
    """A grid that text and lines are put on. A letter of two columns takes a cell and empties the next."""

    def __init__(self, width: int, height: int) -> None:
        self._rows = [[" "] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str) -> None:
        """Write clean text from a cell to the right."""
        row = self._rows[y]
        for char in text:
            wide = cells(char)
            if wide == 0:
                row[x - 1] += char
                continue
            row[x : x + wide] = [char] + [""] * (wide - 1)
            x += wide

    def place(self, drawing: Drawing, x: int, y: int) -> None:
        """Put a whole drawing down."""
        for offset, line in enumerate(drawing.lines):
            self.put(x, y + offset, line)

    def join(self, x: int, y: int, directions: int) -> None:
        """Draw the stub of a line that leaves a cell in some directions."""
        self.put(x, y, _JOINTS[directions])

    def outlet(self, x: int, y: int) -> None:
        """Open the lower border of a frame for a line that goes down."""
        self._rows[y][x] = _OUTLETS.get(self._rows[y][x], self._rows[y][x])

    def drawing(self) -> Drawing:
        """What is on the sheet."""
        return Drawing(["".join(row) for row in self._rows], len(self._rows[0]) if self._rows else 0)


def frame(
    inside: Drawing,
    look: str,
    title: str = "",
    *,
    dashed: bool = False,
    centred: bool = False,
) -> Drawing:
    """Draw a frame in one of the looks, its title in the upper border."""
    corner, level, right, upright, left_low, right_low = list(_FRAMES[look])
    if dashed:
        level, upright = _DASHED.get(level, level), _DASHED.get(upright, upright)
    width = max(inside.width + 2, cells(title) + 4 if title else 0)
    top = level + f" {title} " if title else ""
    top += level * (width - cells(top))
    side = " " * ((width - inside.width) // 2) if centred else " "
    lines = [upright + padded(side + line, width) + upright for line in inside.lines]
    return Drawing([corner + top + right, *lines, left_low + level * width + right_low], width + 2)


def stacked(drawings: Sequence[Drawing]) -> Drawing:
    """One below the other."""
    width = max((drawing.width for drawing in drawings), default=0)
    return Drawing([padded(line, width) for drawing in drawings for line in drawing.lines], width)


def beside(drawings: Sequence[Drawing]) -> Drawing:
    """One right of the other, with a column between them, upper sides in line."""
    sheet = Sheet(sum(one.width + 1 for one in drawings) - 1, max(len(one.lines) for one in drawings))
    at = 0
    for drawing in drawings:
        sheet.place(drawing, at, 0)
        at += drawing.width + 1
    return sheet.drawing()
