"""Limits of agents that are called: each visit has its own, and one that is reached ends that agent's node only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentspec.api import Request
from agentspec.api.errors import Exit
from agentspec.api.events import CallAnswered, StepFailed
from agentspec.api.messages import Usage
from agentspec.nodes import Budgets

from .voices import Choir, compiled, sung, sure

SUB = """
agentspec: 1
name: sub
inputs: {words: integer}
models: {a: say/a}
limits: {%s}
nodes:
  again:
    controller: loop
    max: 9
    until: loop.index + 1 >= inputs.words
    nodes: {say: {lm: a, prompt: "word ${{ loop.index }}"}}
    result: ${{ say }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def sub(folder: Path, limits: str, name: str = "sub") -> None:
    (folder / f"{name}.yaml").write_text((SUB % limits).replace("name: sub", f"name: {name}"), encoding="utf-8")


CALL = 'call: {controller: agent, spec: ./sub.yaml, with: {words: "${{ item }}"}%s}'
MAP = "inputs: {items: [integer]}\nnodes:\n  each: {controller: map, over: inputs.items, nodes: {%s}%s}\n"


@pytest.mark.parametrize(
    ("limits", "allowed"), [("lm_calls: 2", 2), ("steps: 2", 2), ("tokens: 30", 2), ("tokens: 32", 3), ("usd: 1", 2)]
)
def test_each_visit_of_an_agent_has_the_limits_of_its_file(folder: Path, limits: str, allowed: int) -> None:
    sub(folder, limits)
    choir = Choir(a=[sure("word", 0.5, usd=0.5)])
    items = [1, allowed, allowed + 1, allowed]
    outcome, heard = sung(MAP % (CALL % "", ", keep_going: true"), choir, {"items": items}, folder)
    assert outcome.result == ["word", "word", None, "word"]
    (problem,) = outcome.problems
    assert problem.code == "AS610"
    assert f"of the agent at `each[2]/call` is reached, " in problem.message  # noqa: F541
    assert problem.hint is not None
    assert "in the agent that is called" in problem.hint
    assert len(heard.of(CallAnswered)) == 1 + 3 * allowed


@pytest.mark.parametrize(
    ("on_error", "result"), [("on_error: skip", [None]), ("on_error: {value: too long}", ["too long"])]
)
def test_the_node_that_calls_the_agent_says_what_becomes_of_its_limit(
    folder: Path, on_error: str, result: list[Any]
) -> None:
    sub(folder, "lm_calls: 2")
    outcome, _ = sung(MAP % (CALL % f", {on_error}", ""), Choir(a=["word"]), {"items": [3]}, folder)
    assert (outcome.status, outcome.result) == ("ok", result)


def test_a_limit_that_nobody_catches_ends_the_run_like_one_of_its_own(folder: Path) -> None:
    sub(folder, "lm_calls: 2")
    outcome, _ = sung(MAP % (CALL % "", ""), Choir(a=["word"]), {"items": [3]}, folder)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.exit) == ("AS610", Exit.LIMIT_REACHED)
    assert outcome.failure.path == "each[0]/call/again#3/say"


def test_what_a_called_agent_uses_counts_for_the_run_which_nothing_catches(folder: Path) -> None:
    sub(folder, "lm_calls: 9")
    text = "limits: {lm_calls: 3}\n" + MAP % (CALL % ", on_error: skip", ", keep_going: true")
    outcome, heard = sung(text, Choir(a=["word"]), {"items": [2, 2]}, folder)
    assert outcome.failure is not None
    assert outcome.failure.message.startswith("the limit `lm_calls: 3` is reached")
    assert len(heard.of(CallAnswered)) == 3


def test_what_a_called_agent_was_refused_does_not_count_for_the_run(folder: Path) -> None:
    sub(folder, "lm_calls: 1")
    text = "limits: {lm_calls: 3}\n" + MAP % (CALL % ", on_error: skip", "")
    outcome, heard = sung(text, Choir(a=["word"]), {"items": [2, 2, 1]}, folder)
    assert (outcome.result, len(heard.of(CallAnswered))) == ([None, None, "word"], 3)


def test_all_tries_of_an_agents_node_are_one_visit(folder: Path) -> None:
    sub(folder, "lm_calls: 3")
    answers = ["no JSON", {"n": 1}, {"n": 2}, {"n": 3}]
    text = (folder / "sub.yaml").read_text(encoding="utf-8").replace('}"}', '}", output: {n: integer}, repair: 0}')
    (folder / "sub.yaml").write_text(text, encoding="utf-8")
    retry = ", retry: {times: 1, wait: 1ms, on: [invalid]}"
    outcome, heard = sung(MAP % (CALL % retry, ""), Choir(a=answers), {"items": [2]}, folder)
    assert (outcome.result, len(heard.of(CallAnswered))) == ([{"n": 2}], 3)
    outcome, _ = sung(MAP % (CALL % retry, ""), Choir(a=answers), {"items": [3]}, folder)
    assert outcome.failure is not None
    assert outcome.failure.code == "AS610"


def test_time_that_an_agent_may_take_is_a_timeout_of_its_node(folder: Path) -> None:
    async def forever(request: Request) -> Any:
        await asyncio.sleep(3600)

    sub(folder, "wall: 50ms")
    outcome, heard = sung(MAP % (CALL % ", on_error: {value: late}", ""), Choir(a=forever), {"items": [1]}, folder)
    assert outcome.result == ["late"]
    assert [event.failure.code for event in heard.of(StepFailed)] == ["AS605"]


def test_time_that_an_agent_may_take_holds_when_a_model_calls_it(folder: Path) -> None:
    async def forever(request: Request) -> Any:
        await asyncio.sleep(3600)

    sub(folder, "wall: 50ms")
    choir = Choir(a=forever, m=[{"tool": "sub", "arguments": {"words": 1}}, {"answer": "late"}])
    text = "models: {m: say/m}\nnodes:\n  talk: {lm: m, prompt: hi, tools: ./sub.yaml, max_turns: 2}\n"
    outcome, heard = sung(text, choir, None, folder)
    assert outcome.result == "late"
    assert [event.failure.code for event in heard.of(StepFailed)] == ["AS605"]


def test_the_limits_of_an_agent_hold_inside_those_of_the_one_that_calls_it(folder: Path) -> None:
    sub(folder, "lm_calls: 2", "inner")
    (folder / "outer.yaml").write_text(
        "agentspec: 1\nname: outer\nlimits: {lm_calls: 5}\n"
        + MAP % ((CALL % ", on_error: skip").replace("sub.yaml", "inner.yaml"), ", concurrency: 1"),
        encoding="utf-8",
    )
    text = 'inputs: {items: [integer]}\nnodes:\n  o: {%s, with: {items: "${{ inputs.items }}"}}\n'
    text %= "controller: agent, spec: ./outer.yaml"
    outcome, _ = sung(text, Choir(a=["word"]), {"items": [3, 2, 1]}, folder)
    assert outcome.result == [None, "word", "word"]
    outcome, _ = sung(text, Choir(a=["word"]), {"items": [2, 2, 2]}, folder)
    assert outcome.result == ["word", "word", None]


def test_a_model_is_told_of_the_limit_of_an_agent_that_it_calls_as_a_tool(folder: Path) -> None:
    sub(folder, "lm_calls: 1")
    calls = [{"tool": "sub", "arguments": {"words": words}} for words in (2, 1)]
    choir = Choir(a=["word"], m=[*calls, {"answer": "enough"}])
    text = "models: {m: say/m}\nnodes:\n  talk: {lm: m, prompt: hi, tools: ./sub.yaml, max_turns: 3}\n"
    outcome, _ = sung(text, choir, None, folder)
    assert outcome.result == "enough"
    told = [message.content for message in choir.asked[-1][1].messages if message.content.startswith("Result")]
    refused = "The tool failed: the limit `lm_calls: 1` of the agent at `talk/sub#2` is reached, 1 are used"
    assert told[0] == f"Result:\n{refused}"
    assert told[1].startswith("Result:\nword")  # the second visit has a limit of its own


def test_the_steps_of_a_models_plan_have_the_limits_of_their_agents(folder: Path) -> None:
    sub(folder, "lm_calls: 1")
    sub(folder, "lm_calls: 3", "other")
    plans = [
        [
            {"id": "one", "tool": "other", "arguments": {"words": 2}},
            {"id": "two", "tool": "sub", "arguments": {"words": 2}},
        ],
        [{"id": "two", "tool": "other", "arguments": {"words": 2}}],
    ]
    choir = Choir(a=["word"], m=[{"steps": plan} for plan in plans])
    text = (
        "models: {m: say/m}\nnodes:\n"
        "  work: {controller: plan, lm: m, goal: Go., tools: [./sub.yaml, ./other.yaml], max_steps: 3, replan: 1}\n"
    )
    outcome, heard = sung(text, choir, None, folder)
    assert (outcome.status, outcome.result["last"]) == ("ok", "word")
    refused = [event.failure for event in heard.of(StepFailed) if event.failure.code == "AS610"]
    assert ["of the agent at `work/steps#2/two`" in failure.message for failure in refused] == [True]


def test_budgets_of_an_agent_without_limits_are_those_of_the_run(folder: Path) -> None:
    sub(folder, "")
    plan = compiled(
        "limits: {tokens: 5}\nnodes: {c: {controller: agent, spec: ./sub.yaml, with: {words: 1}}}", Choir(a=[]), folder
    )
    budgets = Budgets(plan)
    budgets.before_call("c/again#1/say")
    budgets.after_call("c/again#1/say", Usage(2, 3, usd=0.0))
    assert (budgets.run.lm_calls, budgets.run.tokens) == (1, 5)
