"""Draws a picture as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.plan.draw.picture import Box, Member, Node, Picture

_SHAPES = {
    "lm": ('("', '")'),
    "tool": ('["', '"]'),
    "control": ('{{"', '"}}'),
    "inputs": ('(["', '"])'),
    "result": ('(["', '"])'),
}
_CLASSES = """\
    classDef lm fill:#eef5ff,stroke:#4184e4,color:#1f2328
    classDef tool fill:#fff8e8,stroke:#c98a1b,color:#1f2328
    classDef write fill:#fde2e0,stroke:#cf4a42,color:#1f2328
    classDef controller fill:#faf7ff,stroke:#8e6fd8,color:#1f2328
    classDef case fill:#ffffff,stroke:#c3b1ea,color:#6b46c1
    classDef group fill:#f6f8fa,stroke:#d0d7de,color:#57606a
    classDef terminal fill:#f6f8fa,stroke:#afb8c1,color:#57606a
    classDef maybe stroke-dasharray:5 4
"""


def as_mermaid(picture: Picture) -> str:
    """Write a `flowchart TD`, controllers as subgraphs. Fits into a Markdown fence."""
    lines = ["flowchart TD"]
    for member in picture.members[""]:
        lines += _member(picture, member, "    ")
    lines += [f"    {edge.source} --> {edge.target}" for edge in picture.edges]
    lines += [f"    class {one.key} {_look(one)}" for one in picture.everything]
    lines += [f"    class {one.key} maybe" for one in picture.everything if one.conditional]
    return "\n".join(lines) + "\n" + _CLASSES


def _member(picture: Picture, member: Member, indent: str) -> Iterator[str]:
    if isinstance(member, Node):
        left, right = ('[["', '"]]') if member.mark else _SHAPES[member.kind]
        yield f"{indent}{member.key}{left}{_label(member)}{right}"
        return
    yield f'{indent}subgraph {member.key}["{_label(member)}"]'
    inside = picture.members.get(member.key, [])
    for inner in inside:
        yield from _member(picture, inner, indent + "    ")
    if not inside:
        yield f'{indent}    {member.key}e["empty"]'
    yield f"{indent}end"


def _label(member: Member) -> str:
    name = _escaped(member.id)
    if isinstance(member, Box):
        letter = {"case": "", "group": "", "agency": "LM  "}.get(member.kind, "C  ")
        return f"{letter}{name}" + (f"  {_escaped(member.detail)}" if member.detail else "")
    letter = {"lm": "LM  ", "tool": "T  ", "control": "C  "}.get(member.kind, "")
    mark = f"  {member.mark}" if member.mark else ""
    return f"{letter}<b>{name}</b>{mark}" + (f"<br>{_escaped(member.detail)}" if member.detail else "")


def _look(member: Member) -> str:
    if isinstance(member, Box):
        return {"case": "case", "group": "group", "agency": "lm"}.get(member.kind, "controller")
    if member.kind in ("inputs", "result"):
        return "terminal"
    return "write" if member.mark else "controller" if member.kind == "control" else member.kind


def _escaped(text: str) -> str:
    """Write everything but letters, digits and harmless signs as entity codes of Mermaid."""
    return "".join(char if char.isalnum() or char in " _.,×≤…→↑" else f"#{ord(char)};" for char in text)
