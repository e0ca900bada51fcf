"""Pictures of models with tools, and of the controllers machine, plan, approve, agent and code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agentspec.plan import Checked
from agentspec.plan.draw import Picture, as_dot, as_mermaid, as_svg, as_text, picture

Check = Callable[..., Checked]

HEAD = "agentspec: 1\nname: test\nmodels: {m: fake/echo}\ntools: {shop: shop}\nallow_unreviewed: shop.buy\n"

TALK = "nodes: {talk: {lm: m, prompt: x, tools: [shop.find, shop.buy], max_turns: 4}}"
PLAN = "nodes: {work: {controller: plan, lm: m, goal: x, tools: [shop.find], max_steps: 4, approve: true}}"
ASK = "nodes: {ok: {controller: approve, show: x, choices: [send, drop]}}"
MACHINE = """
nodes:
  desk:
    controller: machine
    start: write
    max_steps: 6
    nodes:
      write: {lm: m, prompt: x}
      review: {lm: m, prompt: x, output: {good: boolean}}
      last: {tool: shop.find, with: {words: x}}
    next: {write: review, review: [{when: review.good, to: last}, {to: write}], last: end}
"""


def drawn(checked: Check, text: str, folder: Path = Path()) -> Picture:
    plan = checked(text, HEAD, folder).plan
    assert plan is not None
    return picture(plan)


def labels(found: Picture) -> list[tuple[str, str, str]]:
    return [
        (one.kind, one.id, one.detail) for one in (*found.boxes, *found.nodes) if one.kind not in ("inputs", "result")
    ]


def test_the_tools_of_a_model_lie_in_it_and_writes_are_marked(checked: Check) -> None:
    found = drawn(checked, TALK)
    assert labels(found) == [
        ("agency", "talk", "m ≤ 4 turns"),
        ("tool", "find", "shop.find"),
        ("tool", "buy", "shop.buy"),
    ]
    assert [one.mark for one in found.nodes if one.kind == "tool"] == ["", "write"]
    assert {one.path for one in found.nodes if one.kind == "tool"} == {"talk/shop.find", "talk/shop.buy"}
    assert "╭─ LM talk  m ≤ 4 turns" in as_text(found)
    assert "C  talk" not in as_text(found)


def test_a_plan_shows_its_tools_and_who_approves_it(checked: Check) -> None:
    assert labels(drawn(checked, PLAN)) == [
        ("plan", "work", "plan m ≤ 4 steps"),
        ("control", "approve", "approve: approve | reject"),
        ("tool", "find", "shop.find"),
    ]


def test_an_approval_shows_its_choices(checked: Check) -> None:
    found = drawn(checked, ASK)
    assert labels(found) == [("control", "ok", "approve: send | drop")]
    assert "┃ C   ok " in as_text(found)


def test_an_agent_is_its_name_and_not_its_insides(checked: Check, tmp_path: Path) -> None:
    sub = "agentspec: 1\nname: finder\nmodels: {m: fake/echo}\nnodes: {say: {lm: m, prompt: x}}\n"
    (tmp_path / "sub.yaml").write_text(sub, encoding="utf-8")
    found = drawn(checked, "nodes: {go: {controller: agent, spec: ./sub.yaml}}", tmp_path)
    assert labels(found) == [("control", "go", "agent finder")]


def test_a_machine_shows_its_states_and_ways(checked: Check) -> None:
    found = drawn(checked, MACHINE)
    assert labels(found) == [
        ("machine", "desk", "machine ≤ 6"),
        ("lm", "write", "m"),
        ("lm", "review", "m  ↑ write"),
        ("tool", "last", "shop.find  → end"),
    ]
    by_key = {one.key: one.id for one in found.nodes}
    ways = [(by_key[edge.source], by_key[edge.target]) for edge in found.edges if edge.parent]
    assert ways == [("write", "review"), ("review", "last")]
    text = as_text(found)
    assert text.index("write") < text.index("review") < text.index("last")


def test_states_may_stand_in_any_order_in_the_file(checked: Check) -> None:
    order = "      write: {lm: m, prompt: x}\n"
    moved = MACHINE.replace(order, "").replace("    next:", f"{order}    next:")
    found = drawn(checked, moved)
    ranks = {one.id: one.rank for one in found.nodes if one.parent}
    assert ranks == {"write": 0, "review": 1, "last": 2}


def test_a_machine_of_many_states_is_drawn(checked: Check) -> None:
    names = [f"s{at}" for at in range(1_200)]
    states = "".join(f"      {name}: {{lm: m, prompt: x}}\n" for name in names)
    ways = ", ".join(f"{one}: {after}" for one, after in zip(names, [*names[1:], "end"], strict=True))
    text = f"nodes:\n  desk:\n    controller: machine\n    start: s0\n    max_steps: 2000\n    next: {{{ways}}}\n"
    assert len(drawn(checked, f"{text}    nodes:\n{states}").edges) == 1_201


@pytest.mark.parametrize("text", [TALK, PLAN, ASK, MACHINE])
def test_every_format_shows_every_label(text: str, checked: Check) -> None:
    found = drawn(checked, text)
    svg = as_svg(found)
    ElementTree.fromstring(svg)
    for _, name, _ in labels(found):
        for shown in (as_text(found), as_mermaid(found), as_dot(found), svg):
            assert name in shown


def test_the_letters_of_mermaid_and_dot_are_those_of_trajectories(checked: Check) -> None:
    assert 'subgraph n1["LM  talk' in as_mermaid(drawn(checked, TALK))
    assert 'n1{{"C  <b>ok</b>' in as_mermaid(drawn(checked, ASK))
    assert 'n1 [label="LM talk' in as_dot(drawn(checked, TALK))
    assert 'n1 [label="C ok\\napprove: send | drop", shape=hexagon' in as_dot(drawn(checked, ASK))
