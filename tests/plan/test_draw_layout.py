"""Where things stand: properties of every picture."""

from __future__ import annotations

import time
from itertools import combinations, pairwise
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspec.plan import compile_spec
from agentspec.plan.draw import Box, Node, Picture, as_dot, as_mermaid, as_svg, as_text, picture
from agentspec.plan.draw.words import cells
from agentspec.registry import Registry
from agentspec.spec.parse import parse_text


@st.composite
def blocks(draw: Any, depth: int = 0) -> dict[str, Any]:
    """Nodes of all kinds, each after some of those before it."""
    nodes: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 9 if depth == 0 else 3))):
        kinds = ["lm"] * 4 + (["map", "loop", "switch"] if depth < 2 else [])
        node = _node(draw, draw(st.sampled_from(kinds)), depth)
        before = draw(st.lists(st.sampled_from(sorted(nodes)), max_size=3, unique=True)) if nodes else []
        nodes[f"{'abcd'[depth]}{number}"] = node | {"after": before}
        if draw(st.booleans()):
            nodes[f"{'abcd'[depth]}{number}"]["when"] = True
    return {"nodes": nodes, "result": "done"}


def _node(draw: Any, kind: str, depth: int) -> dict[str, Any]:
    if kind == "lm":
        return {
            "lm": draw(st.sampled_from(["small", "a_model_with_quite_a_long_name_for_a_model"])),
            "prompt": "x",
        }
    if kind == "map":
        return {"controller": "map", "over": "[1]", **draw(blocks(depth + 1))}
    if kind == "loop":
        return {"controller": "loop", "max": 3, **draw(blocks(depth + 1))}
    labels = draw(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True))
    cases = {f"-{label}": draw(blocks(depth + 1)) for label in labels}
    return {"controller": "switch", "on": "'x'", "cases": cases, "default": {"lm": "small", "prompt": "x"}}


def drawn(data: dict[str, Any]) -> Picture:
    models = {"small": "fake/echo", "a_model_with_quite_a_long_name_for_a_model": "fake/echo"}
    text = yaml.safe_dump({"agentspec": 1, "name": "any", "models": models, **data}, allow_unicode=True)
    return picture(compile_spec(parse_text(text), Registry()))


def overlap(one: Node | Box, other: Node | Box) -> bool:
    apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not (apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y)


def within(inner: Node | Box, outer: Box) -> bool:
    left, right = outer.x <= inner.x, inner.x + inner.width <= outer.x + outer.width
    return left and right and outer.y <= inner.y and inner.y + inner.height <= outer.y + outer.height


@settings(max_examples=30, deadline=None)
@given(blocks())
def test_every_picture_is_sound(data: dict[str, Any]) -> None:
    shown = drawn(data)
    by_key = {member.key: member for member in shown.everything}
    assert len(by_key) == len(shown.everything)
    for siblings in shown.members.values():
        assert not [pair for pair in combinations(siblings, 2) if overlap(*pair)]
    for member in shown.everything:
        outer = by_key.get(member.parent)
        assert within(member, outer) if isinstance(outer, Box) else member.parent == ""
        assert 0 <= member.x <= shown.width - member.width
        assert 0 <= member.y <= shown.height - member.height
    for edge in shown.edges:
        assert all(upper[1] < lower[1] for upper, lower in pairwise(edge.points))
        source, target = by_key[edge.source], by_key[edge.target]
        assert source.parent == target.parent == edge.parent
        assert source.rank < target.rank == source.rank + len(edge.bends) + 1
        for x, y in edge.points[1:-1]:
            others = [one for one in shown.members[edge.parent] if one not in (source, target)]
            assert not [one for one in others if 0 < x - one.x < one.width and 0 < y - one.y < one.height]


@settings(max_examples=12, deadline=None)
@given(blocks())
def test_every_format_draws_everything_and_always_the_same(data: dict[str, Any]) -> None:
    shown, again = drawn(data), drawn(data)
    assert shown == again
    for draw in (as_text, as_mermaid, as_dot, as_svg):
        assert draw(shown) == draw(again)
    text = as_text(shown, 100)
    assert all(node.id[:3] in text for node in shown.nodes)
    if len(shown.boxes) == 0:
        assert max(map(cells, text.splitlines())) <= 100


def test_a_thousand_nodes_take_less_than_two_seconds() -> None:
    nodes = {
        f"n{at}": {
            "lm": "small",
            "prompt": "x",
            "after": [f"n{at * back // 8}" for back in (3, 5, 7)] if at > 8 else [],
        }
        for at in range(1000)
    }
    before = {"nodes": {name: node | {"after": sorted(set(node["after"]))} for name, node in nodes.items()}}
    head = {"agentspec": 1, "name": "big", "models": {"small": "fake/echo"}}
    text = yaml.safe_dump({**head, **before, "result": "done"})
    plan = compile_spec(parse_text(text), Registry())
    start = time.process_time()
    shown = picture(plan)
    for draw in (as_text, as_mermaid, as_dot, as_svg):
        draw(shown)
    assert time.process_time() - start < 2
