"""A whole conversation with tools: an agent of the core, this plugin, and a server that speaks Ollama's API."""

from __future__ import annotations

import asyncio

from fake_ollama import FakeOllama

from agentspec.api import BackendFactory, Toolset
from agentspec.plan import compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_text

SPEC = """
agentspec: 1
name: talk
models: {{m: {{use: "ollama/qwen3:8b", host: "{url}"}}}}
tools: {{desk: desk}}
nodes:
  talk: {{lm: m, system: Be brief., prompt: When?, tools: [desk.free], max_turns: 4, output: {{hour: integer}}}}
"""


class Desk:
    def __init__(self) -> None:
        self.days: list[int] = []
        self.toolset_of_mine = Toolset("desk")

        @self.toolset_of_mine.tool(effect="read")
        def free(day: int) -> str:
            """Tell when there is time."""
            self.days.append(day)
            return f"day {day}: nine"

    def backend(self, use: str) -> BackendFactory:
        return Registry().backend(use)

    def toolset(self, use: str) -> Toolset:
        return self.toolset_of_mine


def talk(server: FakeOllama) -> tuple[Outcome, Desk]:
    desk = Desk()

    async def run() -> Outcome:
        async with server.running():
            plan = compile_spec(parse_text(SPEC.format(url=server.url)), desk)
            return await arun(plan, desk, {}, RunOptions())

    return asyncio.run(run()), desk


def test_calls_and_results_travel_as_the_api_wants_them() -> None:
    server = FakeOllama(texts=['{"hour":', " 9}"])
    outcome, desk = talk(server)
    assert outcome.failure is None
    assert (outcome.result, desk.days) == ({"hour": 9}, [7])
    first, second = server.bodies
    assert [tool["function"]["name"] for tool in first["tools"]] == ["desk_free"]
    assert "format" not in first
    assert '"hour"' in first["messages"][0]["content"]
    assert [turn["role"] for turn in second["messages"]] == ["system", "user", "assistant", "tool"]
    assert second["messages"][2]["tool_calls"][0]["function"] == {"name": "desk_free", "arguments": {"day": 7}}
    assert (second["messages"][3]["content"], second["messages"][3]["tool_name"]) == ("day 7: nine", "desk_free")


def test_a_model_that_always_calls_is_stopped() -> None:
    outcome, desk = talk(FakeOllama(texts=["I am not sure."]))
    assert outcome.failure is not None
    assert outcome.failure.code == "AS612"
    assert desk.days == [7, 7, 7]


def test_a_model_without_tools_of_its_own_is_asked_for_json() -> None:
    server = FakeOllama(capabilities=["completion"], texts=['{"answer": {"hour": 8}}'])
    outcome, desk = talk(server)
    assert (outcome.result, desk.days) == ({"hour": 8}, [])
    assert not any("tools" in body for body in server.bodies[-1:])
    assert server.bodies[-1]["format"]["anyOf"][0]["properties"]["answer"]["properties"] == {
        "hour": {"type": "integer"}
    }
