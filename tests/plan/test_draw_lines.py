"""Lines of a text drawing: whoever follows one from its source gets to its targets and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from agentspec.plan.draw.canvas import DOWN, LEFT, RIGHT, UP, Drawing, frame
from agentspec.plan.draw.rows import Cell, connect, drawn

LEADS = {
    "│": UP | DOWN,
    "╯": UP | LEFT,
    "╮": DOWN | LEFT,
    "┤": UP | DOWN | LEFT,
    "╰": UP | RIGHT,
    "╭": DOWN | RIGHT,
    "├": UP | DOWN | RIGHT,
    "─": LEFT | RIGHT,
    "┴": UP | LEFT | RIGHT,
    "┬": DOWN | LEFT | RIGHT,
    "┼": UP | DOWN | LEFT | RIGHT,
}
STEPS = {DOWN: (0, 1), LEFT: (-1, 0), RIGHT: (1, 0)}
PAIRS = st.tuples(st.integers(0, 4), st.integers(0, 4))
BACK = {DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.sets(PAIRS, max_size=12))
def test_lines_lead_where_the_edges_do(above: int, below: int, pairs: set[tuple[int, int]]) -> None:
    upper, lower = [box(f"u{at}") for at in range(above)], [box(f"v{at}") for at in range(below)]
    edges = {(source, target) for source, target in pairs if source < above and target < below}
    for source, target in sorted(edges):
        connect(upper[source], lower[target])
    drawing = drawn([upper, lower], 100)
    if drawing is None:
        return  # it would have to be a list
    ends = {column: at for at, cell in enumerate(lower) for column in cell.entries.values()}
    followed = set()
    for at, cell in enumerate(upper):
        if cell.targets:
            followed |= {(at, ends[column]) for column in follow(drawing.lines, cell.exit)}
    assert followed == edges, "\n".join(drawing.lines)


def box(name: str) -> Cell:
    return Cell(frame(Drawing([f"{name:8}"], 8), "lm"))


def follow(lines: list[str], column: int) -> Iterator[int]:
    """Columns of the tips that a line from the upper row's border leads to."""
    todo, seen = [(column, 3, DOWN)], set()
    while todo:
        x, y, heading = todo.pop()
        if (x, y, heading) in seen:
            continue
        seen.add((x, y, heading))
        sign = lines[y][x]
        if sign == "▼":
            yield x
        elif sign == "│" and heading != DOWN:
            todo.append((x + STEPS[heading][0], y, heading))  # passes below an upright
        else:
            assert LEADS[sign] & BACK[heading], (sign, x, y)
            ways = [way for way in STEPS if LEADS[sign] & way and way != BACK[heading]]
            todo += [(x + STEPS[way][0], y + STEPS[way][1], way) for way in ways]
