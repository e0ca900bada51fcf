"""Tools and plans for a model that knows neither: the grammar leaves it nothing else to say. Here it is pure noise."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agentspec.api import BackendFactory, Toolset
from agentspec.plan import compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_text

HEAD = """
agentspec: 1
name: talk
models: {{m: {{use: "pocket/{model}", seed: {seed}, temperature: 1.0}}}}
tools: {{desk: desk}}
nodes:
"""
TALK = (
    "  talk: {lm: m, prompt: When?, tools: [desk.look, desk.pick], max_turns: 3, repair: 0, output: {when: am | pm}}\n"
)
PLAN = "  work: {controller: plan, lm: m, goal: x, tools: [desk.look, desk.pick], max_steps: 2, repair: 0, replan: 0}\n"


class Desk:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.desk = Toolset("desk")

        @self.desk.tool(effect="read")
        def look() -> bool:
            """Look."""
            self.calls.append("look")
            return bool(len(self.calls) % 2)

        @self.desk.tool(effect="read")
        def pick(early: bool) -> bool:
            """Pick."""
            self.calls.append(f"pick {early}")
            return early

    def backend(self, use: str) -> BackendFactory:
        return Registry().backend(use)

    def toolset(self, use: str) -> Toolset:
        return self.desk


def ran(node: str, model: Path, seed: int) -> tuple[Outcome, Desk]:
    desk = Desk()
    plan = compile_spec(parse_text(HEAD.format(model=model, seed=seed) + node, folder=model.parent), desk)
    return asyncio.run(arun(plan, desk, {}, RunOptions())), desk


def test_every_turn_is_a_call_that_fits_or_the_answer(tiny: Path) -> None:
    called = []
    for seed in range(8):
        outcome, desk = ran(TALK, tiny, seed)
        assert outcome.failure is None, outcome.failure
        assert outcome.result["when"] in ("am", "pm")
        [turns] = [use for use in outcome.nodes if use.path == "talk/lm"]
        assert set(turns.formats) == {"constrained"}
        assert len(desk.calls) == turns.steps - 1
        called += desk.calls
    assert {word.partition(" ")[0] for word in called} == {"look", "pick"}


def test_every_plan_has_real_tools_and_arguments_that_fit_or_refer_to_a_step(tiny: Path) -> None:
    codes = set()
    for seed in range(12):
        outcome, desk = ran(PLAN, tiny, seed)
        codes.add(outcome.failure.code if outcome.failure else None)
        if outcome.failure is None:
            assert 1 <= len(desk.calls) <= 2
        else:
            said = outcome.failure.message
            assert not any(word in said for word in ("there is no tool", "takes no", "needs `", "is not of type"))
    assert None in codes
    assert codes <= {None, "AS613"}  # a noisy plan may still name a step twice, or wait in a circle
