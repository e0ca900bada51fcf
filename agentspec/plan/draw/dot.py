"""Draws a picture in the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.plan.draw.picture import Box, Edge, Member, Node, Picture

_LOOKS = {
    "lm": 'shape=box, style="rounded,filled{maybe}", fillcolor="#eef5ff", color="#4184e4"',
    "tool": 'shape=box, style="filled{maybe}", fillcolor="#fff8e8", color="#c98a1b"',
    "write": 'shape=box, peripheries=2, style="filled{maybe}", fillcolor="#fde2e0", color="#cf4a42"',
    "terminal": 'shape=oval, style="filled{maybe}", fillcolor="#f6f8fa", color="#afb8c1"',
    "controller": 'shape=hexagon, style="filled{maybe}", fillcolor="#ece4fd", color="#8e6fd8"',
}


def as_dot(picture: Picture) -> str:
    """Write a `digraph`. A controller is a hexagon in a cluster of its own, from which its cases lead on."""
    lines = [
        f"digraph {_quoted(picture.name)} {{",
        '    compound=true; rankdir=TB; nodesep=0.35; ranksep=0.45; fontname="Helvetica"; fontsize=10;',
        '    node [fontname="Helvetica", fontsize=11, margin="0.16,0.08"];',
        '    edge [fontname="Helvetica", fontsize=9, color="#6e7781", arrowsize=0.7];',
    ]
    for member in picture.members[""]:
        lines += _member(picture, member, "    ")
    by_key = {member.key: member for member in picture.everything}
    lines += [_edge(picture, edge, by_key) for edge in picture.edges]
    return "\n".join([*lines, "}", ""])


def _member(picture: Picture, member: Member, indent: str) -> Iterator[str]:
    if isinstance(member, Node):
        yield f"{indent}{member.key} [label={_label(member)}, {_look(member)}];"
        return
    deeper = indent + "    "
    style = "dashed" if member.conditional else "solid"
    yield f"{indent}subgraph cluster_{member.key} {{"
    if member.kind in ("case", "group"):
        yield f'{deeper}label={_quoted(member.id)}; color="#c3b1ea"; style={style};'
    else:
        yield f'{deeper}label=""; color="#8e6fd8"; style={style};'
        yield f"{deeper}{member.key} [label={_label(member)}, {_look(member)}];"
    inside = picture.members.get(member.key, [])
    if not inside:
        yield f'{deeper}{member.key}_end [label="", shape=point];'
    for inner in inside:
        yield from _member(picture, inner, deeper)
    yield from _inner_edges(picture, member, deeper)
    yield f"{indent}}}"


def _inner_edges(picture: Picture, box: Box, indent: str) -> Iterator[str]:
    """From a controller's own node to what it starts; of a switch, each with its case."""
    if box.kind in ("case", "group"):
        return
    waiting = {edge.target for edge in picture.inner_edges.get(box.key, ())}
    for inner in picture.members.get(box.key, ()):
        if inner.key in waiting:
            continue
        label = f", label={_quoted(inner.id)}" if box.kind == "switch" else ""
        yield f"{indent}{box.key} -> {_first(picture, inner)} [style=dotted{label}{_head(inner)}];"


def _edge(picture: Picture, edge: Edge, by_key: dict[str, Member]) -> str:
    source, target = by_key[edge.source], by_key[edge.target]
    extra = f"ltail=cluster_{source.key}" if isinstance(source, Box) else ""
    extra = (extra + _head(target)).removeprefix(", ")
    return f"    {_last(picture, source)} -> {_first(picture, target)}" + (f" [{extra}];" if extra else ";")


def _head(member: Member) -> str:
    return f", lhead=cluster_{member.key}" if isinstance(member, Box) else ""


def _first(picture: Picture, member: Member) -> str:
    """The node that stands for a member where an edge comes in."""
    if isinstance(member, Node) or member.kind not in ("case", "group"):
        return member.key
    inside = picture.members.get(member.key)
    return _first(picture, inside[0]) if inside else f"{member.key}_end"


def _last(picture: Picture, member: Member) -> str:
    """The node that stands for a member where an edge goes out: the lowest, so that the edge goes down."""
    if isinstance(member, Node):
        return member.key
    inside = picture.members.get(member.key)
    if not inside:
        return f"{member.key}_end"
    return _last(picture, max(inside, key=lambda one: one.y + one.height))


def _label(member: Member) -> str:
    letter = {"lm": "LM ", "agency": "LM ", "tool": "T ", "inputs": "", "result": ""}.get(member.kind, "C ")
    mark = f" ({member.mark})" if isinstance(member, Node) and member.mark else ""
    return _quoted(f"{letter}{member.id}{mark}" + (f"\n{member.detail}" if member.detail else ""))


def _look(member: Member) -> str:
    name = "lm" if member.kind == "agency" else "controller"
    if isinstance(member, Node) and member.kind != "control":
        name = "write" if member.mark else "terminal" if member.kind in ("inputs", "result") else member.kind
    return _LOOKS[name].format(maybe=",dashed" if member.conditional else "")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
