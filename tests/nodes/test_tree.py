"""The tree of a run shows what a caller called: tools of a model, steps of a plan, nodes of a controller in Python."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

from rich.console import Console

from agentspec.api import Children, ControllerFactory, Options
from agentspec.api.events import CallAnswered, CallDelayed, StepStarted
from agentspec.cli.render.tree import LiveTree
from agentspec.runtime import Run, RunOptions

from .desk import Desk, call, calls, compiled, says


def tree_of(spec: str, desk: Desk) -> list[str]:
    plan = compiled(spec, desk)
    out = io.StringIO()
    with LiveTree(plan, Console(file=out, width=100)) as tree:
        asyncio.run(Run(plan, desk, RunOptions(outputs=Path("/nonexistent"), observers=[tree])).execute({}))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_call_that_has_to_wait_says_why_until_it_is_answered() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100)
    tree = LiveTree(compiled("nodes: {talk: {lm: m, prompt: x}}", Desk([])), console)
    tree(StepStarted("talk", "talk", "lm", 1))
    tree(CallDelayed("talk", "desk/m", "the rate is used up"))
    console.print(tree.tree())
    assert "talk  LM m  …   waits: the rate is used up" in out.getvalue()
    tree(CallAnswered("talk", "desk/m", 1, 1, 0.0, 2.0))
    out.truncate(0)
    console.print(tree.tree())
    assert "waits" not in out.getvalue()


def test_only_the_tools_that_were_called_are_shown() -> None:
    spec = "nodes: {talk: {lm: m, prompt: x, tools: [desk.look, desk.slots], max_turns: 3}}"
    found = tree_of(spec, Desk([calls(call("desk_look", day=1)), says("Fine.")]))
    assert found == [
        "✓ test",
        "└── talk  LM m  ✓",
        "    ├── lm  LM m  ✓ 2",
        "    └── desk.look  T desk.look  ✓",
    ]


def test_the_steps_of_the_plan_are_shown_under_their_names() -> None:
    plan: Any = {"steps": [{"id": "first", "tool": "desk.look", "arguments": {"day": 1}}]}
    spec = "nodes: {work: {controller: plan, lm: m, goal: x, tools: [desk.look, desk.slots], max_steps: 3}}"
    assert tree_of(spec, Desk([says(plan)], native=False)) == [
        "✓ test",
        "└── work  C plan  ✓",
        "    ├── lm  LM m  ✓",
        "    └── first  T desk.look  ✓",
    ]


def test_a_node_that_is_called_steps_is_no_plan() -> None:
    async def go(children: Children, config: Options) -> Any:
        return await children.call("steps", day=2)

    desk = Desk()
    desk.controllers["odd/go"] = ControllerFactory("go", go)
    steps = "{tool: desk.look, with: {day: '${{ args.day }}'}}"
    assert tree_of(f"nodes: {{work: {{controller: odd/go, nodes: {{steps: {steps}}}}}}}", desk) == [
        "✓ test",
        "└── work  C odd/go  ✓",
        "    └── steps  T desk.look  ✓",
    ]
