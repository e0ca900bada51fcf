"""Draws a picture for a terminal. What is too wide for that becomes a list: `LM  sort  small  <- read`."""

from __future__ import annotations

from itertools import groupby, pairwise

from agentspec.plan.draw.canvas import Drawing, beside, frame, stacked
from agentspec.plan.draw.picture import Box, Edge, Member, Node, Picture
from agentspec.plan.draw.rows import Cell, connect, drawn
from agentspec.plan.draw.words import cells, clean, fit, padded

_LONGEST = 28
_NARROWEST = 24
_LETTERS = {
    "lm": "LM",
    "tool": "T",
    "control": "C",
    "agency": "LM",
    "inputs": "",
    "result": "",
    "case": "",
    "group": "",
}
_SHELVES = ("switch", "group", "agency", "plan", "code")


def as_text(picture: Picture, width: int = 100) -> str:
    """Draw in at most `width` columns (down to about 40), with Unicode box characters."""
    lines = [fit(clean(picture.name), width)]
    if picture.description:
        lines.append(fit(clean(picture.description), width))
    body = _Terminal(picture).area("", width)
    lines += ["", *(line.rstrip() for line in body.lines)]
    if any(one.conditional for one in picture.everything):
        lines += ["", fit("dashed or `?`: has a `when`, may be skipped", width)]
    return "\n".join(lines) + "\n"


class _Terminal:
    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._done: dict[tuple[str, int], Drawing] = {}

    def area(self, parent: str, room: int) -> Drawing:
        """Draw what lies in a box, or everything for an empty key."""
        room = max(room, _NARROWEST)
        # A row that is too wide is drawn again with all that it holds: without memory, 2 ** depth times.
        if (parent, room) not in self._done:
            self._done[parent, room] = self._area(parent, room)
        return self._done[parent, room]

    def _area(self, parent: str, room: int) -> Drawing:
        members = self.picture.members.get(parent, [])
        ranks = [list(group) for _, group in groupby(members, key=lambda member: member.rank)]
        return drawn(self._rows(ranks, parent, room), room) or self._list(members, room)

    def _rows(self, ranks: list[list[Member]], parent: str, room: int) -> list[list[Cell]]:
        edges = self.picture.inner_edges.get(parent, [])
        rank_of = {member.key: member.rank for rank in ranks for member in rank}
        bends: list[list[tuple[float, Edge]]] = [[] for _ in ranks]
        for edge in edges:
            for rank, x in enumerate(edge.bends, rank_of[edge.source] + 1):
                bends[rank].append((x, edge))
        cell_of: dict[str, Cell] = {}
        chains: dict[int, list[Cell]] = {id(edge): [] for edge in edges}
        rows = []
        for members, passing in zip(ranks, bends, strict=True):
            row = self._row(members, room - 4 * len(passing), cell_of)
            for x, edge in passing:
                cell = Cell(None)
                chains[id(edge)].append(cell)
                row.append((x, cell))
            row.sort(key=lambda pair: pair[0])
            rows.append([cell for _, cell in row])
        for edge in edges:
            way = [cell_of[edge.source], *chains[id(edge)], cell_of[edge.target]]
            for source, target in pairwise(way):
                connect(source, target)
        return rows

    def _row(self, rank: list[Member], room: int, cell_of: dict[str, Cell]) -> list[tuple[float, Cell]]:
        """Draw each member of a rank, or all of them as one list where they do not fit."""
        leaves = sum(leaf(one, room).width + 3 for one in rank if isinstance(one, Node))
        boxes = sum(isinstance(one, Box) for one in rank)
        each = (room - leaves) // boxes - 3 if boxes and len(rank) > 1 else room
        drawings = [self.member(one, each) for one in rank] if each >= _NARROWEST else []
        if not drawings or sum(one.width + 3 for one in drawings) - 3 > room:
            inside = self._list(rank, max(room - 4, _NARROWEST))
            cell = Cell(frame(inside, "group", f"{len(rank)} side by side"))
            cell_of.update((one.key, cell) for one in rank)
            return [(rank[0].x, cell)]
        made = [(one.x + one.width / 2, Cell(drawing)) for one, drawing in zip(rank, drawings, strict=True)]
        cell_of.update((one.key, cell) for one, (_, cell) in zip(rank, made, strict=True))
        return made

    def member(self, member: Member, room: int) -> Drawing:
        """Draw a node, or a box with all that it holds."""
        if isinstance(member, Node):
            return leaf(member, room)
        inner = max(room - 4, _NARROWEST)
        inside = self._inside(member, inner)
        if member.kind in ("case", "group"):
            return frame(inside, member.kind, fit(member.id, inner - 2), centred=member.kind == "case")
        room_for_id = max(inner - 6 - cells(member.detail), 4)
        title = f"{_letters(member):<2} {fit(member.id, room_for_id)}  {member.detail}"
        look = "lm" if member.kind == "agency" else "controller"
        return frame(inside, look, title, dashed=member.conditional, centred=True)

    def _inside(self, box: Box, room: int) -> Drawing:
        return self._shelf(box, room) if box.kind in _SHELVES else self.area(box.key, room)

    def _shelf(self, box: Box, room: int) -> Drawing:
        members = self.picture.members.get(box.key, [])
        if box.kind == "group":
            return _columns(members, room)
        rows: list[list[Drawing]] = []
        for drawing in (self.member(one, room) for one in members):
            if rows and sum(one.width + 1 for one in rows[-1]) + drawing.width <= room:
                rows[-1].append(drawing)
            else:
                rows.append([drawing])
        return stacked([beside(row) for row in rows])

    def _list(self, members: list[Member], room: int) -> Drawing:
        """One line per member; what lies in a box is drawn below its line."""
        ids = min(max((cells(one.id) for one in members), default=0), _LONGEST, room // 3)
        details = min(max((cells(_detail(one)) for one in members), default=0), _LONGEST, room // 3)
        parts = []
        for member in members:
            before = ", ".join(source.id for source in self.picture.sources(member))
            line = f"{_letters(member):<3} {padded(member.id, ids)}  {padded(_detail(member), details)}"
            line = fit((f"{line}  <- {before}" if before else line).rstrip(), room)
            parts.append(Drawing([line], cells(line)))
            if isinstance(member, Box):
                inside = self._inside(member, room - 4)
                parts.append(Drawing([f"    {line}" for line in inside.lines], inside.width + 4))
        return stacked(parts)


def leaf(node: Node, room: int) -> Drawing:
    """Draw a node by itself."""
    room = max(min(room - 4, 4 + _LONGEST), 8)
    if node.kind in ("inputs", "result"):
        line = fit(f"{node.id}  {node.detail}" if node.detail else node.id, room)
        return Drawing([f"( {line} )"], cells(line) + 4)
    mark = f"  {node.mark}" if node.mark else ""
    first = f"{_letters(node):<3} {fit(node.id, max(room - 4 - len(mark), 4))}{mark}"
    second = f"    {fit(node.detail, room - 4)}"
    width = max(cells(first), cells(second))
    look = "write" if node.mark else "controller" if node.kind == "control" else node.kind
    return frame(Drawing([padded(first, width), padded(second, width)], width), look, dashed=node.conditional)


def _columns(members: list[Member], room: int) -> Drawing:
    """Write the members of a group in columns; what all have in common only once."""
    kinds = {(_letters(one), _detail(one)) for one in members}
    if len(kinds) == 1:
        words = [f"{one.id}{' ?' if one.conditional else ''}" for one in members]
        letters, detail = next(iter(kinds))
        head = [fit(f"each {letters}  {detail}", room)]
    else:
        words = [f"{_letters(one):<3} {one.id}  {_detail(one)}".rstrip() for one in members]
        head = []
    wide = min(max(map(cells, words)), room)
    number = max(min((room + 2) // (wide + 2), max(4, round((len(words) * 8 / (wide + 2)) ** 0.5))), 1)
    lines = [words[at : at + number] for at in range(0, len(words), number)]
    drawn_lines = head + ["  ".join(padded(word, wide) for word in line) for line in lines]
    return stacked([Drawing([line], cells(line)) for line in drawn_lines])


def _letters(member: Member) -> str:
    return _LETTERS.get(member.kind, "C")


def _detail(member: Member) -> str:
    mark = f" [{member.mark}]" if isinstance(member, Node) and member.mark else ""
    return f"{member.detail}{mark}{' ?' if member.conditional else ''}"
