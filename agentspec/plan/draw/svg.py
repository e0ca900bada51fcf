"""Draws a picture as one self-contained SVG: no script, no font, no reference to anything outside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from xml.sax.saxutils import escape

from agentspec.plan.draw.picture import Box, Edge, Node, Picture
from agentspec.plan.draw.place import CASE_HEADER, CHIP, DETAIL_CELL, HEADER, ID_CELL, SIGN, SMALL_CELL
from agentspec.plan.draw.svg_style import style
from agentspec.plan.draw.words import cells, clean, fit

_KINDS = {"lm": "language model", "agency": "language model with tools", "control": "controller"}
_LETTERS = {"lm": "LM", "tool": "T"}


def as_svg(picture: Picture) -> str:
    """Draw for browsers and documents, light or dark as the reader has it."""
    name, about = clean(picture.name), clean(picture.description)
    width = max(picture.width, 360.0)
    top = 62.0 if about else 42.0
    height, aside = picture.height + top, (width - picture.width) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" style="max-width:100%;height:auto">',
        f"<title>{escape(name)}</title>",
        f"<desc>{escape(about or f'Control flow of the agent {name}')}</desc>",
        f"<style>{style()}</style>",
        '<rect class="as-page" width="100%" height="100%" rx="10"/>',
        _text(24, 36, name, ID_CELL * 1.25, width - 48, "as-name"),
    ]
    if about:
        lines.append(_text(24, 58, about, DETAIL_CELL, width - 48, "as-soft as-detail"))
    lines.append(f'<g transform="translate({_n(aside)} {_n(top)})">')
    for box in picture.boxes:
        lines += [_group(box), *_box(box), "</g>"]
    lines += [part for edge in picture.edges for part in _edge(edge)]
    for node in picture.nodes:
        lines += [_group(node), *_node(node), "</g>"]
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _group(member: Node | Box) -> str:
    what = _KINDS.get(member.kind, member.kind)
    title = f"{member.path or member.id}: {what}"
    title += f", {member.detail}" if member.detail and member.detail != what else ""
    title += ", may be skipped" if member.conditional else ""
    title += f"\n{member.description}" if member.description else ""
    return f"<g><title>{escape(title)}</title>"


def _node(node: Node) -> Iterator[str]:
    x, y, width = node.x, node.y, node.width
    if node.kind in ("inputs", "result"):
        yield _rect(node, "as-end", node.height / 2)
        words = f"{node.id}  {node.detail}" if node.detail else node.id
        shown = fit(words, int((width - 24) / DETAIL_CELL))
        middle = x + width / 2 - cells(shown) * DETAIL_CELL / 2
        yield _text(middle + cells(shown) * 0.15, y + 18, shown, DETAIL_CELL, width - 24, "as-soft as-detail")
        return
    badge = cells(node.mark) * SMALL_CELL + 8 if node.mark else 0.0
    yield _rect(node, f"as-{node.kind}", 15 if node.kind == "lm" else 3)
    yield from _chip(node.kind, x + 11, y + 14)
    yield _text(x + CHIP, y + 21, node.id, ID_CELL, width - CHIP - 12 - (badge and badge + 8), "as-id")
    yield _text(x + CHIP, y + 37, node.detail, DETAIL_CELL, width - CHIP - 12, "as-soft as-detail")
    if badge:
        left = x + width - badge - 8
        size = f'width="{_n(badge)}" height="14" rx="3"'
        yield f'<rect class="as-write" x="{_n(left)}" y="{_n(y + 9)}" {size}/>'
        yield _text(left + 4, y + 19, node.mark, SMALL_CELL, badge, "as-write-word as-small")


def _box(box: Box) -> Iterator[str]:
    x, y, width = box.x, box.y, box.width
    if box.kind in ("case", "group"):
        yield _rect(box, f"as-{box.kind}", 8)
        look = "as-case-name as-detail" if box.kind == "case" else "as-soft as-detail"
        yield _text(x + 14, y + CASE_HEADER - 7, box.id, DETAIL_CELL, width - 28, look)
        return
    if box.kind == "map":
        for shift in (8, 4):
            look = f'class="as-behind" x="{_n(x + shift)}" y="{_n(y + shift)}" rx="8"'
            yield f'<rect {look} width="{_n(width)}" height="{_n(box.height)}"/>'
    look = "lm" if box.kind == "agency" else "control"
    yield _rect(box, f"as-{look}", 8)
    right, low = x + width - 0.75, y + HEADER
    yield (
        f'<path class="{"as-header-lm" if look == "lm" else "as-header"}"'
        f' d="M{_n(x + 0.75)} {_n(low)}V{_n(y + 8)}q0 -7.25 7.25 -7.25'
        f'H{_n(right - 7.25)}q7.25 0 7.25 7.25V{_n(low)}z"/>'
    )
    yield from _chip(look, x + 11, y + 7)
    room = width - CHIP - SIGN
    name = fit(box.id, int((room - cells(box.detail) * DETAIL_CELL - 10) / ID_CELL))
    start = cells(name) * ID_CELL + 10
    yield _text(x + CHIP, y + 22, name, ID_CELL, start, "as-id")
    yield _text(x + CHIP + start, y + 21.5, box.detail, DETAIL_CELL, room - start, "as-soft as-detail")
    yield f'<path class="as-sign" d="M{_n(x + width - 28)} {_n(y + 10)}{_SIGNS[box.kind]}"/>'


_SIGNS = {
    "switch": "m7 0v4m0 0l-6 5v4m6 -9l6 5v4",
    "map": "m0 4h9v9h-9zm3 -1.5v-2h9v9h-2",
    "machine": "m6.5 0v4m0 5v4m-6.5 -6.5h4m5 0h4m-4.5 0a2.5 2.5 0 1 1 -5 0a2.5 2.5 0 1 1 5 0",
    "agency": "m0 4h11l-3 -3m5 8h-13l3 3",
    "plan": "m0 1.5h1.5m3 0h8.5m-13 5h1.5m3 0h8.5m-13 5h1.5m3 0h8.5",
    "code": "m4 2l-4 4.5l4 4.5m5 -9l4 4.5l-4 4.5",
    "loop": "m12 7a5.5 5.5 0 1 1 -1.8 -4.1m0.3 -3v3.2h-3.2",
}


def _chip(kind: str, x: float, y: float) -> Iterator[str]:
    letters = _LETTERS.get(kind, "C")
    if kind == "control":
        yield f'<path class="as-chip-control" d="M{_n(x)} {_n(y + 10)}l6 -10h14l6 10l-6 10h-14z"/>'
    else:
        round_by = 10 if kind == "lm" else 2
        yield f'<rect class="as-chip-{kind}" x="{_n(x)}" y="{_n(y)}" width="26" height="20" rx="{round_by}"/>'
    yield f'<text class="as-chip-word" x="{_n(x + 13)}" y="{_n(y + 13.6)}">{letters}</text>'


def _edge(edge: Edge) -> Iterator[str]:
    """Straight where it passes a rank, a curve from rank to rank, and a tip."""
    (x, y), (end_x, end_y) = edge.points[0], edge.points[-1]
    path = [f"M{_n(x)} {_n(y)}"]
    stop = (*edge.points[:-1], (end_x, end_y - 5))
    for (from_x, from_y), (to_x, to_y) in pairwise(stop):
        if abs(from_x - to_x) < 0.5:
            path.append(f"L{_n(to_x)} {_n(to_y)}")
        else:
            half = (from_y + to_y) / 2
            path.append(f"C{_n(from_x)} {_n(half)} {_n(to_x)} {_n(half)} {_n(to_x)} {_n(to_y)}")
    yield f'<path class="as-edge" d="{"".join(path)}"/>'
    yield f'<path class="as-tip" d="M{_n(end_x)} {_n(end_y - 1)}l-4.5 -8h9z"/>'


def _rect(member: Node | Box, look: str, corner: float) -> str:
    maybe = " as-maybe" if member.conditional else ""
    place = f'x="{_n(member.x)}" y="{_n(member.y)}" width="{_n(member.width)}" height="{_n(member.height)}"'
    return f'<rect class="{look}{maybe}" stroke-width="1.5" {place} rx="{_n(corner)}"/>'


def _text(x: float, y: float, words: str, cell: float, room: float, look: str) -> str:
    shown = fit(words, int(room / cell))
    # Widths of other scripts are up to the reader's fonts: there the room is made binding.
    bound = "" if shown.isascii() or not shown.strip() else f' textLength="{_n(cells(shown) * cell * 0.97)}"'
    bound += ' lengthAdjust="spacingAndGlyphs"' if bound else ""
    return f'<text class="{look}" xml:space="preserve" x="{_n(x)}" y="{_n(y)}"{bound}>{escape(shown)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
