"""A whole conversation with tools: an agent of the core, this plugin, and a server that speaks OpenAI's protocol."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from faulty import Faulty, completion

from agentspec.api import BackendFactory, Toolset
from agentspec.plan import compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_text

SPEC = """
agentspec: 1
name: talk
models: {{m: {{use: litellm/openai/far, base_url: "{url}", key: none}}}}
tools: {{desk: desk}}
nodes:
  talk: {{lm: m, system: Be brief., prompt: When?, tools: [desk.free], max_turns: {turns}, output: {{hour: integer}}}}
"""


class Desk:
    def __init__(self, server: Faulty) -> None:
        self.days: list[int] = []
        self.toolset_of_mine = Toolset("desk")

        @self.toolset_of_mine.tool(effect="read")
        def free(day: int) -> str:
            """Tell when there is time."""
            self.days.append(day)
            server.answer = completion({"content": '{"hour": 9}'})
            return f"day {day}: nine"

    def backend(self, use: str) -> BackendFactory:
        return Registry().backend(use)

    def toolset(self, use: str) -> Toolset:
        return self.toolset_of_mine


def talk(arguments: list[str], turns: int = 4) -> tuple[Outcome, Faulty, Desk]:
    calls = [
        {"id": f"call_{at}", "type": "function", "function": {"name": "desk_free", "arguments": text}}
        for at, text in enumerate(arguments)
    ]
    server = Faulty(answer=completion({"content": None, "tool_calls": calls}, "tool_calls"))
    desk = Desk(server)

    async def run() -> Outcome:
        async with server.running():
            plan = compile_spec(parse_text(SPEC.format(url=server.url, turns=turns)), desk)
            return await arun(plan, desk, {}, RunOptions())

    return asyncio.run(run()), server, desk


def test_calls_and_results_travel_as_the_protocol_wants_them() -> None:
    outcome, server, desk = talk(['{"day": 3}', '{"day": "x"}', "[oops"])
    assert outcome.failure is None
    assert (outcome.result, desk.days) == ({"hour": 9}, [3])
    first, second = server.bodies
    assert [tool["function"]["name"] for tool in first["tools"]] == ["desk_free"]
    turns: list[dict[str, Any]] = second["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "tool", "tool", "tool"]
    assert [json.loads(call["function"]["arguments"]) for call in turns[2]["tool_calls"]] == [
        {"day": 3},
        {"day": "x"},
        {},
    ]
    assert [turn["tool_call_id"] for turn in turns[3:]] == ["call_0", "call_1", "call_2"]
    assert turns[3]["content"] == "day 3: nine"
    assert all("the arguments do not fit" in turn["content"] for turn in turns[4:])
    assert (list(outcome.trajectory), outcome.nodes[0].calls) == (["LM", "T", "LM"], 2)


def test_the_last_request_has_neither_tools_nor_calls() -> None:
    outcome, server, _ = talk(['{"day": 3}'], turns=2)
    assert outcome.result == {"hour": 9}
    last = server.bodies[-1]
    assert "tools" not in last
    assert not any("tool_calls" in turn or turn["role"] == "tool" for turn in last["messages"])
